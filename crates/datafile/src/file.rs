//! Finished columns to one Parquet file of one row group.

use crate::page::{Column, Page};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::sync::Arc;

/// The bytes of a file of these columns, and its footer. Every field of `schema` must be nullable, and every column hold `rows`.
///
/// # Errors
/// Columns that are not those of the schema.
pub fn file(
    schema: &SchemaRef,
    columns: Vec<Column>,
    rows: u64,
    created_by: &str,
) -> Result<(Vec<u8>, ParquetMetaData)> {
    let described = ArrowSchemaConverter::new().convert(schema)?;
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_created_by(created_by.to_owned()).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), described.root_schema_ptr(), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (column, descriptor) in columns.into_iter().zip(described.columns()) {
        let (bytes, close) = chunk(column, descriptor, rows)?;
        group.append_column(&Bytes::from(bytes), close)?;
    }
    group.close()?;
    let metadata = writer.finish()?;
    Ok((std::mem::take(writer.inner_mut()), metadata))
}

fn chunk(column: Column, descriptor: &ColumnDescPtr, rows: u64) -> Result<(Vec<u8>, ColumnCloseResult)> {
    let size: usize = column.pages.iter().chain(&column.dictionary).map(|page| page.bytes.len() + 64).sum();
    let mut sink = TrackedWrite::new(Vec::with_capacity(size));
    let mut encodings = vec![Encoding::RLE];
    let mut note = |encoding| {
        if !encodings.contains(&encoding) {
            encodings.push(encoding);
        }
    };
    let (mut uncompressed, mut values, mut data_offset) = (0, 0, 0);
    let mut writer = SerializedPageWriter::new(&mut sink);
    if let Some(page) = &column.dictionary {
        note(page.encoding);
        let written = writer.write_page(dictionary_page(page))?;
        uncompressed += written.uncompressed_size;
        data_offset = written.bytes_written as i64;
    }
    for page in &column.pages {
        note(page.encoding);
        values += i64::from(page.values);
        uncompressed += writer.write_page(data_page(page))?.uncompressed_size;
    }
    let dictionary_offset = column.dictionary.is_some().then_some(0);
    let bytes = sink.into_inner()?;
    let mut metadata = ColumnChunkMetaData::builder(Arc::clone(descriptor))
        .set_compression(Compression::SNAPPY)
        .set_encodings(encodings)
        .set_num_values(values)
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(uncompressed as i64)
        .set_data_page_offset(data_offset)
        .set_dictionary_page_offset(dictionary_offset);
    if let Some(statistics) = column.statistics {
        metadata = metadata.set_statistics(statistics);
    }
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows,
        metadata: metadata.build()?,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok((bytes, close))
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
