//! Reports during which batches are published: their figures are of one moment, or there is none.

use crate::project::{HEADER, Project};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tillmart_database::{CustomersOfMonth, Dimension, Dimensions, KeptMonth, Reports, StoreMonth, Upserted};
use tillmart_model::{FaultKind, Result};
use tillmart_pipeline::{DailyRequest, IncentivesRequest, MonthlyRequest, Pipeline, Silent};
use tillmart_report::{Document, Format, Look, render};

/// Another process that lands files of this project: one whenever it is its turn, so many in all.
struct Till {
    project: Arc<Project>,
    pipeline: Pipeline,
    left: AtomicUsize,
}

impl Till {
    async fn turn(&self) {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if let Ok(left) = left {
            self.project.deliver(&format!("late-{left}.csv"), format!("{HEADER}{}", sale(left)).as_bytes());
            // On a thread of its own, as another process would.
            let (pipeline, here) = (self.pipeline.clone(), tokio::runtime::Handle::current());
            let run = tokio::task::spawn_blocking(move || here.block_on(pipeline.run()));
            run.await.expect("no panic").unwrap_or_else(|fault| panic!("{fault}"));
        }
    }
}

/// 10.00 more in store 1 on 29 June, no two files alike.
fn sale(number: usize) -> String {
    format!("1,1,mug {number},2024-06-29,10,10,1,10.00\n")
}

/// The dimensions of a report, read when it has read some of its figures: then it is the till's turn.
struct BetweenDimensions {
    within: Arc<dyn Dimensions>,
    till: Arc<Till>,
    at: Dimension,
}

#[async_trait]
impl Dimensions for BetweenDimensions {
    async fn read(&self, dimension: Dimension) -> Result<RecordBatch> {
        if dimension == self.at {
            self.till.turn().await;
        }
        self.within.read(dimension).await
    }

    async fn count(&self, dimension: Dimension) -> Result<u64> {
        self.within.count(dimension).await
    }

    async fn load_csv(&self, dimension: Dimension, file: &Path) -> Result<Upserted> {
        self.within.load_csv(dimension, file).await
    }

    async fn put(&self, dimension: Dimension, rows: &RecordBatch) -> Result<Upserted> {
        self.within.put(dimension, rows).await
    }
}

/// The same before the customers of a month are counted.
struct BeforeCustomers {
    within: Arc<dyn Reports>,
    till: Arc<Till>,
}

#[async_trait]
impl Reports for BeforeCustomers {
    async fn customers_of_month(
        &self,
        month: chrono::NaiveDate,
        before: chrono::NaiveDate,
        tiers: &[i64],
    ) -> Result<CustomersOfMonth> {
        self.till.turn().await;
        self.within.customers_of_month(month, before, tiers).await
    }

    async fn kept_months(&self, month: &str) -> Result<Vec<KeptMonth>> {
        self.within.kept_months(month).await
    }

    async fn keep_month(
        &self,
        month: &str,
        figures: &[StoreMonth],
        batch_id: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Vec<KeptMonth>> {
        self.within.keep_month(month, figures, batch_id, now).await
    }
}

/// A project with 100.00 sold on 29 June, and a till with so many files to come.
async fn project(files: usize) -> (Arc<Project>, Arc<Till>) {
    let project = Project::new(|_| {}).await;
    project.load(Dimension::Customer, "customer_id,first_name\n1,Ann\n").await;
    project.load(Dimension::Store, "id,store_manager_name\n1,Moss\n").await;
    project.load(Dimension::Product, "id,name,current_price\n1,mug,10\n").await;
    project.load(Dimension::SalesTeam, "id,first_name,last_name\n10,Ann,Ten\n").await;
    project.deliver("first.csv", format!("{HEADER}1,1,mug,2024-06-29,10,100,1,100.00\n").as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let pipeline = project.watched_by(Arc::new(Silent));
    let project = Arc::new(project);
    let till = Arc::new(Till { project: Arc::clone(&project), pipeline, left: AtomicUsize::new(files) });
    (project, till)
}

fn between(project: &Project, till: &Arc<Till>, at: Dimension) -> Pipeline {
    project.with_seams(|seams| {
        let within = Arc::clone(&seams.dimensions);
        seams.dimensions = Arc::new(BetweenDimensions { within, till: Arc::clone(till), at });
    })
}

fn told(document: Result<Document>) -> Value {
    let document = document.unwrap_or_else(|fault| panic!("{fault}"));
    serde_json::from_str(&render(&document, Format::Json, &Look::default())).expect("JSON")
}

fn net(told: &Value, section: &str) -> Value {
    told["sections"][section]["figures"]["net_sales"]["value"].clone()
}

const DAY: &str = "2024-06-29";

fn day() -> DailyRequest {
    DailyRequest { day: DAY.parse().ok(), store: None }
}

fn month() -> MonthlyRequest {
    MonthlyRequest { month: "2024-06-01".parse().ok(), store: None }
}

fn incentives() -> IncentivesRequest {
    IncentivesRequest { month: "2024-06".to_owned(), ..IncentivesRequest::default() }
}

/// Stores' figures are read before the product table: those of the first attempt would lack what was published in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daily_report_begins_anew() {
    let (project, till) = project(1).await;
    let told = told(between(&project, &till, Dimension::Product).report_daily(&day()).await);
    assert_eq!((net(&told, "day"), net(&told, "month")), (json!("110.00"), json!("110.00")));
    assert_eq!(told["about"]["batch"], json!(2));
    assert_eq!(till.left.load(Ordering::SeqCst), 0, "it was published while the report was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monthly_report_begins_anew() {
    let (project, till) = project(1).await;
    let pipeline = project.with_seams(|seams| {
        let within = Arc::clone(&seams.reports);
        seams.reports = Arc::new(BeforeCustomers { within, till: Arc::clone(&till) });
    });
    let told = told(pipeline.report_monthly(&month()).await);
    let customers = &told["sections"]["customers"]["figures"]["customer_spend"]["value"];
    assert_eq!((net(&told, "month"), customers), (json!("110.00"), &json!("110.00")));
    assert_eq!(till.left.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_incentives_begins_anew() {
    let (project, till) = project(1).await;
    let told = told(between(&project, &till, Dimension::SalesTeam).report_incentives(&incentives()).await);
    let figures = &told["sections"]["summary"]["figures"];
    assert_eq!((&figures["total_sales"]["value"], &figures["incentives"]["value"]), (&json!("110.00"), &json!("1.10")));
    assert_eq!(till.left.load(Ordering::SeqCst), 0);
}

/// Where batches come faster than a report is made, there is none, and it says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_report_shows_half_of_a_batch() {
    let (project, till) = project(100).await;
    for fault in [
        between(&project, &till, Dimension::Product).report_daily(&day()).await.err(),
        between(&project, &till, Dimension::Store).report_monthly(&month()).await.err(),
        between(&project, &till, Dimension::SalesTeam).report_incentives(&incentives()).await.err(),
    ] {
        let fault = fault.expect("busy");
        assert_eq!((fault.kind, fault.what.as_str()), (FaultKind::Busy, "runs publish faster than a report is made"));
    }
}
