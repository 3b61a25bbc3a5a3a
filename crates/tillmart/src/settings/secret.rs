//! Settings that are secrets: what may stand in the place of the value, and how the value comes from it.

use super::values::{Complaint, Raw, Read};
use crate::secrets::master::without_newline;
use crate::secrets::{Keyring, Sealed, known, sealed};
use std::path::{Path, PathBuf};
use tillmart_model::{Fault, FaultKind, Result, Secret};
use zeroize::Zeroizing;

/// What names a file that holds the value.
const FILE_MARK: &str = "file:";

/// What stands in the place of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretText {
    /// Nothing, or a blank text.
    Unset,
    /// The value itself.
    Clear(Secret),
    /// The value, encrypted.
    Sealed(Sealed),
    /// The file that holds it: relative to the project, or absolute.
    File(PathBuf),
}

/// Reads what stands in the place of a secret. The value is not repeated in a complaint.
pub(super) fn read(raw: &Raw) -> Read<SecretText> {
    let text = match raw {
        Raw::Secret(Some(secret)) => secret.reveal(),
        // The default of the register.
        Raw::Text(text) if text.is_empty() => "",
        _ => return Err(Complaint::new("a text: \"enc:v1:…\", \"file:PATH\", or the value itself")),
    };
    of_text(text)
}

fn of_text(text: &str) -> Read<SecretText> {
    if text.trim().is_empty() {
        return Ok(SecretText::Unset);
    }
    if text.starts_with(sealed::MARK) {
        return Sealed::parse(text).map(SecretText::Sealed).ok_or_else(|| {
            let mut complaint = Complaint::new("a whole value \"enc:v1:…\" as `tillmart secrets encrypt` prints it");
            complaint.hint = Some("restore the line, or encrypt the value anew; a clear text that begins like this goes into a file: \"file:PATH\"".to_owned());
            complaint
        });
    }
    match text.strip_prefix(FILE_MARK) {
        Some(path) if path.trim().is_empty() => Err(Complaint::new("a path behind \"file:\"")),
        Some(path) => Ok(SecretText::File(PathBuf::from(path))),
        None => Ok(SecretText::Clear(Secret::new(text))),
    }
}

/// A value that was refused, as it is told back: a URL may hold a credential by mistake.
pub(super) fn told_back(path: &str, raw: &Raw) -> String {
    let shown = raw.show();
    if !matches!(path, "database.url" | "storage.root" | "storage.endpoint") {
        return shown;
    }
    match shown.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…\" (the rest may hold a credential)"),
        None if shown.contains('@') => "a text with @ (not repeated: it may hold a credential)".to_owned(),
        None => shown,
    }
}

impl SecretText {
    /// What it is in words, for people who look at settings.
    pub(crate) fn describe(&self) -> String {
        match self {
            SecretText::Unset => "not set".to_owned(),
            SecretText::Clear(_) => "set".to_owned(),
            SecretText::Sealed(_) => "encrypted".to_owned(),
            SecretText::File(path) => format!("in the file {}", path.display()),
        }
    }

    /// The value, taken into the register of known secrets.
    ///
    /// # Errors
    /// `Settings`, without a place: it does not decrypt, or its file cannot be read or holds nothing.
    pub(crate) fn resolve(&self, setting: &str, project: &Path, keys: &mut Keyring) -> Result<Option<Secret>> {
        match self {
            SecretText::Unset => Ok(None),
            SecretText::Clear(secret) => {
                known::remember(secret);
                Ok(Some(secret.clone()))
            }
            SecretText::Sealed(sealed) => keys.open(sealed, setting).map(Some),
            SecretText::File(path) => {
                let path = project.join(path);
                let wrong = |found: String| {
                    Fault::new(FaultKind::Settings, format!("`{setting}` cannot be read"))
                        .expected(format!("a file with the secret: {}", path.display()))
                        .found(found)
                        .hint("put the secret there, or correct the path behind \"file:\"")
                };
                let text =
                    std::fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| wrong(error.to_string()))?;
                match of_text(without_newline(&text)) {
                    Ok(SecretText::Unset) => Err(wrong("a blank file".to_owned())),
                    Ok(SecretText::Sealed(sealed)) => keys.open(&sealed, setting).map(Some),
                    // A file may hold a value that begins like another form: it is the value.
                    _ => {
                        let secret = Secret::new(without_newline(&text));
                        known::remember(&secret);
                        Ok(Some(secret))
                    }
                }
            }
        }
    }
}
