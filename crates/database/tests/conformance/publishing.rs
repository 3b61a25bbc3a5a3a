//! Rollup state and published marts.

use crate::scene::{
    FEED, Paid, Sum, alive, archive, at, committed, finished, leased, migrated, paid, refused, state_rows, sums,
    target_rows, team_state, team_target, today, ttl, versions, whole,
};
use crate::{Database, Setting};
use arrow::array::{ArrayRef, Decimal128Array, Int64Array, LargeStringArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::{Lease, Publication, StateTable, TargetTable};
use tillmart_model::{BatchKind, BatchState, FaultKind, FileOutcome, RowReason, SourceFile, Tally};

/// A database with the team mart's tables and a lease.
pub(crate) async fn prepared(setting: &dyn Setting) -> (Arc<dyn Database>, Lease) {
    let database = migrated(setting).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    database.prepare(&team_state(), &team_target()).await.expect("prepared again");
    let lease = leased(&*database).await;
    (database, lease)
}

/// Publishes one batch without files.
async fn publish(database: &dyn Database, lease: &Lease, merges: &[(&RecordBatch, i64)]) {
    let batch = committed(database, lease, &[]).await;
    let mut publication = database.begin(lease, batch.id).await.expect("begun");
    for (delta, sign) in merges {
        publication.merge(&team_state(), delta, *sign).await.expect("merged");
    }
    publication.commit(at(4)).await.expect("published");
    archive(database, lease, &batch).await;
}

async fn open(database: &dyn Database, lease: &Lease) -> Box<dyn Publication> {
    let batch = committed(database, lease, &[]).await;
    database.begin(lease, batch.id).await.expect("begun")
}

const MAY: [Sum; 3] = [
    (7, "2024-05", 1, 19_850, 1_250, 2, 1),
    (7, "2024-05", 1, 19_851, 500, 1, 1),
    (9, "2024-05", 2, 19_850, -10, -1, 1),
];

pub(crate) async fn state_is_merged_and_taken_back_to_nothing(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let delta = sums(&MAY);
    publish(&*database, &lease, &[(&delta, 1)]).await;
    assert_eq!(state_rows(&*database).await, sums(&MAY), "in key order");
    let more = sums(&[(9, "2024-05", 2, 19_850, 30, 5, 2), (9, "2024-05", 2, 19_850, 1, 1, 1)]);
    publish(&*database, &lease, &[(&more, 1)]).await;
    let mut merged = MAY;
    merged[2] = (9, "2024-05", 2, 19_850, 21, 5, 4);
    assert_eq!(state_rows(&*setting.open().await).await, sums(&merged), "keys may repeat");
    publish(&*database, &lease, &[(&delta, -1), (&more, -1)]).await;
    assert_eq!(state_rows(&*database).await.num_rows(), 0);
}

pub(crate) async fn a_sum_of_zero_stays_while_rows_are_landed(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let sale = sums(&[(7, "2024-05", 1, 19_850, 1_250, 2, 1)]);
    let its_return = sums(&[(7, "2024-05", 1, 19_850, -1_250, -2, 1)]);
    publish(&*database, &lease, &[(&sale, 1)]).await;
    publish(&*database, &lease, &[(&its_return, 1)]).await;
    assert_eq!(state_rows(&*database).await, sums(&[(7, "2024-05", 1, 19_850, 0, 0, 2)]));
}

pub(crate) async fn taking_back_more_than_was_merged_is_refused(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    publish(&*database, &lease, &[(&sums(&MAY), 1)]).await;
    let batch = committed(&*database, &lease, &[]).await;
    // More rows than there are; all rows, but not all of their money.
    for row in [(7, "2024-05", 1, 19_850, 1_250, 2, 2), (7, "2024-05", 1, 19_850, 1_249, 2, 1)] {
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        publication.merge(&team_state(), &sums(&[row]), -1).await.expect("merged");
        let fault = refused(publication.touched(&team_state()).await, FaultKind::Promise);
        assert!(fault.to_string().contains("sales_person_id 7"), "{fault}");
        refused(publication.commit(at(4)).await, FaultKind::Database);
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        publication.merge(&team_state(), &sums(&[row]), -1).await.expect("merged");
        refused(publication.commit(at(4)).await, FaultKind::Promise);
    }
    assert_eq!(state_rows(&*database).await, sums(&MAY));
    // Taken back before it comes, within one publication: only the end counts.
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    let june = sums(&[(7, "2024-06", 1, 19_880, 5, 1, 1)]);
    publication.merge(&team_state(), &june, -1).await.expect("merged");
    publication.merge(&team_state(), &june, 1).await.expect("merged");
    publication.commit(at(4)).await.expect("published");
    assert_eq!(state_rows(&*database).await, sums(&MAY));
}

pub(crate) async fn an_overflow_is_refused_and_leaves_nothing(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let batch = committed(&*database, &lease, &[]).await;
    for (extreme, one) in [(i64::MAX, 1), (i64::MIN, -1), (i64::MAX, i64::MAX), (i64::MIN, i64::MIN)] {
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        publication.merge(&team_state(), &sums(&[(1, "2024-05", 1, 0, 0, extreme, 1)]), 1).await.expect("64 bits");
        let second = publication.merge(&team_state(), &sums(&[(1, "2024-05", 1, 0, 0, one, 1)]), 1).await;
        let fault = refused(second, FaultKind::Promise);
        assert!(fault.what.contains("range"), "{fault}");
        refused(publication.touched(&team_state()).await, FaultKind::Database);
        drop(publication);
        assert_eq!(state_rows(&*database).await.num_rows(), 0);
    }
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    let lowest = sums(&[(1, "2024-05", 1, 0, 0, i64::MIN, 1)]);
    refused(publication.merge(&team_state(), &lowest, -1).await, FaultKind::Promise);
}

pub(crate) async fn a_sum_beyond_its_decimal_is_refused(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let most = 999_999_999_999;
    publish(&*database, &lease, &[(&sums(&[(1, "2024-05", 1, 0, most, 0, 1)]), 1)]).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    let cent = publication.merge(&team_state(), &sums(&[(1, "2024-05", 1, 0, 1, 0, 1)]), 1).await;
    let fault = refused(cent, FaultKind::Promise);
    assert!(fault.to_string().contains("Decimal128(12, 2)") && fault.to_string().contains("2024-05"), "{fault}");
    drop(publication);
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    let huge = sums(&[(2, "2024-05", 1, 0, i128::MAX, 0, 1)]);
    refused(publication.merge(&team_state(), &huge, 1).await, FaultKind::Promise);
    drop(publication);
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    let beyond = paid(&[(1, 7, None, "2024-05", most + 1)]);
    let fault = refused(publication.replace(&team_state(), &team_target(), &[beyond]).await, FaultKind::Promise);
    assert!(fault.to_string().contains("total_sales"), "{fault}");
}

pub(crate) async fn a_dropped_publication_leaves_no_trace(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let first = finished(&*database, &lease, &["a.csv"]).await;
    let batch = committed(&*database, &lease, &["b.csv"]).await;
    let before = database.batches(FEED, 10).await.expect("read");
    for _ in 0..2 {
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
        let rows = [paid(&[(1, 7, None, "2024-05", 1)])];
        assert_eq!(publication.replace(&team_state(), &team_target(), &rows).await.expect("replaced"), 1);
        publication.revoked(first.files[0].id).await.expect("revoked");
        // A reader of the same moment sees nothing of it.
        assert_eq!(state_rows(&*database).await.num_rows(), 0);
        drop(publication);
        assert_eq!(state_rows(&*database).await.num_rows(), 0);
        assert_eq!(target_rows(&*database).await.num_rows(), 0);
        assert_eq!(database.batches(FEED, 10).await.expect("read"), before);
    }
}

pub(crate) async fn a_batch_is_published_once(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let batch = committed(&*database, &lease, &[]).await;
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    publication.commit(at(4)).await.expect("published");
    let again = setting.open().await;
    let fault = refused(again.begin(&lease, batch.id).await, FaultKind::Promise);
    assert!(fault.what.contains("published"), "{fault}");
    assert_eq!(state_rows(&*again).await, sums(&MAY));
    let state = again.unfinished(FEED).await.expect("read").expect("one").state;
    assert_eq!(state, BatchState::Published { versions: versions() });
}

pub(crate) async fn a_stale_lease_cannot_publish(setting: &dyn Setting) {
    let (database, stale) = prepared(setting).await;
    let batch = committed(&*database, &stale, &[]).await;
    let current = database.acquire(FEED, "two", at(60), ttl(), &alive).await.expect("ran out");
    refused(database.begin(&stale, batch.id).await, FaultKind::Busy);
    database.begin(&current, batch.id).await.expect("begun").commit(at(61)).await.expect("published by the successor");
}

/// The heartbeat of a run goes on while it publishes, and what it said holds afterwards.
pub(crate) async fn a_renewal_during_a_publication_is_carried(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let batch = committed(&*database, &lease, &[]).await;
    let publication = database.begin(&lease, batch.id).await.expect("begun");
    database.renew(&lease, at(9), ttl()).await.expect("renewed, without waiting for the publication");
    let fault = refused(database.acquire(FEED, "two", at(5), ttl(), &alive).await, FaultKind::Busy);
    assert!(fault.to_string().contains("process 1"), "{fault}");
    publication.commit(at(9)).await.expect("published");
    refused(database.acquire(FEED, "two", at(18), ttl(), &alive).await, FaultKind::Busy);
    // After a publication was dropped, renewals are written at once again.
    archive(&*database, &lease, &batch).await;
    let publication = open(&*database, &lease).await;
    drop(publication);
    database.renew(&lease, at(19), ttl()).await.expect("renewed");
    refused(setting.open().await.acquire(FEED, "two", at(28), ttl(), &alive).await, FaultKind::Busy);
}

const PAID: [Paid; 3] = [
    (1, 7, Some("Zo\u{eb} O'Neil"), "2024-05", 1_750),
    (2, 9, None, "2024-05", -10),
    (2, 11, Some(""), "2024-05", 999_999_999_999),
];

pub(crate) async fn replace_changes_only_what_differs(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let mut publication = open(&*database, &lease).await;
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    let halves = [paid(&PAID[2..]), paid(&PAID[..2])];
    assert_eq!(publication.replace(&team_state(), &team_target(), &halves).await.expect("replaced"), 3);
    assert_eq!(publication.replace(&team_state(), &team_target(), &halves).await.expect("replaced"), 0);
    publication.commit(at(4)).await.expect("published");
    assert_eq!(target_rows(&*setting.open().await).await, paid(&PAID), "in key order, to the cent");

    // Only store 2 is touched: one row differs, one vanishes, one comes, and store 1 stays.
    let batch = database.unfinished(FEED).await.expect("read").expect("one");
    archive(&*database, &lease, &batch).await;
    let mut publication = open(&*database, &lease).await;
    publication.merge(&team_state(), &sums(&MAY[2..]), 1).await.expect("merged");
    let rows = [paid(&[(2, 9, Some("now named"), "2024-05", -10), (2, 12, None, "2024-05", 5)])];
    assert_eq!(publication.replace(&team_state(), &team_target(), &rows).await.expect("replaced"), 3);
    publication.commit(at(4)).await.expect("published");
    let wanted = [PAID[0], (2, 9, Some("now named"), "2024-05", -10), (2, 12, None, "2024-05", 5)];
    assert_eq!(target_rows(&*database).await, paid(&wanted));

    let batch = database.unfinished(FEED).await.expect("read").expect("one");
    archive(&*database, &lease, &batch).await;
    let mut publication = open(&*database, &lease).await;
    assert_eq!(publication.replace(&team_state(), &team_target(), &[]).await.expect("nothing touched"), 0);
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    assert_eq!(publication.replace(&team_state(), &team_target(), &[]).await.expect("all vanish"), 3);
    publication.commit(at(4)).await.expect("published");
    assert_eq!(target_rows(&*database).await.num_rows(), 0);
}

pub(crate) async fn replace_refuses_rows_outside_the_scope(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let mut publication = open(&*database, &lease).await;
    let outside = [paid(&[(3, 7, None, "2024-05", 1)])];
    refused(publication.replace(&team_state(), &team_target(), &outside).await, FaultKind::Promise);
    drop(publication);
    let batch = database.unfinished(FEED).await.expect("read").expect("one");
    let mut publication = database.begin(&lease, batch.id).await.expect("begun");
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    let fault = refused(publication.replace(&team_state(), &team_target(), &outside).await, FaultKind::Promise);
    assert!(fault.to_string().contains("sales_month, store_id"), "{fault}");
}

pub(crate) async fn replace_refuses_two_rows_of_a_key(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let mut publication = open(&*database, &lease).await;
    publication.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
    let twice = [paid(&[PAID[0], (1, 7, None, "2024-05", 3)])];
    let fault = refused(publication.replace(&team_state(), &team_target(), &twice).await, FaultKind::Promise);
    assert!(fault.to_string().contains("store_id 1, sales_person_id 7, sales_month 2024-05"), "{fault}");
}

pub(crate) async fn touched_tells_whole_scopes_only(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    publish(&*database, &lease, &[(&sums(&MAY), 1), (&sums(&[(7, "2024-06", 1, 19_880, 5, 1, 1)]), 1)]).await;
    let mut publication = open(&*database, &lease).await;
    let state = team_state();
    assert_eq!(publication.touched(&state).await.expect("none"), []);
    publication.merge(&state, &sums(&[(8, "2024-05", 1, 19_855, 1, 1, 1)]), 1).await.expect("merged");
    publication.merge(&state, &sums(&[(7, "2024-05", 1, 19_850, 1_250, 2, 1)]), -1).await.expect("merged");
    let touched = whole(&state.schema, &publication.touched(&state).await.expect("touched"));
    assert_eq!(touched, sums(&[(7, "2024-05", 1, 19_851, 500, 1, 1), (8, "2024-05", 1, 19_855, 1, 1, 1)]));
    publication.commit(at(4)).await.expect("published");
}

pub(crate) async fn a_mart_without_scope_is_one_scope(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let state = StateTable { scope: Vec::new(), ..team_state() };
    let target = TargetTable { scope: Vec::new(), ..team_target() };
    database.prepare(&state, &target).await.expect("prepared");
    let lease = leased(&*database).await;
    let mut publication = open(&*database, &lease).await;
    assert_eq!(publication.touched(&state).await.expect("none"), []);
    publication.merge(&state, &sums(&MAY), 1).await.expect("merged");
    assert_eq!(whole(&state.schema, &publication.touched(&state).await.expect("all")), sums(&MAY));
    assert_eq!(publication.replace(&state, &target, &[paid(&PAID)]).await.expect("replaced"), 3);
    assert_eq!(publication.replace(&state, &target, &[paid(&PAID[..1])]).await.expect("replaced"), 2);
    publication.commit(at(4)).await.expect("published");
}

pub(crate) async fn replays_and_revokes_are_counted(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let batch = crate::scene::claimed(&*database, &lease, &["a.csv"]).await;
    let tally = Tally {
        rows_read: 10,
        rows_landed: 7,
        rejected: BTreeMap::from([(RowReason::UnknownCustomer, 3)]),
        money_cents: 700,
        ..Tally::default()
    };
    let files: Vec<SourceFile> =
        batch.files.iter().map(|file| SourceFile { tally: tally.clone(), ..crate::scene::landing(file) }).collect();
    database.landed(&lease, batch.id, "m", &files, at(2)).await.expect("landed");
    database.committed(&lease, batch.id, &versions(), at(3)).await.expect("committed");
    database.begin(&lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
    archive(&*database, &lease, &batch).await;
    let file = batch.files[0].id;

    let kind = BatchKind::Replay { file_ids: vec![file], codes: Vec::new() };
    let replay = database.claim(&lease, &kind, today(), "sales_data", &[], at(7)).await.expect("claimed");
    database.landed(&lease, replay.id, "m", &[], at(7)).await.expect("landed");
    database.committed(&lease, replay.id, &versions(), at(7)).await.expect("committed");
    let two = Tally { rows_read: 2, rows_landed: 2, rows_anonymous: 1, money_cents: -50, ..Tally::default() };
    let mut publication = database.begin(&lease, replay.id).await.expect("begun");
    publication.replayed(file, &two).await.expect("counted");
    refused(publication.replayed(file, &two).await, FaultKind::Promise);
    let mut publication = database.begin(&lease, replay.id).await.expect("begun");
    publication.replayed(file, &two).await.expect("counted");
    publication.commit(at(8)).await.expect("published");
    database.finished(&lease, replay.id, at(8)).await.expect("finished");
    let stored = database.file(file).await.expect("read").expect("one");
    assert_eq!((stored.rows_replayed, stored.tally.money_cents, stored.tally.rows_anonymous), (2, 650, 1));
    assert_eq!((stored.tally.rows_landed, stored.tally.rejected), (7, tally.rejected), "as its own batch counted them");

    let kind = BatchKind::Revoke { file_ids: vec![file] };
    let revoke = database.claim(&lease, &kind, today(), "sales_data", &[], at(9)).await.expect("claimed");
    database.landed(&lease, revoke.id, "m", &[], at(9)).await.expect("landed");
    database.committed(&lease, revoke.id, &versions(), at(9)).await.expect("committed");
    let mut publication = database.begin(&lease, revoke.id).await.expect("begun");
    publication.revoked(file).await.expect("revoked");
    publication.revoked(file).await.expect("once is as good as twice");
    publication.commit(at(10)).await.expect("published");
    let stored = database.file(file).await.expect("read").expect("one");
    assert_eq!(stored.outcome, FileOutcome::Revoked { by_batch: revoke.id });
    database.finished(&lease, revoke.id, at(10)).await.expect("finished");
    let mut publication = open(&*database, &lease).await;
    refused(publication.revoked(file).await, FaultKind::Promise);
}

pub(crate) async fn another_table_of_the_same_name_is_refused(setting: &dyn Setting) {
    let (database, _) = prepared(setting).await;
    let mut fields = team_target().schema.fields().to_vec();
    fields.push(Arc::new(Field::new("incentive", DataType::Decimal128(16, 2), true)));
    let wider = TargetTable { schema: Arc::new(Schema::new(fields)), ..team_target() };
    let fault = refused(database.prepare(&team_state(), &wider).await, FaultKind::Database);
    let told = fault.to_string();
    assert!(told.contains("`sales_team_data_mart`") && told.contains("incentive"), "{told}");
    let keyed = TargetTable { key: vec!["store_id".to_owned()], ..team_target() };
    let fault = refused(database.prepare(&team_state(), &keyed).await, FaultKind::Database);
    assert!(fault.to_string().contains("primary key (store_id)"), "{fault}");
    for name in
        ["customer", "product_staging_table", "tillmart_batch", "sqlite_x", "a b", "x\"; DROP TABLE store; --", ""]
    {
        let stolen = TargetTable { name: name.to_owned(), ..team_target() };
        refused(database.prepare(&team_state(), &stolen).await, FaultKind::Mart);
    }
    let unknown = TargetTable { key: vec!["nobody".to_owned()], ..team_target() };
    refused(database.prepare(&team_state(), &unknown).await, FaultKind::Mart);
    database.prepare(&team_state(), &team_target()).await.expect("the right one is still welcome");
}

pub(crate) async fn null_keys_and_other_columns_are_refused(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let batch = committed(&*database, &lease, &[]).await;
    let good = sums(&MAY[..1]);
    let nullable: Vec<Field> =
        good.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let nullable = Arc::new(Schema::new(nullable));
    for at_column in [0, 4, 6] {
        let mut columns = good.columns().to_vec();
        columns[at_column] = arrow::array::new_null_array(columns[at_column].data_type(), 1);
        let delta = RecordBatch::try_new(Arc::clone(&nullable), columns).expect("a batch");
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        let fault = refused(publication.merge(&team_state(), &delta, 1).await, FaultKind::Promise);
        assert!(fault.what.contains(good.schema().field(at_column).name()), "{fault}");
    }
    for wrong in [paid(&PAID), good.project(&[0, 1, 2]).expect("fewer columns")] {
        let mut publication = database.begin(&lease, batch.id).await.expect("begun");
        refused(publication.merge(&team_state(), &wrong, 1).await, FaultKind::Promise);
    }
}

/// Histories of batches that come and are taken back, in any order, leave what a recount of the rest yields.
pub(crate) async fn random_merges_equal_a_recount(setting: &dyn Setting) {
    let seed: u64 = std::env::var("TILLMART_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_240_701);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (database, lease) = prepared(setting).await;
    let mut standing: Vec<Vec<Sum>> = Vec::new();
    for _ in 0..24 {
        let back = if standing.len() > 2 && random.random_bool(0.4) {
            Some(standing.swap_remove(random.random_range(0..standing.len())))
        } else {
            None
        };
        let rows = random.random_range(0..40);
        let delta: Vec<Sum> = (0..rows).map(|_| random_sum(&mut random)).collect();
        let batch = committed(&*database, &lease, &[]).await;
        // Sometimes the first attempts are given up half-way.
        let attempts = random.random_range(1..4);
        for attempt in 1..=attempts {
            let mut publication = database.begin(&lease, batch.id).await.expect("begun");
            if let Some(back) = &back {
                publication.merge(&team_state(), &sums(back), -1).await.expect("taken back");
            }
            publication.merge(&team_state(), &sums(&delta), 1).await.expect("merged");
            if attempt == attempts {
                publication.commit(at(4)).await.expect("published");
            }
        }
        standing.push(delta);
        assert_eq!(state_rows(&*database).await, sums(&recount(&standing)), "TILLMART_SEED={seed}");
        archive(&*database, &lease, &batch).await;
    }
}

fn random_sum(random: &mut Xoshiro256PlusPlus) -> Sum {
    let month = ["2024-04", "2024-05", "2024-06"][random.random_range(0..3)];
    let (person, store, day) = (random.random_range(1..4), random.random_range(1..3), random.random_range(0..4));
    (person, month, store, day, random.random_range(-500..500), random.random_range(-3..4), random.random_range(1..3))
}

fn recount(deltas: &[Vec<Sum>]) -> Vec<Sum> {
    let mut counted: BTreeMap<_, (i128, i64, i64)> = BTreeMap::new();
    for row in deltas.iter().flatten() {
        let sum = counted.entry((row.0, row.1, row.2, row.3)).or_default();
        *sum = (sum.0 + row.4, sum.1 + row.5, sum.2 + row.6);
    }
    counted.into_iter().map(|(key, sum)| (key.0, key.1, key.2, key.3, sum.0, sum.1, sum.2)).collect()
}

/// Engines hand text over in several layouts.
pub(crate) async fn text_of_any_layout_is_taken(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let good = sums(&MAY);
    let months = ["2024-05"; 3];
    let layouts: [ArrayRef; 2] =
        [Arc::new(StringViewArray::from_iter_values(months)), Arc::new(LargeStringArray::from_iter_values(months))];
    for column in layouts {
        let mut fields: Vec<Field> = good.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        fields[1] = Field::new("sales_month", column.data_type().clone(), false);
        let mut columns = good.columns().to_vec();
        columns[1] = column;
        let delta = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch");
        publish(&*database, &lease, &[(&delta, 1)]).await;
    }
    let state = state_rows(&*database).await;
    assert_eq!(state.num_rows(), 3);
    let totals: &Decimal128Array = arrow::array::AsArray::as_primitive(state.column(4));
    assert_eq!(totals.values().to_vec(), [2_500, 1_000, -20]);
    let rows: &Int64Array = arrow::array::AsArray::as_primitive(state.column(6));
    assert_eq!(rows.values().to_vec(), [2, 2, 2]);
}

/// Neither case, nor accents, nor a blank at the end makes two keys one, in the state as in the published table.
pub(crate) async fn texts_are_keys_byte_by_byte(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let state = StateTable { scope: vec!["sales_month".to_owned()], ..team_state() };
    let target = TargetTable { scope: vec!["sales_month".to_owned()], ..team_target() };
    database.prepare(&state, &target).await.expect("prepared");
    let lease = leased(&*database).await;
    let words = ["", " ", "\0", "Tea", "tea", "tea ", "tea\u{301}", "te\u{e1}", "\\", "'", "\u{1F9FE}"];
    let rows: Vec<Sum> = words.iter().map(|word| (1, *word, 1, 0, 100, 1, 1)).collect();
    let published: Vec<Paid> = words.iter().map(|word| (1, 1, Some(*word), *word, 100)).collect();
    let mut publication = open(&*database, &lease).await;
    publication.merge(&state, &sums(&rows), 1).await.expect("merged");
    let mut sorted = rows.clone();
    sorted.sort_by_key(|row| row.1);
    let touched = whole(&state.schema, &publication.touched(&state).await.expect("touched"));
    assert_eq!(touched, sums(&sorted));
    let all = [paid(&published)];
    assert_eq!(publication.replace(&state, &target, &all).await.expect("replaced"), words.len() as u64);
    assert_eq!(publication.replace(&state, &target, &all).await.expect("replaced"), 0);
    let half = [paid(&published[..5])];
    assert_eq!(publication.replace(&state, &target, &half).await.expect("replaced"), words.len() as u64 - 5);
    publication.commit(at(4)).await.expect("published");
    let mut left = published[..5].to_vec();
    left.sort_by_key(|row| row.3);
    assert_eq!(target_rows(&*database).await, paid(&left));
}

/// A batch may touch every day of every store: more scopes than one statement names.
pub(crate) async fn many_scopes_are_touched_at_once(setting: &dyn Setting) {
    let (database, lease) = prepared(setting).await;
    let rows: Vec<Sum> = (0..350).map(|store| (7, "2024-05", store, 19_850, 100, 1, 1)).collect();
    let table = |stores: std::ops::Range<i32>, cents: i128| -> Vec<Paid> {
        stores.map(|store| (store, 7, None, "2024-05", cents)).collect()
    };
    let mut publication = open(&*database, &lease).await;
    publication.merge(&team_state(), &sums(&rows), 1).await.expect("merged");
    let touched = whole(&team_state().schema, &publication.touched(&team_state()).await.expect("touched"));
    assert_eq!(touched, sums(&rows));
    let all = [paid(&table(0..350, 100))];
    assert_eq!(publication.replace(&team_state(), &team_target(), &all).await.expect("replaced"), 350);
    publication.commit(at(4)).await.expect("published");

    let batch = database.unfinished(FEED).await.expect("read").expect("one");
    archive(&*database, &lease, &batch).await;
    let mut publication = open(&*database, &lease).await;
    publication.merge(&team_state(), &sums(&rows[100..]), -1).await.expect("taken back");
    assert_eq!(publication.touched(&team_state()).await.expect("touched"), [], "nothing is left of them");
    assert_eq!(publication.replace(&team_state(), &team_target(), &[]).await.expect("replaced"), 250);
    publication.commit(at(5)).await.expect("published");
    assert_eq!(state_rows(&*database).await, sums(&rows[..100]));
    assert_eq!(target_rows(&*database).await, paid(&table(0..100, 100)));
}
