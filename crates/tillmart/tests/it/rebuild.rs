//! `rebuild --re-enrich`: months show what is known by now of the days of their sales, as if it had been known when they landed.

use crate::servers::Servers;
use crate::shop::Shop;
use crate::transcripts::Transcript;
use serde_json::{Value, json};
use std::sync::Arc;

const CLOCK: [(&str, &str); 1] = [("TILLMART_CLOCK", "2024-07-01T07:00:00Z")];

const SALES: [&str; 5] = [
    "1,1,Tea,2024-05-03,11,2.50,2,5.00",
    "1,1,Tea,2024-05-20,11,2.50,4,10.00",
    "2,1,Coffee,2024-05-20,12,4.00,1,4.00",
    "2,2,Tea,2024-05-20,21,2.00,1,2.00",
    "1,1,Tea,2024-06-03,11,2.50,2,5.00",
];

const TEAM: &str = "id,first_name,last_name,manager_id,is_manager\n";

fn load(shop: &Shop, dimension: &str, text: &str, as_of: &str) {
    let file = shop.folder().join(format!("{dimension}.csv"));
    std::fs::write(&file, text).unwrap();
    let arguments = ["dimensions", "load", file.to_str().unwrap(), "--as-of", as_of];
    shop.tillmart_with(&arguments, &CLOCK).ended(0);
}

/// What was so from the beginning of the year on.
fn began(shop: &Shop) {
    load(shop, "product", "id,name,current_price\n1,Tea,2.50\n2,Coffee,4.00\n", "2024-01-01");
    load(shop, "sales_team", &format!("{TEAM}2,Max,Chief,,Y\n11,Sam,One,1,N\n12,Sue,Two,1,N\n"), "2024-01-01");
    load(shop, "customer", "customer_id,address\n1,1 Mill Lane\n2,2 Mill Lane\n", "2024-01-01");
}

/// What is told late: of 10 May on Sam's manager is Max, and Tea is 2.00; of 15 May on Ada lives elsewhere.
fn moved(shop: &Shop) {
    load(shop, "sales_team", &format!("{TEAM}11,Sam,One,2,N\n"), "2024-05-10");
    load(shop, "product", "id,name,current_price\n1,Tea,2.00\n", "2024-05-10");
    load(shop, "customer", "customer_id,address\n1,9 New Road\n", "2024-05-15");
}

fn land(shop: &Shop) {
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
}

/// Landed, and then something was told late.
fn told_late() -> Shop {
    let shop = Shop::new();
    began(&shop);
    land(&shop);
    moved(&shop);
    shop
}

fn known_in_time() -> Shop {
    let shop = Shop::new();
    began(&shop);
    moved(&shop);
    land(&shop);
    shop
}

fn re_enrich(shop: &Shop, months: &[&str]) -> Value {
    let mut arguments = vec!["rebuild", "--re-enrich", "--json"];
    months.iter().for_each(|month| arguments.extend(["--month", month]));
    shop.tillmart_with(&arguments, &CLOCK).ended(0).json()
}

/// Every attribute that changes here.
fn shown(shop: &Shop) -> Value {
    shop.query(
        "SELECT CAST(s.sales_date AS VARCHAR) AS day, s.sales_person_id, s.manager_id, CAST(s.list_price AS VARCHAR) AS price,
                s.source_line, s.batch_id
         FROM sales_data_mart AS s ORDER BY source_line",
    )
}

fn addresses(shop: &Shop) -> Value {
    shop.query("SELECT CAST(sales_date AS VARCHAR) AS day, address FROM customer_data_mart ORDER BY 1, 2")
}

fn picture(shop: &Shop) -> (Value, Value, Vec<Value>, Value) {
    let marts = serde_json::to_value(shop.marts()).unwrap();
    (shown(shop), addresses(shop), shop.lake(), marts)
}

#[test]
fn a_month_shows_what_is_known_by_now() {
    let (shop, expected) = (told_late(), known_in_time());
    let june = |shop: &Shop| shown(shop)[4].clone();
    let before = june(&shop);
    let told = re_enrich(&shop, &["2024-05"]);
    let rows = json!({
        "customer_data_mart": { "rows": 1, "columns": { "address": 1 } },
        "sales_data_mart": { "rows": 2, "columns": { "list_price": 2, "manager_id": 1 } },
    });
    assert_eq!(told["rows_changed"], rows);
    let mart = "off_list_day_data_mart";
    let key = |store: i64, person: i64| json!({ "sales_date": "2024-05-20", "store_id": store.to_string(), "sales_person_id": person.to_string() });
    let published = json!([
        { "mart": mart, "key": key(1, 11), "before": null,
          "after": { "below_sales": "0", "above_sales": "1", "below": "0.0000", "above": "2.0000" } },
        { "mart": mart, "key": key(2, 21), "after": null,
          "before": { "below_sales": "1", "above_sales": "0", "below": "-0.5000", "above": "0.0000" } },
    ]);
    let sorted = |changes: &Value| {
        let mut changes = changes.as_array().unwrap().clone();
        changes.sort_by_key(|change| change["key"]["store_id"].to_string());
        changes
    };
    assert_eq!(sorted(&told["published_changed"]), sorted(&published));
    assert_eq!(told["left_out"], json!({}));
    assert_eq!(june(&shop), before, "nobody asked for June");
    shop.verified();
    let again = shop.tillmart_with(&["rebuild", "--re-enrich", "--month", "2024-05"], &CLOCK).ended(0);
    assert!(again.out.starts_with("Nothing to change"), "{}", again.out);
    let files = shop.area("sales_data_mart");
    re_enrich(&shop, &["2024-05"]);
    let written = shop.area("sales_data_mart").keys().filter(|path| path.ends_with(".parquet")).count();
    assert_eq!(written, files.keys().filter(|path| path.ends_with(".parquet")).count(), "nothing is written");
    re_enrich(&shop, &["2024-06", "2024-05"]);
    assert_eq!(picture(&shop), picture(&expected));
    shop.verified();
    shop.tillmart(&["files", "revoke", "1"]).ended(0);
    assert!(shop.rows("SELECT * FROM off_list_day_data_mart").is_empty());
    shop.verified();
}

#[test]
fn one_that_dies_is_finished_by_the_next_run() {
    let template = told_late();
    let undisturbed = template.copy();
    re_enrich(&undisturbed, &["2024-05", "2024-06"]);
    let expected = picture(&undisturbed);
    let points = ["claimed", "written", "manifest-stored", "landed", "table-committed:1", "table-committed:2"];
    for point in points.into_iter().chain(["committed", "before-publish", "published"]) {
        let shop = template.copy();
        let arguments = ["rebuild", "--re-enrich", "--month", "2024-05", "--month", "2024-06"];
        shop.tillmart_with(&arguments, &[CLOCK[0], ("TILLMART_KILL_AT", point)]).ended(-6);
        let recovered = shop.tillmart_with(&["run", "--json"], &CLOCK).ended(0).json();
        assert_eq!(recovered["batches_recovered"], 1, "{point}");
        assert_eq!(picture(&shop), expected, "{point}");
        shop.verified();
    }
}

/// Without the day of the sale nobody can tell what was true on it.
const DAYLESS: &str = "-- mart: dayless
-- about: Sales without their day.
-- partition by: sales_month
SELECT s.sales_person_id, p.manager_id, s.total_cost, s.sales_month, s.source_file_id, s.batch_id
FROM sales AS s
LEFT JOIN sales_team AS p ON p.id = s.sales_person_id
";

#[test]
fn what_a_person_reads() {
    let shop = Shop::new();
    std::fs::create_dir_all(shop.folder().join("marts")).unwrap();
    std::fs::write(shop.folder().join("marts/dayless.sql"), DAYLESS).unwrap();
    began(&shop);
    land(&shop);
    moved(&shop);
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["rebuild", "--re-enrich", "--month", "2024-05"], &CLOCK).ended(0);
    transcript.call_with(&["rebuild", "--re-enrich", "--month", "2024-05"], &CLOCK).ended(0);
    transcript.call_with(&["rebuild", "--re-enrich", "--month", "2023-05"], &CLOCK).ended(2);
    transcript.call_with(&["rebuild", "--re-enrich", "--month", "May"], &CLOCK).ended(2);
    transcript.call_with(&["rebuild", "--month", "2024-05"], &CLOCK).ended(2);
    transcript.is("months_enriched_anew");
    let dayless = shop.query("SELECT DISTINCT manager_id FROM dayless");
    assert_eq!(dayless, json!([{ "manager_id": 1 }]), "left as it was");
}

#[test]
fn a_shop_on_servers_is_enriched_the_same() {
    let there = Shop::on(&Arc::new(Servers::start()));
    began(&there);
    land(&there);
    moved(&there);
    let told = re_enrich(&there, &["2024-05"]);
    assert_eq!(told["rows_changed"]["sales_data_mart"]["rows"], 2);
    assert_eq!(told["published_changed"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        shown(&there),
        shown(&{
            let here = told_late();
            re_enrich(&here, &["2024-05"]);
            here
        })
    );
    there.verified();
}
