//! What the tests of this crate share: known keys, drivers of the decoder, and seeded chance.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

pub mod compare;
pub mod oracle;
pub mod scenario;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use chrono::NaiveDate;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, LazyLock};
use tillmart_feed::{ANONYMOUS, KnownKeys, Reject, Sales, SalesDecoder, UNKNOWN, sales_schema};
use tillmart_model::{Compression, Contract, FileFault, Format, Kind, Tally};

/// Customers 1 to 99, stores 1 to 5, sales persons 11 to 15, the products tea and coffee.
pub struct SmallShop;

impl KnownKeys for SmallShop {
    fn customer(&self, id: i64) -> Option<u32> {
        (1..=99).contains(&id).then(|| id as u32 - 1)
    }
    fn store(&self, id: i32) -> Option<u32> {
        (1..=5).contains(&id).then(|| id as u32 - 1)
    }
    fn sales_person(&self, id: i64) -> Option<u32> {
        (11..=15).contains(&id).then(|| id as u32 - 11)
    }
    fn product(&self, name: &[u8]) -> Option<u32> {
        ["tea", "coffee"].iter().position(|known| known.as_bytes() == name).map(|row| row as u32)
    }
    fn product_names(&self) -> &StringArray {
        static NAMES: LazyLock<StringArray> = LazyLock::new(|| StringArray::from(vec!["tea", "coffee"]));
        &NAMES
    }
}

/// Sales as a batch. Rows of dimensions must be those of the keys.
pub fn batch(sales: &Sales) -> RecordBatch {
    let known = SmallShop;
    let or_unknown = |row: Option<u32>| row.unwrap_or(UNKNOWN);
    let rows = sales.to_batch(known.product_names());
    let names = rows.column_by_name("product_name").unwrap().as_string::<i32>();
    let customers = rows.column_by_name("customer_id").unwrap();
    for row in 0..sales.rows() {
        if sales.customer[row] == ANONYMOUS {
            assert!(sales.customer_id[row] == 0 && customers.is_null(row));
        } else {
            assert_eq!(sales.customer[row], or_unknown(known.customer(sales.customer_id[row])));
            assert!(customers.is_valid(row));
        }
        assert_eq!(sales.store[row], or_unknown(known.store(sales.store_id[row])));
        assert_eq!(sales.sales_person[row], or_unknown(known.sales_person(sales.sales_person_id[row])));
        assert_eq!(sales.product[row], or_unknown(known.product(names.value(row).as_bytes())));
    }
    assert_eq!(sales.product_names.len(), sales.product.iter().filter(|row| **row == UNKNOWN).count());
    rows
}

pub const HEADER: &str = "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n";

pub fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 7, 1).unwrap()
}

pub fn kind(format: Format, compression: Compression) -> Kind {
    Kind { format, compression }
}

pub const CSV: Kind = Kind { format: Format::Csv, compression: Compression::None };
pub const JSONL: Kind = Kind { format: Format::Jsonl, compression: Compression::None };

/// Everything a file came to.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub rows: RecordBatch,
    pub rejects: Vec<Reject>,
    pub tally: Tally,
    pub header: Option<Vec<u8>>,
}

impl Outcome {
    pub fn codes(&self) -> Vec<&'static str> {
        self.rejects.iter().map(|reject| reject.reason.code()).collect()
    }
}

pub fn decoder(contract: &Contract, kind: Kind) -> SalesDecoder {
    SalesDecoder::new(Arc::new(contract.clone()), kind, Arc::new(SmallShop), today())
}

/// Takes everything that is ready, and what is left at the end.
pub fn collect(decoder: &mut SalesDecoder, batches: &mut Vec<RecordBatch>, rejects: &mut Vec<Reject>, min_rows: usize) {
    while let Some(checked) = decoder.take_ready(min_rows) {
        batches.push(batch(&checked.sales));
        rejects.extend(checked.rejects);
    }
}

/// Decodes `bytes`, pushed in pieces of `piece` bytes.
pub fn decode_in_pieces(contract: &Contract, kind: Kind, bytes: &[u8], piece: usize) -> Result<Outcome, FileFault> {
    let mut decoder = decoder(contract, kind);
    let (mut batches, mut rejects) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        decoder.push(piece)?;
        collect(&mut decoder, &mut batches, &mut rejects, 1000);
    }
    decoder.finish()?;
    collect(&mut decoder, &mut batches, &mut rejects, 0);
    Ok(outcome(&decoder, &batches, rejects))
}

/// Everything that was taken, put together. Checks that the counts add up.
pub fn outcome(decoder: &SalesDecoder, batches: &[RecordBatch], rejects: Vec<Reject>) -> Outcome {
    let rows = concat_batches(&sales_schema(), batches).unwrap();
    let tally = decoder.tally().clone();
    assert_eq!(tally.rows_read, tally.rows_landed + tally.rows_rejected(), "the counts add up");
    assert_eq!(tally.rows_landed, rows.num_rows() as u64);
    assert_eq!(tally.rows_rejected(), rejects.len() as u64);
    Outcome { rows, rejects, tally, header: decoder.header().map(<[u8]>::to_vec) }
}

pub fn decode(contract: &Contract, kind: Kind, bytes: &[u8]) -> Result<Outcome, FileFault> {
    decode_in_pieces(contract, kind, bytes, usize::MAX)
}

/// The text of one cell, as Arrow prints it.
pub fn cell(rows: &RecordBatch, column: &str, row: usize) -> String {
    arrow::util::display::array_value_to_string(rows.column_by_name(column).unwrap(), row).unwrap()
}

/// Chance with a seed that is printed when the test fails, and can be given as TILLMART_SEED.
pub struct Chance {
    pub seed: u64,
    pub rng: Xoshiro256PlusPlus,
}

impl Chance {
    pub fn new() -> Self {
        let seed = match std::env::var("TILLMART_SEED") {
            Ok(seed) => seed.parse().expect("TILLMART_SEED is a whole number"),
            Err(_) => std::hash::RandomState::new().build_hasher().finish(),
        };
        Chance { seed, rng: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }
}

impl Drop for Chance {
    #[allow(clippy::print_stderr, reason = "a failed test tells its seed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("run again with TILLMART_SEED={}", self.seed);
        }
    }
}
