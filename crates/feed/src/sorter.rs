//! Rows are sorted into landed sales and rejects, and counted.

use crate::check::{Checker, Row};
use crate::sales::{ANONYMOUS, Sale, Sales, UNKNOWN};
use std::collections::VecDeque;
use std::ops::Range;
use tillmart_model::{RowReason, Tally};

/// Pending rejects, and bytes of them, beyond which they are handed over whatever the rows.
const REJECTS_MAX: usize = 4096;
const REJECT_BYTES_MAX: usize = 8 << 20;

/// Bytes of text in landed rows beyond which they are handed over whatever their number.
const TEXT_BYTES_CROWDED: usize = 64 << 20;
/// Landed rows at which unpacking pauses.
const ROWS_FULL: usize = 64 << 10;

/// A batch is closed at these sizes even when nobody takes it: text positions in an Arrow batch of them are 31-bit, and
/// a product's name has up to 2,800 bytes.
const BATCH_ROWS_MAX: usize = 1 << 19;
const BATCH_TEXT_BYTES_MAX: usize = 512 << 20;

/// A row that broke the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The physical line it starts at, 1-based; in Parquet the row number.
    pub line: Option<u64>,
    /// Offset of its first byte in the (unpacked) text; none in Parquet.
    pub byte_offset: Option<u64>,
    /// The column at fault, where it is one: the contract's name of it, or that of an extra column.
    pub column: Option<String>,
    /// The first reason in the order of judgement.
    pub reason: RowReason,
    /// What was expected and found; other faults of the row are named at the end.
    pub message: String,
    /// The record's bytes without its line end; of a Parquet row, a JSON object.
    pub raw: Vec<u8>,
}

/// Sales and rejects that are ready to be written.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Rows without fault.
    pub sales: Sales,
    /// Rows with a fault, in file order.
    pub rejects: Vec<Reject>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) line: Option<u64>,
    pub(crate) byte_offset: Option<u64>,
}

/// Takes the rows of a file as they are read.
pub(crate) trait TakesRows {
    /// A row whose structure is sound; `raw` gives its bytes to who asks for them.
    fn row(&mut self, row: &Row<'_>, place: Place, raw: impl FnOnce() -> Vec<u8>);

    /// A row that broke off before its values could be told apart.
    fn reject(&mut self, place: Place, reason: RowReason, column: Option<String>, message: String, raw: Vec<u8>);
}

impl TakesRows for Sorter {
    #[inline]
    fn row(&mut self, row: &Row<'_>, place: Place, raw: impl FnOnce() -> Vec<u8>) {
        self.row(row, place, raw);
    }

    fn reject(&mut self, place: Place, reason: RowReason, column: Option<String>, message: String, raw: Vec<u8>) {
        self.reject(place, reason, column, message, raw);
    }
}

/// Sorts and counts the rows of one file.
pub(crate) struct Sorter {
    checker: Checker,
    sales: Sales,
    /// Batches closed for their size.
    closed: VecDeque<Sales>,
    closed_rows: usize,
    rejects: Vec<Reject>,
    reject_bytes: usize,
    tally: Tally,
    rows_orphan: u64,
}

impl Sorter {
    pub(crate) fn new(checker: Checker) -> Self {
        Sorter {
            checker,
            sales: Sales::default(),
            closed: VecDeque::new(),
            closed_rows: 0,
            rejects: Vec::new(),
            reject_bytes: 0,
            tally: Tally::default(),
            rows_orphan: 0,
        }
    }

    /// Counts of everything sorted so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Landed rows so far whose customer, store or sales person is unknown.
    pub(crate) fn rows_orphan(&self) -> u64 {
        self.rows_orphan
    }

    /// Lands a row or rejects it; `raw` is asked for only then.
    #[inline]
    pub(crate) fn row(&mut self, row: &Row<'_>, place: Place, raw: impl FnOnce() -> Vec<u8>) {
        match self.checker.check(row) {
            Some(sale) => self.land(&sale, place),
            None => {
                let judgement = self.checker.judge(row);
                self.reject(place, judgement.reason, judgement.column, judgement.message, raw());
            }
        }
    }

    fn land(&mut self, sale: &Sale<'_>, place: Place) {
        self.tally.rows_read += 1;
        self.tally.rows_landed += 1;
        self.tally.rows_anonymous += u64::from(sale.customer_id.is_none());
        self.tally.rows_unknown_product += u64::from(sale.product == UNKNOWN);
        self.rows_orphan += u64::from([sale.customer, sale.store, sale.sales_person].contains(&UNKNOWN));
        self.tally.money_cents += i128::from(sale.total_cost);
        self.sales.add(sale, place.line);
        self.close_if_large();
    }

    /// Lands rows, at most a few thousand, that were checked elsewhere, by [`Checker::terms`].
    pub(crate) fn land_checked(&mut self, sales: &Sales, rows: Range<usize>) {
        let count = |column: &[u32], wanted: u32| {
            let found: u32 = column[rows.clone()].iter().map(|row| u32::from(*row == wanted)).sum();
            u64::from(found)
        };
        let landed = rows.len() as u64;
        self.tally.rows_read += landed;
        self.tally.rows_landed += landed;
        self.tally.rows_anonymous += count(&sales.customer, ANONYMOUS);
        self.tally.rows_unknown_product += count(&sales.product, UNKNOWN);
        // Totals have 14 digits at most: thousands of them fit 64 bits.
        self.tally.money_cents += i128::from(sales.total_cost[rows.clone()].iter().sum::<i64>());
        let (customer, store) = (&sales.customer[rows.clone()], &sales.store[rows.clone()]);
        let found = customer.iter().zip(store).zip(&sales.sales_person[rows.clone()]);
        let unknown =
            |((customer, store), person): ((&u32, &u32), &u32)| [*customer, *store, *person].contains(&UNKNOWN);
        self.rows_orphan += found.map(|row| u64::from(unknown(row))).sum::<u64>();
        self.sales.append(sales, rows);
        self.close_if_large();
    }

    fn close_if_large(&mut self) {
        if self.sales.rows() >= BATCH_ROWS_MAX || self.sales.text_bytes() >= BATCH_TEXT_BYTES_MAX {
            self.closed_rows += self.sales.rows();
            let closed = self.start_anew();
            self.closed.push_back(closed);
        }
    }

    /// The sales so far; there is room for as many again, and for an eighth more. Batches of as many bytes differ by a few rows: without
    /// room for those, each column of every second batch would be moved into twice its room at its end.
    fn start_anew(&mut self) -> Sales {
        let rows = self.sales.rows();
        std::mem::replace(&mut self.sales, Sales::with_room(rows + rows / 8))
    }

    /// Who judges the rows.
    pub(crate) fn checker(&mut self) -> &mut Checker {
        &mut self.checker
    }

    /// Rejects a row.
    #[cold]
    pub(crate) fn reject(
        &mut self,
        place: Place,
        reason: RowReason,
        column: Option<String>,
        message: String,
        raw: Vec<u8>,
    ) {
        self.tally.rows_read += 1;
        *self.tally.rejected.entry(reason).or_default() += 1;
        self.reject_bytes += raw.len() + message.len();
        let Place { line, byte_offset } = place;
        self.rejects.push(Reject { line, byte_offset, column, reason, message, raw });
    }

    /// Rows waiting to be taken.
    pub(crate) fn rows_ready(&self) -> usize {
        self.closed_rows + self.sales.rows()
    }

    /// Is there something to hand over: `min_rows` rows, or very much of anything?
    pub(crate) fn is_ready(&self, min_rows: usize) -> bool {
        let empty = self.rows_ready() == 0 && self.rejects.is_empty();
        !empty && (self.rows_ready() >= min_rows || self.is_crowded())
    }

    /// So much waits to be taken that no more should be added, but for rows of few bytes.
    fn is_crowded(&self) -> bool {
        self.rejects.len() >= REJECTS_MAX
            || self.reject_bytes >= REJECT_BYTES_MAX
            || !self.closed.is_empty()
            || self.sales.text_bytes() >= TEXT_BYTES_CROWDED
    }

    /// Should unpacking pause until rows are taken?
    pub(crate) fn is_full(&self) -> bool {
        self.rows_ready() >= ROWS_FULL || self.is_crowded()
    }

    /// Takes back the reject that was added last.
    pub(crate) fn take_reject(&mut self) -> Option<Reject> {
        self.reject_bytes = 0;
        self.rejects.pop()
    }

    /// Hands over what [`Sorter::is_ready`] tells.
    pub(crate) fn take(&mut self, min_rows: usize) -> Option<Checked> {
        if !self.is_ready(min_rows) {
            return None;
        }
        let sales = self.closed.pop_front().unwrap_or_else(|| self.start_anew());
        self.closed_rows = self.closed.iter().map(Sales::rows).sum();
        self.reject_bytes = 0;
        Some(Checked { sales, rejects: std::mem::take(&mut self.rejects) })
    }
}
