//! The two Delta tables of a dimension's history: read, and changed in one commit each.

use super::shape::{specs, statements_schema, statements_table, versions_schema, versions_table};
use super::state::keys_of;
use crate::publish::{fit, shape};
use crate::shop::Pipeline;
use arrow::array::{AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Date32Type, Int64Type, SchemaRef};
use arrow::error::ArrowError;
use serde_json::Value;
use tillmart_database::Dimension;
use tillmart_engine::{LandedFile, Relation, land};
use tillmart_lake::{ActiveFile, Commit, TableSnapshot};
use tillmart_model::{DataFile, Fault, FaultKind, Result};

/// The transaction ids' application. Its version is the sequence of the newest statement that a table shows.
const APPLICATION: &str = "tillmart/history";

/// Rows of a data file of versions: a change of a few keys writes those files anew that hold them.
const FILE_ROWS: usize = 64 << 10;

/// Files of fewer rows are written anew with the next change.
const FILE_ROWS_LEAST: u64 = 8 << 10;

/// Both tables of one dimension as they are.
pub(super) struct Shelf {
    pub(super) dimension: Dimension,
    pub(super) statements: TableSnapshot,
    /// The newest statement.
    pub(super) stated: i64,
    pub(super) versions: TableSnapshot,
    /// The newest statement that the versions show.
    pub(super) shown: i64,
}

impl Shelf {
    /// Whether a row was otherwise before.
    pub(super) fn has_former(&self) -> bool {
        self.versions.files.iter().any(|file| !is_of_current(file))
    }
}

impl Pipeline {
    /// The newest statement of a dimension; 0 if there is none.
    pub(super) async fn newest_statement(&self, dimension: Dimension) -> Result<i64> {
        let newest = self.lake.newest(&statements_table(dimension), APPLICATION).await?;
        Ok(newest.and_then(|(_, held)| held).unwrap_or(0))
    }

    /// Both tables, made if they are missing.
    pub(super) async fn shelf(&self, dimension: Dimension) -> Result<Shelf> {
        let mut found = Vec::with_capacity(2);
        for spec in specs(dimension) {
            let mut newest = self.lake.newest(&spec.name, APPLICATION).await?;
            if newest.is_none() {
                self.lake.ensure(&spec).await?;
                newest = self.lake.newest(&spec.name, APPLICATION).await?;
            }
            found.extend(newest);
        }
        match <[_; 2]>::try_from(found) {
            Ok([(statements, stated), (versions, shown)]) => {
                Ok(Shelf { dimension, statements, stated: stated.unwrap_or(0), versions, shown: shown.unwrap_or(0) })
            }
            Err(_) => Err(Fault::new(FaultKind::Table, format!("the history of {} cannot be made", dimension.name()))
                .hint("check the storage root, then run again")),
        }
    }

    /// All rows of these data files.
    async fn rows_of(&self, table: &str, schema: &SchemaRef, files: &[&ActiveFile]) -> Result<RecordBatch> {
        self.rows_where(table, schema, files, |_| None).await
    }

    /// The rows of these data files that `wanted` tells, all where it tells nothing.
    async fn rows_where(
        &self,
        table: &str,
        schema: &SchemaRef,
        files: &[&ActiveFile],
        wanted: impl Fn(&RecordBatch) -> Option<BooleanArray>,
    ) -> Result<RecordBatch> {
        if files.is_empty() {
            return Ok(RecordBatch::new_empty(SchemaRef::clone(schema)));
        }
        let unreadable = |error: tillmart_engine::PlanError| {
            Fault::new(FaultKind::Table, format!("cannot read {table}")).found(error.strip_backtrace())
        };
        let landed = files
            .iter()
            .map(|file| {
                let path = self.seams.store.path(&format!("{table}/{}", file.path))?;
                Ok(LandedFile { path, size: file.size, partition: Vec::new() })
            })
            .collect::<Result<Vec<_>>>()?;
        let relation = Relation::landed("kept", &self.objects(), SchemaRef::clone(schema), &[], &landed);
        let sql = include_str!("../../../../sql/queries/history_rows.sql");
        let selected = self.seams.engine.select(vec![relation.map_err(unreadable)?], sql).await;
        let (_, batches) = selected.map_err(unreadable)?;
        let fitted = batches.into_iter().map(|batch| {
            let batch = fit(&batch, schema)?;
            match wanted(&batch) {
                Some(mask) => filter_record_batch(&batch, &mask),
                None => Ok(batch),
            }
        });
        let batches = fitted.collect::<std::result::Result<Vec<_>, _>>();
        batches.and_then(|batches| concat_batches(schema, &batches)).map_err(shape)
    }

    /// The statements after `sequence`.
    pub(super) async fn statements_after(&self, shelf: &Shelf, sequence: i64) -> Result<RecordBatch> {
        let is_after = |file: &&ActiveFile| bounds(file, "sequence").1 > sequence;
        self.statements(shelf, is_after, |rows| {
            let all = rows.column(0).as_primitive::<Int64Type>();
            all.iter().map(|one| one.map(|one| one > sequence)).collect()
        })
        .await
    }

    /// The statements about these keys (rising), alone or among others.
    pub(super) async fn statements_about(&self, shelf: &Shelf, keys: &[i64]) -> Result<RecordBatch> {
        let is_about = |first: i64, last: i64| {
            let next = keys.partition_point(|key| *key < first);
            keys.get(next).is_some_and(|key| *key <= last)
        };
        let has_some = |file: &&ActiveFile| is_about(bounds(file, "first_key").0, bounds(file, "last_key").1);
        self.statements(shelf, has_some, |rows| {
            let (first, last) =
                (rows.column(2).as_primitive::<Int64Type>(), rows.column(3).as_primitive::<Int64Type>());
            (0..rows.num_rows()).map(|row| Some(is_about(first.value(row), last.value(row)))).collect()
        })
        .await
    }

    /// Whether a file of this digest stated something as of this day.
    pub(super) async fn was_stated(&self, shelf: &Shelf, digest: &str, from: i32) -> Result<bool> {
        let found = self.statements(
            shelf,
            |_| true,
            |rows| {
                let (digests, days) = (rows.column(7).as_string::<i32>(), rows.column(1).as_primitive::<Date32Type>());
                (0..rows.num_rows()).map(|row| Some(digests.value(row) == digest && days.value(row) == from)).collect()
            },
        );
        Ok(found.await?.num_rows() > 0)
    }

    /// Those of the statements that `wanted` tells, in files that may have some. What is not wanted is dropped as it is read.
    async fn statements(
        &self,
        shelf: &Shelf,
        may_have: impl Fn(&&ActiveFile) -> bool,
        wanted: impl Fn(&RecordBatch) -> BooleanArray,
    ) -> Result<RecordBatch> {
        let files: Vec<&ActiveFile> = shelf.statements.files.iter().filter(may_have).collect();
        let schema = statements_schema(shelf.dimension);
        self.rows_where(&statements_table(shelf.dimension), &schema, &files, |rows| Some(wanted(rows))).await
    }

    /// All versions.
    pub(super) async fn versions(&self, shelf: &Shelf) -> Result<RecordBatch> {
        let files: Vec<&ActiveFile> = shelf.versions.files.iter().collect();
        self.rows_of(&versions_table(shelf.dimension), &versions_schema(shelf.dimension), &files).await
    }

    /// Shows the versions that hold today to `look`, one data file after the other.
    pub(super) async fn look_at_current(
        &self,
        shelf: &Shelf,
        mut look: impl FnMut(&RecordBatch) -> std::result::Result<(), ArrowError>,
    ) -> Result<()> {
        let (table, schema) = (versions_table(shelf.dimension), versions_schema(shelf.dimension));
        for file in shelf.versions.files.iter().filter(|file| is_of_current(file)) {
            look(&self.rows_of(&table, &schema, &[file]).await?).map_err(shape)?;
        }
        Ok(())
    }

    /// Versions that do not hold any more, as they are kept.
    pub(crate) async fn former(&self, dimension: Dimension) -> Result<Option<RecordBatch>> {
        let table = versions_table(dimension);
        let Some(snapshot) = self.lake.snapshot(&table, None).await? else { return Ok(None) };
        let files: Vec<&ActiveFile> = snapshot.files.iter().filter(|file| !is_of_current(file)).collect();
        if files.is_empty() {
            return Ok(None);
        }
        self.rows_of(&table, &versions_schema(dimension), &files).await.map(Some)
    }

    /// Adds statements, once. Returns the data file that holds them.
    pub(super) async fn state(&self, shelf: &Shelf, rows: &RecordBatch, sequence: i64) -> Result<DataFile> {
        let table = statements_table(shelf.dimension);
        let file = self.put(&table, rows).await?;
        self.change(&table, sequence, vec![&file], Vec::new()).await?;
        // A transaction id that was there already may be somebody else's.
        let newest = self.lake.newest(&table, APPLICATION).await?;
        let is_ours = newest.is_some_and(|(now, _)| now.files.iter().any(|kept| kept.path == file.path));
        if is_ours {
            return Ok(file);
        }
        Err(Fault::new(FaultKind::Busy, format!("another process states something of {}", shelf.dimension.name()))
            .hint("nothing of this was kept; run again"))
    }

    /// Takes statements back that the dimension's table would not take.
    pub(super) async fn withdraw(&self, shelf: &Shelf, file: &DataFile) -> Result<()> {
        self.change(&statements_table(shelf.dimension), shelf.stated + 1, Vec::new(), vec![&file.path]).await
    }

    /// Puts versions in the place of all those of the touched keys (rising).
    pub(super) async fn replace_versions(&self, shelf: &Shelf, touched: &[i64], new: &RecordBatch) -> Result<()> {
        let (table, schema) = (versions_table(shelf.dimension), versions_schema(shelf.dimension));
        let key = shelf.dimension.key();
        let is_affected = |file: &&ActiveFile| {
            let (least, greatest) = bounds(file, key);
            let next = touched.partition_point(|key| *key < least);
            let is_small = file.rows.is_none_or(|rows| rows < FILE_ROWS_LEAST);
            !touched.is_empty() && (is_small || touched.get(next).is_some_and(|key| *key <= greatest))
        };
        let affected: Vec<&ActiveFile> = shelf.versions.files.iter().filter(is_affected).collect();
        let old = self.rows_of(&table, &schema, &affected).await?;
        let keys = keys_of(&old).map_err(shape)?;
        let stays: BooleanArray = keys.values().iter().map(|key| Some(touched.binary_search(key).is_err())).collect();
        let kept = filter_record_batch(&old, &stays).map_err(shape)?;
        let all = concat_batches(&schema, [&kept, new]).map_err(shape)?;
        let mut files = Vec::new();
        for current in [true, false] {
            let rows = in_order(&all, current).map_err(shape)?;
            for start in (0..rows.num_rows()).step_by(FILE_ROWS) {
                let rows = rows.slice(start, FILE_ROWS.min(rows.num_rows() - start));
                files.push(self.put(&table, &rows).await?);
            }
        }
        let removes = affected.iter().map(|file| file.path.as_str()).collect();
        self.change(&table, shelf.stated, files.iter().collect(), removes).await
    }

    async fn put(&self, table: &str, rows: &RecordBatch) -> Result<DataFile> {
        land::put_rows(&self.seams.store.objects(), &self.seams.store.path(table)?, table, rows).await
    }

    async fn change(&self, table: &str, sequence: i64, adds: Vec<&DataFile>, removes: Vec<&str>) -> Result<()> {
        let commit = Commit {
            table,
            application: Some(APPLICATION),
            batch_id: sequence,
            adds,
            removes,
            data_change: true,
            now_ms: self.seams.clock.now().timestamp_millis(),
        };
        self.lake.commit(&commit).await.map(|_| ())
    }
}

/// A file has either current versions or former ones: the statistics tell.
fn is_of_current(file: &ActiveFile) -> bool {
    let nulls = stats(file).and_then(|stats| stats.get("nullCount")?.get("valid_to")?.as_u64());
    nulls != Some(0)
}

/// The least and the greatest value of a column of a data file, as far as the statistics tell.
fn bounds(file: &ActiveFile, column: &str) -> (i64, i64) {
    let stats = stats(file);
    let bound = |which: &str| stats.as_ref()?.get(which)?.get(column)?.as_i64();
    (bound("minValues").unwrap_or(i64::MIN), bound("maxValues").unwrap_or(i64::MAX))
}

fn stats(file: &ActiveFile) -> Option<Value> {
    serde_json::from_str(file.stats.as_deref()?).ok()
}

/// The current versions, or the former ones, by key and day.
fn in_order(rows: &RecordBatch, current: bool) -> std::result::Result<RecordBatch, ArrowError> {
    let is_current = rows.column(rows.num_columns() - 1).as_boolean();
    let mask: BooleanArray = is_current.iter().map(|is| Some(is == Some(current))).collect();
    let rows = filter_record_batch(rows, &mask)?;
    let keys: Int64Array = keys_of(&rows)?;
    let from = rows.column(rows.num_columns() - 3).as_primitive::<Date32Type>();
    let mut order: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap_or(u32::MAX)).collect();
    order.sort_unstable_by_key(|row| (keys.value(*row as usize), from.value(*row as usize)));
    arrow::compute::take_record_batch(&rows, &arrow::array::UInt32Array::from(order))
}
