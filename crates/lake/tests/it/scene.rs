//! A small table in a storage root of its own.

use arrow::datatypes::{DataType, Field, Schema};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tillmart_lake::{Commit, Committed, Lake, Store, TableSpec};
use tillmart_model::{DataFile, Fault, FaultKind, Result, StoreAccess};

pub(crate) const TABLE: &str = "sales_data_mart";
pub(crate) const APPLICATION: &str = "tillmart/sales";

/// 2024-07-01 in milliseconds since 1970.
pub(crate) const LONG_AGO: i64 = 1_719_792_000_000;

/// A storage root that is gone when this is dropped.
pub(crate) struct Root {
    folder: TempDir,
}

impl Root {
    pub(crate) fn new() -> Root {
        Root { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A root with the table in it.
    pub(crate) async fn with_table() -> Root {
        let root = Root::new();
        root.lake().ensure(&spec()).await.expect("made");
        root
    }

    pub(crate) fn store(&self) -> Store {
        Store::open("storage", self.folder.path(), &StoreAccess::default()).expect("a storage root")
    }

    /// The lake as a process that starts sees it: nothing is remembered from an earlier one.
    pub(crate) fn lake(&self) -> Lake {
        Lake::new(self.store())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join("storage").join(relative)
    }

    /// Writes a file as somebody else would.
    pub(crate) fn put(&self, relative: &str, bytes: &[u8]) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }

    /// Commits these files as one batch.
    pub(crate) async fn commit(&self, batch_id: i64, adds: &[&str], removes: &[&str]) -> Result<Committed> {
        commit(&self.lake(), batch_id, adds, removes).await
    }

    /// Paths in a version of the table, or in the newest.
    pub(crate) async fn paths(&self, version: Option<u64>) -> Vec<String> {
        let snapshot = self.lake().snapshot(TABLE, version).await.expect("read").expect("a table");
        snapshot.files.into_iter().map(|file| file.path).collect()
    }
}

pub(crate) fn spec() -> TableSpec {
    let field = |name, data_type| Field::new(name, data_type, true);
    TableSpec {
        name: TABLE.to_owned(),
        comment: "Sales.".to_owned(),
        schema: Arc::new(Schema::new(vec![
            field("total_cost", DataType::Decimal128(14, 2)),
            field("source_file_id", DataType::Int64),
            field("sales_month", DataType::Utf8),
            field("store_id", DataType::Int32),
        ])),
        partition_columns: vec!["sales_month".to_owned(), "store_id".to_owned()],
        properties: BTreeMap::from([("tillmart.buckets".to_owned(), "16".to_owned())]),
    }
}

pub(crate) async fn commit(lake: &Lake, batch_id: i64, adds: &[&str], removes: &[&str]) -> Result<Committed> {
    let files: Vec<DataFile> = adds.iter().map(|path| data_file(path)).collect();
    let commit = Commit {
        table: TABLE,
        application: Some(APPLICATION),
        batch_id,
        adds: files.iter().collect(),
        removes: removes.to_vec(),
        data_change: true,
        now_ms: LONG_AGO,
    };
    lake.commit(&commit).await
}

pub(crate) fn data_file(path: &str) -> DataFile {
    DataFile {
        table: TABLE.to_owned(),
        path: path.to_owned(),
        size: 4,
        rows: 3,
        rewritten: false,
        partition: vec![
            ("sales_month".to_owned(), Some("2024-01".to_owned())),
            ("store_id".to_owned(), Some("1".to_owned())),
        ],
        stats: r#"{"numRecords":3,"minValues":{"source_file_id":1},"maxValues":{"source_file_id":2},"nullCount":{}}"#
            .to_owned(),
        money_cents: Some(100),
    }
}

/// The fault, which must be of this kind.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T>, kind: FaultKind) -> Fault {
    let fault = result.expect_err("must be refused");
    assert_eq!(fault.kind, kind, "{fault}");
    fault
}
