//! Landing: the same rows whatever the memory and however many tasks, each split once, nothing of a rejected file.

use crate::scene::{CUSTOMERS, Landing, REJECTS, STORES};
use std::collections::{BTreeMap, BTreeSet};
use tillmart_model::{FileReason, Manifest, RowReason, Split};

const HEADER: &str = "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n";
const PLENTY: usize = 64 << 20;
const TABLES: [&str; 3] = ["sales_data_mart", "customer_data_mart", REJECTS];

/// A file over six months and every store; each 50th row has an unknown customer, each tenth none.
fn sales(file: usize, rows: usize) -> String {
    let mut text = HEADER.to_owned();
    for row in 0..rows {
        let number = file * rows + row;
        let customer = match number {
            _ if number % 50 == 49 => "999".to_owned(),
            _ if number.is_multiple_of(10) => String::new(),
            _ => (number as i64 % CUSTOMERS + 1).to_string(),
        };
        let store = number as i32 % STORES + 1;
        let (month, day, person) = (number / 7 % 6 + 1, number % 28 + 1, number % 3 + 1);
        let (units, cents) = (number % 100, number * 7 % 100);
        text.push_str(&format!(
            "{customer},{store},item {number},2024-{month:02}-{day:02},{person},{units}.{cents:02},1,{units}.{cents:02}\n"
        ));
    }
    text
}

async fn delivered(files: usize, rows: usize) -> Landing {
    let mut landing = Landing::new();
    for file in 0..files {
        landing.deliver(sales(file, rows)).await;
    }
    landing
}

fn files_of<'a>(manifest: &'a Manifest, table: &'a str) -> impl Iterator<Item = &'a tillmart_model::DataFile> {
    manifest.files.iter().filter(move |file| file.table == table)
}

#[tokio::test]
async fn little_memory_gives_the_same_rows_in_more_and_smaller_files() {
    let landing = delivered(20, 1_000).await;
    let all = vec![landing.splits.clone()];
    let plenty = landing.land(PLENTY, all.clone()).await;
    // Both marts share it: 200 kB each, for 24 partitions that would take more.
    let budget = 400_000;
    let little = landing.land(budget, all).await;
    for table in TABLES {
        assert_eq!(landing.rows(&little, table).await, landing.rows(&plenty, table).await, "{table}");
    }
    let (table, partitions) = ("sales_data_mart", 24);
    assert_eq!(files_of(&plenty, table).count(), partitions, "one file a partition where memory allows");
    assert!(files_of(&little, table).count() > 3 * partitions, "{}", files_of(&little, table).count());
    let least = landing.land(0, vec![landing.splits.clone()]).await;
    assert_eq!(landing.rows(&least, table).await, landing.rows(&plenty, table).await);
    // Without any memory every write closes its files, so a file never holds more than one write brought.
    assert_eq!(files_of(&least, table).count(), partitions * 20);
    let largest = |manifest: &Manifest| files_of(manifest, table).map(|file| file.size).max().unwrap_or_default();
    let sizes = [&least, &little, &plenty].map(largest);
    assert!(sizes[0] <= sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    assert!(largest(&little) < budget as u64 / 2, "no file outgrew its mart's budget");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_tasks_give_the_rows_of_one() {
    let landing = delivered(7, 300).await;
    let one = landing.land(PLENTY, vec![landing.splits.clone()]).await;
    let mut spread: Vec<Vec<Split>> = vec![Vec::new(); 3];
    for (at, split) in landing.splits.iter().enumerate() {
        spread[at % 3].push(split.clone());
    }
    let three = landing.land(PLENTY, spread).await;
    for table in TABLES {
        let rows = landing.rows(&one, table).await;
        assert!(!rows.is_empty());
        assert_eq!(landing.rows(&three, table).await, rows, "{table}");
    }
    let told = |manifest: &Manifest| -> BTreeMap<String, (u64, i128, Option<String>)> {
        let report = |report: &tillmart_model::SplitReport| {
            (report.split.clone(), (report.tally.rows_landed, report.tally.money_cents, report.digest.clone()))
        };
        manifest.splits.iter().map(report).collect()
    };
    assert_eq!(told(&three), told(&one));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manifests_hold_every_split_once_and_add_up() {
    let landing = delivered(9, 100).await;
    let tasks: Vec<Vec<Split>> = landing.splits.chunks(4).map(<[Split]>::to_vec).collect();
    let manifest = landing.land(PLENTY, tasks).await;
    let mut found: Vec<&str> = manifest.splits.iter().map(|report| report.split.as_str()).collect();
    found.sort_unstable();
    let mut expected: Vec<String> = landing.splits.iter().map(Split::name).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let sum = |count: &dyn Fn(&tillmart_model::Tally) -> i128| -> i128 {
        manifest.splits.iter().map(|report| count(&report.tally)).sum()
    };
    let rows = |table: &str| -> i128 { files_of(&manifest, table).map(|file| i128::from(file.rows)).sum() };
    assert_eq!(sum(&|tally| i128::from(tally.rows_read)), 900);
    assert_eq!(sum(&|tally| i128::from(tally.rows_landed)), rows("sales_data_mart"));
    assert_eq!(sum(&|tally| i128::from(tally.rows_landed - tally.rows_anonymous)), rows("customer_data_mart"));
    assert_eq!(sum(&|tally| i128::from(tally.rows_rejected())), rows(REJECTS));
    assert_eq!(sum(&|tally| i128::from(tally.rejected[&RowReason::UnknownCustomer])), 18);
    let written: i128 = files_of(&manifest, "sales_data_mart").filter_map(|file| file.money_cents).sum();
    assert_eq!(sum(&|tally| tally.money_cents), written);
    let paths: BTreeSet<String> = manifest.files.iter().map(|file| format!("{}/{}", file.table, file.path)).collect();
    assert_eq!(paths.len(), manifest.files.len(), "no two files have one name");
    let stored = landing.objects().await.into_iter().filter(|path| path.ends_with(".parquet"));
    assert_eq!(stored.count(), paths.len(), "nothing was written that no manifest tells of");
}

#[tokio::test]
async fn a_bucket_depends_on_the_customer_alone() {
    let landing = delivered(3, 200).await;
    let manifest = landing.land(0, vec![landing.splits.clone()]).await;
    let mut bucket_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in landing.rows(&manifest, "customer_data_mart").await {
        let (customer, rest) = row.split_once(" | ").expect("columns");
        let bucket = rest.rsplit_once(" | ").expect("a partition").1;
        bucket_of.entry(customer.to_owned()).or_default().insert(bucket.to_owned());
    }
    assert_eq!(bucket_of.len(), CUSTOMERS as usize);
    assert!(bucket_of.values().all(|buckets| buckets.len() == 1), "{bucket_of:?}");
    let all: BTreeSet<&String> = bucket_of.values().flatten().collect();
    assert_eq!(all.len(), 2, "both buckets are used");
}

#[tokio::test]
async fn a_rejected_file_writes_nothing_and_says_why() {
    let mut landing = delivered(1, 100).await;
    landing.deliver(format!("{HEADER}1,1,tea,2024-01-02,1,x,1,1.00\n1,1,tea,2024-01-02,1,1.00,1,1.00\n")).await;
    landing.deliver("customer_id,store_id\n1,1\n".to_owned()).await;
    let manifest = landing.land(PLENTY, vec![landing.splits.clone()]).await;
    let fault = |at: usize| manifest.splits[at].fault.as_ref().map(|fault| fault.reason);
    assert_eq!(
        [fault(0), fault(1), fault(2)],
        [None, Some(FileReason::TooManyRejects), Some(FileReason::MissingColumn)]
    );
    assert_eq!(manifest.splits[1].rows_written + manifest.splits[2].rows_written, 0);
    assert!(manifest.splits.iter().all(|report| report.digest.is_some()), "each is read to its end");
    assert!(manifest.splits[1].samples[0].contains("line 2") && manifest.splits[1].samples[0].contains("bad_decimal"));
    let alone = landing.land(PLENTY, vec![landing.splits[..1].to_vec()]).await;
    for table in TABLES {
        assert_eq!(landing.rows(&manifest, table).await, landing.rows(&alone, table).await, "{table}");
    }
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let landing = delivered(2, 120).await;
    let real = landing.land(PLENTY, vec![landing.splits.clone()]).await;
    let before = landing.objects().await;
    let mut job = landing.job(PLENTY).await;
    job.dry_run = true;
    let engine = tillmart_engine::Embedded::new(1, PLENTY);
    let job = std::sync::Arc::new(job);
    let dry = tillmart_engine::Engine::land(&engine, job, vec![landing.splits.clone()]).await.expect("landed");
    assert_eq!(landing.objects().await, before);
    assert!(dry[0].files.is_empty());
    for (real, dry) in real.splits.iter().zip(&dry[0].splits) {
        assert_eq!((&real.tally, &real.digest), (&dry.tally, &dry.digest));
    }
    let stores: Vec<i32> = dry[0].splits[0].stores.iter().copied().collect();
    assert_eq!(stores, [1, 2, 3, 4]);
    assert_eq!(dry[0].splits[0].months.len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_many_ranges_lands_every_line_once() {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let rows = 300_000;
    let landing = delivered(1, rows).await;
    let manifest = landing.land(PLENTY, vec![landing.splits.clone()]).await;
    let report = &manifest.splits[0];
    assert_eq!((report.fault.clone(), report.tally.rows_read), (None, rows as u64));
    assert_eq!(report.digest, Some(blake3::hash(sales(0, rows).as_bytes()).to_hex().to_string()));
    let mut lines = Vec::with_capacity(rows);
    for (table, column) in [("sales_data_mart", "source_line"), (REJECTS, "line")] {
        for file in files_of(&manifest, table) {
            for batch in landing.read(file).await {
                lines.extend(batch[column].as_primitive::<Int64Type>().values().iter().copied());
            }
        }
    }
    lines.sort_unstable();
    // The header is line 1.
    assert!(lines.iter().copied().eq(2..rows as i64 + 2), "{} lines", lines.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_fail_end_the_landing() {
    use tillmart_engine::{Embedded, Engine};
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("sales_data")).expect("made");
    std::fs::write(root.join("sales_data/day-1.csv"), sales(0, 300_000)).expect("written");
    // A file stands where the table's folder should be.
    std::fs::write(root.join("sales_data_mart"), "").expect("written");
    let landing = delivered(1, 300_000).await;
    let mut job = landing.job(0).await;
    job.objects =
        std::sync::Arc::new(object_store::local::LocalFileSystem::new_with_prefix(folder.path()).expect("a store"));
    let landed = Embedded::new(1, 64 << 20).land(std::sync::Arc::new(job), vec![landing.splits.clone()]).await;
    assert!(landed.is_err(), "nothing can be written, and nobody waits for it");
}
