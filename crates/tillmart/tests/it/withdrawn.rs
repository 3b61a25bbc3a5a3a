//! What a dimension's table would not take is not history.

use crate::shop::{Shop, Told};
use serde_json::Value;

fn load(shop: &Shop, day: &str, text: &str) -> Told {
    let file = shop.folder().join("store.csv");
    std::fs::write(&file, text).unwrap();
    let now = format!("{day}T08:00:00Z");
    shop.tillmart_with(&["--json", "dimensions", "load", file.to_str().unwrap()], &[("TILLMART_CLOCK", &now)])
}

fn kept(shop: &Shop) -> (Value, Value) {
    let versions = "SELECT id, store_manager_name, valid_from, valid_to FROM dim_store ORDER BY id, valid_from";
    (shop.query(versions), shop.query("SELECT first_key, stated, valid_from FROM dim_store_statements ORDER BY 1, 3"))
}

#[test]
fn statements_that_the_table_refused_are_taken_back() {
    let shop = Shop::bare();
    load(&shop, "2030-01-01", "id,store_manager_name\n1,Nora\n2,Said\n").ended(0);
    let before = kept(&shop);
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON store BEGIN SELECT RAISE(ABORT, 'not today'); END";
    shop.database().execute_batch(refuse).unwrap();
    let told = load(&shop, "2030-02-01", "id,store_manager_name\n1,Abel\n3,New\n").ended(2);
    assert!(told.err.contains("not today"), "{}", told.err);
    assert_eq!(kept(&shop), before, "the history tells what the table shows");
    assert_eq!(shop.rows("SELECT id FROM store ORDER BY id"), ["1", "2"]);

    // Nothing of it comes back by the next load, and the same file can be loaded when the table takes it.
    shop.database().execute_batch("DROP TRIGGER refuse").unwrap();
    load(&shop, "2030-03-01", "id,store_manager_name\n2,Said\n").ended(0);
    assert_eq!(kept(&shop).0, before.0);
    let loaded = load(&shop, "2030-04-01", "id,store_manager_name\n1,Abel\n3,New\n").ended(0).json();
    assert_eq!((&loaded["store"]["added"], &loaded["store"]["changed"]), (&1.into(), &1.into()));
    let versions = kept(&shop).0;
    let of = |id: i64| versions.as_array().unwrap().iter().filter(|row| row["id"] == id).collect::<Vec<_>>();
    assert_eq!(of(1).len(), 2);
    assert_eq!((&of(1)[0]["valid_to"], &of(1)[1]["valid_from"]), (&"2030-04-01".into(), &"2030-04-01".into()));
    assert_eq!((of(2).len(), of(3).len()), (1, 1));
}
