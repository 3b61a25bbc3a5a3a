//! The project's own tasks: the test suite, the checks, the run over real sales, and more. Needs nothing but std, so that
//! it is built in a moment.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to the person who started them")]

mod bench;
mod callgrind;
mod check;
mod coupons;
mod fuzz;
mod instructions;
mod machine;
mod notebook;
mod packages;
mod production;
mod project;
mod python;
mod real_sales;
mod servers;
mod suite;

use std::process::ExitCode;

const HELP: &str = "\
The project's own tasks.

Usage: cargo xtask TASK

Tasks:
  test                   run the whole test suite (cargo nextest if installed, else cargo test); installs the
                         servers that tests start (MariaDB, RadosGW) on Debian as root, or says how
  check                  format, clippy and docs with warnings denied, and the size of source files
  real-sales [--release] load the whole real sales data in many ways, in a folder and on MariaDB and RadosGW,
                         and check every figure to the cent
                         (needs python3, and the shared data: beside the clone as ../shared, or at $TILLMART_SHARED;
                         $TILLMART_SEED repeats the shuffle and the kills of an earlier run)
  notebook               execute notebooks/explore.ipynb in a clean environment on a project with some years of sales, and
                         compare its numbers with the binary's (needs python3)
  bench [OPTIONS]        measure Tillmart against DuckDB, Polars, DataFusion and PySpark, and write the tables into
                         BENCHMARKS.md (needs python3, and Java for PySpark; `bench --help` names the options,
                         `bench --selftest` tests the harness, bench/README.md tells how)
  instructions [--accept]
                         count the instructions a row of decoding and encoding under valgrind, and compare them with
                         those in bench/instructions.txt; more than 5 % more fails, and --accept keeps today's
  fuzz [OPTIONS]         hold every way of decoding against every other on arbitrary files, with libFuzzer (needs a C++
                         compiler). --minutes N (10), --seeds FOLDER of files to begin with, --keep what was found

Exit codes: 0 all well, 1 something failed, 2 no such task.";

/// What a task says when it fails.
type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test"] => suite::run(),
        ["check"] => check::run(),
        ["real-sales"] => real_sales::run(false),
        ["real-sales", "--release"] => real_sales::run(true),
        ["notebook"] => notebook::run(),
        ["bench", options @ ..] => bench::run(options),
        ["instructions", options @ ..] => instructions::run(options),
        ["fuzz", options @ ..] => fuzz::run(options),
        [] | ["help" | "-h" | "--help"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("xtask: no such task: {}\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
