//! Projects on servers: MariaDB and RadosGW, started by the test kit's program and driven through its stdin.

use crate::Outcome;
use crate::machine::target;
use crate::project::{ALL_DONE, Project, REJECTED};
use crate::real_sales::{Bench, batches_of, told_time};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

impl Bench {
    /// The same sales on servers: in one batch, then with kills, then a replay. Each time the tables equal those in a folder,
    /// the published rows byte for byte.
    pub(crate) fn on_servers(&self, in_a_folder: &Path, whole: Duration) -> Outcome {
        let start = Instant::now();
        let mut servers = Servers::start()?;
        let one = self.served(&mut servers, "on-servers", &[])?;
        one.call(&["run", "--json"], REJECTED)?;
        self.figures(&one)?;
        self.equal(in_a_folder, &self.snapshot(&one, "on-servers")?, &[])?;
        one.call(&["run"], ALL_DONE)?;
        told_time("one batch on MariaDB and RadosGW: tables equal to those in a folder", start.elapsed());

        let start = Instant::now();
        let mut fresh = |name: &str| self.served(&mut servers, &format!("on-servers-{name}"), &[batches_of(40)]);
        let killed = self.killed(whole, &mut fresh)?;
        self.equal(in_a_folder, &self.snapshot(&killed, "on-servers-killed")?, &[])?;
        told_time("killed at three random moments on MariaDB and RadosGW: equal tables", start.elapsed());

        let start = Instant::now();
        self.replay(&one)?;
        told_time("replay on MariaDB and RadosGW", start.elapsed());
        Ok(())
    }

    /// A project on servers with everything delivered.
    fn served(&self, servers: &mut Servers, name: &str, settings: &[(String, String)]) -> Outcome<Project> {
        let mut variables = servers.project()?;
        let root = variables.iter().find(|(name, _)| name == "TILLMART_STORAGE_ROOT");
        let root = root.map(|(_, root)| root.clone()).ok_or("the servers' program named no storage root")?;
        let told: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        variables.extend_from_slice(settings);
        let project = self.project(name, &variables)?;
        let file = project.folder.join("servers.env");
        fs::write(&file, told).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        servers.upload(&self.prepared.join("sales_data"), &root)?;
        Ok(project)
    }
}

/// Running servers; they stop when this is dropped.
pub(crate) struct Servers {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Servers {
    /// Starts both and waits until they answer.
    pub(crate) fn start() -> Outcome<Servers> {
        let program = target().join("debug/tillmart-servers");
        let spawned = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("could not start {}: {error}", program.display()))?;
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else { return Err("the servers' program has no stdout".to_owned()) };
        let mut servers = Servers { child, stdin, answers: BufReader::new(stdout).lines() };
        servers.answer("the start of the servers")?;
        Ok(servers)
    }

    /// Makes a database and a bucket, and returns the variables that a project on them is run with.
    pub(crate) fn project(&mut self) -> Outcome<Vec<(String, String)>> {
        let lines = self.ask(&["project"])?;
        let pairs =
            lines.iter().map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        pairs.collect::<Option<_>>().ok_or_else(|| format!("the servers' program answered {lines:?}"))
    }

    /// Puts every file of a folder into the incoming area of such a project.
    pub(crate) fn upload(&mut self, folder: &Path, root: &str) -> Outcome {
        let (bucket, prefix) = root.trim_start_matches("s3://").split_once('/').unwrap_or((root, ""));
        let prefix = format!("{prefix}/sales_data");
        self.ask(&["upload", &folder.display().to_string(), bucket, &prefix]).map(drop)
    }

    fn ask(&mut self, words: &[&str]) -> Outcome<Vec<String>> {
        let line = words.join("\t");
        let Some(stdin) = &mut self.stdin else { return Err("the servers' program has no stdin".to_owned()) };
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .map_err(|error| format!("the servers' program: {error}"))?;
        self.answer(&line)
    }

    fn answer(&mut self, question: &str) -> Outcome<Vec<String>> {
        let mut lines = Vec::new();
        for line in self.answers.by_ref() {
            let line = line.map_err(|error| format!("the servers' program: {error}"))?;
            if line == "ok" {
                return Ok(lines);
            }
            if let Some(failure) = line.strip_prefix("error: ") {
                return Err(format!("{question}: {failure}"));
            }
            lines.push(line);
        }
        Err(format!("{question}: the servers' program ended"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // The end of its stdin ends it, and its servers with it.
        self.stdin = None;
        let _ = self.child.wait();
    }
}
