//! Replay: raw records that were kept as rejects are decoded once more.

use crate::check::Checker;
use crate::known::KnownKeys;
use crate::raw_rows::RawRows;
use crate::sales::Sales;
use crate::sorter::{Reject, Sorter};
use chrono::NaiveDate;
use std::sync::Arc;
use tillmart_model::{Contract, FileFault, Format};

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
    rows: RawRows,
    sorter: Sorter,
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
        let rows = RawRows::new(contract, format, header)?;
        Ok(ReplayDecoder { rows, sorter })
    }

    /// Lands one raw record, with the line it stood in.
    ///
    /// # Errors
    /// The reject that it still is; nothing was landed.
    pub fn try_record(&mut self, raw: &[u8], line: Option<u64>) -> Result<Landed, Reject> {
        let before = self.sorter.tally().clone();
        self.rows.record(raw, line, &mut self.sorter);
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
