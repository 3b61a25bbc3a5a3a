//! Server processes: found, started, waited for, and stopped again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server process, killed and reaped when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts a server in the foreground of a process of its own; what it prints goes to `log`.
    ///
    /// # Errors
    /// A sentence that names the program when it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Running, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let out = std::fs::OpenOptions::new().create(true).append(true).open(log);
        let out = out.map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let err = out.try_clone().map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Ok(Running { child: child.map_err(|error| format!("cannot start {program}: {error}"))? })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it at once, as a power cut would (`SIGKILL`), and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A loopback port that nobody listens on right now.
///
/// # Errors
/// A sentence when the machine has none.
pub fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// Where a program is: on the `PATH`, or in the folders where Debian keeps servers.
///
/// # Errors
/// A sentence with the Debian package to install.
pub fn program(name: &str, package: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file()).ok_or_else(|| {
        format!("{name} is not installed: `cargo xtask test` installs it as root; by hand: apt-get install {package}")
    })
}

/// Asks `ready` until it says yes; `false` when it did not within `most`.
pub fn waited(most: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if ready() {
            return true;
        }
        if start.elapsed() >= most {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
