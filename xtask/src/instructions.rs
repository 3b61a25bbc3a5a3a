//! Instructions a row of the inner loops, held against those of before: a slowdown shows on any machine, however busy.

use crate::Outcome;
use crate::callgrind::{self, Counted};
use crate::machine::{cargo, root, shown, target};
use crate::packages;
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Where the figures of before are kept.
const KEPT: &str = "bench/instructions.txt";

/// Figures are per so many rows, so that they are whole numbers.
const PER_ROWS: u64 = 1_000;

/// More than these hundredths above the figure of before is a slowdown.
const TOLERANCE: u64 = 5;

/// How the crates that are counted in are compiled.
const PROFILE: &str = "bench/counted.toml";

/// What is counted.
struct Stage {
    name: &'static str,
    example: &'static str,
    arguments: &'static [&'static str],
    rows: u64,
    /// The function in which is counted, as callgrind takes it.
    within: &'static str,
}

const DECODE: &str = "*Day*decode_by*";
const ENCODE: &str = "*Rows*measured*";

// JSON lines are not here: most of their instructions are those of a dependency, which is not optimised in this build.
const STAGES: [Stage; 6] = [
    stage("decode CSV", "decode_speed", &["csv", "40000", "0", "1"], 40_000, DECODE),
    stage("decode CSV, 1 % dirty", "decode_speed", &["csv", "40000", "10000", "1"], 40_000, DECODE),
    stage("decode CSV, record by record", "decode_speed", &["csv", "20000", "0", "1", "exact"], 20_000, DECODE),
    stage("encode numbers", "encode_speed", &["numbers", "40000", "1"], 40_000, ENCODE),
    stage("encode look-ups", "encode_speed", &["look-ups", "40000", "1"], 40_000, ENCODE),
    stage("encode a file", "encode_speed", &["file", "40000", "1"], 40_000, ENCODE),
];

const fn stage(
    name: &'static str,
    example: &'static str,
    arguments: &'static [&'static str],
    rows: u64,
    within: &'static str,
) -> Stage {
    Stage { name, example, arguments, rows, within }
}

/// Counts every stage; with `--accept` the figures become those that later ones are held against.
pub(crate) fn run(options: &[&str]) -> Outcome {
    let accept = match options {
        [] => false,
        ["--accept"] => true,
        _ => return Err("instructions knows no option but --accept".to_owned()),
    };
    same_machine()?;
    packages::ensure(&[("valgrind", "valgrind")], "instructions are counted by valgrind")?;
    build()?;
    let before = if accept { kept().unwrap_or_default() } else { kept()? };
    let (mut lines, mut slower) = (String::new(), Vec::new());
    for stage in &STAGES {
        let counted = count(stage)?;
        let now = counted.instructions * PER_ROWS / stage.rows;
        let before = before.iter().find(|(name, _)| name == stage.name).map(|(_, before)| *before);
        println!("  {}", told(stage.name, now, before));
        let _ = writeln!(lines, "{} = {now}", stage.name);
        if before.is_none_or(|before| is_slower(now, before)) {
            slower.push(format!("  {}\n{}", told(stage.name, now, before), where_to(stage, &counted)));
        }
    }
    if accept {
        let header = format!(
            "# Instructions for {PER_ROWS} rows, counted and written by `cargo xtask instructions --accept`.\n"
        );
        return fs::write(root().join(KEPT), header + &lines).map_err(|error| format!("cannot write {KEPT}: {error}"));
    }
    if slower.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more than {TOLERANCE} % more work a row than {KEPT} tells, or a stage that it does not know:\n{}If it is worth that, \
         say why in the commit; `cargo xtask instructions --accept` makes today's figures those to hold to.",
        slower.concat()
    ))
}

/// The figures are of machines that have what valgrind shows a program at most: others take other ways.
fn same_machine() -> Outcome {
    let has = |feature: &str| {
        let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        told.lines().any(|line| line.starts_with("flags") && line.split_whitespace().any(|word| word == feature))
    };
    let missing: Vec<&str> = ["avx2", "bmi1", "popcnt"].into_iter().filter(|feature| !has(feature)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the figures in {KEPT} are those of x86-64 on Linux with AVX2, and this machine lacks {}; count on one that has it",
        missing.join(", ")
    ))
}

/// Builds the examples among what the tests have built already: dependencies stay as they are, and the crates that are
/// counted are compiled as for a release, to the same instructions.
fn build() -> Outcome {
    let mut build = cargo(&["build", "--workspace", "--example", "decode_speed", "--example", "encode_speed"]);
    build.args(["--config", PROFILE]);
    // Incremental compilation cuts a crate into other pieces.
    build.env("CARGO_INCREMENTAL", "0");
    shown(build)
}

/// Counts one stage.
fn count(stage: &Stage) -> Outcome<Counted> {
    let program = target().join("debug/examples").join(stage.example);
    let out = target().join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]).arg(format!("--toggle-collect={}", stage.within));
    valgrind.arg(format!("--callgrind-out-file={}", out.display())).arg(&program).args(stage.arguments);
    // The same environment everywhere: a program's stack begins behind it.
    valgrind.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = valgrind.output().map_err(|error| format!("could not start valgrind: {error}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("valgrind failed at {}: {}\n{told}", stage.name, output.status));
    }
    let text = fs::read_to_string(&out).map_err(|error| format!("cannot read {}: {error}", out.display()))?;
    let counted = callgrind::read(&text, &program);
    if counted.instructions < stage.rows {
        return Err(format!(
            "{}: {} instructions were counted for {} rows; is there still a function {} in {}?",
            stage.name, counted.instructions, stage.rows, stage.within, stage.example
        ));
    }
    Ok(counted)
}

/// The figures of before; none where there is no file yet.
fn kept() -> Outcome<Vec<(String, u64)>> {
    let text = fs::read_to_string(root().join(KEPT)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let read = |line: &str| {
        let (name, figure) = line.split_once(" = ")?;
        Some((name.to_owned(), figure.parse().ok()?))
    };
    lines.map(|line| read(line).ok_or_else(|| format!("{KEPT} holds a line that is no figure: {line}"))).collect()
}

fn is_slower(now: u64, before: u64) -> bool {
    now * 100 > before * (100 + TOLERANCE)
}

fn told(name: &str, now: u64, before: Option<u64>) -> String {
    let row = |per_rows: u64| format!("{}.{}", per_rows / PER_ROWS, per_rows % PER_ROWS * 10 / PER_ROWS);
    let Some(before) = before else {
        return format!("{name}: {} instructions a row, and no figure of before", row(now));
    };
    let permille = (now * 1000).checked_div(before).unwrap_or(1000);
    let (sign, off) = if permille < 1000 { ('-', 1000 - permille) } else { ('+', permille - 1000) };
    format!("{name}: {} instructions a row, before {} ({sign}{}.{} %)", row(now), row(before), off / 10, off % 10)
}

/// The functions that most of it goes to.
fn where_to(stage: &Stage, counted: &Counted) -> String {
    counted.functions.iter().take(6).fold(String::new(), |mut lines, (function, instructions)| {
        let _ = writeln!(lines, "    {:>6} a row in {function}", instructions / stage.rows);
        lines
    })
}
