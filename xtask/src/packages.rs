//! Programs that tasks start, from Debian's packages.

use crate::Outcome;
use crate::machine::shown;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Keeps Debian's packages from starting the servers they bring: the tests start private ones.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Makes sure that every program is there, each named with the package that brings it: installs what is missing on Debian as
/// root, or says the command that does. `reason` tells a person what they are for.
pub(crate) fn ensure(programs: &[(&str, &'static str)], reason: &str) -> Outcome {
    let missing = missing(programs);
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !has_apt() {
        return Err(format!(
            "{reason}, and something of them is not installed. On Debian it is the packages {}; here, install what they \
             bring so that its programs are on the PATH, and run this again",
            missing.join(", ")
        ));
    }
    if !is_root() {
        return Err(format!(
            "{reason}, and something of them is not installed. Run this once, then the task again:\n\n  \
             sudo apt-get update && sudo {install}\n"
        ));
    }
    println!("installing, because {reason}: {}", missing.join(" "));
    let guard = Guard::put()?;
    shown(apt(&["update"]))?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(missing);
    shown(apt(&arguments))?;
    drop(guard);
    match self::missing(programs) {
        rest if rest.is_empty() => Ok(()),
        rest => Err(format!("`{install}` went well, and still there is no program of: {}", rest.join(", "))),
    }
}

/// Packages of programs that are not there, each once.
fn missing(programs: &[(&str, &'static str)]) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for (program, package) in programs {
        if !is_there(program) && !packages.contains(package) {
            packages.push(*package);
        }
    }
    packages
}

/// Whether a program is on the `PATH`, or where Debian keeps servers.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).any(|file| file.is_file())
}

fn has_apt() -> bool {
    is_there("apt-get") && Path::new("/etc/debian_version").is_file()
}

/// Whether this user may install: the owner of its own process is user 0.
fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}

/// The policy that no service is started, taken away again when this is dropped. A machine's own policy is left as it is.
struct Guard {
    ours: bool,
}

impl Guard {
    fn put() -> Outcome<Guard> {
        if Path::new(POLICY).exists() {
            return Ok(Guard { ours: false });
        }
        let written = std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").and_then(|()| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(POLICY, std::fs::Permissions::from_mode(0o755))
        });
        written.map(|()| Guard { ours: true }).map_err(|error| format!("cannot write {POLICY}: {error}"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(POLICY);
        }
    }
}
