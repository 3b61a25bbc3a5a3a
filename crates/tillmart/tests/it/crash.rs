//! A process that dies anywhere costs time and nothing else: after the next run, marts, tables, files and ledger equal
//! those of a history nobody disturbed.

use crate::shop::{Shop, csv};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every named point, in the order of the flow; a batch of three tables passes `table-committed` three times.
const POINTS: [&str; 15] = [
    "claimed",
    "written",
    "manifest-stored",
    "landed",
    "table-committed:1",
    "table-committed:2",
    "table-committed:3",
    "committed",
    "before-publish",
    "published",
    "copied",
    "deleted",
    "archived",
    "deleted:2",
    "archived:3",
];

/// Everything that two equal histories have in common.
struct Picture {
    marts: BTreeMap<String, Vec<String>>,
    lake: Vec<Value>,
    ledger: Vec<String>,
    processed: BTreeMap<String, Vec<u8>>,
    error: BTreeMap<String, Vec<u8>>,
}

impl Picture {
    fn of(shop: &Shop) -> Picture {
        Picture {
            marts: shop.marts(),
            lake: shop.lake(),
            ledger: shop.rows(
                "SELECT path, file_location, status, outcome, reason, rows_read, rows_landed, rows_anonymous, rows_rejected,
                        rows_replayed, money, digest, batch_id
                 FROM product_staging_table ORDER BY id",
            ),
            processed: finished(shop.area("sales_data_processed")),
            error: finished(shop.area("sales_data_error")),
        }
    }
}

/// Without what a write was when its process died: `.tillmart-….part`, which no store lists and no reader sees.
fn finished(mut files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let is_staged = |name: &str| name.starts_with(".tillmart-") && name.ends_with(".part");
    files.retain(|path, _| !is_staged(path.rsplit('/').next().unwrap_or(path)));
    files
}

/// A shop with one landed file, and a delivery of every sort waiting: new sales with a reject, a correction of the
/// landed file, a duplicate of it, and a file without price.
fn busy_shop() -> Shop {
    let shop = Shop::new();
    let first = csv(&["1,1,Tea,2024-05-03,11,2.50,2,5.00", "2,1,Coffee,2024-05-04,12,4.00,1,4.00"]);
    shop.deliver("first.csv", &first);
    shop.run(0);
    shop.deliver_rows("first.csv", &["1,1,Tea,2024-05-03,11,2.50,3,7.50", ",2,Tea,2024-05-05,21,2.50,1,2.50"]);
    shop.deliver_rows(
        "north/second.csv",
        &[
            "2,1,Tea,2024-05-07,11,2.50,-1,-2.50",
            "3,2,Coffee,2024-06-01,21,4.00,2,8.00",
            "1,1,Tea,2024-06-02,12,2.50,x,2.50",
            "77,2,Tea,2024-06-02,21,2.50,1,2.50",
            "1,2,Coffee,2024-06-03,21,4.00,1,4.00",
            ",1,Coffee,2024-06-03,12,4.00,1,4.00",
            "2,1,Coffee,2024-06-04,12,4.00,1,4.00",
            "2,1,Coffee,2024-06-05,12,4.00,1,4.00",
            "2,1,Coffee,2024-06-06,12,4.00,1,4.00",
            "2,1,Coffee,2024-06-07,12,4.00,1,4.00",
        ],
    );
    let second = std::fs::read(shop.storage("sales_data/north/second.csv")).unwrap();
    shop.deliver("north/second again.csv", second);
    shop.deliver("no price.csv", "customer_id,store_id\n1,1\n");
    shop
}

const REPLACE: (&str, &str) = ("TILLMART_FEED_REDELIVERY", "replace");

fn run_again(shop: &Shop) -> Value {
    shop.tillmart_with(&["run", "--json"], &[REPLACE]).ended(1).json()
}

#[track_caller]
fn same_as(undisturbed: &Picture, shop: &Shop, story: &str) {
    let picture = Picture::of(shop);
    assert_eq!(picture.marts, undisturbed.marts, "{story}");
    assert_eq!(picture.lake, undisturbed.lake, "{story}");
    assert_eq!(picture.ledger, undisturbed.ledger, "{story}");
    assert_eq!(picture.processed, undisturbed.processed, "{story}");
    assert_eq!(picture.error, undisturbed.error, "{story}");
    assert_eq!(shop.names("sales_data"), Vec::<String>::new(), "{story}");
    shop.verified();
    let after = shop.tillmart_with(&["run", "--json"], &[REPLACE]).ended(0).json();
    assert_eq!(after["batches"], 0, "{story}: a further run has nothing to do");
}

#[test]
fn a_crash_at_any_point_costs_only_time() {
    let template = busy_shop();
    let undisturbed = template.copy();
    let summary = run_again(&undisturbed);
    assert_eq!(
        (&summary["files_landed"], &summary["files_duplicate"], &summary["files_rejected"]),
        (&2.into(), &1.into(), &1.into())
    );
    let expected = Picture::of(&undisturbed);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = POINTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let shop = template.copy();
                    shop.tillmart_with(&["run"], &[REPLACE, ("TILLMART_KILL_AT", point)]).ended(-6);
                    let recovered = run_again_any(&shop);
                    assert_eq!(recovered["batches_recovered"], 1, "{point}");
                    same_as(&expected, &shop, point);
                }
            });
        }
    });
}

/// The recovering run, whatever it still has to tell.
fn run_again_any(shop: &Shop) -> Value {
    let told = shop.tillmart_with(&["run", "--json"], &[REPLACE]);
    assert!(told.code == 0 || told.code == 1, "{told:?}");
    told.json()
}

/// Every run dies one point further on than the one before it.
#[test]
fn a_batch_whose_every_run_dies_gets_there_in_the_end() {
    let shop = busy_shop();
    let undisturbed = shop.copy();
    run_again(&undisturbed);
    for point in POINTS {
        let point = point.split(':').next().unwrap();
        let told = shop.tillmart_with(&["run"], &[REPLACE, ("TILLMART_KILL_AT", point)]);
        let died = told.code == -6;
        assert!(died || told.code <= 1, "{point}: {told:?}");
    }
    run_again_any(&shop);
    same_as(&Picture::of(&undisturbed), &shop, "dying at every point in turn");
}

#[test]
fn a_replay_and_a_revoke_that_die_are_finished_by_the_next_run() {
    let template = busy_shop();
    run_again(&template);
    let more = template.folder().join("customer.csv");
    std::fs::write(
        &more,
        "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n77,Eve,New,,,,\n",
    )
    .unwrap();
    template.load_dimensions(&more);
    let landed =
        template.rows("SELECT id FROM product_staging_table WHERE path LIKE '%second%' AND outcome = 'landed'");
    for command in [vec!["rejects", "replay"], vec!["files", "revoke", &landed[0]]] {
        let undisturbed = template.copy();
        undisturbed.tillmart(&command).ended(0);
        let expected = Picture::of(&undisturbed);
        for point in ["written", "table-committed:2", "before-publish"] {
            let shop = template.copy();
            shop.tillmart_with(&command, &[("TILLMART_KILL_AT", point)]).ended(-6);
            run_again_any(&shop);
            same_as(&expected, &shop, &format!("{command:?} died at {point}"));
        }
    }
}

/// The run that dies has several tasks that share a large file; the one that recovers may have, or not.
#[test]
fn a_crash_while_tasks_share_a_file_costs_only_time() {
    let shared = [("TILLMART_RUN_TASKS", "6"), ("TILLMART_RUN_SPLIT_BYTES", "1KiB")];
    let products = ["Tea", "\"Tea\nin two lines\"", "\"a \"\"good\"\" tea\""];
    let product = |row: usize| if row % 40 == 7 { "\"open" } else { products[row % 3] };
    let rows: Vec<String> = (0..400)
        .map(|row| format!("{},1,{},2024-05-{:02},11,2.50,2,5.00", row % 3 + 1, product(row), row % 28 + 1))
        .collect();
    let template = Shop::new();
    template.deliver_rows("day.csv", &rows.iter().map(String::as_str).collect::<Vec<_>>());
    let undisturbed = template.copy();
    run_again_any(&undisturbed);
    let expected = Picture::of(&undisturbed);
    for (point, more) in
        [("written", &shared[..]), ("manifest-stored", &[]), ("landed", &[]), ("table-committed:2", &[])]
    {
        let shop = template.copy();
        let died = shop.tillmart_with(&["run"], &[shared[0], shared[1], ("TILLMART_KILL_AT", point)]).ended(-6);
        assert!(died.err.contains("surveying 1 large file"), "{}", died.err);
        let recovered = shop.tillmart_with(&["run", "--json"], more).json();
        assert_eq!((&recovered["batches_recovered"], &recovered["files_landed"]), (&1.into(), &1.into()), "{point}");
        same_as(&expected, &shop, point);
    }
}

/// SIGKILL at moments that nobody chose: after a random line of talk, and a random while more.
#[test]
fn a_kill_at_a_random_moment_costs_only_time() {
    let seed = match std::env::var("TILLMART_SEED") {
        Ok(text) => text.parse().expect("TILLMART_SEED is a number"),
        Err(_) => RandomState::new().hash_one("moment"),
    };
    let mut chance = seed | 1;
    let mut next = move |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    let template = busy_shop();
    let undisturbed = template.copy();
    run_again(&undisturbed);
    let expected = Picture::of(&undisturbed);
    for _ in 0..3 {
        let shop = template.copy();
        let (lines, turns) = (next(8), next(200_000));
        let mut child = shop
            .command(&["run"])
            .env(REPLACE.0, REPLACE.1)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        let said: Vec<String> = talk.lines().take(lines as usize).map(Result::unwrap).collect();
        for _ in 0..turns {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        run_again_any(&shop);
        same_as(&expected, &shop, &format!("TILLMART_SEED={seed}: killed {turns} turns after {said:?}"));
    }
}

/// Incentives that are computed anew when the process dies are either as they were, or as they shall be; the next run sees to it.
#[test]
fn a_renewal_that_dies_is_finished_by_the_next_run() {
    let loaded = Shop::new();
    loaded.deliver_rows("day.csv", &["1,1,Tea,2024-05-03,11,2.50,400,1000.00"]);
    loaded.run(0);
    let paid = |shop: &Shop| shop.rows("SELECT incentive FROM sales_team_data_mart");
    for point in ["claimed", "landed", "committed", "before-publish", "published"] {
        let shop = loaded.copy();
        shop.settings("[marts.incentive]\nrate = \"5 %\"\n");
        let told = shop.tillmart_with(&["incentives", "renew", "--all"], &[("TILLMART_KILL_AT", point)]);
        assert_eq!(told.code, -6, "{point}: {}", told.err);
        let is_done = point == "published";
        assert_eq!(paid(&shop) == paid(&loaded), !is_done, "{point}");
        shop.run(0);
        shop.verified();
        assert_ne!(paid(&shop), paid(&loaded), "{point}");
        assert_eq!(shop.rows("SELECT paid FROM incentive_data_mart"), paid(&shop), "{point}");
    }
}
