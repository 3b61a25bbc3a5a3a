//! Threads that do one thing after the other, in the order they are given it, with something of their own to do it with: what they
//! allocate they allocate again, and it is gone when they end.

use tillmart_model::{Fault, FaultKind, Result};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
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

/// A thread, and what it works with. It ends with the value, when all that was given is done.
pub(super) struct Worker<S> {
    work: UnboundedSender<Work<S>>,
}

impl<S: Default + 'static> Worker<S> {
    /// Starts the thread.
    pub(super) fn start(name: &str) -> Result<Worker<S>> {
        let (work, mut waiting) = unbounded_channel::<Work<S>>();
        thread(name, move || {
            let mut own = S::default();
            while let Some(work) = waiting.blocking_recv() {
                work(&mut own);
            }
        })?;
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
