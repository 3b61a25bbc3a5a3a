//! The history of the dimensions: what held of a customer, a store, a product or a sales person on which day.
//!
//! What is stated is kept first, in a Delta table of statements, under a rising sequence; then the dimension's own table takes it,
//! then the versions that follow from it replace those before, in a Delta table of their own that remembers up to which statement it
//! shows them. A process that dies in between leaves statements that are not shown yet: whoever comes next shows them, and
//! nothing is stated twice.

mod loading;
mod mark;
mod shape;
mod state;
mod tables;
mod versions;

#[cfg(test)]
mod tests;

pub use loading::Loaded;

use crate::lease::Held;
use crate::publish::shape as misshapen;
use crate::shop::Pipeline;
use crate::{Optimized, Point};
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Date32Type, Int64Type};
use chrono::NaiveDate;
use shape::{FROM_FILE, FROM_TABLE};
use state::Stating;
use std::time::Duration;
use tables::Shelf;
use tillmart_database::{Dimension, Upserted};
use tillmart_lake::TableSpec;
use tillmart_model::{FaultKind, Result};

/// The lease of whoever changes a history: a name that no feed can have.
const LEASE: &str = "history of the dimensions";

/// How often, a second apart, a lease is asked for that somebody else holds: changes of a history are short.
const TRIES: u32 = 60;

/// How often a dimension is looked at anew because its table changed meanwhile.
const LOOKS: usize = 5;

/// The tables of all histories.
pub(crate) fn specs() -> impl Iterator<Item = TableSpec> {
    Dimension::ALL.into_iter().flat_map(shape::specs)
}

/// Which rows of a dimension's own table are written, that it shows the newest versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// Those of every key that was stated anew.
    All,
    /// Those that follow from what the table shows already: old prices.
    Followed,
}

impl Pipeline {
    /// A dimension's table, once its history holds what it shows: what somebody changed in it is stated as of today. And what its
    /// rows were before, if one was otherwise. To be called under a feed's lease.
    pub(crate) async fn noticed(&self, dimension: Dimension) -> Result<(RecordBatch, Option<RecordBatch>)> {
        let mut table = self.seams.dimensions.read(dimension).await?;
        for _ in 0..LOOKS {
            let digest = mark::of(&table);
            let stated = self.newest_statement(dimension).await?;
            if table.num_rows() == 0 && stated == 0 {
                return Ok((table, None));
            }
            match self.marked(dimension, stated, &digest).await? {
                Some(true) => break,
                Some(false) => return Ok((table, None)),
                None => {}
            }
            let held = self.hold_history().await?;
            let done = self.notice(dimension, &table).await;
            held.release().await?;
            if !done? {
                break;
            }
            table = self.seams.dimensions.read(dimension).await?;
        }
        let former = self.former(dimension).await?;
        Ok((table, former))
    }

    /// States what a dimension's table shows and its history does not. Returns whether the table was written meanwhile. To be
    /// called under the history's lease.
    async fn notice(&self, dimension: Dimension, table: &RecordBatch) -> Result<bool> {
        let shelf = self.shelf(dimension).await?;
        if shelf.shown < shelf.stated {
            self.settle(&shelf, None).await?;
            return Ok(true);
        }
        let stating = Stating {
            dimension,
            sequence: shelf.stated + 1,
            valid_from: day(self.seams.clock.today(self.options.time_zone)),
            origin: FROM_TABLE,
            digest: "",
        };
        let mut sets = stating.nothing_holds(table);
        self.look_at_current(&shelf, |current| stating.compare(table, current, &mut sets)).await?;
        let Some(stated) = stating.of_table(table, &sets).map_err(misshapen)? else {
            self.mark(&shelf, &mark::of(table)).await?;
            return Ok(false);
        };
        drop(sets);
        self.observer.doing(&format!("keeping what changed in {}", dimension.name()));
        self.state(&shelf, &stated.rows, stating.sequence).await?;
        self.observer.reached(Point::Stated);
        let shelf = self.shelf(dimension).await?;
        let put = self.settle(&shelf, Some(Put::Followed)).await?;
        self.mark(&self.shelf(dimension).await?, &mark::of(table)).await?;
        Ok(put.changed > 0)
    }

    /// Makes the dimension's table and the versions show every statement. What is to be put into the table is told by the
    /// statements themselves where `put` does not.
    async fn settle(&self, shelf: &Shelf, put: Option<Put>) -> Result<Upserted> {
        let fresh = self.statements_after(shelf, shelf.shown).await?;
        let first_keys = fresh.column(2).as_primitive::<Int64Type>();
        let as_it_was = fresh.column(5).as_boolean();
        let mut touched: Vec<i64> =
            (0..fresh.num_rows()).filter(|row| !as_it_was.value(*row)).map(|row| first_keys.value(row)).collect();
        touched.sort_unstable();
        touched.dedup();
        let is_of_file = fresh.column(6).as_string::<i32>().iter().any(|origin| origin == Some(FROM_FILE));
        let put = put.unwrap_or(if is_of_file { Put::All } else { Put::Followed });
        drop(fresh);
        let all = self.statements_about(shelf, &touched).await?;
        let new = versions::versions_of(shelf.dimension, &all, &touched).map_err(misshapen)?;
        drop(all);
        let mut upserted = Upserted::default();
        if new.num_rows() > 0 && (put == Put::All || shelf.dimension == Dimension::Product) {
            upserted = self.seams.dimensions.put(shelf.dimension, &current_of(shelf.dimension, &new)?).await?;
        }
        self.observer.reached(Point::DimensionPut);
        self.replace_versions(shelf, &touched, &new).await?;
        self.observer.reached(Point::VersionsKept);
        Ok(upserted)
    }

    /// Deletes what only old versions of the histories' tables hold; tells of tables in which there was something.
    pub(crate) async fn vacuum_histories(&self) -> Result<Vec<Optimized>> {
        let held = self.hold_history().await?;
        let done = async {
            let mut done = Vec::new();
            for spec in specs() {
                let deleted = self.lake.vacuum(&spec.name, self.options.vacuum_age_hours).await? as u64;
                if deleted > 0 {
                    let files = self.lake.snapshot(&spec.name, None).await?.map_or(0, |now| now.files.len()) as u64;
                    let (files_before, files_after) = (files, files);
                    done.push(Optimized { table: spec.name, files_before, files_after, files_vacuumed: deleted });
                }
            }
            Ok(done)
        }
        .await;
        held.release().await?;
        done
    }

    /// Waits for the history's lease.
    async fn hold_history(&self) -> Result<Held> {
        let mut tries = TRIES;
        loop {
            match self.hold_of(LEASE).await {
                Err(fault) if fault.kind == FaultKind::Busy && tries > 1 => tries -= 1,
                done => return done,
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Current versions as rows of the dimension's table.
fn current_of(dimension: Dimension, versions: &RecordBatch) -> Result<RecordBatch> {
    let is_current = versions.column(versions.num_columns() - 1).as_boolean();
    let current = filter_record_batch(versions, is_current).map_err(misshapen)?;
    let columns = current.columns()[..dimension.columns().len()].to_vec();
    RecordBatch::try_new(dimension.schema(), columns).map_err(misshapen)
}

/// Versions that hold on a day.
fn holding(versions: &RecordBatch, on: i32) -> Result<RecordBatch> {
    let day = |at: usize| versions.column(versions.num_columns() - at).as_primitive::<Date32Type>();
    let (from, to) = (day(3), day(2));
    let holds = |row: usize| Some(from.value(row) <= on && (to.is_null(row) || on < to.value(row)));
    let holds: BooleanArray = (0..versions.num_rows()).map(holds).collect();
    filter_record_batch(versions, &holds).map_err(misshapen)
}

/// A day from 1970-01-01.
fn day(date: NaiveDate) -> i32 {
    Date32Type::from_naive_date(date)
}
