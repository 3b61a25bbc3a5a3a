//! The whole pipeline on S3: the same tables as in a folder, whatever the files are called and whenever the service goes away.

use crate::project::{HEADER, Place, Project, Spend, Team};
use std::time::Duration;
use tillmart_database::Dimension;
use tillmart_testkit::RadosGw;

/// Names that must come through listing, ledger, tables, reports and archive as they are.
const NAMES: [&str; 6] = [
    "day one/till 1.csv",
    "50%+1.csv",
    "it's \"quoted\" #1.csv",
    "Straße/été/日本.csv",
    "'; DROP TABLE x; --.csv",
    "x?y*z[1]&a=b.csv",
];

async fn dimensions(project: &Project) {
    let customers: String = (1..=20).map(|id| format!("{id},Ann,O'Dell,{id} Mill Lane,0{id}\n")).collect();
    project
        .load(Dimension::Customer, &format!("customer_id,first_name,last_name,address,phone_number\n{customers}"))
        .await;
    project.load(Dimension::Store, "id,address\n1,a\n2,b\n").await;
    project.load(Dimension::Product, "id,name,current_price\n1,tea,2.50\n").await;
    project.load(Dimension::SalesTeam, "id,first_name,last_name,is_manager\n1,Bo,Li,N\n2,Cy,Ng,N\n").await;
}

/// A file's rows, of one store and one person, over three months; no two files are alike.
fn sales(file: usize, rows: usize) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for row in 0..rows {
        let (customer, store, month) = ((file * 7 + row) % 20 + 1, file % 2 + 1, row % 3 + 1);
        let (day, quantity) = (row % 28 + 1, row % 5 + 1);
        text.push_str(&format!(
            "{customer},{store},tea {file},2024-{month:02}-{day:02},{store},2.50,{quantity},{}.{}0\n",
            quantity * 25 / 10,
            quantity * 25 % 10
        ));
    }
    text.into_bytes()
}

async fn tables(project: &Project) -> (Spend, Team) {
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verified.differing, 0, "{verified:?}");
    (project.spend(), project.team())
}

/// The same files in a folder.
async fn expected(files: &[(String, Vec<u8>)]) -> (Spend, Team) {
    let project = Project::new(|options| options.batch_files_max = 10_000).await;
    dimensions(&project).await;
    project.put(files).await;
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    tables(&project).await
}

fn server() -> (RadosGw, Place) {
    let server = RadosGw::start().unwrap_or_else(|why| panic!("{why}"));
    let bucket = server.new_bucket().unwrap_or_else(|why| panic!("{why}"));
    let place = Place::bucket(&server.url(), &bucket);
    (server, place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_gives_the_same_tables_as_a_folder() {
    let files: Vec<(String, Vec<u8>)> =
        NAMES.iter().enumerate().map(|(at, name)| ((*name).to_owned(), sales(at, 300 + at))).collect();
    let (_server, place) = server();
    let project = Project::at(place, |_| {}).await;
    dimensions(&project).await;
    project.put(&files).await;
    // No sales file: it goes to the error area beside its report.
    project.put(&[("notes & more.txt".to_owned(), b"till 3 jams".to_vec())]).await;
    for finding in project.pipeline.doctor().await {
        assert!(finding.good, "{finding:?}");
    }
    let summary = project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((summary.files_landed, summary.files_rejected), (6, 1), "{summary:?}");
    assert_eq!(tables(&project).await, expected(&files).await);
    assert!(project.names("sales_data").await.is_empty());
    let mut archived = project.names("sales_data_processed").await;
    archived.sort();
    let mut names = NAMES.map(str::to_owned).to_vec();
    names.sort();
    assert_eq!(archived, names);
    assert_eq!(project.names("sales_data_error").await.len(), 2);
    // Delivered again, each is a duplicate, and nothing changes.
    project.put(&files).await;
    let again = project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((again.files_landed, again.files_duplicate), (0, 6), "{again:?}");
    assert_eq!(tables(&project).await, expected(&files).await);
}

/// The service is killed while files are landed, and stays away longer than it is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_dies_during_landing_costs_time_and_nothing_else() {
    let files: Vec<(String, Vec<u8>)> = (0..24).map(|at| (format!("till-{at}.csv"), sales(at, 4_000))).collect();
    let (mut server, place) = server();
    let project = Project::at(place, |options| options.batch_files_max = 10_000).await;
    dimensions(&project).await;
    project.put(&files).await;
    let kill = async {
        // Once the batch is claimed, landing begins.
        while project.batches().await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.kill();
    };
    let (ran, ()) = tokio::join!(project.pipeline.run(), kill);
    let fault = ran.expect_err("nobody answers");
    assert!(fault.to_string().contains("cannot be reached"), "{fault}");
    server.restart().unwrap_or_else(|why| panic!("{why}"));
    let summary = project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((summary.batches_recovered, summary.files_landed), (1, 24), "{summary:?}");
    assert_eq!(tables(&project).await, expected(&files).await);
    assert_eq!(project.names("sales_data_processed").await.len(), 24);
}
