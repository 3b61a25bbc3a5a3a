//! What was typed, kept in the user's state folder for the next time.
//!
//! It is the user's own file (mode 0600). What this process knows to be a secret never gets into it, nor does a line that begins
//! with a blank.

use crate::secrets::known;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Lines that are kept.
pub(super) const LINES_MAX: usize = 1_000;

/// Where it is: `$XDG_STATE_HOME/tillmart/query_history`, else below `~/.local/state`. `None` where there is no home, or
/// the folder cannot be made.
pub(super) fn file() -> Option<PathBuf> {
    let folder = folder(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"))?;
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    Some(folder.join("query_history"))
}

/// A path that is not absolute is none, as the XDG rules say.
fn folder(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |folder: OsString| Some(PathBuf::from(folder)).filter(|folder| folder.is_absolute());
    let state = state.and_then(absolute);
    let state = state.or_else(|| home.and_then(absolute).map(|home| home.join(".local/state")))?;
    Some(Path::new(&state).join("tillmart"))
}

/// What is kept of a line; `None` for one that is not.
pub(super) fn kept(line: &str) -> Option<String> {
    let is_kept = !line.starts_with(char::is_whitespace) && !line.is_empty();
    is_kept.then(|| known::scrub(line.trim_end()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_the_users() {
        let of = |state: Option<&str>, home: Option<&str>| folder(state.map(OsString::from), home.map(OsString::from));
        assert_eq!(of(Some("/s"), Some("/h")), Some(PathBuf::from("/s/tillmart")));
        assert_eq!(of(None, Some("/h")), Some(PathBuf::from("/h/.local/state/tillmart")));
        assert_eq!(of(Some("relative"), Some("/h")), Some(PathBuf::from("/h/.local/state/tillmart")));
        assert_eq!(of(Some(""), None), None);
    }

    #[test]
    fn a_blank_keeps_a_line_out() {
        assert_eq!(kept("SELECT 1;\n").as_deref(), Some("SELECT 1;"));
        assert_eq!(kept(" SELECT 1;"), None);
        assert_eq!(kept(""), None);
    }
}
