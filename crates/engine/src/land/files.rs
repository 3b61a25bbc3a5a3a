//! One Parquet file: rows in, a data file with its statistics out.

use super::{LandJob, store_fault, write_fault};
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::sum;
use arrow::datatypes::{DataType, Decimal128Type, SchemaRef};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;
use tillmart_model::{DataFile, Result};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Partition columns and values.
pub(super) type Partition = Vec<(String, Option<String>)>;

/// A Parquet file that grows in memory and is put in one piece: readers and crashes never see half of it.
pub(super) struct FileWriter {
    table: String,
    partition: Partition,
    schema: SchemaRef,
    money_column: Option<usize>,
    money_cents: i128,
    rows: u64,
    writer: ArrowWriter<Vec<u8>>,
}

impl FileWriter {
    /// A new file; `schema` has the columns without those that the partition tells.
    pub(super) fn open(table: &str, partition: Partition, schema: SchemaRef) -> Result<FileWriter> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(format!("tillmart {}", env!("CARGO_PKG_VERSION")))
            // Line numbers hardly repeat: a dictionary of them would only be thrown away.
            .set_column_dictionary_enabled("source_line".into(), false)
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(&schema), Some(properties))
            .map_err(|error| write_fault(table, error))?;
        let money_column = schema.column_with_name("total_cost").map(|(column, _)| column);
        Ok(FileWriter { table: table.to_owned(), partition, schema, money_column, money_cents: 0, rows: 0, writer })
    }

    /// Appends rows.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.rows += rows.num_rows() as u64;
        if let Some(column) = self.money_column
            && let Some(totals) = rows.column(column).as_primitive_opt::<Decimal128Type>()
        {
            self.money_cents += sum(totals).unwrap_or(0);
        }
        self.writer.write(rows).map_err(|error| write_fault(&self.table, error))
    }

    /// Bytes that the file holds in memory now.
    pub(super) fn memory(&self) -> usize {
        self.writer.memory_size() + self.writer.bytes_written()
    }

    /// Puts the file under a name that was never used before.
    pub(super) async fn finish(mut self, job: &LandJob, rewritten: bool) -> Result<DataFile> {
        let metadata = self.writer.finish().map_err(|error| write_fault(&self.table, error))?;
        let bytes = std::mem::take(self.writer.inner_mut());
        let money_cents = self.money_column.map(|_| self.money_cents);
        let finished = FinishedFile { pieces: vec![bytes.into()], metadata, rows: self.rows, money_cents };
        finished.put(job, self.table, self.partition, &self.schema, rewritten).await
    }
}

/// A Parquet file as it will lie in the store.
pub(super) struct FinishedFile {
    /// Its bytes, one piece after the other.
    pub(super) pieces: Vec<Bytes>,
    pub(super) metadata: ParquetMetaData,
    pub(super) rows: u64,
    /// Sum of `total_cost` in cents as the writer counted it, where the table has that column.
    pub(super) money_cents: Option<i128>,
}

impl FinishedFile {
    /// Puts the file under a name that was never used before.
    async fn put(
        self,
        job: &LandJob,
        table: String,
        partition: Partition,
        schema: &SchemaRef,
        rewritten: bool,
    ) -> Result<DataFile> {
        let mut path = String::new();
        for (column, value) in &partition {
            path.push_str(&format!("{column}={}/", folder(value.as_deref())));
        }
        path.push_str(&format!("batch-{}-{}.parquet", job.batch_id, Uuid::new_v4().simple()));
        let place = job.path(&format!("{table}/{path}"))?;
        let started = Instant::now();
        let put = self.put_at(&job.objects, &place, schema).await;
        job.profile.add("put files", started);
        Ok(DataFile { table, path, rewritten, partition, ..put? })
    }

    /// Puts the file. What is told of it lacks table, path and partition.
    async fn put_at(self, objects: &Arc<dyn ObjectStore>, place: &Path, schema: &SchemaRef) -> Result<DataFile> {
        let stats = stats(&self.metadata, schema).to_string();
        let size = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        let put = objects.put(place, PutPayload::from_iter(self.pieces)).await;
        put.map_err(|error| store_fault("write", place.as_ref(), error))?;
        Ok(DataFile {
            table: String::new(),
            path: String::new(),
            size,
            rows: self.rows,
            rewritten: false,
            partition: Vec::new(),
            stats,
            money_cents: self.money_cents,
        })
    }
}

/// Puts rows of a table without partitions as one data file, under a name that was never used before. `folder` is the table's
/// place in the store.
///
/// # Errors
/// `Table` for rows that cannot be written, `Store` when the store refuses.
pub async fn put_rows(
    objects: &Arc<dyn ObjectStore>,
    folder: &Path,
    table: &str,
    rows: &RecordBatch,
) -> Result<DataFile> {
    let mut writer = FileWriter::open(table, Vec::new(), rows.schema())?;
    writer.write(rows)?;
    let metadata = writer.writer.finish().map_err(|error| write_fault(table, error))?;
    let pieces = vec![std::mem::take(writer.writer.inner_mut()).into()];
    let finished = FinishedFile { pieces, metadata, rows: writer.rows, money_cents: None };
    let path = format!("rows-{}.parquet", Uuid::new_v4().simple());
    let put = finished.put_at(objects, &folder.clone().join(path.as_str()), &rows.schema()).await?;
    Ok(DataFile { table: table.to_owned(), path, ..put })
}

/// Files put beside each other, and bytes of them: bringing a file to the disk is mostly waiting, and a folder's disk is waited for
/// by many at once as long as by one.
const PUTS: usize = 32;
const PUTS_BYTES: usize = 8 << 20;

/// Files on their way to the store, while the next ones are written.
pub(super) struct Puts {
    job: Arc<LandJob>,
    running: JoinSet<Result<(DataFile, usize)>>,
    running_bytes: usize,
    put: Vec<DataFile>,
}

impl Puts {
    pub(super) fn new(job: &Arc<LandJob>) -> Puts {
        Puts { job: Arc::clone(job), running: JoinSet::new(), running_bytes: 0, put: Vec::new() }
    }

    /// Puts a file that holds about so many bytes as soon as it is finished; waits while too many are on their way.
    pub(super) async fn put(
        &mut self,
        table: &str,
        partition: Partition,
        schema: &SchemaRef,
        bytes: usize,
        finished: oneshot::Receiver<Result<FinishedFile>>,
    ) -> Result<()> {
        while self.running.len() >= PUTS || self.running_bytes >= PUTS_BYTES {
            self.one().await?;
        }
        self.running_bytes += bytes;
        let (job, table, schema) = (Arc::clone(&self.job), table.to_owned(), SchemaRef::clone(schema));
        self.running.spawn(async move {
            let finished = finished.await.map_err(|error| write_fault(&table, error))??;
            let rewritten = job.rewritten;
            Ok((finished.put(&job, table, partition, &schema, rewritten).await?, bytes))
        });
        Ok(())
    }

    async fn one(&mut self) -> Result<()> {
        if let Some(put) = self.running.join_next().await {
            let (put, bytes) = put.map_err(|error| write_fault("sales", error))??;
            self.running_bytes -= bytes;
            self.put.push(put);
        }
        Ok(())
    }

    /// Waits for all of them.
    pub(super) async fn finish(mut self) -> Result<Vec<DataFile>> {
        while !self.running.is_empty() {
            self.one().await?;
        }
        Ok(self.put)
    }
}

/// A partition value as a folder's name: for people only, the table's log tells the value.
fn folder(value: Option<&str>) -> String {
    match value {
        None => "__HIVE_DEFAULT_PARTITION__".to_owned(),
        Some(value) => value
            .chars()
            .take(64)
            .map(
                |letter| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '_' },
            )
            .collect(),
    }
}

/// Delta statistics of the integers and dates: what readers skip files by. Decimals are left out, because JSON readers
/// take them for floats.
fn stats(metadata: &ParquetMetaData, schema: &SchemaRef) -> Value {
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (column, field) in schema.fields().iter().enumerate() {
        let chunks: Vec<&Statistics> =
            metadata.row_groups().iter().filter_map(|group| group.column(column).statistics()).collect();
        if chunks.len() == metadata.num_row_groups() {
            let count: u64 = chunks.iter().filter_map(|chunk| chunk.null_count_opt()).sum();
            nulls.insert(field.name().clone(), json!(count));
        }
        let Some((low, high)) = column_bounds(metadata, column) else { continue };
        if let (Some(low), Some(high)) = (bound_json(low, field.data_type()), bound_json(high, field.data_type())) {
            least.insert(field.name().clone(), low);
            greatest.insert(field.name().clone(), high);
        }
    }
    let rows: i64 = metadata.row_groups().iter().map(|group| group.num_rows()).sum();
    json!({ "numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": nulls })
}

/// The bounds of an integer column over all row groups; `None` for other types, for NULLs only, and where a row group
/// does not tell: bounds that leave rows out would make readers skip them.
fn column_bounds(metadata: &ParquetMetaData, column: usize) -> Option<(i64, i64)> {
    let mut all: Option<(i64, i64)> = None;
    for group in metadata.row_groups() {
        let chunk = group.column(column);
        let statistics = chunk.statistics()?;
        if statistics.null_count_opt() == u64::try_from(chunk.num_values()).ok() {
            continue;
        }
        let (low, high) = match statistics {
            Statistics::Int32(values) => (i64::from(*values.min_opt()?), i64::from(*values.max_opt()?)),
            Statistics::Int64(values) => (*values.min_opt()?, *values.max_opt()?),
            _ => return None,
        };
        all = Some(all.map_or((low, high), |(least, greatest)| (least.min(low), greatest.max(high))));
    }
    all
}

fn bound_json(value: i64, data_type: &DataType) -> Option<Value> {
    match data_type {
        DataType::Int32 | DataType::Int64 => Some(json!(value)),
        DataType::Date32 => {
            let day = i32::try_from(value).ok()?;
            let date = arrow::datatypes::Date32Type::to_naive_date_opt(day)?;
            Some(json!(date.format("%Y-%m-%d").to_string()))
        }
        _ => None,
    }
}
