//! Raw records that were kept as rejects, read one by one with the header of their file.

use crate::csv::{CsvRows, Fields, single_record};
use crate::jsonl::{DateTexts, JsonRows};
use crate::sorter::{Place, TakesRows};
use std::sync::Arc;
use tillmart_model::{Contract, FileFault, FileReason, Format, RowReason};

/// Reads raw records of one source file.
pub(crate) enum RawRows {
    Csv { rows: Box<CsvRows>, fields: Fields, delimiter: u8, quote: u8 },
    Json(JsonRows),
}

impl RawRows {
    /// `header` is the file's header record as the ledger keeps it (CSV only).
    ///
    /// # Errors
    /// `unreadable` when a CSV file's header is not there or not well quoted, `missing_column` when it
    /// has not what today's contract asks for.
    pub(crate) fn new(contract: Arc<Contract>, format: Format, header: Option<&[u8]>) -> Result<Self, FileFault> {
        Ok(match format {
            Format::Csv => {
                let header = header.ok_or_else(|| unreadable("no header was kept for this file".to_owned()))?;
                let (delimiter, quote) = (contract.delimiter, contract.quote);
                let mut fields = Fields::default();
                let record = single_record(&mut fields, header, delimiter, quote, 1)
                    .map_err(|fault| unreadable(format!("the header cannot be read: {fault}")))?;
                let mut rows = CsvRows::new(contract);
                rows.read_header(&record)?;
                RawRows::Csv { rows: Box::new(rows), fields, delimiter, quote }
            }
            Format::Jsonl => RawRows::Json(JsonRows::new(contract, DateTexts::OfContract)),
            Format::Parquet => RawRows::Json(JsonRows::new(contract, DateTexts::Plain)),
        })
    }

    /// Hands one raw record on, with the line it stood in.
    pub(crate) fn record(&mut self, raw: &[u8], line: Option<u64>, taker: &mut impl TakesRows) {
        let place = Place { line, byte_offset: None };
        match self {
            RawRows::Json(rows) => rows.row(raw, place, taker),
            RawRows::Csv { rows, fields, delimiter, quote } => {
                match single_record(fields, raw, *delimiter, *quote, line.unwrap_or(0)) {
                    Ok(record) => rows.row(&record, taker),
                    Err(fault) => {
                        taker.reject(place, RowReason::BadQuoting, None, fault.to_string(), raw.to_vec());
                    }
                }
            }
        }
    }
}

fn unreadable(message: String) -> FileFault {
    FileFault::new(FileReason::Unreadable, message)
}
