//! Progress on a terminal as a bar, elsewhere as plain lines.

use super::interrupt::Interrupt;
use super::talk;
use crate::secrets::known;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tillmart_engine::Progress;
use tillmart_pipeline::{Observer, Point};

/// Watches a run for a person.
pub(crate) struct Screen {
    quiet: bool,
    terminal: bool,
    bar: Arc<Mutex<Option<ProgressBar>>>,
    interrupt: Option<Interrupt>,
}

impl Screen {
    /// Quiet when a program reads the result.
    pub(crate) fn new(quiet: bool) -> Screen {
        Screen {
            quiet,
            terminal: std::io::stderr().is_terminal(),
            bar: Arc::new(Mutex::new(None)),
            interrupt: Interrupt::from_environment(),
        }
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Screen {
    fn doing(&self, what: &str) {
        if self.quiet {
            return;
        }
        if !self.terminal {
            return talk(what);
        }
        let mut bar = self.bar();
        let spinner = bar.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        spinner.set_message(known::scrub(what).into_owned());
    }

    fn landing(&self, bytes: u64, files: u64, progress: Arc<Progress>) {
        if self.quiet || bytes == 0 {
            return;
        }
        if !self.terminal {
            return talk(&format!("landing {} ({})", super::many(files, "file"), super::bytes(bytes)));
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let template = "landing {bar:30} {percent:>3} %  {bytes} of {total_bytes}  {msg}  {eta} left";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        if let Some(spinner) = self.bar().replace(bar.clone()) {
            spinner.finish_and_clear();
        }
        // The bar looks at the counters ten times a second, and ends itself when another has taken its place.
        std::thread::spawn(move || {
            while !bar.is_finished() {
                bar.set_position(progress.bytes());
                let milliseconds = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
                bar.set_message(format!(
                    "{} rows/s",
                    super::count(progress.rows().saturating_mul(1000) / milliseconds)
                ));
                std::thread::sleep(Duration::from_millis(100));
            }
        });
    }

    fn landed(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn reached(&self, point: Point) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.passed(point.name());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.landed();
    }
}
