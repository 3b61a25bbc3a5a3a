//! `report monthly` as a person gets it, and the reports that runs write.

use crate::shop::Shop;
use crate::transcripts::Transcript;
use serde_json::json;

/// Today: July has begun, so June is the last month that is over.
const CLOCK: [(&str, &str); 1] = [("TILLMART_CLOCK", "2024-07-02T07:00:00Z")];

const SALES: [&str; 8] = [
    "1,1,Tea,2024-05-16,11,2.50,4,10.00",
    "2,2,Tea,2024-05-16,21,2.50,4,10.00",
    "1,1,Tea,2024-06-03,11,250.00,4,1000.00",
    ",1,Coffee,2024-06-17,12,4.00,1,4.00",
    "1,1,Coffee,2024-06-17,12,4.00,-1,-4.00",
    "3,2,Tea,2024-06-28,21,2.50,44,110.00",
    "3,2,Tea,2024-07-01,21,2.50,1,2.50",
    "3,2,Tea,2023-06-01,21,2.50,20,50.00",
];

fn loaded() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    shop
}

#[test]
fn a_month_as_people_read_it() {
    let shop = loaded();
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["report", "monthly"], &CLOCK).ended(0);
    shop.deliver_rows("late.csv", &["2,1,Tea,2024-06-30,11,2.50,2,5.00"]);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    transcript.call_with(&["report", "monthly", "--store", "1", "--format", "md"], &CLOCK).ended(0);
    transcript.is("a_month");
}

/// Coupons by rule, as they stand on the day of the report.
#[test]
fn a_month_tells_what_came_of_its_coupons() {
    const RULES: &str = "
[coupons]
secret = \"a secret of some length\"
[coupons.rules.big]
who = \"spend\"
spend_from = \"500.00\"
percent = \"10 %\"
max_discount = \"20.00\"
min_basket = \"50.00\"
valid_days = 30
[coupons.rules.any]
who = \"spend\"
spend_from = \"1.00\"
amount = \"5.00\"
valid_days = 60
";
    let shop = Shop::new();
    shop.settings(RULES);
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    let coupons = |clock: &'static str| {
        let now = [("TILLMART_CLOCK", clock)];
        let told = shop.tillmart_with(&["--json", "report", "monthly", "--month", "2024-06"], &now).ended(0).json();
        told["sections"]["coupons"].clone()
    };
    let none = coupons(CLOCK[0].1);
    assert_eq!(none["notes"][0]["text"], "No coupons have been issued for June 2024.");
    assert_eq!(none["tables"], json!({}));
    shop.tillmart_with(&["coupons", "issue", "--month", "2024-06"], &CLOCK).ended(0);
    let list = shop.tillmart_with(&["coupons", "list", "--json"], &CLOCK).ended(0).json();
    let big = list.as_array().unwrap().iter().find(|one| one["rule"] == "big").unwrap();
    let code = big["code"].as_str().unwrap();
    shop.tillmart_with(&["coupons", "redeem", code, "--basket", "120.00"], &CLOCK).ended(0);
    let table = |clock| coupons(clock)["tables"]["coupons"].clone();
    let now = table(CLOCK[0].1);
    assert_eq!(
        now["rows"][0],
        json!({"rule": "big", "offer": "10 % up to 20.00, from a basket of 50.00", "issued": "2024-07-02",
            "valid_until": "2024-08-01", "coupons": 1, "held_out": 0, "redeemed": 1, "redeemed_share": "1.000000",
            "expired": 0, "cost_bound": "20.00", "given": "12.00"})
    );
    assert_eq!((&now["rows"][1]["coupons"], &now["rows"][1]["cost_bound"]), (&json!(1), &json!("5.00")));
    assert_eq!((&now["totals"][0]["coupons"], &now["totals"][0]["cost_bound"]), (&json!(2), &json!("25.00")));
    let later = table("2024-09-01T07:00:00Z");
    assert_eq!((&later["rows"][0]["expired"], &later["rows"][1]["expired"]), (&json!(0), &json!(1)));
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["report", "monthly"], &CLOCK).ended(0);
    transcript.is("a_month_with_coupons");
}

#[test]
fn what_is_asked_wrongly_is_told_with_what_would_be_right() {
    let shop = Shop::new();
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["report", "monthly"], &CLOCK).ended(2);
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    for (month, store) in [
        ("2024-08", None),
        ("2022-01", None),
        ("2024-6", None),
        ("2024-13", None),
        ("June", None),
        ("2024-06", Some("77")),
        ("2024-05", Some("seven")),
        ("0001-01", None),
    ] {
        let mut arguments = vec!["report", "monthly", "--month", month];
        arguments.extend(store.map(|store| ["--store", store]).into_iter().flatten());
        transcript.call_with(&arguments, &CLOCK).ended(2);
    }
    transcript.call_with(&["--json", "report", "monthly", "--month", "2022-01"], &CLOCK).ended(2);
    transcript.is("a_month_that_cannot_be_told");
}

#[test]
fn runs_leave_the_reports_that_settings_name() {
    let shop = Shop::new();
    shop.deliver_rows("sales.csv", &SALES);
    let with = |write: &'static str| [CLOCK[0], ("TILLMART_REPORTS_WRITE", write), ("TILLMART_REPORTS_DAYS_MAX", "2")];
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["run"], &with("daily.html, monthly.txt")).ended(0);
    let text = std::fs::read_to_string(shop.storage("reports/monthly/2024-06.txt")).unwrap();
    assert!(text.starts_with("Monthly report, June 2024\n"), "{text}");
    for (day, is_there) in [("2024-07-01", true), ("2024-06-28", true), ("2024-06-17", false)] {
        assert_eq!(shop.storage(&format!("reports/daily/{day}.html")).exists(), is_there, "{day}");
    }
    transcript.call_with(&["run"], &with("daily.html")).ended(0);

    // A folder lies where a report would: the sales land, and the run says what is missing.
    std::fs::create_dir_all(shop.storage("reports/monthly/2024-06.csv/x")).unwrap();
    shop.deliver_rows("late.csv", &["2,1,Tea,2024-06-30,11,2.50,2,5.00"]);
    transcript.call_with(&["run"], &with("monthly.csv")).ended(1);
    shop.tillmart_with(&["verify"], &CLOCK).ended(0);
    transcript.call_with(&["run"], &with("weekly.html")).ended(2);
    transcript.is("reports_that_runs_write");
}
