//! Archive: finished source files leave the incoming area, verified, and a rejected one is told why beside it.

use crate::Point;
use crate::shop::Pipeline;
use futures::{StreamExt, TryStreamExt};
use tillmart_database::Lease;
use tillmart_model::{ArchivePolicy, Batch, Fault, FaultKind, FileOutcome, FileReason, Result, SourceFile, money};

/// Files moved beside each other.
const MOVES: usize = 8;

/// Bytes of a name in a place of its own, so that the name of a report fits beside it.
const APART_BYTES: usize = 200;

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
        if let FileOutcome::Rejected(fault) = &file.outcome {
            let place = self.report_place(area, file).await?;
            self.seams.store.write(&place, report(file, fault).into_bytes()).await?;
        }
        if self.options.archive == ArchivePolicy::Keep {
            return Ok(source);
        }
        let digest = file.digest.as_deref().ok_or_else(|| {
            Fault::new(FaultKind::Promise, "a finished file has no digest").at(file.found.path.clone())
        })?;
        let target = self.archive_place(area, file, digest).await?;
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

impl Pipeline {
    /// Where a file goes: below the area with its relative path; with its id appended when that name is taken by other bytes; below
    /// a folder of its id when neither can be (too long a name, a file where a folder must be). Asked again after a crash, it
    /// is the place where the copy already lies.
    async fn archive_place(&self, area: &str, file: &SourceFile, digest: &str) -> Result<String> {
        let (path, id, store) = (&file.found.path, file.id, &self.seams.store);
        for place in [format!("{area}/{path}"), format!("{area}/{path}.{id}"), apart(area, file, "")] {
            if !store.can_have(&place).await? {
                continue;
            }
            if store.look(&place).await?.is_none() || store.holds(&place, file.found.size, digest).await? {
                return Ok(place);
            }
        }
        Err(Fault::new(FaultKind::Store, "there is no free name for a finished file")
            .at(format!("{area}/{path}"))
            .expected(format!("a free name, or {}", apart(area, file, "")))
            .hint("move what lies there out of the way, then run again: nothing is lost"))
    }

    async fn report_place(&self, area: &str, file: &SourceFile) -> Result<String> {
        let suffix = format!(".{}.report.txt", file.id);
        let usual = format!("{area}/{}{suffix}", file.found.path);
        Ok(if self.seams.store.can_have(&usual).await? { usual } else { apart(area, file, &suffix) })
    }
}

/// A place of a file's own: below a folder of its id, under its name, cut to what any store takes.
fn apart(area: &str, file: &SourceFile, suffix: &str) -> String {
    let name = file.found.path.rsplit('/').next().unwrap_or_default();
    let most = (0..=APART_BYTES.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or_default();
    format!("{area}/{}/{}{suffix}", file.id, &name[..most])
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

#[cfg(test)]
mod tests {
    use super::{APART_BYTES, apart};
    use chrono::DateTime;
    use tillmart_model::{FileOutcome, Found, SourceFile, Tally};

    fn named(id: i64, path: &str) -> SourceFile {
        SourceFile {
            id,
            batch_id: 1,
            found: Found { path: path.to_owned(), size: 1, etag: None, modified: DateTime::UNIX_EPOCH },
            active: true,
            outcome: FileOutcome::Pending,
            digest: None,
            tally: Tally::default(),
            rows_replayed: 0,
            header: None,
            location: String::new(),
            created: DateTime::UNIX_EPOCH,
            updated: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_place_apart_has_a_name_that_fits() {
        assert_eq!(apart("done", &named(7, "x/day.csv"), ""), "done/7/day.csv");
        let long = format!("x/{}.csv", "ü".repeat(120));
        let place = apart("done", &named(7, &long), ".7.report.txt");
        let name = place.strip_prefix("done/7/").expect("in a folder of its id");
        assert!(name.len() <= APART_BYTES + 13 && name.ends_with("ü.7.report.txt"), "{place}");
    }
}
