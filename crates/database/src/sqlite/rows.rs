//! Ledger rows as the model's nouns, and back.

use super::trouble::{Tried, database};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rusqlite::Row;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tillmart_model::{
    Batch, BatchKind, BatchState, FileFault, FileOutcome, FileReason, Found, SourceFile, Tally, money,
};

/// Precision that money in the ledger is read with: more digits than any sum of totals has.
const MONEY_PRECISION: u32 = 38;

/// A moment as the ledger keeps it: always nine fraction digits, so that text order is time order.
pub(super) fn moment_text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The moment of a column.
pub(super) fn moment(row: &Row<'_>, column: &str) -> Tried<DateTime<Utc>> {
    let text: String = row.get(column)?;
    let parsed = DateTime::parse_from_rfc3339(&text);
    Ok(parsed.map_err(|_| odd(column, "a time such as 2024-07-01T12:00:00Z", &text))?.with_timezone(&Utc))
}

/// The count of a column.
fn count(row: &Row<'_>, column: &str) -> Tried<u64> {
    let value: i64 = row.get(column)?;
    Ok(u64::try_from(value).map_err(|_| odd(column, "a count", &value.to_string()))?)
}

/// A count as SQLite keeps it.
pub(super) fn stored(count: u64) -> Tried<i64> {
    Ok(i64::try_from(count).map_err(|_| database("a count is beyond 64 bits with sign").found(count))?)
}

/// The money of a column, in cents.
pub(super) fn cents(row: &Row<'_>, column: &str) -> Tried<i128> {
    let text: String = row.get(column)?;
    let parsed = money::parse_decimal(text.as_bytes(), b'.', MONEY_PRECISION, money::TOTAL_SCALE);
    Ok(parsed.map_err(|_| odd(column, "money such as 12.50", &text))?)
}

/// Cents as SQLite keeps them, refused where they could not be read back.
pub(super) fn cents_stored(cents: i128) -> Tried<String> {
    if cents.unsigned_abs() >= money::power_of_ten(MONEY_PRECISION).unsigned_abs() {
        return Err(database("a sum of money is beyond 38 digits").found(cents).into());
    }
    Ok(money::cents_text(cents))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Tried<T> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).map_err(|error| odd(column, "JSON that Tillmart wrote", &error.to_string()))?)
}

/// A value that Tillmart did not write so.
fn odd(column: &str, expected: &str, found: &str) -> tillmart_model::Fault {
    database(format!("the ledger's column `{column}` holds what Tillmart did not write"))
        .expected(expected)
        .found(found)
        .hint("somebody changed the ledger by hand: put the value back, or restore a backup")
}

/// A source file from a whole row of `product_staging_table`.
pub(super) fn source_file(row: &Row<'_>) -> Tried<SourceFile> {
    Ok(SourceFile {
        id: row.get("id")?,
        batch_id: row.get("batch_id")?,
        found: found(row)?,
        active: row.get::<_, String>("status")? == "A",
        outcome: outcome(row)?,
        digest: row.get("digest")?,
        tally: Tally {
            rows_read: count(row, "rows_read")?,
            rows_landed: count(row, "rows_landed")?,
            rows_anonymous: count(row, "rows_anonymous")?,
            rejected: json(row, "rejected_json")?,
            rows_unknown_product: count(row, "rows_unknown_product")?,
            money_cents: cents(row, "money")?,
        },
        rows_replayed: count(row, "rows_replayed")?,
        header: row.get("header")?,
        location: row.get("file_location")?,
        created: moment(row, "created_date")?,
        updated: moment(row, "updated_date")?,
    })
}

/// What the listing told, from the columns path, size, etag and modified.
pub(super) fn found(row: &Row<'_>) -> Tried<Found> {
    Ok(Found {
        path: row.get("path")?,
        size: count(row, "size")?,
        etag: row.get("etag")?,
        modified: moment(row, "modified")?,
    })
}

fn outcome(row: &Row<'_>) -> Tried<FileOutcome> {
    let word: String = row.get("outcome")?;
    Ok(match word.as_str() {
        "pending" => FileOutcome::Pending,
        "landed" => FileOutcome::Landed,
        "duplicate" => FileOutcome::Duplicate { of: row.get("duplicate_of")? },
        "rejected" => {
            let code: String = row.get("reason")?;
            let reason =
                FileReason::from_code(&code).ok_or_else(|| odd("reason", "a code of docs/rejects.md", &code))?;
            let line: Option<i64> = row.get("fault_line")?;
            let message: Option<String> = row.get("message")?;
            FileOutcome::Rejected(FileFault {
                reason,
                message: message.unwrap_or_default(),
                line: line.and_then(|line| u64::try_from(line).ok()),
            })
        }
        "revoked" => FileOutcome::Revoked { by_batch: row.get("revoked_by")? },
        _ => return Err(odd("outcome", "pending, landed, duplicate, rejected or revoked", &word).into()),
    })
}

/// A batch from a whole row of `tillmart_batch`, without its files.
pub(super) fn batch(row: &Row<'_>) -> Tried<Batch> {
    let claim_date: String = row.get("claim_date")?;
    let claim_date =
        claim_date.parse::<NaiveDate>().map_err(|_| odd("claim_date", "a date such as 2024-07-01", &claim_date))?;
    Ok(Batch {
        id: row.get("id")?,
        feed: row.get("feed")?,
        kind: json::<BatchKind>(row, "kind_json")?,
        state: state(row)?,
        claim_date,
        created: moment(row, "created_date")?,
        files: Vec::new(),
    })
}

fn state(row: &Row<'_>) -> Tried<BatchState> {
    let word: String = row.get("state")?;
    let manifest = || row.get::<_, String>("manifest");
    let versions = || json::<BTreeMap<String, u64>>(row, "versions_json");
    Ok(match word.as_str() {
        "claimed" => BatchState::Claimed,
        "landed" => BatchState::Landed { manifest: manifest()? },
        "committed" => BatchState::Committed { manifest: manifest()?, versions: versions()? },
        "published" => BatchState::Published { versions: versions()? },
        "finished" => BatchState::Finished { versions: versions()? },
        _ => return Err(odd("state", "claimed, landed, committed, published or finished", &word).into()),
    })
}
