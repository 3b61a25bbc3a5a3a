//! Ctrl-C, seen whatever the query is doing.

use std::sync::mpsc;
use tillmart_model::{Fault, FaultKind, Result};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Tells of the next Ctrl-C. It is listened for on a thread with a runtime of its own: a query that computes and does not give way
/// keeps every thread of the shell's runtime busy, so that nobody there would look.
///
/// # Errors
/// A system that lets nobody listen.
pub(super) fn next() -> Result<oneshot::Receiver<()>> {
    let (mut tell, told) = oneshot::channel();
    let (begun, has_begun) = mpsc::channel();
    let listen = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(begun.send(Err(error))),
        };
        runtime.block_on(async {
            let mut interrupt = match signal(SignalKind::interrupt()) {
                Ok(interrupt) => interrupt,
                Err(error) => return drop(begun.send(Err(error))),
            };
            let _ = begun.send(Ok(()));
            tokio::select! {
                Some(()) = interrupt.recv() => drop(tell.send(())),
                // The query has ended.
                () = tell.closed() => {}
            }
        });
    };
    let fault = |found: &dyn std::fmt::Display| {
        Fault::new(FaultKind::Settings, "a query could not be stopped with Ctrl-C, and is not begun").found(found)
    };
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(listen).map_err(|error| fault(&error))?;
    match has_begun.recv() {
        Ok(Ok(())) => Ok(told),
        Ok(Err(error)) => Err(fault(&error)),
        Err(error) => Err(fault(&error)),
    }
}
