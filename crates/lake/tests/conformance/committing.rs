//! Delta tables on every backend: a batch enters a table once, however many try.

use crate::scene::Scene;
use arrow::datatypes::{DataType, Field, Schema};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_lake::{Commit, Committed, Lake, TableSpec};
use tillmart_model::{DataFile, Result};
use tokio::sync::Barrier;

const TABLE: &str = "sales_data_mart";

fn spec() -> TableSpec {
    let field = |name, data_type| Field::new(name, data_type, true);
    TableSpec {
        name: TABLE.to_owned(),
        comment: "Sales.".to_owned(),
        schema: Arc::new(Schema::new(vec![
            field("total_cost", DataType::Decimal128(14, 2)),
            field("sales_month", DataType::Utf8),
        ])),
        partition_columns: vec!["sales_month".to_owned()],
        properties: BTreeMap::from([("tillmart.buckets".to_owned(), "16".to_owned())]),
    }
}

async fn commit(lake: &Lake, batch_id: i64, path: &str) -> Result<Committed> {
    let file = DataFile {
        table: TABLE.to_owned(),
        path: path.to_owned(),
        size: 4,
        rows: 3,
        rewritten: false,
        partition: vec![("sales_month".to_owned(), Some("2024-01".to_owned()))],
        stats: r#"{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{}}"#.to_owned(),
        money_cents: Some(100),
    };
    let commit = Commit {
        table: TABLE,
        application: Some("tillmart/sales"),
        batch_id,
        adds: vec![&file],
        removes: Vec::new(),
        data_change: true,
        now_ms: 1_719_792_000_000,
    };
    lake.commit(&commit).await
}

async fn paths(scene: &Scene) -> Vec<String> {
    let snapshot = scene.lake().snapshot(TABLE, None).await.unwrap_or_else(|fault| panic!("{fault}")).expect("a table");
    snapshot.files.into_iter().map(|file| file.path).collect()
}

pub(crate) async fn a_table_is_made_committed_and_read(scene: Scene) {
    assert!(scene.lake().snapshot(TABLE, None).await.unwrap_or_else(|fault| panic!("{fault}")).is_none());
    for _ in 0..2 {
        scene.lake().ensure(&spec()).await.unwrap_or_else(|fault| panic!("{fault}"));
    }
    let first = commit(&scene.lake(), 1, "a.parquet").await.unwrap_or_else(|fault| panic!("{fault}"));
    let again = commit(&scene.lake(), 1, "a.parquet").await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((first.already, again.already, again.version), (false, true, first.version));
    let second = commit(&scene.lake(), 2, "b.parquet").await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(paths(&scene).await, ["a.parquet", "b.parquet"]);
    let before = scene.lake().snapshot(TABLE, Some(second.version - 1)).await.expect("read").expect("a table");
    assert_eq!(before.files.len(), 1);
}

/// A run that was thought dead and its successors write the same batch, each with its own files.
pub(crate) async fn four_committers_enter_each_batch_once(scene: Scene) {
    scene.lake().ensure(&spec()).await.unwrap_or_else(|fault| panic!("{fault}"));
    for batch in 1..=6 {
        let barrier = Arc::new(Barrier::new(4));
        let racers: Vec<_> = (0..4)
            .map(|racer| {
                let (lake, barrier) = (scene.lake(), Arc::clone(&barrier));
                tokio::spawn(async move {
                    barrier.wait().await;
                    commit(&lake, batch, &format!("batch-{batch}-of-{racer}.parquet")).await
                })
            })
            .collect();
        let mut versions = BTreeSet::new();
        let mut entered = 0;
        for racer in racers {
            let committed = racer.await.expect("joined").unwrap_or_else(|fault| panic!("batch {batch}: {fault}"));
            entered += u32::from(!committed.already);
            versions.insert(committed.version);
        }
        assert_eq!((entered, paths(&scene).await.len() as i64), (1, batch), "batch {batch}: {versions:?}");
    }
    assert_eq!(scene.unfinished(), 0);
}
