//! Incremental marts equal a recomputation, over random histories: late files, returns, duplicates, corrected files,
//! rejects and their replays, files taken back, compaction, months in any order.
//!
//! A failure prints the seed of its history; `TILLMART_SEED=<seed>` makes that history the first of `histories_a`.

use crate::expected::{Expected, File, Person, Rules, Sale, Spoilt};
use crate::project::{HEADER, Project};
use chrono::NaiveDate;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use tillmart_database::{Dimension, FileFilter};
use tillmart_model::{Incentive, Redelivery, Ties};

/// Histories of each of the four tests, which the test runner starts beside each other.
const HISTORIES: u64 = 64;

/// Prints the seed of a history, or of another random test, that fails.
pub(crate) struct Told(pub(crate) u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nothing can be done about a closed stderr.
            let _ = writeln!(std::io::stderr(), "the history that failed: TILLMART_SEED={}", self.0);
        }
    }
}

async fn some_histories(part: u64) {
    let given = std::env::var("TILLMART_SEED").ok().map(|seed| seed.parse::<u64>().expect("TILLMART_SEED is a number"));
    let base = given.unwrap_or(20_240_701);
    for at in part * HISTORIES..(part + 1) * HISTORIES {
        let told = Told(base.wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        history(told.0).await;
    }
}

#[tokio::test]
async fn histories_a() {
    some_histories(0).await;
}

#[tokio::test]
async fn histories_b() {
    some_histories(1).await;
}

#[tokio::test]
async fn histories_c() {
    some_histories(2).await;
}

#[tokio::test]
async fn histories_d() {
    some_histories(3).await;
}

/// One history as it goes.
struct History {
    rng: Xoshiro256PlusPlus,
    project: Project,
    expected: Expected,
    /// Customers that come into the dimension table only later.
    late_customers: BTreeMap<i64, Person>,
    stores: i32,
    sold: Vec<Sale>,
    paths: u32,
}

async fn history(seed: u64) {
    let mut history = History::begin(seed).await;
    history.deliver().await;
    for _ in 0..history.rng.random_range(1..=2) {
        match history.rng.random_range(0..10) {
            0..5 => history.deliver().await,
            5..7 => history.revoke().await,
            7..9 => history.replay().await,
            _ => history.optimize().await,
        }
    }
    history.check().await;
}

fn person(rng: &mut Xoshiro256PlusPlus, id: i64) -> Person {
    let blank = rng.random_range(0..8);
    let part = |name: &str, when: i32| if blank == when { String::new() } else { format!("{name}{id}") };
    Person { first: part("Ann", 0), last: part("O'Dell", 1) }
}

fn customers_csv(customers: &BTreeMap<i64, Person>) -> String {
    let mut csv = "customer_id,first_name,last_name,address,phone_number\n".to_owned();
    for (id, person) in customers {
        csv.push_str(&format!("{id},{},{},{id} Mill Lane,0{id}\n", person.first, person.last));
    }
    csv
}

impl History {
    async fn begin(seed: u64) -> History {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let rules = Rules {
            replace: rng.random(),
            batch_files_max: rng.random_range(1..=3),
            max_reject_millionths: 400_000,
            rate_millionths: *[10_000, 333_333, 5_500].choose(&mut rng).expect("a rate"),
            ties: if rng.random() { Ties::All } else { Ties::Split },
            top: rng.random_range(1..=3),
        };
        let project = Project::new(|options| {
            options.redelivery = if rules.replace { Redelivery::Replace } else { Redelivery::Append };
            options.batch_files_max = u32::try_from(rules.batch_files_max).expect("few");
            let rate = i64::try_from(rules.rate_millionths).expect("small");
            options.incentive = Incentive::flat(rate, u32::try_from(rules.top).expect("few"), rules.ties);
        })
        .await;
        let (known, all) = (rng.random_range(1..=4), rng.random_range(5..=7));
        let mut customers: BTreeMap<i64, Person> = (1..=all).map(|id| (id * 7, person(&mut rng, id))).collect();
        let late_customers = customers.split_off(&(known * 7 + 1));
        let sales_team: BTreeMap<i64, Person> =
            (1..=rng.random_range(1..=5)).map(|id| (id, person(&mut rng, id))).collect();
        let stores = rng.random_range(1..=3);
        project.load(Dimension::Customer, &customers_csv(&customers)).await;
        let team: String =
            sales_team.iter().map(|(id, person)| format!("{id},{},{}\n", person.first, person.last)).collect();
        project.load(Dimension::SalesTeam, &format!("id,first_name,last_name\n{team}")).await;
        let rows: String = (1..=stores).map(|id| format!("{id},Moss\n")).collect();
        project.load(Dimension::Store, &format!("id,store_manager_name\n{rows}")).await;
        let expected = Expected { rules, known_customers: customers, sales_team, files: Vec::new() };
        History { rng, project, expected, late_customers, stores, sold: Vec::new(), paths: 0 }
    }

    /// A few files of all sorts arrive, and a run takes them.
    async fn deliver(&mut self) {
        let mut waiting: BTreeMap<String, File> = BTreeMap::new();
        for _ in 0..self.rng.random_range(1..=3) {
            let file = self.file(&waiting);
            self.project.deliver(&file.path, &file.bytes);
            waiting.insert(file.path.clone(), file);
        }
        let summary = self.project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
        self.expected.run(&waiting);
        let batches = waiting.len().div_ceil(self.expected.rules.batch_files_max);
        assert_eq!(summary.batches, batches as u64);
    }

    fn file(&mut self, waiting: &BTreeMap<String, File>) -> File {
        let earlier =
            self.expected.files.iter().map(|file| &file.file).chain(waiting.values()).choose(&mut self.rng).cloned();
        match (self.rng.random_range(0..8), earlier) {
            // The same bytes again, under another name or the same.
            (0, Some(earlier)) => File { path: self.path(earlier.path.ends_with("jsonl")), ..earlier },
            (1, Some(earlier)) => earlier,
            // The same name again, corrected.
            (2 | 3, Some(earlier)) => {
                let mut sales = earlier.sales;
                sales.remove(self.rng.random_range(0..sales.len()));
                sales.push(self.sale());
                written(earlier.path, sales)
            }
            _ => {
                let json = self.rng.random_ratio(1, 5);
                let sales = (0..self.rng.random_range(1..=12)).map(|_| self.sale()).collect();
                written(self.path(json), sales)
            }
        }
    }

    fn path(&mut self, json: bool) -> String {
        self.paths += 1;
        let (folder, ending) = (self.rng.random_range(0..4), if json { "jsonl" } else { "csv" });
        format!("till {folder}/day-{}.{ending}", self.paths)
    }

    fn sale(&mut self) -> Sale {
        if let Some(sold) = self.sold.choose(&mut self.rng).cloned()
            && self.rng.random_ratio(1, 4)
        {
            // The whole sale comes back: most often in its own month, sometimes later, sometimes a second time.
            let day = if self.rng.random_ratio(3, 4) { sold.day } else { self.day() };
            return Sale { quantity: -sold.quantity, day, ..sold };
        }
        let rng = &mut self.rng;
        let customers = self.expected.known_customers.keys().chain(self.late_customers.keys());
        let customer = if rng.random_ratio(1, 5) { None } else { customers.choose(rng).copied() };
        let spoilt = rng
            .random_ratio(1, 12)
            .then(|| *[Spoilt::NegativePrice, Spoilt::BadQuantity, Spoilt::WrongTotal].choose(rng).expect("a way"));
        let sale = Sale {
            customer,
            store: rng.random_range(1..=self.stores),
            person: *self.expected.sales_team.keys().choose(rng).expect("a sales person"),
            // Few prices, so that totals tie; half cents among them.
            price: *[10_000, 25_000, 50, 3_350, 1_001_250].choose(rng).expect("a price"),
            quantity: *[1, 1, 1, 2, 3, 5].choose(rng).expect("a quantity"),
            spoilt,
            day: self.day(),
        };
        if sale.spoilt.is_none() {
            self.sold.push(sale.clone());
        }
        sale
    }

    fn day(&mut self) -> NaiveDate {
        let (year, month) = *[(2023, 11), (2023, 12), (2024, 1), (2024, 2)].choose(&mut self.rng).expect("a month");
        NaiveDate::from_ymd_opt(year, month, *[1, 2, 29].choose(&mut self.rng).expect("a day")).expect("a date")
    }

    async fn revoke(&mut self) {
        let landed: Vec<i64> = self.expected.landed().map(|(id, _)| id).collect();
        let ids: Vec<i64> = landed.choose_multiple(&mut self.rng, 2).copied().collect();
        let ids = if self.rng.random() { ids } else { ids.into_iter().take(1).collect() };
        if !ids.is_empty() {
            self.project.pipeline.revoke(ids.clone()).await.unwrap_or_else(|fault| panic!("{fault}"));
            self.expected.revoke(&ids);
        }
    }

    /// Some of the missing customers come, or none, and rejects are tried again.
    async fn replay(&mut self) {
        let mut came = std::mem::take(&mut self.late_customers);
        let first = came.keys().copied().choose(&mut self.rng);
        if let Some(first) = first {
            self.late_customers = came.split_off(&first);
        }
        if !came.is_empty() {
            self.project.load(Dimension::Customer, &customers_csv(&came)).await;
            self.expected.known_customers.extend(came);
        }
        let landed: Vec<i64> = self.expected.landed().map(|(id, _)| id).collect();
        let ids: Vec<i64> = match self.rng.random_range(0..3) {
            0 => landed.choose_multiple(&mut self.rng, 1).copied().collect(),
            _ => Vec::new(),
        };
        let codes = if self.rng.random() { vec!["unknown_customer".to_owned()] } else { Vec::new() };
        let before: u64 = self.expected.landed().map(|(_, file)| file.rows()).sum();
        let summary = self.project.pipeline.replay(ids.clone(), codes).await.unwrap_or_else(|fault| panic!("{fault}"));
        self.expected.replay(&ids);
        let after: u64 = self.expected.landed().map(|(_, file)| file.rows()).sum();
        assert_eq!(summary.rows_replayed, after - before);
    }

    async fn optimize(&mut self) {
        let vacuum = self.rng.random();
        self.project.pipeline.optimize(vacuum).await.unwrap_or_else(|fault| panic!("{fault}"));
    }

    async fn check(&self) {
        let pipeline = &self.project.pipeline;
        let mut files = pipeline.files(&FileFilter::default()).await.unwrap_or_else(|fault| panic!("{fault}"));
        files.reverse();
        assert_eq!(files.len(), self.expected.files.len());
        for ((id, expected), found) in (1..).zip(&self.expected.files).zip(&files) {
            let path = &expected.file.path;
            assert_eq!((found.id, &found.found.path), (id, path));
            assert_eq!(found.outcome.word(), expected.fate.word(), "file {id}, {path}");
            assert!(!found.active, "file {id}, {path}");
            if expected.fate == crate::expected::Fate::Landed {
                let rows = found.tally.rows_landed + found.rows_replayed;
                assert_eq!((rows, found.tally.money_cents), (expected.rows(), expected.cents()), "file {id}, {path}");
                assert_eq!(found.tally.rows_read, expected.file.sales.len() as u64, "file {id}, {path}");
            }
        }
        assert_eq!(self.project.spend(), self.expected.spend());
        assert_eq!(self.project.team(), self.expected.team());
        self.check_days();
        assert_eq!(self.project.lines_by_person(), self.project.paid(), "every payment is the sum of its lines");
        let verified = pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(verified.differing, 0, "{:#?}", verified.differences);
        let compared: BTreeSet<&str> = verified.compared.keys().map(String::as_str).collect();
        assert!(compared.contains("customers_data_mart") && compared.contains("sales_team_data_mart"), "{compared:?}");
    }

    fn check_days(&self) {
        let (project, expected) = (&self.project, &self.expected);
        let stores = expected.days(|sale| sale.store.to_string(), true);
        assert_eq!(project.days("store_day_data_mart", "store_id", true), stores);
        let persons = expected.days(|sale| format!("{}:{}", sale.store, sale.person), true);
        let of_person = "store_id || ':' || sales_person_id";
        assert_eq!(project.days("sales_person_day_data_mart", of_person, true), persons);
        let products = expected.days(|_| "tea".to_owned(), false);
        assert_eq!(project.days("product_day_data_mart", "product_name", false), products);
    }
}

/// A source file with these sales, in the format that its name tells.
fn written(path: String, sales: Vec<Sale>) -> File {
    let json = path.ends_with("jsonl");
    let mut text = if json { String::new() } else { HEADER.to_owned() };
    for sale in &sales {
        let price = if sale.spoilt == Some(Spoilt::NegativePrice) { -sale.price } else { sale.price };
        let total = Sale { price, ..sale.clone() }.cents() + i128::from(sale.spoilt == Some(Spoilt::WrongTotal));
        let (price, total) = (decimal(price, 4), decimal(total, 2));
        let quantity =
            if sale.spoilt == Some(Spoilt::BadQuantity) { "\"few\"".to_owned() } else { sale.quantity.to_string() };
        let customer = sale.customer.map(|customer| customer.to_string());
        let (store, day, person) = (sale.store, sale.day, sale.person);
        if json {
            let customer = customer.unwrap_or_else(|| "null".to_owned());
            text.push_str(&format!(
                "{{\"customer_id\":{customer},\"store_id\":{store},\"product_name\":\"tea\",\"sales_date\":\"{day}\",\
                 \"sales_person_id\":{person},\"price\":{price},\"quantity\":{quantity},\"total_cost\":{total}}}\n"
            ));
        } else {
            let customer = customer.unwrap_or_default();
            text.push_str(&format!("{customer},{store},tea,{day},{person},{price},{quantity},{total}\n"));
        }
    }
    File { path, bytes: text.into_bytes(), sales }
}

fn decimal(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", unscaled.abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}
