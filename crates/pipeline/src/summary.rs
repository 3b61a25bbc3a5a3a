//! What a run did, as one object.

use crate::marts::SALES_MART;
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tillmart_model::{Batch, BatchKind, FileOutcome, FileReason, Manifest, SourceFile, Tally, money};

/// What a run did. Rows and money are those of the files that landed; a file rejected whole has none.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Batches carried to their end.
    pub batches: u64,
    /// Of those, batches that an earlier run had left unfinished.
    pub batches_recovered: u64,
    /// Source files whose rows landed.
    pub files_landed: u64,
    /// Source files whose bytes had landed before.
    pub files_duplicate: u64,
    /// Source files rejected whole.
    pub files_rejected: u64,
    /// Source files overwritten while they were read; the new bytes are taken by the next run.
    pub files_overwritten: u64,
    /// Files left where they are because they are still being written.
    pub files_unsettled: u64,
    /// What lies in the incoming area and cannot be loaded, by path as it can be shown, with the reason: it stays where it is.
    pub hidden: BTreeMap<String, String>,
    /// Source files rejected whole, by path, with code and reason.
    pub rejected_files: BTreeMap<String, RejectedFile>,
    /// Source files taken back.
    pub files_revoked: u64,
    /// Data rows read.
    pub rows_read: u64,
    /// Rows landed.
    pub rows_landed: u64,
    /// Landed rows without a customer.
    pub rows_anonymous: u64,
    /// Rows rejected.
    pub rows_rejected: u64,
    /// Rejected rows by reason.
    pub rows_rejected_by_reason: BTreeMap<String, u64>,
    /// Rejected rows of earlier batches that a replay landed.
    pub rows_replayed: u64,
    /// Rows of marts that were added and are filled now, by mart.
    pub marts_filled: BTreeMap<String, u64>,
    /// Rows that got attributes which were unknown when they landed, by mart.
    pub rows_completed: BTreeMap<String, u64>,
    /// Values that are others now, by row-level mart and column, where rows were enriched anew.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns_changed: BTreeMap<String, BTreeMap<String, u64>>,
    /// Row-level marts that cannot be completed row by row, and why.
    pub not_completed: BTreeMap<String, String>,
    /// Landed rows whose product is unknown: a warning.
    pub rows_unknown_product: u64,
    /// Landed rows whose customer, store or sales person is unknown, kept without their attributes.
    pub rows_orphan: u64,
    /// Sum of the landed rows' `total_cost`, with two fraction digits.
    pub money_landed: String,
    /// Months touched.
    pub months: BTreeSet<String>,
    /// Stores touched.
    pub stores: BTreeSet<String>,
    /// Bytes of the files that landed.
    pub bytes: u64,
    /// Wall time.
    pub milliseconds: u64,
    /// Bytes of landed files over wall time, in 10^6 bytes a second.
    pub megabytes_per_second: u64,
    /// Reports that were written when the run was done, by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// Reports that could not be written, and why: what landed has landed all the same.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reports_failed: BTreeMap<String, String>,
    /// What reports have to be made anew of.
    #[serde(skip)]
    pub(crate) touched: Touched,
    #[serde(skip)]
    money_cents: i128,
}

/// Days and months whose figures a batch has changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// Days of the sales that landed, were taken back, or were completed.
    pub(crate) days: BTreeSet<NaiveDate>,
    /// Months, `YYYY-MM`.
    pub(crate) months: BTreeSet<String>,
}

impl Touched {
    pub(crate) fn add(&mut self, other: Touched) {
        self.days.extend(other.days);
        self.months.extend(other.months);
    }
}

/// Why a file was rejected whole.
#[derive(Debug, Clone, Serialize)]
pub struct RejectedFile {
    /// The code.
    pub code: String,
    /// In words.
    pub because: String,
}

impl Summary {
    /// Whether something was rejected, or lies there and cannot be loaded: exit code 1.
    pub fn has_rejects(&self) -> bool {
        self.files_rejected > 0 || self.rows_rejected > 0 || !self.hidden.is_empty()
    }

    /// Whether marts were filled or completed, and nothing came, was taken back or was tried again.
    pub fn has_only_housekeeping(&self) -> bool {
        let files = self.files_landed
            + self.files_duplicate
            + self.files_rejected
            + self.files_overwritten
            + self.files_revoked
            + self.rows_replayed;
        files == 0 && !(self.marts_filled.is_empty() && self.rows_completed.is_empty())
    }

    pub(crate) fn took(&mut self, time: std::time::Duration) {
        self.milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.megabytes_per_second = self.bytes / 1_000 / self.milliseconds.max(1);
        self.money_landed = money::cents_text(self.money_cents);
    }

    /// Takes in where a batch of this kind has changed sales, and which days' sales it took back.
    pub(crate) fn add_places(&mut self, kind: &BatchKind, manifest: &Manifest, taken_back: BTreeSet<NaiveDate>) {
        let partitions = manifest
            .files
            .iter()
            .map(|file| &file.partition)
            .chain(manifest.removed.iter().map(|file| &file.partition));
        for (column, value) in partitions.flatten() {
            match (column.as_str(), value) {
                ("sales_month", Some(month)) => {
                    self.months.insert(month.clone());
                    self.touched.months.insert(month.clone());
                }
                ("store_id", Some(store)) => drop(self.stores.insert(store.clone())),
                _ => {}
            }
        }
        // Of files that were written anew nearly all rows are as they were, but those that a completion looked at show other names.
        let is_touched = |rewritten: bool| !rewritten || matches!(kind, BatchKind::Complete { .. });
        let sales = manifest.files.iter().filter(|file| file.table == SALES_MART && is_touched(file.rewritten));
        self.touched.days.extend(sales.flat_map(|file| days_of(&file.stats)));
        self.touched.days.extend(taken_back);
        let landed = manifest.splits.iter().filter(|report| report.fault.is_none());
        self.rows_orphan += landed.map(|report| report.rows_orphan).sum::<u64>();
        for tally in manifest.splits.iter().flat_map(|report| report.landed_by_file.values()) {
            self.rows_replayed += tally.rows_landed;
            self.add_money(tally);
        }
    }

    /// What a batch that fills or completes marts changed: rows of Delta tables by its manifest, and of the database's.
    pub(crate) fn add_changed(&mut self, kind: &BatchKind, manifest: &Manifest, published: BTreeMap<String, u64>) {
        match kind {
            BatchKind::Fill { marts, months } => {
                self.touched.months.extend(months.iter().cloned());
                for mart in marts {
                    let written = manifest.files.iter().filter(|file| file.table == *mart).map(|file| file.rows).sum();
                    self.marts_filled.insert(mart.clone(), published.get(mart).copied().unwrap_or(written));
                }
            }
            BatchKind::Complete { .. } => {
                for (table, columns) in manifest.splits.iter().flat_map(|report| &report.columns_changed) {
                    let sums = self.columns_changed.entry(table.clone()).or_default();
                    columns.iter().for_each(|(column, rows)| *sums.entry(column.clone()).or_default() += rows);
                }
                let landed = manifest.splits.iter().flat_map(|report| &report.rows_completed);
                let all = landed.map(|(table, rows)| (table.clone(), *rows)).chain(published);
                for (table, rows) in all.filter(|(_, rows)| *rows > 0) {
                    *self.rows_completed.entry(table).or_default() += rows;
                }
            }
            _ => {}
        }
    }

    pub(crate) fn add_batch(&mut self, batch: &Batch) {
        self.batches += 1;
        if let BatchKind::Revoke { file_ids } = &batch.kind {
            self.files_revoked += file_ids.len() as u64;
        }
        for file in &batch.files {
            self.add_file(file);
        }
        self.money_landed = money::cents_text(self.money_cents);
    }

    fn add_file(&mut self, file: &SourceFile) {
        match &file.outcome {
            FileOutcome::Landed => {
                self.files_landed += 1;
                self.bytes += file.found.size;
                self.rows_read += file.tally.rows_read;
                self.rows_landed += file.tally.rows_landed;
                self.rows_anonymous += file.tally.rows_anonymous;
                self.rows_rejected += file.tally.rows_rejected();
                self.rows_unknown_product += file.tally.rows_unknown_product;
                for (reason, rows) in &file.tally.rejected {
                    *self.rows_rejected_by_reason.entry(reason.code().to_owned()).or_default() += rows;
                }
                self.add_money(&file.tally);
            }
            FileOutcome::Duplicate { .. } => self.files_duplicate += 1,
            FileOutcome::Rejected(fault) if fault.reason == FileReason::Overwritten => self.files_overwritten += 1,
            FileOutcome::Rejected(fault) => {
                self.files_rejected += 1;
                let because = fault.message.lines().next().unwrap_or_default().to_owned();
                let code = fault.reason.code().to_owned();
                self.rejected_files.insert(file.found.path.clone(), RejectedFile { code, because });
            }
            FileOutcome::Pending | FileOutcome::Revoked { .. } => {}
        }
    }

    fn add_money(&mut self, tally: &Tally) {
        self.money_cents += tally.money_cents;
        self.money_landed = money::cents_text(self.money_cents);
    }
}

/// The days from the first to the last that a data file's statistics tell of: its sales are of one month.
fn days_of(stats: &str) -> Vec<NaiveDate> {
    let stats: serde_json::Value = serde_json::from_str(stats).unwrap_or_default();
    let bound = |which: &str| stats.get(which)?.get("sales_date")?.as_str()?.parse::<NaiveDate>().ok();
    match (bound("minValues"), bound("maxValues")) {
        (Some(first), Some(last)) => first.iter_days().take_while(|day| *day <= last).take(31).collect(),
        _ => Vec::new(),
    }
}

/// What a run would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunPlan {
    /// A batch that an earlier run left, to be finished first.
    pub unfinished: Option<String>,
    /// How many batches the waiting files make.
    pub batches: u64,
    /// Files left alone because they are still being written.
    pub files_unsettled: u64,
    /// What cannot be loaded, by path as it can be shown, with the reason.
    pub hidden: BTreeMap<String, String>,
    /// The waiting files.
    pub files: Vec<PlannedFile>,
    /// Months they touch.
    pub months: BTreeSet<String>,
    /// Stores they touch.
    pub stores: BTreeSet<i32>,
}

/// One waiting file and what would become of it.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedFile {
    /// Path below the incoming area.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// Format of its rows, or `foreign`.
    pub kind: &'static str,
    /// `landed`, `duplicate` or `rejected`.
    pub outcome: String,
    /// Why, where it would be rejected.
    pub because: Option<String>,
    /// Rows read.
    pub rows_read: u64,
    /// Rows that would be rejected.
    pub rows_rejected: u64,
    /// Money that would land.
    pub money: String,
}

impl PlannedFile {
    pub(crate) fn of(file: &SourceFile) -> PlannedFile {
        let because = match &file.outcome {
            FileOutcome::Rejected(fault) => {
                Some(format!("{}: {}", fault.reason, fault.message.lines().next().unwrap_or_default()))
            }
            _ => None,
        };
        PlannedFile {
            path: file.found.path.clone(),
            bytes: file.found.size,
            kind: crate::run::kind_word(&file.found.path),
            outcome: file.outcome.word().to_owned(),
            because,
            rows_read: file.tally.rows_read,
            rows_rejected: file.tally.rows_rejected(),
            money: money::cents_text(file.tally.money_cents),
        }
    }
}
