//! Migrations, and a look at the tables.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tillmart_model::Result;

/// One step of the database's schema, from a `.sql` file under `sql/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Rising number, from the file name.
    pub number: u32,
    /// The file's name without number and ending.
    pub name: String,
    /// Whether it was applied before.
    pub applied: bool,
}

/// The database's own schema.
#[async_trait]
pub trait Schema: Send + Sync {
    /// Applies what is missing, in order, each in one transaction; safe when two start at once.
    /// An applied migration whose text has changed is refused. Returns all, those applied just now with `applied = false`.
    async fn migrate(&self) -> Result<Vec<Migration>>;

    /// A `Database` fault with the hint `tillmart db migrate` if a migration is missing.
    async fn check(&self) -> Result<()>;

    /// Names of all tables, for `query` and for messages.
    async fn tables(&self) -> Result<Vec<String>>;

    /// The columns of any table by name, as [`Schema::read_table`] returns them.
    async fn columns(&self, table: &str) -> Result<SchemaRef>;

    /// All rows of any table by name, with types told by the declared column types (TEXT, INTEGER), for `query`.
    async fn read_table(&self, table: &str) -> Result<RecordBatch>;
}
