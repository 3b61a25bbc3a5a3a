//! A mart is a `.sql` file with a short header. The built-in ones are written the same way as a user's own.
//!
//! ```sql
//! -- mart: daily_product_sales
//! -- about: What each store sold of each product, by day.
//! -- state: sales_date, store_id, product_name
//! -- key: store_id, product_name, sales_date
//! -- scope: sales_date, store_id
//! -- merge:
//! SELECT sales_date, store_id, product_name, SUM(quantity) AS units, COUNT(*) AS landed_rows
//! FROM sales GROUP BY sales_date, store_id, product_name
//! -- finish:
//! SELECT store_id, product_name, sales_date, units FROM merged
//! ```
//!
//! A file with `merge` and `finish` is a [`Rollup`] in the database, one with `of` and `finish` a second table of a rollup; one with a
//! single `SELECT` is a [`RowMart`] in a Delta table, written in the pass that lands the sales.

mod bucket;
mod complete;
mod deltas;
mod enrich;
mod fault;
mod file;
mod finish;
mod marks;
mod off_list;
pub(crate) mod payments;
mod place;
mod rollup;
mod row;
mod summing;

pub use bucket::Bucket;
pub(crate) use bucket::bucket_of;
pub use enrich::Enriched;
pub use file::{MartFile, Section, WhichMart};
pub(crate) use off_list::{OffList, OffSum, Side};
pub use payments::PaidScope;
pub(crate) use rollup::incentive_schema;
pub use rollup::{LANDED_ROWS, Rollup};
pub use row::RowMart;
pub(crate) use row::Source;
pub use summing::Summing;
pub(crate) use summing::{Kinds, Measure, SumKey, SumOf};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

/// The relation `sales` of a row-level mart: a sale as it was decoded and checked, with its lineage.
pub fn landing_schema() -> SchemaRef {
    let mut fields: Vec<Field> =
        tillmart_feed::sales_schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("sales_month", DataType::Utf8, false));
    fields.push(Field::new("source_file_id", DataType::Int64, false));
    fields.push(Field::new("batch_id", DataType::Int64, false));
    Arc::new(Schema::new(fields))
}
