//! The settings file as it is rewritten: encrypted values in place, everything else as it was.

use super::sealed::MARK;
use crate::settings;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tillmart_model::{Fault, FaultKind, Result};
use toml_edit::{Document, DocumentMut, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

/// A settings file and the changes made to it.
pub(crate) struct SettingsFile {
    /// Where it is, as the person knows it.
    pub(crate) path: PathBuf,
    read: Zeroizing<String>,
    document: DocumentMut,
}

/// An encrypted value in the file.
pub(crate) struct Stood {
    /// Keys from the top of the file: `env`, `prod`, `database`, `password`.
    pub(crate) keys: Vec<String>,
    /// The value.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: u64,
}

impl Stood {
    /// The setting that it is the value of: the keys without the environment.
    pub(crate) fn setting(&self) -> String {
        let own = match self.keys.first() {
            Some(first) if first == "env" => self.keys.get(2..).unwrap_or_default(),
            _ => &self.keys,
        };
        own.join(".")
    }
}

impl SettingsFile {
    /// Reads a project's settings file.
    ///
    /// # Errors
    /// `Settings` when there is none, or it is no TOML.
    pub(crate) fn open(project: &Path) -> Result<SettingsFile> {
        let path = project.join(settings::FILE_NAME);
        let read = settings::read_file(&path)?;
        let document = Document::parse(read.as_str())
            .map_err(|error| settings::syntax_fault(&path.display().to_string(), &read, &error))?
            .into_mut();
        Ok(SettingsFile { path, read, document })
    }

    /// Every encrypted value, in the order of the file.
    pub(crate) fn encrypted(&self) -> Vec<Stood> {
        let mut stood = Vec::new();
        // The document that can be changed has lost the places of its values.
        if let Ok(document) = Document::parse(self.read.as_str()) {
            walk(document.as_table(), &mut Vec::new(), &mut |keys, item| {
                let Some(text) = item.as_str().filter(|text| text.starts_with(MARK)) else { return };
                let start = item.span().map_or(0, |span| span.start);
                let line = self.read.get(..start).unwrap_or_default().matches('\n').count() as u64 + 1;
                stood.push(Stood { keys: keys.to_vec(), text: text.to_owned(), line });
            });
        }
        stood.sort_by_key(|stood| stood.line);
        stood
    }

    /// Puts a value in place, with the tables it needs. Comments and order stay.
    ///
    /// # Errors
    /// `Settings` when one of the keys is something else than a table.
    pub(crate) fn set(&mut self, keys: &[String], text: &str) -> Result<()> {
        let Some((last, tables)) = keys.split_last() else { return Ok(()) };
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for (depth, key) in tables.iter().enumerate() {
            let item = table.entry(key).or_insert_with(|| {
                let mut made = Table::new();
                made.set_implicit(depth + 1 < tables.len());
                Item::Table(made)
            });
            table = item.as_table_like_mut().ok_or_else(|| {
                Fault::new(FaultKind::Settings, format!("`{}` is wrong", keys[..=depth].join(".")))
                    .at(self.path.display().to_string())
                    .expected("a table")
            })?;
        }
        match table.get_mut(last).and_then(Item::as_value_mut) {
            Some(value) => {
                let decor = value.decor().clone();
                *value = Value::from(text);
                *value.decor_mut() = decor;
            }
            None => {
                table.insert(last, Item::Value(Value::from(text)));
            }
        }
        Ok(())
    }

    /// Writes the file anew: beside, onto the disk, and then in one step into its place, with the mode and owner it had.
    /// Whoever reads it sees the old one or the new one.
    ///
    /// # Errors
    /// `Settings` when it cannot be written, or was changed since it was read: then it is as it was. Or when it was
    /// replaced, but the disk did not confirm that: the fault says so.
    pub(crate) fn write(&self) -> Result<()> {
        self.write_and(sync_folder)
    }

    /// Writes the file, and has its new place in the folder settled.
    fn write_and(&self, settle: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
        let place = self.path.display().to_string();
        let fault = |error: std::io::Error| {
            Fault::new(FaultKind::Settings, "cannot write the settings file; it is as it was").at(&place).found(error)
        };
        // Through a link: the link stays one.
        let path = self.path.canonicalize().map_err(fault)?;
        if settings::read_file(&path)? != self.read {
            return Err(Fault::new(
                FaultKind::Settings,
                "the settings file was changed meanwhile; it is left as it is",
            )
            .at(&place)
            .hint("do it again"));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
        let done = replace(&path, &beside, self.document.to_string().as_bytes());
        if done.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        done.map_err(fault)?;
        settle(&path).map_err(|error| {
            Fault::new(FaultKind::Settings, "the settings file was replaced, but the disk did not confirm it")
                .at(&place)
                .found(error)
                .hint(
                    "after a rotation keep the new master key: the values are encrypted with it now. Keep the old one too, \
                     until the disk is in order",
                )
        })
    }
}

/// Up to the one step that replaces the file: where it fails, the file is as it was.
fn replace(path: &Path, beside: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let old = std::fs::metadata(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(bytes)?;
    let made = file.metadata()?;
    keep_owner((old.uid(), old.gid()), (made.uid(), made.gid()), |owner, group| {
        std::os::unix::fs::fchown(&file, owner, group)
    })?;
    file.set_permissions(old.permissions())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}

/// Gives a file the owner and group (in this order) that it shall have, as far as they differ. With other ones the old
/// file's mode would let others read it, or keep those from it who need it: so where it cannot be done it is an error.
fn keep_owner(
    old: (u32, u32),
    made: (u32, u32),
    give: impl FnOnce(Option<u32>, Option<u32>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (owner, group) = ((old.0 != made.0).then_some(old.0), (old.1 != made.1).then_some(old.1));
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    give(owner, group).map_err(|error| {
        std::io::Error::new(
            error.kind(),
            format!("its owner ({}) and group ({}) cannot be kept: {error}", old.0, old.1),
        )
    })
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) => where_it_can(File::open(folder)?.sync_all()),
        None => Ok(()),
    }
}

/// Some file systems cannot sync a folder: there is nothing to be had from them, and nothing wrong.
fn where_it_can(synced: std::io::Result<()>) -> std::io::Result<()> {
    synced.or_else(|error| match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    })
}

fn walk(table: &dyn TableLike, keys: &mut Vec<String>, each: &mut dyn FnMut(&[String], &Item)) {
    for (name, item) in table.iter() {
        keys.push(name.to_owned());
        match item.as_table_like() {
            Some(table) => walk(table, keys, each),
            None => each(keys, item),
        }
        keys.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn keys(path: &str) -> Vec<String> {
        path.split('.').map(str::to_owned).collect()
    }

    fn project(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(settings::FILE_NAME), text).unwrap();
        folder
    }

    const BEFORE: &str = "# ours\n[database]   # the shop's\nurl = 'mysql://h/d'\npassword = \"enc:old\" # since May\n\n\
                          [env.prod]\nstorage = { session_token = 'enc:two', region = \"x\" }\n";

    #[test]
    fn a_value_is_replaced_and_all_else_stays() {
        let folder = project(BEFORE);
        let path = folder.path().join(settings::FILE_NAME);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let mut file = SettingsFile::open(folder.path()).unwrap();
        let stood = file.encrypted();
        let told: Vec<_> = stood.iter().map(|one| (one.keys.join("."), one.setting(), one.line)).collect();
        let told: Vec<_> = told.iter().map(|(keys, setting, line)| (keys.as_str(), setting.as_str(), *line)).collect();
        assert_eq!(
            told,
            [
                ("database.password", "database.password", 4),
                ("env.prod.storage.session_token", "storage.session_token", 7)
            ]
        );
        file.set(&keys("database.password"), "enc:new").unwrap();
        file.set(&keys("env.prod.storage.session_token"), "enc:2").unwrap();
        file.set(&keys("env.prod.database.password"), "enc:3").unwrap();
        file.set(&keys("storage.secret_access_key"), "enc:4").unwrap();
        file.write().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = BEFORE.replace("\"enc:old\"", "\"enc:new\"").replace("'enc:two'", "\"enc:2\"");
        assert_eq!(
            text,
            format!(
                "{changed}\n[env.prod.database]\npassword = \"enc:3\"\n\n[storage]\nsecret_access_key = \"enc:4\"\n"
            )
        );
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    /// What was replaced must not be told as "as it was": somebody would throw the new key away.
    #[test]
    fn a_failure_behind_the_replacement_says_that_it_was_replaced() {
        let folder = project(BEFORE);
        let mut file = SettingsFile::open(folder.path()).unwrap();
        file.set(&keys("database.password"), "enc:new").unwrap();
        let fault = file.write_and(|_| Err(std::io::Error::other("no disk"))).unwrap_err();
        assert!(
            fault.what.contains("was replaced") && fault.to_string().contains("keep the new master key"),
            "{fault}"
        );
        let text = std::fs::read_to_string(folder.path().join(settings::FILE_NAME)).unwrap();
        assert!(text.contains("enc:new"), "{text}");
        for tolerated in [ErrorKind::InvalidInput, ErrorKind::Unsupported] {
            where_it_can(Err(tolerated.into())).unwrap();
        }
        assert!(where_it_can(Err(ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn owner_and_group_are_kept_or_the_file_is_left() {
        let asked = |old, made| {
            let mut asked = None;
            keep_owner(old, made, |owner, group| {
                asked = Some((owner, group));
                Ok(())
            })
            .unwrap();
            asked
        };
        assert_eq!(asked((1, 2), (1, 2)), None);
        assert_eq!(asked((1, 2), (1, 3)), Some((None, Some(2))), "the group alone, which its members may");
        assert_eq!(asked((1, 2), (3, 4)), Some((Some(1), Some(2))));
        let refused = keep_owner((1, 2), (3, 2), |_, _| Err(ErrorKind::PermissionDenied.into())).unwrap_err();
        assert!(refused.to_string().contains("cannot be kept"), "{refused}");

        let folder = project(BEFORE);
        let path = folder.path().join(settings::FILE_NAME);
        // For root the file is another's now; for anybody else it stays their own. Either way it is kept.
        let _ = std::os::unix::fs::chown(&path, Some(4_321), Some(4_321));
        let owner = || std::fs::metadata(&path).map(|file| (file.uid(), file.gid())).unwrap();
        let before = owner();
        let mut file = SettingsFile::open(folder.path()).unwrap();
        file.set(&keys("database.password"), "enc:new").unwrap();
        file.write().unwrap();
        assert_eq!(owner(), before);
    }

    #[test]
    fn a_link_stays_a_link() {
        let (real, folder) = (project(BEFORE), tempfile::tempdir().unwrap());
        let link = folder.path().join(settings::FILE_NAME);
        std::os::unix::fs::symlink(real.path().join(settings::FILE_NAME), &link).unwrap();
        let mut file = SettingsFile::open(folder.path()).unwrap();
        file.set(&keys("database.password"), "enc:new").unwrap();
        file.write().unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(std::fs::read_to_string(real.path().join(settings::FILE_NAME)).unwrap().contains("enc:new"));
    }

    #[test]
    fn what_somebody_changed_meanwhile_is_not_overwritten() {
        let folder = project(BEFORE);
        let mut file = SettingsFile::open(folder.path()).unwrap();
        file.set(&keys("database.password"), "enc:new").unwrap();
        std::fs::write(folder.path().join(settings::FILE_NAME), "# another's\n").unwrap();
        assert!(file.write().unwrap_err().what.contains("changed meanwhile"));
        assert_eq!(std::fs::read_to_string(folder.path().join(settings::FILE_NAME)).unwrap(), "# another's\n");
        assert!(file.set(&keys("database.password.more"), "x").is_err(), "no table");
    }
}
