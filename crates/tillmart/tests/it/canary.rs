//! A canary in every credential: whatever a run meets, none of them is seen anywhere.

use crate::shop::{Shop, Told, files_of};
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tillmart_testkit::MART;

/// Part of every canary, in letters that no encoding but base64 changes.
const SONG: &str = "c4naRyS1ngs";
/// What follows it is changed by URLs, JSON and shells.
const TAIL: &str = "+/= \"\\%é";

/// Settings with a canary in every credential, in each of the ways that a credential can come in.
pub(crate) struct Cage {
    pub(crate) shop: Shop,
    pub(crate) outside: TempDir,
    variables: Vec<(String, String)>,
}

/// The canary of a field.
pub(crate) fn canary(field: &str) -> String {
    format!("{SONG}-{field}-{TAIL}")
}

/// Every credential of the settings, by its variable.
const CREDENTIALS: [&str; 6] = [
    "TILLMART_DATABASE_PASSWORD",
    "TILLMART_STORAGE_ACCESS_KEY_ID",
    "TILLMART_STORAGE_SECRET_ACCESS_KEY",
    "TILLMART_STORAGE_SESSION_TOKEN",
    "TILLMART_COUPONS_SECRET",
    "TILLMART_COUPONS_FORMER_SECRETS",
];

impl Cage {
    /// By variables.
    pub(crate) fn with_variables() -> Cage {
        let mut cage = Cage { shop: Shop::new(), outside: tempfile::tempdir().unwrap(), variables: Vec::new() };
        cage.set("TILLMART_STORAGE_CREDENTIALS", "keys");
        for name in CREDENTIALS {
            cage.set(name, &canary(name));
        }
        for name in ["TILLMART_MASTER_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"] {
            cage.set(name, &canary(name));
        }
        for (name, value) in [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")] {
            cage.set(name, value);
        }
        cage
    }

    /// By files, and by values encrypted in the settings.
    fn with_files() -> Cage {
        let mut cage = Cage::with_variables();
        for name in CREDENTIALS {
            if name.ends_with("PASSWORD") || name.ends_with("TOKEN") || name.ends_with("COUPONS_SECRET") {
                cage.encrypt(name, &canary(name), &[]);
            } else {
                cage.put_aside(name, &canary(name));
            }
        }
        cage
    }

    /// Puts a credential into a file of its own.
    pub(crate) fn put_aside(&mut self, name: &str, value: &str) {
        let file = self.outside.path().join(name);
        fs::write(&file, format!("{value}\n")).unwrap();
        self.set(name, &format!("file:{}", file.display()));
    }

    /// Puts a credential into the settings, encrypted.
    pub(crate) fn encrypt(&mut self, name: &str, value: &str, more: &[&str]) {
        let setting = name.trim_start_matches("TILLMART_").to_lowercase().replacen('_', ".", 1);
        let file = self.outside.path().join("value");
        fs::write(&file, value).unwrap();
        let encrypt = ["secrets", "encrypt", "--write", "--setting", &setting];
        let mut command = self.shop.command(&[&encrypt[..], more].concat());
        command.envs(self.variables.iter().cloned()).stdin(fs::File::open(&file).unwrap());
        self.silent(command.output().unwrap(), "encrypt").ended(0);
        fs::remove_file(file).unwrap();
        self.unset(name);
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A call whose output has no canary.
    pub(crate) fn call(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Told {
        let mut command = self.shop.command(arguments);
        command.envs(self.variables.iter().cloned()).envs(variables.iter().copied());
        self.silent(command.output().unwrap(), &format!("{arguments:?} {variables:?}"))
    }

    fn silent(&self, output: Output, story: &str) -> Told {
        nothing_sings(&output.stdout, &format!("{story}: stdout"));
        nothing_sings(&output.stderr, &format!("{story}: stderr"));
        Told::of(output)
    }

    /// No file of the project has a canary: settings, ledger, tables, archive, reports.
    pub(crate) fn nothing_written(&self) {
        let files = files_of(self.shop.folder());
        assert!(files.len() > 5, "the project is here: {files:?}");
        for file in files {
            nothing_sings(&fs::read(&file).unwrap(), &file.display().to_string());
        }
    }
}

/// As they are, in any case of letters, and in base64 at each of its three alignments.
#[track_caller]
pub(crate) fn nothing_sings(bytes: &[u8], place: &str) {
    let text = String::from_utf8_lossy(bytes);
    let lower = text.to_lowercase();
    for song in [SONG, MART.secret, MART.id] {
        assert!(!lower.contains(&song.to_lowercase()), "a canary in {place}:\n{text}");
    }
    for shift in 0..3 {
        let encoded = base64(format!("{}{SONG}", "x".repeat(shift)).as_bytes());
        // Letters that the neighbours have no part in.
        let own = &encoded[shift * 4 / 3 + usize::from(shift > 0)..encoded.len() - 3];
        assert!(!text.contains(own), "a canary in base64 in {place}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

const ROWS: [&str; 2] = ["1,1,Tea,2024-05-03,11,2.50,2,5.00", "x,1,Tea,2024-05-03,11,2.50,2,5.00"];

fn deliver(cage: &Cage, name: &str) {
    cage.shop.deliver_rows(name, &[&[ROWS[0]; 12][..], &ROWS[1..]].concat());
    cage.shop.deliver(&format!("{name}.pdf"), "%PDF");
}

/// Every command that opens the project.
const LOOKS: [&[&str]; 14] = [
    &["status"],
    &["status", "--json"],
    &["run", "--dry-run"],
    &["run", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["verify"],
    &["db", "migrate"],
    &["query", "SELECT * FROM nowhere"],
    &["config", "show"],
    &["config", "show", "--json"],
    &["secrets", "check"],
    &["coupons", "issue", "--month", "2024-05"],
    &["coupons", "verify", "0000-0000-0000"],
];

/// Every secret of the settings has its canary: the example names them all.
#[test]
fn every_secret_setting_has_a_canary() {
    let example = include_str!("../../../../config/example.toml");
    let secrets: Vec<&str> = example
        .lines()
        .filter(|line| line.starts_with("# (secret:"))
        .filter_map(|line| line.rsplit_once("variable ")?.1.strip_suffix(')'))
        .collect();
    assert!(secrets.len() >= 6, "{secrets:?}");
    for name in secrets {
        assert!(CREDENTIALS.contains(&name), "{name}");
    }
}

#[test]
fn the_test_would_hear_a_canary() {
    for text in [canary("x"), canary("x").to_uppercase()] {
        assert!(std::panic::catch_unwind(|| nothing_sings(text.as_bytes(), "here")).is_err());
    }
    for before in ["", "a", "ab", "abc", "key:"] {
        let text = base64(format!("{before}{}", canary("x")).as_bytes());
        assert!(std::panic::catch_unwind(|| nothing_sings(text.as_bytes(), "here")).is_err(), "{before}");
    }
}

#[test]
fn no_canary_is_seen_when_all_goes_well() {
    for cage in [Cage::with_variables(), Cage::with_files()] {
        deliver(&cage, "day.csv");
        cage.call(&["run"], &[]).ended(1);
        for arguments in LOOKS {
            let told = cage.call(arguments, &[]);
            assert!(told.code <= 2, "{told:?}");
        }
        cage.call(&["rejects", "list"], &[]).ended(0);
        cage.nothing_written();
    }
}

#[test]
fn no_canary_is_seen_when_it_goes_wrong() {
    let wrong: [&[(&str, &str)]; 6] = [
        &[("TILLMART_DATABASE_URL", "mysql://app@127.0.0.1:1/shop")],
        &[("TILLMART_STORAGE_ROOT", "s3://bucket/x"), ("TILLMART_STORAGE_ENDPOINT", "https://127.0.0.1:1")],
        &[
            ("TILLMART_STORAGE_ROOT", "s3://bucket/x"),
            ("TILLMART_STORAGE_ENDPOINT", "http://127.0.0.1:1"),
            ("TILLMART_STORAGE_ALLOW_HTTP", "true"),
            ("TILLMART_STORAGE_REGION", "nowhere-1"),
        ],
        &[("TILLMART_DATABASE_URL", "mysql://app:c4naRyS1ngs-url@127.0.0.1/shop")],
        &[("TILLMART_STORAGE_ROOT", "s3://c4naRyS1ngs:c4naRyS1ngs-url@bucket/x")],
        &[("TILLMART_DATABASE_PASSWORD", "enc:v1:c4naRyS1ngs"), ("TILLMART_DATABASE_URL", "mysql://127.0.0.1:1/shop")],
    ];
    for cage in [Cage::with_variables(), Cage::with_files()] {
        deliver(&cage, "day.csv");
        // A store that does not answer is asked for some seconds: all at once.
        std::thread::scope(|scope| {
            for variables in wrong {
                let cage = &cage;
                scope.spawn(move || {
                    let is_asked = variables[0].1.starts_with("s3://bucket");
                    for arguments in if is_asked { &LOOKS[3..4] } else { &LOOKS[..] } {
                        let told = cage.call(arguments, variables);
                        assert!(told.code <= 2 || told.code == 75, "{told:?}");
                    }
                    let told = cage.call(&["run"], variables);
                    assert!(told.code == 2 || told.code == 75, "{told:?}");
                });
            }
        });
        cage.call(&["run"], &[("TILLMART_MASTER_KEY", "c4naRyS1ngs, but another")]);
        cage.nothing_written();
    }
}

/// Only a debug build can be asked to panic; its message then holds every secret that the process knows.
#[test]
fn no_canary_is_seen_in_a_panic() {
    let cage = Cage::with_variables();
    deliver(&cage, "day.csv");
    for backtrace in ["1", "0"] {
        for point in ["claimed", "table-committed", "published"] {
            let panics = [("TILLMART_KILL_AT", format!("panic:{point}")), ("RUST_BACKTRACE", backtrace.to_owned())];
            let panics: Vec<(&str, &str)> = panics.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let told = cage.call(&["run", "--json"], &panics);
            if told.code <= 1 {
                // Passed before, or nothing left to do: there was no such point.
                continue;
            }
            assert_eq!(told.code, 2, "{told:?}");
            assert!(told.err.contains("Tillmart panicked at"), "{}", told.err);
            assert_eq!(told.err.contains("knowing [secret]"), backtrace == "1", "{}", told.err);
            assert!(told.json()["error"].is_string());
        }
        deliver(&cage, "more.csv");
    }
    let told = cage.call(&["run"], &[]);
    assert!(told.code <= 1, "the next run goes on: {told:?}");
    cage.nothing_written();
}

#[test]
fn no_canary_is_seen_in_the_process_list() {
    let cage = Cage::with_variables();
    // It waits for its value: there is time to look.
    let mut command = cage.shop.command(&["secrets", "encrypt", "--setting", "database.password"]);
    command.envs(cage.variables.iter().cloned()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let list = Path::new("/proc").join(child.id().to_string()).join("cmdline");
    // Its arguments are there some moments after it is.
    let arguments = loop {
        let arguments = fs::read(&list).unwrap();
        if String::from_utf8_lossy(&arguments).contains("encrypt") {
            break arguments;
        }
        std::thread::yield_now();
    };
    nothing_sings(&arguments, "the process list");
    drop(child.stdin.take());
    cage.silent(child.wait_with_output().unwrap(), "encrypt nothing").ended(2);
}
