//! The checks of a row, in the order of judgement of [`RowReason`].

mod keys;
mod values;
mod words;

#[cfg(test)]
mod tests;

use crate::known::KnownKeys;
use crate::sales::{ANONYMOUS, Sale, UNKNOWN};
use chrono::{Datelike, NaiveDate};
use keys::KeyGuard;
use std::sync::Arc;
use tillmart_model::money::{PRICE_PRECISION, PRICE_SCALE, TOTAL_PRECISION, TOTAL_SCALE};
use tillmart_model::{BlankCustomer, Contract, Orphans, RowReason, SalesColumn};

use values::expected_total;

pub(crate) use values::{Dates, decimal, integer, iso_day};
pub(crate) use words::shown;

/// Day 0 of Date32, 1970-01-01, as chrono counts days.
const EPOCH_DAYS_FROM_CE: i32 = 719_163;

/// Letters of a product name or transaction id: what MySQL can keep in the key of a mart. One limit for every database, so that the
/// same files come to the same marts everywhere.
pub(crate) const TEXT_LETTERS: usize = 700;

/// How a cell writes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the contract says: its date formats, its decimal point.
    Contract,
    /// A typed value in its plain form: `2024-01-31`, `12.50`.
    Plain,
}

/// The text of one value; blank means there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) form: Form,
}

impl<'a> Cell<'a> {
    pub(crate) fn text(bytes: &'a [u8]) -> Self {
        Cell { bytes, form: Form::Contract }
    }

    pub(crate) fn plain(bytes: &'a [u8]) -> Self {
        Cell { bytes, form: Form::Plain }
    }
}

/// A row whose structure is sound.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// By position of the column in [`SalesColumn::ALL`].
    pub(crate) cells: [Cell<'a>; SalesColumn::ALL.len()],
    /// `additional_column`.
    pub(crate) extras: Option<&'a str>,
    /// The first extra column whose bytes are no text.
    pub(crate) undecodable_extra: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(crate) fn cell(&self, column: SalesColumn) -> Cell<'a> {
        self.cells[column as usize]
    }
}

/// One fault of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Finding {
    reason: RowReason,
    /// The column, or `None` for the row as a whole or an extra column.
    column: Option<SalesColumn>,
}

/// A row's fault, in words.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) reason: RowReason,
    pub(crate) column: Option<String>,
    pub(crate) message: String,
}

/// What a good row keeps to, beside types and ranges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// The decimal point.
    pub(crate) point: u8,
    /// The last day that is not in the future, as Date32.
    pub(crate) today: i32,
    /// Cents that the total may be away from price × quantity.
    pub(crate) tolerance: u64,
    /// A sale without a customer lands.
    pub(crate) lands_anonymous: bool,
    /// A sale whose customer, store or sales person is unknown lands.
    pub(crate) lands_orphans: bool,
}

/// Judges rows of one file.
pub(crate) struct Checker {
    contract: Arc<Contract>,
    known: Arc<dyn KnownKeys>,
    dates: Dates,
    point: u8,
    today: NaiveDate,
    /// `today` as Date32.
    today_days: i32,
    key: Option<KeyGuard>,
    /// Faults of the row at hand; empty for good rows, so that they cost nothing.
    findings: Vec<Finding>,
    /// Price and quantity of the row whose total was refused last.
    refused_total: Option<(i64, i32)>,
}

impl Checker {
    /// `today` is the last day that is not in the future.
    pub(crate) fn new(contract: Arc<Contract>, known: Arc<dyn KnownKeys>, today: NaiveDate) -> Self {
        let formats = contract
            .columns
            .iter()
            .find(|column| column.column == SalesColumn::SalesDate)
            .map(|column| column.date_formats.clone())
            .unwrap_or_default();
        Checker {
            dates: Dates::new(formats),
            point: if contract.decimal_comma { b',' } else { b'.' },
            today,
            today_days: today.num_days_from_ce() - EPOCH_DAYS_FROM_CE,
            key: KeyGuard::new(&contract.key),
            findings: Vec::new(),
            refused_total: None,
            contract,
            known,
        }
    }

    /// The same checks without memory of the rows before: for rows whose file is not at hand.
    pub(crate) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// What this checker asks of every row, for whoever reads rows in another way.
    pub(crate) fn terms(&self) -> Terms {
        Terms {
            point: self.point,
            today: self.today_days,
            tolerance: self.contract.total_tolerance_cents.unsigned_abs(),
            lands_anonymous: self.contract.blank_customer == BlankCustomer::Anonymous,
            lands_orphans: self.contract.orphans == Orphans::Keep,
        }
    }

    /// Reads days.
    pub(crate) fn dates(&mut self) -> &mut Dates {
        &mut self.dates
    }

    /// The keys that are known.
    pub(crate) fn known(&self) -> &Arc<dyn KnownKeys> {
        &self.known
    }

    /// The sale of a row without fault.
    pub(crate) fn check<'a>(&mut self, row: &Row<'a>) -> Option<Sale<'a>> {
        self.findings.clear();
        let mut sale = self.read(row);
        self.look_up(&mut sale);
        if row.undecodable_extra.is_some() {
            self.find(RowReason::BadEncoding, None);
        }
        self.check_money(&sale);
        if sale.sales_date > self.today_days && self.sound(SalesColumn::SalesDate) {
            self.find(RowReason::FutureDate, Some(SalesColumn::SalesDate));
        }
        self.check_key(&sale);
        if self.contract.orphans == Orphans::Reject {
            self.check_orphans(&sale);
        }
        self.findings.is_empty().then_some(sale)
    }

    /// The verdict on the row that [`Checker::check`] refused just now.
    pub(crate) fn judge(&mut self, row: &Row<'_>) -> Judgement {
        self.findings.sort_by_key(|finding| finding.reason);
        words::judgement(self, row)
    }

    fn find(&mut self, reason: RowReason, column: Option<SalesColumn>) {
        self.findings.push(Finding { reason, column });
    }

    /// Could the column be read?
    fn sound(&self, column: SalesColumn) -> bool {
        self.findings.iter().all(|finding| finding.column != Some(column))
    }

    /// Reads every value; those with a finding are zero or empty.
    fn read<'a>(&mut self, row: &Row<'a>) -> Sale<'a> {
        let customer_id = self.customer(row);
        let product_name = self.text(row, SalesColumn::ProductName);
        if product_name.is_empty() && self.sound(SalesColumn::ProductName) {
            self.find(RowReason::MissingValue, Some(SalesColumn::ProductName));
        }
        let transaction_id = self.text(row, SalesColumn::TransactionId);
        Sale {
            customer_id,
            customer: UNKNOWN,
            store: UNKNOWN,
            product: UNKNOWN,
            sales_person: UNKNOWN,
            store_id: self.int32(row, SalesColumn::StoreId),
            product_name,
            sales_date: self.date(row),
            sales_person_id: self.int64(row, SalesColumn::SalesPersonId),
            price: self.decimal(row, SalesColumn::Price, PRICE_PRECISION, PRICE_SCALE),
            quantity: self.int32(row, SalesColumn::Quantity),
            total_cost: self.decimal(row, SalesColumn::TotalCost, TOTAL_PRECISION, TOTAL_SCALE),
            transaction_id: (!transaction_id.is_empty()).then_some(transaction_id),
            additional_column: row.extras,
        }
    }

    fn customer(&mut self, row: &Row<'_>) -> Option<i64> {
        let blank = row.cell(SalesColumn::CustomerId).bytes.trim_ascii().is_empty();
        if blank && self.contract.blank_customer == BlankCustomer::Anonymous {
            return None;
        }
        Some(self.int64(row, SalesColumn::CustomerId))
    }

    fn int64(&mut self, row: &Row<'_>, column: SalesColumn) -> i64 {
        self.value(row, column, |_, text, _| integer(text, i64::MIN, i64::MAX))
    }

    fn int32(&mut self, row: &Row<'_>, column: SalesColumn) -> i32 {
        let value = self.value(row, column, |_, text, _| integer(text, i64::from(i32::MIN), i64::from(i32::MAX)));
        // In range: `integer` saw to it.
        value as i32
    }

    fn decimal(&mut self, row: &Row<'_>, column: SalesColumn, precision: u32, scale: u32) -> i64 {
        self.value(row, column, |checker, text, form| {
            let point = if form == Form::Plain { b'.' } else { checker.point };
            decimal(text, point, precision, scale)
        })
    }

    fn date(&mut self, row: &Row<'_>) -> i32 {
        let days = self.value(row, SalesColumn::SalesDate, |checker, text, form| {
            let day = if form == Form::Plain { checker.dates.plain(text) } else { checker.dates.day(text) };
            day.map(i64::from).ok_or(RowReason::BadDate)
        });
        // Comes from an `i32` above.
        days as i32
    }

    /// Reads a mandatory number or date, blanks around it trimmed.
    fn value(
        &mut self,
        row: &Row<'_>,
        column: SalesColumn,
        read: impl FnOnce(&mut Self, &[u8], Form) -> Result<i64, RowReason>,
    ) -> i64 {
        let cell = row.cell(column);
        let text = cell.bytes.trim_ascii();
        let value = if text.is_empty() { Err(RowReason::MissingValue) } else { read(self, text, cell.form) };
        value.unwrap_or_else(|reason| {
            self.find(reason, Some(column));
            0
        })
    }

    fn text<'a>(&mut self, row: &Row<'a>, column: SalesColumn) -> &'a str {
        let reason = match std::str::from_utf8(row.cell(column).bytes) {
            Ok(text) if text.len() <= TEXT_LETTERS || text.chars().count() <= TEXT_LETTERS => return text,
            Ok(_) => RowReason::OutOfRange,
            Err(_) => RowReason::BadEncoding,
        };
        self.find(reason, Some(column));
        ""
    }

    fn check_money(&mut self, sale: &Sale<'_>) {
        if sale.price < 0 {
            self.find(RowReason::NegativePrice, Some(SalesColumn::Price));
        }
        let expected = expected_total(sale.price, sale.quantity);
        let tolerance = u128::from(self.contract.total_tolerance_cents.unsigned_abs());
        let far = (i128::from(sale.total_cost) - expected).unsigned_abs() > tolerance;
        let readable = |checker: &Self, column| {
            checker
                .findings
                .iter()
                .all(|finding| finding.column != Some(column) || finding.reason == RowReason::NegativePrice)
        };
        if far
            && readable(self, SalesColumn::Price)
            && readable(self, SalesColumn::Quantity)
            && readable(self, SalesColumn::TotalCost)
        {
            self.refused_total = Some((sale.price, sale.quantity));
            self.find(RowReason::TotalMismatch, Some(SalesColumn::TotalCost));
        }
    }

    /// The key counts as seen even when the row has other faults, so that a later replay of the row
    /// cannot land the key twice.
    fn check_key(&mut self, sale: &Sale<'_>) {
        let Some(mut key) = self.key.take() else { return };
        let readable = key.columns().iter().all(|column| {
            self.findings
                .iter()
                .all(|finding| finding.column != Some(*column) || finding.reason >= RowReason::NegativePrice)
        });
        if readable && !key.is_first(sale) {
            self.find(RowReason::DuplicateKey, None);
        }
        self.key = Some(key);
    }

    /// Finds the row of every key, whatever becomes of those without one.
    fn look_up(&self, sale: &mut Sale<'_>) {
        let row = |found: Option<u32>| found.unwrap_or(UNKNOWN);
        sale.customer = sale.customer_id.map_or(ANONYMOUS, |id| row(self.known.customer(id)));
        sale.store = row(self.known.store(sale.store_id));
        sale.product = row(self.known.product(sale.product_name.as_bytes()));
        sale.sales_person = row(self.known.sales_person(sale.sales_person_id));
    }

    fn check_orphans(&mut self, sale: &Sale<'_>) {
        let found = [
            (sale.customer, SalesColumn::CustomerId, RowReason::UnknownCustomer),
            (sale.store, SalesColumn::StoreId, RowReason::UnknownStore),
            (sale.sales_person, SalesColumn::SalesPersonId, RowReason::UnknownSalesPerson),
        ];
        for (row, column, reason) in found {
            if row == UNKNOWN && self.sound(column) {
                self.find(reason, Some(column));
            }
        }
    }
}
