//! The stages of decoding, and the whole: `cargo bench -p tillmart-feed`. Items are rows.

mod day;

use arrow::array::Array;

use day::Day;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use std::sync::LazyLock;
use tillmart_feed::KnownKeys;
use tillmart_feed::csv::{Piece, Records};
use tillmart_generate::OutputFormat;

const ROWS: u64 = 200_000;

fn day(format: OutputFormat, dirty_ppm: u32) -> Day {
    match Day::new(ROWS, format, dirty_ppm) {
        Ok(day) => day,
        Err(error) => panic!("the day cannot be made: {error}"),
    }
}

static CLEAN: LazyLock<Day> = LazyLock::new(|| day(OutputFormat::Csv, 0));
static DIRTY: LazyLock<Day> = LazyLock::new(|| day(OutputFormat::Csv, 1_000));
static LINES: LazyLock<Day> = LazyLock::new(|| day(OutputFormat::Jsonl, 0));

fn main() {
    divan::main();
}

/// Records and fields alone, the exact way.
#[divan::bench]
fn records(bencher: Bencher<'_, '_>) {
    let day = &*CLEAN;
    bencher.counter(ItemsCount::new(day.rows)).counter(BytesCount::of_slice(&day.text)).bench(|| {
        let mut records = Records::new(b',', b'"', 1 << 20);
        let mut fields = 0;
        let mut sink = |piece: Piece<'_>| {
            if let Piece::Record(record) = piece {
                fields += record.len();
            }
            Ok(())
        };
        let done = records.push(&day.text, &mut sink).and_then(|()| records.finish(&mut sink));
        assert!(done.is_ok());
        fields
    });
}

/// Bytes to checked sales.
#[divan::bench(args = ["clean", "dirty", "json lines"])]
fn decode(bencher: Bencher<'_, '_>, which: &str) {
    let day = match which {
        "clean" => &*CLEAN,
        "dirty" => &*DIRTY,
        _ => &*LINES,
    };
    let counted = bencher.counter(ItemsCount::new(day.rows)).counter(BytesCount::of_slice(&day.text));
    counted.bench(|| day.decode());
}

/// Every look-up of a row, alone.
#[divan::bench]
fn look_ups(bencher: Bencher<'_, '_>) {
    let keys = &CLEAN.keys;
    let customers: Vec<i64> = (0..ROWS as i64).map(|row| row * 7_919 % 1_000_000 + 1).collect();
    let names: Vec<&[u8]> = (0..ROWS as usize)
        .map(|row| keys.product_names.value(row * 7_919 % keys.product_names.len()).as_bytes())
        .collect();
    let mut rows = Vec::new();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        rows.clear();
        keys.customers(&customers, &mut rows);
        keys.sales_persons(&customers, &mut rows);
        keys.products(&names, &mut rows);
        rows.len()
    });
}
