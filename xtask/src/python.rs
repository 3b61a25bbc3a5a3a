//! Python environments with pinned packages, below the target folder.

use crate::Outcome;
use crate::machine::{root, shown, target};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A Python with the packages that `pins`, a file of the repository, names; made once as the folder `name` below the target folder, and
/// anew when the pins change.
pub(crate) fn environment(pins: &str, name: &str) -> Outcome<PathBuf> {
    let pins = root().join(pins);
    let wanted = fs::read_to_string(&pins).map_err(|error| format!("cannot read {}: {error}", pins.display()))?;
    let folder = target().join(name);
    let (python, made) = (folder.join("bin/python"), folder.join("made-from.txt"));
    if fs::read_to_string(&made).is_ok_and(|pins| pins == wanted) {
        return Ok(python);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    shown(venv)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&pins);
    shown(install)?;
    fs::write(&made, wanted).map_err(|error| format!("cannot write {}: {error}", made.display()))?;
    Ok(python)
}
