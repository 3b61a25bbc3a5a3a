//! Whatever is written comes back through the general reader.

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::sync::Arc;
use tillmart_datafile::{Column, Distinct, Integers, Lookups, Texts, UNKNOWN, WholeTexts, Width, file};

fn seeded() -> Xoshiro256PlusPlus {
    let seed = std::env::var("TILLMART_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0_u8));
    #[allow(clippy::print_stdout, reason = "a failing test is repeated with its seed")]
    {
        println!("TILLMART_SEED={seed}");
    }
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>()))
}

fn read_back(schema: &SchemaRef, columns: Vec<Column>, rows: usize) -> RecordBatch {
    let (pieces, metadata) = file(schema, columns, rows as u64, "test").unwrap();
    assert_eq!(metadata.file_metadata().num_rows(), rows as i64);
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(pieces.concat())).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
    let found = batches.first().map_or_else(|| Arc::clone(schema), RecordBatch::schema);
    concat_batches(&found, &batches).unwrap()
}

#[test]
fn integers_of_any_spread_come_back() {
    let mut random = seeded();
    for rows in [0, 1, 2, 127, 128, 129, 130, 20_479, 20_480, 20_481, 50_000] {
        for bits in [0, 1, 7, 20, 31, 32, 45, 63] {
            let mask = if bits == 0 { 0 } else { u64::MAX >> (64 - bits) };
            let values: Vec<i64> = (0..rows)
                .map(|_| {
                    let value = (random.random::<u64>() & mask).cast_signed();
                    if random.random_bool(0.5) { -value } else { value }
                })
                .collect();
            let ints: Vec<i32> = values.iter().map(|value| *value as i32).collect();
            let mut long = Integers::new(Width::Int64);
            let mut short = Integers::new(Width::Int32);
            for (values, ints) in values.chunks(777).zip(ints.chunks(777)) {
                long.extend(values.iter().copied());
                short.extend(ints.iter().map(|value| i64::from(*value)));
            }
            assert_eq!(long.rows(), rows);
            let schema = schema(&[("long", DataType::Int64), ("short", DataType::Int32)]);
            let found = read_back(&schema, vec![long.finish(), short.finish()], rows);
            assert_eq!(found.column(0).as_ref(), &Int64Array::from(values) as &dyn Array);
            assert_eq!(found.column(1).as_ref(), &Int32Array::from(ints) as &dyn Array);
        }
    }
}

#[test]
fn extremes_and_nulls_come_back_with_bounds() {
    let mut random = seeded();
    let edge = [i64::MIN, i64::MAX, 0, -1, 1];
    let rows = 45_000;
    let values: Vec<Option<i64>> = (0..rows)
        .map(|row| {
            let all_null = (20_480..40_960).contains(&row);
            (!all_null && random.random_bool(0.7)).then(|| edge[random.random_range(0..edge.len())])
        })
        .collect();
    let mut column = Integers::new(Width::Int64);
    column.extend_nullable(values.iter().copied());
    let schema = schema(&[("value", DataType::Int64)]);
    let column = column.finish();
    let (pieces, metadata) = file(&schema, vec![column], rows as u64, "test").unwrap();
    let statistics = metadata.row_group(0).column(0).statistics().unwrap().clone();
    assert_eq!(statistics.null_count_opt(), Some(values.iter().filter(|value| value.is_none()).count() as u64));
    let parquet::file::statistics::Statistics::Int64(bounds) = statistics else { panic!("of another type") };
    assert_eq!((bounds.min_opt(), bounds.max_opt()), (Some(&i64::MIN), Some(&i64::MAX)));
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(pieces.concat())).unwrap().build().unwrap();
    let found: Vec<Option<i64>> = reader
        .flat_map(|batch| {
            let batch = batch.unwrap();
            batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().iter().collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, values);
}

#[test]
fn looked_up_columns_share_pages_and_keep_nulls() {
    let mut random = seeded();
    for (rows, entries) in [(1, 1), (300, 7), (60_000, 3_000), (45_000, 1)] {
        let sorted = random.random_bool(0.5);
        let names: StringArray =
            (0..entries + 5).map(|at| (at % 11 != 3).then(|| format!("name {}", at % 40))).collect();
        let full: StringArray = (0..entries + 5).map(|at| Some(format!("address {}", at % 9))).collect();
        let ids = Int64Array::from_iter_values((0..entries as i64 + 5).map(|at| at * 1_000_003));
        let days = Date32Array::from_iter_values(0..entries as i32 + 5);
        let money = Decimal128Array::from_iter_values((0..entries as i128 + 5).map(|at| at * 99))
            .with_precision_and_scale(14, 4)
            .unwrap();
        let mut of_code: Vec<u32> = (0..entries as u32).map(|code| code + 2).collect();
        if entries > 3 {
            of_code[2] = UNKNOWN;
        }
        let mut codes: Vec<u32> = (0..entries as u32).collect();
        codes.extend((entries..rows).map(|_| random.random_range(0..entries as u32)));
        codes.truncate(rows.max(entries));
        if sorted {
            codes.sort_unstable();
        }
        let rows = codes.len();
        let lookups = Lookups::new(&codes, &of_code);
        let schema = schema(&[
            ("name", DataType::Utf8),
            ("address", DataType::Utf8),
            ("id", DataType::Int64),
            ("day", DataType::Date32),
            ("money", DataType::Decimal128(14, 4)),
        ]);
        let arrays: [ArrayRef; 5] = [Arc::new(names), Arc::new(full), Arc::new(ids), Arc::new(days), Arc::new(money)];
        let looked: arrow::array::UInt32Array =
            codes.iter().map(|code| Some(of_code[*code as usize]).filter(|entry| *entry != UNKNOWN)).collect();
        let of_table: Vec<Distinct> = arrays.iter().map(|array| Distinct::of(array.as_ref())).collect();
        for is_known in [true, false] {
            let column = |(array, distinct): (&ArrayRef, &Distinct)| {
                lookups.column(array.as_ref(), is_known.then_some(distinct)).unwrap()
            };
            let found = read_back(&schema, arrays.iter().zip(&of_table).map(column).collect(), rows);
            for (column, array) in arrays.iter().enumerate() {
                let expected = arrow::compute::take(array, &looked, None).unwrap();
                assert_eq!(found.column(column).as_ref(), expected.as_ref(), "column {column} of {rows} rows");
            }
        }
    }
}

#[test]
fn texts_come_back() {
    let mut random = seeded();
    for nulls in [0.0, 0.3, 1.0] {
        let texts: Vec<Option<String>> = (0..50_000)
            .map(|at| (!random.random_bool(nulls)).then(|| "é,\"".repeat(random.random_range(0..40)) + &at.to_string()))
            .collect();
        let mut column = Texts::default();
        column.extend(texts.iter().map(Option::as_deref));
        let found = read_back(&schema(&[("text", DataType::Utf8)]), vec![column.finish()], texts.len());
        let expected: StringArray = texts.iter().map(Option::as_deref).collect();
        assert_eq!(found.column(0).as_ref(), &expected as &dyn Array);
    }
}

/// Readers that keep a column as categories take equal entries for one, and then look beyond the end.
#[test]
fn a_dictionary_never_holds_a_value_twice() {
    use parquet::column::page::Page;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    for (sorted, is_known) in [(false, true), (true, true), (false, false), (true, false)] {
        let names: StringArray = (0..500).map(|at| (at % 7 != 3).then(|| format!("name {}", at % 40))).collect();
        let mut codes: Vec<u32> = (0..5_000).map(|row: u32| row * 31 % 500).collect();
        if sorted {
            codes.sort_unstable();
        }
        let entries: Vec<u32> = (0..500).collect();
        let distinct = is_known.then(|| Distinct::of(&names));
        let column = Lookups::new(&codes, &entries).column(&names, distinct.as_ref()).unwrap();
        let schema = schema(&[("name", DataType::Utf8)]);
        let (pieces, _) = file(&schema, vec![column], 5_000, "test").unwrap();
        let reader = SerializedFileReader::new(Bytes::from(pieces.concat())).unwrap();
        let mut pages = reader.get_row_group(0).unwrap().get_column_page_reader(0).unwrap();
        let Some(Page::DictionaryPage { buf, num_values, .. }) = pages.get_next_page().unwrap() else {
            panic!("no dictionary first")
        };
        let (mut at, mut found) = (0, std::collections::BTreeSet::new());
        while at < buf.len() {
            let length = u32::from_le_bytes(buf[at..at + 4].try_into().unwrap()) as usize;
            assert!(found.insert(buf.slice(at + 4..at + 4 + length)), "twice");
            at += 4 + length;
        }
        assert_eq!((found.len(), num_values), (40, 40));
    }
}

#[test]
fn one_dictionary_of_a_whole_table_serves_files_that_have_some_of_it() {
    let names = StringArray::from_iter_values((0..300).map(|at| format!("Product {at}")));
    let whole = WholeTexts::of(&names).unwrap();
    for products in [1, 200, 300] {
        let codes: Vec<u32> = (0..5_000).map(|row: u32| row * 7 % products).collect();
        let entries: Vec<u32> = (0..300).collect();
        let column = Lookups::new(&codes, &entries).whole(&whole);
        let batch = read_back(&schema(&[("name", DataType::Utf8)]), vec![column], codes.len());
        let found = batch.column(0).as_string::<i32>();
        assert_eq!(found.null_count(), 0);
        assert!(codes.iter().enumerate().all(|(row, code)| found.value(row) == names.value(*code as usize)));
    }
}

#[test]
fn a_dictionary_of_a_whole_table_holds_no_value_twice_and_no_null() {
    assert!(WholeTexts::of(&StringArray::from(vec!["bread", "milk", "bread"])).is_none());
    assert!(WholeTexts::of(&StringArray::from(vec![Some("bread"), None])).is_none());
    assert!(WholeTexts::of(&Int64Array::from(vec![1, 2])).is_none());
}
