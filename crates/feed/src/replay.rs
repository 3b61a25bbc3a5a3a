//! Replay: raw records that were kept as rejects are decoded once more.

use crate::check::Checker;
use crate::csv::{CsvRows, End, Fields, QuotingFault, Record, Scan};
use crate::jsonl::{DateTexts, JsonRows};
use crate::known::KnownKeys;
use crate::sales::Sales;
use crate::sorter::{Place, Reject, Sorter};
use chrono::NaiveDate;
use std::sync::Arc;
use tillmart_model::{Contract, FileFault, FileReason, Format, RowReason};

/// What a replayed row added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// Its total in cents.
    pub money_cents: i128,
    /// It has no customer.
    pub anonymous: bool,
    /// Its product is not in the dimension table.
    pub unknown_product: bool,
}

/// Decodes the raw records of one source file's rejects, one by one, by today's contract and dimensions.
///
/// `duplicate_key` is not judged: the rows before are not at hand. A caller must leave out rejects of
/// that reason while the contract names a key.
pub struct ReplayDecoder {
    rows: Rows,
    sorter: Sorter,
}

enum Rows {
    Csv { rows: Box<CsvRows>, fields: Fields, delimiter: u8, quote: u8 },
    Json(JsonRows),
}

impl ReplayDecoder {
    /// `header` is the file's header record as the ledger keeps it (CSV only).
    ///
    /// # Errors
    /// `unreadable` when a CSV file's header is not there or not well quoted, `missing_column` when it
    /// has not what today's contract asks for.
    pub fn new(
        contract: Arc<Contract>,
        format: Format,
        header: Option<&[u8]>,
        known: Arc<dyn KnownKeys>,
        today: NaiveDate,
    ) -> Result<Self, FileFault> {
        let sorter = Sorter::new(Checker::new(contract.clone(), known, today).without_key());
        let rows = match format {
            Format::Csv => {
                let header = header.ok_or_else(|| unreadable("no header was kept for this file".to_owned()))?;
                let (delimiter, quote) = (contract.delimiter, contract.quote);
                let mut fields = Fields::default();
                let record = single_record(&mut fields, header, delimiter, quote, 1)
                    .map_err(|fault| unreadable(format!("the header cannot be read: {fault}")))?;
                let mut rows = CsvRows::new(contract);
                rows.read_header(&record)?;
                Rows::Csv { rows: Box::new(rows), fields, delimiter, quote }
            }
            Format::Jsonl => Rows::Json(JsonRows::new(contract, DateTexts::OfContract)),
            Format::Parquet => Rows::Json(JsonRows::new(contract, DateTexts::Plain)),
        };
        Ok(ReplayDecoder { rows, sorter })
    }

    /// Lands one raw record, with the line it stood in.
    ///
    /// # Errors
    /// The reject that it still is; nothing was landed.
    pub fn try_record(&mut self, raw: &[u8], line: Option<u64>) -> Result<Landed, Reject> {
        let before = self.sorter.tally().clone();
        let place = Place { line, byte_offset: None };
        match &mut self.rows {
            Rows::Json(rows) => rows.row(raw, place, &mut self.sorter),
            Rows::Csv { rows, fields, delimiter, quote } => {
                match single_record(fields, raw, *delimiter, *quote, line.unwrap_or(0)) {
                    Ok(record) => rows.row(&record, &mut self.sorter),
                    Err(fault) => {
                        self.sorter.reject(place, RowReason::BadQuoting, None, fault.to_string(), raw.to_vec());
                    }
                }
            }
        }
        if let Some(mut reject) = self.sorter.take_reject() {
            reject.line = line;
            reject.byte_offset = None;
            return Err(reject);
        }
        let after = self.sorter.tally();
        Ok(Landed {
            money_cents: after.money_cents - before.money_cents,
            anonymous: after.rows_anonymous > before.rows_anonymous,
            unknown_product: after.rows_unknown_product > before.rows_unknown_product,
        })
    }

    /// Hands over landed sales, in the order of the calls that landed them; none when there are none left.
    /// (Only after hundreds of thousands of rows does it take more than one call.)
    pub fn take(&mut self) -> Sales {
        self.sorter.take(0).map(|checked| checked.sales).unwrap_or_default()
    }
}

fn unreadable(message: String) -> FileFault {
    FileFault::new(FileReason::Unreadable, message)
}

/// Reads bytes that are one record without its line end.
fn single_record<'a>(
    fields: &'a mut Fields,
    raw: &'a [u8],
    delimiter: u8,
    quote: u8,
    line: u64,
) -> Result<Record<'a>, QuotingFault> {
    match fields.scan(raw, delimiter, quote, End::Record) {
        Scan::Closed { next, .. } if next == raw.len() => Ok(Record::new(raw, fields, line)),
        // A line end outside of quotes: these bytes never were one record under today's quote.
        Scan::Closed { .. } => Err(QuotingFault::NeverClosed { field: fields.len() }),
        Scan::Broken(fault) => Err(fault),
        Scan::Open { field } => Err(QuotingFault::NeverClosed { field }),
    }
}
