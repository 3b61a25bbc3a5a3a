//! The notebook in a clean environment, on a project with some years of sales, and its numbers beside those of the binary.
//!
//! This file drives; `notebook_check.py` executes and judges. What it leaves behind stays in `target/notebook` when it fails.

use crate::Outcome;
use crate::machine::{cargo, root, shown, target, told};
use crate::python;
use std::fs;
use std::process::Command;
use std::time::Instant;

/// Sales enough for plots worth looking at, and few enough to be loaded in a moment.
const GENERATED: [&str; 13] = [
    "generate",
    "--rows",
    "40000",
    "--from",
    "2023-01-01",
    "--to",
    "2024-06-30",
    "--customers",
    "2000",
    "--stores",
    "12",
    "--sales-persons",
    "36",
];

/// Makes a project, executes the notebook on it, and compares.
pub(crate) fn run() -> Outcome {
    let start = Instant::now();
    // The same selection as the tests, so that one resolution of features serves both and nothing is built twice.
    shown(cargo(&["build", "--workspace", "--bins", "--tests"]))?;
    let python = python::environment("notebooks/requirements.txt", "notebook-venv")?;
    let folder = target().join("notebook");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("cannot clean {}: {error}", folder.display()))?;
    }
    let project = folder.join("project");
    let binary = target().join("debug/tillmart");
    let tillmart = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.env("TILLMART_FEED_MIN_AGE", "0s").arg("--project").arg(&project).args(arguments);
        told(command).map(|_| ())
    };
    let mut init = Command::new(&binary);
    init.arg("init").arg(&project);
    told(init)?;
    tillmart(&GENERATED)?;
    let dimensions = project.join("dimensions");
    tillmart(&["dimensions", "load", &dimensions.to_string_lossy()])?;
    tillmart(&["run"])?;
    let made = start.elapsed();

    let executed = Instant::now();
    let mut check = Command::new(&python);
    check.arg(root().join("xtask/notebook_check.py")).arg(root().join("notebooks/explore.ipynb"));
    check.arg(&project).arg(&binary).arg(folder.join("plots"));
    for line in told(check)?.lines() {
        println!("  {line}");
    }
    println!(
        "the notebook ran and its numbers agree ({} s to make the project, {} s for the notebook); its plots are in {}",
        made.as_secs(),
        executed.elapsed().as_secs(),
        folder.join("plots").display()
    );
    Ok(())
}
