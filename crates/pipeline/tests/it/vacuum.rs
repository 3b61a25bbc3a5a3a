//! A vacuum deletes what nobody reads any more of the histories, and nothing else.

use crate::project::Project;
use arrow::compute::concat_batches;
use futures::TryStreamExt;
use std::path::Path;
use tillmart_database::Dimension;

/// Data files of a table, be they in its newest version or not.
async fn data_files(project: &Project, table: &str) -> usize {
    project.names(table).await.iter().filter(|path| path.ends_with(".parquet") && !path.starts_with('_')).count()
}

async fn rows(project: &Project, table: &str) -> String {
    let sql = format!("SELECT * FROM {table} ORDER BY id, valid_from");
    let explorer = project.pipeline.explorer().await.unwrap_or_else(|fault| panic!("{fault}"));
    let answer = explorer.ask(&sql).await.unwrap_or_else(|fault| panic!("{fault}"));
    let batches: Vec<_> = answer.rows.try_collect().await.unwrap_or_else(|fault| panic!("{fault}"));
    format!("{:?}", concat_batches(&answer.schema, &batches).expect("one table"))
}

async fn load(project: &Project, text: &str, as_of: &str) {
    let file: &Path = &project.folder.path().join("store.csv");
    std::fs::write(file, text).expect("written");
    let as_of = as_of.parse().expect("a day");
    let loaded = project.pipeline.load_dimension(Dimension::Store, file, Some(as_of)).await;
    loaded.unwrap_or_else(|fault| panic!("{fault}"));
}

#[tokio::test]
async fn histories_keep_every_version_that_readers_ask_for() {
    let (vacuumed, left) = (Project::new(|_| {}).await, Project::new(|_| {}).await);
    let stores = "id,address,store_manager_name\n1,North,Nora\n2,South,Said\n";
    let moves = [("2024-03-01", "Abel"), ("2024-05-01", "June"), ("2024-04-01", "Wanda"), ("2024-02-01", "Uma")];
    for project in [&vacuumed, &left] {
        load(project, stores, "2024-01-01").await;
        for (day, manager) in &moves[..3] {
            load(project, &format!("id,store_manager_name\n1,{manager}\n"), day).await;
        }
    }
    let before = rows(&vacuumed, "dim_store").await;
    let files = data_files(&vacuumed, "dim_store").await;
    vacuumed.pipeline.optimize(false).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(data_files(&vacuumed, "dim_store").await, files, "nobody asked for a vacuum");
    let done = vacuumed.pipeline.optimize(true).await.unwrap_or_else(|fault| panic!("{fault}"));
    let told = done.iter().find(|done| done.table == "dim_store").expect("told");
    assert!(told.files_vacuumed >= 3, "{told:?}");
    assert!(data_files(&vacuumed, "dim_store").await < files);
    assert_eq!(rows(&vacuumed, "dim_store").await, before);
    // What comes later is made of all statements: none of them is gone.
    for project in [&vacuumed, &left] {
        load(project, &format!("id,store_manager_name\n1,{}\n", moves[3].1), moves[3].0).await;
    }
    let after = rows(&vacuumed, "dim_store").await;
    assert_eq!(after, rows(&left, "dim_store").await);
    assert!(after.contains("Uma") && after != before, "{after}");
}
