//! A mart of which each row is a scope of its own, as what each customer spends in a month.

use crate::Setting;
use crate::scene::{archive, at, committed, leased, migrated, whole};
use arrow::array::{ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int64Type, Schema};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_database::{Publication, StateTable, TargetTable};

/// Customer and month.
type Key = (i64, i32);

/// Cents and landed rows.
type Spend = (i128, i64);

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const CUSTOMER_FIRST: [&str; 2] = ["customer_id", "month"];
const MONTH_FIRST: [&str; 2] = ["month", "customer_id"];

fn spend_state(scope: &[&str]) -> StateTable {
    let schema = Schema::new(vec![
        Field::new("customer_id", DataType::Int64, false),
        Field::new("month", DataType::Date32, false),
        Field::new("total", DataType::Decimal128(24, 2), false),
        Field::new("landed_rows", DataType::Int64, false),
    ]);
    StateTable { mart: "spend".to_owned(), schema: Arc::new(schema), keys: 2, scope: names(scope) }
}

fn spend_target(key: &[&str], scope: &[&str]) -> TargetTable {
    let schema = Schema::new(vec![
        Field::new("full_name", DataType::Utf8, true),
        Field::new("month", DataType::Date32, false),
        Field::new("customer_id", DataType::Int64, false),
        Field::new("total", DataType::Decimal128(16, 2), true),
    ]);
    TargetTable { name: "spend".to_owned(), schema: Arc::new(schema), key: names(key), scope: names(scope) }
}

fn sums(rows: &[(Key, Spend)]) -> RecordBatch {
    let cents = Decimal128Array::from_iter_values(rows.iter().map(|row| row.1.0));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0.0))),
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.0.1))),
        Arc::new(cents.with_data_type(DataType::Decimal128(24, 2))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1.1))),
    ];
    RecordBatch::try_new(spend_state(&CUSTOMER_FIRST).schema, columns).expect("a batch")
}

/// What `finish` makes of state rows: some customers have no name, and nobody with an odd total is published in one month of two.
fn finish(target: &TargetTable, sums: &[(Key, Spend)]) -> RecordBatch {
    let kept: Vec<&(Key, Spend)> = sums.iter().filter(|row| row.1.0 % 2 == 0 || row.0.1 % 2 == 0).collect();
    let cents = Decimal128Array::from_iter_values(kept.iter().map(|row| row.1.0));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter(kept.iter().map(|row| (row.0.0 % 7 > 0).then(|| format!("No. {}", row.0.0))))),
        Arc::new(Date32Array::from_iter_values(kept.iter().map(|row| row.0.1))),
        Arc::new(Int64Array::from_iter_values(kept.iter().map(|row| row.0.0))),
        Arc::new(cents.with_data_type(DataType::Decimal128(16, 2))),
    ];
    RecordBatch::try_new(Arc::clone(&target.schema), columns).expect("a batch")
}

fn rows_of(batches: &[RecordBatch]) -> BTreeMap<Key, Spend> {
    let mut rows = BTreeMap::new();
    for batch in batches {
        let (customers, months) =
            (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Date32Type>());
        let (cents, landed) =
            (batch.column(2).as_primitive::<Decimal128Type>(), batch.column(3).as_primitive::<Int64Type>());
        for at in 0..batch.num_rows() {
            let before = rows.insert((customers.value(at), months.value(at)), (cents.value(at), landed.value(at)));
            assert_eq!(before, None, "each row once");
        }
    }
    rows
}

fn seed() -> u64 {
    std::env::var("TILLMART_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121)
}

/// A delta over a stretch of customers: dense or thin, sorted or not, in one batch or several, with keys that come twice.
fn random_delta(random: &mut Xoshiro256PlusPlus) -> Vec<(Key, Spend)> {
    let first = random.random_range(-3_000..12_000);
    let (span, step) = (random.random_range(1..7_000), [1, 1, 2, 40][random.random_range(0..4)]);
    let months = random.random_range(1..3);
    let mut rows = Vec::new();
    for customer in (first..first + span).step_by(step) {
        for month in 0..months {
            let times = if random.random_ratio(1, 50) { 2 } else { 1 };
            for _ in 0..times {
                rows.push((
                    (customer, 19_844 + month * 31),
                    (random.random_range(-400..500), random.random_range(1..3)),
                ));
            }
        }
    }
    if random.random_bool(0.5) {
        rows.shuffle(random);
    }
    rows
}

async fn merge(publication: &mut dyn Publication, state: &StateTable, rows: &[(Key, Spend)], sign: i64, pieces: usize) {
    for piece in rows.chunks(rows.len().div_ceil(pieces).max(1)) {
        publication.merge(state, &sums(piece), sign).await.expect("merged");
    }
}

fn add(counted: &mut BTreeMap<Key, Spend>, rows: &[(Key, Spend)], sign: i64) {
    for (key, (cents, landed)) in rows {
        let sum = counted.entry(*key).or_default();
        *sum = (sum.0 + cents * i128::from(sign), sum.1 + landed * sign);
    }
    counted.retain(|_, sum| sum.1 != 0);
}

pub(crate) async fn random_publications_equal_a_recount(setting: &dyn Setting) {
    let target = spend_target(&CUSTOMER_FIRST, &CUSTOMER_FIRST);
    histories_equal_a_recount(setting, spend_state(&CUSTOMER_FIRST), target).await;
}

/// Rows of one month lie together, and most batches change most of them.
pub(crate) async fn the_month_may_lead(setting: &dyn Setting) {
    let target = spend_target(&MONTH_FIRST, &MONTH_FIRST);
    histories_equal_a_recount(setting, spend_state(&MONTH_FIRST), target).await;
}

/// The scope's columns stand in another order than the key's: nothing may depend on it.
pub(crate) async fn a_scope_may_have_another_order_than_the_key(setting: &dyn Setting) {
    let target = spend_target(&MONTH_FIRST, &CUSTOMER_FIRST);
    histories_equal_a_recount(setting, spend_state(&CUSTOMER_FIRST), target).await;
}

/// Batches come and go in every manner; state, touched rows, published rows and the number of changes are what a recount says.
async fn histories_equal_a_recount(setting: &dyn Setting, state: StateTable, target: TargetTable) {
    let seed = seed();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let database = migrated(setting).await;
    database.prepare(&state, &target).await.expect("prepared");
    let lease = leased(&*database).await;
    let mut counted: BTreeMap<Key, Spend> = BTreeMap::new();
    let mut standing: Vec<Vec<(Key, Spend)>> = Vec::new();
    for _ in 0..10 {
        let batch = committed(&*database, &lease, &[]).await;
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        let before = counted.clone();
        let mut keys = BTreeSet::new();
        if standing.len() > 1 && random.random_bool(0.6) {
            let back = standing.swap_remove(random.random_range(0..standing.len()));
            merge(publication.as_mut(), &state, &back, -1, random.random_range(1..4)).await;
            add(&mut counted, &back, -1);
            keys.extend(back.iter().map(|row| row.0));
        }
        let delta = random_delta(&mut random);
        merge(publication.as_mut(), &state, &delta, 1, random.random_range(1..4)).await;
        add(&mut counted, &delta, 1);
        keys.extend(delta.iter().map(|row| row.0));
        standing.push(delta);

        let touched = rows_of(&publication.touched(&state).await.expect("touched"));
        let wanted: BTreeMap<Key, Spend> =
            counted.iter().filter(|row| keys.contains(row.0)).map(|row| (*row.0, *row.1)).collect();
        assert!(touched == wanted, "TILLMART_SEED={seed}");
        let mut rows: Vec<(Key, Spend)> = touched.into_iter().collect();
        rows.shuffle(&mut random);
        let finished: Vec<RecordBatch> =
            rows.chunks(random.random_range(900..5_000)).map(|rows| finish(&target, rows)).collect();
        let replaced = if random.random_bool(0.5) {
            publication.replace(&state, &target, &finished).await.expect("replaced")
        } else {
            let finished = target.clone();
            let by_row = move |rows| Ok(finish(&finished, &rows_of(&[rows]).into_iter().collect::<Vec<_>>()));
            publication.replace_each(&state, &target, Arc::new(by_row)).await.expect("replaced")
        };
        assert_eq!(
            replaced,
            differences(&published(&target, &before), &published(&target, &counted)),
            "TILLMART_SEED={seed}"
        );
        assert_eq!(publication.replace(&state, &target, &finished).await.expect("replaced"), 0, "TILLMART_SEED={seed}");
        publication.commit(at(4)).await.expect("published");
        archive(&*database, &lease, &batch).await;

        assert!(rows_of(&database.read_state(&state).await.expect("read")) == counted, "TILLMART_SEED={seed}");
        let found = whole(&target.schema, &database.read_target(&target).await.expect("read"));
        assert!(found == published(&target, &counted), "TILLMART_SEED={seed}");
    }
}

/// The published table that a state makes, in key order.
fn published(target: &TargetTable, counted: &BTreeMap<Key, Spend>) -> RecordBatch {
    let rows: Vec<(Key, Spend)> = counted.iter().map(|row| (*row.0, *row.1)).collect();
    let all = finish(target, &rows);
    let column = |name: &String| all.column_by_name(name).map(Arc::clone).expect("a key column");
    let key = target.key.iter().map(|name| SortColumn { values: column(name), options: None });
    let sorted = lexsort_to_indices(&key.collect::<Vec<_>>(), None).expect("sorted");
    take_record_batch(&all, &sorted).expect("taken")
}

fn differences(before: &RecordBatch, after: &RecordBatch) -> u64 {
    let rows = |batch: &RecordBatch| -> BTreeMap<Key, i128> {
        let (months, customers) =
            (batch.column(1).as_primitive::<Date32Type>(), batch.column(2).as_primitive::<Int64Type>());
        let cents = batch.column(3).as_primitive::<Decimal128Type>();
        (0..batch.num_rows()).map(|at| ((customers.value(at), months.value(at)), cents.value(at))).collect()
    };
    let (before, after) = (rows(before), rows(after));
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).count() as u64
}
