//! A scripted year of statements, arriving in any order, gives the versions that a plain reading of them gives.

use super::shape::{BEGINNING, FROM_FILE, FROM_TABLE, statements_schema};
use super::state::{Stating, keys_of};
use super::versions::versions_of;
use super::{holding, mark};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Date32Type;
use arrow::util::display::array_value_to_string;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::BTreeMap;
use tillmart_database::{Dimension, rows_of_csv};

/// Statements in memory: what the Delta tables keep, without them.
struct Memory {
    dimension: Dimension,
    statements: RecordBatch,
    sequence: i64,
}

impl Memory {
    fn new(dimension: Dimension) -> Memory {
        let statements = RecordBatch::new_empty(statements_schema(dimension));
        Memory { dimension, statements, sequence: 0 }
    }

    fn versions(&self) -> RecordBatch {
        let mut keys: Vec<i64> = (1..=KEYS).collect();
        let first = self.statements.column(2).as_primitive::<arrow::datatypes::Int64Type>();
        keys.retain(|key| first.values().contains(key));
        versions_of(self.dimension, &self.statements, &keys).expect("versions")
    }

    fn load(&mut self, day: i32, csv: &str) {
        let rows = rows(self.dimension, csv);
        self.sequence += 1;
        let digest = mark::of(&rows);
        let stating = Stating {
            dimension: self.dimension,
            sequence: self.sequence,
            valid_from: day,
            origin: FROM_FILE,
            digest: &digest,
        };
        let holding = holding(&self.versions(), day).expect("what holds");
        self.add(&stating.of_file(&rows, &holding).expect("statements").rows);
    }

    /// A look at the table, which shows what this file shows and nothing else.
    fn notice(&mut self, day: i32, csv: &str) -> bool {
        let table = rows(self.dimension, csv);
        self.sequence += 1;
        let stating = Stating {
            dimension: self.dimension,
            sequence: self.sequence,
            valid_from: day,
            origin: FROM_TABLE,
            digest: "",
        };
        let versions = self.versions();
        let is_current = versions.column(versions.num_columns() - 1).as_boolean();
        let current = arrow::compute::filter_record_batch(&versions, is_current).expect("current");
        let mut sets = stating.nothing_holds(&table);
        // What holds comes in parts, as it does from data files.
        for start in (0..current.num_rows()).step_by(2) {
            let part = current.slice(start, 2.min(current.num_rows() - start));
            stating.compare(&table, &part, &mut sets).expect("compared");
        }
        let stated = stating.of_table(&table, &sets).expect("statements");
        stated.inspect(|stated| self.add(&stated.rows)).is_some()
    }

    fn add(&mut self, rows: &RecordBatch) {
        self.statements = concat_batches(rows.schema_ref(), [&self.statements, rows]).expect("one schema");
    }
}

fn rows(dimension: Dimension, csv: &str) -> RecordBatch {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rows.csv");
    std::fs::write(&file, csv).expect("written");
    rows_of_csv(dimension, &file).unwrap_or_else(|fault| panic!("{fault}\n{csv}"))
}

const KEYS: i64 = 7;

/// A file of the script: its day, the columns it has, and the values of its rows.
#[derive(Debug, Clone)]
struct File {
    day: i32,
    columns: Vec<&'static str>,
    rows: BTreeMap<i64, Vec<String>>,
}

impl File {
    fn csv(&self, key: &str) -> String {
        let mut csv = format!("{key},{}\n", self.columns.join(","));
        for (id, values) in self.rows.iter().rev() {
            csv.push_str(&format!("{id},{}\n", values.join(",")));
        }
        csv
    }
}

fn script(rng: &mut Xoshiro256PlusPlus, columns: &[&'static str], always: &[&'static str]) -> Vec<File> {
    (0..25)
        .map(|at| {
            let has = |rng: &mut Xoshiro256PlusPlus, name| always.contains(name) || rng.random_range(0..3) > 0;
            let columns: Vec<&str> = columns.iter().filter(|name| has(rng, name)).copied().collect();
            let whole = rng.random_bool(0.5);
            let rows = (1..=KEYS).filter(|_| whole || rng.random_bool(0.5)).collect::<Vec<_>>();
            let value = |rng: &mut Xoshiro256PlusPlus, name: &str| match name.ends_with("price") {
                true => format!("{}.0000", rng.random_range(1..4)),
                false => ["Ann", "Bob", "Cy"][rng.random_range(0..3)].to_owned(),
            };
            let rows = rows.into_iter().map(|key| (key, columns.iter().map(|name| value(rng, name)).collect()));
            File { day: 19_000 + at * 14, rows: rows.collect(), columns }
        })
        .collect()
}

/// What a plain reading of the script says of a column of a key on a day.
fn read(script: &[File], key: i64, column: &str, on: i32) -> Option<String> {
    let said = |file: &File, column: &str| {
        let at = file.columns.iter().position(|name| *name == column)?;
        Some(file.rows.get(&key)?[at].clone())
    };
    if column != "old_price" {
        let all: Vec<(i32, String)> = script.iter().filter_map(|file| Some((file.day, said(file, column)?))).collect();
        return all.iter().rfind(|(day, _)| *day <= on).or(all.first()).map(|(_, value)| value.clone());
    }
    let (mut price, mut old): (Option<String>, Option<String>) = (None, None);
    let mut before_all: Option<Option<String>> = None;
    for file in script {
        let (new, stated) = (said(file, "current_price"), said(file, "old_price"));
        let follows = price.is_some() && new.is_some() && new != price;
        let is_event = stated.is_some() || follows;
        let then = match (&stated, follows) {
            (Some(stated), _) => Some(stated.clone()),
            (None, true) => price.clone(),
            (None, false) => old.clone(),
        };
        if is_event && before_all.is_none() {
            before_all = Some(stated.clone());
        }
        if file.day > on {
            if before_all.is_some() {
                break;
            }
        } else {
            old = then;
        }
        price = new.or(price);
    }
    old.or(before_all.flatten())
}

fn check(versions: &RecordBatch, script: &[File], columns: &[&str], seed: u64) {
    let keys = keys_of(versions).expect("keys");
    let date = |back: usize| versions.column(versions.num_columns() - back).as_primitive::<Date32Type>().clone();
    let (from, to) = (date(3), date(2));
    let is_current = versions.column(versions.num_columns() - 1).as_boolean();
    let value = |row: usize, column: &str| {
        let column = versions.column_by_name(column).expect("a column");
        column.is_valid(row).then(|| array_value_to_string(column, row).expect("a text"))
    };
    for row in 0..versions.num_rows() {
        let is_first = row == 0 || keys.value(row - 1) != keys.value(row);
        let is_last = row + 1 == versions.num_rows() || keys.value(row + 1) != keys.value(row);
        assert_eq!(from.value(row) == BEGINNING, is_first, "TILLMART_SEED={seed}");
        assert_eq!((to.is_null(row), is_current.value(row)), (is_last, is_last), "TILLMART_SEED={seed}");
        if !is_last {
            assert_eq!(to.value(row), from.value(row + 1), "no gap: TILLMART_SEED={seed}");
            let differs = |column: &&str| value(row, column) != value(row + 1, column);
            assert!(columns.iter().any(differs), "neighbours are equal: TILLMART_SEED={seed}");
        }
    }
    for key in 1..=KEYS {
        for day in (18_990..19_400).step_by(7) {
            let holds = |row: &usize| {
                keys.value(*row) == key && from.value(*row) <= day && (to.is_null(*row) || day < to.value(*row))
            };
            let row = (0..versions.num_rows()).find(holds);
            for column in columns {
                let expected = read(script, key, column, day);
                let found = row.and_then(|row| value(row, column));
                assert_eq!(found, expected, "{column} of {key} on {day}, TILLMART_SEED={seed}");
            }
        }
    }
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let given = std::env::var("TILLMART_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| RandomState::new().hash_one(0))
}

fn any_order(dimension: Dimension, columns: &[&'static str], always: &[&'static str]) {
    let seed = seed();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    for _ in 0..6 {
        let script = script(&mut rng, columns, always);
        let mut arrivals = script.clone();
        let mut first = None;
        for round in 0..4 {
            let mut memory = Memory::new(dimension);
            for file in &arrivals {
                memory.load(file.day, &file.csv(dimension.key()));
            }
            let versions = memory.versions();
            check(&versions, &script, columns, seed);
            let first = first.get_or_insert_with(|| versions.clone());
            assert_eq!(*first, versions, "round {round}, TILLMART_SEED={seed}");
            arrivals.shuffle(&mut rng);
        }
    }
}

#[test]
fn a_year_of_moves_gives_the_same_versions_in_any_order_of_arrival() {
    any_order(Dimension::SalesTeam, &["first_name", "address", "pincode"], &["address"]);
}

#[test]
fn an_old_price_follows_in_any_order_of_arrival() {
    any_order(Dimension::Product, &["name", "current_price", "old_price"], &["name"]);
}

#[test]
fn what_was_said_again_is_not_forgotten() {
    let mut memory = Memory::new(Dimension::Store);
    let managed_by = |manager: &str| format!("id,store_manager_name\n1,{manager}\n2,Zoe\n");
    memory.load(100, &managed_by("Ann"));
    memory.load(160, &managed_by("Ann"));
    assert_eq!(memory.versions().num_rows(), 2, "equal neighbours are one version");
    assert_eq!(memory.statements.num_rows(), 3, "that all is as it was is said once for all keys");
    memory.load(130, &managed_by("Bob"));
    let versions = memory.versions();
    let shown: Vec<String> = (0..3)
        .map(|row| {
            let cell = |name: &str| array_value_to_string(versions.column_by_name(name).unwrap(), row).unwrap();
            format!("{} {} {}", cell("store_manager_name"), cell("valid_from"), cell("valid_to"))
        })
        .collect();
    assert_eq!(shown, ["Ann 0001-01-01 1970-05-11", "Bob 1970-05-11 1970-06-10", "Ann 1970-06-10 "]);
}

#[test]
fn a_look_at_the_table_states_what_differs_once() {
    let mut memory = Memory::new(Dimension::Store);
    assert!(memory.notice(10, "id,address,reviews\n1,here,\n2,there,good\n"));
    assert!(!memory.notice(11, "id,address,reviews\n1,here,\n2,there,good\n"));
    assert!(memory.notice(12, "id,address,reviews\n1,here,\n2,there,bad\n3,new,\n"));
    let stated = memory.statements.column(4).as_string::<i32>();
    assert_eq!(stated.value(2), "reviews", "only what differs");
    assert_eq!(memory.versions().num_rows(), 4);
}

#[test]
fn a_key_without_any_other_column_is_a_version() {
    let mut memory = Memory::new(Dimension::Store);
    memory.load(10, "id\n1\n");
    memory.load(11, "id\n1\n");
    assert_eq!(memory.versions().num_rows(), 1);
}
