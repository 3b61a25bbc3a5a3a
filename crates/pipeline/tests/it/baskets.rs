//! Baskets: where the contract names a transaction id, the number of sales is that of baskets, whatever file their rows came in.

use crate::histories::Told;
use crate::project::Project;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tillmart_database::Dimension;
use tillmart_model::{Column, Contract, Redelivery, SalesColumn};
use tillmart_pipeline::{DailyRequest, MonthlyRequest, Options};
use tillmart_report::{Format, Look, render};

const HEADER: &str =
    "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost,transaction_id\n";

fn of_baskets(options: &mut Options) {
    options.contract.columns.push(Column::new(SalesColumn::TransactionId));
}

async fn project(change: impl FnOnce(&mut Options)) -> Project {
    let project = Project::new(change).await;
    project.load(Dimension::Customer, "customer_id,first_name\n1,Ann\n2,Bob\n").await;
    project.load(Dimension::Store, "id,store_manager_name\n1,Moss\n2,Reed\n").await;
    project.load(Dimension::Product, "id,name,current_price\n1,mug,10\n").await;
    project.load(Dimension::SalesTeam, "id,first_name,last_name\n10,Ann,Ten\n").await;
    project
}

/// Customer (0: none), store, day of June, transaction (empty: none), quantity; 10.00 each.
type Sale<'a> = (i64, i32, u32, &'a str, i64);

fn csv(sales: &[Sale<'_>]) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for (customer, store, day, transaction, quantity) in sales {
        let customer = if *customer == 0 { String::new() } else { customer.to_string() };
        let total = quantity * 10;
        text.push_str(&format!("{customer},{store},mug,2024-06-{day:02},10,10,{quantity},{total}.00,{transaction}\n"));
    }
    text.into_bytes()
}

async fn run(project: &Project) {
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
}

async fn verified(project: &Project) {
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verified.differing, 0, "{verified:?}");
}

async fn daily(project: &Project, day: u32, store: Option<i32>) -> Value {
    let request = DailyRequest { day: format!("2024-06-{day:02}").parse().ok(), store };
    let document = project.pipeline.report_daily(&request).await.unwrap_or_else(|fault| panic!("{fault}"));
    serde_json::from_str(&render(&document, Format::Json, &Look::default())).expect("JSON")
}

/// Sales, average, units per sale and share without a customer.
fn figures(told: &Value) -> [Value; 4] {
    ["sales", "average_sale", "units_per_sale", "anonymous_share"]
        .map(|name| told["sections"]["day"]["figures"][name]["value"].clone())
}

async fn sales(project: &Project, day: u32) -> Value {
    figures(&daily(project, day, None).await)[0].clone()
}

fn rows_of(project: &Project, table: &str) -> usize {
    project.execute(&format!("UPDATE {table} SET store_id = store_id"))
}

const FIRST: [Sale<'static>; 9] = [
    // One basket of three rows, with a row that was taken back at once.
    (1, 1, 3, "B1", 1),
    (1, 1, 3, "B1", 2),
    (1, 1, 3, "B1", -1),
    // The same number in another store, and on another day.
    (2, 2, 3, "B1", 1),
    (1, 1, 4, "B1", 1),
    // A return alone is no basket.
    (1, 1, 3, "B2", -1),
    // Nobody's basket, and one that a card was shown for at its second row.
    (0, 1, 3, "B3", 1),
    (0, 1, 3, "B4", 1),
    // A sale without an id is one of its own.
    (0, 1, 3, "", 1),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_basket_is_counted_once_whatever_file_its_rows_come_in() {
    let project = project(of_baskets).await;
    project.deliver("a.csv", &csv(&FIRST));
    run(&project).await;
    // B1, B3, B4 and the row without an id in store 1, and B1 in store 2: 70.00 by 5, 7 units.
    let told = daily(&project, 3, None).await;
    assert_eq!(figures(&told), [json!(5), json!("14.00"), json!("1.40"), json!("0.600000")]);
    assert_eq!(told["sections"]["day"]["figures"]["returned_sales"]["value"], json!(2), "returns are rows");
    assert_eq!(told["sections"]["day"]["figures"]["sales"]["label"], json!("Number of baskets"));
    assert!(told["about"]["a_sale_is"].as_str().is_some_and(|is| is.starts_with("a basket")));
    let stores = &told["sections"]["stores"]["tables"]["stores"]["rows"];
    assert_eq!((&stores[0]["sales"], &stores[1]["sales"]), (&json!(4), &json!(1)));
    assert_eq!(
        figures(&daily(&project, 3, Some(1)).await),
        [json!(4), json!("15.00"), json!("1.50"), json!("0.750000")]
    );

    // The rest of two baskets comes late, and a new one.
    project.deliver("late.csv", &csv(&[(1, 1, 3, "B1", 1), (2, 1, 3, "B4", 1), (1, 1, 3, "B5", 1)]));
    run(&project).await;
    assert_eq!(sales(&project, 3).await, json!(6), "B5 is new");
    let share = figures(&daily(&project, 3, None).await)[3].clone();
    assert_eq!(share, json!("0.333333"), "B4 is somebody's now");
    verified(&project).await;

    let request = MonthlyRequest { month: "2024-06-01".parse().ok(), store: None };
    let month = project.pipeline.report_monthly(&request).await.unwrap_or_else(|fault| panic!("{fault}"));
    let month: Value = serde_json::from_str(&render(&month, Format::Json, &Look::default())).expect("JSON");
    assert_eq!(month["sections"]["month"]["figures"]["sales"]["value"], json!(7), "6 and 1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_by_half_is_still_a_basket() {
    let project = project(of_baskets).await.with(|options| options.redelivery = Redelivery::Replace);
    project.deliver("a.csv", &csv(&[(1, 1, 3, "B1", 1), (1, 1, 3, "B2", 1)]));
    run(&project).await;
    project.deliver("b.csv", &csv(&[(1, 1, 3, "B1", 1), (1, 1, 3, "B3", 1)]));
    run(&project).await;
    assert_eq!(sales(&project, 3).await, json!(3));
    // A corrected version of the second file: B3 was B4, and on another day.
    project.deliver("b.csv", &csv(&[(1, 1, 3, "B1", 1), (1, 1, 4, "B4", 1)]));
    run(&project).await;
    assert_eq!((sales(&project, 3).await, sales(&project, 4).await), (json!(2), json!(1)));
    verified(&project).await;
    project.pipeline.revoke(vec![1]).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(sales(&project, 3).await, json!(1), "B1 is left, of the other file");
    assert_eq!(rows_of(&project, "tillmart_state_basket_day_data_mart"), 2, "a row for each basket that is left");
    verified(&project).await;

    // A row that was rejected completes its basket when it is replayed.
    project.deliver("c.csv", &csv(&[(1, 1, 5, "B1", 1), (1, 1, 5, "B2", 1), (9, 1, 5, "B1", 1), (9, 1, 5, "B6", 1)]));
    let project = project.with(|options| options.max_reject_millionths = 1_000_000);
    run(&project).await;
    assert_eq!(sales(&project, 5).await, json!(2));
    project.load(Dimension::Customer, "customer_id,first_name\n9,Eve\n").await;
    let replayed = project.pipeline.replay(Vec::new(), Vec::new()).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((replayed.rows_replayed, sales(&project, 5).await), (2, json!(3)));
    verified(&project).await;
}

/// A project whose contract names none pays nothing; one whose contract does so later gets the mart by its next run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_transaction_id_there_is_no_mart_of_baskets() {
    let project = project(|_| {}).await;
    project.deliver("a.csv", &csv(&FIRST));
    run(&project).await;
    assert!(!project.has_table("basket_day_data_mart") && !project.has_table("tillmart_state_basket_day_data_mart"));
    let told = daily(&project, 3, None).await;
    assert_eq!((figures(&told)[0].clone(), &told["about"]["a_sale_is"]), (json!(6), &Value::Null), "rows");
    assert_eq!(told["sections"]["day"]["figures"]["sales"]["label"], json!("Number of sales"));

    let project = project.with(of_baskets);
    let fault = project.pipeline.report_daily(&DailyRequest::default()).await.expect_err("not made yet");
    assert_eq!(fault.what, "the mart basket_day_data_mart has no rows yet");
    project.deliver("b.csv", &csv(&[(1, 1, 3, "B7", 1), (1, 1, 3, "B7", 1)]));
    run(&project).await;
    assert_eq!(sales(&project, 3).await, json!(7), "what landed without ids is counted by rows");
    verified(&project).await;
}

/// Files in any order, some of them taken back: as many baskets as a plain count finds in what is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_baskets_are_those_that_a_plain_count_finds() {
    let given = std::env::var("TILLMART_SEED").ok().map(|seed| seed.parse().expect("TILLMART_SEED is a number"));
    let told = Told(given.unwrap_or(20_240_603));
    let seed = told.0;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let project = project(of_baskets).await;
    let ids = ["", "A", "B", "C", "D"];
    let mut files: Vec<Vec<Sale<'static>>> = Vec::new();
    for file in 0..6_i64 {
        let sale = |rng: &mut Xoshiro256PlusPlus| {
            let quantity = if rng.random_bool(0.2) { -1 } else { rng.random_range(1..4) };
            let id = *ids.choose(rng).expect("an id");
            (rng.random_range(0..3), rng.random_range(1..3), rng.random_range(1..3), id, quantity)
        };
        let mut sales: Vec<Sale<'static>> = (0..rng.random_range(1..12)).map(|_| sale(&mut rng)).collect();
        // No two files are alike: a duplicate would not land.
        sales.push((1, 1, 9, "", 100 + file));
        project.deliver(&format!("{file}.csv"), &csv(&sales));
        if rng.random_bool(0.5) {
            run(&project).await;
        }
        files.push(sales);
    }
    run(&project).await;
    let names = project.file_names().await;
    let mut taken: Vec<i64> = names.keys().copied().collect();
    taken.shuffle(&mut rng);
    taken.truncate(2);
    project.pipeline.revoke(taken.clone()).await.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    let left = |(id, name): (&i64, &String)| {
        let file: usize = name.trim_end_matches(".csv").parse().expect("a number");
        (!taken.contains(id)).then_some(file)
    };
    let left: BTreeSet<usize> = names.iter().filter_map(left).collect();
    for day in 1..3 {
        let rows = || {
            let of_file = files.iter().enumerate().filter(|(file, _)| left.contains(file));
            of_file.flat_map(|(_, rows)| rows).filter(|(_, _, on, _, quantity)| *on == day && *quantity >= 0)
        };
        let baskets: BTreeSet<(i32, &str)> =
            rows().filter(|(.., id, _)| !id.is_empty()).map(|(_, store, _, id, _)| (*store, *id)).collect();
        let single = rows().filter(|(.., id, _)| id.is_empty()).count();
        assert_eq!(sales(&project, day).await, json!(baskets.len() + single), "seed {seed}, day {day}");
    }
    verified(&project).await;
}

#[test]
fn only_a_contract_with_a_transaction_id_names_baskets() {
    let mut contract = Contract::default();
    assert!(!contract.names_baskets());
    contract.columns.push(Column::new(SalesColumn::TransactionId));
    assert!(contract.names_baskets());
}
