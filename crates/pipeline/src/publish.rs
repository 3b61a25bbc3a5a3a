//! Derive and publish: the batch's deltas are merged into the rollups' state, and the touched rows are finished and
//! published, in the one database transaction that marks the batch as published.

use crate::Point;
use crate::complete::nothing_of;
use crate::deltas::Deltas;
use crate::marts::{Marts, SALES_MART};
use crate::payments::Basis;
use crate::shop::{Pipeline, Prepared};
use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tillmart_database::{Lease, Publication};
use tillmart_engine::mart::{Rollup, Section};
use tillmart_engine::{DimensionTables, LandedFile, Relation};
use tillmart_model::{Batch, BatchKind, BatchState, Fault, FaultKind, Manifest, Result, Tally};

/// Waits before a publication that the database broke off is begun anew: a server that restarts is back by then, and deltas come
/// from the batch's own files, so that each attempt is the same.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Data files of the sales mart that a batch added, and those it replaced.
#[derive(Default)]
struct Changed<'a> {
    added: Vec<LandedFile>,
    removed: Vec<LandedFile>,
    taken_back: &'a [i64],
    /// The manifest whose sums tell what was added, and the number of rows added.
    summed: Option<(&'a Manifest, u64)>,
    /// Months that were published keep the incentive plan that they were computed by.
    as_published: bool,
}

impl Pipeline {
    /// `Committed` → `Published`. Returns how many rows of each rollup changed.
    pub(crate) async fn publish(
        &self,
        lease: &Lease,
        batch: &Batch,
        manifest_key: &str,
        prepared: &Prepared,
    ) -> Result<BTreeMap<String, u64>> {
        let manifest = self.read_manifest(manifest_key).await?;
        let changed = self.publish_patiently(lease, batch, &manifest, prepared).await?;
        self.drop_sums(&manifest).await;
        Ok(changed)
    }

    async fn publish_patiently(
        &self,
        lease: &Lease,
        batch: &Batch,
        manifest: &Manifest,
        prepared: &Prepared,
    ) -> Result<BTreeMap<String, u64>> {
        for pause in PAUSES {
            let fault = match self.publish_once(lease, batch, manifest, prepared).await {
                Err(fault) if fault.kind == FaultKind::Database => fault,
                done => return done,
            };
            self.observer.doing(&format!("publishing again in {} s, because {}", pause.as_secs(), fault.what));
            tokio::time::sleep(pause).await;
            // Nothing of it was kept, unless the answer to its commit was lost: then the next run goes on from the ledger.
            let unfinished = self.seams.ledger.unfinished(&self.options.feed).await;
            let is_published = |batch: Batch| !matches!(batch.state, BatchState::Committed { .. });
            if unfinished.is_ok_and(|unfinished| unfinished.is_none_or(is_published)) {
                return Err(fault);
            }
        }
        self.publish_once(lease, batch, manifest, prepared).await
    }

    /// One publication, from its beginning to its commit: all of it, or nothing.
    async fn publish_once(
        &self,
        lease: &Lease,
        batch: &Batch,
        manifest: &Manifest,
        prepared: &Prepared,
    ) -> Result<BTreeMap<String, u64>> {
        let mut publication = self.seams.publisher.begin(lease, batch.id).await?;
        let changed = self.publish_rollups(publication.as_mut(), batch, manifest, prepared).await?;
        if matches!(batch.kind, BatchKind::Replay { .. }) {
            let mut by_file: BTreeMap<i64, Tally> = BTreeMap::new();
            for (file_id, tally) in manifest.splits.iter().flat_map(|report| &report.landed_by_file) {
                by_file.entry(*file_id).or_default().add(tally);
            }
            for (file_id, tally) in &by_file {
                publication.replayed(*file_id, tally).await?;
            }
        }
        for file_id in &manifest.taken_back {
            publication.revoked(*file_id).await?;
        }
        publication.stands(&whole_after(batch, manifest, prepared)).await?;
        self.observer.reached(Point::BeforePublish);
        publication.commit(self.seams.clock.now()).await?;
        self.observer.reached(Point::Published);
        Ok(changed)
    }

    /// One rollup after the other, so that only one rollup's rows are in memory.
    async fn publish_rollups(
        &self,
        publication: &mut dyn Publication,
        batch: &Batch,
        manifest: &Manifest,
        prepared: &Prepared,
    ) -> Result<BTreeMap<String, u64>> {
        let mut rows = BTreeMap::new();
        if let BatchKind::Fill { marts, months } = &batch.kind {
            // One whose file came back after the others were made has no table yet; another batch fills it.
            let is_made = |rollup: &&Rollup| manifest.marts.is_empty() || manifest.marts.contains(&rollup.name);
            for rollup in prepared.all_named(marts).rollups.iter().filter(is_made) {
                let mut all = Changed { as_published: months.is_empty(), ..Changed::default() };
                if months.is_empty() {
                    self.make_room(publication, rollup).await?;
                }
                if !months.is_empty() {
                    self.touch_months(publication, rollup, months).await?;
                } else if !rollup.is_over_another() {
                    all.added = self.active_sales().await?;
                } else if !marts.contains(&rollup.of) {
                    self.touch_all(publication, rollup).await?;
                }
                rows.insert(rollup.name.clone(), self.publish_rollup(publication, rollup, &all, prepared).await?);
            }
            return Ok(rows);
        }
        let changed = self.changed(manifest)?;
        for rollup in &prepared.marts.rollups {
            let count = match &batch.kind {
                BatchKind::Complete { .. } if rollup.sums_attributes => {
                    self.complete_sums(publication, rollup, manifest, prepared).await?
                }
                BatchKind::Complete { months } if months.is_empty() => {
                    self.complete_rollup(publication, rollup, prepared).await?
                }
                // Its sums hang on no attribute, and it names people as they are called today, whenever it is finished.
                BatchKind::Complete { .. } => 0,
                _ => self.publish_rollup(publication, rollup, &changed, prepared).await?,
            };
            rows.insert(rollup.name.clone(), count);
        }
        Ok(rows)
    }

    /// What a mart that was away while batches landed still holds goes, before it is filled anew. Rows that somebody put into a table of
    /// this name before there was the mart are not Tillmart's to delete.
    async fn make_room(&self, publication: &mut dyn Publication, rollup: &Rollup) -> Result<()> {
        let (state, target) = Marts::database_tables(rollup);
        let is_over = rollup.is_over_another();
        let was_fed = self.marts_standing().await?.knows(&rollup.name);
        if was_fed || !is_over && !self.seams.publisher.is_empty(&state).await? {
            publication.clear((!is_over).then_some(&state), &target).await?;
        }
        Ok(())
    }

    /// Merges the deltas of one rollup, and publishes what they touch.
    async fn publish_rollup(
        &self,
        publication: &mut dyn Publication,
        rollup: &Rollup,
        changed: &Changed<'_>,
        prepared: &Prepared,
    ) -> Result<u64> {
        let marts = &prepared.marts;
        let (state, target) = Marts::database_tables(rollup);
        // Deltas come from the batch's own landed files, so a retry computes the same ones.
        let mut started = Instant::now();
        let lap = |half: &str, started: &mut Instant| {
            self.profile.add(&format!("{half} {}", rollup.name), std::mem::replace(started, Instant::now()));
        };
        // The state of another rollup was merged when that one was published.
        let merges = !rollup.is_over_another();
        if merges && !changed.added.is_empty() {
            let mut added = self.added(rollup, marts, changed).await?;
            // The next rows are made while these are merged.
            while let Some(rows) = added.try_next().await? {
                lap("derive", &mut started);
                publication.merge(&state, &rows, 1).await?;
                lap("merge", &mut started);
            }
        }
        if merges && !changed.removed.is_empty() && !changed.taken_back.is_empty() {
            for rows in self.merge_over(rollup, marts, &changed.removed, Some(changed.taken_back)).await? {
                publication.merge(&state, &rows, -1).await?;
            }
        }
        lap("merge", &mut started);
        if let Some(finish) = self.finish_of_rows(rollup, &prepared.dimensions) {
            let replaced = publication.replace_each(&state, &target, finish).await?;
            lap("finish and replace", &mut started);
            return Ok(replaced);
        }
        let merged = publication.touched(&state).await?;
        lap("read touched", &mut started);
        let basis = match changed.as_published {
            true => self.published_basis(prepared).await?,
            false => self.basis(&prepared.dimensions)?,
        };
        let finished = self.finish(rollup, merged, &prepared.dimensions, &basis).await?;
        lap("finish", &mut started);
        let replaced = publication.replace(&state, &target, &finished).await?;
        lap("replace", &mut started);
        Ok(replaced)
    }

    /// What the batch adds to the state.
    async fn added<'a>(&self, rollup: &'a Rollup, marts: &Marts, changed: &Changed<'_>) -> Result<Deltas<'a>> {
        if let Some((manifest, rows)) = changed.summed
            && let Some(summed) = self.summed(rollup, manifest, rows).await?
        {
            return Ok(summed);
        }
        let merged = self.merge_over(rollup, marts, &changed.added, None).await?;
        Ok(stream::iter(merged.into_iter().map(Ok)).boxed())
    }

    fn changed<'a>(&self, manifest: &'a Manifest) -> Result<Changed<'a>> {
        let added = manifest.files.iter().filter(|file| file.table == SALES_MART && !file.rewritten);
        let rows = added.clone().map(|file| file.rows).sum();
        let removed = manifest.removed.iter().filter(|file| file.table == SALES_MART);
        Ok(Changed {
            summed: Some((manifest, rows)),
            added: self.landed_files(added.map(|file| (file.path.as_str(), file.size, file.partition.as_slice())))?,
            removed: self
                .landed_files(removed.map(|file| (file.path.as_str(), file.size, file.partition.as_slice())))?,
            taken_back: &manifest.taken_back,
            as_published: false,
        })
    }

    /// Every active data file of the sales mart. Batches are serial: while one publishes, the newest version is its own.
    async fn active_sales(&self) -> Result<Vec<LandedFile>> {
        let snapshot = self.lake.snapshot(SALES_MART, None).await?;
        let active = snapshot.map(|snapshot| snapshot.files).unwrap_or_default();
        self.landed_files(active.iter().map(|file| (file.path.as_str(), file.size, file.partition.as_slice())))
    }

    /// Data files of the sales mart as a scan takes them.
    pub(crate) fn landed_files<'a>(
        &self,
        files: impl Iterator<Item = (&'a str, u64, &'a [(String, Option<String>)])>,
    ) -> Result<Vec<LandedFile>> {
        files
            .map(|(path, size, partition)| {
                Ok(LandedFile {
                    path: self.seams.store.path(&format!("{SALES_MART}/{path}"))?,
                    size,
                    partition: partition.to_vec(),
                })
            })
            .collect()
    }

    /// A rollup's `merge` over these files of the sales mart, of all rows or of some source files' only.
    pub(crate) async fn merge_over(
        &self,
        rollup: &Rollup,
        marts: &Marts,
        files: &[LandedFile],
        only: Option<&[i64]>,
    ) -> Result<Vec<RecordBatch>> {
        let at = |error| rollup.fault(&rollup.merge, &error);
        let schema = marts.sales_schema();
        let all = Relation::landed("sales", &self.objects(), Arc::clone(&schema), marts.sales_partitions(), files)
            .map_err(at)?;
        let sales = match only {
            None => all,
            Some(file_ids) => all.only("source_file_id", file_ids).map_err(at)?,
        };
        self.select_as(rollup, &rollup.merge, vec![sales], &rollup.state_schema).await
    }

    /// Touches every scope of a rollup's state with deltas of zero, so that all of its published rows may be replaced.
    pub(crate) async fn touch_all(&self, publication: &mut dyn Publication, rollup: &Rollup) -> Result<()> {
        let (state, _) = Marts::database_tables(rollup);
        for rows in self.seams.publisher.read_state(&state).await? {
            publication.merge(&state, &nothing_of(&state, &rows).map_err(shape)?, 1).await?;
        }
        Ok(())
    }

    /// A rollup's `finish` over merged state rows. What it reads of `payments` is computed by `basis`.
    pub(crate) async fn finish(
        &self,
        rollup: &Rollup,
        merged: Vec<RecordBatch>,
        dimensions: &DimensionTables,
        basis: &Basis,
    ) -> Result<Vec<RecordBatch>> {
        let at = |error| rollup.fault(&rollup.finish, &error);
        let merged: Vec<RecordBatch> = merged
            .iter()
            .map(|batch| fit(batch, &rollup.state_schema))
            .collect::<std::result::Result<_, _>>()
            .map_err(shape)?;
        let mut relations = Relation::dimensions(dimensions).map_err(at)?;
        if rollup.reads_payments {
            relations.push(basis.relation(rollup, &merged)?);
        }
        relations.push(Relation::rows("merged", Arc::clone(&rollup.state_schema), merged).map_err(at)?);
        relations.push(Relation::incentive(&self.options.incentive).map_err(at)?);
        self.select_as(rollup, &rollup.finish, relations, &rollup.target_schema).await
    }

    async fn select_as(
        &self,
        rollup: &Rollup,
        section: &Section,
        relations: Vec<Relation>,
        schema: &SchemaRef,
    ) -> Result<Vec<RecordBatch>> {
        let (_, batches) =
            self.seams.engine.select(relations, &section.sql).await.map_err(|error| rollup.fault(section, &error))?;
        batches.iter().map(|batch| fit(batch, schema)).collect::<std::result::Result<_, _>>().map_err(shape)
    }
}

/// The marts that hold everything that has landed, once the batch is published.
fn whole_after(batch: &Batch, manifest: &Manifest, prepared: &Prepared) -> Vec<String> {
    match &batch.kind {
        // Those that it was claimed for and that are here no more were not filled.
        BatchKind::Fill { marts, months } if months.is_empty() => {
            let here = prepared.all_named(marts).names();
            here.into_iter().filter(|name| manifest.marts.contains(name)).collect()
        }
        // Marts that are whole, computed anew for some months.
        BatchKind::Fill { .. } => Vec::new(),
        _ => {
            let rows = prepared.marts.rows.iter().map(|mart| &mart.name);
            // What was landed counts, and not what the marts are now.
            let landed = |name: &&String| manifest.marts.is_empty() || manifest.marts.contains(name);
            let rollups = prepared.marts.rollups.iter().map(|rollup| &rollup.name);
            rows.filter(landed).chain(rollups).cloned().collect()
        }
    }
}

/// The same rows under exactly this schema.
pub(crate) fn fit(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                // A value that does not fit is a fault, and never a NULL.
                cast_with_options(column, field.data_type(), &CastOptions { safe: false, ..CastOptions::default() })
            }
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

pub(crate) fn shape(error: arrow::error::ArrowError) -> Fault {
    Fault::new(FaultKind::Promise, "a mart's rows do not fit its planned columns").found(error)
}
