//! Which marts hold everything, and how those that do not are made room in.

use crate::Setting;
use crate::publishing::prepared;
use crate::scene::{FEED, archive, at, committed, paid, state_rows, sums, target_rows, team_state, team_target};

const MAY: [crate::scene::Sum; 2] = [(7, "2024-05", 1, 19_850, 1_750, 3, 2), (9, "2024-05", 2, 19_850, -10, -1, 1)];

pub(crate) async fn a_mart_is_cleared_and_filled_anew(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    let rows = paid(&[(1, 7, None, "2024-05", 1_750), (2, 9, None, "2024-05", -10)]);
    publication.replace(&team_state(), &team_target(), std::slice::from_ref(&rows)).await.expect("replaced");
    publication.commit(at(4)).await.expect("published");
    archive(&*database, &lease, &batch).await;

    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.clear(Some(&team_state()), &team_target()).await.expect("cleared");
    drop(publication);
    assert_eq!(state_rows(&*database).await, sums(&MAY), "nothing of a publication that was dropped");
    assert_eq!(target_rows(&*database).await, rows);

    let june = sums(&[(7, "2024-06", 1, 19_880, 500, 1, 1)]);
    let of_june = paid(&[(1, 7, None, "2024-06", 500)]);
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.clear(Some(&team_state()), &team_target()).await.expect("cleared");
    publication.merge(&team_state(), &june, 1).await.expect("merged");
    publication.replace(&team_state(), &team_target(), std::slice::from_ref(&of_june)).await.expect("replaced");
    publication.commit(at(4)).await.expect("published");
    assert_eq!(state_rows(&*database).await, june);
    assert_eq!(target_rows(&*database).await, of_june);
}

pub(crate) async fn where_marts_stand_is_kept_with_the_publication(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert!(database.marts_standing(FEED).await.expect("read").is_empty());
    let first = committed(&*database, &lease, &[]).await;
    for kept in [false, true] {
        let mut publication = database.begin(&lease, first.id).await.expect("begun");
        publication.stands(&names(&["sales_data_mart", "Team"])).await.expect("noted");
        if kept {
            publication.commit(at(4)).await.expect("published");
        } else {
            drop(publication);
            assert!(database.marts_standing(FEED).await.expect("read").is_empty(), "nothing of what was dropped");
        }
    }
    archive(&*database, &lease, &first).await;
    let second = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, second.id).await.expect("begun");
    publication.stands(&names(&["sales_data_mart", "team"])).await.expect("noted");
    publication.commit(at(4)).await.expect("published");
    let standing = setting.open().await.marts_standing(FEED).await.expect("read");
    let expected = [("Team", first.id), ("sales_data_mart", second.id), ("team", second.id)];
    assert_eq!(standing.into_iter().collect::<Vec<_>>(), expected.map(|(mart, batch)| (mart.to_owned(), batch)));
    assert!(database.marts_standing("another feed").await.expect("read").is_empty());
}
