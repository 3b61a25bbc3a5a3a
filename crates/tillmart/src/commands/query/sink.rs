//! Where rows go: stdout, or a file that is whole or not there.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tillmart_model::{Fault, FaultKind, Result};

/// Stdout or a file.
pub(crate) enum Sink {
    /// Stdout: each write goes out when it is made.
    Stdout,
    /// A file that takes its place when all is written.
    File {
        /// What is written: beside the place, or the place itself where it is no regular file (a pipe, a device).
        file: BufWriter<File>,
        /// Where it is written, until it is moved to its place; `None` where it is written in place.
        beside: Option<PathBuf>,
        /// Its place.
        place: PathBuf,
    },
}

impl Sink {
    /// Stdout.
    pub(crate) fn stdout() -> Sink {
        Sink::Stdout
    }

    /// A file: made beside its place, so that a query that breaks off leaves what was there.
    ///
    /// # Errors
    /// `Settings` when it cannot be made.
    pub(crate) fn file(path: &Path) -> Result<Sink> {
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let is_special = place.metadata().is_ok_and(|found| !found.is_file());
        let beside = (!is_special).then(|| {
            let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            place.with_file_name(format!(".{name}.{}.part", std::process::id()))
        });
        let made = match &beside {
            Some(beside) => File::create(beside),
            None => OpenOptions::new().write(true).open(&place),
        };
        let file = made.map_err(|error| {
            Fault::new(FaultKind::Settings, "the file cannot be written").at(path.display().to_string()).found(error)
        })?;
        Ok(Sink::File { file: BufWriter::new(file), beside, place })
    }

    /// Everything is written: a file takes its place.
    ///
    /// # Errors
    /// `Settings` when it cannot.
    pub(crate) fn finish(mut self) -> Result<()> {
        let done = self.settle();
        let Sink::File { beside, place, .. } = &mut self else { return Ok(()) };
        done.map_err(|error| {
            Fault::new(FaultKind::Settings, "the file cannot be written").at(place.display().to_string()).found(error)
        })?;
        *beside = None;
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        let Sink::File { file, beside, place } = self else { return io::stdout().lock().flush() };
        file.flush()?;
        match beside {
            Some(beside) => {
                file.get_ref().sync_all()?;
                if let Ok(old) = place.metadata() {
                    file.get_ref().set_permissions(old.permissions())?;
                }
                std::fs::rename(beside, place)
            }
            None => Ok(()),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Sink::File { beside: Some(beside), .. } = self {
            let _ = std::fs::remove_file(beside);
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stdout => io::stdout().lock().write(bytes),
            Sink::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Stdout => io::stdout().lock().flush(),
            Sink::File { file, .. } => file.flush(),
        }
    }
}
