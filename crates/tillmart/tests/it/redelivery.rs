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

/// Files of one size need not be equal: not where their beginnings differ, nor where only their ends do.
#[test]
fn of_files_of_one_size_only_equal_ones_are_duplicates() {
    const ONE: &str = "1,1,Tea,2024-05-03,11,2.50,1,2.50";
    const TWO: &str = "1,1,Tea,2024-05-03,11,2.50,2,5.00";
    let day = |first, last| -> Vec<&str> { [&[first][..], &[ONE; 300], &[last]].concat() };
    let shop = Shop::new();
    for (name, rows) in [
        ("1.csv", day(ONE, ONE)),
        ("2 ends otherwise.csv", day(ONE, TWO)),
        ("3 begins otherwise.csv", day(TWO, ONE)),
        ("4 equals 1.csv", day(ONE, ONE)),
        ("5 equals 2.csv", day(ONE, TWO)),
        ("6 is small.csv", vec![ONE]),
        ("7 equals 6.csv", vec![ONE]),
        ("8 is as small.csv", vec![TWO]),
    ] {
        shop.deliver_rows(name, &rows);
    }
    shop.run(0);
    let outcomes = shop.rows("SELECT substr(path, 1, 1), outcome, duplicate_of FROM product_staging_table ORDER BY id");
    let wanted = [
        "'1'|'landed'|NULL",
        "'2'|'landed'|NULL",
        "'3'|'landed'|NULL",
        "'4'|'duplicate'|1",
        "'5'|'duplicate'|2",
        "'6'|'landed'|NULL",
        "'7'|'duplicate'|6",
        "'8'|'landed'|NULL",
    ];
    assert_eq!(outcomes, wanted);
    shop.verified();
}
