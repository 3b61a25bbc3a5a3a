//! Where the time of a run goes: for people, nothing is decided by it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time by stage, added up over threads. Stages stand in the order they first took time.
#[derive(Debug, Default)]
pub struct Profile {
    stages: Mutex<Vec<(String, Duration)>>,
}

impl Profile {
    /// Does work that belongs to a stage.
    pub fn time<T>(&self, stage: &str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.add(stage, started);
        done
    }

    /// Adds the time since `started` to a stage.
    pub fn add(&self, stage: &str, started: Instant) {
        let took = started.elapsed();
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        match stages.iter_mut().find(|(known, _)| known == stage) {
            Some((_, all)) => *all += took,
            None => stages.push((stage.to_owned(), took)),
        }
    }

    /// The stages so far.
    pub fn stages(&self) -> Vec<(String, Duration)> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_in_the_order_they_came() {
        let profile = Profile::default();
        assert_eq!(profile.time("read", || 1) + profile.time("write", || 2) + profile.time("read", || 4), 7);
        let stages = profile.stages();
        assert_eq!(stages.iter().map(|(stage, _)| stage.as_str()).collect::<Vec<_>>(), ["read", "write"]);
    }
}
