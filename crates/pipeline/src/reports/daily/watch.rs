//! What is wrong with a day: rejects of its sales, files that came with it and did not land, files that wait.

use crate::marts::{Marts, REJECTS};
use crate::reports::reader::unlike;
use crate::shop::Pipeline;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_engine::{Glance, Glancer, Relation};
use tillmart_lake::ActiveFile;
use tillmart_model::{FileOutcome, Kind, Result, SourceFile};
use tillmart_report::daily::{MissingStore, OddFile, Periods, Rejected, Watch};

/// Open rejects that are looked through, the newest: as many as can be in a moment.
const REJECTS_MOST: u64 = 100_000;

/// Bytes of their data files.
const REJECT_BYTES_MOST: u64 = 64 << 20;

/// Rejects by reason.
#[derive(Default)]
struct ByReason(BTreeMap<String, Rejected>);

impl ByReason {
    fn add(&mut self, code: &str, cents: Option<i128>) {
        let empty = || Rejected { code: code.to_owned(), rows: 0, rows_with_money: 0, cents: 0 };
        let reason = self.0.entry(code.to_owned()).or_insert_with(empty);
        reason.rows += 1;
        reason.rows_with_money += i64::from(cents.is_some());
        reason.cents += cents.unwrap_or_default();
    }

    /// The most first.
    fn sorted(self) -> Vec<Rejected> {
        let mut reasons: Vec<Rejected> = self.0.into_values().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        reasons
    }
}

impl Pipeline {
    /// Everything that is wrong with a day, but for the stores that sent nothing, which its figures told.
    pub(super) async fn watch(
        &self,
        periods: &Periods,
        store: Option<i32>,
        missing: Vec<MissingStore>,
    ) -> Result<Watch> {
        let feed = &self.options.feed;
        // Tills send in the night: what a day sold comes on the day itself or on the next.
        let next = periods.day.succ_opt().unwrap_or(periods.day);
        let came = self.seams.ledger.files_claimed(feed, periods.day, next).await?;
        let waiting = self.waiting().await?;
        let unfinished = self.seams.ledger.unfinished(feed).await?;
        let mut watch = Watch {
            missing,
            files_waiting: waiting.files.len() as u64,
            bytes_waiting: waiting.files.iter().map(|found| found.size).sum(),
            unfinished: unfinished
                .map(|batch| format!("Batch {} ({}, {})", batch.id, batch.kind.word(), batch.state.word())),
            ..Watch::default()
        };
        for file in came.iter().rev() {
            let odd = |why: String| OddFile { id: file.id, path: file.found.path.clone(), why };
            match &file.outcome {
                FileOutcome::Rejected(fault) => watch.rejected_files.push(odd(fault.reason.code().to_owned())),
                FileOutcome::Duplicate { of } => watch.duplicates.push(odd(format!("file {of}"))),
                FileOutcome::Pending | FileOutcome::Landed | FileOutcome::Revoked { .. } => {}
            }
        }
        let batches: BTreeSet<i64> = came.iter().map(|file| file.batch_id).collect();
        self.rejects_of(periods, store, &batches, &mut watch).await?;
        Ok(watch)
    }

    /// Open rejects whose row is of the day; and those of batches that came with it whose day cannot be read.
    async fn rejects_of(
        &self,
        periods: &Periods,
        store: Option<i32>,
        came: &BTreeSet<i64>,
        watch: &mut Watch,
    ) -> Result<()> {
        let version = self.published_version(REJECTS).await?;
        let snapshot = self.lake.snapshot(REJECTS, version).await?;
        let (active, looked_through) = newest(snapshot.map(|snapshot| snapshot.files).unwrap_or_default());
        watch.looked_through = looked_through;
        if active.is_empty() {
            return Ok(());
        }
        let relation = self.rejects_relation(&active)?;
        let sql = include_str!("../../../../../sql/reports/open_rejects.sql");
        let (_, rejects) = self.seams.engine.select(vec![relation], sql).await.map_err(unlike)?;
        let mut glancers = self.glancers(&rejects).await?;
        let (mut dated, mut undated) = (ByReason::default(), ByReason::default());
        for batch in &rejects {
            let (ids, batches) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            let (codes, raws) = (batch.column(2).as_string::<i32>(), batch.column(3).as_binary::<i32>());
            for row in 0..batch.num_rows() {
                let glancer = glancers.get_mut(&ids.value(row));
                let glance = glancer.map_or_else(Glance::default, |glancer| glancer.at(raws.value(row)));
                if store.is_some() && glance.store_id != store {
                    continue;
                }
                match glance.sales_date {
                    Some(day) if day == periods.day => dated.add(codes.value(row), glance.total_cents),
                    None if came.contains(&batches.value(row)) => undated.add(codes.value(row), glance.total_cents),
                    _ => {}
                }
            }
        }
        (watch.rejected, watch.undated) = (dated.sorted(), undated.sorted());
        Ok(())
    }

    fn rejects_relation(&self, active: &[ActiveFile]) -> Result<Relation> {
        let files = active
            .iter()
            .map(|file| {
                let path = self.seams.store.path(&format!("{REJECTS}/{}", file.path))?;
                Ok(tillmart_engine::LandedFile { path, size: file.size, partition: Vec::new() })
            })
            .collect::<Result<Vec<_>>>()?;
        let marts = Marts::default();
        let spec = marts.table_specs().into_iter().find(|spec| spec.name == REJECTS);
        let schema = spec.map(|spec| spec.schema).unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
        Relation::landed(REJECTS, &self.objects(), schema, &[], &files).map_err(unlike)
    }

    /// What reads the rows of each source file that these rejects are of. Files whose header cannot be read have none.
    async fn glancers(&self, rejects: &[RecordBatch]) -> Result<BTreeMap<i64, Glancer>> {
        let ids: BTreeSet<i64> = rejects
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter().flatten().collect::<BTreeSet<i64>>())
            .collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let files = self.seams.ledger.files_of_ids(&self.options.feed, &ids).await?;
        let contract = Arc::new(self.options.contract.clone());
        let glancer = |file: &SourceFile| {
            let kind = Kind::of(&file.found.path)?;
            Glancer::new(&contract, kind.format, file.header.as_deref()).ok()
        };
        Ok(files.iter().filter_map(|file| Some((file.id, glancer(file)?))).collect())
    }
}

/// The newest data files of the rejects that are looked through, and how many rows they hold if there are more.
fn newest(mut active: Vec<ActiveFile>) -> (Vec<ActiveFile>, Option<u64>) {
    active.sort_by_key(|file| std::cmp::Reverse(batch_of(&file.path)));
    let all = active.len();
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    // The first is taken whatever its size: nothing would be told at all.
    active.retain(|file| {
        let is_taken = rows == 0 || (rows < REJECTS_MOST && bytes < REJECT_BYTES_MOST);
        rows += file.rows.unwrap_or(REJECTS_MOST);
        bytes += file.size;
        is_taken
    });
    let taken: u64 = active.iter().map(|file| file.rows.unwrap_or_default()).sum();
    let is_part = active.len() < all;
    (active, is_part.then_some(taken))
}

/// The batch that wrote a data file, by its name: `batch-7-….parquet`.
fn batch_of(path: &str) -> Option<i64> {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_prefix("batch-")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(batch: i64, rows: u64) -> ActiveFile {
        ActiveFile {
            path: format!("batch-{batch}-x.parquet"),
            size: 10,
            rows: Some(rows),
            partition: Vec::new(),
            stats: None,
        }
    }

    #[test]
    fn the_newest_rejects_are_looked_through() {
        let batches = |files: &[ActiveFile]| files.iter().filter_map(|file| batch_of(&file.path)).collect::<Vec<_>>();
        let (all, told) = newest(vec![file(2, 5), file(10, 7), file(9, 1)]);
        assert_eq!((batches(&all), told), (vec![10, 9, 2], None));
        let (part, told) = newest(vec![file(1, 5), file(2, 40_000), file(3, 70_000)]);
        assert_eq!((batches(&part), told), (vec![3, 2], Some(110_000)), "until there are enough");
        let (one, told) = newest(vec![file(1, 5), file(2, 1_000_000)]);
        assert_eq!((batches(&one), told), (vec![2], Some(1_000_000)));
        assert_eq!(batch_of("batch-x-y.parquet"), None);
    }
}
