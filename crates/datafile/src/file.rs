//! Finished columns to one Parquet file of one row group.

use crate::page::{Column, Page};
use crate::pieces::Pieces;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{ColumnOrder, Compression, Encoding};
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use std::io::Write;
use std::sync::Arc;

/// What every Parquet file begins with.
const MAGIC: &[u8] = b"PAR1";

/// The version of the format that general writers write, too.
const VERSION: i32 = 1;

/// A file that is put together as it goes: pages are not copied into it.
struct Assembly {
    sink: TrackedWrite<Pieces>,
}

/// The bytes of a file of these columns, in pieces, and its footer. Every field of `schema` must be nullable, and every column
/// hold `rows`.
///
/// # Errors
/// Columns that are not those of the schema.
pub fn file(
    schema: &SchemaRef,
    columns: Vec<Column>,
    rows: u64,
    created_by: &str,
) -> Result<(Vec<Bytes>, ParquetMetaData)> {
    let described = Arc::new(ArrowSchemaConverter::new().convert(schema)?);
    let mut assembly = Assembly { sink: TrackedWrite::new(Pieces::default()) };
    assembly.sink.write_all(MAGIC)?;
    let mut group = RowGroupMetaData::builder(Arc::clone(&described));
    let mut uncompressed = 0;
    for (column, descriptor) in columns.into_iter().zip(described.columns()) {
        let chunk = assembly.chunk(column, descriptor)?;
        uncompressed += chunk.uncompressed_size();
        group = group.add_column_metadata(chunk);
    }
    let rows = rows as i64;
    let group = group
        .set_total_byte_size(uncompressed)
        .set_num_rows(rows)
        .set_ordinal(0)
        .set_file_offset(MAGIC.len() as i64)
        .build()?;
    let orders = column_orders(&described);
    let about = FileMetaData::new(VERSION, rows, Some(created_by.to_owned()), None, described, Some(orders));
    let metadata = ParquetMetaData::new(about, vec![group]);
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &metadata).finish()?;
    assembly.sink.write_all(&footer)?;
    Ok((assembly.sink.into_inner()?.finish(), metadata))
}

fn column_orders(described: &SchemaDescriptor) -> Vec<ColumnOrder> {
    let order = |column: &ColumnDescPtr| {
        ColumnOrder::sort_order_for_type(column.logical_type_ref(), column.converted_type(), column.physical_type())
    };
    described.columns().iter().map(|column| ColumnOrder::TYPE_DEFINED_ORDER(order(column))).collect()
}

impl Assembly {
    fn chunk(&mut self, column: Column, descriptor: &ColumnDescPtr) -> Result<ColumnChunkMetaData> {
        let start = self.sink.bytes_written() as i64;
        let mut encodings = vec![Encoding::RLE];
        let mut note = |encoding| {
            if !encodings.contains(&encoding) {
                encodings.push(encoding);
            }
        };
        let (mut uncompressed, mut values) = (0, 0);
        if let Some(page) = &column.dictionary {
            note(page.encoding);
            uncompressed += self.page(page, dictionary_page(page))?.uncompressed_size;
        }
        let data_offset = self.sink.bytes_written() as i64;
        for page in &column.pages {
            note(page.encoding);
            values += i64::from(page.values);
            uncompressed += self.page(page, data_page(page))?.uncompressed_size;
        }
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(descriptor))
            .set_compression(Compression::SNAPPY)
            .set_encodings(encodings)
            .set_num_values(values)
            .set_total_compressed_size(self.sink.bytes_written() as i64 - start)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_data_page_offset(data_offset)
            .set_dictionary_page_offset(column.dictionary.is_some().then_some(start));
        if let Some(statistics) = column.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        metadata.build()
    }

    fn page(&mut self, page: &Page, compressed: CompressedPage) -> Result<PageWriteSpec> {
        self.sink.inner_mut().expect(&page.bytes);
        SerializedPageWriter::new(&mut self.sink).write_page(compressed)
    }
}

fn dictionary_page(page: &Page) -> CompressedPage {
    let dictionary = parquet::column::page::Page::DictionaryPage {
        buf: page.bytes.clone(),
        num_values: page.values,
        encoding: page.encoding,
        is_sorted: false,
    };
    CompressedPage::new(dictionary, page.uncompressed)
}

fn data_page(page: &Page) -> CompressedPage {
    let data = parquet::column::page::Page::DataPage {
        buf: page.bytes.clone(),
        num_values: page.values,
        encoding: page.encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    CompressedPage::new(data, page.uncompressed)
}
