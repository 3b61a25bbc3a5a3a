//! Decodes a business day of a large chain on one core:
//! `cargo run --release -p tillmart-feed --example decode_speed [csv|jsonl] [ROWS] [DIRTY_PPM] [TIMES] [exact]`
//! tells nanoseconds a row, best of TIMES. To count instructions, run it twice with different TIMES under
//! `valgrind --tool=callgrind` or `perf stat -e instructions:u`: the difference is the decoder's.
#![allow(clippy::print_stdout, reason = "a measuring tool")]

#[path = "../benches/day/mod.rs"]
mod day;

use day::Day;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::SalesDecoder;
use tillmart_generate::OutputFormat;
use tillmart_model::Contract;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let format = match arguments.first().map(String::as_str) {
        Some("jsonl") => OutputFormat::Jsonl,
        _ => OutputFormat::Csv,
    };
    let (rows, dirty, times) = (number(1, 1_000_000)?, number(2, 0)?, number(3, 7)?);
    let day = Day::new(rows, format, u32::try_from(dirty)?)?;
    let mut best = u128::MAX;
    let mut landed = 0;
    for _ in 0..times {
        let start = Instant::now();
        landed = if arguments.get(4).is_some_and(|way| way == "exact") {
            let contract = Arc::new(Contract::default());
            let decoder = SalesDecoder::new(contract, day.kind, Arc::clone(&day.keys) as _, day.today);
            day.decode_by(decoder.exactly())
        } else {
            day.decode()
        };
        best = best.min(start.elapsed().as_nanos());
    }
    if times > 0 {
        let (rows, bytes) = (u128::from(day.rows), day.text.len() as u128);
        let tenths = best * 10 / rows;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        println!("{landed} of {rows} rows, {bytes} bytes: {whole}.{tenth} ns a row, {} MB/s", bytes * 1000 / best);
    }
    Ok(())
}
