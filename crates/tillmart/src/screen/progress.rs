//! Progress on a terminal as a bar, elsewhere as plain lines.

use super::talk;
use crate::secrets::known;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tillmart_engine::Progress;
use tillmart_pipeline::{Observer, Point};

/// Watches a run for a person.
pub(crate) struct Screen {
    quiet: bool,
    terminal: bool,
    bar: Arc<Mutex<Option<ProgressBar>>>,
    kill: Option<KillAt>,
}

/// `TILLMART_KILL_AT=point` or `point:n`: the process dies, without cleaning up, the n-th time it passes the point.
/// For crash tests, which kill a real process. `panic:point` panics there instead, with every known secret in its message:
/// for the test that looks for them. Only a debug build does that.
struct KillAt {
    panics: bool,
    point: String,
    left: AtomicU32,
}

impl Screen {
    /// Quiet when a program reads the result.
    pub(crate) fn new(quiet: bool) -> Screen {
        let kill = std::env::var("TILLMART_KILL_AT").ok().map(|text| {
            let (panics, text) = match text.strip_prefix("panic:") {
                Some(rest) => (cfg!(debug_assertions), rest),
                None => (false, text.as_str()),
            };
            let (point, times) = text.split_once(':').unwrap_or((text, "1"));
            KillAt { panics, point: point.to_owned(), left: AtomicU32::new(times.parse().unwrap_or(1)) }
        });
        Screen { quiet, terminal: std::io::stderr().is_terminal(), bar: Arc::new(Mutex::new(None)), kill }
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
        let Some(kill) = &self.kill else { return };
        if point.name() == kill.point && kill.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            #[cfg(debug_assertions)]
            if kill.panics {
                panic!("asked for at {}, knowing {}", kill.point, known::all_of_them());
            }
            std::process::abort();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.landed();
    }
}
