//! Writes files with everything that is unusual about data files, each beside a reference by the general writer:
//! `unusual_files DIR` makes `DIR/NAME.parquet` and `DIR/NAME.reference.parquet`. `bench/readers.py` reads both.

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use tillmart_datafile::{Column, Distinct, Integers, Lookups, Texts, UNKNOWN, Width, file};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: unusual_files DIR")?;
    std::fs::create_dir_all(&folder)?;
    for (name, rows, entries, is_sorted, has_unknown) in [
        ("small", 10, 3, false, true),
        ("unsorted", 100_000, 15, false, false),
        ("unknown", 50_000, 15, false, true),
        ("sorted", 100_000, 20_000, true, false),
        ("sorted_unknown", 100_000, 20_000, true, true),
        ("constant", 45_000, 1, false, false),
    ] {
        write(Path::new(&folder), name, &rows_of(rows, entries, is_sorted, has_unknown))?;
    }
    Ok(())
}

/// Rows, the entry of each, and what the entries are.
struct Rows {
    codes: Vec<u32>,
    entries: Vec<u32>,
    /// Names that repeat, names of which some are NULL, ids, days, prices.
    attributes: [ArrayRef; 5],
}

fn rows_of(rows: usize, entries: usize, is_sorted: bool, has_unknown: bool) -> Rows {
    let mut codes: Vec<u32> = (0..rows).map(|row| (row * 7919 % entries) as u32).collect();
    if is_sorted {
        codes.sort_unstable();
    }
    let mut of_code: Vec<u32> = (0..entries as u32).collect();
    if has_unknown {
        of_code[entries / 2] = UNKNOWN;
    }
    let count = entries as i64;
    let prices = Decimal128Array::from_iter_values((0..count).map(|at| i128::from(at) * 12_345 - 99));
    let attributes: [ArrayRef; 5] = [
        Arc::new((0..count).map(|at| Some(format!("name {}", at % 5))).collect::<StringArray>()),
        Arc::new(
            (0..count).map(|at| (at % 3 != 1).then(|| format!("Straße {at}, \"Bad\"\n"))).collect::<StringArray>(),
        ),
        Arc::new(Int64Array::from_iter_values((0..count).map(|at| at * 1_000_003 - 5))),
        Arc::new(Date32Array::from_iter_values((0..entries as i32).map(|at| at - 3))),
        Arc::new(prices.with_data_type(DataType::Decimal128(14, 4))),
    ];
    Rows { codes, entries: of_code, attributes }
}

fn write(folder: &Path, name: &str, rows: &Rows) -> Result<(), Box<dyn Error>> {
    let count = rows.codes.len();
    let mix = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let customers: Vec<Option<i64>> =
        (0..count).map(|row| (mix(row) % 20 != 3).then(|| (mix(row) >> 44).cast_signed())).collect();
    let money: Vec<i64> = (0..count).map(|row| (mix(row) >> 38).cast_signed() - 5_000_000).collect();
    let pieces: Vec<i32> = (0..count).map(|row| (mix(row) >> 61) as i32 - 2).collect();
    let lines: Vec<i64> = (0..count as i64).map(|row| row * 200 + 2).collect();
    let notes: Vec<Option<String>> =
        (0..count).map(|row| (row % 9 == 0).then(|| format!("{{\"till\":\"{row}\"}}"))).collect();
    let kinds = [
        ("name", DataType::Utf8),
        ("address", DataType::Utf8),
        ("id", DataType::Int64),
        ("day", DataType::Date32),
        ("price", DataType::Decimal128(14, 4)),
        ("customer_id", DataType::Int64),
        ("total_cost", DataType::Decimal128(14, 2)),
        ("quantity", DataType::Int32),
        ("source_line", DataType::Int64),
        ("note", DataType::Utf8),
        ("nothing", DataType::Int64),
    ];
    let schema = Arc::new(Schema::new(kinds.map(|(name, kind)| Field::new(name, kind, true)).to_vec()));
    let found: UInt32Array =
        rows.codes.iter().map(|code| Some(rows.entries[*code as usize]).filter(|entry| *entry != UNKNOWN)).collect();
    let mut arrays: Vec<ArrayRef> =
        rows.attributes.iter().map(|attribute| take(attribute, &found, None)).collect::<Result<_, _>>()?;
    let totals = Decimal128Array::from_iter_values(money.iter().map(|cents| i128::from(*cents)));
    arrays.push(Arc::new(Int64Array::from(customers.clone())));
    arrays.push(Arc::new(totals.with_data_type(DataType::Decimal128(14, 2))));
    arrays.push(Arc::new(Int32Array::from(pieces.clone())));
    arrays.push(Arc::new(Int64Array::from(lines.clone())));
    arrays.push(Arc::new(notes.iter().map(Option::as_deref).collect::<StringArray>()));
    arrays.push(Arc::new(Int64Array::new_null(count)));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let mut reference = ArrowWriter::try_new(
        std::fs::File::create(folder.join(format!("{name}.reference.parquet")))?,
        batch.schema(),
        None,
    )?;
    reference.write(&batch)?;
    reference.close()?;

    let lookups = Lookups::new(&rows.codes, &rows.entries);
    let mut columns: Vec<Column> = rows
        .attributes
        .iter()
        .filter_map(|array| lookups.column(array.as_ref(), Some(&Distinct::of(array.as_ref()))))
        .collect();
    let mut customer_ids = Integers::new(Width::Int64);
    customer_ids.extend_nullable(customers.into_iter());
    columns.push(customer_ids.finish());
    columns.push(integers(Width::Int64, money.into_iter()));
    columns.push(integers(Width::Int32, pieces.into_iter().map(i64::from)));
    columns.push(integers(Width::Int64, lines.into_iter()));
    let mut texts = Texts::default();
    texts.extend(notes.iter().map(Option::as_deref));
    columns.push(texts.finish());
    let mut nothing = Integers::new(Width::Int64);
    nothing.extend_nullable(std::iter::repeat_n(None, count));
    columns.push(nothing.finish());
    let (pieces, _) = file(&schema, columns, count as u64, "tillmart")?;
    std::fs::write(folder.join(format!("{name}.parquet")), pieces.concat())?;
    Ok(())
}

fn integers(width: Width, values: impl Iterator<Item = i64>) -> Column {
    let mut column = Integers::new(width);
    column.extend(values);
    column.finish()
}
