//! The same name with other bytes: new sales, or a corrected file.

use crate::shop::Shop;

const OLD: [&str; 3] = [
    "1,1,Tea,2024-05-03,11,2.50,2,5.00",
    "2,1,Coffee,2024-06-04,12,4.00,1,4.00",
    "9,1,Coffee,2024-06-04,12,4.00,1,4.00",
];
const NEW: [&str; 2] = ["1,1,Tea,2024-05-03,11,2.50,4,10.00", "3,2,Coffee,2024-05-06,21,4.00,1,4.00"];
const OTHERS: [&str; 2] = ["1,1,Tea,2024-05-03,11,2.50,1,2.50", "3,2,Coffee,2024-05-06,21,4.00,2,8.00"];

fn history(redelivery: &str, deliveries: &[(&str, &[&str])]) -> Shop {
    let shop = Shop::new();
    let setting = format!("[env.test.feed]\nredelivery = \"{redelivery}\"\n");
    shop.settings(&setting);
    for (name, rows) in deliveries {
        shop.deliver_rows(name, rows);
        let told = shop.tillmart(&["--env", "test", "run", "--json"]);
        assert!(told.code <= 1, "{told:?}");
    }
    shop
}

#[test]
fn appended_both_versions_count() {
    let both = history("append", &[("day.csv", &OLD), ("day.csv", &NEW)]);
    let apart = history("append", &[("old.csv", &OLD), ("new.csv", &NEW)]);
    assert_eq!(both.marts(), apart.marts());
    both.verified();
}

#[test]
fn replaced_only_the_new_version_counts() {
    let replaced = history("replace", &[("other.csv", &OTHERS), ("day.csv", &OLD), ("day.csv", &NEW)]);
    let only_new = history("replace", &[("other.csv", &OTHERS), ("day.csv", &NEW)]);
    assert_eq!(
        replaced.rows("SELECT * FROM customers_data_mart ORDER BY 1, 5"),
        only_new.rows("SELECT * FROM customers_data_mart ORDER BY 1, 5")
    );
    assert_eq!(replaced.marts(), only_new.marts());
    assert_eq!(replaced.lake(), only_new.lake(), "the old version's reject is taken back too");
    replaced.verified();
    let outcomes = replaced.rows("SELECT path, outcome FROM product_staging_table ORDER BY id");
    assert_eq!(outcomes, ["'other.csv'|'landed'", "'day.csv'|'revoked'", "'day.csv'|'landed'"]);

    // The old version once more is a correction of the correction.
    replaced.deliver_rows("day.csv", &OLD);
    replaced.tillmart(&["--env", "test", "run"]).ended(1);
    let only_old = history("replace", &[("other.csv", &OTHERS), ("day.csv", &OLD)]);
    assert_eq!(replaced.marts(), only_old.marts());
    assert_eq!(replaced.lake(), only_old.lake());
    replaced.verified();
}
