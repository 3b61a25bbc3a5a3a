//! Replay: open rejects are tried again with today's contract and dimensions, as a batch of its own kind.

use crate::marts::REJECTS;
use crate::shop::{Pipeline, Prepared};
use crate::summary::Summary;
use std::collections::BTreeMap;
use tillmart_database::FileFilter;
use tillmart_engine::ReplayFile;
use tillmart_model::{Batch, BatchKind, Fault, FaultKind, FileReason, Kind, Manifest, Result, RowReason, Split};

impl Pipeline {
    /// Tries open rejects again: those of these files and with these codes, or all. What lands is closed; the rest stays open.
    ///
    /// # Errors
    /// `Settings` for a code that does not exist or that only whole files have; else as [`Pipeline::run`].
    pub async fn replay(&self, file_ids: Vec<i64>, codes: Vec<String>) -> Result<Summary> {
        for code in &codes {
            if RowReason::from_code(code).is_none() {
                let codes: Vec<&str> = RowReason::ALL.iter().map(|reason| reason.code()).collect();
                let fault =
                    Fault::new(FaultKind::Settings, format!("rejects with the reason {code} cannot be replayed"))
                        .expected(codes.join(", "));
                return Err(match FileReason::from_code(code) {
                    Some(_) => fault.hint("a file rejected whole comes back by being delivered again"),
                    None => fault.hint("see `tillmart rejects list` for the reasons there are"),
                });
            }
        }
        self.run_batch(&BatchKind::Replay { file_ids, codes }).await
    }

    pub(crate) async fn land_replay(
        &self,
        batch: &Batch,
        prepared: &Prepared,
        file_ids: &[i64],
        codes: &[String],
    ) -> Result<Manifest> {
        let mut manifest = Manifest { batch_id: batch.id, ..Manifest::default() };
        let Some(snapshot) = self.lake.snapshot(REJECTS, None).await? else { return Ok(manifest) };
        let files = self.seams.ledger.files(&self.options.feed, &FileFilter::default()).await?;
        let replay_files: BTreeMap<i64, ReplayFile> = files
            .into_iter()
            .filter_map(|file| Some((file.id, ReplayFile { header: file.header, kind: Kind::of(&file.found.path)? })))
            .collect();
        let job = self.job(batch, prepared, replay_files, false)?;
        let splits = snapshot
            .files
            .iter()
            .map(|file| Split::Replay {
                rejects_file: file.path.clone(),
                file_ids: file_ids.to_vec(),
                codes: codes.to_vec(),
            })
            .collect();
        for task in self.run_tasks(&job, crate::land::spread(splits, self.seams.engine.tasks())).await? {
            manifest.merge(task);
        }
        Ok(manifest)
    }
}
