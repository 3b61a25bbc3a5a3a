//! Holding the feed's lease while a run works.

use crate::shop::Pipeline;
use std::sync::Arc;
use std::time::Duration;
use tillmart_database::{Lease, Ledger};
use tillmart_model::{Clock, FaultKind, Result};
use tokio::task::JoinHandle;

/// The lease, prolonged in the background until it is given back.
pub(crate) struct Held {
    pub(crate) lease: Lease,
    ledger: Arc<dyn Ledger>,
    keeper: JoinHandle<()>,
}

impl Pipeline {
    /// Takes the feed's lease. A lease whose holder was a process of this machine that no longer runs is taken over at once;
    /// any other runs out by itself.
    pub(crate) async fn hold(&self) -> Result<Held> {
        self.hold_of(&self.options.feed).await
    }

    /// Takes a lease that feeds share, by a name that no feed has.
    pub(crate) async fn hold_of(&self, name: &str) -> Result<Held> {
        let ttl = self.options.lease;
        let span = chrono::Duration::from_std(ttl).unwrap_or(chrono::Duration::seconds(60));
        let (ledger, clock) = (Arc::clone(&self.seams.ledger), self.seams.clock);
        let lease = ledger.acquire(name, &process::this(), clock.now(), span, &process::is_gone).await?;
        let keeper = tokio::spawn(keep(Arc::clone(&ledger), lease.clone(), clock, ttl));
        Ok(Held { lease, ledger, keeper })
    }
}

impl Pipeline {
    /// The run that is at work on the feed right now, if there is one.
    pub(crate) async fn at_work(&self) -> Result<Option<String>> {
        let holder = self.seams.ledger.holder(&self.options.feed, self.seams.clock.now()).await?;
        Ok(holder.filter(|holder| !process::is_gone(holder)))
    }
}

/// Every ledger write is fenced, so losing the lease here needs no handling: the next write is refused.
/// A database that does not answer for a moment is asked again.
async fn keep(ledger: Arc<dyn Ledger>, lease: Lease, clock: Clock, ttl: Duration) {
    let span = chrono::Duration::from_std(ttl).unwrap_or(chrono::Duration::seconds(60));
    loop {
        tokio::time::sleep(ttl / 3).await;
        match ledger.renew(&lease, clock.now(), span).await {
            Err(fault) if fault.kind == FaultKind::Busy => return,
            _ => {}
        }
    }
}

impl Held {
    /// Gives the lease back.
    pub(crate) async fn release(self) -> Result<()> {
        self.keeper.abort();
        self.ledger.release(&self.lease).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Naming a process so that its end can be seen.
mod process {
    use std::fs;

    /// Host, kernel boot, process namespace, process id and its start: a process id alone comes round again.
    pub(super) fn this() -> String {
        let pid = std::process::id();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "this host" } else { host.trim() };
        format!("pid {pid} on {host} ({} started {})", place(), started(pid).unwrap_or_default())
    }

    fn place() -> String {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
        format!("boot {} {namespace}", boot.trim())
    }

    /// Clock ticks after boot, the 22nd field of `stat`; the second field may hold blanks and brackets.
    fn started(pid: u32) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        rest.split_whitespace().nth(19).map(str::to_owned)
    }

    /// Only a holder of this very machine, boot and namespace can be known to be gone.
    pub(super) fn is_gone(holder: &str) -> bool {
        let parse = || {
            let (pid, rest) = holder.strip_prefix("pid ")?.split_once(' ')?;
            let (_, rest) = rest.split_once('(')?;
            let (place, start) = rest.trim_end_matches(')').split_once(" started ")?;
            Some((pid.parse::<u32>().ok()?, place.to_owned(), start.to_owned()))
        };
        let Some((pid, held_at, start)) = parse() else { return false };
        held_at == place() && !start.is_empty() && started(pid).as_deref() != Some(start.as_str())
    }

    #[cfg(test)]
    mod tests {
        use super::{is_gone, this};

        #[test]
        fn a_running_process_is_not_gone_and_an_ended_one_is() {
            assert!(!is_gone(&this()));
            let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
            let holder = this().replace(&format!("pid {}", std::process::id()), &format!("pid {}", child.id()));
            let start = super::started(child.id()).unwrap();
            let holder = format!("{} started {start})", holder.split(" started ").next().unwrap());
            assert!(!is_gone(&holder));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(is_gone(&holder));
            assert!(!is_gone("pid 1 on elsewhere (boot other started 5)"), "another machine's process cannot be seen");
        }
    }
}
