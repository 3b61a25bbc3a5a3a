//! A mart's file that could lose, double or round a sale is refused, and the refusal names the place.

use crate::scene::{CUSTOMER_MART, SALES_MART, dimensions, row_mart, sales_schema};
use arrow::datatypes::DataType;
use tillmart_engine::mart::{MartFile, Rollup, WhichMart};
use tillmart_model::{Fault, FaultKind};

const CUSTOMERS: &str = include_str!("../../../../sql/marts/customers_data_mart.sql");
const SALES_TEAM: &str = include_str!("../../../../sql/marts/sales_team_data_mart.sql");
const EXAMPLE: &str = include_str!("../../../../sql/examples/daily_product_sales.sql");

/// A rollup that is right: line 6 is its header's last, the merge's SQL is lines 7 to 12, the finish's 14 and 15.
const ROLLUP: &str = "\
-- mart: mine
-- about: Sales by store and day.
-- state: store_id, sales_date
-- key: store_id, sales_date
-- scope: store_id
-- merge:
SELECT
    store_id,
    sales_date,
    SUM(total_cost) AS total_sales,
    COUNT(*) AS landed_rows
FROM sales GROUP BY store_id, sales_date
-- finish:
SELECT store_id, sales_date, total_sales
FROM merged
";

/// A row-level mart that is right.
const ROWS: &str = "\
-- mart: mine
-- about: Sales with their manager.
-- partition by: sales_month
SELECT
    s.total_cost,
    t.store_manager_name,
    s.sales_month,
    s.source_file_id,
    s.batch_id
FROM sales AS s
LEFT JOIN store AS t ON t.id = s.store_id
";

/// What is changed in a mart that is right, where the refusal points (column 0: none), and words it contains.
type Case<'a> = (&'a str, &'a str, u64, u64, &'a [&'a str]);

async fn rollup(text: &str) -> tillmart_model::Result<Rollup> {
    let file = MartFile::parse("marts/mine.sql", text)?;
    Rollup::plan(&file, &sales_schema().await, &dimensions()).await
}

/// What is not as the case says; `None` when all is.
fn differs(case: &Case<'_>, fault: Option<Fault>) -> Option<String> {
    let (_, new, line, column, words) = case;
    let Some(fault) = fault else { return Some(format!("{new:?} was taken")) };
    let place = fault.place.as_ref();
    let found = place.map(|place| (place.file.as_str(), place.line.unwrap_or(0), place.column.unwrap_or(0)));
    let told = fault.to_string();
    let is_right = fault.kind == FaultKind::Mart
        && found == Some(("marts/mine.sql", *line, *column))
        && words.iter().all(|word| told.contains(word))
        && fault.hint.is_some();
    (!is_right).then(|| format!("{new:?} wants {line}:{column} and {words:?}, but is told:\n{told}"))
}

/// Plans every changed rollup and shows all that are not refused as they should be.
async fn check_rollups(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(differs(case, rollup(&changed(ROLLUP, case.0, case.1)).await.err()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn changed(right: &str, old: &str, new: &str) -> String {
    assert_eq!(right.matches(old).count(), 1, "{old:?} must stand once");
    right.replace(old, new)
}

#[tokio::test]
async fn what_is_right_is_taken() {
    let planned = rollup(ROLLUP).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(
        (planned.name.as_str(), planned.state_keys, planned.merge.first_line, planned.finish.first_line),
        ("mine", 2, 7, 14)
    );
    row_mart(ROWS).await.unwrap_or_else(|fault| panic!("{fault}"));
    for text in [CUSTOMERS, SALES_TEAM, EXAMPLE] {
        rollup(text).await.unwrap_or_else(|fault| panic!("{fault}"));
    }
    for text in [SALES_MART, CUSTOMER_MART] {
        row_mart(text).await.unwrap_or_else(|fault| panic!("{fault}"));
    }
    // Sums and counts of any expression, of some rows, through a subquery: all of it can be taken back.
    for (old, new) in [
        ("SUM(total_cost)", "SUM(CASE WHEN quantity < 0 THEN -total_cost ELSE 0 END)"),
        ("SUM(total_cost)", "SUM(total_cost) FILTER (WHERE quantity > 0)"),
        ("SUM(total_cost)", "COUNT(customer_id)"),
        ("FROM sales GROUP", "FROM sales WHERE quantity > 0 AND product_name LIKE 't%' GROUP"),
        ("FROM sales GROUP", "FROM (SELECT * FROM sales WHERE quantity > 0) AS sold GROUP"),
    ] {
        rollup(&changed(ROLLUP, old, new)).await.unwrap_or_else(|fault| panic!("{new}: {fault}"));
    }
}

#[tokio::test]
async fn headers_are_refused_with_their_line() {
    let cases: [Case<'_>; 13] = [
        ("-- mart: mine\n", "", 1, 0, &["-- mart: "]),
        ("-- about: Sales by store and day.\n", "", 1, 0, &["-- about: "]),
        ("-- state: store_id, sales_date\n", "", 1, 0, &["-- state: "]),
        ("-- key: store_id, sales_date\n", "", 1, 0, &["-- key: "]),
        ("-- scope: store_id\n", "", 1, 0, &["-- scope: "]),
        ("-- mart: mine", "-- mrat: mine", 1, 0, &["unknown word", "mrat", "partition by"]),
        ("-- mart: mine", "-- mart: My Mart", 1, 0, &["small letters", "My Mart"]),
        ("-- mart: mine", "-- mart:", 1, 0, &["small letters"]),
        ("-- key: store_id, sales_date", "-- key: ,", 4, 0, &["names no column", "-- key: "]),
        ("-- scope: store_id", "-- scope: sales_month", 5, 0, &["scope", "sales_month", "store_id, sales_date"]),
        ("-- key: store_id, sales_date", "-- key: sales_date", 5, 0, &["scope", "store_id"]),
        ("-- finish:\n", "", 1, 0, &["-- merge:", "-- finish:"]),
        ("-- merge:\n", "", 1, 0, &["-- merge:", "-- finish:"]),
    ];
    check_rollups(&cases).await;
    let nothing = MartFile::parse("marts/mine.sql", "").err();
    assert_eq!(differs(&("", "", 1, 0, &["-- mart: "]), nothing), None);
    let bucket = changed(ROWS, "-- partition by: sales_month", "-- bucket: store_bucket");
    let fault = row_mart(&bucket).await.err();
    assert_eq!(differs(&("", "-- bucket: store_bucket", 3, 0, &["NEW_COLUMN of COLUMN"]), fault), None);
    let file = MartFile::parse("marts/mine.sql", ROWS).expect("a mart");
    assert!(matches!(file.which, WhichMart::Rows { .. }));
}

#[tokio::test]
async fn merges_that_cannot_be_taken_back_are_refused_with_their_line() {
    let cases: [Case<'_>; 24] = [
        ("SUM(total_cost) AS", "AVG(total_cost) AS", 10, 5, &["SUM and COUNT", "avg"]),
        ("SUM(total_cost) AS", "MIN(total_cost) AS", 10, 5, &["SUM and COUNT", "min"]),
        ("SUM(total_cost) AS", "MAX(total_cost) AS", 10, 5, &["SUM and COUNT", "max"]),
        ("SUM(total_cost) AS", "COUNT(DISTINCT customer_id) AS", 10, 11, &["SUM and COUNT", "DISTINCT"]),
        ("SUM(total_cost) AS", "SUM(DISTINCT total_cost) AS", 10, 9, &["SUM and COUNT", "DISTINCT"]),
        ("SUM(total_cost) AS", "SUM(total_cost) / COUNT(*) AS", 10, 35, &["total_sales", "finish"]),
        ("SUM(total_cost) AS", "CAST(SUM(total_cost) AS DECIMAL(16, 0)) AS", 10, 48, &["total_sales", "finish"]),
        (
            "GROUP BY store_id, sales_date",
            "GROUP BY store_id, sales_date HAVING SUM(total_cost) > 0",
            12,
            42,
            &["HAVING"],
        ),
        ("GROUP BY store_id, sales_date", "GROUP BY store_id, sales_date ORDER BY store_id", 12, 42, &["Sort"]),
        ("GROUP BY store_id, sales_date", "GROUP BY store_id, sales_date LIMIT 5", 12, 42, &["Limit"]),
        ("GROUP BY store_id, sales_date", "GROUP BY ROLLUP (store_id, sales_date)", 12, 21, &["ROLLUP"]),
        (
            "SELECT\n    store_id,\n    sales_date,\n    SUM",
            "SELECT DISTINCT\n    store_id,\n    sales_date,\n    SUM",
            7,
            8,
            &["Distinct"],
        ),
        ("FROM sales GROUP", "FROM (SELECT * FROM sales LIMIT 9) GROUP", 12, 27, &["Limit"]),
        (
            "FROM sales GROUP",
            "FROM sales WHERE total_cost > (SELECT AVG(total_cost) FROM sales) GROUP",
            12,
            31,
            &["subquery"],
        ),
        (
            "FROM sales GROUP",
            "FROM sales LEFT JOIN product AS p ON p.name = product_name GROUP",
            12,
            12,
            &["join dimensions in finish"],
        ),
        ("FROM sales GROUP", "FROM sales, product GROUP", 12, 11, &["join dimensions in finish"]),
        ("    COUNT(*) AS landed_rows", "    SUM(quantity) AS landed_rows", 7, 0, &["COUNT(*) AS landed_rows"]),
        ("    COUNT(*) AS landed_rows", "    COUNT(customer_id) AS landed_rows", 7, 0, &["COUNT(*) AS landed_rows"]),
        ("    COUNT(*) AS landed_rows", "    COUNT(*) AS sales", 7, 0, &["COUNT(*) AS landed_rows"]),
        ("-- state: store_id, sales_date", "-- state: sales_date, store_id", 7, 0, &["sales_date, store_id", "keys"]),
        ("SUM(total_cost) AS", "SUM(CAST(total_cost AS DOUBLE)) AS", 10, 5, &["total_sales", "decimal"]),
        ("SUM(total_cost) AS", "SUM(total_price) AS", 10, 9, &["total_price"]),
        ("FROM sales GROUP", "FORM sales GROUP", 12, 1, &["FORM"]),
        ("FROM sales GROUP", "FROM seles GROUP", 12, 6, &["seles"]),
    ];
    check_rollups(&cases).await;
    let foreign = changed(ROLLUP, "FROM sales GROUP", "FROM product GROUP")
        .replace("store_id", "id")
        .replace("sales_date", "name")
        .replace("total_cost", "id");
    let fault = rollup(&foreign).await.err();
    assert_eq!(differs(&("", "FROM product", 12, 6, &["FROM sales alone", "product"]), fault), None);
}

#[tokio::test]
async fn finishes_are_refused_with_their_line() {
    let cases: [Case<'_>; 17] = [
        (
            "SELECT store_id, sales_date, total_sales\n",
            "SELECT store_id, sales_date, turnover\n",
            14,
            30,
            &["turnover"],
        ),
        ("SELECT store_id, sales_date, total_sales\n", "SELECT store_id, total_sales\n", 14, 0, &["sales_date", "key"]),
        (
            "SELECT store_id, sales_date, total_sales\n",
            "SELECT store_id, sales_date, CAST(total_sales AS DOUBLE) AS total_sales\n",
            14,
            30,
            &["float", "total_sales"],
        ),
        ("FROM merged", "FROM merged WHERE", 14, 0, &["Expected"]),
        (
            ", total_sales\n",
            ",\n    total_sales > 0 AS is_good\n",
            15,
            5,
            &["is_good: Boolean", "CASE WHEN", "decimal"],
        ),
        (", total_sales\n", ", CAST(sales_date AS TIMESTAMP) AS at\n", 14, 30, &["at: Timestamp", "CAST(… AS DATE)"]),
        (", total_sales\n", ", NULL AS nothing\n", 14, 30, &["nothing: Null", "CAST(NULL AS VARCHAR)"]),
        (", total_sales\n", ", AVG(CAST(1 AS INT)) OVER () AS mean\n", 14, 30, &["float", "mean", "DECIMAL(16, 2)"]),
        ("SELECT store_id, sales_date, total_sales\n", "SELECT *, true AS sure\n", 14, 11, &["sure: Boolean"]),
        ("FROM merged", "FROM merged LIMIT 10", 15, 13, &["takes no LIMIT", "place"]),
        ("FROM merged", "FROM merged OFFSET 1", 15, 13, &["takes no LIMIT or OFFSET"]),
        ("FROM merged", "FROM (SELECT * FROM merged ORDER BY total_sales LIMIT 1) AS m", 15, 49, &["takes no LIMIT"]),
        ("SELECT store_id, sales", "SELECT DISTINCT ON (store_id) store_id, sales", 14, 8, &["DISTINCT ON", "chance"]),
        (
            ", total_sales\n",
            ", ROW_NUMBER() OVER (PARTITION BY store_id) AS place\n",
            14,
            30,
            &["'row_number'", "ORDER BY"],
        ),
        (", total_sales\n", ", random() > 0.5 AS luck\n", 14, 30, &["'random'", "another time"]),
        (", total_sales\n", ", CAST(now() AS DATE) AS today\n", 14, 35, &["'now'", "another time"]),
        ("FROM merged", "FROM sale", 15, 6, &["sale"]),
    ];
    check_rollups(&cases).await;
}

#[tokio::test]
async fn whole_numbers_of_any_width_are_published_as_those_that_are_kept() {
    let ranked = changed(
        ROLLUP,
        ", total_sales\n",
        ", RANK() OVER (PARTITION BY store_id ORDER BY total_sales) AS place, CAST(store_id AS SMALLINT) AS small\n",
    );
    let planned = rollup(&ranked).await.unwrap_or_else(|fault| panic!("{fault}"));
    let data_type = |name: &str| planned.target_schema.field_with_name(name).expect("a column").data_type().clone();
    assert_eq!((data_type("place"), data_type("small")), (DataType::Int64, DataType::Int32));
}

#[tokio::test]
async fn row_marts_that_could_lose_or_double_a_sale_are_refused_with_their_line() {
    let join = "LEFT JOIN store AS t ON t.id = s.store_id";
    let cases: [Case<'_>; 20] = [
        (join, "JOIN store AS t ON t.id = s.store_id", 11, 1, &["LEFT JOIN", "INNER JOIN"]),
        (join, "RIGHT JOIN store AS t ON t.id = s.store_id", 11, 1, &["LEFT JOIN", "RIGHT JOIN"]),
        (join, "CROSS JOIN store AS t", 11, 1, &["LEFT JOIN"]),
        (join, "LEFT JOIN store AS t ON t.store_pincode = s.product_name", 11, 11, &["store_pincode", "not its key"]),
        (join, "LEFT JOIN store AS t ON t.id > s.store_id", 11, 11, &["by its key alone"]),
        (join, "LEFT JOIN store AS t ON t.id = s.store_id AND s.quantity > 0", 11, 11, &["by its key alone"]),
        (join, "LEFT JOIN store AS t ON t.id = s.store_id\nGROUP BY 1, 2, 3, 4, 5", 12, 1, &["nothing else"]),
        (join, "LEFT JOIN store AS t ON t.id = s.store_id\nORDER BY s.total_cost", 12, 1, &["ORDER BY"]),
        (join, "LEFT JOIN store AS t ON t.id = s.store_id\nLIMIT 3", 12, 1, &["LIMIT"]),
        ("SELECT\n", "SELECT DISTINCT\n", 4, 8, &["DISTINCT"]),
        ("FROM sales AS s\n", "FROM customer AS s\n", 11, 32, &["store_id"]),
        ("    s.total_cost,", "    s.turnover,", 5, 5, &["turnover"]),
        ("    s.total_cost,", "    t.turnover,", 5, 5, &["turnover"]),
        ("    s.total_cost,", "    CAST(s.total_cost AS DOUBLE) AS total,", 5, 5, &["float", "total"]),
        ("    s.total_cost,", "    s.total_cost,\n    random() AS luck,", 6, 5, &["'random'", "another time"]),
        (join, "LEFT JOIN store AS t ON t.id = s.store_id, product AS p", 11, 42, &["LEFT JOIN"]),
        ("FROM sales AS s\n", "FROM (SELECT * FROM sales) AS s\n", 10, 6, &["nothing else"]),
        ("    s.source_file_id,\n", "", 4, 0, &["source_file_id", "lineage"]),
        ("    s.batch_id\n", "    s.batch_id AS batch\n", 4, 0, &["batch_id", "lineage"]),
        ("-- partition by: sales_month", "-- partition by: sales_month, store_id", 4, 0, &["store_id"]),
    ];
    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(differs(case, row_mart(&changed(ROWS, case.0, case.1)).await.err()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A second table of [`ROLLUP`] that is right.
const OVER: &str = "\
-- mart: second
-- about: Days that were sold on.
-- of: mine
-- key: store_id, sales_date
-- finish:
SELECT store_id, sales_date
FROM merged
WHERE total_sales > 0
";

#[tokio::test]
async fn a_second_table_of_a_rollup_is_held_against_it() {
    let dimensions = dimensions();
    let base = rollup(ROLLUP).await.expect("the rollup");
    let over =
        async |text: &str| Rollup::plan_over(&MartFile::parse("marts/mine.sql", text)?, &base, &dimensions).await;
    let planned = over(OVER).await.expect("the second table");
    assert!(planned.is_over_another() && planned.of == "mine" && !planned.reads_payments);
    assert_eq!((&planned.scope, &planned.state_schema), (&base.scope, &base.state_schema));
    let cases: [Case<'_>; 5] = [
        ("-- key: store_id, sales_date", "-- key: sales_date", 6, 0, &["scope", "store_id"]),
        ("-- of: mine", "-- of: mine\n-- state: store_id", 4, 0, &["has that rollup's state", "-- of:"]),
        ("-- of: mine\n", "", 1, 0, &["-- of: ROLLUP"]),
        ("FROM merged", "FROM sales", 7, 6, &["sales"]),
        ("FROM merged\nWHERE total_sales > 0", "FROM payments", 6, 0, &["payments", "sales_person_id"]),
    ];
    for case in &cases {
        let fault = over(&changed(OVER, case.0, case.1)).await.err();
        assert_eq!(differs(case, fault), None);
    }
}

/// With customers first, a day would write every month that was ever published.
#[tokio::test]
async fn customer_spend_lies_by_month() {
    let planned = rollup(CUSTOMERS).await.expect("the built-in mart");
    for (what, first) in
        [("scope", &planned.scope[0]), ("key", &planned.key[0]), ("sums", planned.state_schema.field(0).name())]
    {
        assert_eq!(first, "sales_date_month", "{what}");
    }
}
