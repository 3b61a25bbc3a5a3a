//! The last net: every secret that this process has seen, so that no line it prints shows one.
//!
//! Nothing should ever bring a secret into a message. This is for the day when a client's error, a panic or a mistake does.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tillmart_model::{Fault, Place, Secret};

/// What stands in the place of a secret.
pub(crate) const INSTEAD: &str = "[secret]";

/// Talk and errors are scrubbed of secrets of this many bytes; a shorter one would make every message unreadable.
const IN_TALK: usize = 4;
/// Data is scrubbed of secrets of this many bytes: a password `2024` must not change the year of every sale.
const IN_DATA: usize = 12;

/// Longest first, so that a secret within another does not leave the rest of it.
static KNOWN: Mutex<Vec<Secret>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<Secret>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a secret into the register, in each form that a message may hold it.
pub(crate) fn remember(secret: &Secret) {
    let mut known = known();
    for form in forms(secret.reveal()) {
        if form.reveal().len() >= IN_TALK && !known.contains(&form) {
            known.push(form);
        }
    }
    known.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
}

/// Takes in what the providers' own credential chains may find in this process's variables.
pub(crate) fn remember_variables() {
    let is_theirs = |name: &str| ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|prefix| name.starts_with(prefix));
    let is_secret = |name: &str| ["SECRET", "TOKEN", "PASSWORD", "_KEY"].iter().any(|word| name.contains(word));
    // An id or the name of a file is needed to find a mistake.
    let is_name = |name: &str| ["_ID", "_FILE", "_PATH", "_URI"].iter().any(|end| name.ends_with(end));
    for (name, value) in std::env::vars_os() {
        let (name, value) = (name.to_string_lossy().to_uppercase(), value.to_string_lossy());
        if is_theirs(&name) && is_secret(&name) && !is_name(&name) {
            remember(&Secret::new(value));
        }
    }
}

/// Empties the register; its memory is zeroed.
pub(crate) fn forget() {
    known().clear();
}

/// Talk without secrets.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    scrub_of(text, IN_TALK)
}

/// Data without secrets that are long enough not to occur by chance.
pub(crate) fn scrub_data(text: &str) -> Cow<'_, str> {
    scrub_of(text, IN_DATA)
}

/// A fault without secrets, with all that travel with it.
pub(crate) fn scrub_fault(fault: &Fault) -> Fault {
    let owned = |text: &String| scrub(text).into_owned();
    Fault {
        kind: fault.kind,
        what: owned(&fault.what),
        place: fault.place.as_ref().map(|place| Place { file: owned(&place.file), ..place.clone() }),
        expected: fault.expected.as_ref().map(owned),
        found: fault.found.as_ref().map(owned),
        hint: fault.hint.as_ref().map(owned),
        others: fault.others.iter().map(scrub_fault).collect(),
    }
}

fn scrub_of(text: &str, least: usize) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    for secret in known().iter().filter(|secret| secret.reveal().len() >= least) {
        if clean.contains(secret.reveal()) {
            clean = Cow::Owned(clean.replace(secret.reveal(), INSTEAD));
        }
    }
    clean
}

/// As it is, as a Rust or JSON string shows it, and as a URL holds it.
fn forms(value: &str) -> [Secret; 4] {
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut url = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    [
        Secret::new(value),
        Secret::new(value.escape_debug().to_string()),
        Secret::new(json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default()),
        Secret::new(url),
    ]
}

/// Every known secret in one text, for the test that tries to make the panic hook print them.
#[cfg(debug_assertions)]
pub(crate) fn all_of_them() -> String {
    known().iter().map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillmart_model::FaultKind;

    /// One test, because the register is one for the process.
    #[test]
    fn known_secrets_are_scrubbed_in_every_form() {
        for secret in ["c4nary/with+signs\"and\\more=", "abc", "2024x"] {
            remember(&Secret::new(secret));
        }
        let url = "https://host/key?X-Amz-Credential=c4nary%2Fwith%2Bsigns%22and%5Cmore%3D&x=1";
        assert_eq!(scrub(url), "https://host/key?X-Amz-Credential=[secret]&x=1");
        assert_eq!(scrub("as is: c4nary/with+signs\"and\\more=."), "as is: [secret].");
        assert_eq!(scrub(&format!("{:?}", "c4nary/with+signs\"and\\more=")), "\"[secret]\"");
        assert_eq!(scrub("too short to scrub: abc"), "too short to scrub: abc");
        assert_eq!(scrub("2024x"), INSTEAD);
        assert_eq!(scrub_data("2024x"), "2024x", "data is not changed for a word that may be a word");
        assert_eq!(scrub_data("c4nary/with+signs\"and\\more="), INSTEAD);
        let fault = Fault::new(FaultKind::Store, "a 2024x").at("b 2024x").expected("c 2024x").found("d 2024x");
        let mut fault = fault.hint("e 2024x");
        fault.others.push(Fault::new(FaultKind::Store, "f 2024x"));
        assert_eq!(format!("{:?}", scrub_fault(&fault)).matches("2024x").count(), 0);
        forget();
        assert_eq!(scrub("2024x"), "2024x");
    }
}
