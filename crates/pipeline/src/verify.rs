//! Verify: everything is computed once more from the landed rows and held against what was published, to the cent.

use crate::marts::{Marts, REJECTS, SALES_MART};
use crate::shop::{Pipeline, Prepared};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::FileFilter;
use tillmart_engine::Relation;
use tillmart_engine::mart::Rollup;
use tillmart_model::{BatchState, Fault, FaultKind, FileOutcome, Result, money};

/// Differences told in full; the rest are counted.
const SAMPLES: usize = 10;

/// One thing that is not as it should be.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The table or mart.
    pub table: String,
    /// What was expected, from the landed rows.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// What was compared, and what differs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verified {
    /// Rows compared, by table.
    pub compared: BTreeMap<String, u64>,
    /// The first few differences of each table.
    pub differences: Vec<Difference>,
    /// All differences.
    pub differing: u64,
}

impl Verified {
    fn differs(&mut self, table: &str, expected: String, found: String) {
        self.differing += 1;
        if self.differences.iter().filter(|difference| difference.table == table).count() < SAMPLES {
            self.differences.push(Difference { table: table.to_owned(), expected, found });
        }
    }
}

type Pinned = BTreeMap<String, u64>;

impl Pipeline {
    /// Recomputes every rollup from the sales mart, the customer mart's sums, and the counts of every file, and compares.
    ///
    /// # Errors
    /// A table or the database that cannot be read. Differences are no error: they are the answer.
    pub async fn verify(&self) -> Result<Verified> {
        self.seams.schema.check().await?;
        let prepared = self.prepare().await?;
        let pinned = self.pinned().await?;
        let mut verified = Verified::default();
        for rollup in &prepared.marts.rollups {
            self.observer.doing(&format!("verifying {}", rollup.name));
            self.verify_rollup(rollup, &prepared, &pinned, &mut verified).await?;
        }
        self.observer.doing("verifying the customer mart and the ledger");
        self.verify_customer_mart(&prepared, &pinned, &mut verified).await?;
        self.verify_files(&prepared, &pinned, &mut verified).await?;
        Ok(verified)
    }

    /// Versions to compare at. Between batches that is the newest, which shows foreign changes too; while a batch has committed
    /// and not published, it is what the last published batches left.
    async fn pinned(&self) -> Result<Pinned> {
        let unfinished = self.seams.ledger.unfinished(&self.options.feed).await?;
        let between = unfinished.is_none_or(|batch| {
            matches!(batch.state, BatchState::Claimed | BatchState::Published { .. } | BatchState::Finished { .. })
        });
        let mut pinned = Pinned::new();
        if between {
            return Ok(pinned);
        }
        for batch in self.seams.ledger.batches(&self.options.feed, u32::MAX).await? {
            if let BatchState::Published { versions } | BatchState::Finished { versions } = batch.state {
                for (table, version) in versions {
                    pinned.entry(table).or_insert(version);
                }
            }
        }
        // A table that no published batch has written is compared as it was made.
        for table in [SALES_MART, REJECTS, "customer_data_mart"] {
            pinned.entry(table.to_owned()).or_insert(0);
        }
        Ok(pinned)
    }

    async fn verify_rollup(
        &self,
        rollup: &Rollup,
        prepared: &Prepared,
        pinned: &Pinned,
        verified: &mut Verified,
    ) -> Result<()> {
        let (state, target) = Marts::database_tables(rollup);
        self.is_made(&rollup.name).await?;
        let snapshot = self.lake.snapshot(SALES_MART, pinned.get(SALES_MART).copied()).await?;
        let active = snapshot.map(|snapshot| snapshot.files).unwrap_or_default();
        let files =
            self.landed_files(active.iter().map(|file| (file.path.as_str(), file.size, file.partition.as_slice())))?;
        let recomputed = self.merge_over(rollup, &prepared.marts, &files, None).await?;
        let finished = self.finish(rollup, recomputed.clone(), prepared).await?;
        let kept = self.seams.publisher.read_state(&state).await?;
        compare(&format!("tillmart_state_{}", rollup.name), &rollup.state_schema, &recomputed, &kept, verified)?;
        let published = self.seams.publisher.read_target(&target).await?;
        let measured = measured(rollup);
        let schema = Arc::new(rollup.target_schema.project(&measured).map_err(uncomparable)?);
        let only = |batches: Vec<RecordBatch>| -> Result<Vec<RecordBatch>> {
            batches
                .iter()
                .map(|batch| batch.project(&measured))
                .collect::<std::result::Result<_, _>>()
                .map_err(uncomparable)
        };
        compare(&rollup.name, &schema, &only(finished)?, &only(published)?, verified)
    }

    async fn verify_customer_mart(&self, prepared: &Prepared, pinned: &Pinned, verified: &mut Verified) -> Result<()> {
        let Some(mart) = prepared.marts.rows.iter().find(|mart| mart.name == "customer_data_mart") else {
            return Ok(());
        };
        let (schema, expected) = self
            .select_pinned(prepared, pinned, SALES_MART, include_str!("../../../sql/queries/spend_in_sales_mart.sql"))
            .await?;
        let (_, found) = self
            .select_pinned(
                prepared,
                pinned,
                &mart.name,
                include_str!("../../../sql/queries/spend_in_customer_mart.sql"),
            )
            .await?;
        compare(&mart.name, &schema, &expected, &found, verified)
    }

    async fn select_pinned(
        &self,
        prepared: &Prepared,
        pinned: &Pinned,
        table: &str,
        sql: &str,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let relation = self.table_relation(&prepared.marts, table, pinned.get(table).copied()).await?;
        self.seams.engine.select(vec![relation], sql).await.map_err(|error| {
            Fault::new(FaultKind::Table, format!("cannot read the table {table}")).found(error.strip_backtrace())
        })
    }

    /// Always: read = landed + open rejects + replayed, file by file, and the same money.
    async fn verify_files(&self, prepared: &Prepared, pinned: &Pinned, verified: &mut Verified) -> Result<()> {
        let (_, landed) = self
            .select_pinned(prepared, pinned, SALES_MART, include_str!("../../../sql/queries/landed_by_file.sql"))
            .await?;
        let (_, rejected) = self
            .select_pinned(prepared, pinned, REJECTS, include_str!("../../../sql/queries/rejects_by_file.sql"))
            .await?;
        let mut landed = by_file(&landed);
        let mut rejected = by_file(&rejected);
        let table = "product_staging_table";
        let files = self.seams.ledger.files(&self.options.feed, &FileFilter::default()).await?;
        for file in files.iter().filter(|file| !matches!(file.outcome, FileOutcome::Pending)) {
            let is_landed = file.outcome == FileOutcome::Landed;
            if is_landed && self.is_unpublished(file.batch_id).await? {
                continue;
            }
            let (rows, cents) = landed.remove(&file.id).unwrap_or_default();
            let (open, replayed) = rejected.remove(&file.id).unwrap_or_default();
            let told = |rows: i64, cents: i128, open: i64, replayed: i128| {
                let money = money::cents_text(cents);
                format!("{}: {rows} landed worth {money}, {open} open, {replayed} replayed", file.found.path)
            };
            let found = told(rows, cents, open, replayed);
            let expected = if is_landed {
                let replayed = i64::try_from(file.rows_replayed).unwrap_or(i64::MAX);
                let landed = i64::try_from(file.tally.rows_landed).unwrap_or(i64::MAX);
                let rejected = i64::try_from(file.tally.rows_rejected()).unwrap_or(i64::MAX);
                told(landed + replayed, file.tally.money_cents, rejected - replayed, i128::from(replayed))
            } else {
                told(0, 0, 0, 0)
            };
            *verified.compared.entry(table.to_owned()).or_default() += 1;
            if expected != found {
                verified.differs(table, expected, found);
            }
        }
        if pinned.is_empty() {
            for (id, (rows, _)) in landed {
                verified.differs(
                    SALES_MART,
                    "rows of known source files".to_owned(),
                    format!("{rows} rows of source file {id}"),
                );
            }
        }
        Ok(())
    }

    async fn is_unpublished(&self, batch_id: i64) -> Result<bool> {
        Ok(match self.seams.ledger.unfinished(&self.options.feed).await? {
            Some(batch) => batch.id == batch_id && !matches!(batch.state, BatchState::Published { .. }),
            None => false,
        })
    }

    /// A mart that was added has no table before the next run.
    pub(crate) async fn is_made(&self, rollup: &str) -> Result<()> {
        if self.seams.schema.tables().await?.iter().any(|table| table == rollup) {
            return Ok(());
        }
        Err(Fault::new(FaultKind::Table, format!("the mart {rollup} has no rows yet"))
            .hint("`tillmart run` makes it, and fills a mart that was added with everything that has landed"))
    }

    /// A Delta table as a relation under its own name.
    pub(crate) async fn table_relation(&self, marts: &Marts, table: &str, version: Option<u64>) -> Result<Relation> {
        let spec = marts.table_specs().into_iter().find(|spec| spec.name == table);
        let missing = || {
            Fault::new(FaultKind::Table, format!("there is no table {table} yet"))
                .hint("load some sales with `tillmart run`")
        };
        let spec = spec.ok_or_else(missing)?;
        let snapshot = self.lake.snapshot(table, version).await?;
        let mut files = Vec::new();
        for file in snapshot.iter().flat_map(|snapshot| &snapshot.files) {
            files.push(tillmart_engine::LandedFile {
                path: self.seams.store.path(&format!("{table}/{}", file.path))?,
                size: file.size,
                partition: file.partition.clone(),
            });
        }
        Relation::landed(table, &self.objects(), Arc::clone(&spec.schema), &spec.partition_columns, &files)
            .map_err(|error| Fault::new(FaultKind::Table, format!("cannot read the table {table}")).found(error))
    }
}

/// Keys and measures of a published table. Names and addresses are those of the day of publishing: a dimension that was loaded
/// anew since makes no mart wrong.
fn measured(rollup: &Rollup) -> Vec<usize> {
    let is_measured = |field: &Field| {
        rollup.key.contains(field.name()) || !matches!(field.data_type(), DataType::Utf8 | DataType::Date32)
    };
    let fields = rollup.target_schema.fields().iter().enumerate();
    fields.filter(|(_, field)| is_measured(field)).map(|(at, _)| at).collect()
}

fn uncomparable(error: arrow::error::ArrowError) -> Fault {
    Fault::new(FaultKind::Promise, "the rows of a mart cannot be compared").found(error)
}

/// The first two measures of each source file.
fn by_file(batches: &[RecordBatch]) -> BTreeMap<i64, (i64, i128)> {
    let mut files = BTreeMap::new();
    for batch in batches {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let first = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let second = match batch.column(2).as_primitive_opt::<Decimal128Type>() {
                Some(money) => money.value(row),
                None => i128::from(batch.column(2).as_primitive::<Int64Type>().value(row)),
            };
            files.insert(ids.value(row), (first.value(row), second));
        }
    }
    files
}

/// Compares rows as sets, typed value by typed value.
fn compare(
    table: &str,
    schema: &SchemaRef,
    expected: &[RecordBatch],
    found: &[RecordBatch],
    verified: &mut Verified,
) -> Result<()> {
    let fault = |error: arrow::error::ArrowError| {
        Fault::new(FaultKind::Promise, format!("the rows of {table} cannot be compared")).found(error)
    };
    let (expected, found) = (one(schema, expected).map_err(fault)?, one(schema, found).map_err(fault)?);
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(fault)?;
    let (left, right) = (
        converter.convert_columns(expected.columns()).map_err(fault)?,
        converter.convert_columns(found.columns()).map_err(fault)?,
    );
    let order = |count: usize, rows: &arrow::row::Rows| {
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_unstable_by(|one, other| rows.row(*one).cmp(&rows.row(*other)));
        order
    };
    let (left_order, right_order) = (order(expected.num_rows(), &left), order(found.num_rows(), &right));
    *verified.compared.entry(table.to_owned()).or_default() += expected.num_rows() as u64;
    let (mut at_left, mut at_right) = (0, 0);
    while at_left < left_order.len() || at_right < right_order.len() {
        let ordering = match (left_order.get(at_left), right_order.get(at_right)) {
            (Some(one), Some(other)) => left.row(*one).cmp(&right.row(*other)),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match ordering {
            std::cmp::Ordering::Equal => {
                at_left += 1;
                at_right += 1;
            }
            std::cmp::Ordering::Less => {
                verified.differs(table, told(&expected, left_order[at_left]), "no such row".to_owned());
                at_left += 1;
            }
            std::cmp::Ordering::Greater => {
                verified.differs(table, "no such row".to_owned(), told(&found, right_order[at_right]));
                at_right += 1;
            }
        }
    }
    Ok(())
}

fn one(schema: &SchemaRef, batches: &[RecordBatch]) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let fitted = batches
        .iter()
        .map(|batch| {
            let columns: Vec<ArrayRef> = batch
                .columns()
                .iter()
                .zip(schema.fields())
                .map(|(column, field)| cast(column, field.data_type()))
                .collect::<std::result::Result<_, _>>()?;
            RecordBatch::try_new(Arc::clone(schema), columns)
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    concat_batches(schema, &fitted)
}

/// A row in words. Columns that may tell who a customer is are left out: differences end up in logs.
fn told(batch: &RecordBatch, row: usize) -> String {
    const PERSONAL: [&str; 3] = ["full_name", "address", "phone_number"];
    let options = FormatOptions::default().with_null("NULL");
    let mut words = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if PERSONAL.contains(&field.name().as_str()) {
            continue;
        }
        if let Ok(formatter) = ArrayFormatter::try_new(column.as_ref(), &options) {
            words.push(format!("{}={}", field.name(), formatter.value(row)));
        }
    }
    words.join(" ")
}
