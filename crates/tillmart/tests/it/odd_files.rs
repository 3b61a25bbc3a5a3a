//! What else lies in an incoming area: duplicates, bad rows, files that are no sales files, and names to trip over.

use crate::shop::{Shop, csv};
use serde_json::Value;
use std::fmt::Write;

const GOOD: &str = "1,1,Tea,2024-05-03,11,2.50,2,5.00";
const OTHER: &str = "2,2,Coffee,2024-05-04,21,4.00,1,4.00";

/// Outcome and, of a rejected file, its reason.
fn outcome(file: &Value) -> String {
    let outcome = &file["outcome"];
    match outcome["reason"].as_str() {
        Some(reason) => format!("{}: {reason}", outcome["outcome"].as_str().unwrap()),
        None => outcome["outcome"].as_str().unwrap().to_owned(),
    }
}

fn sales(shop: &Shop) -> i64 {
    shop.query("SELECT COUNT(*) AS sales FROM sales_data_mart")[0]["sales"].as_i64().unwrap()
}

#[test]
fn the_same_bytes_land_once_whatever_their_name() {
    let shop = Shop::new();
    shop.deliver_rows("b.csv", &[GOOD, OTHER]);
    shop.deliver_rows("a/z.csv", &[GOOD, OTHER]);
    let first = shop.run(0);
    assert_eq!((&first["files_landed"], &first["files_duplicate"]), (&1.into(), &1.into()));
    let files = shop.files();
    assert_eq!(outcome(&files["a/z.csv"]), "landed", "of one batch the first by path wins");
    assert_eq!(files["b.csv"]["outcome"]["of"], files["a/z.csv"]["id"]);

    let marts = shop.marts();
    shop.deliver_rows("another name.csv", &[GOOD, OTHER]);
    shop.deliver_rows("b.csv", &[GOOD, OTHER]);
    let second = shop.run(0);
    assert_eq!((&second["files_landed"], &second["files_duplicate"]), (&0.into(), &2.into()));
    assert_eq!(shop.marts(), marts);
    assert_eq!(sales(&shop), 2);
    let archived = shop.names("sales_data_processed");
    assert_eq!(
        archived,
        ["a/z.csv", "another name.csv", "b.csv"],
        "equal bytes under a taken name are archived already"
    );
    shop.verified();
}

#[test]
fn an_archive_name_that_is_taken_gets_the_file_id() {
    let shop = Shop::new();
    shop.deliver_rows("day.csv", &[GOOD]);
    shop.run(0);
    shop.deliver_rows("day.csv", &[OTHER]);
    shop.run(0);
    assert_eq!(shop.area("sales_data_processed")["day.csv"], csv(&[GOOD]).into_bytes());
    assert_eq!(shop.area("sales_data_processed")["day.csv.2"], csv(&[OTHER]).into_bytes());
    assert_eq!(shop.files()["day.csv"]["location"], "sales_data_processed/day.csv.2");
    assert_eq!(sales(&shop), 2, "other bytes under an old name are new sales");
    shop.verified();
}

#[test]
fn a_bad_row_never_disturbs_its_neighbours() {
    let shop = Shop::new();
    let mut rows = vec![GOOD; 10];
    rows.insert(4, "1,1,Tea,2024-05-03,11,2.50,two,5.00");
    shop.deliver_rows("day.csv", &rows);
    let summary = shop.run(1);
    assert_eq!(
        (&summary["rows_read"], &summary["rows_landed"]),
        (&11.into(), &10.into()),
        "identical lines are legal sales"
    );
    let rejects = shop.tillmart(&["rejects", "list", "--json"]).ended(0).json();
    assert_eq!(rejects.as_array().unwrap().len(), 1);
    let reject = &rejects[0];
    assert_eq!(
        (&reject["line"], &reject["code"], &reject["column"]),
        (&6.into(), &"bad_integer".into(), &"quantity".into())
    );
    assert_eq!(reject["raw"], "1,1,Tea,2024-05-03,11,2.50,two,5.00");
    assert_eq!(reject["file"], "sales_data/day.csv");
    let offset = csv(&rows).find("two").unwrap() - "1,1,Tea,2024-05-03,11,2.50,".len();
    assert_eq!(reject["byte_offset"], offset);
    assert_eq!(shop.rows("SELECT total_sales FROM customers_data_mart"), ["'50.00'"]);
    shop.verified();
}

#[test]
fn a_file_that_cannot_be_used_goes_to_the_error_area_beside_its_report() {
    let shop = Shop::new();
    let without_price = "customer_id,store_id,product_name,sales_date,sales_person_id,quantity,total_cost\n1,1,Tea,2024-05-03,11,2,5.00\n";
    shop.deliver("no price.csv", without_price);
    shop.deliver("notes/readme.pdf", "%PDF");
    shop.deliver("empty.csv", "");
    shop.deliver("header only.csv", csv(&[]));
    shop.deliver("torn.csv.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
    shop.deliver("not zstd.csv.zst", "plain text");
    shop.deliver("not parquet.parquet", "PAR1 but no more");
    shop.deliver_rows("good.csv", &[GOOD]);
    let summary = shop.run(1);
    let expected = [
        ("no price.csv", "rejected: missing_column"),
        ("notes/readme.pdf", "rejected: not_a_sales_file"),
        ("empty.csv", "rejected: empty"),
        ("torn.csv.gz", "rejected: unreadable"),
        ("not zstd.csv.zst", "rejected: unreadable"),
        ("not parquet.parquet", "rejected: unreadable"),
        ("good.csv", "landed"),
    ];
    let files = shop.files();
    for (name, wanted) in expected {
        assert_eq!(outcome(&files[name]), wanted, "{name}");
    }
    // A day without sales is a day: a file of a header alone has no rows to land, or nothing at all to say.
    assert!(["landed", "rejected: empty"].contains(&outcome(&files["header only.csv"]).as_str()));
    assert_eq!(summary["rows_landed"], 1);
    assert_eq!(sales(&shop), 1);
    assert_eq!(shop.names("sales_data"), Vec::<String>::new());

    let error = shop.area("sales_data_error");
    for (name, wanted) in expected.iter().filter(|(_, wanted)| *wanted != "landed") {
        let id = files[*name]["id"].as_i64().unwrap();
        let report = String::from_utf8(error[&format!("{name}.{id}.report.txt")].clone()).unwrap();
        assert!(report.contains(wanted.trim_start_matches("rejected: ")), "{report}");
        assert!(error.contains_key(*name), "{name} lies beside its report");
    }
    assert_eq!(error["no price.csv"], without_price.as_bytes());
    shop.verified();

    let second = shop.run(0);
    assert_eq!(second["batches"], 0);
}

/// More rows than a writer holds back, the bad ones at the very end: rows were written before it came out that the file is
/// to be rejected, in a task that it shares with a good file.
#[test]
fn of_a_file_with_too_many_rejects_no_row_lands_even_if_it_was_written_before() {
    let shop = Shop::new();
    shop.settings("");
    let mut large = csv(&[]);
    for row in 0..270_000 {
        writeln!(large, "{},1,Tea,2024-05-{:02},11,2.50,2,5.00", row % 3 + 1, row % 28 + 1).unwrap();
    }
    for _ in 0..31_000 {
        large.push_str("1,1,Tea,2024-05-03,11,2.50,x,5.00\n");
    }
    shop.deliver("a good.csv", csv(&[GOOD]));
    shop.deliver("b large.csv", large);
    shop.deliver("c good.csv", csv(&[OTHER]));
    let told = shop.tillmart_with(&["run", "--json"], &[("TILLMART_RUN_TASKS", "1")]).ended(1);
    let summary = told.json();
    assert_eq!((&summary["files_landed"], &summary["files_rejected"]), (&2.into(), &1.into()));
    assert_eq!(summary["rejected_files"]["b large.csv"]["code"], "too_many_rejects");
    assert_eq!(sales(&shop), 2);
    assert_eq!(
        shop.rows("SELECT customer_id, total_sales FROM customers_data_mart ORDER BY 1"),
        ["1|'5.00'", "2|'4.00'"]
    );
    let large = &shop.files()["b large.csv"]["tally"];
    assert_eq!((&large["rows_read"], &large["rejected"]["bad_integer"]), (&301_000.into(), &31_000.into()));
    shop.verified();
}

#[test]
fn kept_files_stay_where_they_are_and_are_taken_once() {
    let shop = Shop::new();
    shop.settings("[env.keep.feed]\narchive = \"keep\"\n");
    shop.deliver_rows("day.csv", &[GOOD]);
    shop.deliver("bad.csv", "a,b\n1,2\n");
    let first = shop.tillmart(&["--env", "keep", "run", "--json"]).ended(1).json();
    assert_eq!((&first["files_landed"], &first["files_rejected"]), (&1.into(), &1.into()));
    assert_eq!(shop.names("sales_data"), ["bad.csv", "day.csv"]);
    let second = shop.tillmart(&["--env", "keep", "run", "--json"]).ended(0).json();
    assert_eq!(second["batches"], 0, "what is kept is taken once");
    shop.deliver_rows("day.csv", &[GOOD, OTHER]);
    let third = shop.tillmart(&["--env", "keep", "run", "--json"]).ended(0).json();
    assert_eq!(third["files_landed"], 1, "overwritten, it is another delivery");
    assert_eq!(sales(&shop), 3);
    shop.verified();
}

#[test]
fn names_that_trip_others_do_not_trip_us() {
    let shop = Shop::new();
    let names = [
        "two words.csv",
        "it's.csv",
        "say \"hi\".csv",
        "'; DROP TABLE product_staging_table; --.csv",
        "Verkäufe/Köln – März.csv",
        "売上.csv",
        "100%.csv",
        "a%20b.csv",
        "%41.csv",
        "a+b&c=d?e#f.csv",
        "back\\slash.csv",
        "-rf.csv",
        "~home.csv",
        "UPPER.CSV",
        "store_id=1/sales_month=2024-05/x.csv",
    ];
    for (at, name) in names.iter().enumerate() {
        shop.deliver_rows(name, &[&format!("1,1,Tea,2024-05-03,11,2.50,{at},{}", money(250 * at))]);
    }
    let summary = shop.run(0);
    assert_eq!(summary["files_landed"], names.len());
    let files = shop.files();
    let processed = shop.area("sales_data_processed");
    for (at, name) in names.iter().enumerate() {
        let file = files.get(*name).unwrap_or_else(|| panic!("{name} in {:?}", files.keys()));
        assert_eq!(outcome(file), "landed", "{name}");
        assert_eq!(file["tally"]["money_cents"], 250 * at, "{name}");
        assert!(processed.contains_key(*name), "{name} in {:?}", processed.keys());
    }
    assert_eq!(shop.names("sales_data"), Vec::<String>::new());
    assert_eq!(shop.run(0)["batches"], 0);
    shop.verified();
    shop.tillmart(&["files", "list"]).ended(0);
}

/// A name that no object store can hold is told, and a run does not go on without the file in silence.
#[test]
fn a_name_with_a_line_end_is_told_and_hinders_nobody() {
    let shop = Shop::new();
    shop.deliver_rows("good.csv", &[GOOD]);
    shop.deliver_rows("new\nline.csv", &[OTHER]);
    let told = shop.tillmart(&["run", "--json"]).ended(1).json();
    assert_eq!(told["files_landed"], 1, "{told}");
    let because = told["hidden"]["new\\nline.csv"].as_str().unwrap();
    assert!(because.contains("line end"), "{told}");
    let named = shop.storage("sales_data");
    std::fs::rename(named.join("new\nline.csv"), named.join("new line.csv")).unwrap();
    assert_eq!(shop.run(0)["files_landed"], 1);
    shop.verified();
}

fn money(cents: usize) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// A name may be as long as a file system takes, and leave no room for what is appended to it.
#[test]
fn the_longest_names_are_archived_and_reported() {
    let shop = Shop::new();
    let (good, foreign) = (format!("{}.csv", "g".repeat(251)), format!("{}.pdf", "f".repeat(251)));
    shop.deliver_rows(&good, &[GOOD]);
    shop.deliver(&foreign, "%PDF");
    assert_eq!(shop.run(1)["files_landed"], 1);
    assert_eq!(shop.names("sales_data_processed"), [good.as_str()]);
    let id = shop.files()[&foreign]["id"].to_string();
    let report = format!("{id}/{}.{id}.report.txt", "f".repeat(200));
    assert_eq!(shop.names("sales_data_error"), [report, foreign]);
    // The same name with other bytes: its first place is taken, and there is no room for an id behind it.
    shop.deliver_rows(&good, &[OTHER]);
    assert_eq!(shop.run(0)["files_landed"], 1);
    let id = shop.files()[&good]["id"].to_string();
    assert_eq!(shop.names("sales_data_processed"), [format!("{id}/{}", "g".repeat(200)), good]);
    shop.verified();
}

#[test]
fn a_file_and_a_folder_of_one_name_are_both_archived() {
    let shop = Shop::new();
    shop.deliver_rows("day.csv/part-0.csv", &[GOOD]);
    shop.run(0);
    let _ = std::fs::remove_dir(shop.storage("sales_data/day.csv"));
    shop.deliver_rows("day.csv", &[OTHER]);
    shop.run(0);
    shop.deliver_rows("day.csv.2/part-1.csv", &["2,1,Tea,2024-05-09,11,2.50,4,10.00"]);
    assert_eq!(shop.run(0)["files_landed"], 1);
    assert_eq!(shop.names("sales_data"), [""; 0]);
    assert_eq!(shop.names("sales_data_processed"), ["3/part-1.csv", "day.csv.2", "day.csv/part-0.csv"]);
    shop.verified();
}

/// What lies behind a link to a folder is somebody else's, perhaps a mart's own table: it is told, and stays.
#[test]
fn a_link_to_a_folder_is_told_and_not_followed() {
    let shop = Shop::new();
    shop.deliver_rows("good.csv", &[GOOD]);
    shop.run(0);
    std::os::unix::fs::symlink(shop.storage("sales_data_mart"), shop.storage("sales_data/link")).unwrap();
    let told = shop.tillmart(&["run", "--json"]).ended(1).json();
    assert_eq!(told["hidden"]["link"], "a link to a folder", "{told}");
    assert_eq!(told["files_landed"], 0);
    shop.verified();
}

/// The clock of a network share may be ahead of ours: what it dates into time to come may still be written.
#[test]
fn a_file_from_the_future_is_waited_for_and_taken() {
    let shop = Shop::new();
    shop.deliver_rows("good.csv", &[GOOD]);
    let file = std::fs::File::options().append(true).open(shop.storage("sales_data/good.csv")).unwrap();
    let now = file.metadata().unwrap().modified().unwrap();
    file.set_modified(now + std::time::Duration::from_secs(3_600)).unwrap();
    let told = shop.tillmart_with(&["run"], &[("TILLMART_FEED_MIN_AGE", "50ms")]).ended(0);
    assert!(told.err.contains("waiting for young files"), "{}", told.err);
    assert_eq!(shop.names("sales_data_processed"), ["good.csv"]);
}

/// A text that one of the databases could not keep in a mart's key is refused before it lands, whatever the database.
#[test]
fn a_text_that_no_key_can_hold_is_rejected() {
    let shop = Shop::new();
    let row = |letters: usize| format!("1,1,{},2024-05-03,11,2.50,2,5.00", "ü".repeat(letters));
    shop.deliver_rows("day.csv", &[&row(700), &row(701), GOOD]);
    let told = shop.tillmart_with(&["run", "--json"], &[("TILLMART_FEED_MAX_REJECT_RATIO", "1")]).ended(1).json();
    assert_eq!(
        (&told["rows_landed"], &told["rows_rejected_by_reason"]["out_of_range"]),
        (&2.into(), &1.into()),
        "{told}"
    );
    let reject = shop.tillmart(&["rejects", "list", "--json"]).ended(0).json();
    assert_eq!(reject[0]["column"], "product_name", "{reject}");
    assert!(reject[0]["message"].as_str().unwrap().ends_with("expected a text of at most 700 letters"), "{reject}");
}
