//! `verify` finds what somebody else has changed; a dry run changes nothing.

use crate::shop::Shop;

fn shop() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", "2,2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    shop.run(0);
    shop
}

#[test]
fn a_changed_cent_is_found_and_named() {
    let shop = shop();
    shop.verified();
    let cases = [
        (
            "UPDATE customers_data_mart SET total_sales = '5.01' WHERE customer_id = 1",
            "customers_data_mart",
            "total_sales=5.01",
        ),
        (
            "UPDATE sales_team_data_mart SET incentive = '0.06' WHERE store_id = 1",
            "sales_team_data_mart",
            "incentive=0.06",
        ),
        ("DELETE FROM sales_team_data_mart WHERE store_id = 2", "sales_team_data_mart", "no such row"),
        (
            "UPDATE tillmart_state_customers_data_mart SET landed_rows = 2 WHERE customer_id = 1",
            "tillmart_state_customers_data_mart",
            "landed_rows=2",
        ),
        ("UPDATE product_staging_table SET rows_landed = 3", "product_staging_table", "a.csv"),
        ("UPDATE product_staging_table SET money = '9.01'", "product_staging_table", "9.01"),
    ];
    for (tampering, table, told) in cases {
        let tampered = shop.copy();
        assert!(tampered.database().execute(tampering, []).unwrap() > 0, "{tampering}");
        let verified = tampered.tillmart(&["verify"]).ended(2);
        let named = verified
            .out
            .split("differs ")
            .skip(1)
            .any(|part| part.trim_start().starts_with(table) && part.contains(told));
        assert!(named, "{tampering}\n{}", verified.out);
        assert!(!verified.out.contains("Ada Byron") && !verified.out.contains("Mill Lane"), "{}", verified.out);
    }
    let tampered = shop.copy();
    tampered.database().execute(cases[0].0, []).unwrap();
    let json = tampered.tillmart(&["verify", "--json"]).ended(2).json();
    assert_eq!(json["differing"], 2, "the row as it should be and the row as it is: {json}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let shop = shop();
    shop.deliver_rows("b.csv", &["1,1,Tea,2024-06-03,11,2.50,2,5.00", "1,1,Tea,2024-06-03,11,2.50,x,5.00"]);
    shop.deliver_rows("many.csv", &["1,1,Tea,2024-06-03,11,2.50,3,7.50"; 12]);
    shop.deliver("foreign.pdf", "%PDF");
    shop.deliver_rows("again.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", "2,2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    let before = (shop.area(""), shop.marts(), shop.rows("SELECT * FROM product_staging_table"));
    let plan = shop.tillmart(&["run", "--dry-run", "--json"]).ended(0).json();
    let outcome: Vec<String> = plan["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            format!("{} {} {}", file["path"].as_str().unwrap(), file["outcome"].as_str().unwrap(), file["rows_read"])
        })
        .collect();
    assert_eq!(outcome, ["again.csv duplicate 0", "b.csv rejected 2", "foreign.pdf rejected 0", "many.csv landed 12"]);
    assert_eq!(plan["months"], serde_json::json!(["2024-06"]));
    shop.tillmart(&["run", "--dry-run"]).ended(0);
    let after = (shop.area(""), shop.marts(), shop.rows("SELECT * FROM product_staging_table"));
    assert!(before == after, "something was changed");
}

/// A row-level mart of one's own is recomputed from the sales, source file by source file.
#[test]
fn a_changed_row_of_a_mart_of_ones_own_is_found() {
    const MART: &str = "-- mart: receipts
-- about: What every sale brought.
SELECT s.product_name, s.total_cost, t.address, s.source_file_id, s.batch_id
FROM sales AS s
LEFT JOIN store AS t ON t.id = s.store_id
";
    let shop = Shop::new();
    let folder = shop.folder().join("marts");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("receipts.sql"), MART).unwrap();
    let dear = MART.replace("receipts", "northern").replace("s.store_id\n", "s.store_id\nWHERE t.address = 'North'\n");
    std::fs::write(folder.join("northern.sql"), dear).unwrap();
    shop.deliver_rows("a.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00", "2,2,Coffee,2024-05-04,21,4.00,1,4.00"]);
    shop.run(0);
    shop.deliver_rows("b.csv", &["1,1,Tea,2024-05-03,11,2.50,4,10.00"]);
    shop.run(0);
    let verified = shop.tillmart(&["verify"]).ended(0);
    assert!(verified.out.contains("compared  receipts: 3 rows"), "{}", verified.out);
    assert!(verified.out.contains("left out  northern: its WHERE looks at an attribute"), "{}", verified.out);
    // A dimension that was loaded anew makes no mart wrong.
    let moved = shop.folder().join("store.csv");
    std::fs::write(&moved, "id,address,store_manager_name\n1,Far north,Nora\n").unwrap();
    shop.load_dimensions(&moved);
    shop.verified();

    // The table loses a commit: the second batch's rows are not in it.
    let log = shop.storage("receipts/_delta_log/00000000000000000002.json");
    std::fs::remove_file(&log).unwrap();
    let told = shop.tillmart(&["verify"]).ended(2);
    let expected = "differs   receipts\n   |  expected source file 2: 1 rows, total_cost 10.00, fingerprint ";
    assert!(told.out.contains(expected), "{}", told.out);
    assert!(told.out.contains("   |  found    source file 2: 0 rows, fingerprint 0"), "{}", told.out);
}
