//! A business day of a large chain in memory, as `tillmart generate` makes it, and the keys of its dimension tables.

use arrow::array::{Int32Array, Int64Array, StringArray};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::error::Error;
use std::sync::Arc;
use tillmart_feed::{IndexedKeys, KeyIndex, KnownKeys, SalesDecoder};
use tillmart_generate::{Cut, OutputFormat, Plan, Size, dimensions, sales};
use tillmart_model::{Compression, Contract, Format, Kind};

/// Bytes pushed at a time, as landing pushes them.
const PIECE_BYTES: usize = 1 << 20;

/// Rows taken at a time.
const BATCH_ROWS: usize = 64 << 10;

/// Sales of one day, as one text file.
pub(crate) struct Day {
    pub(crate) text: Vec<u8>,
    pub(crate) rows: u64,
    pub(crate) kind: Kind,
    pub(crate) keys: Arc<IndexedKeys>,
    pub(crate) today: chrono::NaiveDate,
}

impl Day {
    /// `dirty_ppm` rows of a million break the contract.
    pub(crate) fn new(rows: u64, format: OutputFormat, dirty_ppm: u32) -> Result<Day, Box<dyn Error>> {
        let today = Plan::default().to;
        let plan = Plan {
            size: Size::Rows(rows),
            from: today,
            to: today,
            customers: 1_000_000,
            stores: 200,
            sales_persons: 3_000,
            products: 20_000,
            cut: Cut::Files(1),
            format,
            dirty_ppm,
            ..Plan::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
        runtime.block_on(Day::of(plan))
    }

    async fn of(plan: Plan) -> Result<Day, Box<dyn Error>> {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let made = sales(&plan, Arc::clone(&store), &Path::from("sales"), &|_| ()).await?;
        let mut text = Vec::new();
        let mut listed = store.list(Some(&Path::from("sales")));
        while let Some(file) = futures::StreamExt::next(&mut listed).await {
            text.extend_from_slice(&store.get(&file?.location).await?.bytes().await?);
        }
        // A million customers are a range: their file would take longer to make than the day.
        let few = Plan { customers: 1, ..plan.clone() };
        dimensions(&few, Arc::clone(&store), &Path::from("dimensions")).await?;
        let column = async |file: &str, at: usize| -> Result<Vec<String>, Box<dyn Error>> {
            let bytes = store.get(&Path::from(format!("dimensions/{file}"))).await?.bytes().await?;
            let mut rows = csv::Reader::from_reader(bytes.as_ref());
            rows.records().map(|row| Ok(row?.get(at).unwrap_or_default().to_owned())).collect()
        };
        let numbers = |texts: Vec<String>| texts.iter().map(|text| text.parse::<i64>()).collect::<Result<Vec<_>, _>>();
        let stores: Vec<i32> =
            numbers(column("store.csv", 0).await?)?.into_iter().map(i32::try_from).collect::<Result<_, _>>()?;
        let names = StringArray::from(column("product.csv", 1).await?);
        let keys = IndexedKeys {
            customer: Arc::new(KeyIndex::new(&Int64Array::from_iter_values(1..=i64::from(plan.customers)))),
            store: Arc::new(KeyIndex::new(&Int32Array::from(stores))),
            sales_person: Arc::new(KeyIndex::new(&Int64Array::from(numbers(column("sales_team.csv", 0).await?)?))),
            product: Arc::new(KeyIndex::new(&names)),
            product_names: names,
        };
        let format = if plan.format == OutputFormat::Csv { Format::Csv } else { Format::Jsonl };
        let kind = Kind { format, compression: Compression::None };
        Ok(Day { text, rows: made.rows, kind, keys: Arc::new(keys), today: plan.to })
    }

    /// Decodes the day as landing does, and returns the rows that landed.
    pub(crate) fn decode(&self) -> u64 {
        let keys: Arc<dyn KnownKeys> = Arc::clone(&self.keys) as Arc<dyn KnownKeys>;
        let decoder = SalesDecoder::new(Arc::new(Contract::default()), self.kind, keys, self.today);
        self.decode_by(decoder)
    }

    /// Decodes the day with this decoder: `cargo xtask instructions` counts in here.
    #[inline(never)]
    pub(crate) fn decode_by(&self, mut decoder: SalesDecoder) -> u64 {
        let mut rows = 0;
        for piece in self.text.chunks(PIECE_BYTES) {
            assert!(decoder.push(piece).is_ok(), "the day has no fault");
            while let Some(checked) = decoder.take_ready(BATCH_ROWS) {
                rows += checked.sales.rows() as u64;
            }
        }
        assert!(decoder.finish().is_ok(), "the day has no fault");
        while let Some(checked) = decoder.take_ready(0) {
            rows += checked.sales.rows() as u64;
        }
        rows
    }
}
