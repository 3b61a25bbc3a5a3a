//! A batch enters a table exactly once.

use crate::scene::{LONG_AGO, Root, TABLE, commit, data_file, refused};
use std::sync::Arc;
use tillmart_lake::Commit;
use tillmart_model::FaultKind;
use tokio::sync::Barrier;

#[tokio::test]
async fn the_second_commit_of_a_batch_says_already() {
    let root = Root::with_table().await;
    let first = root.commit(1, &["a.parquet"], &[]).await.expect("committed");
    assert!(!first.already);
    let again = root.commit(1, &["a.parquet"], &[]).await.expect("known");
    assert!(again.already);
    assert_eq!(again.version, first.version);
    assert_eq!(root.paths(None).await, ["a.parquet"]);
    assert_eq!(root.lake().snapshot(TABLE, None).await.expect("read").expect("a table").version, first.version);
}

/// A run that was thought dead and its successor write the same batch from the same snapshot, each with its own files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_racing_commits_of_a_batch_one_enters() {
    let root = Root::with_table().await;
    for round in 1..=20 {
        let barrier = Arc::new(Barrier::new(2));
        let racers: Vec<_> = ["one", "other"]
            .into_iter()
            .map(|name| {
                let (lake, barrier) = (root.lake(), Arc::clone(&barrier));
                tokio::spawn(async move {
                    barrier.wait().await;
                    commit(&lake, round, &[&format!("{name}-{round:02}.parquet")], &[]).await
                })
            })
            .collect();
        let mut entered = 0;
        for racer in racers {
            let committed = racer.await.expect("joined").unwrap_or_else(|fault| panic!("round {round}: {fault}"));
            entered += u32::from(!committed.already);
        }
        assert_eq!(entered, 1, "round {round}");
        let paths = root.paths(None).await;
        let of_round = paths.iter().filter(|path| path.ends_with(&format!("-{round:02}.parquet"))).count();
        assert_eq!((of_round, paths.len() as i64), (1, round), "{paths:?}");
    }
}

/// Batches of two feeds do not know each other's numbers.
#[tokio::test]
async fn every_application_has_its_own_numbers() {
    let root = Root::with_table().await;
    root.commit(7, &["a.parquet"], &[]).await.expect("committed");
    let file = data_file("b.parquet");
    let other = Commit {
        table: TABLE,
        application: Some("tillmart/other"),
        batch_id: 3,
        adds: vec![&file],
        removes: Vec::new(),
        data_change: true,
        now_ms: LONG_AGO,
    };
    assert!(!root.lake().commit(&other).await.expect("committed").already);
    assert_eq!(root.paths(None).await, ["a.parquet", "b.parquet"]);
}

#[tokio::test]
async fn an_earlier_batch_is_refused_once_a_later_one_is_in() {
    let root = Root::with_table().await;
    root.commit(2, &["b.parquet"], &[]).await.expect("committed");
    let fault = refused(root.commit(1, &["a.parquet"], &[]).await, FaultKind::Promise);
    assert!(fault.to_string().contains("batch 2") && fault.to_string().contains(TABLE), "{fault}");
    assert_eq!(root.paths(None).await, ["b.parquet"]);
}

#[tokio::test]
async fn files_leave_as_others_come_in_one_commit() {
    let root = Root::with_table().await;
    root.commit(1, &["a.parquet", "b.parquet"], &[]).await.expect("committed");
    let before = root.paths(None).await;
    let replaced = root.commit(2, &["c.parquet"], &["a.parquet"]).await.expect("committed");
    assert_eq!(root.paths(None).await, ["b.parquet", "c.parquet"]);
    assert_eq!(root.paths(Some(replaced.version - 1)).await, before);
}

#[tokio::test]
async fn a_file_that_is_not_in_the_table_cannot_be_removed() {
    let root = Root::with_table().await;
    root.commit(1, &["a.parquet"], &[]).await.expect("committed");
    let fault = refused(root.commit(2, &["c.parquet"], &["a.parquet", "b.parquet"]).await, FaultKind::Promise);
    assert!(fault.to_string().contains("b.parquet"), "{fault}");
    assert_eq!(root.paths(None).await, ["a.parquet"]);
    // Nothing of it remains: the same batch can still be done right.
    root.commit(2, &["c.parquet"], &["a.parquet"]).await.expect("committed");
    // Taken out once, it cannot be taken out again.
    refused(root.commit(3, &[], &["a.parquet"]).await, FaultKind::Promise);
}

#[tokio::test]
async fn a_table_that_was_never_made_is_refused() {
    let root = Root::new();
    refused(root.commit(1, &["a.parquet"], &[]).await, FaultKind::Table);
}

/// Compaction carries no batch; the batches before and after it are still told apart.
#[tokio::test]
async fn compaction_leaves_the_batches_numbers_alone() {
    let root = Root::with_table().await;
    root.commit(1, &["a.parquet", "b.parquet"], &[]).await.expect("committed");
    let file = data_file("ab.parquet");
    let compaction = Commit {
        table: TABLE,
        application: None,
        batch_id: 0,
        adds: vec![&file],
        removes: vec!["a.parquet", "b.parquet"],
        data_change: false,
        now_ms: LONG_AGO,
    };
    root.lake().commit(&compaction).await.expect("committed");
    assert!(root.commit(1, &["a.parquet", "b.parquet"], &[]).await.expect("known").already);
    assert!(!root.commit(2, &["c.parquet"], &[]).await.expect("committed").already);
    assert_eq!(root.paths(None).await, ["ab.parquet", "c.parquet"]);
}
