//! Discover: what lies in the incoming area and is not known as unfinished or kept.

use crate::shop::Pipeline;
use std::collections::BTreeSet;
use tillmart_lake::{Hidden, Listing};
use tillmart_model::{Found, Result};

/// Files that wait, and how many are still being written.
pub(crate) struct Waiting {
    /// By path.
    pub(crate) files: Vec<Found>,
    /// Younger than `min_age`, or under a name of half-written files.
    pub(crate) unsettled: u64,
    /// What nobody can load, and why.
    pub(crate) hidden: Vec<Hidden>,
}

impl Pipeline {
    /// Lists the incoming area. In a folder a file can be seen half-written: temporary names are ignored, and files younger
    /// than `min_age` are given that time once.
    pub(crate) async fn discover(&self) -> Result<Waiting> {
        let waiting = self.waiting().await?;
        if !self.seams.store.is_folder() || !waiting.files.iter().any(|found| self.is_young(found)) {
            return Ok(waiting);
        }
        self.observer.doing("waiting for young files to be still");
        tokio::time::sleep(self.options.min_age).await;
        let before: BTreeSet<(String, String)> =
            waiting.files.iter().map(|found| (found.path.clone(), version(found))).collect();
        let mut again = self.waiting().await?;
        let seen = again.files.len();
        again.files.retain(|found| before.contains(&(found.path.clone(), version(found))) || !self.is_young(found));
        again.unsettled += (seen - again.files.len()) as u64;
        Ok(again)
    }

    /// What a run would find right now, young files included: neither of an unfinished batch, nor done and kept in place.
    pub(crate) async fn waiting(&self) -> Result<Waiting> {
        let kept = self.seams.ledger.kept_in_place(&self.options.feed).await?;
        let kept: BTreeSet<(String, String)> = kept.iter().map(|found| (found.path.clone(), version(found))).collect();
        let unfinished = self.unfinished_paths().await?;
        let Listing { found: mut files, mut hidden } = self.seams.store.listing(&self.options.incoming).await?;
        files.retain(|found| {
            !kept.contains(&(found.path.clone(), version(found)))
                && !unfinished.contains(&found.path)
                && !is_probe(&found.path)
        });
        let all = files.len();
        if self.seams.store.is_folder() {
            files.retain(|found| !is_temporary(&found.path));
            hidden.retain(|hidden| !is_temporary(&hidden.path));
        }
        let unsettled = (all - files.len()) as u64;
        Ok(Waiting { files, unsettled, hidden })
    }

    /// Paths that an unfinished batch holds: they are its files, not new deliveries.
    pub(crate) async fn unfinished_paths(&self) -> Result<BTreeSet<String>> {
        let unfinished = self.seams.ledger.unfinished(&self.options.feed).await?;
        let files = unfinished.into_iter().flat_map(|batch| batch.files);
        Ok(files.filter(|file| file.active).map(|file| file.found.path).collect())
    }

    fn is_young(&self, found: &Found) -> bool {
        let age = self.seams.clock.now() - found.modified;
        let min_age = chrono::Duration::from_std(self.options.min_age).unwrap_or_else(|_| chrono::Duration::zero());
        // A time to come is no proof of stillness: the clock of a network share may be ahead of ours.
        age < min_age
    }

    /// Cuts what waits into batches by number and bytes.
    pub(crate) fn batches_of(&self, files: Vec<Found>) -> Vec<Vec<Found>> {
        let mut batches: Vec<Vec<Found>> = Vec::new();
        let mut bytes = 0;
        for file in files {
            let full = batches.last().is_none_or(|batch| {
                batch.len() >= self.options.batch_files_max as usize || bytes + file.size > self.options.batch_bytes_max
            });
            if full {
                batches.push(Vec::new());
                bytes = 0;
            }
            bytes += file.size;
            if let Some(batch) = batches.last_mut() {
                batch.push(file);
            }
        }
        batches
    }
}

/// What tells two versions of one path apart.
pub(crate) fn version(found: &Found) -> String {
    match &found.etag {
        Some(etag) => etag.clone(),
        None => format!("{} bytes of {}", found.size, found.modified.timestamp_micros()),
    }
}

/// What a doctor tries an area with; one that was killed leaves it there.
fn is_probe(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("_tillmart_doctor"))
}

/// Names under which producers write before they rename.
fn is_temporary(path: &str) -> bool {
    let hidden = |segment: &str| segment.starts_with(['_', '.']);
    path.ends_with(".tmp") || path.ends_with(".part") || path.split('/').any(hidden)
}

#[cfg(test)]
mod tests {
    use super::is_temporary;

    #[test]
    fn names_of_half_written_files_are_ignored() {
        for name in ["a.csv.tmp", "a.part", "_a.csv", ".a.csv", "x/_spool/a.csv", "x/.hidden/a.csv"] {
            assert!(is_temporary(name), "{name}");
        }
        for name in ["a.csv", "x_y/a_b.csv", "x/a.b.csv"] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
