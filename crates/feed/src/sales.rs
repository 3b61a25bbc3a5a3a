//! Checked sales as Arrow columns.

use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
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

/// Collects sales column by column.
#[derive(Debug)]
pub(crate) struct SalesBuilder {
    rows: usize,
    text_bytes: usize,
    customer_id: Int64Builder,
    store_id: Int32Builder,
    product_name: StringBuilder,
    sales_date: Date32Builder,
    sales_person_id: Int64Builder,
    price: Decimal128Builder,
    quantity: Int32Builder,
    total_cost: Decimal128Builder,
    transaction_id: StringBuilder,
    additional_column: StringBuilder,
    source_line: Int64Builder,
}

impl SalesBuilder {
    pub(crate) fn new() -> Self {
        SalesBuilder {
            rows: 0,
            text_bytes: 0,
            customer_id: Int64Builder::new(),
            store_id: Int32Builder::new(),
            product_name: StringBuilder::new(),
            sales_date: Date32Builder::new(),
            sales_person_id: Int64Builder::new(),
            price: Decimal128Builder::new().with_data_type(PRICE),
            quantity: Int32Builder::new(),
            total_cost: Decimal128Builder::new().with_data_type(TOTAL),
            transaction_id: StringBuilder::new(),
            additional_column: StringBuilder::new(),
            source_line: Int64Builder::new(),
        }
    }

    /// Rows collected since the last [`SalesBuilder::take`].
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of text collected since the last [`SalesBuilder::take`].
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(crate) fn add(&mut self, sale: &Sale<'_>, line: Option<u64>) {
        self.rows += 1;
        self.text_bytes += sale.product_name.len()
            + sale.transaction_id.map_or(0, str::len)
            + sale.additional_column.map_or(0, str::len);
        self.customer_id.append_option(sale.customer_id);
        self.store_id.append_value(sale.store_id);
        self.product_name.append_value(sale.product_name);
        self.sales_date.append_value(sale.sales_date);
        self.sales_person_id.append_value(sale.sales_person_id);
        self.price.append_value(sale.price.into());
        self.quantity.append_value(sale.quantity);
        self.total_cost.append_value(sale.total_cost.into());
        self.transaction_id.append_option(sale.transaction_id);
        self.additional_column.append_option(sale.additional_column);
        self.source_line.append_value(line.and_then(|line| i64::try_from(line).ok()).unwrap_or(0));
    }

    /// Hands over the collected rows and starts anew.
    pub(crate) fn take(&mut self) -> RecordBatch {
        self.rows = 0;
        self.text_bytes = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.customer_id.finish()),
            Arc::new(self.store_id.finish()),
            Arc::new(self.product_name.finish()),
            Arc::new(self.sales_date.finish()),
            Arc::new(self.sales_person_id.finish()),
            Arc::new(self.price.finish()),
            Arc::new(self.quantity.finish()),
            Arc::new(self.total_cost.finish()),
            Arc::new(self.transaction_id.finish()),
            Arc::new(self.additional_column.finish()),
            Arc::new(self.source_line.finish()),
        ];
        #[allow(
            clippy::expect_used,
            reason = "builders and schema stand side by side in this file, and a test takes a batch"
        )]
        RecordBatch::try_new(sales_schema(), columns).expect("the builders follow the schema")
    }
}
