//! `report daily` as a person and as a program get it, held against figures worked out by hand.

use crate::servers::Servers;
use crate::shop::Shop;
use crate::transcripts::Transcript;
use serde_json::{Value, json};
use std::sync::Arc;

/// Today: a Friday, so that Thursday 2024-05-16 is yesterday.
const CLOCK: [(&str, &str); 1] = [("TILLMART_CLOCK", "2024-05-17T07:00:00Z")];

/// Store 1 sells every Thursday, store 2 did so until last week; the rest is for the months.
const SALES: [&str; 14] = [
    // The day: three sales and a return of store 1.
    "1,1,Tea,2024-05-16,11,2.50,4,10.00",
    ",1,Coffee,2024-05-16,12,4.00,1,4.00",
    "2,1,Tea,2024-05-16,11,2.50,1,2.50",
    "2,1,Coffee,2024-05-16,12,4.00,-1,-4.00",
    // Its Thursdays before.
    "1,1,Tea,2024-05-09,11,2.50,2,5.00",
    "1,2,Tea,2024-05-09,21,2.50,8,20.00",
    "1,1,Tea,2024-05-02,11,2.50,1,2.50",
    "1,2,Tea,2024-05-02,21,2.50,4,10.00",
    "1,2,Tea,2024-04-25,21,2.50,4,10.00",
    // The month before, to its 16th; the 17th is not compared.
    "1,1,Tea,2024-04-16,11,2.50,8,20.00",
    "1,1,Tea,2024-04-17,11,2.50,100,250.00",
    // The year before.
    "3,1,Tea,2023-05-01,11,2.50,4,10.00",
    "3,2,Tea,2023-05-16,21,2.50,4,10.00",
    "3,2,Tea,2023-05-17,21,2.50,40,100.00",
];

fn loaded() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    shop
}

fn daily(shop: &Shop, more: &[&str]) -> Value {
    let arguments = [&["report", "daily", "--json"], more].concat();
    shop.tillmart_with(&arguments, &CLOCK).ended(0).json()
}

/// A figure and its comparison, as texts.
fn figure(report: &Value, section: &str, name: &str, compared: &str) -> [Value; 3] {
    let figure = &report["sections"][section]["figures"][name];
    let then = &figure["compared"][compared];
    [figure["value"].clone(), then["value"].clone(), then["change"].clone()]
}

#[test]
fn a_day_is_compared_with_last_week_and_its_month_with_the_months_before() {
    let shop = loaded();
    let report = daily(&shop, &[]);
    assert_eq!(report["title"], "Daily report, Thursday 16 May 2024", "yesterday");
    for (name, expected) in [
        ("net_sales", ["12.50".into(), "25.00".into(), "-0.500000".into()]),
        ("gross_sales", ["16.50".into(), "25.00".into(), "-0.340000".into()]),
        ("returns", ["-4.00".into(), "0.00".into(), Value::Null]),
        ("sales", [3.into(), 2.into(), "0.500000".into()]),
        ("returned_sales", [1.into(), 0.into(), Value::Null]),
        ("units", [5.into(), 10.into(), "-0.500000".into()]),
        ("average_sale", ["5.50".into(), "12.50".into(), "-0.560000".into()]),
        ("units_per_sale", ["2.00".into(), "5.00".into(), "-0.600000".into()]),
        ("anonymous_share", ["0.333333".into(), "0.000000".into(), "0.333333".into()]),
    ] {
        let expected: [Value; 3] = expected;
        assert_eq!(figure(&report, "day", name, "last_week"), expected, "{name}");
    }
    let month = |compared: &str| figure(&report, "month", "net_sales", compared);
    assert_eq!(month("month_before"), [json!("50.00"), json!("20.00"), json!("1.500000")], "to 16 April");
    assert_eq!(month("year_before"), [json!("50.00"), json!("20.00"), json!("1.500000")], "to 16 May 2023");
}

#[test]
fn each_store_has_its_figures_and_a_store_that_sent_nothing_is_named() {
    let shop = loaded();
    let report = daily(&shop, &["--date", "2024-05-16"]);
    let rows = &report["sections"]["stores"]["tables"]["stores"]["rows"];
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows}");
    assert_eq!(
        (&rows[0]["store"], &rows[0]["net_sales"], &rows[0]["month_net_sales"]),
        (&json!(1), &json!("12.50"), &json!("20.00"))
    );
    assert_eq!(
        (&rows[1]["store"], &rows[1]["net_sales"], &rows[1]["average_sale"]),
        (&json!(2), &json!("0.00"), &Value::Null)
    );
    let missing = &report["sections"]["watch"]["tables"]["missing_stores"]["rows"];
    assert_eq!(
        missing,
        &json!([{ "store": 2, "manager": "Said", "weekdays_sold": 3, "usual_net_sales": "13.33", "last_sold": "2024-05-09" }])
    );
}

#[test]
fn one_store_is_told_from_its_own_sales() {
    let shop = loaded();
    let chain = daily(&shop, &[]);
    let one = daily(&shop, &["--store", "1"]);
    assert_eq!(one["sections"]["day"]["figures"]["net_sales"]["value"], "12.50");
    assert_eq!(one["sections"]["day"]["figures"]["net_sales"]["compared"]["last_week"]["value"], "5.00");
    let products = |report: &Value| report["sections"]["products"]["tables"]["products"]["rows"].clone();
    assert_eq!(products(&one), products(&chain), "only store 1 sold anything that day");
    assert_eq!(products(&one)[0]["product"], "Tea");
    let two = daily(&shop, &["--store", "2", "--date", "2024-05-09"]);
    assert_eq!(products(&two)[0]["net_sales"], "20.00", "and not the 5.00 of store 1");
    assert_eq!(products(&daily(&shop, &["--date", "2024-05-09"]))[0]["net_sales"], "25.00");
}

#[test]
fn every_format_can_be_had_and_written() {
    let shop = loaded();
    for (ending, begins) in
        [("html", "<!DOCTYPE html>"), ("md", "# "), ("csv", "section,"), ("json", "{"), ("txt", "Daily report")]
    {
        let file = shop.folder().join(format!("day.{ending}"));
        let told = shop.tillmart_with(&["report", "daily", "--out", file.to_str().unwrap()], &CLOCK).ended(0);
        assert!(told.out.is_empty() && told.err.contains("day."), "{told:?}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(begins), "{ending}: {text}");
        assert!(text.contains("12.50"), "{ending}");
    }
    let nowhere = shop.folder().join("no/such/day.html");
    let told = shop.tillmart_with(&["report", "daily", "--out", nowhere.to_str().unwrap()], &CLOCK).ended(2);
    assert!(told.err.contains("the report cannot be written"), "{}", told.err);
}

/// The report as it is read in the morning, a day without a sale, and what cannot be reported.
#[test]
fn what_a_person_reads() {
    let shop = loaded();
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["report", "daily"], &CLOCK).ended(0);
    transcript.call_with(&["report", "daily", "--date", "2024-05-12", "--store", "2"], &CLOCK).ended(0);
    transcript.call_with(&["report", "daily", "--date", "2024-05-18"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--date", "2024-5-16"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--date", "2023-02-29", "--json"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--date", "0001-06-01"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--store", "3"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--store", "north"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--format", "pdf"], &CLOCK).ended(2);
    transcript.call_with(&["report", "daily", "--json", "--format", "csv"], &CLOCK).ended(2);
    transcript.is("the_daily_report");
}

#[test]
fn without_marts_there_is_no_report() {
    let shop = Shop::new();
    let told = shop.tillmart_with(&["report", "daily"], &CLOCK).ended(2);
    assert!(told.err.contains("the mart store_day_data_mart has no rows yet"), "{}", told.err);
    assert!(told.err.contains("`tillmart run`"), "{}", told.err);
}

/// Rows of the day in two deliveries, of which some are rejected for all sorts of reasons.
#[test]
fn what_is_missing_from_the_day_is_told_with_the_money_at_stake() {
    let shop = loaded();
    let day = "2024-05-16T22:00:00Z";
    shop.deliver_rows(
        "late.csv",
        &[
            "1,1,Tea,2024-05-16,11,2.50,1,2.50",
            // Of the day: an unknown customer, a wrong total, a total that cannot be read but computed, and nothing to compute it from.
            "77,1,Tea,2024-05-16,11,2.50,3,7.50",
            "78,2,Tea,2024-05-16,21,2.50,-1,-2.50",
            "1,1,Tea,2024-05-16,11,2.50,2,9.99",
            "1,1,Tea,2024-05-16,11,1.25,2,much",
            "1,1,Tea,2024-05-16,11,2.50,few,much",
            // Of another day, and of none.
            "79,1,Tea,2024-05-15,11,2.50,100,250.00",
            "1,1,Tea,someday,11,2.50,2,5.00",
            "1,1,Tea,2024-05-16,11,2.50,1",
            "1,1,Tea,2024-05-16,11,2.50,1,2.50",
            "1,1,Tea,2024-05-16,11,2.50,1,2.50",
            "1,1,Tea,2024-05-16,11,2.50,1,2.50",
        ],
    );
    shop.tillmart_with(&["run"], &[("TILLMART_CLOCK", day), ("TILLMART_FEED_MAX_REJECT_RATIO", "0.9")]).ended(1);
    shop.deliver_rows("late again.csv", &["1,2,Tea,2024-05-10,21,2.50,1,2.50"]);
    shop.deliver("late once more.csv", std::fs::read(shop.storage("sales_data/late again.csv")).unwrap());
    shop.deliver("no price.csv", "customer_id,store_id\n1,1\n");
    shop.tillmart_with(&["run"], &CLOCK).ended(1);
    shop.deliver("not yet.csv", "x");

    let report = daily(&shop, &[]);
    let tables = &report["sections"]["watch"]["tables"];
    assert_eq!(
        tables["rejects"]["rows"],
        json!([
            { "reason": "unknown_customer", "rows": 2, "money_at_stake": "5.00", "rows_without_money": 0 },
            { "reason": "bad_decimal", "rows": 1, "money_at_stake": "2.50", "rows_without_money": 0 },
            { "reason": "bad_integer", "rows": 1, "money_at_stake": null, "rows_without_money": 1 },
            { "reason": "total_mismatch", "rows": 1, "money_at_stake": "9.99", "rows_without_money": 0 },
        ])
    );
    assert_eq!(tables["rejects"]["totals"][0]["money_at_stake"], "17.49");
    assert_eq!(
        tables["undated_rejects"]["rows"],
        json!([
            { "reason": "bad_date", "rows": 1, "money_at_stake": "5.00", "rows_without_money": 0 },
            { "reason": "too_few_fields", "rows": 1, "money_at_stake": null, "rows_without_money": 1 },
        ])
    );
    assert_eq!(
        tables["rejected_files"]["rows"],
        json!([{ "file": 5, "path": "no price.csv", "why": "missing_column" }])
    );
    assert_eq!(tables["duplicates"]["rows"], json!([{ "file": 4, "path": "late once more.csv", "why": "file 3" }]));
    let notes = report["sections"]["day"]["notes"].to_string();
    for told in ["5 rows of the day worth 17.49 are rejected", "1 file was rejected whole", "1 file waits"] {
        assert!(notes.contains(told), "{told}: {notes}");
    }

    let two = daily(&shop, &["--store", "2"]);
    let only = json!([{ "reason": "unknown_customer", "rows": 1, "money_at_stake": "-2.50", "rows_without_money": 0 }]);
    assert_eq!(two["sections"]["watch"]["tables"]["rejects"]["rows"], only);
    assert_eq!(
        two["sections"]["watch"]["tables"]["undated_rejects"],
        Value::Null,
        "nobody knows of which store they are"
    );
    let later = daily(&shop, &["--date", "2024-05-15"]);
    let rows = &later["sections"]["watch"]["tables"]["rejects"]["rows"];
    assert_eq!(rows[0]["money_at_stake"], "250.00", "told on the day it is of");

    let customer = shop.folder().join("customer.csv");
    std::fs::write(&customer, "customer_id,first_name\n77,Dot\n78,Eve\n79,Fay\n").unwrap();
    shop.load_dimensions(&customer);
    std::fs::remove_file(shop.storage("sales_data/not yet.csv")).unwrap();
    shop.tillmart_with(&["rejects", "replay", "--reason", "unknown_customer"], &CLOCK).ended(0);
    let mended = daily(&shop, &[]);
    assert_eq!(mended["sections"]["watch"]["tables"]["rejects"]["rows"].as_array().map(Vec::len), Some(3), "{mended}");
    // 12.50 and four more of 2.50, and what was replayed: 7.50 and a return of 2.50.
    assert_eq!(mended["sections"]["day"]["figures"]["net_sales"]["value"], "27.50");
}

#[test]
fn products_that_had_expired_are_named() {
    let shop = loaded();
    let product = shop.folder().join("product.csv");
    std::fs::write(&product, "id,name,expiry_date\n1,Tea,2024-05-15\n2,Coffee,2024-05-16\n").unwrap();
    shop.load_dimensions(&product);
    let expired =
        |more: &[&str]| daily(&shop, more)["sections"]["products"]["tables"]["expired_products"]["rows"].clone();
    let tea = json!([{ "product": "Tea", "expired": "2024-05-15", "net_sales": "12.50", "returns": "0.00", "sales": 2, "units": 5 }]);
    assert_eq!(expired(&[]), tea, "on its last day Coffee may be sold");
    assert_eq!(expired(&["--store", "1"]), tea);
    assert_eq!(expired(&["--date", "2024-05-09"]), json!([]));
}

#[test]
fn a_shop_on_servers_reports_the_same() {
    let (there, here) = (Shop::on(&Arc::new(Servers::start())), loaded());
    there.deliver_rows("sales.csv", &SALES);
    there.deliver_rows("late.csv", &["77,1,Tea,2024-05-16,11,2.50,3,7.50"]);
    here.deliver_rows("late.csv", &["77,1,Tea,2024-05-16,11,2.50,3,7.50"]);
    for shop in [&there, &here] {
        shop.tillmart_with(&["run"], &CLOCK).ended(1);
    }
    for more in [&["--date", "2024-05-16"][..], &["--store", "1"], &["--store", "2", "--date", "2024-05-09"]] {
        let (there, here) = (daily(&there, more), daily(&here, more));
        // There one batch brought what came here in two.
        assert_eq!(there["sections"], here["sections"], "{more:?}");
    }
    // Questions about some days or months, which are read by range.
    for condition in [
        "store_day_data_mart WHERE sales_date BETWEEN '2024-05-02' AND '2024-05-09' AND store_id = 2",
        "store_day_data_mart WHERE sales_date > '2024-05-09'",
        "sales_team_data_mart WHERE sales_month = '2024-05'",
        "customers_data_mart WHERE sales_date_month < '2024-01-01'",
    ] {
        let sql = format!("SELECT * FROM {condition}");
        let rows = here.query(&sql);
        assert!(rows.as_array().is_some_and(|rows| !rows.is_empty()), "{condition}");
        assert_eq!(there.query(&sql), rows, "{condition}");
    }
}

/// One receipt in two files, on a laptop and on servers.
#[test]
fn a_sale_is_a_basket_where_the_contract_names_it() {
    let header = "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost,bill";
    let told = |shop: &Shop| {
        shop.settings("[feed.columns.transaction_id]\nsource = \"bill\"\n");
        let first = "1,1,Tea,2024-05-16,11,2.50,4,10.00,B1\n1,1,Coffee,2024-05-16,11,4.00,1,4.00,B1\n";
        shop.deliver("first.csv", format!("{header}\n{first},1,Coffee,2024-05-16,12,4.00,1,4.00,B2\n"));
        shop.tillmart_with(&["run"], &CLOCK).ended(0);
        let rest = "1,1,Tea,2024-05-16,11,2.50,2,5.00,B1\n1,2,Tea,2024-05-16,21,2.50,1,2.50,B1\n";
        shop.deliver("rest.csv", format!("{header}\n{rest}1,1,Tea,2024-05-16,11,2.50,1,2.50,\n"));
        shop.tillmart_with(&["run"], &CLOCK).ended(0);
        shop.tillmart_with(&["verify"], &CLOCK).ended(0);
        let figures = |shop: &Shop| daily(shop, &[])["sections"]["day"]["figures"].clone();
        let both = figures(shop);
        let rest = shop.tillmart_with(&["--json", "files", "list"], &CLOCK).ended(0).json();
        let rest =
            rest.as_array().unwrap().iter().find(|file| file["found"]["path"] == "rest.csv").unwrap()["id"].to_string();
        shop.tillmart_with(&["files", "revoke", &rest], &CLOCK).ended(0);
        shop.tillmart_with(&["verify"], &CLOCK).ended(0);
        (both, figures(shop))
    };
    let here = told(&Shop::new());
    // B1 and B2 of store 1, B1 of store 2, and a row without a bill: 28.00 by 4.
    let value = |figures: &Value, name: &str| figures[name]["value"].clone();
    assert_eq!((value(&here.0, "sales"), value(&here.0, "average_sale")), (json!(4), json!("7.00")));
    assert_eq!(value(&here.0, "anonymous_share"), json!("0.250000"));
    assert_eq!((value(&here.1, "sales"), value(&here.1, "average_sale")), (json!(2), json!("9.00")));
    assert_eq!(told(&Shop::on(&Arc::new(Servers::start()))), here);
}
