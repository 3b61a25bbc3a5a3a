//! Sums made while landing: there until the batch is published, and gone with a vacuum if a run was killed just then.

use crate::project::{HEADER, Project};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tillmart_database::Dimension;
use tillmart_engine::Progress;
use tillmart_pipeline::{Observer, Point};

/// Looks for files of sums at two points, and keeps what was in them.
struct Watch {
    manifests: PathBuf,
    found: Mutex<Vec<(Point, usize)>>,
    kept: Mutex<Vec<(PathBuf, Vec<u8>)>>,
}

impl Watch {
    fn over(project: &Project) -> Arc<Watch> {
        let manifests = project.folder.path().join("storage/tillmart/sales");
        Arc::new(Watch { manifests, found: Mutex::default(), kept: Mutex::default() })
    }

    /// Files that end like this.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(&self.manifests).into_iter().flatten().flatten().map(|file| file.path());
        files.filter(|path| path.extension().is_some_and(|end| end == ending)).collect()
    }

    fn sums(&self) -> usize {
        self.files("parquet").len()
    }
}

impl Observer for Watch {
    fn doing(&self, _: &str) {}
    fn landing(&self, _: u64, _: u64, _: Arc<Progress>) {}
    fn landed(&self) {}
    fn reached(&self, point: Point) {
        if matches!(point, Point::Landed | Point::BeforePublish) {
            self.found.lock().expect("held").push((point, self.sums()));
            let files = self.files("parquet").into_iter();
            let kept = files.map(|path| (path.clone(), std::fs::read(path).expect("there"))).collect();
            *self.kept.lock().expect("held") = kept;
        }
    }
}

/// A project with one file to land, watched.
async fn watched() -> (Project, Arc<Watch>) {
    let project = Project::new(|_| {}).await;
    project.load(Dimension::Customer, "customer_id,first_name\n7,Ann\n8,Bob\n").await;
    project.load(Dimension::Store, "id\n1\n").await;
    project.load(Dimension::SalesTeam, "id,first_name\n1,Cy\n").await;
    let text = format!(
        "{HEADER}7,1,tea,2024-01-02,1,2.50,2,5.00\n8,1,tea,2024-01-02,1,1.00,1,1.00\n7,1,tea,2024-02-02,1,1.00,-1,-1.00\n7,1,tea,2024-01-03,1,2.50,-1,-2.50\n"
    );
    project.deliver("a.csv", text.as_bytes());
    let watch = Watch::over(&project);
    let pipeline = project.watched_by(Arc::clone(&watch) as Arc<dyn Observer>);
    pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    (project, watch)
}

#[tokio::test]
async fn sums_lie_beside_the_manifest_until_they_are_published() {
    let (project, watch) = watched().await;
    let found = watch.found.lock().expect("held").clone();
    assert_eq!(found, [(Point::Landed, 5), (Point::BeforePublish, 5)], "every built-in rollup, one task");
    assert_eq!(watch.sums(), 0, "nothing asks for them any more");
    let spend: Vec<(i64, i128)> =
        project.spend().into_iter().map(|((customer, _), (.., total))| (customer, total)).collect();
    assert_eq!(spend, [(7, 250), (7, -100), (8, 100)]);
}

#[tokio::test]
async fn a_vacuum_deletes_what_a_run_that_was_killed_behind_its_publication_left() {
    let (project, watch) = watched().await;
    for (path, bytes) in watch.kept.lock().expect("held").iter() {
        std::fs::write(path, bytes).expect("as if they had not been deleted");
    }
    assert_eq!(watch.sums(), 5);
    project.pipeline.optimize(false).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(watch.sums(), 5, "nobody asked for a vacuum");
    project.pipeline.optimize(true).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(watch.sums(), 0);
    assert_eq!(watch.files("json").len(), 1, "the manifest stays");
}
