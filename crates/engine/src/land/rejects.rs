//! The rejects table: rows that broke the contract, as they came.

use super::files::FileWriter;
use super::{LandJob, write_fault};
use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;
use tillmart_feed::Reject;
use tillmart_model::{DataFile, FileFault, Result};

/// Columns of the rejects table. `replayed_batch_id` is the batch that landed the row later; NULL while it is open.
pub fn rejects_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("source_file_id", DataType::Int64, true),
        Field::new("file", DataType::Utf8, true),
        Field::new("line", DataType::Int64, true),
        Field::new("byte_offset", DataType::Int64, true),
        Field::new("column_name", DataType::Utf8, true),
        Field::new("code", DataType::Utf8, true),
        Field::new("message", DataType::Utf8, true),
        Field::new("raw", DataType::Binary, true),
        Field::new("batch_id", DataType::Int64, true),
        Field::new("replayed_batch_id", DataType::Int64, true),
    ]))
}

/// A file is put when it holds this much: a day of unknown customers must not end up in memory.
const FILE_BYTES_MAX: usize = 16 << 20;

/// Writes a task's rejects.
pub(super) struct RejectsWriter {
    job: Arc<LandJob>,
    open: Option<FileWriter>,
    finished: Vec<DataFile>,
}

impl RejectsWriter {
    pub(super) fn open(job: &Arc<LandJob>) -> RejectsWriter {
        RejectsWriter { job: Arc::clone(job), open: None, finished: Vec::new() }
    }

    /// Keeps rejected rows of one source file.
    pub(super) async fn write(&mut self, file_id: i64, path: &str, rejects: &[Reject]) -> Result<()> {
        if rejects.is_empty() {
            return Ok(());
        }
        let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![file_id; rejects.len()])),
            Arc::new(StringArray::from(vec![path; rejects.len()])),
            Arc::new(rejects.iter().map(|reject| number(reject.line)).collect::<Int64Array>()),
            Arc::new(rejects.iter().map(|reject| number(reject.byte_offset)).collect::<Int64Array>()),
            Arc::new(rejects.iter().map(|reject| reject.column.as_deref()).collect::<StringArray>()),
            Arc::new(rejects.iter().map(|reject| Some(reject.reason.code())).collect::<StringArray>()),
            Arc::new(rejects.iter().map(|reject| Some(reject.message.as_str())).collect::<StringArray>()),
            Arc::new(rejects.iter().map(|reject| Some(reject.raw.as_slice())).collect::<BinaryArray>()),
            Arc::new(Int64Array::from(vec![self.job.batch_id; rejects.len()])),
            Arc::new(Int64Array::new_null(rejects.len())),
        ];
        self.append(columns).await
    }

    /// Keeps a file that was rejected whole: one row without raw text; it comes back by being delivered again.
    pub(super) async fn write_file(&mut self, file_id: i64, path: &str, fault: &FileFault) -> Result<()> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![file_id])),
            Arc::new(StringArray::from(vec![path])),
            Arc::new(Int64Array::from(vec![fault.line.and_then(|line| i64::try_from(line).ok())])),
            Arc::new(Int64Array::new_null(1)),
            Arc::new(StringArray::new_null(1)),
            Arc::new(StringArray::from(vec![fault.reason.code()])),
            Arc::new(StringArray::from(vec![fault.message.as_str()])),
            Arc::new(BinaryArray::from(vec![None])),
            Arc::new(Int64Array::from(vec![self.job.batch_id])),
            Arc::new(Int64Array::new_null(1)),
        ];
        self.append(columns).await
    }

    async fn append(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let table = &self.job.rejects_table;
        let batch = RecordBatch::try_new(rejects_schema(), columns).map_err(|error| write_fault(table, error))?;
        let writer = match &mut self.open {
            Some(writer) => writer,
            None => self.open.insert(FileWriter::open(table, Vec::new(), rejects_schema())?),
        };
        writer.write(&batch)?;
        if writer.memory() > FILE_BYTES_MAX
            && let Some(full) = self.open.take()
        {
            self.finished.push(full.finish(&self.job, false).await?);
        }
        Ok(())
    }

    pub(super) async fn finish(self) -> Result<Vec<DataFile>> {
        let mut finished = self.finished;
        if let Some(writer) = self.open {
            finished.push(writer.finish(&self.job, false).await?);
        }
        Ok(finished)
    }
}
