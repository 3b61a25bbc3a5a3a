//! Writes a data file of sales on one core, as landing does:
//! `cargo run --release -p tillmart-datafile --example encode_speed [numbers|look-ups|file] [ROWS] [TIMES]` tells
//! nanoseconds a row of the columns of numbers, those of look-ups, or a whole file, best of TIMES.
#![allow(clippy::print_stdout, reason = "a measuring tool")]

use arrow::array::{Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use tillmart_datafile::{Column, Distinct, Integers, Lookups, Texts, Width, file};

const PRODUCTS: u64 = 20_000;
const SALES_PERSONS: u64 = 15;
const CUSTOMERS: u64 = 1_000_000;

/// The same rows at every run.
struct Rows {
    customer_ids: Vec<Option<i64>>,
    prices: Vec<i64>,
    quantities: Vec<i64>,
    totals: Vec<i64>,
    lines: Vec<i64>,
    extras: Vec<Option<String>>,
    products: Vec<u32>,
    /// In order, as those of one store's file are.
    persons: Vec<u32>,
    product_names: StringArray,
    person_names: StringArray,
    person_ids: Int64Array,
}

impl Rows {
    fn new(rows: u64) -> Rows {
        let mix = |row: u64, salt: u64| ((row << 8) + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
        let products: Vec<u64> = (0..rows).map(|row| mix(row, 1) % PRODUCTS).collect();
        let price = |product: u64| (mix(product, 2) % 5_000_000).cast_signed();
        let quantities: Vec<i64> = (0..rows).map(|row| (mix(row, 3) % 8).cast_signed() - 1).collect();
        let prices: Vec<i64> = products.iter().map(|product| price(*product)).collect();
        let customer = |row| (mix(row, 4) % 20 != 0).then(|| (mix(row, 5) % CUSTOMERS).cast_signed());
        Rows {
            customer_ids: (0..rows).map(customer).collect(),
            totals: prices.iter().zip(&quantities).map(|(price, quantity)| price * quantity / 100).collect(),
            prices,
            quantities,
            lines: (0..rows.cast_signed()).map(|row| row * 200 + 2).collect(),
            extras: (0..rows).map(|row| (row % 9 == 0).then(|| format!("{{\"till\":\"{}\"}}", row % 12))).collect(),
            products: products.into_iter().map(|product| product as u32).collect(),
            persons: (0..rows).map(|row| (row * SALES_PERSONS / rows) as u32).collect(),
            product_names: (0..PRODUCTS).map(|product| Some(format!("Product no. {product}"))).collect(),
            person_names: (0..SALES_PERSONS).map(|person| Some(format!("Name {}", person % 7))).collect(),
            person_ids: Int64Array::from_iter_values((0..SALES_PERSONS.cast_signed()).map(|person| person * 3 + 11)),
        }
    }

    fn numbers(&self) -> Vec<Column> {
        let mut customer_ids = Integers::new(Width::Int64);
        customer_ids.extend_nullable(self.customer_ids.iter().copied());
        let of = |width, values: &[i64]| {
            let mut column = Integers::new(width);
            column.extend(values.iter().copied());
            column.finish()
        };
        vec![
            customer_ids.finish(),
            of(Width::Int64, &self.prices),
            of(Width::Int32, &self.quantities),
            of(Width::Int64, &self.totals),
            of(Width::Int64, &self.lines),
        ]
    }

    fn look_ups(&self) -> Vec<Column> {
        // A code for each product that was sold, as they are met.
        let mut code_of = vec![u32::MAX; self.product_names.len()];
        let mut entries = Vec::new();
        let code = |product: &u32| {
            let code = &mut code_of[*product as usize];
            if *code == u32::MAX {
                *code = entries.len() as u32;
                entries.push(*product);
            }
            *code
        };
        let codes: Vec<u32> = self.products.iter().map(code).collect();
        let every_person: Vec<u32> = (0..self.person_ids.len() as u32).collect();
        let (products, persons) = (Lookups::new(&codes, &entries), Lookups::new(&self.persons, &every_person));
        let names = Distinct::of(&self.person_names);
        let columns = [
            products.column(&self.product_names, Some(&Distinct::unique())),
            persons.column(&self.person_names, Some(&names)),
            persons.column(&self.person_ids, Some(&Distinct::unique())),
        ];
        columns.into_iter().flatten().collect()
    }

    fn file(&self) -> Result<usize, Box<dyn Error>> {
        let mut columns = self.numbers();
        columns.extend(self.look_ups());
        let mut extras = Texts::default();
        extras.extend(self.extras.iter().map(Option::as_deref));
        columns.push(extras.finish());
        let kinds = [
            ("customer_id", DataType::Int64),
            ("price", DataType::Decimal128(14, 4)),
            ("quantity", DataType::Int32),
            ("total_cost", DataType::Decimal128(14, 2)),
            ("source_line", DataType::Int64),
            ("product_name", DataType::Utf8),
            ("sales_person_first_name", DataType::Utf8),
            ("sales_person_id", DataType::Int64),
            ("additional_column", DataType::Utf8),
        ];
        let schema = Arc::new(Schema::new(kinds.map(|(name, kind)| Field::new(name, kind, true)).to_vec()));
        Ok(file(&schema, columns, self.lines.len() as u64, "tillmart")?.0.len())
    }

    /// What is measured, and nothing else: `cargo xtask instructions` counts in here.
    #[inline(never)]
    fn measured(&self, stage: &str) -> Result<usize, Box<dyn Error>> {
        match stage {
            "numbers" => Ok(black_box(self.numbers()).len()),
            "look-ups" => Ok(black_box(self.look_ups()).len()),
            _ => self.file(),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let stage = arguments.first().map_or("file", String::as_str);
    let (count, times) = (number(1, 1_000_000)?, number(2, 7)?);
    let rows = Rows::new(count);
    let mut best = u128::MAX;
    for _ in 0..times {
        let start = Instant::now();
        black_box(rows.measured(stage)?);
        best = best.min(start.elapsed().as_nanos());
    }
    let tenths = best.saturating_mul(10) / u128::from(count.max(1));
    println!("{stage} of {count} rows: {}.{} ns a row", tenths / 10, tenths % 10);
    Ok(())
}
