//! Three days of real sales: what lands is held against figures that a few lines here compute from the same files.

use crate::shop::{Shop, cents, example, files_of};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What the files should come to.
#[derive(Default)]
struct Expected {
    read: u64,
    landed: u64,
    anonymous: u64,
    rejected: BTreeMap<String, u64>,
    money: i128,
    spend: BTreeMap<(i64, String), i128>,
    team: BTreeMap<(i64, i64, String), i128>,
}

impl Expected {
    fn of_fixture() -> Expected {
        let mut customers = csv::Reader::from_path(example("real-sales/dimensions/customer.csv")).unwrap();
        let known: BTreeSet<String> = customers.records().map(|row| row.unwrap()[0].to_owned()).collect();
        let mut expected = Expected::default();
        for file in files_of(&example("real-sales/sales_data")) {
            for row in csv::Reader::from_path(file).unwrap().records() {
                expected.add(&row.unwrap(), &known);
            }
        }
        expected
    }

    fn add(&mut self, row: &csv::StringRecord, known: &BTreeSet<String>) {
        let (customer, product, price) = (&row[0], &row[2], &row[5]);
        self.read += 1;
        let reason = if product.is_empty() {
            Some("missing_value")
        } else if price.starts_with('-') {
            Some("negative_price")
        } else if !customer.is_empty() && !known.contains(customer) {
            Some("unknown_customer")
        } else {
            None
        };
        if let Some(reason) = reason {
            *self.rejected.entry(reason.to_owned()).or_default() += 1;
            return;
        }
        let (money, month) = (cents(&row[7]), row[3][..7].to_owned());
        self.landed += 1;
        self.money += money;
        match customer.parse() {
            Ok(customer) => *self.spend.entry((customer, month.clone())).or_default() += money,
            Err(_) => self.anonymous += 1,
        }
        *self.team.entry((row[1].parse().unwrap(), row[4].parse().unwrap(), month)).or_default() += money;
    }
}

fn deliver(shop: &Shop) {
    for file in files_of(&example("real-sales/sales_data")) {
        shop.deliver(file.file_name().unwrap().to_str().unwrap(), fs::read(&file).unwrap());
    }
}

#[test]
fn real_sales_land_to_the_row_and_to_the_cent() {
    let expected = Expected::of_fixture();
    let shop = Shop::bare();
    shop.load_dimensions(&example("real-sales/dimensions"));
    deliver(&shop);
    let summary = shop.run(1);
    assert_eq!(summary["files_landed"], 3);
    assert_eq!(summary["rows_read"], expected.read);
    assert_eq!(summary["rows_landed"], expected.landed);
    assert_eq!(summary["rows_anonymous"], expected.anonymous);
    assert_eq!(summary["rows_rejected_by_reason"], serde_json::json!(expected.rejected));
    assert!(expected.rejected["unknown_customer"] > 0 && expected.rejected["negative_price"] > 0);
    assert_eq!(cents(summary["money_landed"].as_str().unwrap()), expected.money);
    held_against(&shop, &expected);
    assert_eq!(shop.names("sales_data"), Vec::<String>::new());
    assert_eq!(shop.names("sales_data_processed").len(), 3);
    shop.verified();

    let second = shop.run(0);
    assert_eq!(second["batches"], 0, "a second run has nothing to do");
    assert_eq!(second["rows_read"], 0);

    one_file_a_batch(&shop, &expected);
}

fn held_against(shop: &Shop, expected: &Expected) {
    let spend: Vec<String> =
        expected.spend.iter().map(|((customer, month), money)| format!("{customer}|'{month}-01'|{money}")).collect();
    assert_eq!(
        shop.rows("SELECT customer_id, sales_date_month, total_sales_cents FROM customers_data_mart ORDER BY 1, 2"),
        spend
    );
    let team: Vec<String> = expected
        .team
        .iter()
        .map(|((store, person, month), money)| format!("{store}|{person}|'{month}'|{money}"))
        .collect();
    assert_eq!(
        shop.rows("SELECT store_id, sales_person_id, sales_month, total_sales_cents FROM sales_team_data_mart ORDER BY 1, 2, 3"),
        team
    );
    let lake = shop.query(
        "SELECT CAST(COUNT(*) AS VARCHAR) AS sales, CAST(SUM(total_cost) AS VARCHAR) AS money FROM sales_data_mart",
    );
    assert_eq!(lake[0]["sales"], expected.landed.to_string());
    assert_eq!(cents(lake[0]["money"].as_str().unwrap()), expected.money);
}

/// The same files in batches of one: equal tables.
fn one_file_a_batch(together: &Shop, expected: &Expected) {
    let apart = Shop::bare();
    apart.load_dimensions(&example("real-sales/dimensions"));
    apart.deliver("sub folder/first.tmp", "not whole yet");
    deliver(&apart);
    let told = apart.tillmart_with(&["run", "--json"], &[("TILLMART_FEED_BATCH_FILES_MAX", "1")]).ended(1);
    let summary = told.json();
    assert_eq!(summary["batches"], 3);
    assert_eq!(summary["files_unsettled"], 1, "a temporary name waits");
    assert_eq!(summary["rows_landed"], expected.landed);
    assert_eq!(apart.marts(), together.marts());
    assert_eq!(apart.lake(), together.lake());
}
