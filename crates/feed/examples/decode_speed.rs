//! Decodes a made-up day of sales several times and tells MB/s on one core:
//! `cargo run --release -p tillmart-feed --example decode_speed [ROWS] [EXTRA_COLUMNS]`.
#![allow(clippy::print_stdout, clippy::float_arithmetic, reason = "a measuring tool; no money here")]

use arrow::array::StringArray;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::{KnownKeys, SalesDecoder};
use tillmart_model::{Compression, Contract, Format, Kind};

/// Real sets, so that look-ups cost what they cost in a run.
struct Shop {
    customers: HashSet<i64>,
    stores: HashSet<i32>,
    sales_persons: HashSet<i64>,
    products: HashSet<String>,
    names: StringArray,
}

impl KnownKeys for Shop {
    fn customer(&self, id: i64) -> Option<u32> {
        self.customers.contains(&id).then_some(0)
    }
    fn store(&self, id: i32) -> Option<u32> {
        self.stores.contains(&id).then_some(0)
    }
    fn sales_person(&self, id: i64) -> Option<u32> {
        self.sales_persons.contains(&id).then_some(0)
    }
    fn product(&self, name: &[u8]) -> Option<u32> {
        self.products.contains(str::from_utf8(name).ok()?).then_some(0)
    }
    fn product_names(&self) -> &StringArray {
        &self.names
    }
}

/// Knows everything: what is left is the decoder's own time.
struct Anything(StringArray);

impl KnownKeys for Anything {
    fn customer(&self, _: i64) -> Option<u32> {
        Some(0)
    }
    fn store(&self, _: i32) -> Option<u32> {
        Some(0)
    }
    fn sales_person(&self, _: i64) -> Option<u32> {
        Some(0)
    }
    fn product(&self, _: &[u8]) -> Option<u32> {
        Some(0)
    }
    fn product_names(&self) -> &StringArray {
        &self.0
    }
}

fn day(rows: u64, extras: u64) -> String {
    let mut text =
        String::from("customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost");
    for extra in 0..extras {
        let _ = write!(text, ",extra_{extra}");
    }
    text.push('\n');
    for row in 0..rows {
        let (cents, quantity) = (row * 7919 % 20_000 + 99, row % 9 + 1);
        let total = cents * quantity;
        let _ = write!(
            text,
            "{},{},product number {},2024-06-{:02},{},{}.{:02},{quantity},{}.{:02}",
            row * 2_654_435_761 % 50_000 + 1,
            row % 200 + 1,
            row * 31 % 2_000,
            row * 30 / rows + 1,
            row % 3_000 + 1,
            cents / 100,
            cents % 100,
            total / 100,
            total % 100
        );
        for extra in 0..extras {
            let _ = write!(text, ",value {extra}");
        }
        text.push('\n');
    }
    text
}

fn measure(name: &str, text: &str, known: Arc<dyn KnownKeys>) {
    let contract = Arc::new(Contract::default());
    let kind = Kind { format: Format::Csv, compression: Compression::None };
    let today = chrono::NaiveDate::from_ymd_opt(2024, 7, 1).unwrap_or_default();
    let mut best = f64::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        let mut decoder = SalesDecoder::new(contract.clone(), kind, known.clone(), today);
        let mut rows = 0;
        for piece in text.as_bytes().chunks(1 << 20) {
            if let Err(fault) = decoder.push(piece) {
                println!("{fault:?}");
                return;
            }
            while let Some(checked) = decoder.take_ready(8192) {
                rows += checked.sales.rows();
            }
        }
        let done = decoder.finish();
        while let Some(checked) = decoder.take_ready(0) {
            rows += checked.sales.rows();
        }
        best = best.min(start.elapsed().as_secs_f64());
        assert!(done.is_ok() && decoder.tally().rows_landed == rows as u64, "{:?}", decoder.tally());
    }
    println!("{name}: {:.0} MB/s, {} bytes, best of 7", text.len() as f64 / best / 1e6, text.len());
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap_or_default());
    let (rows, extras) = (arguments.next().unwrap_or(2_000_000), arguments.next().unwrap_or(0));
    let text = day(rows, extras);
    let shop = Shop {
        customers: (1..=50_000).collect(),
        stores: (1..=200).collect(),
        sales_persons: (1..=3_000).collect(),
        products: (0..2_000).map(|number| format!("product number {number}")).collect(),
        names: StringArray::new_null(0),
    };
    measure("decoder alone", &text, Arc::new(Anything(StringArray::new_null(0))));
    measure("with standard hash sets", &text, Arc::new(shop));
}
