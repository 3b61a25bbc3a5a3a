//! How fast sales are made into a temporary folder: `cargo run --release -p tillmart-generate --example generate_speed -- 2000`
//! makes 2,000 MB (default 1,000) of one business day as big chains have it, as several files and as one; a second
//! argument takes only the shapes whose name holds it.

#![allow(clippy::print_stdout, reason = "an example that prints what it measured")]

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use tillmart_generate::{Cut, OutputFormat, Plan, Size, sales};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let megabytes: u64 = std::env::args().nth(1).map_or(Ok(1_000), |text| text.parse())?;
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let day = Plan::default().to;
    let plan = Plan {
        size: Size::Bytes(megabytes * 1_000_000),
        from: day,
        to: day,
        customers: 1_000_000,
        stores: 200,
        sales_persons: 3_000,
        products: 20_000,
        ..Plan::default()
    };
    let shapes = [
        ("csv, files of 64 MB", Plan { dirty_ppm: 1_000, ..plan.clone() }),
        ("csv, one file", Plan { cut: Cut::Files(1), ..plan.clone() }),
        ("jsonl, one file", Plan { cut: Cut::Files(1), format: OutputFormat::Jsonl, ..plan }),
    ];
    for (name, plan) in shapes.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        let folder = tempfile::tempdir()?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path())?);
        let start = Instant::now();
        let made = sales(&plan, store, &Path::default(), &|_| ()).await?;
        let took_ms = start.elapsed().as_millis().max(1) as u64;
        println!(
            "{name}: {} rows, {} MB in {took_ms} ms on {} threads = {} MB/s",
            made.rows,
            made.bytes / 1_000_000,
            plan.threads,
            made.bytes / 1_000 / took_ms,
        );
    }
    Ok(())
}
