//! Looking at what is there: status, files, rejects.

use crate::marts::{Marts, REJECTS};
use crate::shop::Pipeline;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use serde::Serialize;
use std::collections::BTreeMap;
use tillmart_database::FileFilter;
use tillmart_model::{Batch, Fault, FaultKind, Result, SourceFile};

/// A reject as a person looks at it.
#[derive(Debug, Clone, Serialize)]
pub struct OpenReject {
    /// The source file's id.
    pub file_id: i64,
    /// The source file's path below the storage root, as it was delivered.
    pub file: String,
    /// Physical line, 1-based.
    pub line: Option<i64>,
    /// Offset of the row's first byte.
    pub byte_offset: Option<i64>,
    /// The column at fault.
    pub column: Option<String>,
    /// The reason's code.
    pub code: String,
    /// What was expected and found.
    pub message: String,
    /// The row as it came; bytes that are no UTF-8 are shown as �.
    pub raw: Option<String>,
    /// The batch that rejected it.
    pub batch_id: i64,
    /// The batch that landed it later.
    pub replayed_batch_id: Option<i64>,
}

/// Which rejects to show.
#[derive(Debug, Clone, Default)]
pub struct RejectFilter {
    /// Only of these source files; empty: all.
    pub file_ids: Vec<i64>,
    /// Only with these codes; empty: all.
    pub codes: Vec<String>,
    /// Only this line.
    pub line: Option<i64>,
    /// At most this many.
    pub limit: Option<usize>,
    /// Closed ones too.
    pub closed: bool,
}

/// Where the feed stands.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The feed.
    pub feed: String,
    /// The process that holds the feed's lease.
    pub at_work: Option<String>,
    /// The batch that is under way, or that an earlier run left unfinished.
    pub unfinished: Option<String>,
    /// The newest published batch.
    pub last_published: Option<i64>,
    /// When it was claimed.
    pub last_claimed: Option<String>,
    /// Files in the incoming area.
    pub files_waiting: u64,
    /// Their bytes.
    pub bytes_waiting: u64,
    /// Files in a folder under names of half-written ones: no run takes them.
    pub files_half_written: u64,
    /// Source files by outcome.
    pub files: BTreeMap<String, u64>,
    /// Landed rows, replayed ones included.
    pub rows_landed: u64,
    /// Money landed, with two fraction digits.
    pub money_landed: String,
    /// Rows rejected and not replayed yet, by reason. Files rejected whole are among `files`.
    pub open_rejects: BTreeMap<String, u64>,
}

impl Pipeline {
    /// Where the feed stands.
    ///
    /// # Errors
    /// The database or the store that cannot be read.
    pub async fn status(&self) -> Result<Status> {
        self.seams.schema.check().await?;
        let feed = &self.options.feed;
        let unfinished = self.seams.ledger.unfinished(feed).await?;
        let last: Option<Batch> = self.seams.ledger.last_published(feed).await?;
        let waiting = self.waiting().await?;
        let (mut outcomes, mut rows, mut cents) = (BTreeMap::new(), 0, 0);
        for file in self.files(&FileFilter::default()).await? {
            *outcomes.entry(file.outcome.word().to_owned()).or_default() += 1;
            if file.outcome == tillmart_model::FileOutcome::Landed {
                rows += file.tally.rows_landed + file.rows_replayed;
                cents += file.tally.money_cents;
            }
        }
        Ok(Status {
            feed: feed.clone(),
            at_work: self.at_work().await?,
            unfinished: unfinished
                .map(|batch| format!("batch {} ({}, {})", batch.id, batch.kind.word(), batch.state.word())),
            last_published: last.as_ref().map(|batch| batch.id),
            last_claimed: last.map(|batch| batch.created.to_rfc3339()),
            files_waiting: waiting.files.len() as u64,
            bytes_waiting: waiting.files.iter().map(|found| found.size).sum(),
            files_half_written: waiting.unsettled,
            files: outcomes,
            rows_landed: rows,
            money_landed: tillmart_model::money::cents_text(cents),
            open_rejects: self.open_rejects_by_reason().await?,
        })
    }

    /// Source files, newest first.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub async fn files(&self, filter: &FileFilter) -> Result<Vec<SourceFile>> {
        self.seams.schema.check().await?;
        self.seams.ledger.files(&self.options.feed, filter).await
    }

    async fn open_rejects_by_reason(&self) -> Result<BTreeMap<String, u64>> {
        let all = RejectFilter::default();
        let batches = self.select_rejects(&all, include_str!("../../../sql/queries/rejects_by_reason.sql")).await?;
        let mut reasons = BTreeMap::new();
        for batch in &batches {
            let (codes, counts) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
            for row in 0..batch.num_rows() {
                reasons.insert(codes.value(row).to_owned(), counts.value(row).unsigned_abs());
            }
        }
        Ok(reasons)
    }

    async fn select_rejects(&self, filter: &RejectFilter, sql: &str) -> Result<Vec<RecordBatch>> {
        if self.lake.snapshot(REJECTS, None).await?.is_none() {
            return Ok(Vec::new());
        }
        let unreadable = |error: tillmart_engine::PlanError| {
            Fault::new(FaultKind::Table, "cannot read the rejects").at(REJECTS).found(error.strip_backtrace())
        };
        let marts = Marts { rows: Vec::new(), rollups: Vec::new() };
        let mut relation = self.table_relation(&marts, REJECTS, None).await?;
        if !filter.file_ids.is_empty() {
            relation = relation.only("source_file_id", &filter.file_ids).map_err(unreadable)?;
        }
        if !filter.codes.is_empty() {
            relation = relation.only("code", &filter.codes).map_err(unreadable)?;
        }
        if let Some(line) = filter.line {
            relation = relation.only("line", &[line]).map_err(unreadable)?;
        }
        let (_, batches) = self.seams.engine.select(vec![relation], sql).await.map_err(unreadable)?;
        Ok(batches)
    }

    /// Rejects, newest file first. With a limit, no more rows than that are held, however many there are.
    ///
    /// # Errors
    /// The rejects table that cannot be read.
    pub async fn rejects(&self, filter: &RejectFilter) -> Result<Vec<OpenReject>> {
        let mut sql = if filter.closed {
            include_str!("../../../sql/queries/rejects_all.sql").to_owned()
        } else {
            include_str!("../../../sql/queries/rejects_open.sql").to_owned()
        };
        if let Some(limit) = filter.limit {
            sql.push_str(&format!("LIMIT {limit}\n"));
        }
        let batches = self.select_rejects(filter, &sql).await?;
        Ok(batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| reject(batch, row))).collect())
    }
}

fn reject(batch: &RecordBatch, row: usize) -> OpenReject {
    let integer = |column: usize| {
        let values = batch.column(column).as_primitive::<Int64Type>();
        values.is_valid(row).then(|| values.value(row))
    };
    let text = |column: usize| {
        let values = batch.column(column).as_string::<i32>();
        values.is_valid(row).then(|| values.value(row).to_owned())
    };
    let raw = batch.column(7).as_binary::<i32>();
    OpenReject {
        file_id: integer(0).unwrap_or_default(),
        file: text(1).unwrap_or_default(),
        line: integer(2),
        byte_offset: integer(3),
        column: text(4),
        code: text(5).unwrap_or_default(),
        message: text(6).unwrap_or_default(),
        raw: raw.is_valid(row).then(|| String::from_utf8_lossy(raw.value(row)).into_owned()),
        batch_id: integer(8).unwrap_or_default(),
        replayed_batch_id: integer(9),
    }
}
