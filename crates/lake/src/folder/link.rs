//! A file that is to lie elsewhere on the same file system gets a second name there: no byte of it is read or written.

use super::etag;
use super::staged::{is_part_of, make_folders, staging_start, sync_folder};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What came of a second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// The claimed version has it.
    Done,
    /// Other bytes lie at the source by now; nothing has the name.
    Changed,
    /// There can be none here: copy the bytes.
    Impossible,
}

/// Gives the version of the source with this ETag the name `target` as well, once its bytes are on the disk. A name that the version
/// has already is recognised, whether the source is still there or not; a name that something else has is left alone. The new
/// name itself outlives a power cut after [`sync_names`].
pub(crate) fn link(source: &Path, claimed: &str, target: &Path) -> std::io::Result<Linked> {
    if version_at(target)?.as_deref() == Some(claimed) {
        return Ok(Linked::Done);
    }
    let metadata = match std::fs::symlink_metadata(source) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Linked::Impossible),
        metadata => metadata?,
    };
    // A link to a file is not the file; and a file of several names may be written by whoever has the others.
    if !metadata.is_file() || names_of(&metadata) != 1 {
        return Ok(Linked::Impossible);
    }
    if etag(&metadata) != claimed {
        return Ok(Linked::Changed);
    }
    if File::open(source).and_then(|file| file.sync_all()).is_err() || !is_named(source, target)? {
        // No such right, no such file system, or no such room for the name: whatever it is, a copy will tell.
        return Ok(Linked::Impossible);
    }
    if version_at(target)?.as_deref() == Some(claimed) {
        return Ok(Linked::Done);
    }
    // A new delivery came in between. It keeps its first name.
    std::fs::remove_file(target)?;
    Ok(Linked::Changed)
}

fn is_named(source: &Path, target: &Path) -> std::io::Result<bool> {
    match std::fs::hard_link(source, target) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = make_folders(target.parent().unwrap_or(target));
            Ok(made.and_then(|()| std::fs::hard_link(source, target)).is_ok())
        }
        linked => Ok(linked.is_ok()),
    }
}

fn version_at(file: &Path) -> std::io::Result<Option<String>> {
    match std::fs::symlink_metadata(file) {
        Ok(metadata) => Ok(metadata.is_file().then(|| etag(&metadata))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        // A name that is too long, say: no version has it.
        Err(error) if error.kind() == ErrorKind::InvalidFilename => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn names_of(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

/// Where names cannot be counted, and versions are told apart by less, bytes are copied.
#[cfg(not(unix))]
fn names_of(_: &std::fs::Metadata) -> u64 {
    0
}

/// Brings the names of these files to the disk, folder by folder.
pub(crate) fn sync_names(files: &[PathBuf]) -> std::io::Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        if folders.insert(file.parent()) {
            sync_folder(file)?;
        }
    }
    Ok(())
}

/// Removes what writers that died have left of these objects, with one look into each folder.
pub(crate) fn remove_stale(targets: &[PathBuf]) -> std::io::Result<()> {
    let mut folders: BTreeMap<&Path, BTreeSet<String>> = BTreeMap::new();
    for target in targets {
        folders.entry(target.parent().unwrap_or(target)).or_default().insert(staging_start(target));
    }
    for (folder, starts) in folders {
        super::staged::remove(folder, &|name, _| is_part_of(name).is_some_and(|start| starts.contains(start)))?;
    }
    Ok(())
}
