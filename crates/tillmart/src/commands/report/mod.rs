//! `report`: a document is made by the pipeline, and written as it was asked for.

mod daily;
mod incentives;
mod monthly;

use super::Outcome;
use crate::cli::{Cli, ReportCommand, ReportOutput};
use crate::screen;
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::Path;
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_report::{Document, Format, Look, render};

pub(crate) fn run(cli: &Cli, command: &ReportCommand) -> Result<Outcome> {
    match command {
        ReportCommand::Daily(args) => daily::run(cli, args),
        ReportCommand::Monthly(args) => monthly::run(cli, args),
        ReportCommand::Incentives(args) => incentives::run(cli, args),
    }
}

/// Writes a report where and as the command line says.
fn write(cli: &Cli, output: &ReportOutput, document: &Document) -> Result<()> {
    let format = format(cli, output);
    let Some(file) = &output.out else {
        screen::data(&render(document, format, &look()));
        return Ok(());
    };
    put(file, render(document, format, &Look::default()).as_bytes())?;
    if !cli.json {
        screen::talk(&format!("wrote {}", file.display()));
    }
    Ok(())
}

fn format(cli: &Cli, output: &ReportOutput) -> Format {
    if cli.json {
        return Format::Json;
    }
    let ending = output.out.as_deref().and_then(Path::extension).and_then(OsStr::to_str);
    let told = || Format::ALL.into_iter().find(|format| Some(format.extension()) == ending);
    output.format.or_else(told).unwrap_or(Format::Terminal)
}

/// How wide and how colourful stdout is.
fn look() -> Look {
    let is_terminal = std::io::stdout().is_terminal();
    let width = is_terminal.then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0));
    let terminal = if is_terminal { Some(width.unwrap_or(0)) } else { None };
    Look::of(terminal, std::env::var("NO_COLOR").ok().as_deref())
}

/// Puts a file in its place in one step: whoever reads it sees the old one or the new one, whole.
fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|error| {
        // Nothing more can be done about a file that cannot be deleted either.
        let _ = std::fs::remove_file(&beside);
        Fault::new(FaultKind::Settings, "the report cannot be written")
            .at(file.display().to_string())
            .expected("a file in a folder that is there and may be written to")
            .found(error)
    })
}
