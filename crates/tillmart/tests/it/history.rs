//! History: what held of a store, a product, a sales person or a customer on which day is kept, once, whenever it is told.

use crate::servers::Servers;
use crate::shop::{Shop, csv};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The day on which a call of the binary believes to be.
fn on(day: &str) -> (&'static str, String) {
    ("TILLMART_CLOCK", format!("{day}T08:00:00Z"))
}

/// Loads a file of one dimension on a day, with more arguments.
#[track_caller]
fn load(shop: &Shop, day: &str, dimension: &str, text: &str, more: &[&str]) -> Value {
    let file = shop.folder().join(format!("{dimension}.csv"));
    std::fs::write(&file, text).unwrap();
    let (name, now) = on(day);
    let mut arguments = vec!["--json", "dimensions", "load", file.to_str().unwrap()];
    arguments.extend(more);
    shop.tillmart_with(&arguments, &[(name, &now)]).ended(0).json()[dimension].clone()
}

/// The versions of a dimension, each as `column=value` of the columns that are not NULL, in order.
fn versions(shop: &Shop, dimension: &str) -> Vec<String> {
    let key = if dimension == "customer" { "customer_id" } else { "id" };
    let rows = shop.query(&format!("SELECT * FROM dim_{dimension} ORDER BY {key}, valid_from"));
    let shown = |row: &Value| {
        let columns = row.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        columns.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ").replace('"', "")
    };
    rows.as_array().unwrap().iter().map(shown).collect()
}

const STORES: &str = "id,address,store_pincode,store_manager_name,store_opening_date,reviews\n\
                      1,North,20001,Nora,2019-01-01,\n2,South,20002,Said,2019-01-01,\n";

fn manager(shop: &Shop, id: i64) -> String {
    let rows = shop.query(&format!("SELECT store_manager_name AS name FROM store WHERE id = {id}"));
    rows[0]["name"].as_str().unwrap().to_owned()
}

fn tells_a_late_change(shop: &Shop) {
    assert_eq!(load(shop, "2030-01-01", "store", STORES, &[])["added"], 2);
    assert_eq!(versions(shop, "store").len(), 2, "the first is true of all the past");
    // Said again in May, and in March of April: what was said in May stays.
    load(shop, "2030-05-01", "store", STORES, &[]);
    let april = "id,store_manager_name\n1,Abel\n";
    let late = load(shop, "2030-05-20", "store", april, &["--as-of", "2030-04-01"]);
    assert_eq!((&late["changed"], &late["unchanged"]), (&0.into(), &1.into()), "nothing about today");
    assert_eq!(manager(shop, 1), "Nora", "the table shows the newest");
    let rest = "id=1 address=North store_pincode=20001";
    let kept = [
        format!(
            "{rest} store_manager_name=Nora store_opening_date=2019-01-01 valid_from=0001-01-01 valid_to=2030-04-01 is_current=false"
        ),
        format!(
            "{rest} store_manager_name=Abel store_opening_date=2019-01-01 valid_from=2030-04-01 valid_to=2030-05-01 is_current=false"
        ),
        format!("{rest} store_manager_name=Nora store_opening_date=2019-01-01 valid_from=2030-05-01 is_current=true"),
    ];
    let found: Vec<String> = versions(shop, "store").into_iter().filter(|row| row.contains("id=1 ")).collect();
    let sorted = |rows: &[String]| {
        let words = |row: &String| {
            let mut words: Vec<String> = row.split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        rows.iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(sorted(&found), sorted(&kept));
    // A late file about the newest day changes the table, too.
    let june = load(shop, "2030-06-20", "store", "id,store_manager_name\n1,June\n9,New\n", &["--as-of", "2030-06-01"]);
    assert_eq!((&june["added"], &june["changed"]), (&1.into(), &1.into()));
    assert_eq!((manager(shop, 1), manager(shop, 9)), ("June".to_owned(), "New".to_owned()));
    // The same twice is nothing new.
    let before = (versions(shop, "store"), statements(shop, "store"));
    load(shop, "2030-06-20", "store", "id,store_manager_name\n1,June\n9,New\n", &["--as-of", "2030-06-01"]);
    load(shop, "2030-06-20", "store", april, &["--as-of", "2030-04-01"]);
    assert_eq!((versions(shop, "store"), statements(shop, "store")), before);
}

fn statements(shop: &Shop, dimension: &str) -> Value {
    shop.query(&format!("SELECT COUNT(*) AS n FROM dim_{dimension}_statements"))[0]["n"].clone()
}

#[test]
fn a_late_change_holds_until_the_next_statement() {
    tells_a_late_change(&Shop::bare());
}

#[test]
fn a_late_change_on_servers() {
    let shop = Shop::on(&Arc::new(Servers::start()));
    shop.rented();
    let (name, now) = on("2030-01-01");
    let empty = shop.folder().join("store.csv");
    std::fs::write(&empty, STORES).unwrap();
    shop.tillmart_with(&["dimensions", "load", empty.to_str().unwrap()], &[(name, &now)]).ended(0);
    load(&shop, "2030-05-20", "store", "id,store_manager_name\n1,Abel\n7,Seven\n", &["--as-of", "2030-04-01"]);
    assert_eq!((manager(&shop, 1), manager(&shop, 7)), ("Abel".to_owned(), "Seven".to_owned()));
    assert_eq!(versions(&shop, "store").len(), 4);
}

#[test]
fn a_day_to_come_is_refused() {
    let shop = Shop::bare();
    let file = shop.folder().join("store.csv");
    std::fs::write(&file, STORES).unwrap();
    let (name, now) = on("2030-01-01");
    let arguments = ["dimensions", "load", file.to_str().unwrap(), "--as-of", "2030-01-02"];
    let told = shop.tillmart_with(&arguments, &[(name, &now)]).ended(2);
    assert!(told.err.contains("a day to come") && told.err.contains("2030-01-01"), "{}", told.err);
    assert!(shop.query("SELECT * FROM dim_store").as_array().unwrap().is_empty());
}

#[test]
fn what_somebody_changed_in_the_table_is_noticed_by_the_next_run_once() {
    let shop = Shop::new();
    let before = versions(&shop, "product");
    shop.database().execute("UPDATE product SET current_price = '3.00' WHERE name = 'Tea'", []).unwrap();
    let (name, now) = on("2030-03-05");
    for (delivery, row) in
        [("one.csv", "1,1,Tea,2024-05-03,11,2.50,2,5.00"), ("two.csv", "2,1,Coffee,2024-05-04,12,4.00,1,4.00")]
    {
        shop.deliver(delivery, csv(&[row]));
        shop.tillmart_with(&["run"], &[(name, &now)]).ended(0);
    }
    let after = versions(&shop, "product");
    assert_eq!(after.len(), before.len() + 1);
    let current: Vec<&String> =
        after.iter().filter(|row| row.contains("name=Tea") && row.contains("is_current=true")).collect();
    assert!(current[0].contains("current_price=3.0000") && current[0].contains("valid_from=2030-03-05"), "{current:?}");
    // The former price is the old one, in the table as well.
    assert!(current[0].contains("old_price=2.5000"), "{current:?}");
    let rows = shop.rows("SELECT old_price FROM product WHERE name = 'Tea'");
    assert_eq!(rows, ["'2.5000'"]);
}

/// A year of moves: day, dimension, file.
const YEAR: [(&str, &str, &str); 12] = [
    ("2030-01-01", "store", STORES),
    ("2030-01-02", "product", "id,name,current_price,old_price\n1,Tea,2.50,\n2,Coffee,4.00,\n"),
    (
        "2030-01-03",
        "sales_team",
        "id,first_name,last_name,manager_id,is_manager,address,pincode,joining_date\n\
         1,Mona,Boss,,Y,,,\n2,Max,Chief,,Y,,,\n11,Sam,One,1,N,North,30001,2019-01-01\n12,Sue,Two,1,N,North,,\n",
    ),
    ("2030-02-10", "sales_team", "id,manager_id\n11,2\n"),
    ("2030-03-01", "product", "id,name,current_price\n1,Tea,2.75\n"),
    ("2030-03-15", "store", "id,store_manager_name\n1,Abel\n2,Said\n"),
    ("2030-04-01", "sales_team", "id,address,pincode\n11,South,30002\n12,North,\n"),
    ("2030-06-01", "store", "id,store_manager_name,reviews\n1,Nora,better\n"),
    ("2030-07-01", "product", "id,name,current_price\n1,Tea,2.50\n2,Coffee,4.50\n"),
    ("2030-08-01", "sales_team", "id,last_name\n12,Three\n"),
    ("2030-09-01", "store", STORES),
    ("2030-10-01", "sales_team", "id,manager_id\n11,1\n12,2\n"),
];

fn history(shop: &Shop) -> BTreeMap<&'static str, Vec<String>> {
    let read = |dimension| (dimension, versions(shop, dimension));
    ["store", "product", "sales_team"].into_iter().map(read).collect()
}

#[test]
fn a_year_of_moves_in_any_order_gives_the_same_tables() {
    let in_order = Shop::bare();
    for (day, dimension, text) in YEAR {
        load(&in_order, day, dimension, text, &[]);
    }
    let expected = history(&in_order);
    assert_eq!(expected["sales_team"].len(), 9);
    // Columns that cannot be blank must be known when a row is added, so a name comes with each of them.
    for step in [5, 7, 11] {
        let shop = Shop::bare();
        for at in 0..YEAR.len() {
            let (day, dimension, text) = YEAR[(at * step + 3) % YEAR.len()];
            load(&shop, "2030-12-31", dimension, text, &["--as-of", day]);
        }
        assert_eq!(history(&shop), expected, "step {step}");
        for dimension in ["store", "sales_team"] {
            let key = format!("SELECT * FROM {dimension} ORDER BY id");
            assert_eq!(shop.query(&key), in_order.query(&key), "the table shows the newest: {dimension}");
        }
    }
}

/// What sales of the year show of person 11, store 1 and Tea: day, manager, address, store manager, list price.
const SHOWN: [(&str, i64, &str, &str, &str); 8] = [
    ("2024-05-03", 1, "North", "Nora", "2.5000"),
    ("2030-02-09", 1, "North", "Nora", "2.5000"),
    ("2030-02-10", 2, "North", "Nora", "2.5000"),
    ("2030-03-15", 2, "North", "Abel", "2.7500"),
    ("2030-04-01", 2, "South", "Abel", "2.7500"),
    ("2030-06-30", 2, "South", "Nora", "2.7500"),
    ("2030-08-31", 2, "South", "Nora", "2.5000"),
    ("2030-10-01", 1, "South", "Nora", "2.5000"),
];

#[test]
fn a_sale_shows_what_was_true_on_its_day() {
    let customers = "customer_id,first_name\n1,Ada\n";
    for step in [1, 5] {
        let shop = Shop::bare();
        load(&shop, "2030-01-01", "customer", customers, &[]);
        for at in 0..YEAR.len() {
            let (day, dimension, text) = YEAR[at * step % YEAR.len()];
            load(&shop, "2030-12-31", dimension, text, &["--as-of", day]);
        }
        load(&shop, "2030-11-01", "customer", "customer_id,first_name\n1,Eve\n", &[]);
        let rows = SHOWN.map(|(day, ..)| format!("1,1,Tea,{day},11,2.50,2,5.00"));
        shop.deliver_rows("sales.csv", &rows.each_ref().map(String::as_str));
        let (name, now) = on("2030-12-31");
        shop.tillmart_with(&["run"], &[(name, &now)]).ended(0);
        let found = shop.query(
            "SELECT CAST(sales_date AS VARCHAR) AS day, manager_id, sales_person_address AS address, store_manager_name AS manager,
             CAST(list_price AS VARCHAR) AS list_price FROM sales_data_mart ORDER BY sales_date",
        );
        let expected = SHOWN.map(|(day, manager_id, address, manager, price)| {
            serde_json::json!({ "day": day, "manager_id": manager_id, "address": address, "manager": manager, "list_price": price })
        });
        assert_eq!(found, Value::from(expected.to_vec()), "step {step}");
        let names = shop.query("SELECT DISTINCT first_name AS name FROM customer_data_mart");
        assert_eq!(names, serde_json::json!([{ "name": "Ada" }]), "all of it was sold to Ada");
        let spend = shop.query("SELECT DISTINCT full_name FROM customers_data_mart");
        assert!(spend[0]["full_name"].as_str().unwrap().starts_with("Eve"), "a published table names today's: {spend}");
        shop.tillmart_with(&["verify"], &[(name, &now)]).ended(0);
    }
}

#[test]
fn a_load_that_dies_anywhere_is_finished_once() {
    let template = Shop::new();
    let changed = "id,store_manager_name\n1,Abel\n8,Eve\n";
    let file = template.folder().join("store.csv");
    std::fs::write(&file, changed).unwrap();
    for (more, again) in [(vec![], "run"), (vec!["--as-of", "2030-02-01"], "load")] {
        let undisturbed = template.copy();
        load(&undisturbed, "2030-03-01", "store", changed, &more);
        let expected = (versions(&undisturbed, "store"), statements(&undisturbed, "store"));
        let rows = undisturbed.rows("SELECT * FROM store ORDER BY id");
        for point in ["stated", "dimension-put", "versions-kept"] {
            let shop = template.copy();
            let file = shop.folder().join("store.csv");
            std::fs::write(&file, changed).unwrap();
            let (name, now) = on("2030-03-01");
            let mut arguments = vec!["dimensions", "load", file.to_str().unwrap()];
            arguments.extend(&more);
            shop.tillmart_with(&arguments, &[(name, &now), ("TILLMART_KILL_AT", point)]).ended(-6);
            if again == "load" {
                shop.tillmart_with(&arguments, &[(name, &now)]).ended(0);
            } else {
                shop.deliver_rows("one.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00"]);
                shop.tillmart_with(&["run"], &[(name, "2030-03-02T08:00:00Z")]).ended(0);
            }
            assert_eq!((versions(&shop, "store"), statements(&shop, "store")), expected, "{point}, {again}, {more:?}");
            assert_eq!(shop.rows("SELECT * FROM store ORDER BY id"), rows, "{point}, {again}, {more:?}");
        }
    }
}

#[test]
fn a_sales_mart_without_list_prices_gets_them() {
    let shop = Shop::new();
    let own = shop.folder().join("marts/sales_data_mart.sql");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    let now = include_str!("../../../../sql/marts/sales_data_mart.sql");
    let before = now.replace("s.batch_id,\n    o.current_price AS list_price", "s.batch_id");
    std::fs::write(&own, before.replace("LEFT JOIN product AS o ON o.name = s.product_name\n", "")).unwrap();
    shop.deliver_rows("one.csv", &["1,1,Tea,2024-05-03,11,2.00,2,4.00"]);
    shop.run(0);
    assert_eq!(shop.run(0)["batches"], 0, "what needs list prices is left out, and nobody tries to fill it");
    let off_list = || shop.rows("SELECT sales_date, below, above FROM off_list_day_data_mart ORDER BY 1");
    let report = shop.tillmart(&["report", "daily", "--date", "2024-05-03"]).ended(0);
    assert!(report.out.contains("Nothing is known of list prices"), "{}", report.out);
    std::fs::remove_file(&own).unwrap();
    shop.deliver_rows("two.csv", &["2,1,Coffee,2024-05-03,11,5.00,1,5.00", "2,1,Milk,2024-05-04,11,1.00,1,1.00"]);
    shop.run(0);
    let prices = || {
        let sql = "SELECT CAST(list_price AS VARCHAR) AS price FROM sales_data_mart ORDER BY total_cost DESC";
        let rows = shop.query(sql);
        rows.as_array().unwrap().iter().map(|row| row["price"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let known = |text: &str| Some(text.to_owned());
    assert_eq!(prices(), [known("4.0000"), None, None]);
    assert_eq!(off_list(), ["'2024-05-03'|'0.0000'|'1.0000'"], "the former sale has no list price yet");
    shop.verified();
    shop.settings("[optimize]\nfiles_min = 2\n");
    shop.tillmart(&["optimize"]).ended(0);
    assert_eq!(prices(), [known("4.0000"), None, None], "old and new files as one");
    shop.tillmart(&["dimensions", "complete"]).ended(0);
    assert_eq!(prices(), [known("4.0000"), known("2.5000"), None], "Milk is no product of ours");
    assert_eq!(off_list(), ["'2024-05-03'|'-1.0000'|'1.0000'"]);
    shop.verified();
    shop.tillmart(&["files", "revoke", "1"]).ended(0);
    assert_eq!(prices(), [known("4.0000"), None]);
    assert_eq!(off_list(), ["'2024-05-03'|'0.0000'|'1.0000'"]);
    shop.verified();
}
