//! Revoke: landed source files are taken back out of everything.

use crate::shop::{Pipeline, Prepared};
use crate::summary::Summary;
use tillmart_model::{Batch, BatchKind, Fault, FaultKind, FileOutcome, Manifest, Result};

impl Pipeline {
    /// Takes landed source files back out of every table and mart, as a batch of its own kind.
    ///
    /// # Errors
    /// `Settings` for a file that does not exist or did not land; else as [`Pipeline::run`].
    pub async fn revoke(&self, mut file_ids: Vec<i64>) -> Result<Summary> {
        file_ids.sort_unstable();
        file_ids.dedup();
        self.run_batch(&BatchKind::Revoke { file_ids }).await
    }

    /// Whether a batch of this kind may be claimed now: asked under the lease, before the claim.
    pub(crate) async fn allow(&self, kind: &BatchKind) -> Result<()> {
        let (BatchKind::Revoke { file_ids } | BatchKind::Replay { file_ids, .. }) = kind else { return Ok(()) };
        let mut faults = Vec::new();
        for id in file_ids {
            let file = self.seams.ledger.file(*id).await?;
            let found = match file {
                Some(file) if file.outcome == FileOutcome::Landed => continue,
                Some(file) => format!("{} is {}", file.found.path, file.outcome.word()),
                None => "no such source file".to_owned(),
            };
            faults.push(
                Fault::new(FaultKind::Settings, format!("source file {id} has no landed rows"))
                    .expected("the id of a landed source file")
                    .found(found)
                    .hint("see `tillmart files list --outcome landed`; nothing was changed"),
            );
        }
        match Fault::join(faults) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    pub(crate) async fn land_revoke(&self, batch: &Batch, prepared: &Prepared, file_ids: &[i64]) -> Result<Manifest> {
        let job = self.job(batch, prepared, Default::default(), false)?;
        let splits = self.take_back_splits(prepared, file_ids).await?;
        let mut manifest = Manifest { batch_id: batch.id, ..Manifest::default() };
        for task in self.run_tasks(&job, crate::land::spread(splits, self.seams.engine.tasks())).await? {
            manifest.merge(task);
        }
        manifest.taken_back = file_ids.to_vec();
        Ok(manifest)
    }
}
