//! What a scope may be called, and tables that share one.

use crate::Setting;
use crate::scene::{
    Paid, Sum, at, committed, leased, migrated, paid, state_rows, sums, target_rows, team_state, team_target, whole,
};
use tillmart_database::TargetTable;

/// Beside each other in one statement, these look like the end of a text, or like the name of a value to be put there.
pub(crate) async fn no_scope_is_taken_for_syntax(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let (state, target) = (team_state(), team_target());
    database.prepare(&state, &target).await.expect("prepared");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut words = ["AC\\", "size:xl", "\\", "?", ":x", "\\':x", "it's :x", "`:x", "\":x", "-- :x", "/*:x"];
    words.sort_unstable();
    let rows: Vec<Sum> = words.iter().map(|word| (1, *word, 1, 0, 100, 1, 1)).collect();
    let published: Vec<Paid> = words.iter().map(|word| (1, 1, None, *word, 100)).collect();
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&state, &sums(&rows), 1).await.expect("merged");
    assert_eq!(whole(&state.schema, &publication.touched(&state).await.expect("touched")), sums(&rows));
    let changed = publication.replace(&state, &target, &[paid(&published)]).await.expect("replaced");
    assert_eq!(changed, words.len() as u64);
    publication.merge(&state, &sums(&rows[1..]), -1).await.expect("taken back");
    assert_eq!(whole(&state.schema, &publication.touched(&state).await.expect("touched")), sums(&rows[..1]));
    let changed = publication.replace(&state, &target, &[paid(&published[..1])]).await.expect("replaced");
    assert_eq!(changed, words.len() as u64 - 1);
    publication.commit(at(4)).await.expect("published");
    assert_eq!(state_rows(&*database).await, sums(&rows[..1]));
    assert_eq!(target_rows(&*database).await, paid(&published[..1]));
}

/// A second table over the same state is replaced beside the first, for the same scopes, and neither knows of the other.
pub(crate) async fn two_tables_share_a_state(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let (state, target) = (team_state(), team_target());
    let second = TargetTable { name: "incentive_data_mart".to_owned(), ..team_target() };
    database.prepare(&state, &target).await.expect("prepared");
    database.prepare(&state, &second).await.expect("prepared beside it");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    let rows = sums(&[(1, "2024-01", 1, 0, 100, 1, 1), (2, "2024-02", 1, 0, 200, 1, 1)]);
    publication.merge(&state, &rows, 1).await.expect("merged");
    let first = paid(&[(1, 1, None, "2024-01", 100), (1, 2, None, "2024-02", 200)]);
    // Other rows than the first table has, among them somebody of whom the state knows nothing.
    let other = paid(&[(1, 1, None, "2024-01", 1), (1, 7, None, "2024-01", 2), (1, 2, None, "2024-02", 3)]);
    assert_eq!(whole(&state.schema, &publication.touched(&state).await.expect("touched")), rows);
    assert_eq!(publication.replace(&state, &target, std::slice::from_ref(&first)).await.expect("replaced"), 2);
    assert_eq!(whole(&state.schema, &publication.touched(&state).await.expect("touched again")), rows);
    assert_eq!(publication.replace(&state, &second, std::slice::from_ref(&other)).await.expect("replaced"), 3);
    let left = paid(&[(1, 1, None, "2024-01", 1), (1, 2, None, "2024-02", 3)]);
    assert_eq!(publication.replace(&state, &second, std::slice::from_ref(&left)).await.expect("replaced"), 1);
    publication.commit(at(4)).await.expect("published");
    assert_eq!(target_rows(&*database).await, first);
    let read = database.read_target(&second).await.expect("read");
    assert_eq!(whole(&second.schema, &read), left);
}
