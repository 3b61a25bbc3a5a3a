//! The tillmart binary: arguments, settings, wiring, exit codes. No business rule lives here.

mod allocator;
mod cli;
mod commands;
mod screen;
mod secrets;
mod settings;
mod shell;
mod wiring;

use clap::Parser;
use cli::{Cli, Command};
use commands::Outcome;
use std::process::ExitCode;
use tillmart_model::{Fault, FaultKind, Result};

fn main() -> ExitCode {
    allocator::give_back_early();
    secrets::panic::install();
    secrets::known::remember_variables();
    let cli = Cli::parse();
    // The hook has told of a panic by the time it comes here.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cli))).unwrap_or_else(|_| {
        Err(Fault::new(FaultKind::Promise, "Tillmart stopped at a fault of its own")
            .hint("its place is told above; the next run finishes what this one left behind"))
    });
    let code = match result {
        Ok(outcome) => outcome.into(),
        Err(fault) => {
            screen::failure(&fault, cli.json);
            commands::exit_code(&fault)
        }
    };
    secrets::known::forget();
    code
}

fn run(cli: &Cli) -> Result<Outcome> {
    match &cli.command {
        Command::Demo(args) => commands::demo::run(cli, args),
        Command::Init(args) => commands::init::run(cli, args),
        Command::Generate(args) => commands::generate::run(cli, args),
        Command::Db(command) => commands::db::run(cli, command),
        Command::Dimensions(command) => commands::dimensions::run(cli, command),
        Command::Run(args) => commands::run::run(cli, args),
        Command::Status => commands::status::run(cli),
        Command::Files(command) => commands::files::run(cli, command),
        Command::Rejects(command) => commands::rejects::run(cli, command),
        Command::Rebuild(args) => commands::rebuild::run(cli, args),
        Command::Incentives(command) => commands::incentives::run(cli, command),
        Command::Optimize(args) => commands::optimize::run(cli, args),
        Command::Verify => commands::verify::run(cli),
        Command::Report(command) => commands::report::run(cli, command),
        Command::Coupons(command) => commands::coupons::run(cli, command),
        Command::Query(args) => commands::query::run(cli, args),
        Command::Doctor => commands::doctor::run(cli),
        Command::Config(command) => commands::config::run(cli, command),
        Command::Secrets(command) => commands::secrets::run(cli, command),
    }
}
