//! Customers, stores, products and the sales team: small tables that sales are looked up in.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use tillmart_model::Result;

/// A dimension table, with the columns that such pipelines already have (PRODUCT, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// `customer`, key `customer_id`.
    Customer,
    /// `store`, key `id`.
    Store,
    /// `product`, key `id`; looked up by `name`.
    Product,
    /// `sales_team`, key `id`.
    SalesTeam,
}

/// One column of a dimension table.
#[derive(Debug, Clone)]
pub struct DimensionColumn {
    /// Name in the table, in CSV headers and in mart SQL.
    pub name: &'static str,
    /// Type in memory; money is decimal.
    pub data_type: DataType,
    /// A blank is NULL rather than a fault.
    pub nullable: bool,
}

impl Dimension {
    /// All four, in the order they are loaded.
    pub const ALL: [Dimension; 4] = [Dimension::Customer, Dimension::Store, Dimension::Product, Dimension::SalesTeam];

    /// The table's name; its CSV file is `<name>.csv`.
    pub const fn name(self) -> &'static str {
        match self {
            Dimension::Customer => "customer",
            Dimension::Store => "store",
            Dimension::Product => "product",
            Dimension::SalesTeam => "sales_team",
        }
    }

    /// The primary key, an int64 (int32 for stores) and the first column.
    pub const fn key(self) -> &'static str {
        match self {
            Dimension::Customer => "customer_id",
            _ => "id",
        }
    }

    /// The columns in table order.
    pub fn columns(self) -> Vec<DimensionColumn> {
        let text = |name| DimensionColumn { name, data_type: DataType::Utf8, nullable: true };
        let date = |name| DimensionColumn { name, data_type: DataType::Date32, nullable: true };
        let key = |name, data_type| DimensionColumn { name, data_type, nullable: false };
        let price = |name| DimensionColumn { name, data_type: DataType::Decimal128(14, 4), nullable: true };
        match self {
            Dimension::Customer => vec![
                key("customer_id", DataType::Int64),
                text("first_name"),
                text("last_name"),
                text("address"),
                text("pincode"),
                text("phone_number"),
                date("customer_joining_date"),
            ],
            Dimension::Store => vec![
                key("id", DataType::Int32),
                text("address"),
                text("store_pincode"),
                text("store_manager_name"),
                date("store_opening_date"),
                text("reviews"),
            ],
            Dimension::Product => vec![
                key("id", DataType::Int64),
                DimensionColumn { name: "name", data_type: DataType::Utf8, nullable: false },
                price("current_price"),
                price("old_price"),
                text("created_date"),
                text("updated_date"),
                date("expiry_date"),
            ],
            Dimension::SalesTeam => vec![
                key("id", DataType::Int64),
                text("first_name"),
                text("last_name"),
                DimensionColumn { name: "manager_id", data_type: DataType::Int64, nullable: true },
                text("is_manager"),
                text("address"),
                text("pincode"),
                date("joining_date"),
            ],
        }
    }

    /// The columns as an Arrow schema.
    pub fn schema(self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns()
            .into_iter()
            .map(|column| Field::new(column.name, column.data_type, column.nullable))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Rows that were not there.
    pub added: u64,
    /// Rows that were there with other values.
    pub changed: u64,
    /// Rows that were there just so.
    pub unchanged: u64,
}

/// The dimension tables.
#[async_trait]
pub trait Dimensions: Send + Sync {
    /// Every row, ordered by key, in the schema of [`Dimension::schema`]. A value that does not fit its
    /// type is a `Database` fault that names table, key and column.
    async fn read(&self, dimension: Dimension) -> Result<RecordBatch>;

    /// How many rows there are.
    async fn count(&self, dimension: Dimension) -> Result<u64>;

    /// Upserts the rows of a CSV file (RFC 4180, UTF-8, header in any order, trimmed; columns the table lacks are
    /// refused; nullable columns may be absent) in one transaction. All faults of the file are told at once,
    /// each with file, line and column, up to 20; then nothing is loaded. Streams: a file may hold millions of rows.
    async fn load_csv(&self, dimension: Dimension, file: &Path) -> Result<Upserted>;

    /// Upserts rows in one transaction: columns of the table by name, its key among them, each key once. Columns that the
    /// rows do not have stay as they are. A value that the table cannot hold is a `Database` fault, and nothing is kept.
    async fn put(&self, dimension: Dimension, rows: &RecordBatch) -> Result<Upserted>;
}
