//! Ledger rows as the model's nouns, and back.

use crate::refusal::{Checked, database};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tillmart_model::{
    Batch, BatchKind, BatchState, Fault, FileFault, FileOutcome, FileReason, Found, SourceFile, Tally, money,
};

/// Precision that money in the ledger is read with: more digits than any sum of totals has.
const MONEY_PRECISION: u32 = 38;

/// A row of the ledger, asked by column name.
pub(crate) trait Record {
    /// What asking may end in.
    type Trouble: From<Box<Fault>>;

    /// A text, `None` for NULL.
    fn text(&self, column: &str) -> Result<Option<String>, Self::Trouble>;

    /// A whole number, `None` for NULL.
    fn integer(&self, column: &str) -> Result<Option<i64>, Self::Trouble>;

    /// Bytes, `None` for NULL.
    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Self::Trouble>;
}

/// What reading a row of the ledger ends in.
pub(crate) type Read<T, R> = Result<T, <R as Record>::Trouble>;

/// The text of a column.
pub(crate) fn text<R: Record>(row: &R, column: &str) -> Read<String, R> {
    Ok(row.text(column)?.ok_or_else(|| odd(column, "a text", "NULL"))?)
}

/// The whole number of a column.
pub(crate) fn integer<R: Record>(row: &R, column: &str) -> Read<i64, R> {
    Ok(row.integer(column)?.ok_or_else(|| odd(column, "a whole number", "NULL"))?)
}

/// A moment as the ledger keeps it: always nine fraction digits, so that text order is time order.
pub(crate) fn moment_text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The moment of a column.
pub(crate) fn moment<R: Record>(row: &R, column: &str) -> Read<DateTime<Utc>, R> {
    let text = text(row, column)?;
    let parsed = DateTime::parse_from_rfc3339(&text);
    Ok(parsed.map_err(|_| odd(column, "a time such as 2024-07-01T12:00:00Z", &text))?.with_timezone(&Utc))
}

/// The count of a column.
pub(crate) fn count<R: Record>(row: &R, column: &str) -> Read<u64, R> {
    let value = integer(row, column)?;
    Ok(u64::try_from(value).map_err(|_| odd(column, "a count", &value.to_string()))?)
}

/// A count as the ledger keeps it.
pub(crate) fn stored(count: u64) -> Checked<i64> {
    Ok(i64::try_from(count).map_err(|_| database("a count is beyond 64 bits with sign").found(count))?)
}

/// The money of a column, in cents.
pub(crate) fn cents<R: Record>(row: &R, column: &str) -> Read<i128, R> {
    let text = text(row, column)?;
    let parsed = money::parse_decimal(text.as_bytes(), b'.', MONEY_PRECISION, money::TOTAL_SCALE);
    Ok(parsed.map_err(|_| odd(column, "money such as 12.50", &text))?)
}

/// Cents as the ledger keeps them, refused where they could not be read back.
pub(crate) fn cents_stored(cents: i128) -> Checked<String> {
    if cents.unsigned_abs() >= money::power_of_ten(MONEY_PRECISION).unsigned_abs() {
        return Err(database("a sum of money is beyond 38 digits").found(cents).into());
    }
    Ok(money::cents_text(cents))
}

fn json<T: DeserializeOwned, R: Record>(row: &R, column: &str) -> Read<T, R> {
    let text = text(row, column)?;
    Ok(serde_json::from_str(&text).map_err(|error| odd(column, "JSON that Tillmart wrote", &error.to_string()))?)
}

/// A value that Tillmart did not write so.
pub(crate) fn odd(column: &str, expected: &str, found: &str) -> Box<Fault> {
    let fault = database(format!("the ledger's column `{column}` holds what Tillmart did not write"))
        .expected(expected)
        .found(found)
        .hint("somebody changed the ledger by hand: put the value back, or restore a backup");
    Box::new(fault)
}

/// A source file from a whole row of `product_staging_table`.
pub(crate) fn source_file<R: Record>(row: &R) -> Read<SourceFile, R> {
    Ok(SourceFile {
        id: integer(row, "id")?,
        batch_id: integer(row, "batch_id")?,
        found: found(row)?,
        active: text(row, "status")? == "A",
        outcome: outcome(row)?,
        digest: row.text("digest")?,
        tally: Tally {
            rows_read: count(row, "rows_read")?,
            rows_landed: count(row, "rows_landed")?,
            rows_anonymous: count(row, "rows_anonymous")?,
            rejected: json(row, "rejected_json")?,
            rows_unknown_product: count(row, "rows_unknown_product")?,
            money_cents: cents(row, "money")?,
        },
        rows_replayed: count(row, "rows_replayed")?,
        header: row.bytes("header")?,
        location: text(row, "file_location")?,
        created: moment(row, "created_date")?,
        updated: moment(row, "updated_date")?,
    })
}

/// What the listing told, from the columns path, size, etag and modified.
pub(crate) fn found<R: Record>(row: &R) -> Read<Found, R> {
    Ok(Found {
        path: text(row, "path")?,
        size: count(row, "size")?,
        etag: row.text("etag")?,
        modified: moment(row, "modified")?,
    })
}

fn outcome<R: Record>(row: &R) -> Read<FileOutcome, R> {
    let word = text(row, "outcome")?;
    Ok(match word.as_str() {
        "pending" => FileOutcome::Pending,
        "landed" => FileOutcome::Landed,
        "duplicate" => FileOutcome::Duplicate { of: integer(row, "duplicate_of")? },
        "rejected" => {
            let code = text(row, "reason")?;
            let reason =
                FileReason::from_code(&code).ok_or_else(|| odd("reason", "a code of docs/rejects.md", &code))?;
            let line = row.integer("fault_line")?;
            let message = row.text("message")?;
            FileOutcome::Rejected(FileFault {
                reason,
                message: message.unwrap_or_default(),
                line: line.and_then(|line| u64::try_from(line).ok()),
            })
        }
        "revoked" => FileOutcome::Revoked { by_batch: integer(row, "revoked_by")? },
        _ => return Err(odd("outcome", "pending, landed, duplicate, rejected or revoked", &word).into()),
    })
}

/// A batch from a whole row of `tillmart_batch`, without its files.
pub(crate) fn batch<R: Record>(row: &R) -> Read<Batch, R> {
    let claim_date = text(row, "claim_date")?;
    let claim_date =
        claim_date.parse::<NaiveDate>().map_err(|_| odd("claim_date", "a date such as 2024-07-01", &claim_date))?;
    Ok(Batch {
        id: integer(row, "id")?,
        feed: text(row, "feed")?,
        kind: json::<BatchKind, R>(row, "kind_json")?,
        state: state(row)?,
        claim_date,
        created: moment(row, "created_date")?,
        files: Vec::new(),
    })
}

fn state<R: Record>(row: &R) -> Read<BatchState, R> {
    let word = text(row, "state")?;
    let manifest = || text(row, "manifest");
    let versions = || json::<BTreeMap<String, u64>, R>(row, "versions_json");
    Ok(match word.as_str() {
        "claimed" => BatchState::Claimed,
        "landed" => BatchState::Landed { manifest: manifest()? },
        "committed" => BatchState::Committed { manifest: manifest()?, versions: versions()? },
        "published" => BatchState::Published { versions: versions()? },
        "finished" => BatchState::Finished { versions: versions()? },
        _ => return Err(odd("state", "claimed, landed, committed, published or finished", &word).into()),
    })
}
