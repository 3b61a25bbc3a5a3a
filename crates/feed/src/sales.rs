//! Checked sales as Arrow columns.

use arrow::array::{ArrayRef, ArrowPrimitiveType, Int64Builder, PrimitiveArray, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type, Int64Type};
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

/// One checked sale. Prices are in units of 0.0001, totals in cents, days count from 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sale<'a> {
    pub(crate) customer_id: Option<i64>,
    pub(crate) store_id: i32,
    pub(crate) product_name: &'a str,
    pub(crate) sales_date: i32,
    pub(crate) sales_person_id: i64,
    pub(crate) price: i64,
    pub(crate) quantity: i32,
    pub(crate) total_cost: i64,
    pub(crate) transaction_id: Option<&'a str>,
    pub(crate) additional_column: Option<&'a str>,
}

/// Collects sales column by column. Columns that cannot be NULL are plain vectors, which become
/// Arrow columns without a copy.
#[derive(Debug, Default)]
pub(crate) struct SalesBuilder {
    text_bytes: usize,
    customer_id: Int64Builder,
    store_id: Vec<i32>,
    product_name: StringBuilder,
    sales_date: Vec<i32>,
    sales_person_id: Vec<i64>,
    price: Vec<i128>,
    quantity: Vec<i32>,
    total_cost: Vec<i128>,
    transaction_id: StringBuilder,
    additional_column: StringBuilder,
    source_line: Vec<i64>,
}

impl SalesBuilder {
    /// Rows collected since the last [`SalesBuilder::take`].
    pub(crate) fn rows(&self) -> usize {
        self.store_id.len()
    }

    /// Bytes of text collected since the last [`SalesBuilder::take`].
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    #[inline]
    pub(crate) fn add(&mut self, sale: &Sale<'_>, line: Option<u64>) {
        self.text_bytes += sale.product_name.len()
            + sale.transaction_id.map_or(0, str::len)
            + sale.additional_column.map_or(0, str::len);
        self.customer_id.append_option(sale.customer_id);
        self.store_id.push(sale.store_id);
        self.product_name.append_value(sale.product_name);
        self.sales_date.push(sale.sales_date);
        self.sales_person_id.push(sale.sales_person_id);
        self.price.push(sale.price.into());
        self.quantity.push(sale.quantity);
        self.total_cost.push(sale.total_cost.into());
        self.transaction_id.append_option(sale.transaction_id);
        self.additional_column.append_option(sale.additional_column);
        self.source_line.push(line.and_then(|line| i64::try_from(line).ok()).unwrap_or(0));
    }

    /// Hands over the collected rows and starts anew.
    pub(crate) fn take(&mut self) -> RecordBatch {
        self.text_bytes = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.customer_id.finish()),
            column::<Int32Type>(&mut self.store_id, DataType::Int32),
            Arc::new(self.product_name.finish()),
            column::<Date32Type>(&mut self.sales_date, DataType::Date32),
            column::<Int64Type>(&mut self.sales_person_id, DataType::Int64),
            column::<Decimal128Type>(&mut self.price, PRICE),
            column::<Int32Type>(&mut self.quantity, DataType::Int32),
            column::<Decimal128Type>(&mut self.total_cost, TOTAL),
            Arc::new(self.transaction_id.finish()),
            Arc::new(self.additional_column.finish()),
            column::<Int64Type>(&mut self.source_line, DataType::Int64),
        ];
        #[allow(
            clippy::expect_used,
            reason = "columns and schema stand side by side in this file; every test takes a batch"
        )]
        RecordBatch::try_new(sales_schema(), columns).expect("the columns follow the schema")
    }
}

/// Turns collected values into a column, and leaves room for as many more.
fn column<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, kind: DataType) -> ArrayRef {
    let room = Vec::with_capacity(values.len());
    let values = std::mem::replace(values, room);
    Arc::new(PrimitiveArray::<T>::new(values.into(), None).with_data_type(kind))
}
