//! Rejects whose fault is mended land exactly once, and the marts move by exactly their money.

use crate::shop::{Shop, cents};

const NEW_CUSTOMERS: &str = "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n71,Eve,New,,,,\n72,Fay,New,,,,\n";

/// Two files with rows of customers nobody knows yet, and one row that is beyond mending.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows(
        "a.csv",
        &[
            "1,1,Tea,2024-05-03,11,2.50,2,5.00",
            "71,1,Tea,2024-05-03,11,2.50,4,10.00",
            "72,2,\"Coffee,\n black\",2024-06-03,21,4.00,2,8.00",
        ],
    );
    let mut many = vec!["2,1,Tea,2024-05-09,12,2.50,2,5.00"; 12];
    many.push("71,1,Tea,2024-05-04,12,2.50,-1,-2.50");
    many.push("2,1,Tea,2024-05-09,12,2.50,x,5.00");
    many.push("73,1,Tea,2024-05-09,12,2.50,2,5.00");
    shop.deliver_rows("b.csv", &many);
    shop.run(1);
    shop
}

/// Always: read = landed + open + replayed, file by file.
#[track_caller]
fn nothing_is_lost(shop: &Shop) {
    for (path, file) in shop.files() {
        let id = file["id"].as_i64().unwrap().to_string();
        let open = shop.tillmart(&["rejects", "list", "--json", "--limit", "0", "--file", &id]).ended(0).json();
        let open = open.as_array().unwrap().len() as u64;
        let tally = &file["tally"];
        let landed = tally["rows_landed"].as_u64().unwrap();
        let replayed = file["rows_replayed"].as_u64().unwrap();
        assert_eq!(tally["rows_read"].as_u64().unwrap(), landed + open + replayed, "{path}: {file}");
    }
}

fn total(shop: &Shop, mart: &str) -> i128 {
    shop.rows(&format!("SELECT total_sales FROM {mart}")).iter().map(|text| cents(text.trim_matches('\''))).sum()
}

#[test]
fn a_replay_lands_what_is_mended_once() {
    let shop = shop();
    nothing_is_lost(&shop);
    let before = (total(&shop, "customers_data_mart"), total(&shop, "sales_team_data_mart"));
    let nothing = shop.tillmart(&["rejects", "replay", "--json"]).ended(0).json();
    assert_eq!(nothing["rows_replayed"], 0, "nothing is mended yet");

    std::fs::write(shop.folder().join("customer.csv"), NEW_CUSTOMERS).unwrap();
    shop.load_dimensions(&shop.folder().join("customer.csv"));
    let replay = ["rejects", "replay", "--json", "--reason", "unknown_customer"];
    let first = shop.tillmart(&replay).ended(0).json();
    assert_eq!(first["rows_replayed"], 3);
    assert_eq!(first["money_landed"], "15.50");
    let after = (total(&shop, "customers_data_mart"), total(&shop, "sales_team_data_mart"));
    assert_eq!(after, (before.0 + 1_550, before.1 + 1_550));
    nothing_is_lost(&shop);
    shop.verified();

    let marts = shop.marts();
    let lake = shop.lake();
    let second = shop.tillmart(&replay).ended(0).json();
    assert_eq!(second["rows_replayed"], 0);
    assert_eq!(shop.marts(), marts);
    assert_eq!(shop.lake(), lake);

    let landed: Vec<String> = lake
        .iter()
        .filter(|row| row["which"] == "sales" && row["said"].as_str().unwrap().starts_with('7'))
        .map(|row| format!("{}:{}", row["path"].as_str().unwrap(), row["line"]))
        .collect();
    assert_eq!(landed, ["a.csv:3", "a.csv:4", "b.csv:14"], "with their original file and line");
    let open = shop.tillmart(&["rejects", "list", "--json"]).ended(0).json();
    let codes: Vec<&str> = open.as_array().unwrap().iter().map(|reject| reject["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["bad_integer", "unknown_customer"]);
}

/// A replay leaves what the rows would have left had the customers been known from the start.
#[test]
fn replayed_marts_equal_those_of_customers_known_from_the_start() {
    let late = shop();
    std::fs::write(late.folder().join("customer.csv"), NEW_CUSTOMERS).unwrap();
    late.load_dimensions(&late.folder().join("customer.csv"));
    late.tillmart(&["rejects", "replay"]).ended(0);
    let early = Shop::new();
    early.load_dimensions(&late.folder().join("customer.csv"));
    for (name, bytes) in late.area("sales_data_processed") {
        early.deliver(&name, bytes);
    }
    early.run(1);
    assert_eq!(late.marts(), early.marts());
    let sales = |shop: &Shop| -> Vec<_> { shop.lake().into_iter().filter(|row| row["which"] != "reject").collect() };
    assert_eq!(sales(&late), sales(&early));
}
