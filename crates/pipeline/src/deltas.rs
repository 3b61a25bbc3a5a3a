//! What a batch adds to a rollup: the sums that its tasks left beside the manifest, or `merge` over its landed files.

use crate::shop::Pipeline;
use arrow::array::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tillmart_engine::LandedFile;
use tillmart_engine::mart::Rollup;
use tillmart_model::{DeltaFile, Manifest, Result};

/// What is added to a rollup's state, batch by batch.
pub(crate) type Deltas<'a> = BoxStream<'a, Result<RecordBatch>>;

impl Pipeline {
    /// Deletes the sums of a batch that is published: nothing asks for them any more. What cannot be deleted, or is left by a run that is
    /// killed here, costs its room until a vacuum ([`Pipeline::vacuum_sums`]).
    pub(crate) async fn drop_sums(&self, manifest: &Manifest) {
        for file in &manifest.deltas {
            let _ = self.seams.store.delete(&file.path).await;
        }
    }

    /// Deletes all sums. To be called under the lease and with no batch unfinished: then nothing will ask for any.
    ///
    /// # Errors
    /// A store that does not list its objects, or does not delete one.
    pub(crate) async fn vacuum_sums(&self) -> Result<()> {
        let area = format!("{}/{}", self.options.manifests, self.options.feed);
        for found in self.seams.store.list(&area).await? {
            let name = found.path.rsplit('/').next().unwrap_or_default();
            if name.starts_with("batch-") && name.contains("-sums-") && name.ends_with(".parquet") {
                self.seams.store.delete(&format!("{area}/{}", found.path)).await?;
            }
        }
        Ok(())
    }

    /// The state rows that the manifest's sums make, made while the ones before them are merged. `None` when the sums are not those of all rows
    /// that the batch added, or were made by another `merge`: then the landed files tell.
    ///
    /// # Errors
    /// A file of sums that cannot be read.
    pub(crate) async fn summed<'a>(
        &self,
        rollup: &'a Rollup,
        manifest: &Manifest,
        rows_added: u64,
    ) -> Result<Option<Deltas<'a>>> {
        let files: Vec<&DeltaFile> = manifest.deltas.iter().filter(|file| file.mart == rollup.name).collect();
        let digest = rollup.merge_digest();
        let is_whole = manifest.rows_summed.get(&rollup.name) == Some(&rows_added);
        if !is_whole || files.iter().any(|file| file.merge_digest != digest) {
            return Ok(None);
        }
        if files.is_empty() {
            return Ok(Some(stream::empty().boxed()));
        }
        let files = files
            .iter()
            .map(|file| {
                Ok(LandedFile { path: self.seams.store.path(&file.path)?, size: file.size, partition: Vec::new() })
            })
            .collect::<Result<Vec<_>>>()?;
        let fault = |error| rollup.fault(&rollup.merge, &error);
        let (tasks, memory) = (self.seams.engine.tasks(), self.options.memory_bytes);
        let merged = rollup.merged_deltas(&self.objects(), &files, tasks, memory).await.map_err(fault)?;
        Ok(Some(merged.map_err(fault).boxed()))
    }
}
