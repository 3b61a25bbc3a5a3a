//! MariaDB: a template data folder is made once, and each server starts from a copy of it.

use crate::process::{Running, free_port, program, waited};
use crate::tls::Certificates;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tempfile::TempDir;

/// The Debian packages that hold server and client.
const PACKAGES: &str = "mariadb-server mariadb-client";

/// Bumped when the template is made in another way.
const TEMPLATE: u32 = 1;

/// How a server is started.
#[derive(Debug, Clone)]
pub struct MariaDbOptions {
    /// Every commit is on disk when it returns, as in production. Off, a kill of the server still loses nothing, as the
    /// operating system has it; only a power cut would.
    pub durable: bool,
    /// Whether clients may send rows with `LOAD DATA LOCAL INFILE`.
    pub local_infile: bool,
    /// TLS with a certificate for these host names or addresses, by an authority of its own; empty for no TLS at all.
    pub certificate_for: Vec<String>,
    /// Megabytes of pages held in memory.
    pub buffer_pool_mb: u32,
    /// Megabytes of redo log.
    pub redo_log_mb: u32,
}

impl Default for MariaDbOptions {
    fn default() -> Self {
        let certificate_for = Vec::new();
        MariaDbOptions { durable: false, local_infile: true, certificate_for, buffer_pool_mb: 64, redo_log_mb: 8 }
    }
}

/// A private server on a free loopback port, killed when this is dropped.
#[derive(Debug)]
pub struct MariaDb {
    folder: TempDir,
    options: MariaDbOptions,
    certificates: Option<Certificates>,
    port: u16,
    process: Mutex<Option<Running>>,
    databases: AtomicU32,
}

static SHARED: Mutex<Weak<MariaDb>> = Mutex::new(Weak::new());

impl MariaDb {
    /// The address that servers listen on.
    pub const HOST: &'static str = "127.0.0.1";
    /// A user who may do everything.
    pub const USER: &'static str = "tillmart";
    /// The password of [`MariaDb::USER`].
    pub const PASSWORD: &'static str = "correct horse; battery 'staple'";

    /// Starts a server of its own.
    ///
    /// # Errors
    /// A sentence that says what to install, or what the server said.
    pub fn start(options: MariaDbOptions) -> Result<MariaDb, String> {
        let template = template()?;
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        copy(&template, &folder.path().join("data"))?;
        make_folder(&folder.path().join("tmp"))?;
        let certificates = if options.certificate_for.is_empty() {
            None
        } else {
            Some(Certificates::make(folder.path(), &options.certificate_for)?)
        };
        let (process, databases) = (Mutex::new(None), AtomicU32::new(0));
        let mut server = MariaDb { folder, options, certificates, port: 0, process, databases };
        // Between the look for a free port and the start of the server somebody else may take it.
        let mut tries = 5;
        loop {
            server.port = free_port()?;
            match server.launch() {
                Ok(()) => break,
                Err(said) if tries > 1 && said.contains("Address already in use") => tries -= 1,
                Err(said) => return Err(said),
            }
        }
        let (user, password) = (MariaDb::USER, MariaDb::PASSWORD.replace('\'', "''"));
        server.sql(&format!(
            "CREATE USER {user}@'{0}' IDENTIFIED BY '{password}'; GRANT ALL ON *.* TO {user}@'{0}' WITH GRANT OPTION;",
            MariaDb::HOST
        ))?;
        Ok(server)
    }

    /// A server that the tests of this process share, started by the first and gone with the last that holds it.
    ///
    /// # Errors
    /// Those of [`MariaDb::start`].
    pub fn shared() -> Result<Arc<MariaDb>, String> {
        let mut shared = lock(&SHARED);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(MariaDb::start(MariaDbOptions::default())?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    /// Makes an empty database and returns its name.
    ///
    /// # Errors
    /// What the server said.
    pub fn database(&self) -> Result<String, String> {
        let name = format!("shop_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;"))?;
        Ok(name)
    }

    /// Runs statements as root with the server's own client; what it prints are rows, fields between tabs.
    ///
    /// # Errors
    /// What the client said.
    pub fn sql(&self, statements: &str) -> Result<String, String> {
        let mut client = Command::new(program("mariadb", "mariadb-client")?);
        client.args([
            "--no-defaults",
            "--user=root",
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
        ]);
        client.arg(format!("--socket={}", self.socket().display())).arg(format!("--execute={statements}"));
        said(&mut client, "the client")
    }

    /// The TCP port on [`MariaDb::HOST`]; the same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// PEM file of the authority behind the server's certificate, if it has one.
    pub fn authorities(&self) -> Option<&Path> {
        self.certificates.as_ref().map(|made| made.authorities.as_path())
    }

    /// Kills the server at once, as a power cut of its process would. What was committed is there after a start.
    pub fn kill(&self) {
        *lock(&self.process) = None;
    }

    /// Starts a killed server again, on the same port and data.
    ///
    /// # Errors
    /// What the server said.
    pub fn start_again(&self) -> Result<(), String> {
        self.kill();
        self.launch()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s.sock")
    }

    fn launch(&self) -> Result<(), String> {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let on = |yes: bool| i32::from(yes);
        let options = &self.options;
        let mut command = Command::new(program("mariadbd", PACKAGES)?);
        command.args(["--no-defaults", "--user=root", "--skip-name-resolve", "--performance-schema=OFF"]);
        command.args(["--character-set-server=utf8mb4", "--max-allowed-packet=64M", "--max-connections=200"]);
        command.args(["--innodb-use-native-aio=0", "--innodb-buffer-pool-load-at-startup=0", "--key-buffer-size=1M"]);
        command.args(["--innodb-buffer-pool-dump-at-shutdown=0", "--aria-pagecache-buffer-size=1M", "--skip-log-bin"]);
        command.arg(format!("--datadir={}", at("data"))).arg(format!("--tmpdir={}", at("tmp")));
        command.arg(format!("--socket={}", at("s.sock"))).arg(format!("--pid-file={}", at("pid")));
        command.arg(format!("--port={}", self.port)).arg(format!("--bind-address={}", MariaDb::HOST));
        command.arg(format!("--local-infile={}", on(options.local_infile)));
        // 2: written at every commit, flushed once a second.
        command.arg(format!("--innodb-flush-log-at-trx-commit={}", if options.durable { 1 } else { 2 }));
        command.arg(format!("--innodb-buffer-pool-size={}M", options.buffer_pool_mb));
        command.arg(format!("--innodb-log-file-size={}M", options.redo_log_mb));
        if let Some(made) = &self.certificates {
            command.arg(format!("--ssl-ca={}", made.authorities.display()));
            command.arg(format!("--ssl-cert={}", made.certificate.display()));
            command.arg(format!("--ssl-key={}", made.key.display()));
        }
        let log = self.folder.path().join("log");
        let _ = std::fs::remove_file(self.socket());
        let mut process = Running::start(&mut command, &log)?;
        let mut died = false;
        let ready = waited(Duration::from_secs(60), || {
            died = !process.is_alive();
            died || UnixStream::connect(self.socket()).is_ok()
        });
        if died || !ready {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let tail: Vec<&str> = said.lines().rev().take(12).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            return Err(format!("MariaDB did not start; it said:\n{}", tail.join("\n")));
        }
        *lock(&self.process) = Some(process);
        Ok(())
    }
}

/// The data folder that servers are copied from, made by the first who needs it on this machine.
fn template() -> Result<PathBuf, String> {
    let mut asked = Command::new(program("mariadbd", PACKAGES)?);
    let version = said(asked.arg("--version"), "mariadbd")?;
    let version: String = version.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let user = std::env::var("USER").unwrap_or_default();
    let name = format!("tillmart-mariadb-template-{TEMPLATE}-{}-{user}", version.trim_end_matches('-'));
    let place = std::env::temp_dir().join(&name);
    if place.is_dir() {
        return Ok(place);
    }
    let failed = |what: &str, error: std::io::Error| format!("{what} {}: {error}", place.display());
    let lock_file = std::env::temp_dir().join(format!("{name}.lock"));
    let file = std::fs::File::create(&lock_file).map_err(|error| failed("cannot lock", error))?;
    // Tests are processes that start together: one makes the template, the others wait for it.
    file.lock().map_err(|error| failed("cannot lock", error))?;
    if !place.is_dir() {
        let fresh = tempfile::tempdir().map_err(|error| failed("no temporary folder beside", error))?;
        let data = fresh.path().join("data");
        let mut made = Command::new(program("mariadb-install-db", PACKAGES)?);
        made.args(["--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        made.args(["--skip-name-resolve", "--innodb-log-file-size=8M"]).arg(format!("--datadir={}", data.display()));
        said(&mut made, "mariadb-install-db")?;
        std::fs::rename(&data, &place).map_err(|error| failed("cannot make", error))?;
    }
    Ok(place)
}

fn said(command: &mut Command, who: &str) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot start {who}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{who} failed: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

fn make_folder(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot copy {}: {error}", from.display());
    make_folder(to)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).map_err(failed)?;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_what_was_committed_over_a_kill() {
        let server = MariaDb::start(MariaDbOptions::default()).expect("started");
        let database = server.database().expect("a database");
        server
            .sql(&format!("CREATE TABLE {database}.t (a INT) ENGINE = InnoDB; INSERT INTO {database}.t VALUES (7)"))
            .expect("written");
        server.kill();
        server.sql("SELECT 1").expect_err("it is gone");
        server.start_again().expect("started again");
        assert_eq!(server.sql(&format!("SELECT a FROM {database}.t")).expect("read"), "7\n");
    }

    #[test]
    fn tests_of_a_process_share_a_server_and_not_a_database() {
        let (one, two) = (MariaDb::shared().expect("started"), MariaDb::shared().expect("the same"));
        assert_eq!(one.port(), two.port());
        assert_ne!(one.database().expect("made"), two.database().expect("made"));
    }
}
