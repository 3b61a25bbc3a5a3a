//! `report daily` as a person and as a program get it, held against figures worked out by hand.

use crate::shop::Shop;
use crate::transcripts::Transcript;
use serde_json::{Value, json};

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
