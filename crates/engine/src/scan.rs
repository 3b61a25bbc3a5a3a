//! The active data files of a table as one plain Parquet scan.
//!
//! Delta's own table provider has no codec to travel with a plan (decision 4), so the driver lists the files and
//! the plan carries them.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use object_store::ObjectStore;
use object_store::path::Path;
use std::sync::Arc;
use url::Url;

/// The object store that data files lie in.
#[derive(Debug, Clone)]
pub struct Objects {
    /// The client.
    pub store: Arc<dyn ObjectStore>,
    /// Any URL in it: scheme and host say which store it is.
    pub url: Url,
}

impl Objects {
    /// The name under which plans ask for the store.
    fn name(&self) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(&self.url[..url::Position::BeforePath])
    }
}

/// Data files with one schema, some of whose columns are told by the partition and not by the file.
#[derive(Debug)]
pub struct LandedFiles {
    schema: SchemaRef,
    table_schema: TableSchema,
    files: Vec<PartitionedFile>,
    objects: Objects,
}

/// One data file: path from the store's root, size, and partition values as the table's log tells them.
#[derive(Debug, Clone)]
pub struct LandedFile {
    /// Path from the store's root.
    pub path: Path,
    /// Bytes.
    pub size: u64,
    /// Partition columns and values.
    pub partition: Vec<(String, Option<String>)>,
}

impl LandedFiles {
    /// A relation over these files. `schema` has every column in the order of the table.
    ///
    /// # Errors
    /// A plan error when a partition value does not fit its column.
    pub fn new(
        objects: &Objects,
        schema: SchemaRef,
        partition_columns: &[String],
        files: &[LandedFile],
    ) -> Result<LandedFiles> {
        let is_partition = |field: &Field| partition_columns.contains(field.name());
        let file_fields: Vec<Field> =
            schema.fields().iter().filter(|field| !is_partition(field)).map(|field| field.as_ref().clone()).collect();
        let partition_fields = partition_columns
            .iter()
            .map(|name| schema.field_with_name(name).map(|field| Arc::new(field.clone())))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let files = files
            .iter()
            .map(|file| {
                let values =
                    partition_fields.iter().map(|field| partition_value(file, field)).collect::<Result<Vec<_>>>()?;
                let mut partitioned = PartitionedFile::new("", file.size);
                partitioned.object_meta.location = file.path.clone();
                Ok(partitioned.with_partition_values(values))
            })
            .collect::<Result<Vec<_>>>()?;
        let table_schema = TableSchema::builder(Arc::new(Schema::new(file_fields)))
            .with_table_partition_cols(partition_fields)
            .build();
        Ok(LandedFiles { schema, table_schema, files, objects: objects.clone() })
    }
}

impl LandedFiles {
    /// Whether a filter looks at nothing but partition columns: then whole files are left out before they are opened.
    fn is_of_partitions(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        let fields = self.table_schema.table_partition_cols();
        let is_partition = |name: &str| fields.iter().any(|field| field.name() == name);
        !columns.is_empty() && !filter.is_volatile() && columns.iter().all(|column| is_partition(&column.name))
    }

    /// The files that may hold rows for these filters.
    fn matching(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
        let filters = filters.iter().filter(|filter| self.is_of_partitions(filter)).cloned();
        let Some(filter) = conjunction(filters) else { return Ok(self.files.clone()) };
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let fields = self.table_schema.table_partition_cols();
        let column =
            |at: usize| ScalarValue::iter_to_array(self.files.iter().map(|file| file.partition_values[at].clone()));
        let columns = (0..fields.len()).map(column).collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Schema::new(fields.iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>()));
        let values = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
        let holds = filter.evaluate(&values)?.into_array(self.files.len())?;
        let holds = holds.as_boolean();
        let files = self.files.iter().enumerate();
        Ok(files.filter(|(at, _)| holds.is_valid(*at) && holds.value(*at)).map(|(_, file)| file.clone()).collect())
    }
}

fn partition_value(file: &LandedFile, field: &Field) -> Result<ScalarValue> {
    let text = file.partition.iter().find(|(name, _)| name == field.name()).and_then(|(_, value)| value.as_deref());
    match text {
        None => ScalarValue::try_from(field.data_type()),
        Some(text) => match field.data_type() {
            DataType::Utf8 => Ok(ScalarValue::Utf8(Some(text.to_owned()))),
            data_type => ScalarValue::try_from_string(text.to_owned(), data_type),
        },
    }
}

#[async_trait]
impl TableProvider for LandedFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Rows are filtered again: here only files are left out.
        let told = |filter: &&Expr| match self.is_of_partitions(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(told).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scanned = self.table_schema.table_schema();
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let indices = wanted
            .iter()
            .map(|index| scanned.index_of(self.schema.field(*index).name()).map_err(DataFusionError::from))
            .collect::<Result<Vec<_>>>()?;
        let source = Arc::new(ParquetSource::new(self.table_schema.clone()));
        let files = self.matching(state, filters)?;
        let groups = spread(&files, state.config().target_partitions());
        let name = self.objects.name()?;
        state.runtime_env().register_object_store(name.as_ref(), Arc::clone(&self.objects.store));
        let config = FileScanConfigBuilder::new(name, source)
            .with_file_groups(groups)
            .with_projection_indices(Some(indices))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Spreads files over at most `parts` groups of about equal bytes.
fn spread(files: &[PartitionedFile], parts: usize) -> Vec<FileGroup> {
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); parts.clamp(1, files.len().max(1))];
    for file in files {
        if let Some((bytes, group)) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += file.object_meta.size.max(1);
            group.push(file.clone());
        }
    }
    groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;
    use object_store::memory::InMemory;

    /// The files that a query opens, of one a month and store. None of them is there: they must not be looked at before.
    async fn opened(filter: &str) -> Vec<String> {
        let objects = Objects { store: Arc::new(InMemory::new()), url: Url::parse("memory:///").unwrap() };
        let fields = [("sales_month", DataType::Utf8), ("store_id", DataType::Int32), ("quantity", DataType::Int32)];
        let schema = Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec());
        let file = |month: &str, store: Option<i32>| LandedFile {
            path: Path::from(format!("{month} {}", store.map_or_else(|| "none".to_owned(), |store| store.to_string()))),
            size: 100,
            partition: vec![
                ("sales_month".to_owned(), Some(month.to_owned())),
                ("store_id".to_owned(), store.map(|store| store.to_string())),
            ],
        };
        let files =
            [file("2024-05", Some(1)), file("2024-05", Some(2)), file("2024-06", Some(1)), file("2024-06", None)];
        let partitions = ["sales_month".to_owned(), "store_id".to_owned()];
        let table = LandedFiles::new(&objects, Arc::new(schema), &partitions, &files).unwrap();
        let context = SessionContext::new();
        context.register_table("sales", Arc::new(table)).unwrap();
        let frame = context.sql(&format!("SELECT quantity FROM sales WHERE {filter}")).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let plan = displayable(plan.as_ref()).indent(true).to_string();
        let mut names: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
        names.retain(|name| {
            plan.contains(&format!("{name},"))
                || plan.contains(&format!("{name}]"))
                || plan.contains(&format!("{name}:"))
        });
        names
    }

    #[tokio::test]
    async fn files_of_other_partitions_are_not_opened() {
        assert_eq!(opened("sales_month = '2024-05'").await, ["2024-05 1", "2024-05 2"]);
        assert_eq!(opened("sales_month >= '2024-06' AND store_id = 1 AND quantity > 3").await, ["2024-06 1"]);
        assert_eq!(opened("store_id IN (2, 3)").await, ["2024-05 2"]);
        assert_eq!(opened("store_id IS NULL").await, ["2024-06 none"]);
        assert_eq!(opened("quantity > 3").await.len(), 4);
        assert_eq!(opened("store_id = 2 OR quantity > 3").await.len(), 4, "a row of any file may be meant");
        assert!(opened("sales_month = '2023-01'").await.is_empty());
    }
}
