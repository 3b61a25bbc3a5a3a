//! `verify` takes no lease. Beside a run it compares what belongs together, begins anew when a batch was published meanwhile, and
//! says that a run is at work when it never gets to an end.

use crate::project::{HEADER, Project};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tillmart_database::Dimension;
use tillmart_engine::Progress;
use tillmart_model::FaultKind;
use tillmart_pipeline::{Observer, Pipeline, Point, Silent};

async fn project() -> Project {
    let project = Project::new(|_| {}).await;
    project.load(Dimension::Customer, "customer_id,first_name\n1,Ada\n2,Ben\n").await;
    project.load(Dimension::SalesTeam, "id,first_name\n11,Sam\n").await;
    project.load(Dimension::Store, "id,store_manager_name\n1,Nora\n").await;
    deliver(&project, 0);
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    project
}

fn deliver(project: &Project, number: u32) {
    let sale =
        format!("{HEADER}1,1,Tea,2024-05-{:02},11,2.50,{},{}.50\n", number % 28 + 1, 2 * number + 1, 5 * number + 2);
    project.deliver(&format!("{number}.csv"), sale.as_bytes());
}

/// Lets a run publish whenever the verification begins with a rollup, some times over.
struct Meddler {
    run: Pipeline,
    times: AtomicU32,
    deliver: Mutex<Box<dyn FnMut(u32) + Send>>,
    told: Mutex<Vec<String>>,
}

impl Observer for Meddler {
    fn doing(&self, what: &str) {
        self.told.lock().unwrap().push(what.to_owned());
        if what != "verifying sales_team_data_mart" || self.times.load(Ordering::Relaxed) == 0 {
            return;
        }
        let left = self.times.fetch_sub(1, Ordering::Relaxed);
        (self.deliver.lock().unwrap())(left);
        let run = self.run.clone();
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done = std::thread::spawn(move || runtime().block_on(run.run())).join().unwrap();
        done.unwrap_or_else(|fault| panic!("{fault}"));
    }

    fn landing(&self, _: u64, _: u64, _: Arc<Progress>) {}
    fn landed(&self) {}
    fn reached(&self, _: Point) {}
}

async fn verified_while_batches_come(times: u32) -> (tillmart_model::Result<u64>, Vec<String>) {
    let project = Arc::new(project().await);
    let deliverer = Arc::clone(&project);
    let meddler = Arc::new(Meddler {
        run: project.watched_by(Arc::new(Silent)),
        times: AtomicU32::new(times),
        deliver: Mutex::new(Box::new(move |number| deliver(&deliverer, number))),
        told: Mutex::new(Vec::new()),
    });
    let verified = project.watched_by(meddler.clone()).verify().await;
    let told = meddler.told.lock().unwrap().clone();
    (verified.map(|verified| verified.differing), told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_published_meanwhile_is_no_difference() {
    let (differing, told) = verified_while_batches_come(2).await;
    assert_eq!(differing.unwrap_or_else(|fault| panic!("{fault}")), 0);
    assert_eq!(told.iter().filter(|what| what.contains("verifying anew")).count(), 2, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_without_end_are_told_as_a_run_at_work() {
    let fault = verified_while_batches_come(100).await.0.expect_err("no end of batches");
    assert_eq!(fault.kind, FaultKind::Busy, "{fault}");
    assert!(fault.to_string().contains("a run is at work"), "{fault}");
}
