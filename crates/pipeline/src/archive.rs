//! Archive: finished source files leave the incoming area, verified, and a rejected one is told why beside it.

use crate::Point;
use crate::shop::Pipeline;
use futures::{StreamExt, TryStreamExt};
use tillmart_database::Lease;
use tillmart_model::{ArchivePolicy, Batch, Fault, FaultKind, FileOutcome, FileReason, Result, SourceFile, money};

/// Files moved beside each other.
const MOVES: usize = 8;

impl Pipeline {
    /// `Published` → `Finished`.
    pub(crate) async fn archive(&self, lease: &Lease, batch: &Batch) -> Result<()> {
        futures::stream::iter(batch.files.iter().filter(|file| file.active))
            .map(|file| self.archive_file(lease, file))
            .buffer_unordered(MOVES)
            .try_collect::<Vec<()>>()
            .await?;
        self.seams.ledger.finished(lease, batch.id, self.seams.clock.now()).await
    }

    async fn archive_file(&self, lease: &Lease, file: &SourceFile) -> Result<()> {
        let location = self.move_file(file).await?;
        self.seams.ledger.archived(lease, file.id, &location, self.seams.clock.now()).await?;
        self.observer.reached(Point::Archived);
        Ok(())
    }

    /// Moves one file and returns where it lies now.
    async fn move_file(&self, file: &SourceFile) -> Result<String> {
        let source = format!("{}/{}", self.options.incoming, file.found.path);
        let area = match &file.outcome {
            // Its claimed bytes are gone; what lies there now is a new delivery and stays.
            FileOutcome::Rejected(fault) if fault.reason == FileReason::Overwritten => {
                return Ok(format!("{source} (overwritten)"));
            }
            FileOutcome::Rejected(_) => &self.options.error,
            _ => &self.options.processed,
        };
        let target = format!("{area}/{}", file.found.path);
        if let FileOutcome::Rejected(fault) = &file.outcome {
            let text = report(file, fault);
            self.seams.store.write(&format!("{target}.{}.report.txt", file.id), text.into_bytes()).await?;
        }
        if self.options.archive == ArchivePolicy::Keep {
            return Ok(source);
        }
        let digest = file.digest.as_deref().ok_or_else(|| {
            Fault::new(FaultKind::Promise, "a finished file has no digest").at(file.found.path.clone())
        })?;
        let size = file.found.size;
        let taken =
            self.seams.store.look(&target).await?.is_some() && !self.seams.store.holds(&target, size, digest).await?;
        let target = if taken { format!("{target}.{}", file.id) } else { target };
        if !self.seams.store.copy_verified(&file.found, &source, digest, &target).await? {
            // Overwritten after it was read: the landed bytes are gone, the new ones are a new delivery.
            return Ok(format!("{source} (overwritten)"));
        }
        self.observer.reached(Point::Copied);
        self.seams.store.delete_version(&source, &file.found).await?;
        self.observer.reached(Point::Deleted);
        Ok(target)
    }
}

/// What a person reads beside a rejected file.
fn report(file: &SourceFile, fault: &tillmart_model::FileFault) -> String {
    let mut lines = fault.message.lines();
    let mut text = format!("{} was rejected: no row of it landed.\n\n", file.found.path);
    text.push_str(&format!("reason   {}\n", fault.reason));
    text.push_str(&format!("because  {}\n", lines.next().unwrap_or_default()));
    if let Some(line) = fault.line {
        text.push_str(&format!("line     {line}\n"));
    }
    text.push_str(&format!("file     {} bytes, source file {}, batch {}\n", file.found.size, file.id, file.batch_id));
    if let Some(digest) = &file.digest {
        text.push_str(&format!("BLAKE3   {digest}\n"));
    }
    if file.tally.rows_read > 0 {
        text.push_str(&format!(
            "rows     {} read, {} rejected, {} good ones worth {}\n",
            file.tally.rows_read,
            file.tally.rows_rejected(),
            file.tally.rows_landed,
            money::cents_text(file.tally.money_cents)
        ));
        for (reason, rows) in &file.tally.rejected {
            text.push_str(&format!("         {rows} × {reason}\n"));
        }
    }
    let samples: Vec<&str> = lines.collect();
    if !samples.is_empty() {
        text.push_str("\nThe first rejected rows:\n");
        for sample in samples {
            text.push_str(&format!("  {sample}\n"));
        }
    }
    text.push_str("\nWhat to do: correct the file and deliver it again into the incoming area.\n");
    text
}
