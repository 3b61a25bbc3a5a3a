//! Archive: finished source files leave the incoming area, verified, and a rejected one is told why beside it.

use crate::Point;
use crate::shop::Pipeline;
use futures::StreamExt;
use tillmart_database::Lease;
use tillmart_lake::Copy;
use tillmart_model::{ArchivePolicy, Batch, Fault, FaultKind, FileOutcome, FileReason, Result, SourceFile, money};

/// Files looked at, or deleted, beside each other.
const AT_ONCE: usize = 8;

/// Files that are archived together: what waits for the disk is done once for all of them.
const FILES_TOGETHER: usize = 128;

/// Bytes of a name in a place of its own, so that the name of a report fits beside it.
const APART_BYTES: usize = 200;

impl Pipeline {
    /// `Published` → `Finished`.
    pub(crate) async fn archive(&self, lease: &Lease, batch: &Batch) -> Result<()> {
        let active: Vec<&SourceFile> = batch.files.iter().filter(|file| file.active).collect();
        for some in active.chunks(FILES_TOGETHER) {
            self.archive_some(lease, some).await?;
        }
        self.seams.ledger.finished(lease, batch.id, self.seams.clock.now()).await
    }

    /// Moves some files. One that cannot be moved does not keep the others from being archived, and is told then.
    async fn archive_some(&self, lease: &Lease, files: &[&SourceFile]) -> Result<()> {
        let placing = futures::stream::iter(files).map(|file| self.place_of(file)).buffered(AT_ONCE);
        let (mut done, mut faults, mut copies) = (Vec::new(), Vec::new(), Vec::new());
        for (file, place) in files.iter().zip(placing.collect::<Vec<_>>().await) {
            match place {
                Ok(Place::There(location)) => done.push((file.id, location)),
                Ok(Place::Copy(copy)) => copies.push((file.id, copy)),
                Err(fault) => faults.push(fault),
            }
        }
        let (ids, copies): (Vec<i64>, Vec<Copy<'_>>) = copies.into_iter().unzip();
        let copied = self.seams.store.copy_all_verified(&copies).await?;
        let deleting = futures::stream::iter(copies.iter().zip(copied)).map(|(copy, copied)| self.let_go(copy, copied));
        for (id, location) in ids.into_iter().zip(deleting.buffered(AT_ONCE).collect::<Vec<_>>().await) {
            match location {
                Ok(location) => done.push((id, location)),
                Err(fault) => faults.push(fault),
            }
        }
        self.seams.ledger.archived(lease, &done, self.seams.clock.now()).await?;
        done.iter().for_each(|_| self.observer.reached(Point::Archived));
        match faults.into_iter().next() {
            None => Ok(()),
            Some(fault) => Err(fault),
        }
    }

    /// Where a file is to lie, with the report of a rejected one beside it.
    async fn place_of<'f>(&self, file: &'f SourceFile) -> Result<Place<'f>> {
        let source = format!("{}/{}", self.options.incoming, file.found.path);
        let area = match &file.outcome {
            // Its claimed bytes are gone; what lies there now is a new delivery and stays.
            FileOutcome::Rejected(fault) if fault.reason == FileReason::Overwritten => {
                return Ok(Place::There(overwritten(&source)));
            }
            FileOutcome::Rejected(_) => &self.options.error,
            _ => &self.options.processed,
        };
        if let FileOutcome::Rejected(fault) = &file.outcome {
            let place = self.report_place(area, file).await?;
            self.seams.store.write(&place, report(file, fault).into_bytes()).await?;
        }
        if self.options.archive == ArchivePolicy::Keep {
            return Ok(Place::There(source));
        }
        let digest = file.digest.as_deref().ok_or_else(|| {
            Fault::new(FaultKind::Promise, "a finished file has no digest").at(file.found.path.clone())
        })?;
        let to = self.archive_place(area, file, digest).await?;
        Ok(Place::Copy(Copy { from: &file.found, source, digest, to }))
    }

    /// Deletes the original of a copy, and returns where the file lies now.
    async fn let_go(&self, copy: &Copy<'_>, copied: Result<bool>) -> Result<String> {
        if !copied? {
            // Overwritten after it was read: the landed bytes are gone, the new ones are a new delivery.
            return Ok(overwritten(&copy.source));
        }
        self.observer.reached(Point::Copied);
        self.seams.store.delete_version(&copy.source, copy.from).await?;
        self.observer.reached(Point::Deleted);
        Ok(copy.to.clone())
    }
}

/// What is to be done about a finished file.
enum Place<'f> {
    /// Nothing: this is where it lies.
    There(String),
    Copy(Copy<'f>),
}

fn overwritten(source: &str) -> String {
    format!("{source} (overwritten)")
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
            if store.look(&place).await?.is_none() || store.holds_version(&place, &file.found, digest).await? {
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
