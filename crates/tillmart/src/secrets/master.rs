//! The master key: out of a variable, a file or a prompt, and never out of an argument, which every user of the machine
//! can read.

use super::known;
use super::sealed::KEY_BYTES;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tillmart_model::{Fault, FaultKind, Result, Secret};
use zeroize::{Zeroize, Zeroizing};

/// What a random key begins with, in a key file or a variable; anything else is a passphrase.
const KEY_MARK: &str = "tillmart-key:v1:";
/// Least letters of a passphrase that values are encrypted with. What is opened may have had fewer.
pub(crate) const PASSPHRASE_LETTERS: usize = 12;

/// Which master key is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that opens what stands in the settings.
    Current,
    /// The one that `rotate` goes over to.
    New,
}

/// A master key, and where it came from in words.
pub(crate) struct MasterKey {
    pub(crate) material: Material,
    pub(crate) from: String,
    /// Whether a person has just typed it, and may have mistyped it.
    pub(crate) typed: bool,
    /// The mode of its file, where others than its owner may read it.
    pub(crate) open_to: Option<u32>,
}

/// What a master key is made of.
pub(crate) enum Material {
    /// 32 random bytes, as `secrets key` writes them.
    Random(Zeroizing<[u8; KEY_BYTES]>),
    /// What a person can remember.
    Passphrase(Secret),
}

impl Which {
    /// The variable that holds the key.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Which::Current => "TILLMART_MASTER_KEY",
            Which::New => "TILLMART_NEW_MASTER_KEY",
        }
    }

    /// The variable that names a file with it.
    pub(crate) const fn file_variable(self) -> &'static str {
        match self {
            Which::Current => "TILLMART_MASTER_KEY_FILE",
            Which::New => "TILLMART_NEW_MASTER_KEY_FILE",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Which::Current => "master key",
            Which::New => "new master key",
        }
    }
}

impl MasterKey {
    /// Looks for it: variable, file, prompt.
    ///
    /// # Errors
    /// `Settings` when there is none, both variables are set, the file cannot be read, or it holds nothing.
    pub(crate) fn find(which: Which) -> Result<MasterKey> {
        let (name, file_name) = (which.variable(), which.file_variable());
        let variable = std::env::var_os(name).filter(|value| !value.is_empty());
        let file = std::env::var_os(file_name).filter(|value| !value.is_empty());
        match (variable, file) {
            (Some(_), Some(_)) => Err(Fault::new(FaultKind::Settings, format!("two {}s", which.word()))
                .expected(format!("one of the variables {name} and {file_name}"))
                .found("both")),
            (Some(text), None) => match text.into_string() {
                Ok(text) => MasterKey::parse(Zeroizing::new(text), name.to_owned()),
                Err(_) => Err(Fault::new(FaultKind::Settings, format!("the {} is no UTF-8 text", which.word()))
                    .at(format!("variable {name}"))),
            },
            (None, Some(path)) => {
                let path = std::path::PathBuf::from(path);
                let read = std::fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| {
                    Fault::new(FaultKind::Settings, format!("cannot read the {}", which.word()))
                        .at(path.display().to_string())
                        .expected("a key file as `tillmart secrets key FILE` makes it, or a passphrase")
                        .found(error)
                        .hint(format!("{file_name} names it"))
                })?;
                let key = MasterKey::parse(read, format!("{} ({file_name})", path.display()))?;
                Ok(MasterKey { open_to: others_may_read(&path), ..key })
            }
            (None, None) => MasterKey::ask(which),
        }
    }

    fn ask(which: Which) -> Result<MasterKey> {
        // Talk that goes to a pipe or a log has nobody who could answer.
        if !std::io::stderr().is_terminal() {
            return Err(Fault::new(FaultKind::Settings, format!("no {}", which.word()))
                .expected(format!("a passphrase in {}, or a file of it in {}", which.variable(), which.file_variable()))
                .found("neither, and no terminal to ask on")
                .hint("`tillmart secrets key FILE` makes a random key file"));
        }
        let typed = prompt(&format!("{}: ", which.word()))?;
        let mut key = MasterKey::parse(typed, "the prompt".to_owned())?;
        key.typed = true;
        Ok(key)
    }

    fn parse(text: Zeroizing<String>, from: String) -> Result<MasterKey> {
        let text = without_newline(&text);
        known::remember(&Secret::new(text));
        let material = match text.trim().strip_prefix(KEY_MARK) {
            Some(key) => {
                known::remember(&Secret::new(key));
                Material::Random(random_bytes(key).ok_or_else(|| {
                    Fault::new(FaultKind::Settings, "the master key is no whole key")
                        .at(from.clone())
                        .expected("a key as `tillmart secrets key FILE` makes it")
                        .found("a text that begins like one")
                        .hint("restore the file from its backup")
                })?)
            }
            None if text.trim().is_empty() => {
                return Err(Fault::new(FaultKind::Settings, "the master key is blank").at(from));
            }
            None => Material::Passphrase(Secret::new(text)),
        };
        Ok(MasterKey { material, from, typed: false, open_to: None })
    }

    /// Refuses what is too short to protect what it seals.
    ///
    /// # Errors
    /// `Settings` for a passphrase of fewer than [`PASSPHRASE_LETTERS`].
    pub(crate) fn strong_enough(&self) -> Result<()> {
        match &self.material {
            Material::Passphrase(text) if text.reveal().chars().count() < PASSPHRASE_LETTERS => {
                Err(Fault::new(FaultKind::Settings, "the master key is too short to encrypt with")
                    .at(self.from.clone())
                    .expected(format!("a passphrase of at least {PASSPHRASE_LETTERS} letters, or a key file"))
                    .found(format!("{} letters", text.reveal().chars().count()))
                    .hint("`tillmart secrets key FILE` makes a random key file"))
            }
            _ => Ok(()),
        }
    }
}

/// A new random key as the text of a key file.
///
/// # Errors
/// `Settings` when the machine gives no random bytes.
pub(crate) fn new_key() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
    aws_lc_rs::rand::fill(bytes.as_mut())
        .map_err(|_| Fault::new(FaultKind::Settings, "the machine gives no random bytes"))?;
    let mut key = BASE64.encode(bytes.as_ref());
    let text = Zeroizing::new(format!("{KEY_MARK}{key}\n"));
    key.zeroize();
    Ok(text)
}

/// Asks on the terminal, without showing what is typed.
///
/// # Errors
/// `Settings` when the terminal does not answer.
pub(crate) fn prompt(question: &str) -> Result<Zeroizing<String>> {
    rpassword::prompt_password(question)
        .map(Zeroizing::new)
        .map_err(|error| Fault::new(FaultKind::Settings, "cannot ask on this terminal").found(error))
}

/// A file or a pipe ends with a line break that is no part of the secret.
pub(crate) fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn others_may_read(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

fn random_bytes(key: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let decoded = Zeroizing::new(BASE64.decode(key).ok()?);
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    (decoded.len() == KEY_BYTES).then(|| {
        bytes.copy_from_slice(&decoded);
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MasterKey> {
        MasterKey::parse(Zeroizing::new(text.to_owned()), "here".to_owned())
    }

    #[test]
    fn a_key_file_is_a_key_and_anything_else_a_passphrase() {
        let text = new_key().unwrap();
        assert_ne!(*text, *new_key().unwrap());
        let key = parse(&text).unwrap();
        assert!(matches!(key.material, Material::Random(_)));
        key.strong_enough().unwrap();
        let passphrase = parse("correct horse battery \r\n").unwrap();
        let Material::Passphrase(secret) = &passphrase.material else { panic!("a passphrase") };
        assert_eq!(secret.reveal(), "correct horse battery ", "blanks belong to it, the line break does not");
        passphrase.strong_enough().unwrap();
        assert!(parse("too short").unwrap().strong_enough().is_err());
        for wrong in ["", " \n", "tillmart-key:v1:", "tillmart-key:v1:AAAA", &text[..text.len() - 4]] {
            let fault = parse(wrong).err().expect("refused").to_string();
            assert!(wrong.len() < 20 || !fault.contains(&wrong[16..]), "{fault}");
        }
    }
}
