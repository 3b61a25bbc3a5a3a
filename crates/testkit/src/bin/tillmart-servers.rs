//! MariaDB and RadosGW for programs that are no Rust tests: `cargo xtask real-sales` drives it, and so may a person who wants to
//! try Tillmart on servers. It answers commands on stdin and stops its servers when stdin ends.
//!
//! - `project NAME` makes a database and a bucket and answers with the variables that a project on them is run with;
//! - `upload FOLDER BUCKET PREFIX` puts every file of a folder below a prefix of a bucket;
//! - `kill mariadb`, `start mariadb`, `kill radosgw`, `start radosgw`.
//!
//! An answer is lines, ended by `ok` or `error: …`.

#![allow(clippy::print_stdout, reason = "its answers are for the program that started it")]

use std::io::{BufRead, Write};
use std::path::Path;
use tillmart_testkit::{MART, MariaDb, MariaDbOptions, RadosGw};

fn main() {
    let mut servers = match Servers::start() {
        Ok(servers) => servers,
        Err(failure) => {
            answer(&Err(failure));
            std::process::exit(1);
        }
    };
    answer(&Ok(String::new()));
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        answer(&servers.obey(&line));
    }
}

fn answer(answer: &Result<String, String>) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more: then stdin ends, too.
    let _ = match answer {
        Ok(lines) => writeln!(out, "{lines}{}ok", if lines.is_empty() { "" } else { "\n" }),
        Err(failure) => writeln!(out, "error: {}", failure.replace('\n', " ")),
    };
    let _ = out.flush();
}

struct Servers {
    mariadb: MariaDb,
    radosgw: RadosGw,
}

impl Servers {
    fn start() -> Result<Servers, String> {
        let options =
            MariaDbOptions { durable: true, buffer_pool_mb: 512, redo_log_mb: 96, ..MariaDbOptions::default() };
        Ok(Servers { radosgw: RadosGw::start()?, mariadb: MariaDb::start(options)? })
    }

    fn obey(&mut self, line: &str) -> Result<String, String> {
        let words: Vec<&str> = line.split('\t').collect();
        let done = |done: Result<(), String>| done.map(|()| String::new());
        match words.as_slice() {
            ["project"] => self.project(),
            ["upload", folder, bucket, prefix] => done(self.upload(Path::new(folder), bucket, prefix)),
            ["kill", "mariadb"] => {
                self.mariadb.kill();
                Ok(String::new())
            }
            ["start", "mariadb"] => done(self.mariadb.start_again()),
            ["kill", "radosgw"] => {
                self.radosgw.kill();
                Ok(String::new())
            }
            ["start", "radosgw"] => done(self.radosgw.restart()),
            _ => Err(format!("no such command: {line}")),
        }
    }

    fn project(&self) -> Result<String, String> {
        let (database, bucket) = (self.mariadb.database()?, self.radosgw.new_bucket()?);
        let (user, host, port) = (MariaDb::USER, MariaDb::HOST, self.mariadb.port());
        let variables = [
            ("STORAGE_ROOT", format!("s3://{bucket}/shop")),
            ("STORAGE_ENDPOINT", self.radosgw.url()),
            ("STORAGE_REGION", "us-east-1".to_owned()),
            ("STORAGE_PATH_STYLE", "true".to_owned()),
            ("STORAGE_ALLOW_HTTP", "true".to_owned()),
            ("STORAGE_CREDENTIALS", "keys".to_owned()),
            ("STORAGE_ACCESS_KEY_ID", MART.id.to_owned()),
            ("STORAGE_SECRET_ACCESS_KEY", MART.secret.to_owned()),
            ("DATABASE_URL", format!("mysql://{user}@{host}:{port}/{database}")),
            ("DATABASE_PASSWORD", MariaDb::PASSWORD.to_owned()),
        ];
        let lines: Vec<String> = variables.iter().map(|(name, value)| format!("TILLMART_{name}={value}")).collect();
        Ok(lines.join("\n"))
    }

    fn upload(&self, folder: &Path, bucket: &str, prefix: &str) -> Result<(), String> {
        let unread = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
        for entry in std::fs::read_dir(folder).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(entry.path()).map_err(unread)?;
            self.radosgw.put_raw(bucket, &format!("{prefix}/{name}"), &text)?;
        }
        Ok(())
    }
}
