//! Checked sales, column by column.

use crate::texts::{OptionalTexts, Texts};
use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::ops::Range;
use std::sync::{Arc, LazyLock};
use tillmart_model::money::{PRICE_PRECISION, PRICE_SCALE, TOTAL_PRECISION, TOTAL_SCALE};

const PRICE: DataType = DataType::Decimal128(PRICE_PRECISION as u8, PRICE_SCALE as i8);
const TOTAL: DataType = DataType::Decimal128(TOTAL_PRECISION as u8, TOTAL_SCALE as i8);

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("customer_id", DataType::Int64, true),
        Field::new("store_id", DataType::Int32, false),
        Field::new("product_name", DataType::Utf8, false),
        Field::new("sales_date", DataType::Date32, false),
        Field::new("sales_person_id", DataType::Int64, false),
        Field::new("price", PRICE, false),
        Field::new("quantity", DataType::Int32, false),
        Field::new("total_cost", TOTAL, false),
        Field::new("transaction_id", DataType::Utf8, true),
        Field::new("additional_column", DataType::Utf8, true),
        Field::new("source_line", DataType::Int64, false),
    ]))
});

/// The columns of checked sales. `source_line` is the physical line the row starts at (the row
/// number in Parquet), or 0 where it is not known.
pub fn sales_schema() -> SchemaRef {
    SCHEMA.clone()
}

/// No row of a dimension table holds the key.
pub const UNKNOWN: u32 = u32::MAX;

/// The sale has no customer: an anonymous one.
pub const ANONYMOUS: u32 = u32::MAX - 1;

/// One checked sale. Prices are in units of 0.0001, totals in cents, days count from 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sale<'a> {
    pub(crate) customer_id: Option<i64>,
    /// Rows of the dimension tables: [`UNKNOWN`] where there is none, [`ANONYMOUS`] without a customer.
    pub(crate) customer: u32,
    pub(crate) store_id: i32,
    pub(crate) store: u32,
    pub(crate) product_name: &'a str,
    pub(crate) product: u32,
    pub(crate) sales_date: i32,
    pub(crate) sales_person_id: i64,
    pub(crate) sales_person: u32,
    pub(crate) price: i64,
    pub(crate) quantity: i32,
    pub(crate) total_cost: i64,
    pub(crate) transaction_id: Option<&'a str>,
    pub(crate) additional_column: Option<&'a str>,
}

/// Checked sales, column by column, with the row of the dimension table that each key was found in.
///
/// Every column has [`Sales::rows`] values, but for `product_names` and the optional ones.
/// Rows of dimensions are those that [`crate::KnownKeys`] answered; [`UNKNOWN`] where it had none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sales {
    /// Who bought; 0 where `customer` is [`ANONYMOUS`].
    pub customer_id: Vec<i64>,
    /// Row of the customer table, [`UNKNOWN`] or [`ANONYMOUS`].
    pub customer: Vec<u32>,
    /// Which store.
    pub store_id: Vec<i32>,
    /// Row of the store table, or [`UNKNOWN`].
    pub store: Vec<u32>,
    /// Row of the product table, by name, or [`UNKNOWN`].
    pub product: Vec<u32>,
    /// The names of the rows whose `product` is [`UNKNOWN`], in row order, and no others.
    pub product_names: Texts,
    /// Days since 1970-01-01.
    pub sales_date: Vec<i32>,
    /// Who sold.
    pub sales_person_id: Vec<i64>,
    /// Row of the sales team's table, or [`UNKNOWN`].
    pub sales_person: Vec<u32>,
    /// Price of one unit, in units of 0.0001.
    pub price: Vec<i64>,
    /// Units sold; negative for a return.
    pub quantity: Vec<i32>,
    /// Total in cents.
    pub total_cost: Vec<i64>,
    /// The basket; absent while no row has one.
    pub transaction_id: Option<OptionalTexts>,
    /// The folded extra columns; absent while no row has one.
    pub additional_column: Option<OptionalTexts>,
    /// The physical line the row starts at (the row number in Parquet), or 0 where it is not known.
    pub source_line: Vec<i64>,
}

impl Sales {
    /// Number of sales.
    pub fn rows(&self) -> usize {
        self.store_id.len()
    }

    /// Bytes of text held: names of unknown products and the optional columns.
    pub fn text_bytes(&self) -> usize {
        let optional = [&self.transaction_id, &self.additional_column];
        self.product_names.bytes() + optional.into_iter().flatten().map(OptionalTexts::bytes).sum::<usize>()
    }

    /// No sales, and room for so many.
    pub(crate) fn with_room(rows: usize) -> Self {
        Sales {
            customer_id: Vec::with_capacity(rows),
            customer: Vec::with_capacity(rows),
            store_id: Vec::with_capacity(rows),
            store: Vec::with_capacity(rows),
            product: Vec::with_capacity(rows),
            sales_date: Vec::with_capacity(rows),
            sales_person_id: Vec::with_capacity(rows),
            sales_person: Vec::with_capacity(rows),
            price: Vec::with_capacity(rows),
            quantity: Vec::with_capacity(rows),
            total_cost: Vec::with_capacity(rows),
            source_line: Vec::with_capacity(rows),
            ..Sales::default()
        }
    }

    /// Forgets the sales and keeps the room of the columns that every row has.
    pub fn clear(&mut self) {
        let Sales { customer_id, customer, store_id, store, product, product_names, .. } = self;
        customer_id.clear();
        customer.clear();
        store_id.clear();
        store.clear();
        product.clear();
        product_names.clear();
        let Sales { sales_date, sales_person_id, sales_person, price, quantity, total_cost, source_line, .. } = self;
        sales_date.clear();
        sales_person_id.clear();
        sales_person.clear();
        price.clear();
        quantity.clear();
        total_cost.clear();
        source_line.clear();
        self.transaction_id = None;
        self.additional_column = None;
    }

    /// Adds a sale.
    pub(crate) fn add(&mut self, sale: &Sale<'_>, line: Option<u64>) {
        let before = self.rows();
        add_optional(&mut self.transaction_id, before, sale.transaction_id);
        add_optional(&mut self.additional_column, before, sale.additional_column);
        self.customer_id.push(sale.customer_id.unwrap_or(0));
        self.customer.push(sale.customer);
        self.store_id.push(sale.store_id);
        self.store.push(sale.store);
        self.product.push(sale.product);
        if sale.product == UNKNOWN {
            self.product_names.push(sale.product_name);
        }
        self.sales_date.push(sale.sales_date);
        self.sales_person_id.push(sale.sales_person_id);
        self.sales_person.push(sale.sales_person);
        self.price.push(sale.price);
        self.quantity.push(sale.quantity);
        self.total_cost.push(sale.total_cost);
        self.source_line.push(line.and_then(|line| i64::try_from(line).ok()).unwrap_or(0));
    }

    /// Adds some of another's sales.
    pub(crate) fn append(&mut self, other: &Sales, rows: Range<usize>) {
        let before = self.rows();
        append_optional(&mut self.transaction_id, before, other.transaction_id.as_ref(), rows.clone());
        append_optional(&mut self.additional_column, before, other.additional_column.as_ref(), rows.clone());
        if !other.product_names.is_empty() {
            let unknown = |rows: &[u32]| rows.iter().filter(|row| **row == UNKNOWN).count();
            let first = unknown(&other.product[..rows.start]);
            let count = unknown(&other.product[rows.clone()]);
            (first..first + count).for_each(|index| self.product_names.push(other.product_names.get(index)));
        }
        self.customer_id.extend_from_slice(&other.customer_id[rows.clone()]);
        self.customer.extend_from_slice(&other.customer[rows.clone()]);
        self.store_id.extend_from_slice(&other.store_id[rows.clone()]);
        self.store.extend_from_slice(&other.store[rows.clone()]);
        self.product.extend_from_slice(&other.product[rows.clone()]);
        self.sales_date.extend_from_slice(&other.sales_date[rows.clone()]);
        self.sales_person_id.extend_from_slice(&other.sales_person_id[rows.clone()]);
        self.sales_person.extend_from_slice(&other.sales_person[rows.clone()]);
        self.price.extend_from_slice(&other.price[rows.clone()]);
        self.quantity.extend_from_slice(&other.quantity[rows.clone()]);
        self.total_cost.extend_from_slice(&other.total_cost[rows.clone()]);
        self.source_line.extend_from_slice(&other.source_line[rows]);
    }

    /// The sales in the columns of [`sales_schema`]. `product_names` are the names by row of the product table
    /// that was asked ([`crate::KnownKeys::product_names`]).
    pub fn to_batch(&self, product_names: &StringArray) -> RecordBatch {
        let customers: NullBuffer = self.customer.iter().map(|row| *row != ANONYMOUS).collect();
        let customers = Some(customers).filter(|customers| customers.null_count() > 0);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::new(self.customer_id.clone().into(), customers)),
            Arc::new(Int32Array::from(self.store_id.clone())),
            Arc::new(self.names(product_names)),
            Arc::new(Date32Array::from(self.sales_date.clone())),
            Arc::new(Int64Array::from(self.sales_person_id.clone())),
            Arc::new(wide(&self.price).with_data_type(PRICE)),
            Arc::new(Int32Array::from(self.quantity.clone())),
            Arc::new(wide(&self.total_cost).with_data_type(TOTAL)),
            Arc::new(optional(self.transaction_id.as_ref(), self.rows())),
            Arc::new(optional(self.additional_column.as_ref(), self.rows())),
            Arc::new(Int64Array::from(self.source_line.clone())),
        ];
        #[allow(
            clippy::expect_used,
            reason = "columns and schema stand side by side in this file; every test takes a batch"
        )]
        RecordBatch::try_new(sales_schema(), columns).expect("the columns follow the schema")
    }

    /// The product of every row by name.
    fn names(&self, known: &StringArray) -> StringArray {
        let mut unknown = self.product_names.iter();
        let mut names = StringBuilder::with_capacity(self.rows(), self.product_names.bytes());
        for row in &self.product {
            names.append_value(match *row {
                UNKNOWN => unknown.next().unwrap_or_default(),
                row => known.value(row as usize),
            });
        }
        names.finish()
    }
}

pub(crate) fn add_optional(column: &mut Option<OptionalTexts>, before: usize, text: Option<&str>) {
    match (column, text) {
        (None, None) => {}
        (Some(column), text) => column.push(text),
        (column, text) => column.insert(OptionalTexts::nulls(before)).push(text),
    }
}

fn append_optional(
    column: &mut Option<OptionalTexts>,
    before: usize,
    other: Option<&OptionalTexts>,
    rows: Range<usize>,
) {
    for (at, row) in rows.enumerate() {
        match (&mut *column, other.and_then(|other| other.get(row))) {
            (None, None) if other.is_none() => return,
            (_, text) => add_optional(column, before + at, text),
        }
    }
}

fn wide(values: &[i64]) -> Decimal128Array {
    Decimal128Array::from_iter_values(values.iter().map(|value| i128::from(*value)))
}

fn optional(column: Option<&OptionalTexts>, rows: usize) -> StringArray {
    column.map_or_else(|| StringArray::new_null(rows), OptionalTexts::to_array)
}
