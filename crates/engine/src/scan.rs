//! The active data files of a table as one plain Parquet scan.
//!
//! Delta's own table provider has no codec to travel with a plan (decision 4), so the driver lists the files and
//! the plan carries them.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableType};
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

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
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
        let groups = spread(&self.files, state.config().target_partitions());
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
