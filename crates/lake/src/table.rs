//! Delta tables below the storage root.

use crate::Store;
use crate::remote::told_by;
use arrow::datatypes::SchemaRef;
use deltalake_core::kernel::StructField;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use deltalake_core::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::{Arc, Once};
use tillmart_model::{Fault, FaultKind, Result};
use url::Url;

/// What a table must be.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Name: its folder below the storage root.
    pub name: String,
    /// What it holds, for the table's metadata.
    pub comment: String,
    /// Every column, partition columns included.
    pub schema: SchemaRef,
    /// Partition columns in order.
    pub partition_columns: Vec<String>,
    /// Properties kept with the table, e.g. the number of buckets; a later difference is a fault.
    pub properties: BTreeMap<String, String>,
}

/// A data file that a version of the table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveFile {
    /// Path within the table.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows, where the statistics tell.
    pub rows: Option<u64>,
    /// Partition values in the table's order.
    pub partition: Vec<(String, Option<String>)>,
    /// Statistics as JSON.
    pub stats: Option<String>,
}

/// One version of a table.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    /// The table.
    pub name: String,
    /// Delta version.
    pub version: u64,
    /// Partition columns in order.
    pub partition_columns: Vec<String>,
    /// Its data files, by path.
    pub files: Vec<ActiveFile>,
}

/// The Delta tables below one storage root.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(crate) store: Store,
}

impl Lake {
    /// The tables below this root.
    pub fn new(store: Store) -> Lake {
        Lake { store }
    }

    /// Makes the table if it is missing, else checks that it is what the spec says.
    ///
    /// # Errors
    /// `Table` when an existing table has other columns, partitions or properties.
    pub async fn ensure(&self, spec: &TableSpec) -> Result<()> {
        self.ensure_with(spec, &[]).await
    }

    /// The same; a table that lacks only last columns of the spec, all of them among `later`, gets them. They are NULL in the rows
    /// that it has.
    ///
    /// # Errors
    /// As [`Lake::ensure`].
    pub async fn ensure_with(&self, spec: &TableSpec, later: &[String]) -> Result<()> {
        let Some(table) = self.load(&spec.name, None).await? else { return self.create(spec).await };
        let lacking = lacking(&table, spec, later)?;
        if lacking.is_empty() {
            return check(&table, spec);
        }
        let widened = table.add_columns().with_fields(lacking).await;
        // Another run may have been faster: look, then decide.
        match (self.load(&spec.name, None).await?, widened) {
            (Some(table), _) if self::lacking(&table, spec, later)?.is_empty() => check(&table, spec),
            (_, Err(error)) => Err(delta_fault("add columns to", &spec.name, &error)),
            (_, Ok(_)) => Err(table_fault("add columns to", &spec.name, "they are not there")),
        }
    }

    async fn create(&self, spec: &TableSpec) -> Result<()> {
        let fields = spec
            .schema
            .fields()
            .iter()
            .map(|field| field.as_ref().try_into_kernel())
            .collect::<std::result::Result<Vec<StructField>, _>>()
            .map_err(|error| table_fault("make", &spec.name, error))?;
        let log_store =
            self.builder(&spec.name)?.build_storage().map_err(|error| delta_fault("make", &spec.name, &error))?;
        let made = CreateBuilder::new()
            .with_log_store(log_store)
            .with_table_name(&spec.name)
            .with_comment(&spec.comment)
            .with_columns(fields)
            .with_partition_columns(spec.partition_columns.clone())
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_raise_if_key_not_exists(false)
            .with_configuration(spec.properties.iter().map(|(key, value)| (key.clone(), Some(value.clone()))))
            .await;
        match made {
            Ok(_) => Ok(()),
            // Another run may have made it in the meantime: look, then decide.
            Err(error) => match self.load(&spec.name, None).await? {
                Some(table) => check(&table, spec),
                None => Err(delta_fault("make", &spec.name, &error)),
            },
        }
    }

    /// A version of a table, or the newest; `None` when there is no such table.
    ///
    /// # Errors
    /// `Table` when the log cannot be read, or has no such version.
    pub async fn snapshot(&self, name: &str, version: Option<u64>) -> Result<Option<TableSnapshot>> {
        let Some(table) = self.load(name, version).await? else { return Ok(None) };
        snapshot_of(name, &table).await.map(Some)
    }

    /// The newest version of a table, and the newest transaction of `application` that it holds; `None` when there is no such
    /// table.
    ///
    /// # Errors
    /// `Table` when the log cannot be read.
    pub async fn newest(&self, name: &str, application: &str) -> Result<Option<(TableSnapshot, Option<i64>)>> {
        let Some(table) = self.load(name, None).await? else { return Ok(None) };
        let fault = |error: &DeltaTableError| delta_fault("read", name, error);
        let state = table.snapshot().map_err(|error| fault(&error))?;
        let log_store = table.log_store();
        let held = state.transaction_version(log_store.as_ref(), application).await.map_err(|error| fault(&error))?;
        Ok(Some((snapshot_of(name, &table).await?, held)))
    }

    /// Deletes files that no version younger than `age_hours` holds. Returns how many.
    ///
    /// # Errors
    /// `Table` when the table is missing or the log cannot be read.
    pub async fn vacuum(&self, name: &str, age_hours: u32) -> Result<usize> {
        let Some(table) = self.load(name, None).await? else { return Ok(0) };
        let (_, metrics) = table
            .vacuum()
            .with_retention_period(chrono::Duration::hours(i64::from(age_hours)))
            .with_enforce_retention_duration(false)
            .with_mode(deltalake_core::operations::vacuum::VacuumMode::Full)
            .await
            .map_err(|error| delta_fault("vacuum", name, &error))?;
        Ok(metrics.files_deleted.len() + self.store.remove_abandoned(name, age_hours).await?)
    }

    pub(crate) async fn load(&self, name: &str, version: Option<u64>) -> Result<Option<DeltaTable>> {
        let load = || async {
            let builder = self.builder(name)?;
            Ok(version.into_iter().fold(builder, DeltaTableBuilder::with_version).load().await)
        };
        let error = match load().await? {
            Ok(table) => return Ok(Some(table)),
            Err(DeltaTableError::NotATable(_)) => return Ok(None),
            Err(error) => error,
        };
        if self.store.list(&format!("{name}/_delta_log")).await?.is_empty() {
            return Ok(None);
        }
        // There is a log now, and there may have been none before: another run may be making the table. What is wrong with a log is
        // wrong with it the second time, too.
        load().await?.map(Some).map_err(|_| delta_fault("read", name, &error))
    }

    fn builder(&self, name: &str) -> Result<DeltaTableBuilder> {
        register_log_stores();
        let url = self.store.url().join(&format!("{name}/")).map_err(|error| table_fault("open", name, error))?;
        Ok(DeltaTableBuilder::from_url(url.clone())
            .map_err(|error| delta_fault("open", name, &error))?
            .with_storage_backend(self.store.objects(), url))
    }
}

/// A table's version with its data files.
async fn snapshot_of(name: &str, table: &DeltaTable) -> Result<TableSnapshot> {
    let state = table.snapshot().map_err(|error| delta_fault("read", name, &error))?;
    let partition_columns: Vec<String> = state.metadata().partition_columns().to_vec();
    let log_store = table.log_store();
    let mut files: Vec<ActiveFile> = state
        .snapshot()
        .file_views(log_store.as_ref(), None)
        .map_ok(|view| {
            let mut values = view.partition_values_map();
            ActiveFile {
                path: view.object_store_path().to_string(),
                size: u64::try_from(view.size()).unwrap_or(0),
                rows: view.num_records().map(|rows| rows as u64),
                partition: partition_columns
                    .iter()
                    .map(|column| (column.clone(), values.remove(column).flatten()))
                    .collect(),
                stats: view.stats(),
            }
        })
        .try_collect()
        .await
        .map_err(|error| delta_fault("read", name, &error))?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(TableSnapshot { name: name.to_owned(), version: state.version(), partition_columns, files })
}

/// Commits by creating the log's next file if it is absent, which every store here promises.
struct ByCreation;

impl LogStoreFactory for ByCreation {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// The Delta library knows folders by itself, and other schemes by registration.
fn register_log_stores() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        for scheme in ["s3://", "gs://", "az://", "azure://", "abfs://", "abfss://"] {
            if let Ok(scheme) = Url::parse(scheme) {
                logstore_factories().insert(scheme, Arc::new(ByCreation));
            }
        }
    });
}

/// The columns that a table lacks, if it has all others of the spec in their order, and these are among `later` and may be NULL.
fn lacking(table: &DeltaTable, spec: &TableSpec, later: &[String]) -> Result<Vec<StructField>> {
    let state = table.snapshot().map_err(|error| delta_fault("read", &spec.name, &error))?;
    let has = state.schema().fields().count();
    let wanted: Vec<StructField> = spec
        .schema
        .fields()
        .iter()
        .map(|field| field.as_ref().try_into_kernel())
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| table_fault("check", &spec.name, error))?;
    let is_same =
        |(one, other): (&StructField, &StructField)| one.name() == other.name() && one.data_type() == other.data_type();
    if has >= wanted.len() || !state.schema().fields().zip(&wanted).all(is_same) {
        return Ok(Vec::new());
    }
    let more = wanted[has..].to_vec();
    let may_come = |field: &StructField| field.is_nullable() && later.contains(field.name());
    Ok(if more.iter().all(may_come) { more } else { Vec::new() })
}

fn check(table: &DeltaTable, spec: &TableSpec) -> Result<()> {
    let state = table.snapshot().map_err(|error| delta_fault("read", &spec.name, &error))?;
    let columns = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let found = columns(&mut state.schema().fields().map(|field| format!("{} {}", field.name(), field.data_type())));
    let wanted: Vec<StructField> = spec
        .schema
        .fields()
        .iter()
        .map(|field| field.as_ref().try_into_kernel())
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| table_fault("check", &spec.name, error))?;
    let expected = columns(&mut wanted.iter().map(|field| format!("{} {}", field.name(), field.data_type())));
    if found != expected {
        return Err(differs(&spec.name, "columns", expected, found));
    }
    let partitions = state.metadata().partition_columns().to_vec();
    if partitions != spec.partition_columns {
        return Err(differs(&spec.name, "partitions", spec.partition_columns.join(", "), partitions.join(", ")));
    }
    let kept = state.metadata().configuration();
    for (key, value) in &spec.properties {
        if kept.get(key) != Some(value) {
            let found = kept.get(key).map_or_else(|| "nothing".to_owned(), |found| format!("{key} = {found}"));
            return Err(differs(&spec.name, "properties", format!("{key} = {value}"), found));
        }
    }
    Ok(())
}

fn differs(table: &str, what: &str, expected: String, found: String) -> Fault {
    Fault::new(FaultKind::Table, format!("the table {table} has other {what} than its mart"))
        .at(table.to_owned())
        .expected(expected)
        .found(found)
        .hint("give the mart back its old shape, or name a new target in its header: a table is never changed silently")
}

/// What the Delta library could not do; where the store told why, in the store's words.
pub(crate) fn delta_fault(doing: &str, table: &str, error: &DeltaTableError) -> Fault {
    let fault = table_fault(doing, table, error);
    match told_by(error) {
        Some(told) => {
            let fault = fault.found(&told.text);
            match &told.hint {
                Some(hint) => fault.hint(hint.clone()),
                None => fault,
            }
        }
        None => fault,
    }
}

pub(crate) fn table_fault(doing: &str, table: &str, error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Table, format!("cannot {doing} the table {table}")).at(table.to_owned()).found(error).hint(
        "check the table's folder and its _delta_log, then run again: an unfinished batch is finished by the next run",
    )
}
