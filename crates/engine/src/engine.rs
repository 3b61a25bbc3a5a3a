//! Where plans run: here, or (later) on a cluster. The same operators and the same SQL either way.

use crate::asked::{AskedRows, ReadRows};
use crate::dimensions::DimensionTables;
use crate::land::{LandExec, LandJob, exec_manifests};
use crate::mart::{PaidScope, payments};
use crate::scan::{LandedFile, LandedFiles, Objects};
use crate::session::session;
use arrow::array::{Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, SchemaRef};
use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::Literal;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::collect;
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Incentive, Manifest, Result, Split, Ties};

/// A relation that SQL can name.
#[derive(Debug, Clone)]
pub struct Relation {
    name: String,
    provider: Arc<dyn TableProvider>,
}

impl Relation {
    /// Rows in memory, under a name.
    ///
    /// # Errors
    /// Batches of another schema.
    pub fn rows(
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> std::result::Result<Relation, DataFusionError> {
        let table = MemTable::try_new(schema, vec![batches])?;
        Ok(Relation { name: name.to_owned(), provider: Arc::new(table) })
    }

    /// Rows that are read when a plan asks for them, under a name.
    pub fn asked(name: &str, schema: SchemaRef, rows: Arc<dyn ReadRows>) -> Relation {
        Relation { name: name.to_owned(), provider: Arc::new(AskedRows { schema, rows }) }
    }

    /// The landed rows of these data files, under a name.
    ///
    /// # Errors
    /// A partition value that does not fit its column.
    pub fn landed(
        name: &str,
        objects: &Objects,
        schema: SchemaRef,
        partition_columns: &[String],
        files: &[LandedFile],
    ) -> std::result::Result<Relation, DataFusionError> {
        let table = LandedFiles::new(objects, schema, partition_columns, files)?;
        Ok(Relation { name: name.to_owned(), provider: Arc::new(table) })
    }

    /// The same relation with those rows only whose column holds one of these values.
    ///
    /// # Errors
    /// A relation without such a column.
    pub fn only<V: Clone + Literal>(
        self,
        column: &str,
        values: &[V],
    ) -> std::result::Result<Relation, DataFusionError> {
        let values = values.iter().map(|value| lit(value.clone())).collect();
        let frame = SessionContext::new().read_table(self.provider)?.filter(col(column).in_list(values, false))?;
        Ok(Relation { name: self.name, provider: frame.into_view() })
    }

    /// The same relation with those rows only whose column holds this day; data files whose statistics rule it out are not read.
    ///
    /// # Errors
    /// A relation without such a column.
    pub fn on_day(self, column: &str, day: NaiveDate) -> std::result::Result<Relation, DataFusionError> {
        let day = lit(ScalarValue::Date32(Some(Date32Type::from_naive_date(day))));
        let frame = SessionContext::new().read_table(self.provider)?.filter(col(column).eq(day))?;
        Ok(Relation { name: self.name, provider: frame.into_view() })
    }

    /// The same relation with these columns only, in their order.
    ///
    /// # Errors
    /// A column that the relation does not have.
    pub fn only_columns(self, schema: &SchemaRef) -> std::result::Result<Relation, DataFusionError> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let frame = SessionContext::new().read_table(self.provider)?.select_columns(&names)?;
        Ok(Relation { name: self.name, provider: frame.into_view() })
    }

    /// The same relation under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Relation {
        name.clone_into(&mut self.name);
        self
    }

    /// The relation `payments`: what the incentive plan pays.
    ///
    /// # Errors
    /// An amount that its column does not hold.
    pub fn payments(scopes: &[PaidScope]) -> std::result::Result<Relation, DataFusionError> {
        Relation::rows(payments::NAME, payments::schema(), vec![payments::rows(scopes)?])
    }

    /// The settings' relation `incentive`, one row: the plan as far as one rate tells it.
    ///
    /// # Errors
    /// None that a valid setting leads to.
    pub fn incentive(incentive: &Incentive) -> std::result::Result<Relation, DataFusionError> {
        let schema = crate::mart::incentive_schema();
        let ties = match incentive.ties {
            Ties::All => "all",
            Ties::Split => "split",
        };
        let first = incentive.rates.first().copied().unwrap_or(0);
        let rate = Decimal128Array::from(vec![i128::from(first)]).with_precision_and_scale(9, 6)?;
        let row = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(rate),
                Arc::new(StringArray::from(vec![ties])),
                Arc::new(Int64Array::from(vec![i64::from(incentive.top)])),
            ],
        )?;
        Relation::rows("incentive", schema, vec![row])
    }

    /// Every dimension table under its name.
    ///
    /// # Errors
    /// None that tables read from the database lead to.
    pub fn dimensions(tables: &DimensionTables) -> std::result::Result<Vec<Relation>, DataFusionError> {
        tables.tables().map(|(name, rows)| Relation::rows(name, rows.schema(), vec![rows.clone()])).collect()
    }

    /// The name SQL knows it by.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Rows as they come.
pub type RowStream = BoxStream<'static, std::result::Result<RecordBatch, DataFusionError>>;

/// Runs landing tasks and mart SQL.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Runs every task and returns their manifests, in no particular order. Tasks run beside each other; a task either
    /// returns a manifest of all its splits or fails the call. What failed tasks wrote stays invisible.
    async fn land(&self, job: Arc<LandJob>, tasks: Vec<Vec<Split>>) -> Result<Vec<Manifest>>;

    /// Runs one SELECT over these relations and returns its rows. Sorts and aggregates spill beyond the memory limit.
    async fn select(
        &self,
        relations: Vec<Relation>,
        sql: &str,
    ) -> std::result::Result<(SchemaRef, Vec<RecordBatch>), DataFusionError>;

    /// The same, row by row: batches come as they are made, and no more of them are held than the plan needs. Dropping the stream ends
    /// the work.
    async fn stream(
        &self,
        relations: Vec<Relation>,
        sql: &str,
    ) -> std::result::Result<(SchemaRef, RowStream), DataFusionError>;

    /// How many tasks run beside each other.
    fn tasks(&self) -> usize;
}

/// The engine in this process.
#[derive(Debug, Clone)]
pub struct Embedded {
    tasks: usize,
    memory_bytes: usize,
}

impl Embedded {
    /// With `tasks` threads of work and `memory_bytes` for sorts and aggregates.
    pub fn new(tasks: usize, memory_bytes: usize) -> Embedded {
        Embedded { tasks: tasks.max(1), memory_bytes }
    }

    async fn frame(&self, relations: Vec<Relation>, sql: &str) -> std::result::Result<DataFrame, DataFusionError> {
        let context =
            session(self.tasks, self.memory_bytes).map_err(|fault| DataFusionError::External(Box::new(fault)))?;
        for relation in relations {
            context.register_table(relation.name.as_str(), relation.provider)?;
        }
        context.sql_with_options(sql, read_only()).await
    }
}

#[async_trait]
impl Engine for Embedded {
    async fn land(&self, job: Arc<LandJob>, tasks: Vec<Vec<Split>>) -> Result<Vec<Manifest>> {
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        let context = session(self.tasks, self.memory_bytes)?;
        let plan = LandExec::over(job, &tasks).map_err(|error| land_fault(&error))?;
        let gathered = Arc::new(CoalescePartitionsExec::new(Arc::new(plan)));
        let output = collect(gathered, context.task_ctx()).await.map_err(|error| land_fault(&error))?;
        exec_manifests(&output)
    }

    async fn select(
        &self,
        relations: Vec<Relation>,
        sql: &str,
    ) -> std::result::Result<(SchemaRef, Vec<RecordBatch>), DataFusionError> {
        let frame = self.frame(relations, sql).await?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        Ok((schema, frame.collect().await?))
    }

    async fn stream(
        &self,
        relations: Vec<Relation>,
        sql: &str,
    ) -> std::result::Result<(SchemaRef, RowStream), DataFusionError> {
        let rows = self.frame(relations, sql).await?.execute_stream().await?;
        Ok((rows.schema(), rows.boxed()))
    }

    fn tasks(&self) -> usize {
        self.tasks
    }
}

fn read_only() -> datafusion::execution::context::SQLOptions {
    datafusion::execution::context::SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
}

/// A fault that a task raised comes back as it was; anything else is the engine's.
fn land_fault(error: &DataFusionError) -> Fault {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(fault) = inner.downcast_ref::<Fault>()
    {
        return fault.clone();
    }
    Fault::new(FaultKind::Store, "landing broke off")
        .found(error.strip_backtrace())
        .hint("nothing was committed; run again, and report this if it comes back")
}
