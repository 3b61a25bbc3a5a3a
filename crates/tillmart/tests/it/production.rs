//! The shop on servers: MariaDB holds ledger, dimensions and marts, RadosGW the files and tables. What comes of it equals, row by
//! row, what comes of the same deliveries in a folder.

use crate::servers::{Servers, Variable, variable};
use crate::shop::{Shop, csv};
use crate::transcripts;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tillmart_testkit::{MariaDb, MariaDbOptions};

/// A delivery of every sort: sales with returns, walk-ins and rejects, a duplicate, a file without price, a foreign one.
fn deliver(shop: &Shop) {
    let day = csv(&[
        "1,1,Tea,2024-05-03,11,2.50,2,5.00",
        "2,1,Coffee,2024-05-04,12,4.00,1,4.00",
        ",2,Tea,2024-05-05,21,2.50,1,2.50",
        "2,1,Tea,2024-05-07,11,2.50,-1,-2.50",
        "3,2,Coffee,2024-06-01,21,4.00,2,8.00",
        "77,2,Tea,2024-06-02,21,2.50,1,2.50",
        "1,2,Scones,2024-06-03,21,0.99,3,2.97",
    ]);
    shop.deliver("day.csv", &day);
    shop.deliver("north/day sent again.csv", &day);
    shop.deliver("no price.csv", "customer_id,store_id\n1,1\n");
    shop.deliver("readme.pdf", "%PDF");
}

/// Marts of the database and rows of the tables, without ids and times, as programs read them.
fn picture(shop: &Shop) -> Vec<Value> {
    let mut picture = vec![
        shop.query("SELECT customer_id, full_name, address, phone_number, sales_date_month, total_sales FROM customers_data_mart ORDER BY 1, 5"),
        shop.query("SELECT store_id, sales_person_id, full_name, sales_month, total_sales, incentive FROM sales_team_data_mart ORDER BY 1, 2, 4"),
        shop.query("SELECT * FROM incentive_data_mart ORDER BY sales_month, store_id, sales_person_id, seller_id, level"),
    ];
    picture.extend(shop.lake());
    picture
}

/// What the same deliveries come to in a folder.
fn picture_in_a_folder() -> Vec<Value> {
    let here = Shop::new();
    deliver(&here);
    here.run(1);
    picture(&here)
}

#[test]
fn a_shop_on_servers_equals_one_in_a_folder() {
    let servers = Arc::new(Servers::start());
    let (there, here) = (Shop::on(&servers), Shop::new());
    for shop in [&there, &here] {
        // A manager who sold nothing is paid, too.
        shop.settings("[marts.incentive]\nrates = [\"1 %\", \"0.5 %\"]\noverrides = [\"10 %\", \"5 %\"]\n");
        deliver(shop);
        let summary = shop.run(1);
        let counts = ["files_landed", "files_duplicate", "files_rejected"].map(|name| summary[name].as_u64().unwrap());
        assert_eq!(counts, [1, 1, 2], "{summary}");
        shop.verified();
    }
    assert_eq!(picture(&there), picture(&here));
    for shop in [&there, &here] {
        assert_eq!(shop.run(0)["files_landed"], 0, "a second run takes nothing");
        let late = shop.folder().join("customer.csv");
        let columns = "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date";
        std::fs::write(&late, format!("{columns}\n77,Late,Comer,7 Mill Lane,10007,9007,2024-06-01\n")).unwrap();
        shop.load_dimensions(&late);
        for replayed in [1, 0] {
            assert_eq!(shop.tillmart(&["rejects", "replay", "--json"]).ended(0).json()["rows_replayed"], replayed);
        }
        shop.deliver_rows("more.csv", &["1,1,Coffee,2024-05-09,12,4.00,7,28.00"]);
        shop.run(0);
        shop.verified();
    }
    assert_eq!(picture(&there), picture(&here));
    for shop in [&there, &here] {
        let id = shop.files()["more.csv"]["id"].to_string();
        shop.tillmart(&["files", "revoke", &id]).ended(0);
        shop.tillmart(&["optimize"]).ended(0);
        shop.tillmart(&["doctor"]).ended(0);
        shop.verified();
    }
    assert_eq!(picture(&there), picture(&here));
    let incentives = [&there, &here].map(|shop| {
        shop.settings("[marts.incentive]\nrate = \"3 %\"\noverrides = [\"50 %\"]\ncap = \"0.05\"\n");
        let renewed = shop.tillmart(&["incentives", "renew", "--all", "--json"]).ended(0).json();
        shop.verified();
        let report = shop.tillmart(&["report", "incentives", "--month", "2024-05", "--person", "1", "--json"]);
        (renewed, report.ended(0).json())
    });
    assert_eq!(incentives[0], incentives[1]);
    assert_eq!(picture(&there), picture(&here));
    let keys = |area| servers.keys(there.rented(), area);
    assert_eq!(keys("sales_data"), [""; 0], "the incoming area is empty");
    assert_eq!(keys("sales_data_processed"), ["day.csv", "more.csv", "north/day sent again.csv"]);
    assert_eq!(servers.radosgw().unfinished_uploads(&there.rented().bucket), Ok(0));
}

/// Names that break what puts strings together: URLs, SQL, shells, screens.
const ODD_NAMES: [&str; 9] = [
    "a day with blanks.csv",
    "plus+and&and=.csv",
    "percent%20and%.csv",
    "'single' and \"double\".csv",
    "Straße/Über día/売上.csv",
    "'; DROP TABLE product_staging_table; --.csv",
    "`back` tick.csv",
    "$(echo hello);#{x}.csv",
    "receipt 🧾.csv",
];

#[test]
fn odd_names_go_through_every_step_and_show_right() {
    let servers = Arc::new(Servers::start());
    let shop = Shop::on(&servers);
    for (number, name) in ODD_NAMES.iter().enumerate() {
        let quantity = number + 1;
        let row = format!("1,1,Coffee,2024-05-03,11,4.00,{quantity},{}.00", 4 * quantity);
        shop.deliver(name, csv(&[&row, "1,1,Tea,2024-05-03,11,x,1,2.50"]));
    }
    let told = shop.tillmart_with(&["run", "--json"], &[("TILLMART_FEED_MAX_REJECT_RATIO", "1")]).ended(1);
    assert_eq!(told.json()["files_landed"], ODD_NAMES.len());
    shop.verified();
    let mut sorted = ODD_NAMES.to_vec();
    sorted.sort_unstable();
    assert_eq!(servers.keys(shop.rented(), "sales_data_processed"), sorted);
    assert_eq!(servers.keys(shop.rented(), "sales_data"), [""; 0]);
    let files = shop.files();
    let rejects = shop.tillmart(&["rejects", "list", "--json"]).ended(0).json();
    let list = shop.tillmart(&["files", "list"]).ended(0).out;
    for name in ODD_NAMES {
        let place = files[name]["location"].as_str().unwrap();
        assert_eq!(place, format!("sales_data_processed/{name}"));
        let path = format!("sales_data/{name}");
        assert!(rejects.as_array().unwrap().iter().any(|reject| reject["file"] == path.as_str()), "{path}: {rejects}");
        assert!(list.contains(name), "{name} in {list}");
    }
}

#[test]
fn two_and_a_half_thousand_files_are_one_batch() {
    let servers = Arc::new(Servers::start());
    let shop = Shop::on(&servers);
    let files = (1..=2_500).map(|number| {
        let row = format!("1,1,Tea,2024-05-03,11,2.50,{number},{}", money(250 * number));
        (format!("till {number:04}.csv"), csv(&[&row]))
    });
    servers.deliver_all(shop.rented(), files.collect());
    let summary = shop.run(0);
    assert_eq!((&summary["files_landed"], &summary["batches"]), (&2_500.into(), &1.into()), "{summary}");
    assert_eq!(summary["money_landed"], money(250 * 2_500 * 2_501 / 2), "{summary}");
    assert_eq!(servers.keys(shop.rented(), "sales_data_processed").len(), 2_500);
    assert_eq!(servers.keys(shop.rented(), "sales_data").len(), 0);
    shop.verified();
}

fn money(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Each setting that may be wrong, and the key that its message must name.
#[test]
fn every_wrong_setting_is_named_and_nothing_is_half_done() {
    let servers = Arc::new(Servers::start());
    let shop = Shop::on(&servers);
    deliver(&shop);
    let certified =
        MariaDbOptions { certificate_for: vec!["elsewhere.example".to_owned()], ..MariaDbOptions::default() };
    let elsewhere = MariaDb::start(certified).unwrap();
    let database = elsewhere.database().unwrap();
    let elsewhere_url = format!("mysql://{}@{}:{}/{database}", MariaDb::USER, MariaDb::HOST, elsewhere.port());
    let authorities = elsewhere.authorities().unwrap().display().to_string();
    let (host, rented) = (MariaDb::HOST, shop.rented());
    let grant = format!(
        "CREATE USER poor@'{host}' IDENTIFIED BY 'a humble password'; GRANT SELECT ON {}.* TO poor@'{host}';",
        rented.database
    );
    servers.mariadb.sql(&grant).unwrap();
    let wrongs: [(&str, Vec<Variable>, &str); 10] = [
        ("wrong secret", vec![variable("STORAGE_SECRET_ACCESS_KEY", "canary")], "storage.secret_access_key"),
        ("unknown key", vec![variable("STORAGE_ACCESS_KEY_ID", "canary")], "storage.access_key_id"),
        ("missing bucket", vec![variable("STORAGE_ROOT", "s3://no-such-bucket/shop")], "storage.root"),
        ("read-only bucket", servers.reader(rented), "storage."),
        // The gateway looks at the token only of keys that it does not know; an answer that says "expired" is tried in the lake.
        (
            "keys of a session that has ended",
            vec![variable("STORAGE_ACCESS_KEY_ID", "canary"), variable("STORAGE_SESSION_TOKEN", "canary")],
            "storage.session_token",
        ),
        ("wrong password", vec![variable("DATABASE_PASSWORD", "canary")], "database.password"),
        ("unknown database", vec![variable("DATABASE_URL", servers.url(MariaDb::USER, "nowhere"))], "database.url"),
        (
            "missing privilege",
            vec![
                variable("DATABASE_URL", servers.url("poor", &rented.database)),
                variable("DATABASE_PASSWORD", "a humble password"),
            ],
            "database.url",
        ),
        ("TLS required and absent", vec![variable("DATABASE_TLS", "required")], "database.tls"),
        (
            "certificate of another host",
            vec![
                variable("DATABASE_URL", elsewhere_url),
                variable("DATABASE_TLS", "verify_identity"),
                variable("DATABASE_AUTHORITIES", authorities),
            ],
            "database.tls",
        ),
    ];
    let mut messages = String::new();
    for (what, variables, key) in wrongs {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        let told = shop.tillmart_with(&["run"], &variables);
        assert_eq!(told.code, 2, "{what}: {told:?}");
        writeln!(messages, "# {what}\n{}", told.err).unwrap();
        assert!(told.err.contains(key), "{what}: no {key} in {}", told.err);
        assert!(!told.err.contains("canary"), "{what}: {}", told.err);
    }
    let ports = [servers.mariadb.port(), elsewhere.port()].map(|port| format!(":{port}"));
    let store = servers.radosgw().url();
    let steady = ports.iter().fold(messages.replace(&store, "http://STORE"), |text, port| text.replace(port, ":PORT"));
    transcripts::is("servers_that_refuse", &steady.replace(&rented.bucket, "BUCKET"));
    // A run that could claim but not write leaves a batch, which the right settings finish.
    assert_eq!(shop.run(1)["files_landed"], 1);
    shop.verified();
    assert_eq!(picture(&shop), picture_in_a_folder());
}

#[test]
fn a_database_that_restarts_while_a_batch_is_published_costs_time_only() {
    let servers = Arc::new(Servers::start());
    let shop = Shop::on(&servers);
    deliver(&shop);
    let held = shop.start_held(&["run", "--json"], "before-publish");
    servers.mariadb.start_again().unwrap();
    held.let_go();
    // It begins the publication anew and ends well by itself.
    assert_eq!(held.ended().ended(1).json()["files_landed"], 1);
    shop.verified();
    assert_eq!(picture(&shop), picture_in_a_folder());
}

#[test]
fn a_store_that_is_away_while_a_batch_lands_costs_time_only() {
    let servers = Arc::new(Servers::start());
    let shop = Shop::on(&servers);
    deliver(&shop);
    let held = shop.start_held(&["run", "--json"], "claimed");
    servers.radosgw().kill();
    held.let_go();
    std::thread::sleep(Duration::from_millis(1_500));
    servers.radosgw().restart().unwrap();
    let told = held.ended();
    if told.code != 1 {
        told.ended(2);
        shop.run(1);
    }
    shop.verified();
    assert_eq!(picture(&shop), picture_in_a_folder());
    assert_eq!(servers.radosgw().unfinished_uploads(&shop.rented().bucket), Ok(0));
}

#[test]
fn the_demo_runs_on_servers_of_its_own() {
    let shop = Shop::empty_folder();
    let folder = shop.folder().to_str().unwrap();
    let told = shop.tillmart(&["demo", folder, "--stores", "production", "--json"]).ended(0);
    let runs = told.json();
    assert_eq!((&runs["first"]["rows_landed"], &runs["replay"]["rows_replayed"]), (&2_574.into(), &5.into()), "{runs}");
    assert_eq!((&runs["second"]["rows_read"], &runs["verified"]), (&0.into(), &true.into()), "{runs}");
    assert!(told.err.contains("a RadosGW at http://127.0.0.1:"), "{}", told.err);
    assert!(!shop.folder().join("storage").exists(), "everything is on the servers");
}
