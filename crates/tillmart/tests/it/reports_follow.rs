//! Reports that settings name are written anew by whatever changes their figures.

use crate::shop::Shop;
use serde_json::Value;

const NOW: (&str, &str) = ("TILLMART_CLOCK", "2024-07-02T07:00:00Z");
const WRITE: [(&str, &str); 2] = [NOW, ("TILLMART_REPORTS_WRITE", "daily.json, monthly.json")];

fn report(shop: &Shop, name: &str) -> Value {
    let bytes =
        std::fs::read(shop.storage(&format!("reports/{name}.json"))).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&bytes).unwrap()
}

/// Net sales of a day that is told in a month's report.
fn net_of(shop: &Shop, day: &str) -> Value {
    report(shop, &format!("daily/{day}"))["sections"]["day"]["figures"]["net_sales"]["value"].clone()
}

fn month(shop: &Shop) -> Value {
    report(shop, "monthly/2024-06")["sections"]["month"]["figures"]["net_sales"]["value"].clone()
}

/// What lies in the reports area by now goes, so that what is written next is seen.
fn cleared(shop: &Shop) {
    let _ = std::fs::remove_dir_all(shop.storage("reports"));
}

fn written(shop: &Shop) -> Vec<String> {
    let mut names = shop.names("reports");
    names.sort();
    names
}

/// A file of two days, and another that gives its day's data files further days.
fn loaded(variables: &[(&str, &str)]) -> Shop {
    let shop = Shop::new();
    shop.deliver_rows("old.csv", &["1,1,Tea,2024-06-05,11,2.50,4,10.00", "1,1,Tea,2024-06-10,11,2.50,4,10.00"]);
    shop.tillmart_with(&["run"], variables).ended(0);
    shop.deliver_rows("other.csv", &["2,1,Tea,2024-06-01,12,2.50,2,5.00", "2,1,Tea,2024-06-28,12,2.50,2,5.00"]);
    shop.tillmart_with(&["run"], variables).ended(0);
    shop.tillmart(&["optimize"]).ended(0);
    shop
}

#[test]
fn days_of_the_old_version_of_a_replaced_file_are_told_anew() {
    let replace = [WRITE[0], WRITE[1], ("TILLMART_FEED_REDELIVERY", "replace")];
    let shop = loaded(&replace);
    assert_eq!((net_of(&shop, "2024-06-05"), month(&shop)), ("10.00".into(), "30.00".into()));
    cleared(&shop);
    shop.deliver_rows("old.csv", &["1,1,Tea,2024-06-10,11,2.50,8,20.00"]);
    shop.tillmart_with(&["run"], &replace).ended(0);
    assert_eq!(net_of(&shop, "2024-06-05"), "0.00", "the day is in the old version alone");
    assert_eq!((net_of(&shop, "2024-06-10"), month(&shop)), ("20.00".into(), "30.00".into()));
    assert_eq!(
        written(&shop),
        ["daily/2024-06-05.json", "daily/2024-06-10.json", "monthly/2024-06.json"],
        "no day of the other file, although its rows lie beside"
    );
}

#[test]
fn a_revoke_writes_the_days_that_it_takes_sales_from() {
    let shop = loaded(&WRITE);
    cleared(&shop);
    let id = shop.files()["old.csv"]["id"].to_string();
    let told = shop.tillmart_with(&["--json", "files", "revoke", &id], &WRITE).ended(0).json();
    assert_eq!(told["reports"].as_array().map(Vec::len), Some(3), "{told}");
    assert_eq!(written(&shop), ["daily/2024-06-05.json", "daily/2024-06-10.json", "monthly/2024-06.json"]);
    assert_eq!((net_of(&shop, "2024-06-05"), month(&shop)), ("0.00".into(), "10.00".into()));

    // Nothing is left of the month: its report says so, too.
    let id = shop.files()["other.csv"]["id"].to_string();
    shop.tillmart_with(&["files", "revoke", &id], &WRITE).ended(0);
    assert_eq!(month(&shop), "0.00");
}

/// Also of a month that is not over, of which no report keeps figures.
#[test]
fn a_month_that_is_left_without_sales_is_told() {
    let shop = Shop::new();
    shop.deliver_rows("july.csv", &["1,1,Tea,2024-07-01,11,2.50,4,10.00"]);
    shop.tillmart_with(&["run"], &WRITE).ended(0);
    let id = shop.files()["july.csv"]["id"].to_string();
    shop.tillmart_with(&["files", "revoke", &id], &WRITE).ended(0);
    let figures = &report(&shop, "monthly/2024-07")["sections"]["month"]["figures"];
    assert_eq!(figures["net_sales"]["value"], "0.00");
}

#[test]
fn a_replay_writes_the_days_that_it_lands() {
    let shop = loaded(&WRITE);
    shop.deliver_rows("new.csv", &["1,1,Tea,2024-06-17,99,2.50,4,10.00", "1,1,Tea,2024-06-18,11,2.50,4,10.00"]);
    shop.tillmart_with(&["run"], &[WRITE[0], WRITE[1], ("TILLMART_FEED_MAX_REJECT_RATIO", "60 %")]).ended(1);
    let more = shop.folder().join("sales_team.csv");
    std::fs::write(&more, "id,first_name,last_name,manager_id,is_manager\n99,New,One,,N\n").unwrap();
    shop.load_dimensions(&more);
    cleared(&shop);
    let told = shop.tillmart_with(&["rejects", "replay"], &WRITE).ended(0);
    assert!(told.err.contains("2 reports written"), "{}", told.err);
    assert_eq!(written(&shop), ["daily/2024-06-17.json", "monthly/2024-06.json"]);
    assert_eq!((net_of(&shop, "2024-06-17"), month(&shop)), ("10.00".into(), "50.00".into()));

    // Nothing is mended: nothing is written.
    cleared(&shop);
    shop.tillmart_with(&["rejects", "replay"], &WRITE).ended(0);
    assert!(written(&shop).is_empty());
}

#[test]
fn completing_writes_the_days_whose_names_are_known_now() {
    let keep = [WRITE[0], WRITE[1], ("TILLMART_FEED_ORPHANS", "keep")];
    let shop = Shop::new();
    shop.deliver_rows("new.csv", &["1,1,Tea,2024-06-17,99,2.50,4,10.00"]);
    shop.tillmart_with(&["run"], &keep).ended(0);
    shop.deliver_rows("other.csv", &["2,1,Tea,2024-05-01,12,2.50,2,5.00"]);
    shop.tillmart_with(&["run"], &keep).ended(0);
    let more = shop.folder().join("sales_team.csv");
    std::fs::write(&more, "id,first_name,last_name,manager_id,is_manager\n99,New,One,,N\n").unwrap();
    shop.load_dimensions(&more);
    let seller = || report(&shop, "monthly/2024-06")["sections"]["team"]["tables"]["team"]["rows"][0]["name"].clone();
    assert_eq!(seller(), Value::Null);
    cleared(&shop);
    shop.tillmart_with(&["dimensions", "complete"], &keep).ended(0);
    assert_eq!(written(&shop), ["daily/2024-06-17.json", "monthly/2024-06.json"]);
    assert_eq!(seller(), "New One");
}

#[test]
fn renewed_incentives_are_in_the_month() {
    let shop = loaded(&WRITE);
    let incentives = || report(&shop, "monthly/2024-06")["sections"]["team"]["figures"]["incentives"]["value"].clone();
    assert_eq!(incentives(), "0.20");
    cleared(&shop);
    let dearer = [WRITE[0], WRITE[1], ("TILLMART_MARTS_INCENTIVE_RATE", "10 %")];
    shop.tillmart_with(&["incentives", "renew", "--month", "2024-06", "--dry-run"], &dearer).ended(0);
    assert!(written(&shop).is_empty(), "a dry run writes nothing");
    let told = shop.tillmart_with(&["--json", "incentives", "renew", "--month", "2024-06"], &dearer).ended(0).json();
    assert_eq!(told["reports"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!((written(&shop), incentives()), (vec!["monthly/2024-06.json".to_owned()], "2.00".into()));
}

/// What cannot be written undoes nothing, and is told with exit 1, whichever command it was.
#[test]
fn a_report_that_cannot_be_written_is_told_by_every_command() {
    let shop = loaded(&[NOW]);
    std::fs::create_dir_all(shop.storage("reports/monthly/2024-06.json/x")).unwrap();
    let monthly = [NOW, ("TILLMART_REPORTS_WRITE", "monthly.json")];
    let id = shop.files()["old.csv"]["id"].to_string();
    let told = shop.tillmart_with(&["files", "revoke", &id], &monthly).ended(1);
    assert!(told.err.contains("could not be written"), "{}", told.err);
    let dearer = [monthly[0], monthly[1], ("TILLMART_MARTS_INCENTIVE_RATE", "10 %")];
    let told = shop.tillmart_with(&["--json", "incentives", "renew", "--month", "2024-06"], &dearer).ended(1).json();
    assert!(told["reports_failed"].as_object().is_some_and(|failed| !failed.is_empty()), "{told}");
    shop.tillmart_with(&["verify"], &[monthly[0], dearer[2]]).ended(0);
}
