//! One run at a time holds the feed's lease.

use crate::shop::Shop;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn a_second_run_at_the_same_time_exits_75_and_a_dead_holder_does_not_matter() {
    let shop = Shop::new();
    shop.deliver_rows("day.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00"]);
    // A run that gives a young file a day to be still holds its lease as long as the test needs.
    let mut first = shop
        .command(&["run"])
        .env("TILLMART_FEED_MIN_AGE", "1d")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let talk = BufReader::new(first.stderr.take().unwrap());
    let waits = talk.lines().map(Result::unwrap).find(|line| line.contains("waiting for young files"));
    assert!(waits.is_some(), "the first run holds its lease");

    let second = shop.tillmart(&["run"]).ended(75);
    assert!(second.err.starts_with("error: "), "{}", second.err);
    assert!(second.err.contains(&format!("pid {}", first.id())), "the holder is named: {}", second.err);
    assert_eq!(second.out, "");
    for command in [&["rejects", "replay"][..], &["optimize"]] {
        shop.tillmart(command).ended(75);
    }
    shop.tillmart(&["run", "--dry-run"]).ended(0);
    let status = shop.tillmart(&["status"]).ended(0).out;
    assert!(status.contains(&format!("under way pid {} on ", first.id())), "{status}");
    assert_eq!(shop.rows("SELECT COUNT(*) FROM tillmart_batch"), ["0"], "nothing was claimed");

    first.kill().unwrap();
    first.wait().unwrap();
    assert!(shop.tillmart(&["status"]).ended(0).out.contains("under way nothing"), "nobody is at work any more");
    assert_eq!(shop.run(0)["files_landed"], 1, "a dead holder's lease is taken over at once");
}

#[test]
fn a_lease_of_another_machine_is_waited_for_until_it_runs_out() {
    let shop = Shop::new();
    shop.deliver_rows("day.csv", &["1,1,Tea,2024-05-03,11,2.50,2,5.00"]);
    let put = "INSERT OR REPLACE INTO tillmart_lease (feed, token, holder, until) VALUES ('sales', 7, ?1, ?2)";
    let holder = "pid 1 on elsewhere (boot another started 5)";
    shop.database().execute(put, (holder, "2999-01-01T00:00:00.000000000Z")).unwrap();
    let told = shop.tillmart(&["run", "--json"]).ended(75);
    assert!(told.json()["found"].as_str().unwrap().contains("elsewhere"), "{}", told.out);
    shop.database().execute(put, (holder, "2001-01-01T00:00:00.000000000Z")).unwrap();
    assert_eq!(shop.run(0)["files_landed"], 1);
}
