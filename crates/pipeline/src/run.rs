//! A run: finish what an earlier run left, then take what waits.

use crate::shop::{Pipeline, Prepared, refuse_empty};
use crate::summary::{PlannedFile, RunPlan, Summary};
use crate::{Point, lease};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tillmart_database::Lease;
use tillmart_lake::Hidden;
use tillmart_model::{
    Batch, BatchKind, BatchState, Fault, FaultKind, FileOutcome, Found, Kind, Result, SourceFile, Split, Tally,
};

/// What a profile calls the step that a state asks for.
fn step(state: &BatchState) -> &'static str {
    match state {
        BatchState::Claimed => "land",
        BatchState::Landed { .. } => "commit",
        BatchState::Committed { .. } => "publish",
        BatchState::Published { .. } => "archive",
        BatchState::Finished { .. } => "finish",
    }
}

impl Pipeline {
    /// Finishes an unfinished batch, then loads every source file that waits, batch by batch.
    ///
    /// # Errors
    /// `Busy` when another run holds the feed's lease; otherwise whatever stopped a step. What was done stays done, and the next
    /// run goes on from there.
    pub async fn run(&self) -> Result<Summary> {
        self.seams.schema.check().await?;
        let started = Instant::now();
        let held = self.hold().await?;
        let result = self.run_held(&held).await;
        let released = held.release().await;
        // What stopped the run is what to tell, not what came of it.
        let mut summary = result?;
        released?;
        summary.took(started.elapsed());
        Ok(summary)
    }

    async fn run_held(&self, held: &lease::Held) -> Result<Summary> {
        let mut summary = Summary::default();
        let mut prepared = None;
        self.finish_unfinished(held, &mut prepared, &mut summary).await?;
        self.fill_added(held, &mut prepared, &mut summary).await?;
        self.observer.doing("listing the incoming area");
        let waiting = self.discover().await?;
        summary.files_unsettled = waiting.unsettled;
        summary.hidden = told(waiting.hidden);
        for files in self.batches_of(waiting.files) {
            let prepared = self.prepared(&mut prepared).await?;
            let batch = self.claim(&held.lease, &BatchKind::Load, &files).await?;
            self.finish_batch(&held.lease, batch, prepared, &mut summary).await?;
        }
        Ok(summary)
    }

    /// Fills the marts that were added since the last run, before anything else lands.
    async fn fill_added(
        &self,
        held: &lease::Held,
        prepared: &mut Option<Prepared>,
        summary: &mut Summary,
    ) -> Result<()> {
        let marts = self.added_marts().await?;
        if marts.is_empty() {
            return Ok(());
        }
        let ready = self.prepared(prepared).await?;
        let marts = self.to_fill(ready, marts).await?;
        if marts.is_empty() {
            return Ok(());
        }
        self.observer.doing(&format!("filling {} with everything that has landed", marts.join(", ")));
        let batch = self.claim(&held.lease, &BatchKind::Fill { marts, months: Vec::new() }, &[]).await?;
        self.finish_batch(&held.lease, batch, ready, summary).await?;
        // They have tables now: from here on every batch writes them.
        *prepared = None;
        Ok(())
    }

    /// Claims a batch of any kind and carries it to its end, after whatever was unfinished.
    pub(crate) async fn run_batch(&self, kind: &BatchKind) -> Result<Summary> {
        self.seams.schema.check().await?;
        let started = Instant::now();
        let held = self.hold().await?;
        let result = self.run_batch_held(&held, kind).await;
        let released = held.release().await;
        // What stopped the run is what to tell, not what came of it.
        let mut summary = result?;
        released?;
        summary.took(started.elapsed());
        Ok(summary)
    }

    async fn run_batch_held(&self, held: &lease::Held, kind: &BatchKind) -> Result<Summary> {
        let mut before = Summary::default();
        let mut prepared = None;
        self.finish_unfinished(held, &mut prepared, &mut before).await?;
        self.allow(kind).await?;
        let prepared = self.prepared(&mut prepared).await?;
        let batch = self.claim(&held.lease, kind, &[]).await?;
        let mut summary = Summary::default();
        self.finish_batch(&held.lease, batch, prepared, &mut summary).await?;
        summary.batches_recovered = before.batches_recovered;
        summary.touched.add(before.touched);
        Ok(summary)
    }

    /// The batch that an earlier run left is finished first, whatever this run is for.
    pub(crate) async fn finish_unfinished(
        &self,
        held: &lease::Held,
        prepared: &mut Option<Prepared>,
        summary: &mut Summary,
    ) -> Result<()> {
        if let Some(batch) = self.seams.ledger.unfinished(&self.options.feed).await? {
            self.observer.doing(&format!(
                "finishing batch {}, which was {} when its run ended",
                batch.id,
                batch.state.word()
            ));
            let ready = self.prepared(prepared).await?;
            summary.batches_recovered += 1;
            self.finish_batch(&held.lease, batch, ready, summary).await?;
            // Which marts are whole is another question now: a mart that came back meanwhile may lack just that batch.
            *prepared = None;
        }
        Ok(())
    }

    async fn prepared<'a>(&self, prepared: &'a mut Option<Prepared>) -> Result<&'a Prepared> {
        match prepared {
            Some(prepared) => Ok(prepared),
            None => {
                self.observer.doing("reading dimensions and marts");
                // Before anything else: what is wrong with the way to the store is told as such.
                self.seams.store.reachable().await?;
                let mut made = self.prepare_noticing().await?;
                refuse_empty(&made.dimensions)?;
                self.basis(&made.dimensions)?;
                (made.added, made.marts) = made.marts.apart(&self.added_marts().await?);
                self.ensure_tables(&made.marts).await?;
                Ok(prepared.insert(made))
            }
        }
    }

    async fn claim(&self, lease: &Lease, kind: &BatchKind, files: &[Found]) -> Result<Batch> {
        let started = Instant::now();
        let now = self.seams.clock.now();
        let today = self.seams.clock.today(self.options.time_zone);
        let batch = self.seams.ledger.claim(lease, kind, today, &self.options.incoming, files, now).await?;
        self.profile.add("step: claim", started);
        self.observer.reached(Point::Claimed);
        Ok(batch)
    }

    /// Carries a batch from whatever state it is in to its end.
    async fn finish_batch(
        &self,
        lease: &Lease,
        mut batch: Batch,
        prepared: &Prepared,
        summary: &mut Summary,
    ) -> Result<()> {
        loop {
            let (started, step) = (Instant::now(), format!("step: {}", step(&batch.state)));
            match &batch.state {
                BatchState::Claimed => self.land(lease, &batch, prepared).await?,
                BatchState::Landed { manifest } => {
                    self.observer.doing("committing");
                    self.commit(lease, &batch, manifest).await?;
                }
                BatchState::Committed { manifest, .. } => {
                    self.observer.doing("publishing");
                    let manifest_of_batch = self.read_manifest(manifest).await?;
                    let taken_back = self.days_taken_back(&manifest_of_batch, prepared).await?;
                    let changed = self.publish(lease, &batch, manifest, prepared).await?;
                    summary.add_places(&batch.kind, &manifest_of_batch, taken_back);
                    summary.add_changed(&batch.kind, &manifest_of_batch, changed);
                }
                BatchState::Published { .. } => {
                    self.observer.doing("archiving");
                    self.archive(lease, &batch).await?;
                }
                BatchState::Finished { .. } => {
                    summary.add_batch(&batch);
                    return Ok(());
                }
            }
            batch = self.reload(batch.id).await?;
            self.profile.add(&step, started);
        }
    }

    async fn reload(&self, batch_id: i64) -> Result<Batch> {
        let batches = self.seams.ledger.batches(&self.options.feed, 1).await?;
        batches.into_iter().find(|batch| batch.id == batch_id).ok_or_else(|| {
            Fault::new(FaultKind::Promise, format!("batch {batch_id} is not the ledger's newest"))
                .hint("another run has taken over; run again")
        })
    }

    /// What a run would do, with every waiting file decoded and checked and nothing written.
    ///
    /// # Errors
    /// As [`Pipeline::run`], without the lease: a dry run may go beside a real one.
    pub async fn plan(&self) -> Result<RunPlan> {
        self.seams.schema.check().await?;
        let unfinished = self.seams.ledger.unfinished(&self.options.feed).await?;
        let waiting = self.discover().await?;
        let mut plan = RunPlan {
            unfinished: unfinished.map(|batch| format!("batch {} ({})", batch.id, batch.state.word())),
            files_unsettled: waiting.unsettled,
            hidden: told(waiting.hidden),
            ..RunPlan::default()
        };
        if waiting.files.is_empty() {
            return Ok(plan);
        }
        let prepared = self.prepare().await?;
        refuse_empty(&prepared.dimensions)?;
        self.basis(&prepared.dimensions)?;
        plan.batches = self.batches_of(waiting.files.clone()).len() as u64;
        let mut files = self.as_if_claimed(waiting.files);
        self.classify(&mut files).await?;
        let today = self.seams.clock.today(self.options.time_zone);
        let batch = Batch {
            id: 0,
            feed: self.options.feed.clone(),
            kind: BatchKind::Load,
            state: BatchState::Claimed,
            claim_date: today,
            created: self.seams.clock.now(),
            files: Vec::new(),
        };
        let job = self.job(&batch, &prepared, BTreeMap::new(), true)?;
        let pending = files.iter().filter(|file| file.outcome == FileOutcome::Pending);
        let splits: Vec<Split> = pending.filter_map(|file| self.source_split(file)).collect();
        let bytes = splits.iter().map(Split::weight).sum();
        self.observer.landing(bytes, splits.len() as u64, Arc::clone(&job.progress));
        let tasks = crate::land::spread(splits, self.seams.engine.tasks());
        let manifests = self.seams.engine.land(job, tasks).await?;
        self.observer.landed();
        for report in manifests.iter().flat_map(|manifest| &manifest.splits) {
            let Some(file) = files.iter_mut().find(|file| Some(file.id) == report.file_id) else { continue };
            file.tally = report.tally.clone();
            file.outcome = report.fault.clone().map_or(FileOutcome::Landed, FileOutcome::Rejected);
            if file.outcome == FileOutcome::Landed {
                plan.months.extend(report.months.iter().cloned());
                plan.stores.extend(report.stores.iter().copied());
            }
        }
        plan.files = files.iter().map(PlannedFile::of).collect();
        Ok(plan)
    }

    /// Files as the ledger would know them, with ids below zero that no real file has.
    fn as_if_claimed(&self, found: Vec<Found>) -> Vec<SourceFile> {
        let now = self.seams.clock.now();
        let as_if = |(at, found): (i64, Found)| SourceFile {
            id: -1 - at,
            batch_id: 0,
            location: format!("{}/{}", self.options.incoming, found.path),
            found,
            active: true,
            outcome: FileOutcome::Pending,
            digest: None,
            tally: Tally::default(),
            rows_replayed: 0,
            header: None,
            created: now,
            updated: now,
        };
        (0..).zip(found).map(as_if).collect()
    }
}

/// What cannot be loaded, by path, with the reason.
fn told(hidden: Vec<Hidden>) -> BTreeMap<String, String> {
    hidden.into_iter().map(|hidden| (hidden.path, hidden.because.to_owned())).collect()
}

/// The kind of a file in words, for plans.
pub(crate) fn kind_word(path: &str) -> &'static str {
    use tillmart_model::Format;
    match Kind::of(path).map(|kind| kind.format) {
        Some(Format::Csv) => "csv",
        Some(Format::Jsonl) => "jsonl",
        Some(Format::Parquet) => "parquet",
        None => "foreign",
    }
}
