//! Land: decode the batch's files into data files that nobody sees yet, and leave one manifest.

use crate::Point;
use crate::marts::REJECTS;
use crate::shop::{Pipeline, Prepared};
use crate::stretches::{self, Done, Refused};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_database::{FileFilter, Lease};
use tillmart_engine::{LandJob, Progress, ReplayFile};
use tillmart_lake::TableSnapshot;
use tillmart_model::{
    Batch, BatchKind, Fault, FaultKind, FileOutcome, FileReason, Manifest, Redelivery, Result, SourceFile, Split,
    SplitReport,
};

/// How often a task may be done again because a file in it turned out to be rejected.
const PASSES: usize = 1_000;

impl Pipeline {
    /// `Claimed` → `Landed`.
    pub(crate) async fn land(&self, lease: &Lease, batch: &Batch, prepared: &Prepared) -> Result<()> {
        let mut files = batch.files.clone();
        let mut manifest = match &batch.kind {
            BatchKind::Load => self.land_load(batch, prepared, &mut files).await?,
            BatchKind::Replay { file_ids, codes } => self.land_replay(batch, prepared, file_ids, codes).await?,
            BatchKind::Revoke { file_ids } => self.land_revoke(batch, prepared, file_ids).await?,
            BatchKind::Complete { months } => self.land_complete(batch, prepared, months).await?,
            BatchKind::Fill { marts, months } if months.is_empty() => self.land_fill(batch, prepared, marts).await?,
            // Nothing lands: the sums are there.
            BatchKind::Fill { .. } => Manifest { batch_id: batch.id, ..Manifest::default() },
        };
        if !matches!(batch.kind, BatchKind::Fill { .. }) {
            manifest.marts = prepared.marts.rows.iter().map(|mart| mart.name.clone()).collect();
        }
        self.observer.reached(Point::Written);
        crate::check::manifest(batch, &files, &manifest)?;
        let key = format!(
            "{}/{}/batch-{}-{}.json",
            self.options.manifests,
            batch.feed,
            batch.id,
            uuid::Uuid::new_v4().simple()
        );
        let json = serde_json::to_vec(&manifest)
            .map_err(|error| Fault::new(FaultKind::Promise, "the manifest cannot be written as JSON").found(error))?;
        self.seams.store.write(&key, json).await?;
        self.observer.reached(Point::ManifestStored);
        self.seams.ledger.landed(lease, batch.id, &key, &files, self.seams.clock.now()).await?;
        self.observer.reached(Point::Landed);
        Ok(())
    }

    async fn land_load(&self, batch: &Batch, prepared: &Prepared, files: &mut [SourceFile]) -> Result<Manifest> {
        self.classify(files).await?;
        let tasks = self.landing_tasks();
        let job = self.job(batch, prepared, BTreeMap::new(), false)?;
        let job = Arc::new(LandJob { memory_bytes: self.options.memory_bytes / tasks, ..Arc::unwrap_or_clone(job) });
        let mut manifest = Manifest { batch_id: batch.id, ..Manifest::default() };
        loop {
            let pending = files.iter().filter(|file| file.outcome == FileOutcome::Pending);
            let splits: Vec<Split> = pending.filter_map(|file| self.source_split(file)).collect();
            let (bytes, count) = (splits.iter().map(Split::weight).sum(), splits.len() as u64);
            let splits = self.cut_large(&job, splits, tasks).await?;
            self.observer.landing(bytes, count, Arc::clone(&job.progress));
            manifest.merge(self.land_until_clean(&job, spread(splits, tasks), files).await?);
            self.observer.landed();
            if !reopen_duplicates(files) {
                break;
            }
        }
        let mut more: Vec<Split> = rejected_files(files, &self.options.incoming);
        manifest.taken_back = self.replaced(files).await?;
        more.extend(self.take_back_splits(prepared, &manifest.taken_back).await?);
        for done in self.run_tasks(&job, spread(more, self.seams.engine.tasks())).await? {
            manifest.merge(done);
        }
        Ok(manifest)
    }

    /// Source files are landed side by side, one for every two cores: one reads and decodes ahead, the other writes.
    pub(crate) fn landing_tasks(&self) -> usize {
        self.seams.engine.tasks().div_ceil(2).max(1)
    }

    /// Runs tasks, and accepts their manifests only if every split that was given out is in them exactly once.
    pub(crate) async fn run_tasks(&self, job: &Arc<LandJob>, tasks: Vec<Vec<Split>>) -> Result<Vec<Manifest>> {
        let mut given: Vec<String> = tasks.iter().flatten().map(Split::name).collect();
        let done = self.seams.engine.land(Arc::clone(job), tasks).await?;
        let mut returned: Vec<String> =
            done.iter().flat_map(|task| &task.splits).map(|report| report.split.clone()).collect();
        given.sort_unstable();
        returned.sort_unstable();
        if given == returned {
            return Ok(done);
        }
        Err(Fault::new(FaultKind::Promise, "the tasks did not do the splits they were given")
            .expected(format!("{} splits, each once", given.len()))
            .found(format!("{} reports", returned.len()))
            .hint("nothing was committed; run again, and report this if it comes back"))
    }

    /// Runs the tasks; a task that wrote rows of a file which must not land, or not so, is done again without them. Everything
    /// the first pass wrote stays invisible.
    async fn land_until_clean(
        &self,
        job: &Arc<LandJob>,
        mut tasks: Vec<Vec<Split>>,
        files: &mut [SourceFile],
    ) -> Result<Manifest> {
        let side_by_side = tasks.len();
        let mut done: Vec<Done> = Vec::new();
        for _ in 0..PASSES {
            if tasks.is_empty() {
                let mut manifest = Manifest { batch_id: job.batch_id, ..Manifest::default() };
                done.into_iter().for_each(|done| manifest.merge(done.manifest));
                return Ok(manifest);
            }
            let manifests = self.run_tasks(job, tasks.clone()).await?;
            let mut refused = Refused::default();
            for manifest in manifests {
                self.decide(&manifest.splits, files).await?;
                let at_fault = manifest.splits.iter().filter(|report| report.fault.is_some());
                refused.splits.extend(at_fault.map(|report| report.split.clone()));
                let is_its = |task: &Vec<Split>| {
                    task.iter().any(|split| manifest.splits.iter().any(|report| report.split == split.name()))
                };
                let at = tasks.iter().position(is_its);
                done.push(Done { splits: at.map_or_else(Vec::new, |at| tasks.swap_remove(at)), manifest });
            }
            let apart = stretches::decide(&done, files, self.options.max_reject_millionths);
            refused.splits.extend(apart.splits);
            tasks = again(&mut done, &refused.splits);
            let whole = files.iter().filter(|file| apart.whole.contains(&file.id));
            for split in whole.filter_map(|file| self.source_split(file)) {
                tasks.resize(tasks.len().max(side_by_side), Vec::new());
                let weight = |task: &&mut Vec<Split>| task.iter().map(Split::weight).sum::<u64>();
                tasks.iter_mut().min_by_key(weight).into_iter().for_each(|task| task.push(split.clone()));
            }
            tasks.retain(|task| !task.is_empty());
        }
        Err(Fault::new(FaultKind::Promise, "the batch's files keep changing what they are")
            .hint("nothing was committed; let the producers finish writing and run again"))
    }

    /// Writes down what the decoder found of each file.
    async fn decide(&self, reports: &[SplitReport], files: &mut [SourceFile]) -> Result<()> {
        for report in reports.iter().filter(|report| report.stretch.is_none()) {
            let Some(file) = files.iter_mut().find(|file| Some(file.id) == report.file_id) else { continue };
            file.tally = report.tally.clone();
            file.header.clone_from(&report.header);
            if report.digest.is_some() {
                file.digest.clone_from(&report.digest);
            }
            file.outcome = match &report.fault {
                None => FileOutcome::Landed,
                Some(fault) => {
                    let mut fault = fault.clone();
                    if !report.samples.is_empty() {
                        fault.message = format!("{}\n{}", fault.message, report.samples.join("\n"));
                    }
                    FileOutcome::Rejected(fault)
                }
            };
        }
        Ok(())
    }

    /// Older versions of landed files, where a redelivered name replaces.
    async fn replaced(&self, files: &[SourceFile]) -> Result<Vec<i64>> {
        let mut replaced = Vec::new();
        if self.options.redelivery == Redelivery::Replace {
            let landed: BTreeSet<&str> = files
                .iter()
                .filter(|file| file.outcome == FileOutcome::Landed)
                .map(|file| file.found.path.as_str())
                .collect();
            // Every older version: there are several where the setting was "append" before.
            let filter = FileFilter { outcome: Some("landed".to_owned()), ..FileFilter::default() };
            let before = self.seams.ledger.files(&self.options.feed, &filter).await?;
            let is_new = |id: i64| files.iter().any(|file| file.id == id);
            replaced.extend(
                before
                    .iter()
                    .filter(|old| landed.contains(old.found.path.as_str()) && !is_new(old.id))
                    .map(|old| old.id),
            );
        }
        Ok(replaced)
    }

    /// Splits that write every data file anew that may hold rows of these source files.
    pub(crate) async fn take_back_splits(&self, prepared: &Prepared, file_ids: &[i64]) -> Result<Vec<Split>> {
        let mut splits = Vec::new();
        if file_ids.is_empty() {
            return Ok(splits);
        }
        for table in prepared.marts.rows.iter().map(|mart| mart.name.as_str()).chain([REJECTS]) {
            let Some(snapshot) = self.lake.snapshot(table, None).await? else { continue };
            splits.extend(holding(&snapshot, file_ids).map(|file| Split::TakeBack {
                table: table.to_owned(),
                data_file: file.path.clone(),
                size: file.size,
                partition: file.partition.clone(),
                file_ids: file_ids.to_vec(),
            }));
        }
        Ok(splits)
    }

    /// What all tasks of this batch share.
    pub(crate) fn job(
        &self,
        batch: &Batch,
        prepared: &Prepared,
        replay_files: BTreeMap<i64, ReplayFile>,
        dry_run: bool,
    ) -> Result<Arc<LandJob>> {
        let store = &self.seams.store;
        Ok(Arc::new(LandJob {
            batch_id: batch.id,
            claim_date: batch.claim_date,
            contract: Arc::new(self.options.contract.clone()),
            max_reject_millionths: self.options.max_reject_millionths,
            dimensions: Arc::clone(&prepared.dimensions),
            row_marts: prepared.marts.rows.clone(),
            summings: prepared.marts.rollups.iter().filter_map(|rollup| rollup.summing.clone()).collect(),
            deltas: format!("{}/{}/batch-{}-sums", self.options.manifests, batch.feed, batch.id),
            rejects_table: REJECTS.to_owned(),
            objects: store.objects(),
            base: store.path("")?,
            memory_bytes: self.options.memory_bytes / self.seams.engine.tasks().max(1),
            replay_files,
            rewritten: false,
            dry_run,
            progress: Arc::new(Progress::default()),
            profile: Arc::clone(&self.profile),
        }))
    }
}

/// Only bytes that landed make a duplicate. Where the first of several equal files of the batch was rejected, the next one
/// is decoded after all: another name may mean another format. Returns whether there is such a file.
fn reopen_duplicates(files: &mut [SourceFile]) -> bool {
    let not_landed: BTreeSet<i64> =
        files.iter().filter(|file| matches!(file.outcome, FileOutcome::Rejected(_))).map(|file| file.id).collect();
    let mut successors: BTreeMap<i64, i64> = BTreeMap::new();
    for file in files.iter_mut() {
        let FileOutcome::Duplicate { of } = file.outcome else { continue };
        if not_landed.contains(&of) {
            file.outcome = match successors.get(&of) {
                Some(successor) => FileOutcome::Duplicate { of: *successor },
                None => {
                    successors.insert(of, file.id);
                    FileOutcome::Pending
                }
            };
        }
    }
    !successors.is_empty()
}

/// Active files whose statistics do not rule the source files out.
fn holding<'a>(
    snapshot: &'a TableSnapshot,
    file_ids: &'a [i64],
) -> impl Iterator<Item = &'a tillmart_lake::ActiveFile> + 'a {
    let bound = |stats: &serde_json::Value, which: &str| stats.get(which)?.get("source_file_id")?.as_i64();
    snapshot.files.iter().filter(move |file| {
        let stats: Option<serde_json::Value> = file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
        let low = stats.as_ref().and_then(|stats| bound(stats, "minValues")).unwrap_or(i64::MIN);
        let high = stats.as_ref().and_then(|stats| bound(stats, "maxValues")).unwrap_or(i64::MAX);
        file_ids.iter().any(|id| (low..=high).contains(id))
    })
}

/// Spreads splits over at most `tasks` tasks of about equal bytes, the heaviest first, in path order within a task.
pub(crate) fn spread(splits: Vec<Split>, tasks: usize) -> Vec<Vec<Split>> {
    let mut order: Vec<(usize, Split)> = splits.into_iter().enumerate().collect();
    order.sort_by_key(|(at, split)| (std::cmp::Reverse(split.weight()), *at));
    let mut loads: Vec<(u64, Vec<(usize, Split)>)> = vec![(0, Vec::new()); tasks.max(1)];
    for (at, split) in order {
        if let Some((load, task)) = loads.iter_mut().min_by_key(|(load, _)| *load) {
            *load += split.weight().max(1);
            task.push((at, split));
        }
    }
    loads
        .into_iter()
        .map(|(_, mut task)| {
            task.sort_by_key(|(at, _)| *at);
            task.into_iter().map(|(_, split)| split).collect::<Vec<_>>()
        })
        .filter(|task| !task.is_empty())
        .collect()
}

/// Tasks to be done again, because they wrote rows of splits that were refused, without those; they are done no more. Of the
/// others the refused stretches are forgotten.
fn again(done: &mut Vec<Done>, refused: &BTreeSet<String>) -> Vec<Vec<Split>> {
    let is_tainted = |done: &mut Done| {
        done.manifest.splits.iter().any(|report| report.rows_written > 0 && refused.contains(&report.split))
    };
    let tainted: Vec<Done> = done.extract_if(.., is_tainted).collect();
    for done in done {
        done.manifest.splits.retain(|report| report.stretch.is_none() || !refused.contains(&report.split));
    }
    let rest = |task: Done| task.splits.into_iter().filter(|split| !refused.contains(&split.name())).collect();
    tainted.into_iter().map(rest).filter(|task: &Vec<Split>| !task.is_empty()).collect()
}

/// Files rejected whole are kept among the rejects, except those whose bytes were never ours.
fn rejected_files(files: &[SourceFile], incoming: &str) -> Vec<Split> {
    files
        .iter()
        .filter_map(|file| match &file.outcome {
            FileOutcome::Rejected(fault) if fault.reason != FileReason::Overwritten => {
                let mut fault = fault.clone();
                fault.message = fault.message.lines().next().unwrap_or_default().to_owned();
                Some(Split::RejectFile { file_id: file.id, path: format!("{incoming}/{}", file.found.path), fault })
            }
            _ => None,
        })
        .collect()
}
