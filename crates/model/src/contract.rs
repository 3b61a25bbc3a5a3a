//! The contract: the columns a feed must have, where they come from, and how they are checked.

use serde::{Deserialize, Serialize};

/// The columns of a sale that a contract can name, in the order of the sales mart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SalesColumn {
    /// Who bought; blank for an anonymous sale.
    CustomerId,
    /// Which store.
    StoreId,
    /// What was sold, as the till wrote it.
    ProductName,
    /// The business day.
    SalesDate,
    /// Who sold.
    SalesPersonId,
    /// Price of one unit.
    Price,
    /// Units; negative for a return.
    Quantity,
    /// price × quantity, rounded half-up to the cent.
    TotalCost,
    /// The basket; optional.
    TransactionId,
}

impl SalesColumn {
    /// Every column, in the order of the sales mart.
    pub const ALL: [SalesColumn; 9] = [
        SalesColumn::CustomerId,
        SalesColumn::StoreId,
        SalesColumn::ProductName,
        SalesColumn::SalesDate,
        SalesColumn::SalesPersonId,
        SalesColumn::Price,
        SalesColumn::Quantity,
        SalesColumn::TotalCost,
        SalesColumn::TransactionId,
    ];

    /// The name in settings, SQL and the marts.
    pub const fn name(self) -> &'static str {
        match self {
            SalesColumn::CustomerId => "customer_id",
            SalesColumn::StoreId => "store_id",
            SalesColumn::ProductName => "product_name",
            SalesColumn::SalesDate => "sales_date",
            SalesColumn::SalesPersonId => "sales_person_id",
            SalesColumn::Price => "price",
            SalesColumn::Quantity => "quantity",
            SalesColumn::TotalCost => "total_cost",
            SalesColumn::TransactionId => "transaction_id",
        }
    }

    /// The type of PRODUCT's sales feed; a contract may state it, and may not change it.
    pub const fn kind(self) -> ColumnType {
        match self {
            SalesColumn::CustomerId | SalesColumn::SalesPersonId => ColumnType::Int64,
            SalesColumn::StoreId | SalesColumn::Quantity => ColumnType::Int32,
            SalesColumn::ProductName | SalesColumn::TransactionId => ColumnType::Text,
            SalesColumn::SalesDate => ColumnType::Date,
            SalesColumn::Price => ColumnType::Decimal { precision: 14, scale: 4 },
            SalesColumn::TotalCost => ColumnType::Decimal { precision: 14, scale: 2 },
        }
    }
}

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// 32-bit whole number.
    Int32,
    /// 64-bit whole number.
    Int64,
    /// Exact decimal.
    Decimal {
        /// All digits.
        precision: u32,
        /// Fraction digits.
        scale: u32,
    },
    /// Calendar day.
    Date,
    /// Text, kept as it came.
    Text,
}

/// How one sales column is found in the source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Which column of a sale.
    pub column: SalesColumn,
    /// Its name in the source file's header (compared after trimming, exactly).
    pub source: String,
    /// The value of every row when the source file has no such column; a text as it would stand in the file.
    pub constant: Option<String>,
    /// A file without this column is rejected (`missing_column`), unless there is a constant.
    pub mandatory: bool,
    /// Date formats in `strftime` notation, tried in order; dates only.
    pub date_formats: Vec<String>,
}

/// What becomes of a blank `customer_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankCustomer {
    /// It is an anonymous sale: it lands.
    Anonymous,
    /// It is a `missing_value`.
    Reject,
}

/// What becomes of a sale whose customer, store or sales person is not in the dimension tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orphans {
    /// Rejected, to be replayed when the dimension row has come.
    Reject,
    /// Landed with empty attributes.
    Keep,
}

/// How columns that the contract does not name are folded into `additional_column`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtraColumns {
    /// A JSON object of name to text, in file order.
    Json,
    /// `value, value` in file order.
    Concat,
}

/// Encoding of text formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// ISO 8859-1: every byte is a character.
    Latin1,
}

/// The whole contract of a feed. Built from settings; travels with the plan to whoever decodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// The columns, at most one entry per [`SalesColumn`]; all but `transaction_id` are present.
    pub columns: Vec<Column>,
    /// CSV field delimiter, one byte.
    pub delimiter: u8,
    /// CSV quote, one byte.
    pub quote: u8,
    /// Encoding of CSV and JSON lines.
    pub encoding: Encoding,
    /// Decimals are written `12,50`.
    pub decimal_comma: bool,
    /// What becomes of other columns.
    pub extra_columns: ExtraColumns,
    /// What becomes of a blank customer.
    pub blank_customer: BlankCustomer,
    /// What becomes of unknown customers, stores and sales persons.
    pub orphans: Orphans,
    /// Tolerance of `total_mismatch`, in cents.
    pub total_tolerance_cents: i64,
    /// Columns whose values identify a row within one file; empty: no `duplicate_key` check.
    pub key: Vec<SalesColumn>,
    /// The longest record, in bytes of text: bounds memory when a quote is never closed.
    pub record_bytes_max: u64,
}

impl Default for Contract {
    fn default() -> Self {
        let columns = SalesColumn::ALL
            .into_iter()
            .filter(|column| *column != SalesColumn::TransactionId)
            .map(Column::new)
            .collect();
        Contract {
            columns,
            delimiter: b',',
            quote: b'"',
            encoding: Encoding::Utf8,
            decimal_comma: false,
            extra_columns: ExtraColumns::Json,
            blank_customer: BlankCustomer::Anonymous,
            orphans: Orphans::Reject,
            total_tolerance_cents: 0,
            key: Vec::new(),
            record_bytes_max: 1 << 20,
        }
    }
}

impl Contract {
    /// Whether files name the basket that a sale belongs to.
    pub fn names_baskets(&self) -> bool {
        self.columns.iter().any(|column| column.column == SalesColumn::TransactionId)
    }
}

impl Column {
    /// The column under its own name, with the reference formats.
    pub fn new(column: SalesColumn) -> Self {
        Column {
            column,
            source: column.name().to_owned(),
            constant: None,
            mandatory: column != SalesColumn::TransactionId,
            date_formats: if column.kind() == ColumnType::Date { vec!["%Y-%m-%d".to_owned()] } else { Vec::new() },
        }
    }
}
