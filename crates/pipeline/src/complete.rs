//! Complete: landed rows get the attributes of customers, stores, sales persons and products that were unknown when they
//! landed (`orphans = "keep"`) and are known now, as a batch of its own kind. No row comes or goes, and no money moves.

use crate::marts::{Marts, SALES_MART};
use crate::patch::{Patched, patched, scope_of_each};
use crate::shop::{Pipeline, Prepared};
use crate::summary::Summary;
use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_database::{Dimension, Publication, StateTable};
use tillmart_engine::mart::{Rollup, RowMart};
use tillmart_engine::tables_of;
use tillmart_lake::{ActiveFile, TableSnapshot};
use tillmart_model::{Batch, BatchKind, Fault, FaultKind, Manifest, Result, Split, money};

impl Pipeline {
    /// Completes landed rows, and the published rows that show the same dimensions.
    ///
    /// # Errors
    /// As [`Pipeline::run`]. Marts that cannot be completed row by row are no error: the summary names them.
    pub async fn complete(&self) -> Result<Summary> {
        let mut summary = self.run_batch(&BatchKind::Complete { months: Vec::new() }).await?;
        let marts = self.prepare().await?.marts;
        for mart in &marts.rows {
            if let Err(because) = mart.completable() {
                summary.not_completed.insert(mart.name.clone(), because);
            }
        }
        Ok(summary)
    }

    pub(crate) async fn land_complete(
        &self,
        batch: &Batch,
        prepared: &Prepared,
        months: &[String],
    ) -> Result<Manifest> {
        let job = self.job(batch, prepared, BTreeMap::new(), false)?;
        let mut splits = Vec::new();
        let mut snapshots = Vec::new();
        let can = |mart: &RowMart| if months.is_empty() { mart.completable() } else { mart.enrichable() };
        for mart in prepared.marts.rows.iter().filter(|mart| can(mart).is_ok()) {
            let Some(snapshot) = self.lake.snapshot(&mart.name, None).await? else { continue };
            let is_wanted = |file: &&ActiveFile| match months {
                [] => may_be_incomplete(mart, file),
                months => may_be_of(months, file),
            };
            splits.extend(snapshot.files.iter().filter(is_wanted).map(|file| Split::Complete {
                months: months.to_vec(),
                table: mart.name.clone(),
                data_file: file.path.clone(),
                size: file.size,
                partition: file.partition.clone(),
            }));
            snapshots.push(snapshot);
        }
        let mut manifest = Manifest { batch_id: batch.id, ..Manifest::default() };
        for task in self.run_tasks(&job, crate::land::spread(splits, self.seams.engine.tasks())).await? {
            manifest.merge(task);
        }
        for snapshot in &snapshots {
            check(snapshot, &manifest)?;
        }
        Ok(manifest)
    }

    /// As [`Pipeline::complete_rollup`], of a rollup whose sums hang on attributes: those of the rows as they are now come, and those of the
    /// rows as they were go. What it shows of dimensions is then what holds today, in every row.
    pub(crate) async fn complete_sums(
        &self,
        publication: &mut dyn Publication,
        rollup: &Rollup,
        manifest: &Manifest,
        prepared: &Prepared,
    ) -> Result<u64> {
        let (state, target) = Marts::database_tables(rollup);
        let is_sales = |table: &str| table == SALES_MART;
        let sales_changed = manifest.removed.iter().any(|file| is_sales(&file.table));
        if !sales_changed && shown_dimensions(rollup)?.is_empty() {
            return Ok(0);
        }
        if !rollup.is_over_another() {
            let added = manifest.files.iter().filter(|file| is_sales(&file.table));
            let added = added.map(|file| (file.path.as_str(), file.size, file.partition.as_slice()));
            let removed = manifest.removed.iter().filter(|file| is_sales(&file.table));
            let removed = removed.map(|file| (file.path.as_str(), file.size, file.partition.as_slice()));
            // What comes first: no state row falls to nothing in between.
            for (files, sign) in [(self.landed_files(added)?, 1), (self.landed_files(removed)?, -1)] {
                for rows in self.merge_over(rollup, &prepared.marts, &files, None).await? {
                    publication.merge(&state, &rows, sign).await?;
                }
            }
        }
        if !shown_dimensions(rollup)?.is_empty() {
            self.touch_all(publication, rollup).await?;
        }
        let basis = self.published_basis(prepared).await?;
        let merged = publication.touched(&state).await?;
        let finished = self.finish(rollup, merged, &prepared.dimensions, &basis).await?;
        publication.replace(&state, &target, &finished).await
    }

    /// Publishes what a rollup's `finish` can tell by now of dimensions that it showed as unknown. Sums stay as they are. Returns
    /// how many published rows changed.
    pub(crate) async fn complete_rollup(
        &self,
        publication: &mut dyn Publication,
        rollup: &Rollup,
        prepared: &Prepared,
    ) -> Result<u64> {
        let shown = shown_dimensions(rollup)?;
        if shown.is_empty() {
            return Ok(0);
        }
        let (state, target) = Marts::database_tables(rollup);
        let kept = self.seams.publisher.read_state(&state).await?;
        // What was paid stays: by the plan and the managers of its time.
        let basis = self.published_basis(prepared).await?;
        let today = self.finish(rollup, kept.clone(), &prepared.dimensions, &basis).await?;
        let published = self.seams.publisher.read_target(&target).await?;
        let mut patch = Patched::of(&target, &published).map_err(uncompleted)?;
        drop(published);
        // What a row shows may hang on one dimension or on several: each may have been unknown, alone or with others.
        for unknown in 1..1_u32 << shown.len() {
            let names: Vec<&str> =
                shown.iter().enumerate().filter(|(at, _)| unknown >> at & 1 == 1).map(|(_, name)| *name).collect();
            let blank = self.finish(rollup, kept.clone(), &prepared.dimensions.without(&names)?, &basis).await?;
            patch = patched(&target, patch, &blank, &today).map_err(uncompleted)?;
        }
        if patch.changed.is_empty() {
            return Ok(0);
        }
        if rollup.is_over_another() {
            // Its rollup has touched scopes of its own, whose rows must all be told.
            self.touch_all(publication, rollup).await?;
            publication.replace(&state, &target, &[patch.rows]).await?;
            return Ok(patch.changed.len() as u64);
        }
        // A delta of nothing touches the scopes, so that their rows may be replaced.
        for rows in &kept {
            let touch = nothing_in(&state, rows, &patch.scopes).map_err(uncompleted)?;
            publication.merge(&state, &touch, 1).await?;
        }
        let scopes = scope_of_each(&target.schema, &target.scope, &patch.rows).map_err(uncompleted)?;
        let rows = filter_record_batch(&patch.rows, &within(&scopes, &patch.scopes)).map_err(uncompleted)?;
        publication.replace(&state, &target, &[rows]).await?;
        Ok(patch.changed.len() as u64)
    }
}

/// Dimensions that `finish` reads.
fn shown_dimensions(rollup: &Rollup) -> Result<Vec<&'static str>> {
    let tables = tables_of(&rollup.finish.sql).map_err(|error| rollup.fault(&rollup.finish, &error))?;
    let names = Dimension::ALL.iter().map(|dimension| dimension.name());
    Ok(names.filter(|name| tables.iter().any(|table| table == name)).collect())
}

/// A file all of whose attributes are there needs no look: the table's statistics tell.
fn may_be_incomplete(mart: &RowMart, file: &ActiveFile) -> bool {
    let stats: Option<serde_json::Value> = file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
    mart.may_be_incomplete(&|column| stats.as_ref()?.get("nullCount")?.get(column)?.as_u64())
}

/// Whether a file may hold rows of these months: its partition or its statistics may tell that it does not.
fn may_be_of(months: &[String], file: &ActiveFile) -> bool {
    if let Some((_, month)) = file.partition.iter().find(|(column, _)| column == "sales_month") {
        return month.as_ref().is_none_or(|month| months.contains(month));
    }
    let stats: Option<serde_json::Value> = file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
    let bound = |which: &str| Some(stats.as_ref()?.get(which)?.get("sales_date")?.as_str()?.get(..7)?.to_owned());
    match (bound("minValues"), bound("maxValues")) {
        (Some(first), Some(last)) => months.iter().any(|month| (&first..=&last).contains(&month)),
        _ => true,
    }
}

/// As many rows as before, worth the same.
fn check(snapshot: &TableSnapshot, manifest: &Manifest) -> Result<()> {
    let table = snapshot.name.as_str();
    let removed: BTreeSet<&str> =
        manifest.removed.iter().filter(|file| file.table == table).map(|file| file.path.as_str()).collect();
    let before: Option<u64> =
        snapshot.files.iter().filter(|file| removed.contains(file.path.as_str())).map(|file| file.rows).sum();
    let files = || manifest.files.iter().filter(|file| file.table == table);
    let after: u64 = files().map(|file| file.rows).sum();
    let reports = manifest.splits.iter().filter(|report| report.rows_completed.contains_key(table));
    let money_before: i128 = reports.map(|report| report.tally.money_cents).sum();
    let money_after: i128 = files().filter_map(|file| file.money_cents).sum();
    if before == Some(after) && money_before == money_after {
        return Ok(());
    }
    let told = |rows: Option<u64>, cents: i128| {
        let rows = rows.map_or_else(|| "an unknown number of".to_owned(), |rows| rows.to_string());
        format!("{rows} rows worth {}", money::cents_text(cents))
    };
    Err(Fault::new(FaultKind::Promise, format!("completing {table} would change its rows"))
        .expected(told(before, money_before))
        .found(told(Some(after), money_after))
        .hint("nothing was committed; please report this"))
}

/// State rows of these scopes with every sum at zero.
fn nothing_in(
    state: &StateTable,
    rows: &RecordBatch,
    scopes: &BTreeSet<Vec<String>>,
) -> std::result::Result<RecordBatch, ArrowError> {
    let of_each = scope_of_each(&state.schema, &state.scope, rows)?;
    nothing_of(state, &filter_record_batch(rows, &within(&of_each, scopes))?)
}

/// These state rows with every sum at zero.
pub(crate) fn nothing_of(state: &StateTable, rows: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = rows
        .columns()
        .iter()
        .enumerate()
        .map(|(at, column)| if at < state.keys { Ok(Arc::clone(column)) } else { zeros(column) })
        .collect::<std::result::Result<_, _>>()?;
    RecordBatch::try_new(rows.schema(), columns)
}

fn zeros(column: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
    let zero = arrow::array::Int64Array::from(vec![0; column.len()]);
    match column.data_type() {
        data_type if column.is_empty() => Ok(new_null_array(data_type, 0)),
        data_type => arrow::compute::cast(&zero, data_type),
    }
}

fn within(of_each: &[Vec<String>], scopes: &BTreeSet<Vec<String>>) -> BooleanArray {
    of_each.iter().map(|scope| Some(scopes.contains(scope))).collect()
}

fn uncompleted(error: ArrowError) -> Fault {
    Fault::new(FaultKind::Promise, "the rows of a mart cannot be completed").found(error)
}
