//! Tillmart against its peers, and alone: makes what `bench/run.py` needs and starts it.

use crate::Outcome;
use crate::machine::{cargo, root, shown, target};
use crate::python;
use crate::servers;
use std::path::Path;
use std::process::Command;

/// Runs `bench/run.py` with what stands behind `cargo xtask bench`. A binary is built unless one is named.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let has = |name: &str| {
        arguments.iter().any(|word| *word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    };
    let python = python::environment("bench/requirements.txt", "bench-venv")?;
    if has("--selftest") {
        return selftest(&python);
    }
    let mut bench = Command::new(&python);
    bench.current_dir(root()).arg("bench/run.py").args(arguments);
    let measures = !has("--render") && !has("--help") && !has("-h");
    if measures && !has("--tillmart") {
        shown(cargo(&["build", "--release", "-p", "tillmart"]))?;
        bench.arg("--tillmart").arg(target().join("release/tillmart"));
    }
    if has("--stores") && !has("--servers") {
        servers::ensure()?;
        shown(cargo(&["build", "-p", "tillmart-testkit", "--bins"]))?;
        bench.arg("--servers").arg(target().join("debug/tillmart-servers"));
    }
    if !has("--work") {
        bench.arg("--work").arg(target().join("bench"));
    }
    shown(bench)
}

/// The tests of the harness itself.
fn selftest(python: &Path) -> Outcome {
    let mut tests = Command::new(python);
    tests.current_dir(root().join("bench")).args(["-m", "unittest", "discover", "-s", "tests", "-t", "."]);
    shown(tests)
}
