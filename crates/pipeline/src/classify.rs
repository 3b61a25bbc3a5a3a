//! Before decoding: foreign files and duplicates are told apart without reading a row.

use crate::shop::Pipeline;
use futures::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use tillmart_model::{FileFault, FileOutcome, FileReason, Kind, Result, SourceFile, Split};

/// Files hashed beside each other: thousands of small ones would otherwise wait for one answer after the other.
const HASHES: usize = 16;

impl Pipeline {
    /// Decides what can be decided without decoding. Files of equal size may be duplicates, so they are hashed first:
    /// equal digests mean equal sizes, hence no duplicate is ever decoded.
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
        let sizes: Vec<u64> = files.iter().map(|file| file.found.size).collect();
        let mut suspicious: BTreeSet<u64> =
            self.seams.ledger.landed_sizes(&self.options.feed, &sizes).await?.into_iter().collect();
        let mut seen = BTreeSet::new();
        suspicious.extend(sizes.iter().copied().filter(|size| !seen.insert(*size)));
        let hashed: Vec<usize> = (0..files.len())
            .filter(|at| {
                let SourceFile { outcome, found, .. } = &files[*at];
                *outcome == FileOutcome::Pending && suspicious.contains(&found.size) && found.size > 0
            })
            .collect();
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
