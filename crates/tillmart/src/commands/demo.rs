//! `demo`: the whole pipeline on sales that it makes itself.

use super::{Outcome, dimensions, init};
use crate::cli::{Cli, DemoArgs};
use crate::wiring::{self, Project};
use crate::{screen, settings};
use std::path::Path;
use tillmart_generate::{Cut, OutputFormat, Plan, Size};
use tillmart_model::{Fault, FaultKind, Result, StoreAccess};
use tillmart_pipeline::RejectFilter;

/// Marks a folder as a demo's: only such a folder is ever made anew.
const MARK: &str = ".tillmart-demo";

pub(crate) fn run(cli: &Cli, args: &DemoArgs) -> Result<Outcome> {
    let folder = &args.folder;
    make_room(folder)?;
    screen::data(&format!("A demo of Tillmart in {}\n", folder.display()));
    init::make(cli, folder)?;
    write_mark(folder)?;
    let project = wiring::open_at(folder, cli)?;
    screen::data("1. Sales files arrive, with all that goes wrong in such files.");
    deliver(&project, args.rows)?;
    screen::data("\n2. Customers, stores, products and sales persons are loaded.");
    for (name, done) in dimensions::load(&project, &folder.join("dimensions"))? {
        screen::data(&format!("   {name}: {}", screen::many(done.added, "row")));
    }
    screen::data("\n3. The first run lands them.\n");
    let summary = project.runtime.block_on(project.pipeline.run())?;
    screen::data(&screen::summary::summary(&summary));
    screen::data("\n4. A second run finds nothing to do.\n");
    let second = project.runtime.block_on(project.pipeline.run())?;
    screen::data(&screen::summary::summary(&second));
    show(&project, "5. What customers spent: the top of customers_data_mart.", TOP_CUSTOMERS)?;
    show(&project, "6. Who sold most, and what they earn by it: the top of sales_team_data_mart.", TOP_SELLERS)?;
    rejects(&project)?;
    verify(&project)?;
    screen::data(&next(folder));
    Ok(Outcome::Done)
}

const TOP_CUSTOMERS: &str = include_str!("../../../../sql/queries/demo_top_customers.sql");
const TOP_SELLERS: &str = include_str!("../../../../sql/queries/demo_top_sellers.sql");

fn make_room(folder: &Path) -> Result<()> {
    let occupied = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if !occupied {
        return Ok(());
    }
    let ours = folder.join(MARK).exists() && folder.join(settings::FILE_NAME).exists();
    if !ours {
        return Err(Fault::new(FaultKind::Settings, "the demo needs a folder of its own")
            .at(folder.display().to_string())
            .expected("a new or empty folder, or that of an earlier demo")
            .found("other files")
            .hint("name another: `tillmart demo DIR`; nothing was changed"));
    }
    std::fs::remove_dir_all(folder).map_err(|error| {
        Fault::new(FaultKind::Settings, "the earlier demo cannot be removed")
            .at(folder.display().to_string())
            .found(error)
    })
}

fn write_mark(folder: &Path) -> Result<()> {
    std::fs::write(folder.join(MARK), "This folder is made anew by `tillmart demo`.\n").map_err(|error| {
        Fault::new(FaultKind::Settings, "the demo's folder cannot be written")
            .at(folder.display().to_string())
            .found(error)
    })
}

/// Made-up sales over four years and a half, and files of every odd sort.
fn deliver(project: &Project, rows: u64) -> Result<()> {
    let store = &project.store;
    let incoming = store.path(&project.settings.storage.incoming)?;
    let usual = Plan {
        size: Size::Rows(rows),
        cut: Cut::Files(8),
        dirty_ppm: 2_000,
        extra_column_percent: 25,
        missing_column_files: 1,
        foreign_files: 1,
        ..Plan::default()
    };
    let folder = project.settings.project.join("dimensions");
    let beside = tillmart_lake::Store::open(&folder.display().to_string(), Path::new("."), &StoreAccess::default())?;
    let made = project.runtime.block_on(async {
        tillmart_generate::dimensions(&usual, beside.objects(), &beside.path("")?).await?;
        let csv = tillmart_generate::sales(&usual, store.objects(), &incoming, &|_| {}).await?;
        let lines = Plan {
            seed: usual.seed + 1,
            size: Size::Rows(rows / 50),
            cut: Cut::Files(1),
            format: OutputFormat::Jsonl,
            missing_column_files: 0,
            foreign_files: 0,
            ..usual.clone()
        };
        tillmart_generate::sales(&lines, store.objects(), &incoming.clone().join("jsonl"), &|_| {}).await?;
        Ok::<_, Fault>(csv)
    })?;
    screen::data(&format!(
        "   {} in {}, {} of them dirty on purpose",
        screen::many(made.rows, "made-up row"),
        screen::many(made.files + 1, "file"),
        screen::count(made.rows_dirty())
    ));
    Ok(())
}

fn show(project: &Project, title: &str, sql: &str) -> Result<()> {
    let (schema, batches) = project.runtime.block_on(project.pipeline.query(sql))?;
    screen::data(&format!("\n{title}\n{}", screen::table::batches(&schema, &batches)?));
    Ok(())
}

fn rejects(project: &Project) -> Result<()> {
    let filter = RejectFilter { limit: Some(5), ..RejectFilter::default() };
    let rejects = project.runtime.block_on(project.pipeline.rejects(&filter))?;
    let rows: Vec<Vec<String>> = rejects
        .iter()
        .map(|reject| {
            vec![
                reject.file.clone(),
                reject.line.map_or_else(String::new, |line| line.to_string()),
                reject.code.clone(),
                screen::table::short(&reject.message),
            ]
        })
        .collect();
    let table = screen::table::table(&["file", "line", "reason", "message"], &["line"], &rows);
    screen::data(&format!("\n7. What was rejected, and why: the newest five.\n{table}"));
    Ok(())
}

fn verify(project: &Project) -> Result<()> {
    let verified = project.runtime.block_on(project.pipeline.verify())?;
    if verified.differing > 0 {
        return Err(Fault::new(FaultKind::Promise, "the marts differ from the landed rows")
            .found(screen::many(verified.differing, "difference"))
            .hint("please report this: it must not happen"));
    }
    screen::data("\n8. Verified: every mart equals its landed rows, to the cent.");
    Ok(())
}

fn next(folder: &Path) -> String {
    let project = folder.display();
    format!(
        "\nTry next:\n\
         \x20 tillmart --project {project} status\n\
         \x20 tillmart --project {project} query \"SHOW TABLES\"\n\
         \x20 tillmart --project {project} query \"SELECT * FROM daily_product_sales LIMIT 10\"\n\
         \x20 tillmart --project {project} rejects list --reason unknown_customer\n\
         \x20 tillmart --project {project} files list\n\
         The marts are Delta tables in {project}/storage/ and SQLite tables in {project}/tillmart.db.\n\
         From a clone, put `cargo run --release --` in the place of `tillmart`."
    )
}
