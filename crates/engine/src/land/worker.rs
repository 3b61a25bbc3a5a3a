//! Threads that do one thing after the other, with something of their own to do it with: what they allocate they allocate again,
//! and it is gone when they end.

use std::sync::{Arc, Mutex, PoisonError};
use tillmart_model::{Fault, FaultKind, Result};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Starts a thread of a landing. None is taken from a pool: landings that wait for each other's threads would wait for ever.
pub(super) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(|error| {
        Fault::new(FaultKind::Store, "cannot start a thread for landing")
            .found(error)
            .hint("raise the limit of threads of this user, or lower run.tasks; nothing was committed")
    })
}

type Work<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Threads, and what each works with. They begin what they are given in its order, and end with the value, when all of it is done.
pub(super) struct Worker<S> {
    work: UnboundedSender<Work<S>>,
}

impl<S: Default + 'static> Worker<S> {
    /// Starts the threads.
    pub(super) fn start(name: &str, threads: usize) -> Result<Worker<S>> {
        let (work, waiting) = unbounded_channel::<Work<S>>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            thread(name, move || {
                let mut own = S::default();
                while let Some(work) = next(&waiting) {
                    work(&mut own);
                }
            })?;
        }
        Ok(Worker { work })
    }

    /// Gives it something to do. The answer fails if the thread gave up before it came to an end of it.
    pub(super) fn give<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (tell, told) = oneshot::channel();
        let work = Box::new(move |own: &mut S| {
            // Nobody waits for an answer any more: whoever asked has gone.
            let _ = tell.send(work(own));
        });
        // A thread that is gone drops `tell` with the work.
        let _ = self.work.send(work);
        told
    }
}

/// What is to be done next. One thread waits for it, the others for that thread.
fn next<S>(waiting: &Mutex<UnboundedReceiver<Work<S>>>) -> Option<Work<S>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}
