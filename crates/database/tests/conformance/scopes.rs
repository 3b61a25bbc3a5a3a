//! What a scope may be called.

use crate::Setting;
use crate::scene::{
    Paid, Sum, at, committed, leased, migrated, paid, state_rows, sums, target_rows, team_state, team_target, whole,
};

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
