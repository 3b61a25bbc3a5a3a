//! Leases, batches and source files.

use crate::scene::{
    FEED, alive, archive, at, claimed, committed, finished, found, landed, landing, leased, migrated, published,
    refused, today, ttl, versions,
};
use crate::{Database, Setting};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::{FileFilter, Lease};
use tillmart_model::{
    Batch, BatchKind, BatchState, FaultKind, FileFault, FileOutcome, FileReason, RowReason, SourceFile, Tally,
};

pub(crate) async fn one_of_two_gets_the_lease(setting: &dyn Setting) {
    migrated(setting).await;
    for round in 0..8 {
        let feed = format!("feed {round}");
        let mut tasks = Vec::new();
        for holder in ["one", "two", "three"] {
            let (database, feed) = (setting.open().await, feed.clone());
            tasks.push(tokio::spawn(async move { database.acquire(&feed, holder, at(0), ttl(), &alive).await }));
        }
        let (mut winners, mut busy) = (Vec::new(), Vec::new());
        for task in tasks {
            match task.await.expect("no panic") {
                Ok(lease) => winners.push(lease),
                Err(fault) => busy.push(fault),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        for fault in busy {
            assert_eq!(fault.kind, FaultKind::Busy, "{fault}");
            let told = fault.to_string();
            assert!(told.contains(&winners[0].holder) && told.contains("2024-07-01T08:10"), "{told}");
        }
    }
}

pub(crate) async fn a_lease_that_ran_out_is_taken_over(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let old = leased(&*database).await;
    refused(database.acquire(FEED, "two", at(9), ttl(), &alive).await, FaultKind::Busy);
    let new = database.acquire(FEED, "two", at(10), ttl(), &alive).await.expect("the lease ran out");
    assert!(new.token > old.token);
    refused(database.renew(&old, at(11), ttl()).await, FaultKind::Busy);
    database.release(&old).await.expect("left alone");
    database.renew(&new, at(11), ttl()).await.expect("still the successor's");
}

pub(crate) async fn a_lease_whose_holder_is_gone_is_taken_over(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let old = leased(&*database).await;
    let gone = |holder: &str| holder == "host 1, process 1";
    let new = database.acquire(FEED, "two", at(1), ttl(), &gone).await.expect("its holder is gone");
    assert!(new.token > old.token);
    refused(database.acquire(FEED, "three", at(1), ttl(), &gone).await, FaultKind::Busy);
}

pub(crate) async fn a_renewed_lease_lasts(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    database.renew(&lease, at(9), ttl()).await.expect("renewed");
    refused(database.acquire(FEED, "two", at(18), ttl(), &alive).await, FaultKind::Busy);
    database.acquire(FEED, "two", at(19), ttl(), &alive).await.expect("ran out at last");
}

pub(crate) async fn a_released_lease_is_free_and_its_token_never_repeats(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let lease = leased(&*database).await;
        database.release(&lease).await.expect("released");
        database.release(&lease).await.expect("again");
        refused(database.renew(&lease, at(1), ttl()).await, FaultKind::Busy);
        tokens.push(lease.token);
    }
    assert!(tokens.windows(2).all(|pair| pair[0] < pair[1]), "{tokens:?}");
}

pub(crate) async fn the_holder_is_told_while_it_holds(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let holder = async |now| database.holder(FEED, now).await.expect("read");
    assert_eq!(holder(at(0)).await, None, "never held");
    let lease = leased(&*database).await;
    assert_eq!(holder(at(9)).await.as_deref(), Some("host 1, process 1"));
    assert_eq!(holder(at(10)).await, None, "run out");
    database.renew(&lease, at(9), ttl()).await.expect("renewed");
    assert_eq!(holder(at(10)).await.as_deref(), Some("host 1, process 1"));
    database.release(&lease).await.expect("released");
    assert_eq!(holder(at(10)).await, None, "given back");
    assert_eq!(database.holder("returns", at(0)).await.expect("read"), None, "another feed");
}

pub(crate) async fn every_write_of_a_stale_lease_is_refused(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let stale = leased(&*database).await;
    let batch = published(&*database, &stale, &["a.csv"]).await;
    let current = database.acquire(FEED, "two", at(60), ttl(), &alive).await.expect("ran out");
    let before = database.unfinished(FEED).await.expect("read");
    let files: Vec<SourceFile> = batch.files.iter().map(landing).collect();
    let claim = database.claim(&stale, &BatchKind::Load, today(), "sales_data", &[], at(61)).await;
    let faults = [
        refused(claim, FaultKind::Busy),
        refused(database.landed(&stale, batch.id, "m", &files, at(61)).await, FaultKind::Busy),
        refused(database.committed(&stale, batch.id, &versions(), at(61)).await, FaultKind::Busy),
        refused(database.begin(&stale, batch.id).await, FaultKind::Busy),
        refused(database.archived(&stale, &[(batch.files[0].id, "x".to_owned())], at(61)).await, FaultKind::Busy),
        refused(database.finished(&stale, batch.id, at(61)).await, FaultKind::Busy),
        refused(database.renew(&stale, at(61), ttl()).await, FaultKind::Busy),
    ];
    for fault in faults {
        assert!(fault.what.contains("another run has taken over the lease of feed `sales`"), "{fault}");
    }
    assert_eq!(database.unfinished(FEED).await.expect("read"), before, "nothing was kept");
    archive(&*database, &current, &batch).await;
}

/// Opens the database anew before every step: all that matters is what was committed.
pub(crate) async fn a_batch_lives_from_claim_to_finish(setting: &dyn Setting) {
    migrated(setting).await;
    let lease = leased(&*setting.open().await).await;
    let batch = claimed(&*setting.open().await, &lease, &["b/2.csv", "a/1.csv"]).await;
    assert_eq!(batch.state, BatchState::Claimed);
    assert_eq!((batch.feed.as_str(), batch.claim_date, batch.created), (FEED, today(), at(1)));
    let paths: Vec<&str> = batch.files.iter().map(|file| file.found.path.as_str()).collect();
    assert_eq!(paths, ["a/1.csv", "b/2.csv"]);
    assert_eq!(batch.files[0].location, "sales_data/a/1.csv");
    assert_eq!(batch.files[0].found, found("a/1.csv", 107));
    assert!(batch.files.iter().all(|file| file.active && file.outcome == FileOutcome::Pending));
    assert_eq!(setting.open().await.unfinished(FEED).await.expect("read"), Some(batch.clone()));
    assert_eq!(setting.open().await.last_published(FEED).await.expect("read"), None);

    landed(&*setting.open().await, &lease, &batch).await;
    assert_eq!(state(setting).await, BatchState::Landed { manifest: "manifests/1.json".to_owned() });
    setting.open().await.committed(&lease, batch.id, &versions(), at(3)).await.expect("committed");
    let wanted = BatchState::Committed { manifest: "manifests/1.json".to_owned(), versions: versions() };
    assert_eq!(state(setting).await, wanted);
    let publication = setting.open().await.begin(&lease, batch.id).await.expect("begun");
    publication.commit(at(4)).await.expect("published");
    assert_eq!(state(setting).await, BatchState::Published { versions: versions() });
    let last = setting.open().await.last_published(FEED).await.expect("read").expect("one");
    assert_eq!(last.id, batch.id);

    archive(&*setting.open().await, &lease, &batch).await;
    let database = setting.open().await;
    assert_eq!(database.unfinished(FEED).await.expect("read"), None);
    let done = database.batches(FEED, 10).await.expect("read").pop().expect("one");
    assert_eq!(done.state, BatchState::Finished { versions: versions() });
    assert!(done.files.iter().all(|file| !file.active && file.updated == at(5)));
    assert_eq!(done.files[1].location, "sales_data_processed/b/2.csv");
}

async fn state(setting: &dyn Setting) -> BatchState {
    setting.open().await.unfinished(FEED).await.expect("read").expect("one").state
}

pub(crate) async fn repeating_the_last_write_changes_nothing(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["b.csv", "a.csv"]).await;
    assert_eq!(claimed(&*database, &lease, &["b.csv", "a.csv"]).await, batch, "the same batch again");
    landed(&*database, &lease, &batch).await;
    let once = database.unfinished(FEED).await.expect("read");
    landed(&*database, &lease, &batch).await;
    assert_eq!(database.unfinished(FEED).await.expect("read"), once);
    for _ in 0..2 {
        database.committed(&lease, batch.id, &versions(), at(3)).await.expect("committed");
    }
    database.begin(&lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
    for _ in 0..2 {
        for file in &batch.files {
            database.archived(&lease, &[(file.id, "done/x.csv".to_owned())], at(5)).await.expect("archived");
        }
    }
    for _ in 0..2 {
        database.finished(&lease, batch.id, at(6)).await.expect("finished");
    }
    assert_eq!(database.batches(FEED, 10).await.expect("read").len(), 1);
}

pub(crate) async fn repeating_with_other_arguments_is_refused(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["a.csv"]).await;
    landed(&*database, &lease, &batch).await;
    let mut files: Vec<SourceFile> = batch.files.iter().map(landing).collect();
    refused(database.landed(&lease, batch.id, "another", &files, at(2)).await, FaultKind::Promise);
    files[0].tally.money_cents += 1;
    refused(database.landed(&lease, batch.id, "manifests/1.json", &files, at(2)).await, FaultKind::Promise);
    database.committed(&lease, batch.id, &versions(), at(3)).await.expect("committed");
    refused(database.committed(&lease, batch.id, &BTreeMap::new(), at(3)).await, FaultKind::Promise);
    database.begin(&lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
    let with_a_stranger = [(batch.files[0].id, "here".to_owned()), (999, "here".to_owned())];
    refused(database.archived(&lease, &with_a_stranger, at(5)).await, FaultKind::Promise);
    let file = database.file(batch.files[0].id).await.expect("read").expect("one");
    assert!(file.active && file.location == batch.files[0].location, "of all of them, or of none");
    database.archived(&lease, &[(batch.files[0].id, "here".to_owned())], at(5)).await.expect("archived");
    refused(database.archived(&lease, &[(batch.files[0].id, "there".to_owned())], at(5)).await, FaultKind::Promise);
}

/// Every move from every state: only the arrows are open.
pub(crate) async fn illegal_moves_are_refused(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["a.csv"]).await;
    refused_moves(&*database, &lease, &batch, &["committed", "begin", "archived", "finished"]).await;
    landed(&*database, &lease, &batch).await;
    refused_moves(&*database, &lease, &batch, &["begin", "archived", "finished"]).await;
    database.committed(&lease, batch.id, &versions(), at(3)).await.expect("committed");
    refused_moves(&*database, &lease, &batch, &["landed", "archived", "finished"]).await;
    database.begin(&lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
    refused_moves(&*database, &lease, &batch, &["landed", "committed", "begin", "finished"]).await;
    archive(&*database, &lease, &batch).await;
    refused_moves(&*database, &lease, &batch, &["landed", "committed", "begin"]).await;
    refused(database.committed(&lease, batch.id + 1, &versions(), at(7)).await, FaultKind::Promise);
    refused(database.archived(&lease, &[(999, "x".to_owned())], at(7)).await, FaultKind::Promise);
}

async fn refused_moves(database: &dyn Database, lease: &Lease, batch: &Batch, moves: &[&str]) {
    let files: Vec<SourceFile> = batch.files.iter().map(landing).collect();
    let before = database.batches(FEED, 1).await.expect("read");
    for name in moves {
        let result = match *name {
            "landed" => database.landed(lease, batch.id, "manifests/1.json", &files, at(2)).await,
            "committed" => database.committed(lease, batch.id, &versions(), at(3)).await,
            "begin" => database.begin(lease, batch.id).await.map(drop),
            "archived" => database.archived(lease, &[(batch.files[0].id, "x".to_owned())], at(5)).await,
            _ => database.finished(lease, batch.id, at(6)).await,
        };
        let fault = refused(result, FaultKind::Promise);
        assert!(fault.what.contains(before[0].state.word()), "{name}: {fault}");
    }
    assert_eq!(database.batches(FEED, 1).await.expect("read"), before);
}

pub(crate) async fn every_kind_of_batch_is_kept(setting: &dyn Setting) {
    let kinds = [
        BatchKind::Load,
        BatchKind::Replay { file_ids: vec![3], codes: vec!["bad_date".to_owned()] },
        BatchKind::Revoke { file_ids: vec![1, 2] },
        BatchKind::Complete { months: Vec::new() },
        BatchKind::Complete { months: vec!["2024-03".to_owned()] },
        BatchKind::Fill { marts: vec!["daily_product_sales".to_owned()], months: Vec::new() },
        BatchKind::Fill { marts: vec!["incentive_data_mart".to_owned()], months: vec!["2024-03".to_owned()] },
    ];
    let database = migrated(setting).await;
    for (number, kind) in kinds.iter().enumerate() {
        let feed = format!("feed_{number}");
        let lease = database.acquire(&feed, "me", at(0), ttl(), &alive).await.expect("the lease");
        database.claim(&lease, kind, today(), "sales_data", &[], at(1)).await.expect("claimed");
        let kept = database.unfinished(&feed).await.expect("read").expect("a batch");
        assert_eq!(kept.kind, *kind);
    }
}

pub(crate) async fn one_batch_at_a_time(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["a.csv"]).await;
    let files = [found("b.csv", 1)];
    let second = database.claim(&lease, &BatchKind::Load, today(), "sales_data", &files, at(1)).await;
    let fault = refused(second, FaultKind::Promise);
    assert!(fault.to_string().contains(&format!("batch {}", batch.id)), "{fault}");
    landed(&*database, &lease, &batch).await;
    // The same claim, but its batch has moved on: this is another claim.
    let files = [found("a.csv", 105)];
    let again = database.claim(&lease, &BatchKind::Load, today(), "sales_data", &files, at(1)).await;
    refused(again, FaultKind::Promise);
    assert_eq!(database.files(FEED, &FileFilter::default()).await.expect("read").len(), 1);
}

pub(crate) async fn the_check_decides_of_every_file_once(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["a.csv", "b.csv"]).await;
    let good: Vec<SourceFile> = batch.files.iter().map(landing).collect();
    let mut wrong = Vec::new();
    wrong.push(good[..1].to_vec());
    wrong.push(vec![good[0].clone(), good[0].clone()]);
    wrong.push(batch.files.clone());
    let mut uneven = good.clone();
    uneven[1].tally.rows_read += 1;
    wrong.push(uneven);
    let mut nameless = good.clone();
    nameless[0].digest = None;
    wrong.push(nameless);
    for files in wrong {
        refused(database.landed(&lease, batch.id, "m", &files, at(2)).await, FaultKind::Promise);
    }
    assert_eq!(database.unfinished(FEED).await.expect("read"), Some(batch), "nothing was kept");
}

pub(crate) async fn digest_path_and_size_are_found(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let first = finished(&*database, &lease, &["a.csv"]).await;
    assert_eq!(database.landed_with_digest(FEED, "digest of a.csv").await.expect("read"), Some(first.files[0].id));
    assert_eq!(database.landed_with_digest(FEED, "unknown").await.expect("read"), None);
    assert_eq!(database.landed_sizes(FEED, &[1, 105, u64::MAX]).await.expect("read"), [105]);
    assert_eq!(database.landed_sizes(FEED, &[]).await.expect("read"), [0_u64; 0]);

    // The same path again, other bytes: the newest is told, until it is revoked.
    let second = claimed(&*database, &lease, &["a.csv"]).await;
    let mut file = landing(&second.files[0]);
    file.digest = Some("other bytes".to_owned());
    database.landed(&lease, second.id, "m", &[file], at(2)).await.expect("landed");
    database.committed(&lease, second.id, &versions(), at(3)).await.expect("committed");
    let newest = database.landed_with_path(FEED, "a.csv").await.expect("read").expect("one");
    assert_eq!(newest.id, second.files[0].id);
    let mut publication = database.begin(&lease, second.id).await.expect("begun");
    publication.revoked(first.files[0].id).await.expect("revoked");
    publication.commit(at(4)).await.expect("published");
    assert_eq!(database.landed_with_digest(FEED, "digest of a.csv").await.expect("read"), None);
    assert_eq!(database.landed_with_digest(FEED, "other bytes").await.expect("read"), Some(newest.id));
    let revoked = database.file(first.files[0].id).await.expect("read").expect("one");
    assert_eq!(revoked.outcome, FileOutcome::Revoked { by_batch: second.id });
    assert_eq!(database.landed_with_path(FEED, "b.csv").await.expect("read"), None);
    assert_eq!(database.file(999).await.expect("read"), None);
}

pub(crate) async fn the_same_bytes_land_once(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["a.csv", "b.csv"]).await;
    let mut files: Vec<SourceFile> = batch.files.iter().map(landing).collect();
    files[1].digest = files[0].digest.clone();
    let fault = refused(database.landed(&lease, batch.id, "m", &files, at(2)).await, FaultKind::Promise);
    assert!(fault.to_string().contains("b.csv"), "{fault}");
    files[1].outcome = FileOutcome::Duplicate { of: files[0].id };
    files[1].tally = Tally::default();
    database.landed(&lease, batch.id, "m", &files, at(2)).await.expect("a recorded duplicate");
    let stored = database.file(files[1].id).await.expect("read").expect("one");
    assert_eq!(stored.outcome, FileOutcome::Duplicate { of: files[0].id });
}

pub(crate) async fn kept_files_are_told(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let batch = published(&*database, &lease, &["d/kept.csv", "moved.csv"]).await;
    assert_eq!(database.kept_in_place(FEED).await.expect("read"), [], "still active");
    let (kept, moved) = (&batch.files[0], &batch.files[1]);
    database.archived(&lease, &[(kept.id, kept.location.clone())], at(5)).await.expect("kept");
    database.archived(&lease, &[(moved.id, "sales_data_processed/moved.csv".to_owned())], at(5)).await.expect("moved");
    database.finished(&lease, batch.id, at(6)).await.expect("finished");
    assert_eq!(database.kept_in_place(FEED).await.expect("read"), std::slice::from_ref(&kept.found));
}

pub(crate) async fn files_are_filtered_newest_first(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    finished(&*database, &lease, &["a.csv", "b.csv"]).await;
    let second = claimed(&*database, &lease, &["c.csv"]).await;
    let paths = async |filter: FileFilter| -> Vec<String> {
        let files = database.files(FEED, &filter).await.expect("read");
        files.into_iter().map(|file| file.found.path).collect()
    };
    assert_eq!(paths(FileFilter::default()).await, ["c.csv", "b.csv", "a.csv"]);
    assert_eq!(paths(FileFilter { newest: Some(2), ..FileFilter::default() }).await, ["c.csv", "b.csv"]);
    assert_eq!(paths(FileFilter { batch_id: Some(second.id), ..FileFilter::default() }).await, ["c.csv"]);
    let landed = FileFilter { outcome: Some("landed".to_owned()), newest: Some(1), batch_id: None };
    assert_eq!(paths(landed).await, ["b.csv"]);
    let ids: Vec<i64> = database.batches(FEED, 5).await.expect("read").iter().map(|batch| batch.id).collect();
    assert!(ids.len() == 2 && ids[0] == second.id && ids[0] > ids[1], "{ids:?}");
}

pub(crate) async fn files_are_found_by_claim_date_and_by_id(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    finished(&*database, &lease, &["a.csv", "b.csv"]).await;
    let later = today() + chrono::Days::new(2);
    let files = [found("c.csv", 1)];
    database.claim(&lease, &BatchKind::Load, later, "sales_data", &files, at(1)).await.expect("claimed");
    let paths = |files: Vec<SourceFile>| -> Vec<String> { files.into_iter().map(|file| file.found.path).collect() };
    let claimed = async |first, last| paths(database.files_claimed(FEED, first, last).await.expect("read"));
    assert_eq!(claimed(today(), today()).await, ["b.csv", "a.csv"]);
    assert_eq!(claimed(today(), later).await, ["c.csv", "b.csv", "a.csv"], "both ends");
    assert_eq!(claimed(today() + chrono::Days::new(1), later).await, ["c.csv"]);
    assert_eq!(claimed(later, today()).await, Vec::<String>::new());
    assert_eq!(database.files_claimed("returns", today(), later).await.expect("read"), []);
    let all = database.files(FEED, &FileFilter::default()).await.expect("read");
    let ids: Vec<i64> = all.iter().map(|file| file.id).collect();
    let found = database.files_of_ids(FEED, &[ids[2], ids[0], 999]).await.expect("read");
    assert_eq!(found, [all[0].clone(), all[2].clone()]);
    assert_eq!(database.files_of_ids(FEED, &[]).await.expect("read"), []);
    assert_eq!(database.files_of_ids("returns", &ids).await.expect("read"), []);
}

pub(crate) async fn feeds_do_not_see_each_other(setting: &dyn Setting) {
    let database: Arc<dyn Database> = migrated(setting).await;
    let lease = leased(&*database).await;
    let other = database.acquire("returns", "me", at(0), ttl(), &alive).await.expect("another feed");
    let batch = committed(&*database, &lease, &["a.csv"]).await;
    assert_eq!(database.unfinished("returns").await.expect("read"), None);
    assert_eq!(database.landed_with_digest("returns", "digest of a.csv").await.expect("read"), None);
    refused(database.begin(&other, batch.id).await, FaultKind::Promise);
    let claim = database.claim(&other, &BatchKind::Load, today(), "returns", &[found("a.csv", 1)], at(1)).await;
    assert!(claim.expect("its own batch").id > batch.id);
}

pub(crate) async fn outcomes_and_money_come_back_as_written(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let lease = leased(&*database).await;
    let kind = BatchKind::Replay { file_ids: vec![1, 2], codes: vec!["bad_date".to_owned()] };
    let files = [found("deep/er/x.csv", u64::from(u32::MAX) + 1), found("y.csv", 0)];
    let mut batch = database.claim(&lease, &kind, today(), "", &files, at(1)).await.expect("claimed");
    assert_eq!((&batch.kind, batch.files[0].location.as_str()), (&kind, "deep/er/x.csv"));
    batch.files[0] = SourceFile {
        tally: Tally {
            rows_read: 12,
            rows_landed: 7,
            rows_anonymous: 2,
            rejected: BTreeMap::from([(RowReason::BadDate, 4), (RowReason::UnknownStore, 1)]),
            rows_unknown_product: 3,
            money_cents: -99_999_999_999_999_999_999_999_999_999_999_999_999,
        },
        header: Some(vec![0, 255, b'\n']),
        ..landing(&batch.files[0])
    };
    let fault = FileFault { reason: FileReason::Unreadable, message: "it's \"cut\"\nshort".to_owned(), line: Some(9) };
    batch.files[1].outcome = FileOutcome::Rejected(fault);
    database.landed(&lease, batch.id, "m", &batch.files, at(2)).await.expect("landed");
    let stored = database.unfinished(FEED).await.expect("read").expect("one");
    for (told, kept) in batch.files.iter().zip(&stored.files) {
        assert_eq!(*kept, SourceFile { updated: at(2), ..told.clone() });
    }
}
