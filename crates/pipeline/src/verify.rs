//! Verify: everything is computed once more from the landed rows and held against what was published, to the cent.

use crate::compare::compare;
use crate::marts::{CUSTOMER_MART, Marts, REJECTS, SALES_MART};
use crate::moment::{Moment, Pinned};
use crate::payments::{Basis, LINES};
use crate::shop::{Pipeline, Prepared};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type, SchemaRef};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_database::{FileFilter, StateTable};
use tillmart_engine::Relation;
use tillmart_engine::mart::Rollup;
use tillmart_lake::TableSpec;
use tillmart_model::{Fault, FaultKind, FileOutcome, Incentive, Result, money};

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
    /// Marts that could not be compared, and why.
    pub left_out: BTreeMap<String, String>,
    /// What is right, and was computed with other settings or managers than those of today.
    pub notes: Vec<String>,
}

impl Verified {
    pub(crate) fn differs(&mut self, table: &str, expected: String, found: String) {
        self.differing += 1;
        if self.differences.iter().filter(|difference| difference.table == table).count() < SAMPLES {
            self.differences.push(Difference { table: table.to_owned(), expected, found });
        }
    }

    pub(crate) fn leaves_out(&mut self, mart: &str, because: &str) {
        self.left_out.insert(mart.to_owned(), because.to_owned());
    }
}

/// Why a mart is left out whose table is not there.
pub(crate) const NOT_FILLED: &str = "it has no rows yet; the next run fills it with everything that has landed";

/// Why a mart is left out that batches landed without.
pub(crate) const BEHIND: &str =
    "its file was away while sales landed; the next run fills it anew with everything that has landed";

/// How often a verification is begun anew because a run published meanwhile.
const TRIES: usize = 4;

impl Pipeline {
    /// Recomputes every mart from the sales mart, and the counts of every file, and compares. It takes no lease: beside a run it
    /// compares what belongs together, and begins anew when a batch was published meanwhile.
    ///
    /// # Errors
    /// `Busy` when batches are published faster than they can be verified; a table or the database that cannot be read. Differences
    /// are no error: they are the answer.
    pub async fn verify(&self) -> Result<Verified> {
        self.seams.schema.check().await?;
        let prepared = self.prepare().await?;
        for _ in 0..TRIES {
            if let Some(verified) = self.verify_once(&prepared).await? {
                return Ok(verified);
            }
            self.observer.doing("a run published a batch meanwhile: verifying anew");
        }
        Err(Fault::new(FaultKind::Busy, "a run is at work, and publishes faster than its marts can be verified")
            .expected("the marts to stand still while they are read")
            .found(format!("{TRIES} times a batch was published meanwhile"))
            .hint("verify again when the run has ended"))
    }

    /// `None` when a batch was published meanwhile: what was read does not belong together.
    async fn verify_once(&self, prepared: &Prepared) -> Result<Option<Verified>> {
        let Some(moment) = self.moment(&prepared.marts).await? else { return Ok(None) };
        let verified = self.verify_at(prepared, &moment).await;
        if self.standing().await?.published != moment.standing.published {
            return Ok(None);
        }
        match verified {
            // `optimize --vacuum` may have deleted what was to be read.
            Err(_) if self.moment(&prepared.marts).await?.as_ref() != Some(&moment) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn verify_at(&self, prepared: &Prepared, moment: &Moment) -> Result<Verified> {
        let pinned = &moment.pinned;
        let mut verified = Verified::default();
        let basis = self.published_basis(prepared).await?;
        tell_basis(&basis, &mut verified);
        for rollup in prepared.marts.rollups.iter().filter(|rollup| !rollup.is_over_another()) {
            self.observer.doing(&format!("verifying {}", rollup.name));
            self.verify_rollup(rollup, prepared, (pinned, &basis), &mut verified).await?;
        }
        self.observer.doing("verifying the customer mart and the ledger");
        self.verify_customer_mart(prepared, pinned, &mut verified).await?;
        let is_own = |mart: &str| mart != SALES_MART && mart != CUSTOMER_MART;
        for mart in prepared.marts.rows.iter().filter(|mart| is_own(&mart.name)) {
            self.observer.doing(&format!("verifying {}", mart.name));
            self.verify_row_mart(mart, prepared, pinned, &mut verified).await?;
        }
        self.verify_files(prepared, moment, &mut verified).await?;
        Ok(verified)
    }

    async fn verify_rollup(
        &self,
        rollup: &Rollup,
        prepared: &Prepared,
        (pinned, basis): (&Pinned, &Basis),
        verified: &mut Verified,
    ) -> Result<()> {
        let (state, _) = Marts::database_tables(rollup);
        if let Some(because) = self.not_whole(&rollup.name).await? {
            verified.leaves_out(&rollup.name, because);
            return Ok(());
        }
        let snapshot = self.lake.snapshot(SALES_MART, pinned.get(SALES_MART).copied()).await?;
        let active = snapshot.map(|snapshot| snapshot.files).unwrap_or_default();
        let files =
            self.landed_files(active.iter().map(|file| (file.path.as_str(), file.size, file.partition.as_slice())))?;
        let recomputed = self.merge_over(rollup, &prepared.marts, &files, None).await?;
        let kept = self.seams.publisher.read_state(&state).await?;
        compare(&StateTable::name_of(&rollup.name), &rollup.state_schema, &recomputed, &kept, verified)?;
        let is_of = |table: &&Rollup| table.of == rollup.name;
        for table in prepared.marts.rollups.iter().filter(is_of) {
            let finished = self.finish(table, recomputed.clone(), &prepared.dimensions, basis).await?;
            self.verify_published(table, finished, verified).await?;
        }
        Ok(())
    }

    async fn verify_published(
        &self,
        rollup: &Rollup,
        finished: Vec<RecordBatch>,
        verified: &mut Verified,
    ) -> Result<()> {
        let (_, target) = Marts::database_tables(rollup);
        if let Some(because) = self.not_whole(&rollup.name).await? {
            verified.leaves_out(&rollup.name, because);
            return Ok(());
        }
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
        let Some(mart) = prepared.marts.rows.iter().find(|mart| mart.name == CUSTOMER_MART) else {
            return Ok(());
        };
        if pinned.contains_key(SALES_MART) && !pinned.contains_key(&mart.name) {
            verified.leaves_out(&mart.name, NOT_FILLED);
            return Ok(());
        }
        if self.marts_standing().await?.lacks(&mart.name) {
            verified.leaves_out(&mart.name, BEHIND);
            return Ok(());
        }
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
    async fn verify_files(&self, prepared: &Prepared, moment: &Moment, verified: &mut Verified) -> Result<()> {
        let pinned = &moment.pinned;
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
            if is_landed && moment.standing.half_way == Some(file.batch_id) {
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
        for (id, (rows, _)) in landed {
            let found = format!("{rows} rows of source file {id}");
            verified.differs(SALES_MART, "rows of known source files".to_owned(), found);
        }
        Ok(())
    }

    async fn has_table(&self, rollup: &str) -> Result<bool> {
        Ok(self.seams.schema.tables().await?.iter().any(|table| table == rollup))
    }

    /// Why a rollup cannot be compared before the next run, if it cannot.
    pub(crate) async fn not_whole(&self, rollup: &str) -> Result<Option<&'static str>> {
        if !self.has_table(rollup).await? {
            return Ok(Some(NOT_FILLED));
        }
        Ok(self.marts_standing().await?.lacks(rollup).then_some(BEHIND))
    }

    /// A mart that was away while sales landed lacks them until the next run.
    pub(crate) async fn is_not_behind(&self, mart: &str) -> Result<()> {
        if !self.marts_standing().await?.lacks(mart) {
            return Ok(());
        }
        Err(Fault::new(FaultKind::Table, format!("the mart {mart} lacks some of what has landed"))
            .found(
                "sales that landed while its file was away from the marts folder, or its name stood in marts.leave_out",
            )
            .hint("`tillmart run` fills it anew with everything that has landed"))
    }

    /// A mart that was added has no table before the next run, and one that was away lacks rows.
    pub(crate) async fn is_made(&self, rollup: &str) -> Result<()> {
        if self.has_table(rollup).await? {
            return self.is_not_behind(rollup).await;
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
        self.relation_of(&spec.ok_or_else(missing)?, version).await
    }

    /// A Delta table at a version, or the newest one, as a relation; without a row when it is not made yet.
    pub(crate) async fn relation_of(&self, spec: &TableSpec, version: Option<u64>) -> Result<Relation> {
        let table = spec.name.as_str();
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

/// Incentives are held against the plan and the managers that they were computed with. Where those are others than today's, that is
/// told: it is no difference.
fn tell_basis(basis: &Basis, verified: &mut Verified) {
    let today = basis.plan();
    let mut earlier: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut moved = BTreeSet::new();
    for ((store, month), published) in &basis.published {
        if published.plan.parse::<Incentive>().is_err() {
            let place = format!("store_id={store} sales_month={month} plan={}", published.plan);
            verified.differs(LINES, "an incentive plan".to_owned(), place);
        } else if published.plan != today {
            earlier.entry(&published.plan).or_default().insert(month);
        } else if basis.has_other_managers(published) {
            moved.insert(month.as_str());
        }
    }
    let list = |months: &BTreeSet<&str>| months.iter().copied().collect::<Vec<_>>().join(", ");
    for (plan, months) in &earlier {
        verified.notes.push(format!("incentives of {} stand by another plan than today's: {plan}", list(months)));
    }
    if !moved.is_empty() {
        verified
            .notes
            .push(format!("incentives of {} stand by who managed whom when they were computed", list(&moved)));
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
