//! Marts that go and come back: whatever landed, was taken back or died while they were away, they hold all of it afterwards.

use crate::own_marts::{ROLLUP, ROWS, own, with_marts};
use crate::servers::Servers;
use crate::shop::Shop;
use serde_json::json;
use std::sync::Arc;

const MARTS: [(&str, &str); 2] = [("big_sales.sql", ROWS), ("product_months.sql", ROLLUP)];
const FIRST: [&str; 3] =
    ["1,1,Tea,2024-05-03,11,2.50,2,5.00", ",2,Coffee,2024-05-04,21,4.00,1,4.00", "3,2,Tea,2024-04-30,21,2.50,4,10.00"];
const SECOND: [&str; 2] = ["2,1,Coffee,2024-05-05,12,4.00,2,8.00", "2,1,Tea,2024-06-05,12,2.50,1,2.50"];
const THIRD: [&str; 1] = ["1,1,Coffee,2024-06-09,11,4.00,5,20.00"];

/// A second table of what teams are paid, by the same plan.
const TEAM: &str = include_str!("../../../../sql/marts/sales_team_data_mart.sql");

const LEFT_OUT: &str = "leave_out = [\"store_day_data_mart\", \"sales_person_day_data_mart\", \"product_day_data_mart\", \"off_list_day_data_mart\"]\n";

fn put(shop: &Shop) {
    for (name, text) in MARTS {
        std::fs::write(shop.folder().join("marts").join(name), text).unwrap();
    }
}

fn take_away(shop: &Shop) {
    for (name, _) in MARTS {
        std::fs::remove_file(shop.folder().join("marts").join(name)).unwrap();
    }
}

/// Settings with some marts left out: `[marts]` stands in those of every shop.
fn leave_out(shop: &Shop, names: &str) {
    shop.settings("");
    let file = shop.folder().join("tillmart.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("[marts]\n", &format!("[marts]\n{names}"));
    std::fs::write(file, text).unwrap();
}

/// Both marts as they are when they were there all the time.
fn never_away() -> Shop {
    let shop = with_marts(&MARTS);
    shop.deliver_rows("a.csv", &FIRST);
    shop.run(0);
    shop.deliver_rows("b.csv", &SECOND);
    shop.run(0);
    shop
}

/// A project whose marts were there for the first file, and are away now that the second waits.
fn away_for_the_second() -> Shop {
    let shop = with_marts(&MARTS);
    shop.deliver_rows("a.csv", &FIRST);
    shop.run(0);
    take_away(&shop);
    shop.deliver_rows("b.csv", &SECOND);
    shop
}

#[test]
fn a_mart_that_was_away_is_filled_anew() {
    let (shop, there) = (away_for_the_second(), never_away());
    assert_eq!(shop.run(0)["marts_filled"], json!({}));
    put(&shop);
    let verified = shop.tillmart(&["verify"]).ended(0);
    for mart in ["big_sales", "product_months"] {
        let told = format!("left out  {mart}: its file was away while sales landed");
        assert!(verified.out.contains(&told), "{}", verified.out);
    }
    let refused = shop.tillmart(&["query", "SELECT * FROM product_months"]).ended(2);
    assert!(refused.err.contains("lacks some of what has landed"), "{}", refused.err);
    let refused = shop.tillmart(&["query", "SELECT SUM(total_cost) FROM big_sales"]).ended(2);
    assert!(refused.err.contains("the mart big_sales lacks some of what has landed"), "{}", refused.err);
    // Other batches leave it alone until it is filled.
    shop.tillmart(&["rejects", "replay"]).ended(0);
    assert_eq!(shop.run(0)["marts_filled"], json!({ "big_sales": 3, "product_months": 4 }));
    assert_eq!(own(&shop), own(&there));
    shop.verified();
    assert_eq!(shop.run(0)["batches"], 0, "filled once");
    for shop in [&shop, &there] {
        shop.deliver_rows("c.csv", &THIRD);
        shop.run(0);
    }
    assert_eq!(own(&shop).2, own(&there).2);
    shop.verified();
}

#[test]
fn a_mart_on_servers_that_was_away_is_filled_anew() {
    let (shop, there) = (Shop::on(&Arc::new(Servers::start())), never_away());
    std::fs::create_dir(shop.folder().join("marts")).unwrap();
    put(&shop);
    shop.deliver_rows("a.csv", &FIRST);
    shop.run(0);
    take_away(&shop);
    shop.deliver_rows("b.csv", &SECOND);
    shop.run(0);
    for shop in [&shop, &there] {
        shop.tillmart(&["files", "revoke", "1"]).ended(0);
    }
    put(&shop);
    assert_eq!(shop.run(0)["marts_filled"], json!({ "big_sales": 1, "product_months": 2 }));
    for mart in ["big_sales", "product_months"] {
        let rows = format!("SELECT * FROM {mart} ORDER BY sales_month, product_name");
        assert_eq!(shop.query(&rows), there.query(&rows), "{mart}");
    }
    shop.verified();
}

/// What was taken back meanwhile is not in it any more, though nothing of its month is left that could touch it.
#[test]
fn what_was_taken_back_while_a_mart_was_away_is_gone_from_it() {
    let (shop, there) = (never_away(), never_away());
    take_away(&shop);
    for shop in [&shop, &there] {
        shop.tillmart(&["files", "revoke", "1"]).ended(0);
    }
    put(&shop);
    shop.run(0);
    assert_eq!(own(&shop), own(&there));
    assert_eq!(shop.rows("SELECT COUNT(*) FROM product_months WHERE sales_month = '2024-04'"), ["0"]);
    shop.verified();
}

/// Taken away, or put back, while a batch is half-way: that batch counts as one that the mart was there for only if it was.
#[test]
fn a_mart_that_goes_or_comes_while_a_batch_is_half_way_holds_everything_in_the_end() {
    let expected = own(&never_away());
    let points = ["claimed", "written", "landed", "table-committed", "committed", "before-publish", "published"];
    for point in points {
        for was_there in [true, false] {
            let shop = with_marts(&MARTS);
            shop.deliver_rows("a.csv", &FIRST);
            shop.run(0);
            shop.deliver_rows("b.csv", &SECOND);
            if !was_there {
                take_away(&shop);
            }
            shop.tillmart_with(&["run"], &[("TILLMART_KILL_AT", point)]).ended(-6);
            if was_there {
                take_away(&shop);
                shop.run(0);
            }
            put(&shop);
            shop.run(0);
            assert_eq!(own(&shop), expected, "{point}, there before: {was_there}");
            shop.verified();
        }
    }
}

#[test]
fn a_filling_anew_that_dies_is_finished_by_the_next_run() {
    let template = away_for_the_second();
    template.run(0);
    put(&template);
    let expected = own(&never_away());
    let points = ["claimed", "written", "manifest-stored", "landed", "table-committed", "committed", "before-publish"];
    for point in points.into_iter().chain(["published"]) {
        let shop = template.copy();
        shop.tillmart_with(&["run"], &[("TILLMART_KILL_AT", point)]).ended(-6);
        shop.run(0);
        assert_eq!(own(&shop), expected, "{point}");
        shop.verified();
        assert_eq!(shop.run(0)["batches"], 0, "{point}");
    }
}

/// A mart that came back while a batch was half-way lacks that batch, whatever command finishes it and goes on.
#[test]
fn no_command_takes_a_mart_for_whole_that_a_half_way_batch_went_by() {
    let there = never_away();
    there.tillmart(&["files", "revoke", "1"]).ended(0);
    let expected = own(&there);
    for point in ["written", "landed", "committed", "before-publish"] {
        let shop = away_for_the_second();
        shop.tillmart_with(&["run"], &[("TILLMART_KILL_AT", point)]).ended(-6);
        put(&shop);
        shop.tillmart(&["files", "revoke", "1"]).ended(0);
        shop.run(0);
        assert_eq!(own(&shop), expected, "{point}");
        shop.verified();
    }
}

/// A filling that died, and whose marts are away again when it is finished, has filled nothing.
#[test]
fn a_filling_whose_marts_go_again_makes_nothing_whole() {
    let expected = own(&never_away());
    for point in ["claimed", "written", "landed", "committed", "before-publish"] {
        let shop = away_for_the_second();
        shop.run(0);
        put(&shop);
        shop.tillmart_with(&["run"], &[("TILLMART_KILL_AT", point)]).ended(-6);
        take_away(&shop);
        shop.run(0);
        put(&shop);
        shop.run(0);
        assert_eq!(own(&shop), expected, "{point}");
        shop.verified();
        assert_eq!(shop.run(0)["batches"], 0, "{point}");
    }
}

#[test]
fn marts_of_days_may_be_left_out_and_come_back_whole() {
    let (shop, there) = (with_marts(&[]), with_marts(&[]));
    leave_out(&shop, LEFT_OUT);
    for (name, rows) in [("a.csv", &FIRST[..]), ("b.csv", &SECOND[..])] {
        for shop in [&shop, &there] {
            shop.deliver_rows(name, rows);
            shop.run(0);
        }
    }
    let made = shop.marts();
    let names: Vec<&str> = made.keys().map(String::as_str).filter(|name| !name.starts_with("tillmart_")).collect();
    assert_eq!(names, ["customers_data_mart", "incentive_data_mart", "sales_team_data_mart"]);
    assert_eq!(made.get("customers_data_mart"), there.marts().get("customers_data_mart"));
    let told = shop.tillmart(&["report", "daily", "--date", "2024-05-04"]).ended(2);
    assert!(told.err.contains("is left out") && told.err.contains("marts.leave_out"), "{}", told.err);
    shop.verified();
    // Some come back, and the others with them; then all are left out for a batch once more.
    leave_out(&shop, "leave_out = [\"off_list_day_data_mart\"]\n");
    let report = shop.tillmart(&["report", "daily", "--date", "2024-05-04", "--json"]);
    assert!(report.err.contains("has no rows yet"), "{}", report.err);
    shop.run(0);
    let report = shop.tillmart(&["report", "daily", "--date", "2024-05-04", "--json"]).ended(0).json();
    let note = report["sections"]["off_list"]["notes"][0]["text"].as_str().unwrap();
    assert!(note.contains("unless the setting marts.leave_out names it"), "{note}");
    leave_out(&shop, LEFT_OUT);
    for shop in [&shop, &there] {
        shop.deliver_rows("c.csv", &THIRD);
        shop.run(0);
    }
    leave_out(&shop, "");
    let report = shop.tillmart(&["report", "daily", "--date", "2024-06-09", "--json"]);
    assert!(report.err.contains("lacks some of what has landed"), "{}", report.err);
    shop.run(0);
    assert_eq!(shop.marts(), there.marts());
    shop.verified();
}

/// Pays two sellers by one plan, a mart of one's own with them for the first file only; then another plan is set.
fn paid_by_an_earlier_plan(is_first_seen: bool) -> Shop {
    let team = TEAM.replace("mart: sales_team_data_mart", "mart: team_pay");
    let shop = with_marts(&[]);
    let file = shop.folder().join("marts/team_pay.sql");
    if is_first_seen {
        std::fs::write(&file, &team).unwrap();
    }
    shop.deliver_rows("a.csv", &FIRST);
    shop.run(0);
    if is_first_seen {
        std::fs::remove_file(&file).unwrap();
    }
    shop.deliver_rows("b.csv", &SECOND);
    shop.run(0);
    shop.settings("[marts.incentive]\nrate = \"7 %\"\n");
    std::fs::write(&file, team).unwrap();
    shop
}

fn pay(shop: &Shop, mart: &str) -> Vec<String> {
    shop.rows(&format!(
        "SELECT store_id, sales_person_id, sales_month, total_sales, incentive FROM {mart} ORDER BY 1, 2, 3"
    ))
}

/// Nobody's pay moves because a mart came later: its months are computed by the plan that they were paid by.
#[test]
fn a_paying_mart_is_filled_by_the_plan_of_each_month() {
    for is_first_seen in [true, false] {
        let shop = paid_by_an_earlier_plan(is_first_seen);
        let paid = pay(&shop, "sales_team_data_mart");
        assert_eq!(shop.run(0)["marts_filled"], json!({ "team_pay": paid.len() }));
        assert_eq!(pay(&shop, "team_pay"), paid);
        assert_eq!(pay(&shop, "sales_team_data_mart"), paid);
        let verified = shop.tillmart(&["verify"]).ended(0);
        assert!(verified.out.contains("stand by another plan than today's"), "{}", verified.out);
    }
}

/// Pay is renewed where it is published; what is still to be filled follows it, and does not stand in its way.
#[test]
fn renewing_goes_by_a_mart_that_is_to_be_filled() {
    for is_first_seen in [true, false] {
        let shop = paid_by_an_earlier_plan(is_first_seen);
        let before = pay(&shop, "sales_team_data_mart");
        let renewed = shop.tillmart(&["incentives", "renew", "--month", "2024-05", "--json"]).ended(0).json();
        assert_eq!(renewed["done"], true);
        let after = pay(&shop, "sales_team_data_mart");
        assert_ne!(after, before);
        assert_eq!(shop.run(0)["marts_filled"], json!({ "team_pay": after.len() }));
        assert_eq!(pay(&shop, "team_pay"), after);
        shop.verified();
    }
}
