//! Compaction changes files, never rows.

use crate::shop::Shop;

const SMALL: (&str, &str) = ("TILLMART_OPTIMIZE_FILES_MIN", "2");

fn files(shop: &Shop, table: &str, tables: &serde_json::Value, which: &str) -> u64 {
    let found = tables.as_array().unwrap().iter().find(|one| one["table"] == table);
    found.unwrap_or_else(|| panic!("{table} of {}", shop.folder().display()))[which].as_u64().unwrap()
}

#[test]
fn many_small_files_become_few_and_every_row_stays() {
    let shop = Shop::new();
    for day in 1..=3 {
        let sale = format!("1,1,Tea,2024-05-0{day},11,2.50,2,5.00");
        let other = format!("2,2,Coffee,2024-05-0{day},21,4.00,1,4.00");
        shop.deliver_rows(&format!("day{day}.csv"), &[&sale, &other, "99,1,Tea,2024-05-03,11,2.50,2,5.00"]);
        shop.run(1);
    }
    let (marts, lake) = (shop.marts(), shop.lake());
    let told = shop.tillmart_with(&["optimize", "--json"], &[SMALL]).ended(0).json();
    for table in ["sales_data_mart", "customer_data_mart", "sales_rejects"] {
        let (before, after) = (files(&shop, table, &told, "files_before"), files(&shop, table, &told, "files_after"));
        assert!(after < before, "{table}: {before} to {after}");
    }
    assert_eq!(files(&shop, "sales_data_mart", &told, "files_after"), 2, "one a store");
    assert_eq!((shop.marts(), shop.lake()), (marts.clone(), lake.clone()));
    shop.verified();

    let again = shop.tillmart_with(&["optimize", "--vacuum", "--json"], &[SMALL]).ended(0).json();
    assert_eq!(files(&shop, "sales_data_mart", &again, "files_before"), 2, "a second time there is nothing to do");
    assert_eq!(files(&shop, "sales_data_mart", &again, "files_vacuumed"), 0, "young versions keep their files");
    assert_eq!((shop.marts(), shop.lake()), (marts, lake));

    shop.deliver_rows("day4.csv", &["1,1,Tea,2024-05-04,11,2.50,2,5.00"]);
    assert_eq!(shop.run(0)["rows_landed"], 1);
    shop.verified();
    // Compacted files hold rows of several source files: one of them is taken back out.
    shop.tillmart(&["files", "revoke", "1"]).ended(0);
    let left = shop.query("SELECT COUNT(*) AS sales FROM sales_data_mart");
    assert_eq!(left[0]["sales"], 5);
    shop.verified();
}
