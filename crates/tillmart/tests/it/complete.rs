//! With `orphans = "keep"` sales land before their customer, store or sales person is known, and are completed afterwards:
//! then every table is as if the dimension rows had been there from the start.

use crate::shop::Shop;
use serde_json::Value;
use std::collections::BTreeMap;

const KEEP: &str = "[feed]\nmin_age = \"0s\"\norphans = \"keep\"\n[marts]\ncustomer_buckets = 2\n[run]\ntasks = 2\n";

/// Unknown: customer 77, store 3, sales person 31, whose manager is the known 1, and Juice, which the last sale sells below its list
/// price; customer 78 stays unknown, and two sales are anonymous.
const SALES: [&str; 8] = [
    "1,1,Tea,2024-05-03,11,2.50,2,5.00",
    "77,1,Tea,2024-05-03,11,2.50,4,10.00",
    "77,3,Coffee,2024-05-04,31,4.00,1,4.00",
    ",3,Coffee,2024-05-04,31,4.00,2,8.00",
    "2,3,Tea,2024-06-04,31,2.50,-1,-2.50",
    "78,2,Juice,2024-06-05,21,3.00,1,3.00",
    ",2,Tea,2024-06-05,21,2.50,1,2.50",
    "77,2,Juice,2024-07-01,21,2.80,1,2.80",
];

const LATE: [(&str, &str); 4] = [
    (
        "customer.csv",
        "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n77,Eve,New,7 Mill Lane,10077,,\n",
    ),
    (
        "store.csv",
        "id,address,store_pincode,store_manager_name,store_opening_date,reviews\n3,West,20003,Wanda,2024-01-01,\n",
    ),
    (
        "sales_team.csv",
        "id,first_name,last_name,manager_id,is_manager,address,pincode,joining_date\n31,Uma,Four,1,N,West,30031,2024-01-01\n",
    ),
    (
        "product.csv",
        "id,name,current_price,old_price,created_date,updated_date,expiry_date\n9,Juice,3.00,3.00,2020-01-01,,\n",
    ),
];

/// A chain of look-ups, an expression over two of them, and a filter over the sale alone.
const ROWS: &str = "-- mart: who_sold
-- about: Sales with the sales person, their manager and the list price.
-- partition by: sales_month
SELECT
    s.store_id,
    s.sales_person_id,
    s.product_name,
    s.quantity,
    p.first_name AS seller,
    m.first_name AS manager,
    concat(p.first_name, ' at ', t.address) AS who_and_where,
    q.current_price * s.quantity AS listed,
    s.total_cost,
    s.sales_month,
    s.source_file_id,
    s.batch_id
FROM sales AS s
LEFT JOIN sales_team AS p ON p.id = s.sales_person_id
LEFT JOIN sales_team AS m ON m.id = p.manager_id
LEFT JOIN store AS t ON t.id = s.store_id
LEFT JOIN product AS q ON q.name = s.product_name
WHERE s.total_cost <> 5
";

/// A published table that leaves unknown products out, and calls an unknown store by a name of its own.
const ROLLUP: &str = "-- mart: product_stores
-- about: Sales of known products by store.
-- state: store_id, product_name
-- key: store_id, product_name
-- scope: store_id, product_name
-- merge:
SELECT store_id, product_name, SUM(total_cost) AS money, COUNT(*) AS landed_rows
FROM sales
GROUP BY store_id, product_name
-- finish:
SELECT
    g.store_id,
    g.product_name,
    COALESCE(t.address, 'a new store') AS store,
    CAST(q.current_price AS DECIMAL(10, 2)) AS price,
    CAST(g.money AS DECIMAL(16, 2)) AS money
FROM merged AS g
LEFT JOIN store AS t ON t.id = g.store_id
LEFT JOIN product AS q ON q.name = g.product_name
WHERE q.id IS NOT NULL
";

fn keeping_shop() -> Shop {
    let shop = Shop::new();
    std::fs::write(shop.folder().join("tillmart.toml"), KEEP).unwrap();
    let folder = shop.folder().join("marts");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("who_sold.sql"), ROWS).unwrap();
    std::fs::write(folder.join("product_stores.sql"), ROLLUP).unwrap();
    shop
}

fn load_late(shop: &Shop) {
    let folder = shop.folder().join("late");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in LATE {
        std::fs::write(folder.join(name), text).unwrap();
    }
    shop.load_dimensions(&folder);
}

/// Everything that is to be equal.
fn picture(shop: &Shop) -> (BTreeMap<String, Vec<String>>, Vec<String>, Vec<Value>, Value) {
    let own = "SELECT store_id, sales_person_id, product_name, seller, manager, who_and_where,
                      CAST(listed AS VARCHAR) AS listed, CAST(total_cost AS VARCHAR) AS total, source_file_id
               FROM who_sold ORDER BY 1, 2, 3, 8, 9";
    let published = shop.rows("SELECT * FROM product_stores ORDER BY 1, 2");
    (shop.marts(), published, shop.lake(), shop.query(own))
}

fn landed_before() -> Shop {
    let shop = keeping_shop();
    shop.deliver_rows("a.csv", &SALES[..5]);
    shop.run(0);
    shop.deliver_rows("b.csv", &SALES[5..]);
    shop.run(0);
    shop
}

fn known_from_the_start() -> Shop {
    let shop = keeping_shop();
    load_late(&shop);
    shop.deliver_rows("a.csv", &SALES[..5]);
    shop.run(0);
    shop.deliver_rows("b.csv", &SALES[5..]);
    shop.run(0);
    shop
}

#[test]
fn completed_sales_are_as_if_everything_had_been_known_from_the_start() {
    let shop = landed_before();
    let null_names = "SELECT COUNT(*) AS rows FROM sales_data_mart WHERE sales_person_first_name IS NULL";
    assert_eq!(shop.query(null_names)[0]["rows"], 3);
    let spend = "SELECT total_sales FROM customers_data_mart WHERE customer_id = 77 AND full_name IS NULL ORDER BY 1";
    assert_eq!(shop.rows(spend), ["'14.00'", "'2.80'"], "an unknown customer has spend");
    assert_eq!(shop.rows("SELECT * FROM customers_data_mart WHERE customer_id IS NULL"), Vec::<String>::new());
    shop.verified();

    load_late(&shop);
    let told = shop.tillmart(&["dimensions", "complete", "--json"]).ended(0).json();
    let completed = serde_json::json!({
        "customer_data_mart": 3, "sales_data_mart": 5, "who_sold": 5,
        "customers_data_mart": 2, "product_stores": 3, "sales_team_data_mart": 2, "sales_person_day_data_mart": 2,
        "off_list_day_data_mart": 1,
    });
    assert_eq!(told["rows_completed"], completed);
    assert_eq!(told["not_completed"], serde_json::json!({}));
    let expected = known_from_the_start();
    assert_eq!(picture(&shop), picture(&expected));
    shop.verified();
    assert_eq!(shop.rows("SELECT kind, state FROM tillmart_batch WHERE id = 3"), ["'complete'|'finished'"]);

    let before = shop.area("sales_data_mart");
    let again = shop.tillmart(&["dimensions", "complete"]).ended(0);
    assert!(again.out.starts_with("Nothing to complete"), "{}", again.out);
    assert_eq!(shop.area("sales_data_mart"), before, "a second time writes nothing");
    let one = shop.files()["b.csv"]["id"].to_string();
    shop.tillmart(&["files", "revoke", &one]).ended(0);
    expected.tillmart(&["files", "revoke", &one]).ended(0);
    assert_eq!(picture(&shop), picture(&expected), "completed rows keep their lineage");
    shop.verified();
}

#[test]
fn what_a_row_found_when_it_landed_stays() {
    let shop = landed_before();
    let moved = shop.folder().join("customer.csv");
    std::fs::write(&moved, LATE[0].1.replace("\n77", "\n1,Ada,King,9 New Road,,,\n77")).unwrap();
    shop.load_dimensions(&moved);
    let told = shop.tillmart(&["dimensions", "complete", "--json"]).ended(0).json();
    let completed = serde_json::json!({ "customer_data_mart": 3, "customers_data_mart": 2 });
    assert_eq!(told["rows_completed"], completed, "only sales of the customer who was unknown");
    assert_eq!(shop.rows("SELECT full_name FROM customers_data_mart WHERE customer_id = 1"), ["'Ada Byron'"]);
    assert_eq!(shop.query("SELECT address FROM customer_data_mart WHERE customer_id = 1")[0]["address"], "1 Mill Lane");
    shop.verified();
}

#[test]
fn a_run_and_a_load_say_how_to_complete() {
    let shop = keeping_shop();
    shop.deliver_rows("a.csv", &SALES);
    let run = shop.tillmart(&["run"]).ended(0);
    assert!(
        run.out.contains("6 of the landed name a customer, store or sales person that is not known yet"),
        "{}",
        run.out
    );
    assert!(run.err.contains("tillmart dimensions complete"), "{}", run.err);
    let late = shop.folder().join("customer.csv");
    std::fs::write(&late, LATE[0].1).unwrap();
    let load = shop.tillmart(&["dimensions", "load", late.to_str().unwrap()]).ended(0);
    assert!(load.err.contains("tillmart dimensions complete"), "{}", load.err);
    let complete = shop.tillmart(&["dimensions", "complete"]).ended(0);
    assert!(complete.out.contains("customers_data_mart") && complete.out.contains('2'), "{}", complete.out);
}

#[test]
fn a_mart_that_cannot_be_completed_row_by_row_is_named() {
    let shop = keeping_shop();
    let filtered = ROWS.replace("who_sold", "dear").replace("WHERE s.total_cost <> 5", "WHERE q.current_price > 2");
    std::fs::write(shop.folder().join("marts/dear.sql"), filtered).unwrap();
    shop.deliver_rows("a.csv", &SALES);
    shop.run(0);
    assert_eq!(shop.query("SELECT COUNT(*) AS rows FROM dear")[0]["rows"], 6, "no Juice yet");
    load_late(&shop);
    let told = shop.tillmart(&["dimensions", "complete"]).ended(0);
    assert!(told.err.contains("dear was left as it is: its WHERE looks at an attribute"), "{}", told.err);
    std::fs::remove_dir_all(shop.storage("dear")).unwrap();
    assert_eq!(shop.run(0)["marts_filled"]["dear"], 8);
    assert_eq!(shop.query("SELECT COUNT(*) AS rows FROM dear WHERE who_and_where IS NOT NULL")[0]["rows"], 8);
    shop.verified();
}

#[test]
fn a_completion_that_dies_is_finished_by_the_next_run() {
    let template = landed_before();
    load_late(&template);
    let undisturbed = template.copy();
    undisturbed.tillmart(&["dimensions", "complete"]).ended(0);
    let expected = picture(&undisturbed);
    let points = ["claimed", "written", "manifest-stored", "landed", "table-committed:1", "table-committed:3"];
    for point in points.into_iter().chain(["committed", "before-publish", "published"]) {
        let shop = template.copy();
        shop.tillmart_with(&["dimensions", "complete"], &[("TILLMART_KILL_AT", point)]).ended(-6);
        let recovered = shop.run(0);
        assert_eq!(recovered["batches_recovered"], 1, "{point}");
        assert_eq!(picture(&shop), expected, "{point}");
        shop.verified();
        assert_eq!(shop.run(0)["batches"], 0, "{point}");
    }
}
