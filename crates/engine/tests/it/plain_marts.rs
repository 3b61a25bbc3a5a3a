//! Marts written straight from the decoder's columns, and sums made in passing, are what the SQL says.

use crate::scene::{CUSTOMER_MART, Landing, SALES_MART, sales_schema};
use arrow::array::{
    ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{Decimal128Type, Int64Type};
use arrow::util::display::array_value_to_string;
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::basic::Encoding;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_engine::mart::{MartFile, Rollup, RowMart};
use tillmart_engine::{DimensionTables, Embedded, Engine, LandJob, LandedFile, Relation};
use tillmart_model::{Contract, Manifest, Orphans, Split};

const HEADER: &str =
    "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost,transaction_id,till\n";
const PLENTY: usize = 64 << 20;

/// Attributes that repeat, are NULL, or are told apart by nothing but their row; persons and customers that have no row.
fn dimensions(with_former: bool) -> DimensionTables {
    let texts = |count: usize, text: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..count).map(text).collect::<StringArray>())
    };
    let ids = |count: i64| -> ArrayRef { Arc::new((1..=count).map(|id| id * 3).collect::<Int64Array>()) };
    let table = |columns: Vec<(&str, ArrayRef)>| {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .expect("a table")
    };
    let person = |count: usize| {
        vec![
            ("first_name", texts(count, &|row| Some(format!("First {}", row % 4)))),
            ("last_name", texts(count, &|row| (row % 5 != 2).then(|| format!("Last {}", row % 7)))),
            ("address", texts(count, &|row| Some(format!("Street {row}, \"{row}\"")))),
            ("pincode", texts(count, &|row| (row % 3 != 0).then(|| format!("{:05}", row % 2)))),
        ]
    };
    let mut customer = vec![("customer_id", ids(50))];
    customer.extend(person(50));
    customer.push(("phone_number", texts(50, &|row| Some(format!("+49 {row}")))));
    let mut team = vec![("id", ids(12))];
    team.extend(person(12));
    let managers: Int64Array = (0..12).map(|row| (row > 1).then_some(row / 4)).collect();
    team.push(("manager_id", Arc::new(managers)));
    team.push(("is_manager", texts(12, &|row| Some(if row < 3 { "Y" } else { "N" }.to_owned()))));
    let stores: ArrayRef = Arc::new((1..=4).collect::<Int32Array>());
    let opened: ArrayRef = Arc::new((0..4).map(|row| (row != 1).then_some(row * 100)).collect::<Date32Array>());
    let store = vec![
        ("id", stores),
        ("store_manager_name", texts(4, &|row| (row != 2).then(|| "Moss".to_owned()))),
        ("store_opening_date", opened),
    ];
    let price = (0..9).map(|row| (row != 4).then_some(i128::from(row) % 3 * 10_000)).collect::<Decimal128Array>();
    let price: ArrayRef = Arc::new(price.with_precision_and_scale(14, 4).expect("prices"));
    let product = vec![("id", ids(9)), ("name", texts(9, &|row| Some(format!("tea {row}")))), ("current_price", price)];
    let tables = [("customer", customer), ("sales_team", team), ("store", store), ("product", product)];
    let tables: BTreeMap<String, RecordBatch> =
        tables.into_iter().map(|(name, columns)| (name.to_owned(), table(columns))).collect();
    let before = tables.iter().map(|(name, rows)| (name.clone(), former(rows))).collect();
    let tables = DimensionTables::new(tables).expect("all four");
    if with_former { tables.with_former(before).expect("former rows") } else { tables }
}

/// What every third row was before: another row's attributes, until some day of the two months, and those of a third one until a day
/// before that.
fn former(now: &RecordBatch) -> RecordBatch {
    let rows = now.num_rows() as u32;
    let of: Vec<u32> = (0..rows).step_by(3).flat_map(|row| [row, row]).collect();
    let other: UInt32Array = of.iter().enumerate().map(|(at, row)| Some((row + 1 + at as u32 % 2) % rows)).collect();
    let first = 19_844;
    let until = |row: u32, is_earlier: bool| first + (row as i32 * 7) % 40 - if is_earlier { 9 } else { 0 };
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let own: UInt32Array = of.iter().copied().map(Some).collect();
    for (at, field) in now.schema().fields().iter().enumerate() {
        let places = if at == 0 { &own } else { &other };
        columns.push((field.name().clone(), take(now.column(at), places, None).expect("taken")));
    }
    let day = |of_to: bool| -> ArrayRef {
        let day = |(at, row): (usize, &u32)| match (at % 2 == 0, of_to) {
            (true, false) => -719_162,
            (true, true) | (false, false) => until(*row, true),
            (false, true) => until(*row, false),
        };
        Arc::new(of.iter().enumerate().map(day).collect::<Vec<i32>>().into_iter().map(Some).collect::<Date32Array>())
    };
    columns.push(("valid_from".to_owned(), day(false)));
    columns.push(("valid_to".to_owned(), day(true)));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("former rows")
}

/// Known and unknown customers, stores, persons and products, anonymous sales, returns, two months, extra columns.
fn sales(file: usize, rows: usize) -> String {
    let mut text = HEADER.to_owned();
    for row in 0..rows {
        let number = (file * rows + row).wrapping_mul(0x9e37_79b9) >> 3;
        let customer = match number % 11 {
            0 => String::new(),
            1 => "1000000000007".to_owned(),
            _ => ((number / 11 % 50 + 1) * 3).to_string(),
        };
        let (store, person) = (number / 7 % 5 + 1, (number / 13 % 13 + 1) * 3);
        let product = format!("tea {}", number / 17 % 12);
        let (month, day, quantity) = (number / 3 % 2 + 5, number / 5 % 28 + 1, (number % 5) as i64 - 2);
        // One sale in four is at the list price of today.
        let cents = if number.is_multiple_of(4) { number / 17 % 12 % 3 * 100 } else { number % 100_000 };
        let total = cents as i64 * quantity;
        let sign = if total < 0 { "-" } else { "" };
        let total = total.abs();
        let basket = if number.is_multiple_of(4) { format!("T{number}") } else { String::new() };
        text.push_str(&format!(
            "{customer},{store},{product},2024-{month:02}-{day:02},{person},{}.{:02},{quantity},{sign}{}.{:02},{basket},{}\n",
            cents / 100,
            cents % 100,
            total / 100,
            total % 100,
            number % 3,
        ));
    }
    text
}

async fn delivered() -> Landing {
    let mut landing = Landing::new();
    for file in 0..4 {
        landing.deliver(sales(file, 3_000)).await;
    }
    landing
}

async fn job(landing: &Landing, memory_bytes: usize, marts: [&str; 2]) -> LandJob {
    job_with(landing, memory_bytes, marts, false).await
}

async fn job_with(landing: &Landing, memory_bytes: usize, marts: [&str; 2], with_former: bool) -> LandJob {
    let mut job = landing.job(memory_bytes).await;
    job.dimensions = Arc::new(dimensions(with_former));
    job.contract = Arc::new(Contract { orphans: Orphans::Keep, ..Contract::default() });
    job.row_marts.clear();
    for mart in marts {
        let file = MartFile::parse("marts/mine.sql", mart).expect("parsed");
        job.row_marts.push(Arc::new(RowMart::plan(&file, &job.dimensions, 3).await.expect("planned")));
    }
    job
}

/// Whether a mart's files were written column by column: the general writer packs no money this way.
async fn is_plain(landing: &Landing, manifest: &Manifest, table: &str) -> bool {
    let file = manifest.files.iter().find(|file| file.table == table).expect("a file");
    let reader = SerializedFileReader::new(landing.bytes(file).await).expect("Parquet");
    let group = reader.metadata().row_group(0);
    let money = group.columns().iter().find(|column| column.column_path().string() == "total_cost").expect("money");
    money.encodings().any(|encoding| encoding == Encoding::DELTA_BINARY_PACKED)
}

#[tokio::test]
async fn plain_marts_hold_what_their_sql_says() {
    let landing = delivered().await;
    let all = vec![landing.splits.clone()];
    // An expression, if only an idle one, takes the general way.
    let computed = |mart: &str| {
        mart.replace("s.batch_id,\n    o.", "COALESCE(s.batch_id, s.batch_id) AS batch_id,\n    o.")
            .replace("s.batch_id\n", "COALESCE(s.batch_id, s.batch_id) AS batch_id\n")
    };
    let (sales_mart, customer_mart) = (computed(SALES_MART), computed(CUSTOMER_MART));
    let general = landing.land_job(job(&landing, PLENTY, [&sales_mart, &customer_mart]).await, all.clone()).await;
    for memory_bytes in [PLENTY, 300_000, 0] {
        let plain = landing.land_job(job(&landing, memory_bytes, [SALES_MART, CUSTOMER_MART]).await, all.clone()).await;
        for table in ["sales_data_mart", "customer_data_mart"] {
            assert!(is_plain(&landing, &plain, table).await && !is_plain(&landing, &general, table).await, "{table}");
            let (found, expected) = (landing.rows(&plain, table).await, landing.rows(&general, table).await);
            assert!(expected.len() > 10_000, "{}", expected.len());
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "{table}");
            }
            let money = |manifest: &Manifest| -> i128 {
                manifest.files.iter().filter(|file| file.table == table).filter_map(|file| file.money_cents).sum()
            };
            assert_eq!(money(&plain), money(&general));
        }
    }
}

/// With former rows of every dimension, attributes of products among them.
#[tokio::test]
async fn plain_marts_look_up_what_held_on_the_day_of_the_sale() {
    let landing = delivered().await;
    let all = vec![landing.splits.clone()];
    let with_products = SALES_MART.replace("s.batch_id,\n", "s.batch_id,\n    o.id AS product_id,\n");
    assert!(with_products.contains("product_id") && with_products.contains("LEFT JOIN product"), "{with_products}");
    let computed = |mart: &str| {
        let computed = "COALESCE(s.batch_id, s.batch_id) AS batch_id";
        mart.replace("s.batch_id,\n", &format!("{computed},\n")).replace("s.batch_id\n", &format!("{computed}\n"))
    };
    let (sales_mart, customer_mart) = (computed(&with_products), computed(CUSTOMER_MART));
    let general = job_with(&landing, PLENTY, [&sales_mart, &customer_mart], true).await;
    let general = landing.land_job(general, all.clone()).await;
    let today = landing.land_job(job(&landing, PLENTY, [&with_products, CUSTOMER_MART]).await, all.clone()).await;
    for memory_bytes in [PLENTY, 0] {
        let plain = job_with(&landing, memory_bytes, [&with_products, CUSTOMER_MART], true).await;
        let plain = landing.land_job(plain, all.clone()).await;
        for table in ["sales_data_mart", "customer_data_mart"] {
            assert!(is_plain(&landing, &plain, table).await && !is_plain(&landing, &general, table).await, "{table}");
            let (found, expected) = (landing.rows(&plain, table).await, landing.rows(&general, table).await);
            assert_eq!(found, expected, "{table}");
            let today = landing.rows(&today, table).await;
            let changed = found.iter().zip(&today).filter(|(then, today)| then != today).count();
            assert!(changed > 500 && changed < found.len() - 500, "{changed} of {table}");
        }
    }
}

#[tokio::test]
async fn statistics_of_plain_marts_are_those_of_general_ones() {
    let landing = delivered().await;
    let all = vec![landing.splits.clone()];
    let computed = SALES_MART.replace("s.batch_id,\n", "COALESCE(s.batch_id, s.batch_id) AS batch_id,\n");
    let general = landing.land_job(job(&landing, PLENTY, [&computed, CUSTOMER_MART]).await, all.clone()).await;
    let plain = landing.land_job(job(&landing, PLENTY, [SALES_MART, CUSTOMER_MART]).await, all).await;
    let told = |manifest: &Manifest| -> BTreeMap<String, serde_json::Value> {
        let files = manifest.files.iter().filter(|file| file.table == "sales_data_mart");
        files.map(|file| (format!("{:?}", file.partition), serde_json::from_str(&file.stats).expect("JSON"))).collect()
    };
    assert_eq!(told(&plain), told(&general));
}

const OFF_LIST: &str = include_str!("../../../../sql/marts/off_list_day_data_mart.sql");

const ROLLUPS: [&str; 8] = [
    include_str!("../../../../sql/marts/customers_data_mart.sql"),
    include_str!("../../../../sql/marts/sales_team_data_mart.sql"),
    include_str!("../../../../sql/examples/daily_product_sales.sql"),
    include_str!("../../../../sql/marts/store_day_data_mart.sql"),
    include_str!("../../../../sql/marts/sales_person_day_data_mart.sql"),
    include_str!("../../../../sql/marts/product_day_data_mart.sql"),
    CONDITIONS,
    OFF_LIST,
];

/// Sums of some sales only, chosen in every way that is told in passing.
const CONDITIONS: &str = "\
-- mart: conditions
-- about: Sums over some sales.
-- state: store_id, sales_date
-- key: store_id, sales_date
-- scope: store_id, sales_date
-- merge:
SELECT
    store_id,
    sales_date,
    SUM(CASE WHEN quantity >= 0 AND customer_id IS NOT NULL THEN price ELSE 0.00 END) AS asked_of_known,
    SUM(CASE WHEN NOT (quantity < 0 OR customer_id IS NULL) THEN quantity ELSE 0 END) AS units_of_known,
    COUNT(1) FILTER (WHERE quantity < 0 OR customer_id IS NULL) AS others,
    COUNT(*) FILTER (WHERE quantity < 0 AND quantity >= 0) AS nothing,
    COUNT(*) AS landed_rows
FROM sales
GROUP BY store_id, sales_date
-- finish:
SELECT * FROM merged
";

#[tokio::test]
async fn sums_over_what_no_sale_tells_are_left_to_merge() {
    let landing = delivered().await;
    let job = job(&landing, PLENTY, [SALES_MART, CUSTOMER_MART]).await;
    let told = "COUNT(1) FILTER (WHERE quantity < 0 OR customer_id IS NULL)";
    for other in [
        // Without ELSE, a key under which there is no such sale has no sum.
        "SUM(CASE WHEN quantity < 0 THEN quantity END)",
        "SUM(CASE WHEN quantity < 0 THEN quantity ELSE 1 END)",
        "SUM(CASE quantity WHEN 0 THEN quantity ELSE 0 END)",
        "SUM(CASE WHEN quantity < 0 THEN 0 WHEN quantity >= 0 THEN quantity ELSE 0 END)",
        "SUM(quantity) FILTER (WHERE quantity < 0)",
        "SUM(-quantity)",
        "COUNT(*) FILTER (WHERE quantity < 1)",
        "COUNT(*) FILTER (WHERE price >= 0)",
        "COUNT(*) FILTER (WHERE store_id IS NULL)",
        "COUNT(customer_id)",
    ] {
        assert!(CONDITIONS.contains(told));
        let file = MartFile::parse("marts/mine.sql", &CONDITIONS.replace(told, other)).expect("parsed");
        let mut rollup = Rollup::plan(&file, &sales_schema().await, &job.dimensions).await.expect("planned");
        rollup.sum_in_passing(&job.row_marts[0]).await;
        assert!(rollup.summing.is_none(), "{other}");
    }
}

#[tokio::test]
async fn other_sums_over_list_prices_are_left_to_merge() {
    let landing = delivered().await;
    let job = job(&landing, PLENTY, [SALES_MART, CUSTOMER_MART]).await;
    let keys = "    sales_date,\n    store_id,\n    sales_person_id,\n    SUM((price";
    for (told, other) in [
        ("WHERE quantity >= 0 AND price <> list_price", "WHERE price <> list_price"),
        ("WHERE quantity >= 0 AND price <> list_price", "WHERE quantity >= 0 AND price < list_price"),
        ("WHERE quantity >= 0 AND price <> list_price", "WHERE quantity >= 0 AND price <> total_cost"),
        ("WHERE quantity >= 0 AND price <> list_price", "WHERE quantity >= 0 AND price <> list_price AND store_id > 1"),
        ("WHERE quantity >= 0 AND price <> list_price", "WHERE quantity >= 0"),
        ("FILTER (WHERE price < list_price)", "FILTER (WHERE price < list_price AND manager_id = 1)"),
        ("SUM((price - list_price) * quantity)", "SUM((list_price - price) * quantity)"),
        ("SUM((price - list_price) * quantity)", "SUM(list_price * quantity)"),
        (keys, "    sales_date,\n    store_id,\n    manager_id AS sales_person_id,\n    SUM((price"),
    ] {
        assert!(OFF_LIST.contains(told), "{told}");
        let text = OFF_LIST.replace(told, other);
        let text = if told == keys {
            text.replace("store_id, sales_person_id\n-- f", "store_id, manager_id\n-- f")
        } else {
            text
        };
        let file = MartFile::parse("marts/mine.sql", &text).expect("parsed");
        let mut rollup = Rollup::plan(&file, &sales_schema().await, &job.dimensions).await.expect("planned");
        rollup.sum_in_passing(&job.row_marts[0]).await;
        assert!(rollup.summing.is_none() && rollup.sums_attributes, "{other}");
    }
}

async fn rollups(landing: &Landing) -> Vec<Rollup> {
    let job = job(landing, PLENTY, [SALES_MART, CUSTOMER_MART]).await;
    let sales = sales_schema().await;
    let mut planned = Vec::new();
    for text in ROLLUPS {
        let file = MartFile::parse("marts/mine.sql", text).expect("parsed");
        let mut rollup = Rollup::plan(&file, &sales, &job.dimensions).await.expect("planned");
        rollup.sum_in_passing(&job.row_marts[0]).await;
        assert!(rollup.summing.is_some(), "{} is made in passing", rollup.name);
        assert_eq!(rollup.sums_attributes, rollup.name == "off_list_day_data_mart");
        planned.push(rollup);
    }
    planned
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_made_in_passing_are_those_of_merge() {
    sums_are_those_of_merge(false).await;
}

/// List prices are those of the day of the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_made_in_passing_are_those_of_merge_where_prices_were_others() {
    sums_are_those_of_merge(true).await;
}

async fn sums_are_those_of_merge(with_former: bool) {
    let landing = delivered().await;
    let rollups = rollups(&landing).await;
    let mut job = job_with(&landing, PLENTY, [SALES_MART, CUSTOMER_MART], with_former).await;
    job.summings = rollups.iter().filter_map(|rollup| rollup.summing.clone()).collect();
    let tasks: Vec<Vec<Split>> = landing.splits.chunks(3).map(<[Split]>::to_vec).collect();
    let manifest = landing.land_job(job, tasks).await;
    let at = |path: &str| Path::from(format!("root/{path}"));
    let landed: Vec<LandedFile> = manifest
        .files
        .iter()
        .filter(|file| file.table == "sales_data_mart")
        .map(|file| LandedFile {
            path: at(&format!("{}/{}", file.table, file.path)),
            size: file.size,
            partition: file.partition.clone(),
        })
        .collect();
    for rollup in rollups {
        assert_eq!(manifest.rows_summed[&rollup.name], 12_000);
        let files: Vec<LandedFile> = manifest
            .deltas
            .iter()
            .filter(|file| file.mart == rollup.name)
            .map(|file| LandedFile { path: at(&file.path), size: file.size, partition: Vec::new() })
            .collect();
        assert_eq!(files.len(), 2, "one file a task");
        let partitions = ["sales_month".to_owned(), "store_id".to_owned()];
        let sales = Relation::landed("sales", &landing.objects_for_scans(), sales_schema().await, &partitions, &landed)
            .expect("a scan");
        let (_, merged) = Embedded::new(2, PLENTY).select(vec![sales], &rollup.merge.sql).await.expect("merged");
        let expected = added_up(&merged, rollup.state_keys);
        assert!(expected.len() > 50, "{}", expected.len());
        // As they are, as often as is still merged row by row, and once more.
        for times in [1, 8, 9] {
            let files: Vec<LandedFile> = std::iter::repeat_n(files.iter().cloned(), times).flatten().collect();
            let summed = rollup.merged_deltas(&landing.objects_for_scans(), &files, 2, PLENTY).await.expect("opened");
            let summed: Vec<RecordBatch> = summed.try_collect().await.expect("read");
            assert_eq!(summed[0].schema(), rollup.state_schema);
            let mut found = added_up(&summed, rollup.state_keys);
            found.values_mut().flatten().for_each(|sum| *sum /= times as i128);
            assert_eq!(found, expected, "{} from {} files", rollup.name, files.len());
        }
    }
}

/// Sums by key, in text and in units; a key may come twice.
fn added_up(batches: &[RecordBatch], keys: usize) -> BTreeMap<String, Vec<i128>> {
    let mut all = BTreeMap::new();
    for batch in batches {
        let (names, sums) = batch.columns().split_at(keys);
        for row in 0..batch.num_rows() {
            let text = |column: &ArrayRef| array_value_to_string(column, row).expect("a text");
            let key = names.iter().map(text).collect::<Vec<_>>().join(" | ");
            let known = all.entry(key).or_insert_with(|| vec![0; sums.len()]);
            for (sum, column) in known.iter_mut().zip(sums) {
                *sum += match column.as_primitive_opt::<Decimal128Type>() {
                    Some(decimals) => decimals.value(row),
                    None => i128::from(column.as_primitive::<Int64Type>().value(row)),
                };
            }
        }
    }
    all
}
