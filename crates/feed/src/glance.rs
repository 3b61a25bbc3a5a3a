//! A glance at rejected rows: which day and store they are of, and what they came to, as far as that can be read.

use crate::check::{Dates, Form, Row, decimal, integer};
use crate::raw_rows::RawRows;
use crate::sorter::{Place, TakesRows};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use std::sync::Arc;
use tillmart_model::money::{PRICE_PRECISION, PRICE_SCALE, TOTAL_PRECISION, TOTAL_SCALE, total_cents};
use tillmart_model::{Contract, FileFault, Format, RowReason, SalesColumn};

/// What can be read of a row, whatever else is wrong with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance {
    /// Its store.
    pub store_id: Option<i32>,
    /// Its day.
    pub sales_date: Option<NaiveDate>,
    /// Its total in cents as it stands in the row; price × quantity, where that cannot be read.
    pub total_cents: Option<i128>,
}

/// Glances at the raw records of one source file's rejects.
pub struct Glancer {
    rows: RawRows,
    reading: Reading,
}

struct Reading {
    dates: Dates,
    point: u8,
    glance: Glance,
}

impl Glancer {
    /// `header` is the file's header record as the ledger keeps it (CSV only).
    ///
    /// # Errors
    /// A header that cannot be read by today's contract: then no row of the file can be.
    pub fn new(contract: &Arc<Contract>, format: Format, header: Option<&[u8]>) -> Result<Self, FileFault> {
        let date = contract.columns.iter().find(|column| column.column == SalesColumn::SalesDate);
        let dates = Dates::new(date.map(|column| column.date_formats.clone()).unwrap_or_default());
        let point = if contract.decimal_comma { b',' } else { b'.' };
        let rows = RawRows::new(Arc::clone(contract), format, header)?;
        Ok(Glancer { rows, reading: Reading { dates, point, glance: Glance::default() } })
    }

    /// What can be read of a raw record; nothing, where its values cannot be told apart.
    pub fn at(&mut self, raw: &[u8]) -> Glance {
        self.reading.glance = Glance::default();
        self.rows.record(raw, None, &mut self.reading);
        self.reading.glance
    }
}

impl Reading {
    fn decimal(&self, row: &Row<'_>, column: SalesColumn, precision: u32, scale: u32) -> Option<i128> {
        let cell = row.cell(column);
        let point = if cell.form == Form::Plain { b'.' } else { self.point };
        decimal(cell.bytes.trim_ascii(), point, precision, scale).ok().map(i128::from)
    }

    fn int32(row: &Row<'_>, column: SalesColumn) -> Option<i32> {
        let text = row.cell(column).bytes.trim_ascii();
        let number = integer(text, i64::from(i32::MIN), i64::from(i32::MAX)).ok()?;
        i32::try_from(number).ok()
    }
}

impl TakesRows for Reading {
    fn row(&mut self, row: &Row<'_>, _: Place, _: impl FnOnce() -> Vec<u8>) {
        let date = row.cell(SalesColumn::SalesDate);
        let text = date.bytes.trim_ascii();
        let day = if date.form == Form::Plain { self.dates.plain(text) } else { self.dates.day(text) };
        let told = self.decimal(row, SalesColumn::TotalCost, TOTAL_PRECISION, TOTAL_SCALE);
        let price = || self.decimal(row, SalesColumn::Price, PRICE_PRECISION, PRICE_SCALE);
        let computed = || Some(total_cents(price()?, i128::from(Self::int32(row, SalesColumn::Quantity)?)));
        self.glance = Glance {
            store_id: Self::int32(row, SalesColumn::StoreId),
            sales_date: day.and_then(Date32Type::to_naive_date_opt),
            total_cents: told.or_else(computed),
        };
    }

    fn reject(&mut self, _: Place, _: RowReason, _: Option<String>, _: String, _: Vec<u8>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost";

    fn at(contract: &Contract, raw: &str) -> Glance {
        let contract = Arc::new(contract.clone());
        Glancer::new(&contract, Format::Csv, Some(HEADER)).expect("a header").at(raw.as_bytes())
    }

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().expect("a day"))
    }

    #[test]
    fn what_can_be_read_is_read_whatever_else_is_wrong() {
        let contract = Contract::default();
        let whole = Glance { store_id: Some(7), sales_date: day("2024-05-16"), total_cents: Some(-1_250) };
        assert_eq!(at(&contract, "x,7,,2024-05-16,11,2.50,-5,-12.50"), whole, "a customer that is no number");
        assert_eq!(at(&contract, "1,7,Tea,2024-05-16,11,2.50,-5,n/a"), whole, "price times quantity");
        let wrong_total = Glance { total_cents: Some(99), ..whole };
        assert_eq!(at(&contract, "1,7,Tea, 2024-05-16 ,11,2.50,-5,0.99"), wrong_total, "as the row says");
        let nothing = Glance { total_cents: None, ..whole };
        assert_eq!(at(&contract, "1,7,Tea,2024-05-16,11,2.50,,"), nothing);
        let no_day = Glance { sales_date: None, ..whole };
        assert_eq!(at(&contract, "1,7,Tea,2024-13-16,11,2.50,-5,-12.50"), no_day);
        assert_eq!(at(&contract, "1,,Tea,2024-05-16,11,2.50,-5,-12.50").store_id, None);
        for broken in ["1,7,Tea,2024-05-16,11,2.50,-5", "1,7,\"Tea,2024-05-16,11,2.50,-5,-12.50", ""] {
            assert_eq!(at(&contract, broken), Glance::default(), "{broken}");
        }
    }

    #[test]
    fn a_row_is_read_as_its_contract_says() {
        let mut contract = Contract { delimiter: b';', decimal_comma: true, ..Contract::default() };
        let date = contract.columns.iter_mut().find(|column| column.column == SalesColumn::SalesDate);
        date.expect("a date").date_formats = vec!["%d.%m.%Y".to_owned()];
        let header = String::from_utf8_lossy(HEADER).replace(',', ";");
        let contract = Arc::new(contract);
        let mut glancer = Glancer::new(&contract, Format::Csv, Some(header.as_bytes())).expect("a header");
        let expected = Glance { store_id: Some(7), sales_date: day("2024-05-16"), total_cents: Some(250) };
        assert_eq!(glancer.at(b"x;7;Tea;16.5.2024;11;2,50;1;2,50"), expected);
        let mut json = Glancer::new(&Arc::new(Contract::default()), Format::Jsonl, None).expect("no header");
        let line =
            br#"{"customer_id":"x","store_id":7,"sales_date":"2024-05-16","price":2.5,"quantity":1,"total_cost":2.50}"#;
        assert_eq!(json.at(line), expected);
        assert_eq!(json.at(b"{"), Glance::default());
    }

    #[test]
    fn without_a_header_nothing_can_be_read() {
        assert!(Glancer::new(&Arc::new(Contract::default()), Format::Csv, None).is_err());
    }
}
