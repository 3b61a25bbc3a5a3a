//! What tests do to a real process at a named point: kill it, let it panic, or hold it while they disturb the servers behind it.

#[cfg(debug_assertions)]
use crate::secrets::known;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// One interruption, from the environment.
pub(super) struct Interrupt {
    point: String,
    left: AtomicU32,
    act: Act,
}

enum Act {
    Die,
    Panic,
    Hold(PathBuf),
}

impl Interrupt {
    /// - `TILLMART_KILL_AT=point` or `point:n`: the process dies, without cleaning up, the n-th time it passes the point.
    /// - `TILLMART_KILL_AT=panic:point`: it panics there, with every known secret in its message, for the test that looks for
    ///   them. Only a debug build does.
    /// - `TILLMART_HOLD_AT=point:FILE`: there it makes the file and waits until somebody removes it.
    pub(super) fn from_environment() -> Option<Interrupt> {
        if let Ok(text) = std::env::var("TILLMART_HOLD_AT") {
            let (point, file) = text.split_once(':')?;
            return Some(Interrupt::new(point, 1, Act::Hold(PathBuf::from(file))));
        }
        let text = std::env::var("TILLMART_KILL_AT").ok()?;
        let (act, text) = match text.strip_prefix("panic:") {
            Some(rest) if cfg!(debug_assertions) => (Act::Panic, rest),
            Some(rest) => (Act::Die, rest),
            None => (Act::Die, text.as_str()),
        };
        let (point, times) = text.split_once(':').unwrap_or((text, "1"));
        Some(Interrupt::new(point, times.parse().unwrap_or(1), act))
    }

    fn new(point: &str, times: u32, act: Act) -> Interrupt {
        Interrupt { point: point.to_owned(), left: AtomicU32::new(times), act }
    }

    /// A point has been passed.
    pub(super) fn passed(&self, point: &str) {
        if point != self.point || self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return;
        }
        match &self.act {
            Act::Die => std::process::abort(),
            #[cfg(debug_assertions)]
            Act::Panic => panic!("asked for at {point}, knowing {}", known::all_of_them()),
            #[cfg(not(debug_assertions))]
            Act::Panic => std::process::abort(),
            Act::Hold(file) => {
                let made = std::fs::write(file, point);
                while made.is_ok() && file.exists() {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }
}
