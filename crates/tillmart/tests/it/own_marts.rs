//! A mart of one's own is a file; a wrong one is told with file and line, and nothing is claimed.

use crate::shop::Shop;

pub(crate) const ROWS: &str = "-- mart: big_sales
-- about: Sales of five and more.
-- partition by: sales_month
SELECT
    s.store_id,
    s.product_name,
    s.total_cost,
    t.address,
    s.sales_month,
    s.source_file_id,
    s.batch_id
FROM sales AS s
LEFT JOIN store AS t ON t.id = s.store_id
WHERE s.total_cost >= 5
";

pub(crate) const ROLLUP: &str = "-- mart: product_months
-- about: What is sold of each product in a month.
-- state: product_name, sales_month
-- key: product_name, sales_month
-- scope: sales_month
-- merge:
SELECT product_name, sales_month, SUM(total_cost) AS money, SUM(quantity) AS units, COUNT(*) AS landed_rows
FROM sales
GROUP BY product_name, sales_month
-- finish:
SELECT
    product_name,
    sales_month,
    CAST(money AS DECIMAL(16, 2)) AS money,
    CAST(RANK() OVER (PARTITION BY sales_month ORDER BY money DESC) AS BIGINT) AS place
FROM merged
";

pub(crate) fn with_marts(marts: &[(&str, &str)]) -> Shop {
    let shop = Shop::new();
    let folder = shop.folder().join("marts");
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in marts {
        std::fs::write(folder.join(name), text).unwrap();
    }
    shop
}

#[test]
fn adding_a_mart_is_adding_a_file() {
    let shop = with_marts(&[("big_sales.sql", ROWS), ("product_months.sql", ROLLUP), ("notes.txt", "no mart")]);
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", ",2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    shop.run(0);
    shop.deliver_rows("b.csv", &["2,1,Coffee,2024-05-05,12,4.00,2,8.00", "2,1,Tea,2024-06-05,12,2.50,1,2.50"]);
    shop.run(0);
    let expected = ["'Coffee'|'2024-05'|'12.00'|1", "'Tea'|'2024-05'|'5.00'|2", "'Tea'|'2024-06'|'2.50'|1"];
    assert_eq!(shop.rows("SELECT product_name, sales_month, money, place FROM product_months ORDER BY 1, 2"), expected);
    let big =
        shop.query("SELECT product_name, CAST(total_cost AS VARCHAR) AS money, address FROM big_sales ORDER BY 1");
    assert_eq!(
        big,
        serde_json::json!([
            { "product_name": "Coffee", "money": "8.00", "address": "North" },
            { "product_name": "Tea", "money": "5.00", "address": "North" },
        ])
    );
    shop.verified();
    shop.tillmart(&["files", "revoke", "2"]).ended(0);
    let left = ["'Coffee'|'4.00'", "'Tea'|'5.00'"];
    assert_eq!(shop.rows("SELECT product_name, money FROM product_months ORDER BY 1"), left);
    assert_eq!(shop.query("SELECT COUNT(*) AS sales FROM big_sales")[0]["sales"], 1);
    shop.verified();
}

#[test]
fn a_wrong_mart_is_told_with_its_line_and_nothing_is_claimed() {
    let rows = |from: &str, to: &str| ROWS.replace(from, to);
    let rollup = |from: &str, to: &str| ROLLUP.replace(from, to);
    let cases = [
        ("unknown column", rows("s.product_name", "s.produkt_name"), 6, 6),
        ("unknown table", rows("store AS t", "shop AS t"), 13, 13),
        ("a syntax error", rows("AS s\nLEFT", "AS s s s\nLEFT"), 12, 12),
        ("an inner join drops sales", rows("LEFT JOIN", "JOIN"), 13, 13),
        ("a missing header", rows("-- about: Sales of five and more.\n", ""), 1, 1),
        ("a name that is no table's", rows("big_sales", "Big Sales"), 1, 1),
        ("a built-in table's name", rows("big_sales", "sales_rejects"), 0, 0),
        ("AVG cannot be taken back", rollup("SUM(quantity)", "AVG(quantity)"), 7, 7),
        ("MAX cannot be taken back", rollup("SUM(quantity)", "MAX(quantity)"), 7, 7),
        ("a finish without its merge", rollup("-- merge:\n", ""), 1, 1),
        ("an unknown column in finish", rollup("money DESC", "monney DESC"), 15, 15),
        ("a scope that is no key", rollup("scope: sales_month", "scope: store_id"), 5, 5),
    ];
    let shop = with_marts(&[]);
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00"]);
    let file = shop.folder().join("marts/own.sql");
    let mut told_wrong = Vec::new();
    for (what, text, first, last) in cases {
        std::fs::write(&file, &text).unwrap();
        let told = shop.tillmart(&["run"]).ended(2);
        let at = format!("  --> {}", file.display());
        let places: Vec<u64> = told
            .err
            .lines()
            .filter_map(|said| said.strip_prefix(&at))
            .map(|rest| rest.split(':').nth(1).map_or(0, |line| line.parse().unwrap()))
            .collect();
        let found = places.iter().any(|line| (first..=last).contains(line));
        if !found {
            told_wrong.push(format!("{what}: expected line {first} to {last} in\n{}", told.err));
        }
        assert_eq!(told.out, "", "{what}");
        assert_eq!(shop.rows("SELECT COUNT(*) FROM tillmart_batch"), ["0"], "{what}: nothing is claimed");
    }
    assert!(told_wrong.is_empty(), "{}", told_wrong.join("\n"));
    std::fs::write(&file, rows("s.product_name", "s.produkt_name")).unwrap();
    std::fs::write(shop.folder().join("marts/other.sql"), rollup("SUM(quantity)", "AVG(quantity)")).unwrap();
    let both = shop.tillmart(&["run"]).ended(2);
    assert!(both.err.contains("own.sql:6") && both.err.contains("other.sql:7"), "all at once: {}", both.err);
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(shop.folder().join("marts/other.sql")).unwrap();
    assert_eq!(shop.run(0)["files_landed"], 1);
}

/// A project with two landed files, and two marts added after them.
fn with_marts_added_later() -> Shop {
    let shop = with_marts(&[]);
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", ",2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    shop.run(0);
    shop.deliver_rows("b.csv", &["2,1,Coffee,2024-05-05,12,4.00,2,8.00", "2,1,Tea,2024-06-05,12,2.50,1,2.50"]);
    shop.run(0);
    std::fs::write(shop.folder().join("marts/big_sales.sql"), ROWS).unwrap();
    std::fs::write(shop.folder().join("marts/product_months.sql"), ROLLUP).unwrap();
    shop
}

/// Both marts of one's own, with their lineage.
pub(crate) fn own(shop: &Shop) -> (serde_json::Value, Vec<String>, Vec<String>) {
    let rows =
        "SELECT store_id, product_name, CAST(total_cost AS VARCHAR) AS money, address, sales_month, source_file_id,
                       batch_id
                FROM big_sales ORDER BY 1, 2, 3, 6";
    let state = shop.rows("SELECT * FROM tillmart_state_product_months ORDER BY 1, 2");
    (shop.query(rows), state, shop.rows("SELECT * FROM product_months ORDER BY 1, 2"))
}

#[test]
fn marts_added_later_are_filled_with_everything_landed() {
    let from_the_start = with_marts(&[("big_sales.sql", ROWS), ("product_months.sql", ROLLUP)]);
    from_the_start.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", ",2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    from_the_start.run(0);
    from_the_start
        .deliver_rows("b.csv", &["2,1,Coffee,2024-05-05,12,4.00,2,8.00", "2,1,Tea,2024-06-05,12,2.50,1,2.50"]);
    from_the_start.run(0);
    let shop = with_marts_added_later();
    let verified = shop.tillmart(&["verify"]).ended(0);
    assert!(verified.out.contains("left out  big_sales: it has no rows yet"), "{}", verified.out);
    assert!(verified.out.contains("left out  product_months: it has no rows yet"), "{}", verified.out);
    // Other batches leave a mart alone that is to be filled.
    shop.tillmart(&["rejects", "replay"]).ended(0);
    let filled = shop.run(0);
    assert_eq!(filled["marts_filled"], serde_json::json!({ "big_sales": 2, "product_months": 3 }));
    assert_eq!(own(&shop), own(&from_the_start));
    let verified = shop.tillmart(&["verify"]).ended(0);
    assert!(verified.out.contains("compared  big_sales: 2 rows"), "{}", verified.out);
    assert_eq!(shop.run(0)["batches"], 0, "filled once");

    shop.tillmart(&["files", "revoke", "2"]).ended(0);
    from_the_start.tillmart(&["files", "revoke", "2"]).ended(0);
    assert_eq!(own(&shop), own(&from_the_start), "filled rows are taken back like any other");
    shop.verified();
    let told = with_marts_added_later().tillmart(&["run"]).ended(0);
    assert!(told.out.starts_with("filled   big_sales, added or put back since the last run: 2 rows\n"), "{}", told.out);
    assert!(!told.out.contains("files "), "{}", told.out);
}

#[test]
fn a_filling_that_dies_is_finished_by_the_next_run() {
    let template = with_marts_added_later();
    let undisturbed = template.copy();
    undisturbed.run(0);
    let expected = own(&undisturbed);
    let points = ["claimed", "written", "manifest-stored", "landed", "table-committed", "committed", "before-publish"];
    for point in points.into_iter().chain(["published"]) {
        let shop = template.copy();
        shop.tillmart_with(&["run"], &[("TILLMART_KILL_AT", point)]).ended(-6);
        let recovered = shop.run(0);
        assert_eq!((&recovered["batches"], &recovered["batches_recovered"]), (&1.into(), &1.into()), "{point}");
        assert_eq!(own(&shop), expected, "{point}");
        shop.verified();
        assert_eq!(shop.run(0)["batches"], 0, "{point}");
    }
}

/// A mart that is added while a batch of files is half-way: that batch goes on without it, and it is filled afterwards.
#[test]
fn a_mart_added_while_a_batch_is_half_way_gets_that_batch_too() {
    for point in ["claimed", "written", "landed", "table-committed", "committed", "before-publish", "published"] {
        let shop = with_marts(&[]);
        shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", ",2,Coffee,2024-05-04,21,4.00,1,4.00"]);
        shop.tillmart_with(&["run"], &[("TILLMART_KILL_AT", point)]).ended(-6);
        std::fs::write(shop.folder().join("marts/big_sales.sql"), ROWS).unwrap();
        std::fs::write(shop.folder().join("marts/product_months.sql"), ROLLUP).unwrap();
        shop.deliver_rows("b.csv", &["2,1,Coffee,2024-05-05,12,4.00,2,8.00", "2,1,Tea,2024-06-05,12,2.50,1,2.50"]);
        shop.run(0);
        assert_eq!(
            shop.query("SELECT COUNT(*) AS rows, SUM(batch_id) AS batches FROM big_sales")[0]["rows"],
            2,
            "{point}"
        );
        assert_eq!(
            shop.rows("SELECT COUNT(*), SUM(landed_rows) FROM tillmart_state_product_months"),
            ["3|4"],
            "{point}"
        );
        shop.verified();
    }
}

/// A mart that no sale belongs in is filled once, and not by every run.
#[test]
fn an_empty_mart_is_not_filled_again_and_again() {
    let shop = with_marts(&[
        ("big_sales.sql", &ROWS.replace(">= 5", ">= 5000")),
        ("product_months.sql", &ROLLUP.replace("FROM sales\n", "FROM sales WHERE quantity > 1000\n")),
    ]);
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00"]);
    assert_eq!(shop.run(0)["batches"], 1);
    assert_eq!(shop.run(0)["batches"], 0);
    shop.verified();
}

/// Deleting a row-level mart's folder is the way to have it made anew.
/// A team's mart that pays nobody leaves nothing for the lines of pay, and no run waits for them.
#[test]
fn a_built_in_mart_that_gave_way_is_not_looked_for_again() {
    let team = "-- mart: sales_team_data_mart\n-- about: What each store sold in a month.\n-- state: store_id, sales_month\n\
                -- key: store_id, sales_month\n-- scope: sales_month\n-- merge:\n\
                SELECT store_id, sales_month, SUM(total_cost) AS money, COUNT(*) AS landed_rows FROM sales \
                GROUP BY store_id, sales_month\n-- finish:\n\
                SELECT store_id, sales_month, CAST(money AS DECIMAL(16, 2)) AS money FROM merged\n";
    let shop = with_marts(&[("team.sql", team)]);
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00"]);
    shop.run(0);
    assert_eq!(shop.rows("SELECT * FROM sales_team_data_mart"), ["1|'2024-05'|'5.00'|500"]);
    assert!(!shop.marts().contains_key("incentive_data_mart"));
    let again = shop.run(0);
    assert_eq!((&again["batches"], &again["marts_filled"]), (&serde_json::json!(0), &serde_json::json!({})));
    shop.verified();
}

#[test]
fn a_table_that_was_deleted_is_made_anew() {
    let shop = with_marts(&[]);
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", ",2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    shop.run(0);
    let before = shop.lake();
    std::fs::remove_dir_all(shop.storage("customer_data_mart")).unwrap();
    let verified = shop.tillmart(&["verify"]).ended(0);
    assert!(verified.out.contains("left out  customer_data_mart: it has no rows yet"), "{}", verified.out);
    assert_eq!(shop.run(0)["marts_filled"], serde_json::json!({ "customer_data_mart": 1 }));
    assert_eq!(shop.lake(), before);
    shop.verified();
}
