//! Large files are shared by several tasks: whatever is in them, the tables are those of files that were landed whole.

use crate::histories::Told;
use crate::project::{HEADER, Place, Project, Spend, Team};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use futures::TryStreamExt;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tillmart_database::{Dimension, FileFilter};
use tillmart_engine::{Embedded, Progress};
use tillmart_model::{Manifest, SalesColumn, Split, Tally};
use tillmart_pipeline::{Observer, Options, Pipeline, Point};
use tillmart_testkit::RadosGw;

/// Longer lines make a file unreadable.
const RECORD_BYTES_MAX: u64 = 16 << 10;

fn sale(rng: &mut Xoshiro256PlusPlus, product: &str) -> String {
    let (customer, person, day) = (rng.random_range(1..=20), rng.random_range(1..=2), rng.random_range(1..=28));
    let (store, quantity) = (rng.random_range(1..=2), rng.random_range(1..=4));
    let total = quantity * 250;
    format!(
        "{customer},{store},{product},2024-0{person}-{day:02},{person},2.50,{quantity},{}.{:02}\n",
        total / 100,
        total % 100
    )
}

/// A row that breaks the contract, and may break the quotes of its neighbours.
fn odd(rng: &mut Xoshiro256PlusPlus) -> String {
    let rows = [
        "7,1,\"tea,2024-01-02,1,2.50,1,2.50\n",
        "7,1,te\"a,2024-01-02,1,2.50,1,2.50\n",
        "7,1,\"te\na,2024-01-02\",1,2.50,1,2.50\n",
        "7,1,tea,2024-01-02,1,2.50,1,99.00\n",
        "\n\r\n",
        "7,1\n",
        "999,1,tea,2024-01-02,1,2.50,1,2.50\n",
    ];
    (*rows.choose(rng).expect("some")).to_owned()
}

/// Rows of which so many of a hundred are odd, behind a header.
fn text(rng: &mut Xoshiro256PlusPlus, rows: usize, odd_rows: u32) -> String {
    let products = ["tea", "\"tea, green\"", "\"tea\nin two\r\nlines\"", "\"a \"\"good\"\" tea\"", "mug"];
    let mut text = HEADER.to_owned();
    for _ in 0..rows {
        let row = match rng.random_ratio(odd_rows, 100) {
            true => odd(rng),
            false => {
                let product = products.choose(rng).expect("some");
                sale(rng, product)
            }
        };
        text.push_str(&row);
    }
    text
}

/// Values that look like records wherever one looks back from a cut.
fn misleading(rng: &mut Xoshiro256PlusPlus) -> String {
    let mut text = HEADER.to_owned();
    for _ in 0..15 {
        let inner: String = (0..120).map(|_| sale(rng, "tea")).collect();
        text.push_str(&sale(rng, &format!("\"{inner}\"")));
        text.extend((0..20).map(|_| sale(rng, "tea")));
    }
    text
}

fn json(rng: &mut Xoshiro256PlusPlus, lines: usize) -> String {
    let line = |line: usize| match line % 40 {
        7 => "{\"customer_id\": 1\n".to_owned(),
        8 => "\n".to_owned(),
        _ => format!(
            "{{\"customer_id\":{},\"store_id\":1,\"product_name\":\"tea {line}\",\"sales_date\":\"2024-01-02\",\
             \"sales_person_id\":1,\"price\":\"2.50\",\"quantity\":2,\"total_cost\":5.00}}\n",
            rng.random_range(1..=20)
        ),
    };
    (0..lines).map(line).collect()
}

fn files(seed: u64) -> Vec<(String, Vec<u8>)> {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let long = format!("{}1,1,{},2024-01-02\n{}", text(rng, 900, 0), "x".repeat(20_000), text(rng, 900, 0));
    let windows = format!("\u{feff}{}", text(rng, 2_000, 2).replace('\n', "\r\n"));
    let files = [
        ("a-good.csv", text(rng, 2_000, 0)),
        ("b-odd.csv", text(rng, 2_000, 8)),
        ("c-too-odd.csv", text(rng, 2_000, 90)),
        ("d.jsonl", json(rng, 800)),
        ("e-misleading.csv", misleading(rng)),
        ("f-no-header.csv", text(rng, 2_000, 0).replacen("customer_id", "customer", 1)),
        ("g-long-line.csv", long),
        ("h-windows.csv", windows.trim_end().to_owned()),
        ("i-small.csv", text(rng, 3, 0)),
        ("j-blank.jsonl", "\n".repeat(90_000)),
    ];
    files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into()
}

/// Reads the manifest that a batch leaves, of a project in a folder.
struct Watch {
    manifests: PathBuf,
    splits: Mutex<Vec<String>>,
}

impl Observer for Watch {
    fn doing(&self, _: &str) {}
    fn landing(&self, _: u64, _: u64, _: Arc<Progress>) {}
    fn landed(&self) {}
    fn reached(&self, point: Point) {
        if point == Point::ManifestStored {
            let files = std::fs::read_dir(&self.manifests).expect("there").flatten().map(|file| file.path());
            for file in files.filter(|path| path.extension().is_some_and(|end| end == "json")) {
                let manifest: Manifest =
                    serde_json::from_slice(&std::fs::read(file).expect("read")).expect("a manifest");
                let names = manifest.splits.into_iter().map(|report| report.split);
                self.splits.lock().expect("held").extend(names);
            }
        }
    }
}

/// A project whose files wait; `tasks` land side by side.
async fn project(place: Option<Place>, files: &[(String, Vec<u8>)], tasks: usize, batch_files_max: u32) -> Project {
    let change = |options: &mut Options| {
        options.contract.record_bytes_max = RECORD_BYTES_MAX;
        options.split_bytes = Split::SURVEY_UNIT_MIN;
        options.batch_files_max = batch_files_max;
    };
    let project = match place {
        Some(place) => Project::at(place, change).await,
        None => Project::new(change).await,
    };
    let customers: String = (1..=20).map(|id| format!("{id},Ann,O'Dell\n")).collect();
    project.load(Dimension::Customer, &format!("customer_id,first_name,last_name\n{customers}")).await;
    project.load(Dimension::Store, "id,address\n1,a\n2,b\n").await;
    project.load(Dimension::Product, "id,name,current_price\n1,tea,2.50\n").await;
    project.load(Dimension::SalesTeam, "id,first_name,last_name,is_manager\n1,Bo,Li,N\n2,Cy,Ng,N\n").await;
    project.put(files).await;
    // Two of the engine's tasks land one file.
    project.behind(|seams| seams.engine = Arc::new(Embedded::new(2 * tasks, 1 << 30)))
}

/// What the ledger tells of a file.
#[derive(Debug, PartialEq)]
struct Known {
    outcome: String,
    tally: Tally,
    digest: Option<String>,
    header: Option<Vec<u8>>,
}

/// Everything that a run leaves and a person may look at.
#[derive(Debug, PartialEq)]
struct Left {
    spend: Spend,
    team: Team,
    /// Of the sales mart, and of the rejects.
    rows: Vec<RecordBatch>,
    files: BTreeMap<String, Known>,
    areas: Vec<String>,
}

async fn left(project: &Project) -> Left {
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verified.differing, 0, "{verified:?}");
    let files = project.pipeline.files(&FileFilter::default()).await.unwrap_or_else(|fault| panic!("{fault}"));
    let told = files.into_iter().map(|file| {
        let outcome = format!("{:?}", file.outcome);
        (file.found.path, Known { outcome, tally: file.tally, digest: file.digest, header: file.header })
    });
    let mut areas = project.names("sales_data_processed").await;
    areas.extend(project.names("sales_data_error").await);
    let mut rows = Vec::new();
    for sql in [
        "SELECT customer_id, store_id, product_name, sales_date, sales_person_id, price, quantity, total_cost, source_file_id \
         FROM sales_data_mart ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
        "SELECT source_file_id, file, line, byte_offset, column_name, code, message, raw FROM sales_rejects ORDER BY 1, 3",
    ] {
        rows.push(asked(&project.pipeline, sql).await);
    }
    Left { spend: project.spend(), team: project.team(), rows, files: told.collect(), areas }
}

async fn asked(pipeline: &Pipeline, sql: &str) -> RecordBatch {
    let explorer = pipeline.explorer().await.unwrap_or_else(|fault| panic!("{fault}"));
    let answer = explorer.ask(sql).await.unwrap_or_else(|fault| panic!("{fault}"));
    let rows: Vec<RecordBatch> = answer.rows.try_collect().await.unwrap_or_else(|fault| panic!("{fault}"));
    concat_batches(&answer.schema, &rows).expect("of one schema")
}

/// Lands with one task: no file is cut.
async fn whole(files: &[(String, Vec<u8>)], batch_files_max: u32) -> Left {
    let project = project(None, files, 1, batch_files_max).await;
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    left(&project).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_in_stretches_come_to_the_same_as_whole_ones() {
    let given = std::env::var("TILLMART_SEED").ok().and_then(|seed| seed.parse().ok());
    // Each file on its own, and all at once: then tasks hold stretches of files that must be landed whole.
    for (seed, (tasks, batch_files_max)) in (given.unwrap_or(20_240_701)..).zip([(2, 1), (24, 100)]) {
        let told = Told(seed);
        let files = files(told.0);
        let project = project(None, &files, tasks, batch_files_max).await;
        let manifests = project.folder.path().join("storage/tillmart/sales");
        let watch = Arc::new(Watch { manifests, splits: Mutex::default() });
        let observer = Arc::clone(&watch) as Arc<dyn Observer>;
        project.watched_by(observer).run().await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(left(&project).await, whole(&files, batch_files_max).await, "{tasks} tasks");

        let splits = watch.splits.lock().expect("held").clone();
        let is_cut = |file: usize| splits.contains(&format!("source:{file}:1"));
        assert_eq!(
            (1..=10).map(is_cut).collect::<Vec<bool>>(),
            [true, true, false, true, false, false, false, true, false, false],
            "faulty files, one whose stretches do not meet, and a small one are landed whole; of {splits:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_bucket_are_cut_as_well() {
    let files = files(7);
    let server = RadosGw::start().unwrap_or_else(|why| panic!("{why}"));
    let bucket = server.new_bucket().unwrap_or_else(|why| panic!("{why}"));
    let project = project(Some(Place::bucket(&server.url(), &bucket)), &files, 2, 1).await;
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(left(&project).await, whole(&files, 1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_feed_with_a_key_are_not_cut() {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(3);
    let text = text(rng, 500, 0);
    // Every row once more, far behind: found only by whoever sees all of the file.
    let twice = format!("{text}{}", &text[HEADER.len()..]);
    let files = [("a.csv".to_owned(), twice.into_bytes())];
    let project = project(None, &files, 3, 1).await.with(|options| {
        options.contract.key = vec![SalesColumn::CustomerId];
        options.max_reject_millionths = 1_000_000;
    });
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let left = left(&project).await;
    let tally = &left.files["a.csv"].tally;
    assert_eq!((tally.rows_read, tally.rows_landed), (1_000, 20), "one row a customer");
}
