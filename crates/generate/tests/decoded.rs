//! What was made, through the decoder that a run uses: it must find what [`Made`] tells, no more and no less.

use arrow::array::StringArray;
use chrono::NaiveDate;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::HashSet;
use std::sync::Arc;
use tillmart_feed::{KnownKeys, Reject, SalesDecoder};
use tillmart_generate::{Cut, Made, OutputFormat, Plan, Size, dimensions, sales};
use tillmart_model::{Contract, FileFault, FileReason, Kind, RowReason, Tally};

/// The keys of the generated dimension files. Nobody asks here which row holds one.
struct Keys {
    customers: HashSet<i64>,
    stores: HashSet<i32>,
    sales_persons: HashSet<i64>,
    products: HashSet<String>,
    product_names: StringArray,
}

impl KnownKeys for Keys {
    fn customer(&self, id: i64) -> Option<u32> {
        self.customers.contains(&id).then_some(0)
    }

    fn store(&self, id: i32) -> Option<u32> {
        self.stores.contains(&id).then_some(0)
    }

    fn sales_person(&self, id: i64) -> Option<u32> {
        self.sales_persons.contains(&id).then_some(0)
    }

    fn product(&self, name: &[u8]) -> Option<u32> {
        self.products.contains(str::from_utf8(name).ok()?).then_some(0)
    }

    fn product_names(&self) -> &StringArray {
        &self.product_names
    }
}

async fn bytes(store: &dyn ObjectStore, path: &Path) -> Vec<u8> {
    store.get(path).await.unwrap().bytes().await.unwrap().to_vec()
}

async fn column<T: std::str::FromStr + Eq + std::hash::Hash>(
    store: &dyn ObjectStore,
    file: &str,
    at: usize,
) -> HashSet<T> {
    let bytes = bytes(store, &Path::from(format!("dimensions/{file}"))).await;
    let mut rows = csv::Reader::from_reader(bytes.as_slice());
    rows.records().map(|row| row.unwrap()[at].parse().ok().unwrap()).collect()
}

fn decode(
    path: &str,
    bytes: &[u8],
    known: &Arc<dyn KnownKeys>,
    today: NaiveDate,
) -> Result<(Tally, Vec<Reject>), FileFault> {
    let kind = Kind::of(path).unwrap();
    let mut decoder = SalesDecoder::new(Arc::new(Contract::default()), kind, Arc::clone(known), today);
    let mut rejects = Vec::new();
    for piece in bytes.chunks(65_536) {
        decoder.push(piece)?;
        while let Some(checked) = decoder.take_ready(1) {
            rejects.extend(checked.rejects);
        }
    }
    decoder.finish()?;
    while let Some(checked) = decoder.take_ready(0) {
        rejects.extend(checked.rejects);
    }
    Ok((decoder.tally().clone(), rejects))
}

/// Makes the plan's files, decodes them all, and holds what was decoded against what was made.
async fn check(plan: Plan) -> Made {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    dimensions(&plan, Arc::clone(&store), &Path::from("dimensions")).await.unwrap();
    let made = sales(&plan, Arc::clone(&store), &Path::from("sales_data"), &|_| ()).await.unwrap();
    let known: Arc<dyn KnownKeys> = Arc::new(Keys {
        customers: column(&*store, "customer.csv", 0).await,
        stores: column(&*store, "store.csv", 0).await,
        sales_persons: column(&*store, "sales_team.csv", 0).await,
        products: column(&*store, "product.csv", 1).await,
        product_names: StringArray::new_null(0),
    });
    let listed: Vec<_> = store.list(Some(&Path::from("sales_data"))).try_collect().await.unwrap();
    let (mut all, mut without_price) = (Tally::default(), 0);
    for meta in listed {
        let path = meta.location.to_string();
        let bytes = bytes(&*store, &meta.location).await;
        match decode(&path, &bytes, &known, plan.to) {
            Ok((tally, rejects)) => {
                if path.contains("no_price") {
                    // Without a header there is no column to miss: every row does, which is more than any file may.
                    assert!(path.ends_with(".jsonl"), "{path} must be refused by its header");
                    assert_eq!(tally.rejected, [(RowReason::MissingValue, tally.rows_read)].into());
                    without_price += 1;
                    continue;
                }
                all.add(&tally);
                for reject in rejects {
                    assert!(!reject.message.contains(" (also "), "one fault a row: {}", reject.message);
                }
            }
            Err(fault) => {
                assert!(path.contains("no_price"), "{path}: {fault:?}");
                assert_eq!(fault.reason, FileReason::MissingColumn);
                without_price += 1;
            }
        }
    }
    assert_eq!(all.rejected, made.dirty_by_reason);
    assert_eq!((all.rows_read, all.rows_landed), (made.rows, made.rows - made.rows_dirty()));
    assert_eq!((all.rows_anonymous, all.money_cents), (made.rows_anonymous, made.money_cents));
    assert_eq!(all.rows_unknown_product, 0, "every product is known");
    assert_eq!(without_price, made.files_without_price);
    made
}

fn dirty_plan() -> Plan {
    Plan {
        size: Size::Rows(40_000),
        dirty_ppm: 50_000,
        cut: Cut::Files(4),
        extra_column_percent: 50,
        ..Plan::default()
    }
}

#[tokio::test]
async fn dirty_csv_is_rejected_row_by_row_for_the_reason_it_was_made_for() {
    let made = check(Plan { missing_column_files: 2, ..dirty_plan() }).await;
    assert_eq!((made.rows_dirty(), made.dirty_by_reason.len()), (2_000, 15));
}

#[tokio::test]
async fn dirty_json_lines_are_rejected_row_by_row_for_the_reason_they_were_made_for() {
    let made = check(Plan { format: OutputFormat::Jsonl, missing_column_files: 2, ..dirty_plan() }).await;
    assert_eq!((made.rows_dirty(), made.dirty_by_reason.len()), (2_000, 12));
}

#[tokio::test]
async fn other_seeds_and_shapes_are_decoded_as_they_were_made() {
    for seed in 1..=8 {
        let size = Size::Rows(5_000);
        check(Plan { seed, size, stores: 40, sales_persons: 90, products: 3_000, customers: 9_000, ..dirty_plan() })
            .await;
    }
}
