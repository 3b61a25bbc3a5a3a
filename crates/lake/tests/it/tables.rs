//! Tables are made once, checked ever after, and read at any version.

use crate::scene::{LONG_AGO, Root, TABLE, refused, spec};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;
use tillmart_lake::{Commit, TableSpec};
use tillmart_model::{Clock, FaultKind};

#[tokio::test]
async fn a_table_is_made_once_and_recognised() {
    let root = Root::new();
    assert!(root.lake().snapshot(TABLE, None).await.expect("read").is_none());
    root.lake().ensure(&spec()).await.expect("made");
    root.commit(1, &["a.parquet"], &[]).await.expect("committed");
    root.lake().ensure(&spec()).await.expect("recognised");
    assert_eq!(root.paths(None).await, ["a.parquet"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_make_a_table_at_once() {
    // Often enough that one of them looks for the table just before another has made it.
    for _ in 0..20 {
        let root = Root::new();
        let makers: Vec<_> = (0..4)
            .map(|_| {
                let lake = root.lake();
                tokio::spawn(async move { lake.ensure(&spec()).await })
            })
            .collect();
        for maker in makers {
            maker.await.expect("joined").unwrap_or_else(|fault| panic!("{fault}"));
        }
        assert!(root.paths(None).await.is_empty());
    }
}

#[tokio::test]
async fn a_table_of_another_shape_is_refused() {
    let root = Root::with_table().await;
    let columns = |change: &dyn Fn(&mut Vec<Field>)| {
        let mut fields: Vec<Field> = spec().schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        change(&mut fields);
        TableSpec { schema: Arc::new(Schema::new(fields)), ..spec() }
    };
    let mut other_buckets = spec();
    other_buckets.properties.insert("tillmart.buckets".to_owned(), "32".to_owned());
    let cases = [
        (columns(&|fields| drop(fields.remove(1))), "other columns", "source_file_id"),
        (columns(&|fields| fields.push(Field::new("extra", DataType::Utf8, true))), "other columns", "extra"),
        (
            columns(&|fields| fields[0] = Field::new("total_cost", DataType::Decimal128(16, 2), true)),
            "other columns",
            "16,2",
        ),
        (columns(&|fields| fields.swap(0, 1)), "other columns", "total_cost"),
        (TableSpec { partition_columns: vec!["sales_month".to_owned()], ..spec() }, "other partitions", "store_id"),
        (other_buckets, "other properties", "tillmart.buckets = 16"),
    ];
    for (wanted, what, named) in cases {
        let fault = refused(root.lake().ensure(&wanted).await, FaultKind::Table);
        assert!(fault.what.contains(what), "{fault}");
        assert!(fault.to_string().contains(named) && fault.to_string().contains(TABLE), "{named}: {fault}");
        assert!(fault.hint.is_some(), "{fault}");
    }
    root.lake().ensure(&spec()).await.expect("unchanged");
}

#[tokio::test]
async fn a_table_gets_last_columns_that_may_come_later() {
    let root = Root::with_table().await;
    let wider = |name: &str, nullable: bool| {
        let mut wider = spec();
        let mut fields: Vec<Field> = wider.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new(name, DataType::Decimal128(14, 4), nullable));
        wider.schema = Arc::new(Schema::new(fields));
        wider
    };
    let later = ["list_price".to_owned()];
    refused(root.lake().ensure(&wider("list_price", true)).await, FaultKind::Table);
    refused(root.lake().ensure_with(&wider("list_price", false), &later).await, FaultKind::Table);
    refused(root.lake().ensure_with(&wider("other", true), &later).await, FaultKind::Table);
    root.lake().ensure_with(&wider("list_price", true), &later).await.expect("widened");
    root.lake().ensure(&wider("list_price", true)).await.expect("it is there");
    refused(root.lake().ensure(&spec()).await, FaultKind::Table);
}

#[tokio::test]
async fn every_version_can_be_read_again() {
    let root = Root::with_table().await;
    let mut versions = Vec::new();
    for batch in 1..=3 {
        let path = format!("sales_month=2024-01/store_id=1/{batch}.parquet");
        versions.push(root.commit(batch, &[&path], &[]).await.expect("committed").version);
    }
    for (at, version) in versions.iter().enumerate() {
        assert_eq!(root.paths(Some(*version)).await.len(), at + 1);
    }
    assert!(root.paths(Some(0)).await.is_empty());
    let newest = root.lake().snapshot(TABLE, None).await.expect("read").expect("a table");
    assert_eq!(newest.version, versions[2]);
    let file = &newest.files[0];
    let partition =
        [("sales_month".to_owned(), Some("2024-01".to_owned())), ("store_id".to_owned(), Some("1".to_owned()))];
    assert_eq!((file.size, file.rows, file.partition.as_slice()), (4, Some(3), partition.as_slice()));
    assert!(file.stats.as_deref().is_some_and(|stats| stats.contains("source_file_id")), "{file:?}");
    refused(root.lake().snapshot(TABLE, Some(versions[2] + 1)).await, FaultKind::Table);
}

/// A partition value may be any text, or none.
#[tokio::test]
async fn partition_values_come_back_as_they_were() {
    let root = Root::with_table().await;
    let mut files = Vec::new();
    for (at, value) in [Some("a b=c/d%20é"), Some("2024-01"), None].into_iter().enumerate() {
        let mut file = crate::scene::data_file(&format!("sales_month=x/{at}.parquet"));
        file.partition[0].1 = value.map(str::to_owned);
        files.push(file);
    }
    let commit = Commit {
        table: TABLE,
        application: Some("tillmart/sales"),
        batch_id: 1,
        adds: files.iter().collect(),
        removes: Vec::new(),
        data_change: true,
        now_ms: LONG_AGO,
    };
    root.lake().commit(&commit).await.expect("committed");
    let snapshot = root.lake().snapshot(TABLE, None).await.expect("read").expect("a table");
    for (wanted, found) in files.iter().zip(&snapshot.files) {
        assert_eq!((&wanted.path, &wanted.partition), (&found.path, &found.partition));
    }
}

#[tokio::test]
async fn vacuum_deletes_only_what_nobody_can_see() {
    let root = Root::with_table().await;
    let in_table = |name: &str| format!("{TABLE}/{name}");
    for name in ["active.parquet", "left.parquet", "orphan.parquet", "sales_month=2024-01/orphan.parquet"] {
        root.put(&in_table(name), b"rows");
    }
    root.put("customer_data_mart/other.parquet", b"rows");
    root.commit(1, &["active.parquet", "left.parquet"], &[]).await.expect("committed");
    // Left just now: an older version that somebody may still read holds it.
    let leaving = Commit {
        table: TABLE,
        application: Some("tillmart/sales"),
        batch_id: 2,
        adds: Vec::new(),
        removes: vec!["left.parquet"],
        data_change: true,
        now_ms: Clock::System.now().timestamp_millis(),
    };
    root.lake().commit(&leaving).await.expect("committed");
    assert_eq!(root.lake().vacuum(TABLE, 24).await.expect("vacuumed"), 0);
    for name in ["active.parquet", "left.parquet", "orphan.parquet"] {
        assert!(root.path(&in_table(name)).exists(), "{name} is too young");
    }
    assert_eq!(root.lake().vacuum(TABLE, 0).await.expect("vacuumed"), 3);
    assert!(root.path(&in_table("active.parquet")).exists());
    assert!(root.path("customer_data_mart/other.parquet").exists(), "another table's file");
    assert!(!root.path(&in_table("left.parquet")).exists() && !root.path(&in_table("orphan.parquet")).exists());
    assert_eq!(root.paths(None).await, ["active.parquet"]);
    assert!(root.commit(2, &[], &["left.parquet"]).await.expect("known").already, "the numbers outlive a vacuum");
    assert_eq!(root.lake().vacuum("no_such_table", 0).await.expect("nothing to do"), 0);
}
