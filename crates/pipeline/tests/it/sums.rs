//! Sums made while landing: there until the batch is published, of all its rows or of no use.

use crate::project::{HEADER, Project};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tillmart_database::Dimension;
use tillmart_engine::Progress;
use tillmart_pipeline::{Observer, Point};

/// Looks for files of sums at two points, and takes away what a test wants gone.
struct Watch {
    manifests: PathBuf,
    found: Mutex<Vec<(Point, usize)>>,
}

impl Watch {
    fn sums(&self) -> usize {
        let files = std::fs::read_dir(&self.manifests).map(|files| {
            files
                .filter(|file| {
                    file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|end| end == "parquet"))
                })
                .count()
        });
        files.unwrap_or(0)
    }
}

impl Observer for Watch {
    fn doing(&self, _: &str) {}
    fn landing(&self, _: u64, _: u64, _: Arc<Progress>) {}
    fn landed(&self) {}
    fn reached(&self, point: Point) {
        if matches!(point, Point::Landed | Point::BeforePublish) {
            self.found.lock().expect("held").push((point, self.sums()));
        }
    }
}

#[tokio::test]
async fn sums_lie_beside_the_manifest_until_they_are_published() {
    let project = Project::new(|_| {}).await;
    project.load(Dimension::Customer, "customer_id,first_name\n7,Ann\n8,Bob\n").await;
    project.load(Dimension::Store, "id\n1\n").await;
    project.load(Dimension::SalesTeam, "id,first_name\n1,Cy\n").await;
    let manifests = project.folder.path().join("storage/tillmart/sales");
    let watch = Arc::new(Watch { manifests, found: Mutex::default() });
    let text = format!(
        "{HEADER}7,1,tea,2024-01-02,1,2.50,2,5.00\n8,1,tea,2024-01-02,1,1.00,1,1.00\n7,1,tea,2024-02-02,1,1.00,-1,-1.00\n7,1,tea,2024-01-03,1,2.50,-1,-2.50\n"
    );
    project.deliver("a.csv", text.as_bytes());
    let pipeline = project.watched_by(Arc::clone(&watch) as Arc<dyn Observer>);
    pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let found = watch.found.lock().expect("held").clone();
    assert_eq!(found, [(Point::Landed, 2), (Point::BeforePublish, 2)], "customer spend and sales team, one task");
    assert_eq!(watch.sums(), 0, "nothing asks for them any more");
    let spend: Vec<(i64, i128)> =
        project.spend().into_iter().map(|((customer, _), (.., total))| (customer, total)).collect();
    assert_eq!(spend, [(7, 250), (7, -100), (8, 100)]);
}
