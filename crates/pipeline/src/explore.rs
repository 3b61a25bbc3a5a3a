//! SQL over every table, mart and dimension by name. Only what a query names is read.

use crate::history::specs as history_specs;
use crate::marts::Marts;
use crate::shop::Pipeline;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::{Dimension, Publisher, StateTable, TargetRange, TargetTable};
use tillmart_engine::{Asked, DimensionTables, Question, ReadRows, Relation, query_fault, question, unknown_table};
use tillmart_lake::TableSpec;
use tillmart_model::{Fault, FaultKind, Result};
use tokio::sync::Mutex;

/// What the names of the program's own tables begin with.
const OWN: &str = "tillmart_";
/// What the names of tables of sums begin with.
const STATE: &str = "tillmart_state_";

/// Whoever asks: the marts as they are declared, planned once for many questions.
pub struct Explorer {
    pipeline: Pipeline,
    marts: Marts,
}

/// A table that can be asked by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTable {
    /// Its name.
    pub name: String,
    /// `delta` or `database`.
    pub lives_in: &'static str,
    /// What it holds.
    pub about: String,
}

/// Columns and rows, which come as they are made.
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows. Dropping the stream ends the work.
    pub rows: BoxStream<'static, Result<RecordBatch>>,
}

impl Pipeline {
    /// Opens everything that there is for questions. No row is read before one is asked.
    ///
    /// # Errors
    /// A database that is not set up, or a mart's file that is wrong.
    pub async fn explorer(&self) -> Result<Explorer> {
        self.seams.schema.check().await?;
        let columns = columns_of_dimensions()?;
        let marts = Marts::load(&self.options, &columns).await?;
        Ok(Explorer { pipeline: self.clone(), marts })
    }

    /// The same for somebody who stays and looks around: marts whose files are wrong are left out, and told.
    ///
    /// # Errors
    /// A database that is not set up.
    pub async fn explorer_of_usable(&self) -> Result<(Explorer, Option<Fault>)> {
        self.seams.schema.check().await?;
        let columns = columns_of_dimensions()?;
        let (marts, fault) = Marts::load_usable(&self.options, &columns).await;
        Ok((Explorer { pipeline: self.clone(), marts }, fault))
    }
}

/// Dimension tables without rows: to plan marts, only their columns count.
fn columns_of_dimensions() -> Result<DimensionTables> {
    let tables: BTreeMap<String, RecordBatch> = Dimension::ALL
        .iter()
        .map(|dimension| (dimension.name().to_owned(), RecordBatch::new_empty(dimension.schema())))
        .collect();
    DimensionTables::new(tables)
}

impl Explorer {
    /// Answers one statement that asks: a SELECT, its plan, `SHOW TABLES` or `DESCRIBE`.
    ///
    /// # Errors
    /// `Settings` for SQL that is wrong, does anything else than ask, or names what is not there; the table or database that cannot
    /// be read.
    pub async fn ask(&self, sql: &str) -> Result<Answer> {
        let tables = match question(sql)? {
            Question::Tables => return listing(&self.tables().await?),
            Question::Columns { table } => {
                return match self.columns(&table).await? {
                    Some(columns) => column_listing(&columns),
                    None => Err(self.unknown(sql, &table).await?),
                };
            }
            Question::Select { tables } => tables,
        };
        let mut relations = Vec::with_capacity(tables.len());
        for table in tables {
            match self.relation(&table).await? {
                Some(relation) => relations.push(relation),
                None => return Err(self.unknown(sql, &table).await?),
            }
        }
        let (schema, rows) =
            self.pipeline.seams.engine.stream(relations, sql).await.map_err(|error| query_fault(sql, &error))?;
        let sql = sql.to_owned();
        Ok(Answer { schema, rows: rows.map(move |rows| rows.map_err(|error| query_fault(&sql, &error))).boxed() })
    }

    /// Every table, mart and dimension: Delta tables, marts of the database, dimensions, then ledger and state.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub async fn tables(&self) -> Result<Vec<KnownTable>> {
        let known =
            |name: &str, lives_in, about: &str| KnownTable { name: name.to_owned(), lives_in, about: about.to_owned() };
        let specs = self.table_specs();
        let mut tables: Vec<KnownTable> = specs.iter().map(|spec| known(&spec.name, "delta", &spec.comment)).collect();
        tables.extend(self.marts.rollups.iter().map(|rollup| known(&rollup.name, "database", &rollup.about)));
        tables.extend(Dimension::ALL.iter().map(|dimension| known(dimension.name(), "database", "dimension")));
        for table in self.pipeline.seams.schema.tables().await? {
            if !tables.iter().any(|known| known.name == table) {
                tables.push(known(&table, "database", about(&table, &self.marts)));
            }
        }
        Ok(tables)
    }

    /// The columns of a table; `None` when there is none of this name.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub async fn columns(&self, table: &str) -> Result<Option<SchemaRef>> {
        if let Some(columns) = self.declared(table) {
            return Ok(Some(columns));
        }
        if self.pipeline.seams.schema.tables().await?.iter().any(|known| known == table) {
            return self.pipeline.seams.schema.columns(table).await.map(Some);
        }
        Ok(None)
    }

    /// The columns of one of [`Explorer::tables`]. Neither rows nor the log of a Delta table are read for it.
    ///
    /// # Errors
    /// The database that cannot be read, or does not have the table any more.
    pub async fn columns_of(&self, table: &KnownTable) -> Result<SchemaRef> {
        match self.declared(&table.name) {
            Some(columns) => Ok(columns),
            None => self.pipeline.seams.schema.columns(&table.name).await,
        }
    }

    /// Columns of the tables whose columns are known without asking the database.
    fn declared(&self, table: &str) -> Option<SchemaRef> {
        if let Some(spec) = self.table_specs().into_iter().find(|spec| spec.name == table) {
            return Some(spec.schema);
        }
        if let Some(dimension) = Dimension::ALL.iter().find(|dimension| dimension.name() == table) {
            return Some(dimension.schema());
        }
        let rollup = self.marts.rollups.iter().find(|rollup| rollup.name == table)?;
        Some(Marts::database_tables(rollup).1.schema)
    }

    async fn relation(&self, name: &str) -> Result<Option<Relation>> {
        let unreadable = |error: tillmart_engine::PlanError| {
            Fault::new(FaultKind::Database, format!("cannot read {name}")).found(error.strip_backtrace())
        };
        let seams = &self.pipeline.seams;
        if let Some(spec) = self.table_specs().into_iter().find(|spec| spec.name == name) {
            if self.marts.rows.iter().any(|mart| mart.name == name) {
                self.pipeline.is_not_behind(name).await?;
            }
            return self.pipeline.relation_of(&spec, None).await.map(Some);
        }
        if let Some(dimension) = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name) {
            let rows = seams.dimensions.read(dimension).await?;
            return Relation::rows(name, rows.schema(), vec![rows]).map(Some).map_err(unreadable);
        }
        if let Some(rollup) = self.marts.rollups.iter().find(|rollup| rollup.name == name) {
            let (_, target) = Marts::database_tables(rollup);
            self.pipeline.is_made(&rollup.name).await?;
            let schema = Arc::clone(&target.schema);
            let rows = OfMart { publisher: Arc::clone(&seams.publisher), target, read: Mutex::default() };
            return Ok(Some(Relation::asked(name, schema, Arc::new(rows))));
        }
        if seams.schema.tables().await?.iter().any(|table| table == name) {
            let rows = seams.schema.read_table(name).await?;
            return Relation::rows(name, rows.schema(), vec![rows]).map(Some).map_err(unreadable);
        }
        Ok(None)
    }

    /// Every Delta table: row-level marts, rejects, and the history of dimensions.
    fn table_specs(&self) -> Vec<TableSpec> {
        self.marts.table_specs().into_iter().chain(history_specs()).collect()
    }

    async fn unknown(&self, sql: &str, table: &str) -> Result<Fault> {
        let known = self.tables().await?;
        Ok(unknown_table(sql, table, known.iter().map(|known| known.name.as_str())))
    }
}

/// The published rows of a mart: of a question about some days or months only theirs are read.
struct OfMart {
    publisher: Arc<dyn Publisher>,
    target: TargetTable,
    /// What was read for the question before: a mart that it names twice is the same both times.
    read: Mutex<Vec<(Option<Asked>, Vec<RecordBatch>)>>,
}

impl std::fmt::Debug for OfMart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OfMart").field(&self.target.name).finish()
    }
}

#[async_trait]
impl ReadRows for OfMart {
    async fn read(&self, asked: Option<&Asked>) -> Result<Vec<RecordBatch>> {
        let mut read = self.read.lock().await;
        // All of it serves for any part, whose rows are looked at again.
        let serves = |before: &Option<Asked>| before.is_none() || before.as_ref() == asked;
        if let Some((_, rows)) = read.iter().find(|(before, _)| serves(before)) {
            return Ok(rows.clone());
        }
        let rows = match asked.cloned() {
            None => self.publisher.read_target(&self.target).await?,
            Some(Asked { column, first, last, only }) => {
                self.publisher.read_range(&self.target, &TargetRange { column, first, last, only }).await?
            }
        };
        read.push((asked.cloned(), rows.clone()));
        Ok(rows)
    }
}

/// What a table of the database is that is none of the marts' own.
fn about(table: &str, marts: &Marts) -> &'static str {
    if marts.rollups.iter().any(|rollup| StateTable::name_of(&rollup.name) == table) {
        return "state of the mart in its name";
    }
    match table {
        "product_staging_table" => "ledger: source files",
        "tillmart_batch" => "ledger: batches",
        "tillmart_run" => "ledger: runs",
        "tillmart_lease" => "ledger: who is at work",
        "tillmart_coupon_issue" => "coupons: rules, as issued for a month",
        "tillmart_coupon" => "coupons: codes, and whose they are",
        "tillmart_coupon_redemption" => "coupons: those redeemed",
        "tillmart_coupon_month" => "coupons: months issued for",
        "tillmart_report_month" => "reports: what months were told to be",
        "tillmart_migration" => "versions of these tables",
        _ if table.starts_with(STATE) => "state of a mart that is no more",
        _ if table.starts_with(OWN) => "ledger",
        _ => "no table of Tillmart's",
    }
}

fn listing(tables: &[KnownTable]) -> Result<Answer> {
    let texts = |text: fn(&KnownTable) -> &str| tables.iter().map(|table| text(table).to_owned()).collect();
    told(vec![
        ("name", texts(|table| &table.name)),
        ("lives_in", texts(|table| table.lives_in)),
        ("about", texts(|table| &table.about)),
    ])
}

fn column_listing(columns: &Schema) -> Result<Answer> {
    let texts = |text: &dyn Fn(&Field) -> String| columns.fields().iter().map(|field| text(field)).collect();
    told(vec![
        ("column", texts(&|field| field.name().clone())),
        ("type", texts(&|field| type_name(field.data_type()))),
        ("may_be_null", texts(&|field| if field.is_nullable() { "yes" } else { "no" }.to_owned())),
    ])
}

/// A type as the documents call it.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Binary => "bytes".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => other.to_string().to_lowercase(),
    }
}

fn told(columns: Vec<(&str, Vec<String>)>) -> Result<Answer> {
    let fields: Vec<Field> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let columns = columns.into_iter().map(|(_, texts)| Arc::new(StringArray::from(texts)) as ArrayRef).collect();
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns)
        .map_err(|error| Fault::new(FaultKind::Promise, "cannot list what there is").found(error))?;
    Ok(Answer { schema, rows: stream::iter([Ok(rows)]).boxed() })
}
