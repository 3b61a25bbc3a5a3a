//! Questions about some days or months of a mart: only theirs are read of the database.

use crate::project::{HEADER, Project};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::TryStreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tillmart_database::{Dimension, Lease, Publication, Publisher, StateTable, TargetRange, TargetTable};
use tillmart_model::Result;
use tillmart_pipeline::Pipeline;

/// Counts the published rows that are read.
struct Counting {
    within: Arc<dyn Publisher>,
    rows: Arc<AtomicUsize>,
}

impl Counting {
    fn counted(&self, rows: Vec<RecordBatch>) -> Vec<RecordBatch> {
        self.rows.fetch_add(rows.iter().map(RecordBatch::num_rows).sum(), Ordering::SeqCst);
        rows
    }
}

#[async_trait]
impl Publisher for Counting {
    async fn prepare(&self, state: &StateTable, target: &TargetTable) -> Result<()> {
        self.within.prepare(state, target).await
    }

    async fn index(&self, target: &TargetTable, columns: &[String]) -> Result<()> {
        self.within.index(target, columns).await
    }

    async fn begin(&self, lease: &Lease, batch_id: i64) -> Result<Box<dyn Publication>> {
        self.within.begin(lease, batch_id).await
    }

    async fn is_empty(&self, state: &StateTable) -> Result<bool> {
        self.within.is_empty(state).await
    }

    async fn read_state(&self, state: &StateTable) -> Result<Vec<RecordBatch>> {
        self.within.read_state(state).await
    }

    async fn read_target(&self, target: &TargetTable) -> Result<Vec<RecordBatch>> {
        Ok(self.counted(self.within.read_target(target).await?))
    }

    async fn read_range(&self, target: &TargetTable, range: &TargetRange) -> Result<Vec<RecordBatch>> {
        Ok(self.counted(self.within.read_range(target, range).await?))
    }
}

/// Two customers, who buy in two stores on the third of each of six months.
async fn project() -> Project {
    let project = Project::new(|_| {}).await;
    project.load(Dimension::Customer, "customer_id,first_name\n1,Ann\n2,Bob\n").await;
    project.load(Dimension::Store, "id,store_manager_name\n1,Moss\n2,Reed\n").await;
    project.load(Dimension::SalesTeam, "id,first_name\n10,Ann\n20,Bea\n").await;
    let mut rows = HEADER.to_owned();
    for month in 1..=6 {
        rows.push_str(&format!("1,1,mug,2024-{month:02}-03,10,{month},1,{month}.00\n"));
        rows.push_str(&format!("2,2,mug,2024-{month:02}-03,20,{month},2,{}.00\n", 2 * month));
    }
    project.deliver("a.csv", rows.as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    project
}

/// How many rows the answer has.
async fn asked(pipeline: &Pipeline, sql: &str) -> usize {
    let explorer = pipeline.explorer().await.unwrap_or_else(|fault| panic!("{fault}"));
    let answer = explorer.ask(sql).await.unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    let rows: Vec<RecordBatch> = answer.rows.try_collect().await.unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    rows.iter().map(RecordBatch::num_rows).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_month_of_a_mart_is_not_all_of_it() {
    let project = project().await;
    let rows = Arc::new(AtomicUsize::new(0));
    let pipeline = project.with_seams(|seams| {
        seams.publisher = Arc::new(Counting { within: Arc::clone(&seams.publisher), rows: Arc::clone(&rows) });
    });
    for (sql, found, read) in [
        ("SELECT * FROM customers_data_mart", 12, 12),
        ("SELECT * FROM customers_data_mart WHERE sales_date_month = '2024-03-01'", 2, 2),
        ("SELECT * FROM customers_data_mart WHERE sales_date_month > '2024-04-01'", 4, 6),
        ("SELECT * FROM customers_data_mart WHERE customer_id = 1 AND sales_date_month >= '2024-05-01'", 2, 2),
        ("SELECT * FROM sales_team_data_mart WHERE sales_month BETWEEN '2024-02' AND '2024-03'", 4, 4),
        ("SELECT * FROM store_day_data_mart WHERE sales_date = '2024-06-03' AND store_id = 2", 1, 1),
        ("SELECT * FROM store_day_data_mart WHERE sales_date = '2024-06-03' OR store_id = 2", 7, 12),
        ("SELECT * FROM store_day_data_mart WHERE store_id = 2", 6, 12),
        (
            "SELECT * FROM store_day_data_mart AS a JOIN store_day_data_mart AS b ON a.store_id = b.store_id \
             WHERE a.sales_date = '2024-06-03' AND b.sales_date = '2024-05-03'",
            2,
            4,
        ),
        ("SELECT * FROM store_day_data_mart AS a JOIN store_day_data_mart AS b USING (sales_date, store_id)", 12, 12),
    ] {
        rows.store(0, Ordering::SeqCst);
        assert_eq!((asked(&pipeline, sql).await, rows.load(Ordering::SeqCst)), (found, read), "{sql}");
    }
}
