//! A revoked file is as if it had never come, and its bytes may come again.

use crate::shop::Shop;

const A: [&str; 3] = [
    "1,1,Tea,2024-05-03,11,2.50,2,5.00",
    "71,1,Tea,2024-05-03,11,2.50,4,10.00",
    "2,2,Coffee,2024-07-04,21,4.00,1,4.00",
];
const B: [&str; 2] = ["1,1,Tea,2024-05-03,11,2.50,1,2.50", "3,2,Coffee,2024-05-06,21,4.00,2,8.00"];

fn id(shop: &Shop, path: &str) -> String {
    shop.files()[path]["id"].to_string()
}

#[test]
fn a_revoked_file_leaves_no_trace_in_the_marts() {
    let shop = Shop::new();
    shop.deliver_rows("a.csv", &A);
    shop.deliver_rows("b.csv", &B);
    shop.run(1);
    let with_both = shop.marts();
    let customers = shop.folder().join("customer.csv");
    let text = "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n71,Eve,New,,,,\n";
    std::fs::write(&customers, text).unwrap();
    shop.load_dimensions(&customers);
    shop.tillmart(&["rejects", "replay"]).ended(0);

    let a = id(&shop, "a.csv");
    let told = shop.tillmart(&["files", "revoke", &a, "--json"]).ended(0);
    assert_eq!(told.json()["files_revoked"], 1);
    let without = Shop::new();
    without.deliver_rows("b.csv", &B);
    without.run(0);
    assert_eq!(shop.marts(), without.marts());
    assert_eq!(shop.lake(), without.lake(), "its replayed row and its rejects are gone too");
    shop.verified();

    let again = shop.tillmart(&["files", "revoke", &a]).ended(2);
    assert!(again.err.contains("has no landed rows") && again.err.contains("a.csv is revoked"), "{}", again.err);
    let unknown = shop.tillmart(&["files", "revoke", "4711"]).ended(2);
    assert!(unknown.err.contains("no such source file"), "{}", unknown.err);
    assert_eq!(shop.marts(), without.marts());

    shop.deliver_rows("a.csv", &A);
    let back = shop.run(0);
    assert_eq!((&back["files_landed"], &back["rows_landed"]), (&1.into(), &3.into()), "the customer is known by now");
    assert_ne!(shop.marts(), with_both);
    shop.verified();
    shop.tillmart(&["files", "revoke", &id(&shop, "a.csv"), &id(&shop, "b.csv")]).ended(0);
    assert_eq!(shop.lake(), Vec::<serde_json::Value>::new());
    assert!(shop.marts().values().all(Vec::is_empty), "{:?}", shop.marts());
    shop.verified();
}
