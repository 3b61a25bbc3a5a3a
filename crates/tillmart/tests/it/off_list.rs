//! Sales off the list price of their day are counted by store and sales person, never rejected, whatever becomes known when.

use crate::servers::Servers;
use crate::shop::Shop;
use crate::transcripts::Transcript;
use serde_json::{Value, json};
use std::sync::Arc;

const CLOCK: [(&str, &str); 1] = [("TILLMART_CLOCK", "2024-05-17T07:00:00Z")];

/// Tea is 2.50 and Coffee 4.00; nobody knows Juice.
const SALES: [&str; 10] = [
    "1,1,Tea,2024-05-16,11,2.50,4,10.00",
    // Below: 4 × 0.25 and 3 × 0.1250; above: 0.50.
    "1,1,Tea,2024-05-16,11,2.25,4,9.00",
    ",1,Tea,2024-05-16,11,2.375,3,7.13",
    "2,1,Coffee,2024-05-16,11,4.50,1,4.50",
    // Given back at another price than today's, and given away: no unit of it was sold.
    "2,1,Coffee,2024-05-16,11,3.00,-1,-3.00",
    "2,1,Coffee,2024-05-16,12,4.00,1,4.00",
    "2,1,Juice,2024-05-16,12,9.99,1,9.99",
    // Another store, and another day.
    "3,2,Tea,2024-05-16,21,2.00,2,4.00",
    "3,2,Tea,2024-05-15,21,2.40,1,2.40",
    "3,2,Coffee,2024-05-16,21,0.00,0,0.00",
];

const MART: &str = "SELECT sales_date, store_id, sales_person_id, below_sales, above_sales, below, above
                    FROM off_list_day_data_mart ORDER BY 1, 2, 3";

const LOADED: [&str; 3] = [
    "'2024-05-15'|2|21|1|0|'-0.1000'|'0.0000'",
    "'2024-05-16'|1|11|2|1|'-1.3750'|'0.5000'",
    "'2024-05-16'|2|21|2|0|'-1.0000'|'0.0000'",
];

fn loaded() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    shop
}

fn load(shop: &Shop, text: &str, more: &[&str]) {
    let file = shop.folder().join("product.csv");
    std::fs::write(&file, format!("id,name,current_price\n{text}\n")).unwrap();
    let arguments = [&["dimensions", "load", file.to_str().unwrap()], more].concat();
    shop.tillmart_with(&arguments, &CLOCK).ended(0);
}

fn report(shop: &Shop, more: &[&str]) -> Value {
    let arguments = [&["report", "daily", "--date", "2024-05-16", "--json"], more].concat();
    shop.tillmart_with(&arguments, &CLOCK).ended(0).json()["sections"]["off_list"].clone()
}

#[test]
fn discounts_and_mistakes_are_counted_and_no_sale_is_rejected_for_them() {
    let shop = loaded();
    assert_eq!(shop.rows(MART), LOADED);
    shop.verified();
    shop.deliver_rows("more.csv", &["1,1,Tea,2024-05-16,11,2.00,1,2.00", "1,1,Tea,2024-05-16,11,3.00,1,3.00"]);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    assert_eq!(shop.rows(MART)[1], "'2024-05-16'|1|11|3|2|'-1.8750'|'1.0000'");
    shop.verified();
    shop.tillmart(&["files", "revoke", "1"]).ended(0);
    assert_eq!(shop.rows(MART), ["'2024-05-16'|1|11|1|1|'-0.5000'|'0.5000'"]);
    shop.verified();
}

#[test]
fn the_list_price_is_that_of_the_day_of_the_sale() {
    let shop = Shop::new();
    load(&shop, "1,Tea,2.50", &["--as-of", "2024-01-01"]);
    load(&shop, "1,Tea,2.25", &["--as-of", "2024-05-16"]);
    shop.deliver_rows("sales.csv", &SALES);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    let expected = [
        "'2024-05-15'|2|21|1|0|'-0.1000'|'0.0000'",
        // 4 and 3 of them are above now, the 4 that were right by 0.25 and the 3 by 0.125.
        "'2024-05-16'|1|11|0|3|'0.0000'|'1.8750'",
        "'2024-05-16'|2|21|2|0|'-0.5000'|'0.0000'",
    ];
    assert_eq!(shop.rows(MART), expected);
    shop.verified();
    // A change that is told late rewrites no landed sale, and so no figure.
    load(&shop, "1,Tea,9.00", &["--as-of", "2024-05-15"]);
    shop.deliver_rows("more.csv", &["1,1,Tea,2024-05-15,11,9.00,1,9.00"]);
    shop.tillmart_with(&["run"], &CLOCK).ended(0);
    assert_eq!(shop.rows(MART), expected);
    shop.verified();
}

#[test]
fn a_replayed_sale_counts_when_it_lands() {
    let shop = loaded();
    shop.deliver_rows("late.csv", &["77,1,Tea,2024-05-16,12,1.50,2,3.00", "1,1,Tea,2024-05-16,12,2.50,2,5.00"]);
    shop.tillmart_with(&["run"], &[CLOCK[0], ("TILLMART_FEED_MAX_REJECT_RATIO", "0.9")]).ended(1);
    assert_eq!(shop.rows(MART), LOADED);
    let customer = shop.folder().join("customer.csv");
    std::fs::write(&customer, "customer_id,first_name\n77,Dot\n").unwrap();
    shop.load_dimensions(&customer);
    shop.tillmart_with(&["rejects", "replay"], &CLOCK).ended(0);
    assert_eq!(shop.rows(MART)[2], "'2024-05-16'|1|12|1|0|'-2.0000'|'0.0000'");
    shop.verified();
}

#[test]
fn a_product_that_becomes_known_has_a_list_price_then() {
    let shop = loaded();
    let known = Shop::new();
    for shop in [&shop, &known] {
        load(shop, "3,Juice,3.00", &[]);
    }
    known.deliver_rows("sales.csv", &SALES);
    known.tillmart_with(&["run"], &CLOCK).ended(0);
    assert_eq!(shop.rows(MART), LOADED, "nobody asked to complete it");
    for point in ["claimed", "landed", "table-committed:1", "committed", "before-publish", "published"] {
        let shop = shop.copy();
        shop.tillmart_with(&["dimensions", "complete"], &[CLOCK[0], ("TILLMART_KILL_AT", point)]).ended(-6);
        shop.tillmart_with(&["run"], &CLOCK).ended(0);
        assert_eq!(shop.marts(), known.marts(), "{point}");
        shop.verified();
    }
    let told = shop.tillmart_with(&["dimensions", "complete", "--json"], &CLOCK).ended(0).json();
    assert_eq!(told["rows_completed"], json!({ "sales_data_mart": 1, "off_list_day_data_mart": 1 }));
    assert_eq!(shop.rows(MART)[2], "'2024-05-16'|1|12|0|1|'0.0000'|'6.9900'");
    assert_eq!((shop.marts(), shop.lake()), (known.marts(), known.lake()));
    shop.verified();
    let again = shop.tillmart_with(&["dimensions", "complete"], &CLOCK).ended(0);
    assert!(again.out.starts_with("Nothing to complete"), "{}", again.out);
    shop.tillmart(&["files", "revoke", "1"]).ended(0);
    assert!(shop.rows(MART).is_empty());
    shop.verified();
}

/// Sums of one's own that hang on attributes, with names in what is published.
const MANAGED: &str = "-- mart: managed
-- about: Sales by the seller's manager.
-- state: sales_date, manager_id
-- key: sales_date, manager_id
-- scope: sales_date, manager_id
-- merge:
SELECT sales_date, manager_id, SUM(total_cost) AS money, COUNT(*) AS landed_rows
FROM sales
WHERE manager_id IS NOT NULL
GROUP BY sales_date, manager_id
-- finish:
SELECT m.sales_date, m.manager_id, t.first_name, CAST(m.money AS DECIMAL(16, 2)) AS money
FROM merged AS m
LEFT JOIN sales_team AS t ON t.id = m.manager_id
";

#[test]
fn sums_of_ones_own_over_attributes_follow_what_is_completed() {
    let with_mart = || {
        let shop = Shop::new();
        shop.settings("");
        let settings = std::fs::read_to_string(shop.folder().join("tillmart.toml")).unwrap();
        let keeping = settings.replace("[feed]\n", "[feed]\norphans = \"keep\"\n");
        std::fs::write(shop.folder().join("tillmart.toml"), keeping).unwrap();
        std::fs::create_dir_all(shop.folder().join("marts")).unwrap();
        std::fs::write(shop.folder().join("marts/managed.sql"), MANAGED).unwrap();
        shop
    };
    let sales = ["1,1,Tea,2024-05-16,11,2.50,4,10.00", "1,1,Tea,2024-05-16,31,2.50,2,5.00"];
    let team = "id,first_name,last_name,manager_id,is_manager\n2,Max,Chief,,Y\n31,Uma,Four,2,N\n";
    let (late, known) = (with_mart(), with_mart());
    late.deliver_rows("sales.csv", &sales);
    late.tillmart_with(&["run"], &CLOCK).ended(0);
    for shop in [&late, &known] {
        let file = shop.folder().join("sales_team.csv");
        std::fs::write(&file, team).unwrap();
        shop.load_dimensions(&file);
    }
    known.deliver_rows("sales.csv", &sales);
    known.tillmart_with(&["run"], &CLOCK).ended(0);
    let managed = "SELECT sales_date, manager_id, first_name, money FROM managed ORDER BY 1, 2";
    assert_eq!(late.rows(managed), ["'2024-05-16'|1|'Mona'|'10.00'"]);
    late.tillmart_with(&["dimensions", "complete"], &CLOCK).ended(0);
    assert_eq!(late.rows(managed), ["'2024-05-16'|1|'Mona'|'10.00'", "'2024-05-16'|2|'Max'|'5.00'"]);
    assert_eq!((late.marts(), late.lake()), (known.marts(), known.lake()));
    late.verified();
}

#[test]
fn the_daily_report_tells_of_them_by_store_and_sales_person() {
    let shop = loaded();
    let chain = report(&shop, &[]);
    let figure = |name: &str| chain["figures"][name]["value"].clone();
    // 1.375 is 1.38, and 0.875 is 0.88: each is rounded once.
    assert_eq!(
        [figure("below_sales"), figure("above_sales"), figure("difference")],
        [json!(4), json!(1), json!("-1.88")]
    );
    let stores = json!([
        { "store": 1, "manager": "Nora", "below_sales": 2, "below": "-1.38", "above_sales": 1, "above": "0.50", "difference": "-0.88" },
        { "store": 2, "manager": "Said", "below_sales": 2, "below": "-1.00", "above_sales": 0, "above": "0.00", "difference": "-1.00" },
    ]);
    assert_eq!(chain["tables"]["off_list_stores"]["rows"], stores);
    assert_eq!(chain["tables"]["off_list_stores"]["totals"][0]["below"], "-2.38");
    let persons = &chain["tables"]["off_list_persons"]["rows"];
    assert_eq!(
        (&persons[0]["name"], &persons[1]["name"]),
        (&json!("Tom Three"), &json!("Sam One")),
        "the largest first"
    );
    let one = report(&shop, &["--store", "1"]);
    assert_eq!(one["figures"]["difference"]["value"], "-0.88");
    assert_eq!(one["tables"]["off_list_stores"], Value::Null);
    assert_eq!(one["tables"]["off_list_persons"]["rows"].as_array().map(Vec::len), Some(1));
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["report", "daily", "--date", "2024-05-16", "--format", "md"], &CLOCK).ended(0);
    transcript.call_with(&["report", "daily", "--date", "2024-05-15", "--store", "1"], &CLOCK).ended(0);
    transcript.is("off_the_list_price");
}

#[test]
fn a_shop_on_servers_counts_the_same() {
    let (there, here) = (Shop::on(&Arc::new(Servers::start())), loaded());
    there.deliver_rows("sales.csv", &SALES);
    there.tillmart_with(&["run"], &CLOCK).ended(0);
    for shop in [&there, &here] {
        load(shop, "3,Juice,3.00", &[]);
        shop.tillmart_with(&["dimensions", "complete"], &CLOCK).ended(0);
        shop.verified();
    }
    for more in [&[][..], &["--store", "1"]] {
        assert_eq!(report(&there, more), report(&here, more), "{more:?}");
    }
    assert_eq!(report(&there, &[])["figures"]["above_sales"]["value"], 2, "Juice among them");
}
