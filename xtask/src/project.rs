//! A project folder, driven through the binary as a person would.

use crate::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a run may end.
pub(crate) const ALL_DONE: i32 = 0;
/// Done, but something was rejected.
pub(crate) const REJECTED: i32 = 1;
/// Another run holds the lease.
const BUSY: i32 = 75;
/// How long a killed run's lease may hold up its successor: well beyond the five seconds set below.
const BUSY_MAX: Duration = Duration::from_secs(30);

/// A project and the binary that works on it.
pub(crate) struct Project {
    binary: PathBuf,
    /// The project's folder.
    pub(crate) folder: PathBuf,
    settings: Vec<(String, String)>,
}

impl Project {
    /// Makes a project with its database set up and the dimensions loaded.
    pub(crate) fn new(
        binary: &Path,
        folder: PathBuf,
        dimensions: &Path,
        settings: &[(String, String)],
    ) -> Outcome<Self> {
        let project = Project { binary: binary.to_owned(), folder, settings: settings.to_vec() };
        let mut init = project.bare();
        init.arg("init").arg(&project.folder);
        ended(&mut init, ALL_DONE)?;
        project.call(&["db", "migrate"], ALL_DONE)?;
        project.load_dimensions(dimensions)?;
        Ok(project)
    }

    fn bare(&self) -> Command {
        let mut command = Command::new(&self.binary);
        // Files are copied here just before a run, and a killed run's lease should not hold up the next for long.
        command.env("TILLMART_FEED_MIN_AGE", "0s").env("TILLMART_RUN_LEASE_SECONDS", "5").stdin(Stdio::null());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command.arg("--project").arg(&self.folder).args(arguments);
        command
    }

    /// Runs a command of the binary and returns its stdout; another exit code than `code` is a failure.
    pub(crate) fn call(&self, arguments: &[&str], code: i32) -> Outcome<String> {
        ended(&mut self.command(arguments), code)
    }

    /// Runs commands at the same moment; each one's exit code, and all that it printed.
    pub(crate) fn call_at_once(&self, calls: &[&[&str]]) -> Outcome<Vec<(i32, String)>> {
        let lost = |error: std::io::Error| format!("lost a command: {error}");
        let mut running = Vec::new();
        for arguments in calls {
            let mut command = self.command(arguments);
            running.push(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(lost)?);
        }
        let ended = |child: Child| {
            let output = child.wait_with_output().map_err(lost)?;
            let told = [output.stdout, output.stderr].concat();
            Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&told).into_owned()))
        };
        running.into_iter().map(ended).collect()
    }

    /// `dimensions load` of a folder or file.
    pub(crate) fn load_dimensions(&self, path: &Path) -> Outcome {
        let mut load = self.command(&["dimensions", "load"]);
        load.arg(path);
        ended(&mut load, ALL_DONE).map(|_| ())
    }

    /// The incoming area.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.folder.join("storage/sales_data")
    }

    /// Delivers a file under a name (with folders, if it has any) below the incoming area.
    pub(crate) fn deliver(&self, file: &Path, name: &str) -> Outcome {
        let content = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        self.deliver_bytes(&content, name)
    }

    /// Delivers bytes under a name below the incoming area.
    pub(crate) fn deliver_bytes(&self, content: &[u8], name: &str) -> Outcome {
        let path = self.incoming().join(name);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, content))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Runs, and waits for a lease that a killed run has left behind.
    pub(crate) fn run_after_kill(&self, code: i32) -> Outcome<String> {
        let start = Instant::now();
        loop {
            let outcome = self.call(&["run", "--json"], code);
            match outcome {
                Err(failure) if failure.contains("exit code 75") && start.elapsed() < BUSY_MAX => {
                    std::thread::sleep(Duration::from_millis(500));
                }
                other => return other,
            }
        }
    }

    /// Starts a run and kills it after `delay`. False if the run had ended before.
    pub(crate) fn kill_after(&self, delay: Duration) -> Outcome<bool> {
        let patience = Instant::now();
        loop {
            let (start, mut run) = (Instant::now(), self.spawn()?);
            let mut ended = None;
            while ended.is_none() && start.elapsed() < delay {
                std::thread::sleep(Duration::from_millis(2));
                ended = run.try_wait().map_err(|error| format!("lost the run: {error}"))?;
            }
            let status = match ended {
                Some(status) => status,
                None => {
                    run.kill().map_err(|error| format!("could not kill the run: {error}"))?;
                    run.wait().map_err(|error| format!("lost the run: {error}"))?
                }
            };
            match status.code() {
                // No code: it died of the signal.
                None => return Ok(true),
                Some(ALL_DONE | REJECTED) => return Ok(false),
                // The lease of the run killed before: this one has not begun.
                Some(BUSY) if patience.elapsed() < BUSY_MAX => std::thread::sleep(Duration::from_millis(500)),
                Some(_) => return Err(format!("a run between kills ended with {status}")),
            }
        }
    }

    fn spawn(&self) -> Outcome<Child> {
        self.command(&["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("could not start {}: {error}", self.binary.display()))
    }
}

/// Runs a command of the binary to its end; everything it printed is told when its exit code is a surprise.
fn ended(command: &mut Command, code: i32) -> Outcome<String> {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let words = words.join(" ");
    let output = command.output().map_err(|error| format!("could not start tillmart: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.code() == Some(code) {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let ending = output.status.code().map_or_else(|| output.status.to_string(), |code| format!("exit code {code}"));
    Err(format!("`tillmart {words}` ended with {ending}, expected {code}\n{stdout}{stderr}"))
}
