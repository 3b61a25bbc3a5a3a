//! Rows as a table, CSV, JSON, JSON lines or Parquet, batch by batch: what was written is not held.

use crate::cli::QueryFormat;
use crate::screen::table;
use crate::secrets::known;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Result};

/// A row group of a Parquet file is closed when this much of it is held.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Why writing stopped.
pub(crate) enum Stop {
    /// The reader has gone away: it has what it wanted.
    Gone,
    /// It cannot be written.
    Fault(Fault),
}

impl Stop {
    /// A reader that has gone away is no failure.
    pub(crate) fn told(self) -> Result<()> {
        match self {
            Stop::Gone => Ok(()),
            Stop::Fault(fault) => Err(fault),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        if error.kind() == ErrorKind::BrokenPipe {
            return Stop::Gone;
        }
        Stop::Fault(Fault::new(FaultKind::Settings, "the rows cannot be written").found(error))
    }
}

impl From<ArrowError> for Stop {
    fn from(error: ArrowError) -> Stop {
        Stop::Fault(
            Fault::new(FaultKind::Settings, "the rows cannot be written in this format")
                .found(error)
                .hint("cast the column to text, leave it out, or take another --format"),
        )
    }
}

impl From<ParquetError> for Stop {
    fn from(error: ParquetError) -> Stop {
        if let ParquetError::External(inner) = &error
            && let Some(inner) = inner.downcast_ref::<io::Error>()
        {
            return io::Error::new(inner.kind(), inner.to_string()).into();
        }
        ArrowError::from(error).into()
    }
}

/// One way to write rows.
pub(crate) enum Writer<W: Write + Send> {
    /// Columns in line, as wide as the first rows need.
    Table { out: W, rows: table::Rows },
    /// CSV with a header.
    Csv { out: W },
    /// JSON objects: in an array, or one a line.
    Json { out: W, in_array: bool, is_first: bool },
    /// A Parquet file.
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> Writer<W> {
    /// Begins: a CSV header, a bracket.
    ///
    /// # Errors
    /// What cannot be written.
    pub(crate) fn begin(format: QueryFormat, schema: &SchemaRef, mut out: W) -> Result<Writer<W>, Stop> {
        Ok(match format {
            QueryFormat::Table => Writer::Table { out, rows: table::Rows::new(schema) },
            QueryFormat::Csv => {
                put(&mut out, &csv(&RecordBatch::new_empty(Arc::clone(schema)), true)?)?;
                Writer::Csv { out }
            }
            QueryFormat::Json => {
                put(&mut out, b"[")?;
                Writer::Json { out, in_array: true, is_first: true }
            }
            QueryFormat::Jsonl => Writer::Json { out, in_array: false, is_first: true },
            QueryFormat::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                Writer::Parquet(Box::new(ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?))
            }
        })
    }

    /// The same; a table for a screen of so many columns.
    ///
    /// # Errors
    /// What cannot be written.
    pub(crate) fn begin_within(
        format: QueryFormat,
        schema: &SchemaRef,
        out: W,
        room: Option<u16>,
    ) -> Result<Writer<W>, Stop> {
        match format {
            QueryFormat::Table => Ok(Writer::Table { out, rows: table::Rows::within(schema, room) }),
            _ => Writer::begin(format, schema, out),
        }
    }

    /// Writes rows, and lets them go out.
    ///
    /// # Errors
    /// What cannot be written.
    pub(crate) fn rows(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match self {
            Writer::Table { out, rows } => match rows.take(batch)? {
                Some(text) => put(out, text.as_bytes()),
                None => Ok(()),
            },
            Writer::Csv { out } => put(out, &csv(batch, false)?),
            Writer::Json { out, in_array, is_first } => {
                let lines = json_lines(batch)?;
                if !*in_array {
                    return put(out, &lines);
                }
                // No line break stands within an object: those of texts are escaped.
                for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    let before: &[u8] = if *is_first { b"" } else { b",\n " };
                    *is_first = false;
                    put(out, &[before, line].concat())?;
                }
                Ok(())
            }
            Writer::Parquet(writer) => {
                writer.write(batch)?;
                if writer.in_progress_size() > ROW_GROUP_BYTES {
                    writer.flush()?;
                }
                Ok(())
            }
        }
    }

    /// Ends: what is left of a table, a bracket, a footer.
    ///
    /// # Errors
    /// What cannot be written.
    pub(crate) fn end(self) -> Result<(), Stop> {
        match self {
            Writer::Table { mut out, rows } => put(&mut out, rows.end().as_bytes()),
            Writer::Csv { .. } | Writer::Json { in_array: false, .. } => Ok(()),
            Writer::Json { mut out, .. } => put(&mut out, b"]\n"),
            Writer::Parquet(writer) => {
                writer.close()?;
                Ok(())
            }
        }
    }
}

/// Text passes the register of known secrets before it goes out.
fn put(out: &mut impl Write, text: &[u8]) -> Result<(), Stop> {
    match std::str::from_utf8(text) {
        Ok(text) => out.write_all(known::scrub_data(text).as_bytes())?,
        Err(_) => out.write_all(text)?,
    }
    Ok(out.flush()?)
}

fn csv(batch: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = arrow::csv::WriterBuilder::new().with_header(header).build(&mut bytes);
    writer.write(batch)?;
    drop(writer);
    Ok(bytes)
}

fn json_lines(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::LineDelimited>(Vec::new());
    writer.write(&money_as_text(batch)?)?;
    writer.finish()?;
    Ok(writer.into_inner())
}

/// A JSON number is a float to most readers, and no float touches money.
fn money_as_text(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> =
        batch.columns().iter().map(|column| cast(column, &exact(column.data_type()))).collect::<Result<_, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> =
        fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The type with text in the place of decimals, within lists too.
fn exact(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            DataType::Utf8
        }
        DataType::List(item) => DataType::List(Arc::new(item.as_ref().clone().with_data_type(exact(item.data_type())))),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::query::write;
    use arrow::array::{Decimal128Array, Int64Array, StringArray};
    use bytes::Bytes;
    use futures::{StreamExt, stream};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use std::sync::Mutex;
    use tillmart_pipeline::Answer;

    const ALL: [QueryFormat; 5] =
        [QueryFormat::Table, QueryFormat::Csv, QueryFormat::Json, QueryFormat::Jsonl, QueryFormat::Parquet];

    fn batch(rows: std::ops::Range<i64>) -> RecordBatch {
        let texts = rows.clone().map(|row| (row != 1).then(|| format!("\"{row}\"\n,")));
        let money = Decimal128Array::from_iter_values(rows.clone().map(|row| i128::from(row) * 100 - 150));
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(Int64Array::from_iter_values(rows))),
            ("text", Arc::new(StringArray::from_iter(texts))),
            ("money", Arc::new(money.with_precision_and_scale(16, 2).unwrap())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    /// What was written, for whoever looks meanwhile.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<u8>>>);

    impl Seen {
        fn bytes(&self) -> Vec<u8> {
            self.0.lock().unwrap().clone()
        }

        fn text(&self) -> String {
            String::from_utf8_lossy(&self.bytes()).into_owned()
        }
    }

    impl Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wait(answer: Answer, format: QueryFormat, mut out: impl Write + Send) -> Result<u64> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(write(answer, format, &mut out))
    }

    /// Two batches in this format. Where `goes` says so, the first must have gone out before the second is asked for.
    fn written(format: QueryFormat, goes: bool) -> Vec<u8> {
        let seen = Seen::default();
        let looked = seen.clone();
        let rows = stream::iter([0, 2]).map(move |from| {
            assert!(!goes || from == 0 || looked.text().contains("-0.50"), "{format:?}: rows are held");
            Ok(batch(from..from + 2))
        });
        let answer = Answer { schema: batch(0..0).schema(), rows: rows.boxed() };
        assert_eq!(wait(answer, format, seen.clone()).unwrap(), 4);
        seen.bytes()
    }

    fn text(format: QueryFormat) -> String {
        String::from_utf8(written(format, format != QueryFormat::Table)).unwrap()
    }

    #[test]
    fn text_goes_out_batch_by_batch() {
        let csv =
            "id,text,money\n0,\"\"\"0\"\"\n,\",-1.50\n1,,-0.50\n2,\"\"\"2\"\"\n,\",0.50\n3,\"\"\"3\"\"\n,\",1.50\n";
        assert_eq!(text(QueryFormat::Csv), csv);
        let lines = text(QueryFormat::Jsonl);
        assert_eq!(lines.lines().nth(1), Some(r#"{"id":1,"text":null,"money":"-0.50"}"#));
        assert_eq!(lines.lines().count(), 4);
        let array: Vec<serde_json::Value> = serde_json::from_str(&text(QueryFormat::Json)).unwrap();
        let each: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(array, each, "an array and lines hold the same objects");
        assert_eq!(text(QueryFormat::Table).lines().count(), 6);
    }

    #[test]
    fn no_rows_are_still_a_whole_document() {
        let empty = |format| {
            let seen = Seen::default();
            let answer = Answer { schema: batch(0..0).schema(), rows: stream::empty().boxed() };
            assert_eq!(wait(answer, format, seen.clone()).unwrap(), 0);
            seen.bytes()
        };
        assert_eq!(empty(QueryFormat::Csv), b"id,text,money\n");
        assert_eq!(empty(QueryFormat::Json), b"[]\n");
        assert_eq!(empty(QueryFormat::Jsonl), b"");
        let parquet = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(empty(QueryFormat::Parquet))).unwrap();
        assert_eq!(parquet.schema().fields().len(), 3);
    }

    #[test]
    fn parquet_holds_the_same_rows_in_the_same_types() {
        let file = Bytes::from(written(QueryFormat::Parquet, false));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let rows: Vec<RecordBatch> = reader.map(|rows| rows.unwrap()).collect();
        assert_eq!(rows, [batch(0..4)]);
    }

    #[test]
    fn a_reader_that_goes_away_ends_it_without_a_fault() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for format in ALL {
            let answer = Answer { schema: batch(0..0).schema(), rows: stream::iter([Ok(batch(0..2))]).boxed() };
            let result = wait(answer, format, Closed);
            assert!(result.is_ok(), "{format:?}: {result:?}");
        }
    }

    #[test]
    fn a_query_that_breaks_off_is_told() {
        for format in ALL {
            let broken = Fault::new(FaultKind::Store, "gone");
            let rows = stream::iter([Ok(batch(0..2)), Err(broken.clone())]).boxed();
            let answer = Answer { schema: batch(0..0).schema(), rows };
            assert_eq!(wait(answer, format, Vec::new()).unwrap_err(), broken, "{format:?}");
        }
    }
}
