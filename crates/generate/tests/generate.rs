//! What `generate` promises: the same bytes from the same plan, figures that add up, and dirt that is what it says.

use chrono::NaiveDate;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tillmart_generate::{Cut, JSONL_REASONS, Made, OutputFormat, Plan, ROW_REASONS, Size, dimensions, sales};
use tillmart_model::RowReason;
use tillmart_model::money::{parse_decimal, total_cents};

type Files = BTreeMap<String, Vec<u8>>;

async fn files(store: &dyn ObjectStore) -> Files {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut files = Files::new();
    for meta in listed {
        let bytes = store.get_opts(&meta.location, Default::default()).await.unwrap().bytes().await.unwrap();
        files.insert(meta.location.to_string(), bytes.to_vec());
    }
    files
}

async fn made(plan: &Plan) -> (Made, Files) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let told = AtomicU64::new(0);
    let tell = |bytes| {
        told.fetch_add(bytes, Ordering::Relaxed);
    };
    let made = sales(plan, Arc::clone(&store), &Path::from("sales_data"), &tell).await.unwrap();
    let files = files(&store).await;
    let written: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
    assert_eq!(told.into_inner(), written, "progress tells every byte");
    (made, files)
}

async fn made_dimensions(plan: &Plan) -> Files {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    dimensions(plan, Arc::clone(&store), &Path::default()).await.unwrap();
    files(&store).await
}

fn table(files: &Files, name: &str) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(files[name].as_slice()).deserialize().map(|row| row.unwrap()).collect()
}

fn keys(files: &Files, name: &str, key: &str) -> HashSet<String> {
    let rows = table(files, name);
    let keys: HashSet<String> = rows.iter().map(|row| row[key].clone()).collect();
    assert_eq!(keys.len(), rows.len(), "{name}: {key} is unique");
    keys
}

fn plan(rows: u64) -> Plan {
    Plan { size: Size::Rows(rows), ..Plan::default() }
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// A plan with something of everything.
fn everything() -> Plan {
    Plan {
        cut: Cut::Files(4),
        extra_column_percent: 50,
        missing_column_files: 2,
        foreign_files: 4,
        dirty_ppm: 10_000,
        ..plan(60_000)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_threads_changes_no_byte() {
    for format in [OutputFormat::Csv, OutputFormat::Jsonl] {
        let one = Plan { threads: threads(1), format, ..everything() };
        let (made_by_one, files_of_one) = made(&one).await;
        for count in [2, 5] {
            let more = Plan { threads: threads(count), ..one.clone() };
            let (made_by_more, files_of_more) = made(&more).await;
            assert_eq!(made_by_one, made_by_more);
            assert!(files_of_one == files_of_more, "{format:?}: other bytes from {count} threads");
            assert!(made_dimensions(&one).await == made_dimensions(&more).await);
        }
    }
}

/// The bytes of a seed are an interface too: people compare runs made from them. If this fails after a wanted change
/// of the generator, say so in the change log.
#[tokio::test]
async fn the_default_seed_gives_these_rows() {
    let (_, files) = made(&plan(3)).await;
    let text = String::from_utf8(files["sales_data/sales_2024-07-01_0001.csv"].clone()).unwrap();
    let header = "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n";
    assert!(text.starts_with(header), "{text}");
    let rows = [
        "23,122,Village Dark Chocolate 500 g,2022-05-31,2,120.30,2,240.60\n",
        "4,124,Farm Dish Soap 500 g,2024-06-25,9,0.45,1,0.45\n",
        "14,122,\"Red Lentils, Organic, 500 g\",2022-09-19,7,33.35,6,200.10\n",
    ];
    assert_eq!(&text[header.len()..], rows.concat());
}

#[tokio::test]
async fn another_seed_or_another_day_gives_other_sales() {
    let day = |day| NaiveDate::from_ymd_opt(2024, 3, day).unwrap();
    let of = |seed, date| Plan { seed, from: date, to: date, ..plan(1_000) };
    let rows = |files: Files| -> Vec<String> {
        let bytes = files.into_values().next().unwrap();
        let mut rows = csv::Reader::from_reader(bytes.as_slice());
        rows.records()
            .map(|row| row.unwrap().iter().enumerate().filter(|(at, _)| *at != 3).map(|f| f.1).collect())
            .collect()
    };
    let first = rows(made(&of(1, day(1))).await.1);
    assert_ne!(first, rows(made(&of(2, day(1))).await.1));
    assert_ne!(first, rows(made(&of(1, day(2))).await.1));
}

/// Reads the clean rows of CSV files and checks each against the dimensions.
fn check_clean_rows(files: &Files, dimensions: &Files) -> Made {
    let customers = keys(dimensions, "customer.csv", "customer_id");
    let stores = keys(dimensions, "store.csv", "id");
    let team = keys(dimensions, "sales_team.csv", "id");
    let products = keys(dimensions, "product.csv", "name");
    let mut counted = Made::default();
    let mut store_of = HashMap::new();
    for (path, bytes) in files {
        let rows = csv::Reader::from_reader(bytes.as_slice()).into_deserialize::<HashMap<String, String>>();
        counted.files += 1;
        counted.bytes += bytes.len() as u64;
        for row in rows {
            let row = row.unwrap_or_else(|error| panic!("{path}: {error}"));
            counted.rows += 1;
            let customer = &row["customer_id"];
            assert!(customer.is_empty() || customers.contains(customer), "{row:?}");
            assert!(stores.contains(&row["store_id"]) && team.contains(&row["sales_person_id"]), "{row:?}");
            assert!(products.contains(&row["product_name"]), "{row:?}");
            let store = store_of.entry(row["sales_person_id"].clone()).or_insert_with(|| row["store_id"].clone());
            assert_eq!(*store, row["store_id"], "a sales person belongs to one store");
            let date: NaiveDate = row["sales_date"].parse().unwrap();
            assert!((Plan::default().from..=Plan::default().to).contains(&date));
            let quantity: i128 = row["quantity"].parse().unwrap();
            let price = parse_decimal(row["price"].as_bytes(), b'.', 14, 4).unwrap();
            let total = parse_decimal(row["total_cost"].as_bytes(), b'.', 14, 2).unwrap();
            assert!(price > 0 && quantity != 0);
            assert_eq!(total, total_cents(price, quantity), "{row:?}");
            counted.money_cents += total;
            counted.rows_anonymous += u64::from(customer.is_empty());
            counted.rows_returned += u64::from(quantity < 0);
        }
    }
    counted
}

#[tokio::test]
async fn clean_sales_agree_with_the_dimensions_and_the_counts() {
    let plan = Plan { cut: Cut::Files(3), ..plan(50_000) };
    let (made, files) = made(&plan).await;
    let dimensions = made_dimensions(&plan).await;
    assert_eq!(check_clean_rows(&files, &dimensions), made);
    assert!((2_000..3_000).contains(&made.rows_anonymous), "5 % of 50,000: {}", made.rows_anonymous);
    assert!((800..1_200).contains(&made.rows_returned), "2 % of 50,000: {}", made.rows_returned);
    assert_eq!(keys(&dimensions, "customer.csv", "customer_id").len(), 50);
    assert_eq!(keys(&dimensions, "store.csv", "id").len(), 5);
    assert_eq!(keys(&dimensions, "product.csv", "id").len(), 14);
}

#[tokio::test]
async fn managers_have_managers() {
    let plan = Plan { stores: 25, sales_persons: 90, ..Plan::default() };
    let team = table(&made_dimensions(&plan).await, "sales_team.csv");
    let by_id: HashMap<&str, &HashMap<String, String>> = team.iter().map(|row| (row["id"].as_str(), row)).collect();
    assert_eq!(team.iter().filter(|row| row["is_manager"] == "N").count(), 90);
    for member in &team {
        let (mut at, mut steps) = (member, 0);
        while !at["manager_id"].is_empty() {
            at = by_id[at["manager_id"].as_str()];
            assert_eq!(at["is_manager"], "Y");
            steps += 1;
            assert!(steps <= 3, "nobody is their own manager's manager");
        }
        assert!(member["is_manager"] == "Y" || steps == 3, "{member:?}");
    }
}

#[tokio::test]
async fn a_chain_with_more_stores_than_sales_persons_sells_where_people_are() {
    let plan = Plan { stores: 9, sales_persons: 2, customers: 1, products: 1, ..plan(500) };
    let (made, files) = made(&plan).await;
    assert_eq!(check_clean_rows(&files, &made_dimensions(&plan).await), made);
}

#[tokio::test]
async fn sizes_in_bytes_are_met_within_one_percent() {
    let days = Plan { by_day: true, ..Plan::default() };
    let extra = Plan { extra_column_percent: 40, cut: Cut::BytesAbout(200_000), ..Plan::default() };
    let jsonl = Plan { format: OutputFormat::Jsonl, dirty_ppm: 50_000, ..Plan::default() };
    for plan in [Plan::default(), days, extra, jsonl] {
        let asked = 4_000_000;
        let (made, files) = made(&Plan { size: Size::Bytes(asked), ..plan.clone() }).await;
        assert!(made.bytes.abs_diff(asked) * 100 <= asked, "{} bytes of {plan:?}", made.bytes);
        if let Cut::BytesAbout(bytes) = plan.cut {
            assert!(files.values().all(|file| file.len() as u64 * 100 <= bytes * 101));
        }
    }
}

#[tokio::test]
async fn a_day_holds_nothing_but_itself() {
    let from = NaiveDate::from_ymd_opt(2024, 2, 27).unwrap();
    let to = NaiveDate::from_ymd_opt(2024, 3, 2).unwrap();
    let (made, files) = made(&Plan { from, to, by_day: true, ..plan(10_000) }).await;
    assert_eq!((made.files, files.len()), (5, 5));
    for (path, bytes) in &files {
        let day = path.split('/').nth(1).unwrap();
        assert_eq!(*path, format!("sales_data/{day}/sales_{day}_0001.csv"));
        let mut rows = csv::Reader::from_reader(bytes.as_slice());
        assert!(rows.records().all(|row| &row.unwrap()[3] == day));
    }
}

/// The dirty lines of CSV files: those that some rule of the reference format or of the dimensions refuses.
#[tokio::test]
async fn dirty_rows_break_one_rule_each_and_leave_their_neighbours_alone() {
    let plan = Plan { dirty_ppm: 30_000, cut: Cut::Files(2), ..plan(20_000) };
    let (made, files) = made(&plan).await;
    assert_eq!(made.rows_dirty(), 600);
    for reason in ROW_REASONS {
        assert_eq!(made.dirty_by_reason[&reason], 40, "{reason}: each in turn");
    }
    let mut judged: BTreeMap<RowReason, u64> = BTreeMap::new();
    let (mut clean, mut money) = (0, 0);
    for bytes in files.values() {
        for line in bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty()) {
            match judge(line) {
                Ok(cents) => (clean, money) = (clean + 1, money + cents),
                Err(reason) => *judged.entry(reason).or_default() += 1,
            }
        }
    }
    assert_eq!(judged, made.dirty_by_reason);
    assert_eq!((clean, money), (made.rows - 600, made.money_cents));
}

/// A judge of a single CSV line, written for this test and on purpose another than the feed's decoder: it counts how many
/// rules are broken and wants at most one.
fn judge(line: &[u8]) -> Result<i128, RowReason> {
    use RowReason::*;
    let text = match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let fixed: Vec<u8> = line.iter().map(|byte| if byte.is_ascii() { *byte } else { b'e' }).collect();
            assert!(judge(&fixed).is_ok(), "nothing but the encoding is wrong");
            return Err(BadEncoding);
        }
    };
    if text.contains("\"Green Tea\" 500 g") {
        assert!(judge(text.replace("\"Green Tea\" 500 g", "Green Tea").as_bytes()).is_ok());
        return Err(BadQuoting);
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let row = reader.records().next().unwrap().unwrap();
    let mut broken = Vec::new();
    if row.len() != 8 {
        broken.push(if row.len() < 8 { TooFewFields } else { TooManyFields });
    }
    let field = |at: usize| row.get(at).unwrap_or("1");
    broken.extend((1..8).filter(|at| field(*at).is_empty()).map(|_| MissingValue));
    let integer = |at: usize, max: i128| match field(at) {
        "" => Ok(0),
        text => match text.parse::<i128>() {
            Ok(value) if value <= max => Ok(value),
            Ok(_) => Err(OutOfRange),
            Err(_) => Err(BadInteger),
        },
    };
    let decimal = |at: usize, scale| match field(at) {
        "" => Ok(None),
        text => parse_decimal(text.as_bytes(), b'.', 14, scale).map(Some).map_err(|fault| match fault {
            tillmart_model::money::DecimalFault::Malformed => BadDecimal,
            tillmart_model::money::DecimalFault::OutOfRange => OutOfRange,
        }),
    };
    let (int32, int64) = (i128::from(i32::MAX), i128::from(i64::MAX));
    let ids = [integer(0, int64), integer(1, int32), integer(4, int64)];
    let limits = [(50, UnknownCustomer), (125, UnknownStore), (15, UnknownSalesPerson)];
    for (id, (known, unknown)) in ids.into_iter().zip(limits) {
        broken.extend(id.map(|id| id > known).map_or_else(Some, |orphan| orphan.then_some(unknown)));
    }
    match NaiveDate::parse_from_str(field(3), "%Y-%m-%d") {
        Ok(date) if date > Plan::default().to => broken.push(FutureDate),
        Err(_) if !field(3).is_empty() => broken.push(BadDate),
        _ => {}
    }
    let (price, quantity, total) = (decimal(5, 4), integer(6, int32), decimal(7, 2));
    broken.extend([price.err(), quantity.err(), total.err()].into_iter().flatten());
    let mut money = 0;
    if let (Ok(Some(price)), Ok(quantity), Ok(Some(total))) = (price, quantity, total) {
        broken.extend((price < 0).then_some(NegativePrice));
        let comparable = row.len() >= 8 && !field(6).is_empty();
        broken.extend((comparable && total != total_cents(price, quantity)).then_some(TotalMismatch));
        money = total;
    }
    assert!(broken.len() <= 1, "{text}: {broken:?}");
    broken.pop().map_or(Ok(money), Err)
}

#[tokio::test]
async fn json_lines_are_json_except_where_they_are_not_text() {
    let plan = Plan { format: OutputFormat::Jsonl, dirty_ppm: 24_000, extra_column_percent: 100, ..plan(10_000) };
    let (made, files) = made(&plan).await;
    assert_eq!(made.rows_dirty(), 240);
    assert!(JSONL_REASONS.iter().all(|reason| made.dirty_by_reason[reason] == 20));
    let (mut parsed, mut no_text) = (0, 0);
    for line in files.values().flat_map(|bytes| bytes.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty()) {
        if std::str::from_utf8(line).is_err() {
            no_text += 1;
            continue;
        }
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).unwrap();
        assert_eq!(row.len(), 9);
        assert!(row.contains_key("payment_mode"));
        parsed += 1;
    }
    assert_eq!((parsed, no_text), (9_980, 20));
}

#[tokio::test]
async fn refused_files_come_on_top() {
    let (made, files) = made(&everything()).await;
    assert_eq!((made.files, made.files_without_price, made.files_foreign), (4, 2, 4));
    assert_eq!((made.rows, made.files_with_extra_column, made.rows_dirty()), (60_000, 2, 600));
    assert_eq!(files.len(), 10);
    for (path, bytes) in files {
        let header = String::from_utf8_lossy(&bytes).lines().next().unwrap().to_owned();
        if path.contains("no_price") {
            assert_eq!(header, "customer_id,store_id,product_name,sales_date,sales_person_id,quantity,total_cost");
            assert_eq!(csv::Reader::from_reader(bytes.as_slice()).records().map(Result::unwrap).count(), 100);
        }
        let foreign = tillmart_model::Kind::of(&path).is_none();
        assert_eq!(foreign, !path.contains("/sales_"), "{path}");
    }
}

#[tokio::test]
async fn a_plan_that_cannot_be_is_refused_with_all_its_faults() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let plan = Plan { customers: 0, dirty_ppm: 2_000_000, to: NaiveDate::from_ymd_opt(2019, 1, 1).unwrap(), ..plan(0) };
    let fault = sales(&plan, Arc::clone(&store), &Path::default(), &|_| ()).await.unwrap_err();
    assert_eq!(fault.kind, tillmart_model::FaultKind::Settings);
    assert_eq!(fault.others.len(), 3, "{fault}");
    assert!(dimensions(&plan, Arc::clone(&store), &Path::default()).await.is_err());
    assert!(files(&store).await.is_empty());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> =
        Arc::new(object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    store.put(&Path::from("taken"), "a file where a folder should be".into()).await.unwrap();
    let fault = sales(&plan(10), store, &Path::from("taken"), &|_| ()).await.unwrap_err();
    assert_eq!(fault.kind, tillmart_model::FaultKind::Store);
    assert_eq!(fault.place.unwrap().file, "taken/sales_2024-07-01_0001.csv");
}
