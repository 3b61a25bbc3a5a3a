//! A mart of one's own is a file; a wrong one is told with file and line, and nothing is claimed.

use crate::shop::Shop;

const ROWS: &str = "-- mart: big_sales
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

const ROLLUP: &str = "-- mart: product_months
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

fn with_marts(marts: &[(&str, &str)]) -> Shop {
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
        ("an inner join drops sales", rows("LEFT JOIN", "JOIN"), 4, 13),
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
