//! Other people's nasty files: no panic, and every row is accounted for.

use crate::shop::{HEADER, Shop, files_of, fixture};
use std::fs;

const GOOD: &str = "1,1,Tea,2024-05-03,11,2.50,2,5.00\n";

/// Each file as it is, and each once more as what follows the header and a good row.
#[test]
fn nasty_files_do_no_harm() {
    let shop = Shop::new();
    let files: Vec<_> = files_of(&fixture("nasty"))
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".csv") && !path.to_string_lossy().ends_with(".txt"))
        .collect();
    assert!(files.len() >= 15, "{files:?}");
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(path).unwrap();
        shop.deliver(name, &bytes);
        if name.ends_with(".csv") {
            let mut within = [HEADER, GOOD].concat().into_bytes();
            within.extend(&bytes);
            within.extend(b"\n");
            within.extend(GOOD.as_bytes());
            shop.deliver(&format!("within/{name}"), within);
        }
    }
    let told = shop.tillmart_with(&["run", "--json"], &[("TILLMART_FEED_MAX_REJECT_RATIO", "1")]).ended(1);
    let summary = told.json();
    assert!(summary["files_landed"].as_u64().unwrap() >= 15, "{summary}");
    let listed = shop.files();
    let mut landed = 0;
    for (path, file) in &listed {
        let tally = &file["tally"];
        let rejected: u64 = tally["rejected"].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap()).sum();
        if file["outcome"]["outcome"] == "landed" {
            let rows = tally["rows_landed"].as_u64().unwrap();
            assert_eq!(tally["rows_read"].as_u64().unwrap(), rows + rejected, "{path}: {file}");
            assert!(rows >= 1, "{path}: the good row before the nasty ones lands");
            landed += rows;
        } else {
            assert!(!path.starts_with("within/"), "{path}: {file}");
        }
    }
    assert_eq!(shop.query("SELECT COUNT(*) AS sales FROM sales_data_mart")[0]["sales"], landed);
    assert_eq!(shop.names("sales_data"), Vec::<String>::new());
    for command in [&["rejects", "list", "--limit", "0"][..], &["files", "list"], &["status"]] {
        shop.tillmart(command).ended(0);
    }
    shop.verified();
}
