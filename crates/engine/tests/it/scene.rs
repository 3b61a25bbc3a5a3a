//! Small dimension tables, the built-in marts, and a landing over objects in memory.

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::util::display::array_value_to_string;
use chrono::NaiveDate;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_engine::mart::{MartFile, RowMart};
use tillmart_engine::{DimensionTables, Embedded, Engine, LandJob, Objects, Progress};
use tillmart_model::{Compression, Contract, DataFile, Format, Kind, Manifest, Split};

pub(crate) const SALES_MART: &str = include_str!("../../../../sql/marts/sales_data_mart.sql");
pub(crate) const CUSTOMER_MART: &str = include_str!("../../../../sql/marts/customer_data_mart.sql");
pub(crate) const CUSTOMERS: i64 = 9;
pub(crate) const STORES: i32 = 4;
pub(crate) const REJECTS: &str = "sales_rejects";

/// Customers 1 to 9, stores 1 to 4, sales persons 1 to 3, one product.
pub(crate) fn dimensions() -> DimensionTables {
    let ids = |last: i64| -> ArrayRef { Arc::new((1..=last).collect::<Int64Array>()) };
    let texts = |text: &str, count: usize| -> ArrayRef { Arc::new(StringArray::from(vec![text; count])) };
    let table = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).expect("a table");
    let customers = CUSTOMERS as usize;
    let mut tables = BTreeMap::new();
    let names = ["first_name", "last_name", "address", "pincode", "phone_number"];
    let customer =
        std::iter::once(("customer_id", ids(CUSTOMERS))).chain(names.map(|name| (name, texts(name, customers))));
    tables.insert("customer".to_owned(), table(customer.collect()));
    let store_ids: ArrayRef = Arc::new((1..=STORES).collect::<Int32Array>());
    let stores = STORES as usize;
    tables.insert(
        "store".to_owned(),
        table(vec![
            ("id", store_ids),
            ("store_manager_name", texts("Moss", stores)),
            ("store_pincode", texts("1", stores)),
        ]),
    );
    let names = ["first_name", "last_name", "address", "pincode", "is_manager"];
    let team = [("id", ids(3)), ("manager_id", ids(3))].into_iter().chain(names.map(|name| (name, texts(name, 3))));
    tables.insert("sales_team".to_owned(), table(team.collect()));
    let price = Decimal128Array::from(vec![25_000]).with_precision_and_scale(14, 4).expect("a price");
    let product = vec![("id", ids(1)), ("name", texts("tea", 1)), ("current_price", Arc::new(price) as ArrayRef)];
    tables.insert("product".to_owned(), table(product));
    DimensionTables::new(tables).expect("all four")
}

/// Plans a row-level mart with two buckets.
pub(crate) async fn row_mart(text: &str) -> tillmart_model::Result<RowMart> {
    let file = MartFile::parse("marts/mine.sql", text)?;
    RowMart::plan(&file, &dimensions(), 2).await
}

/// The columns of the sales mart.
pub(crate) async fn sales_schema() -> SchemaRef {
    row_mart(SALES_MART).await.expect("planned").schema
}

/// A landing in a store of its own.
pub(crate) struct Landing {
    objects: Arc<InMemory>,
    pub(crate) splits: Vec<Split>,
}

impl Landing {
    pub(crate) fn new() -> Landing {
        Landing { objects: Arc::new(InMemory::new()), splits: Vec::new() }
    }

    /// Delivers a CSV file; its id is its place plus one.
    pub(crate) async fn deliver(&mut self, text: String) {
        let file_id = self.splits.len() as i64 + 1;
        let path = format!("sales_data/day-{file_id}.csv");
        let size = text.len() as u64;
        self.objects.put(&Path::from(format!("root/{path}")), text.into_bytes().into()).await.expect("put");
        let kind = Kind { format: Format::Csv, compression: Compression::None };
        self.splits.push(Split::Source { file_id, path, etag: None, size, kind, stretch: None });
    }

    pub(crate) async fn job(&self, memory_bytes: usize) -> LandJob {
        let marts = [row_mart(CUSTOMER_MART).await.expect("planned"), row_mart(SALES_MART).await.expect("planned")];
        LandJob {
            batch_id: 7,
            claim_date: NaiveDate::from_ymd_opt(2024, 7, 1).expect("a date"),
            contract: Arc::new(Contract::default()),
            max_reject_millionths: 100_000,
            dimensions: Arc::new(dimensions()),
            row_marts: marts.into_iter().map(Arc::new).collect(),
            summings: Vec::new(),
            deltas: "_tillmart/sums".to_owned(),
            rejects_table: REJECTS.to_owned(),
            objects: Arc::clone(&self.objects) as Arc<dyn ObjectStore>,
            base: Path::from("root"),
            memory_bytes,
            replay_files: BTreeMap::new(),
            rewritten: false,
            dry_run: false,
            progress: Arc::new(Progress::default()),
            profile: Arc::default(),
        }
    }

    /// Runs these tasks and gathers their manifests.
    pub(crate) async fn land(&self, memory_bytes: usize, tasks: Vec<Vec<Split>>) -> Manifest {
        self.land_job(self.job(memory_bytes).await, tasks).await
    }

    /// The same with a job of one's own.
    pub(crate) async fn land_job(&self, job: LandJob, tasks: Vec<Vec<Split>>) -> Manifest {
        let engine = Embedded::new(tasks.len(), 64 << 20);
        let mut gathered = Manifest { batch_id: 7, ..Manifest::default() };
        let manifests = engine.land(Arc::new(job), tasks).await;
        for manifest in manifests.unwrap_or_else(|fault| panic!("{fault}")) {
            assert_eq!(manifest.batch_id, 7);
            gathered.merge(manifest);
        }
        gathered
    }

    /// Objects below the root, by path.
    pub(crate) async fn objects(&self) -> Vec<String> {
        use futures::TryStreamExt;
        let metas: Vec<_> = self.objects.list(None).try_collect().await.expect("listed");
        metas.into_iter().map(|meta| meta.location.to_string()).collect()
    }

    /// The rows of a table's data files as text with their partition, sorted: a table as a set of rows.
    pub(crate) async fn rows(&self, manifest: &Manifest, table: &str) -> Vec<String> {
        let mut rows = Vec::new();
        for file in manifest.files.iter().filter(|file| file.table == table) {
            let before = rows.len();
            for batch in self.read(file).await {
                for row in 0..batch.num_rows() {
                    let cell = |column: &ArrayRef| array_value_to_string(column, row).expect("text");
                    let values: Vec<String> = batch.columns().iter().map(cell).collect();
                    rows.push(format!("{} | {:?}", values.join(" | "), file.partition));
                }
            }
            assert_eq!((rows.len() - before) as u64, file.rows, "{}", file.path);
        }
        rows.sort();
        rows
    }

    pub(crate) async fn read(&self, file: &DataFile) -> Vec<RecordBatch> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.bytes(file).await)
            .expect("Parquet")
            .build()
            .expect("readable");
        reader.map(|batch| batch.expect("rows")).collect()
    }

    /// The bytes of a data file.
    pub(crate) async fn bytes(&self, file: &DataFile) -> bytes::Bytes {
        let got = self.objects.get(&Path::from(format!("root/{}/{}", file.table, file.path))).await.expect("there");
        let bytes = got.bytes().await.expect("read");
        assert_eq!(bytes.len() as u64, file.size, "{}", file.path);
        bytes
    }

    /// Where the objects are, for a scan.
    pub(crate) fn objects_for_scans(&self) -> Objects {
        let url = url::Url::parse("memory:///").expect("a URL");
        Objects { store: Arc::clone(&self.objects) as Arc<dyn ObjectStore>, url }
    }
}
