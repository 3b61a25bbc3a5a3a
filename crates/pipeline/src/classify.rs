//! Before decoding: foreign files and duplicates are told apart without reading a row.

use crate::shop::Pipeline;
use futures::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use tillmart_model::{FileFault, FileOutcome, FileReason, Kind, Result, SourceFile, Split};

/// Files hashed beside each other: thousands of small ones would otherwise wait for one answer after the other.
const HASHES: usize = 16;

/// First bytes by which files of one size are told apart: some dozens of rows.
const START_BYTES: u64 = 4_096;

impl Pipeline {
    /// Decides what can be decided without decoding. Files of equal size may be duplicates, so they are hashed first:
    /// equal digests mean equal sizes and equal starts, hence no duplicate is ever decoded.
    pub(crate) async fn classify(&self, files: &mut [SourceFile]) -> Result<()> {
        for file in files.iter_mut() {
            if Kind::of(&file.found.path).is_none() {
                file.outcome = FileOutcome::Rejected(foreign(&file.found.path));
                file.digest = self.digest_of(file).await?;
                if file.digest.is_none() {
                    file.outcome = FileOutcome::Rejected(overwritten());
                }
            }
        }
        let hashed = self.suspects(files).await?;
        let digests: Vec<Option<String>> =
            futures::stream::iter(&hashed).map(|at| self.digest_of(&files[*at])).buffered(HASHES).try_collect().await?;
        // Of equal files the first by path lands: they are judged in their order, however they were hashed.
        let mut first_of_batch: BTreeMap<String, i64> = BTreeMap::new();
        for (at, digest) in hashed.into_iter().zip(digests) {
            let file = &mut files[at];
            let Some(digest) = digest else {
                file.outcome = FileOutcome::Rejected(overwritten());
                continue;
            };
            let landed = self.seams.ledger.landed_with_digest(&self.options.feed, &digest).await?;
            if let Some(of) = landed.or_else(|| first_of_batch.get(&digest).copied()) {
                file.outcome = FileOutcome::Duplicate { of };
            } else {
                first_of_batch.insert(digest.clone(), file.id);
            }
            file.digest = Some(digest);
        }
        Ok(())
    }

    /// Files that may be duplicates, by place: those of a size that landed before, and those that another file of the batch equals in
    /// size and in its first bytes.
    async fn suspects(&self, files: &[SourceFile]) -> Result<Vec<usize>> {
        let sizes: Vec<u64> = files.iter().map(|file| file.found.size).collect();
        let landed: BTreeSet<u64> =
            self.seams.ledger.landed_sizes(&self.options.feed, &sizes).await?.into_iter().collect();
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<u64> = sizes.iter().copied().filter(|size| !seen.insert(*size)).collect();
        let is_open = |at: &usize| files[*at].outcome == FileOutcome::Pending && sizes[*at] > 0;
        let is_sure =
            |at: &usize| landed.contains(&sizes[*at]) || (twice.contains(&sizes[*at]) && sizes[*at] <= START_BYTES);
        let (mut suspects, others): (Vec<usize>, Vec<usize>) = (0..files.len()).filter(is_open).partition(is_sure);
        // Deliveries cut to one size are mostly of a few sizes, so that sizes alone would have all of them read twice.
        let others: Vec<usize> = others.into_iter().filter(|at| twice.contains(&sizes[*at])).collect();
        let starts = futures::stream::iter(&others).map(|at| self.digest_of_start(&files[*at])).buffered(HASHES);
        let mut alike: BTreeMap<(u64, Option<String>), Vec<usize>> = BTreeMap::new();
        for (at, start) in others.iter().zip(starts.try_collect::<Vec<_>>().await?) {
            alike.entry((sizes[*at], start)).or_default().push(*at);
        }
        // A file that could not be read as it was claimed is a suspect, too: reading it will tell.
        let groups = alike.into_iter().filter(|((_, start), group)| start.is_none() || group.len() > 1);
        suspects.extend(groups.flat_map(|(_, group)| group));
        suspects.sort_unstable();
        Ok(suspects)
    }

    async fn digest_of_start(&self, file: &SourceFile) -> Result<Option<String>> {
        let path = format!("{}/{}", self.options.incoming, file.found.path);
        self.seams.store.digest(&path, START_BYTES, file.found.etag.as_deref()).await
    }

    async fn digest_of(&self, file: &SourceFile) -> Result<Option<String>> {
        let path = format!("{}/{}", self.options.incoming, file.found.path);
        self.seams.store.digest(&path, file.found.size, file.found.etag.as_deref()).await
    }

    /// The split of a file that is to be decoded.
    pub(crate) fn source_split(&self, file: &SourceFile) -> Option<Split> {
        Some(Split::Source {
            file_id: file.id,
            path: format!("{}/{}", self.options.incoming, file.found.path),
            etag: file.found.etag.clone(),
            size: file.found.size,
            kind: Kind::of(&file.found.path)?,
            stretch: None,
        })
    }
}

fn foreign(path: &str) -> FileFault {
    let ending =
        path.rsplit('/').next().and_then(|name| name.split_once('.')).map_or("no ending", |(_, ending)| ending);
    FileFault::new(
        FileReason::NotASalesFile,
        format!("expected .csv, .jsonl (each also .gz or .zst) or .parquet; found {ending}"),
    )
}

pub(crate) fn overwritten() -> FileFault {
    FileFault::new(
        FileReason::Overwritten,
        "the file was overwritten or removed before it could be read; what lies there now is taken by the next run",
    )
}
