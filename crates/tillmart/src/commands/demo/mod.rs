//! `demo`: the whole pipeline on sales that it brings along.

mod deliver;
mod stores;

use super::{Outcome, dimensions, init, query};
use crate::cli::{Cli, DemoArgs, DemoStores};
use crate::wiring::{self, Project};
use crate::{screen, settings};
use std::path::Path;
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::{RejectFilter, Summary};

/// Marks a folder as a demo's: only such a folder is ever made anew.
const MARK: &str = ".tillmart-demo";

pub(crate) fn run(cli: &Cli, args: &DemoArgs) -> Result<Outcome> {
    let folder = &args.folder;
    make_room(folder)?;
    // With --json the story goes to stderr, and stdout has one object.
    let say = if cli.json { screen::talk } else { screen::data };
    say(&format!("A demo of Tillmart in {}\n", folder.display()));
    let servers = match args.stores {
        DemoStores::Embedded => None,
        DemoStores::Production => Some(stores::Servers::start()?),
    };
    let mut variables = servers.as_ref().map(stores::Servers::variables).unwrap_or_default();
    if let Some(servers) = &servers {
        say(&servers.told());
    }
    init::make(cli, folder, &variables)?;
    write_mark(folder)?;
    variables.push((REPORTS.0.to_owned(), REPORTS.1.to_owned()));
    let project = wiring::open_with(folder, cli, &variables)?;
    say("1. Sales files arrive, with all that goes wrong in such files.");
    say(&match args.made_up {
        Some(rows) => deliver::made_up(&project, rows)?,
        None => deliver::real_sales(&project)?,
    });
    say("\n2. Customers, stores, products and sales persons are loaded.");
    for (name, done) in dimensions::load(&project, &folder.join(deliver::DIMENSIONS_FOLDER), None)? {
        say(&format!("   {name}: {}", screen::many(done.added, "row")));
    }
    say("\n3. The first run lands them.\n");
    let mut first = project.runtime.block_on(project.pipeline.run())?;
    project.runtime.block_on(project.pipeline.write_reports(&mut first));
    say(&screen::summary::summary(&first));
    say("\n4. A second run finds nothing to do.\n");
    let second = project.runtime.block_on(project.pipeline.run())?;
    say(&screen::summary::summary(&second));
    say(&top(&project, "5. What customers spent: the top of customers_data_mart.", TOP_CUSTOMERS)?);
    say(&top(&project, "6. Who sold most, and what they earn by it: the top of sales_team_data_mart.", TOP_SELLERS)?);
    say(&rejects(&project)?);
    let mut replayed = None;
    if args.made_up.is_none() {
        let mut summary = replay(&project)?;
        project.runtime.block_on(project.pipeline.write_reports(&mut summary));
        say(&told_of_replay(&summary));
        replayed = Some(summary);
    }
    verify(&project)?;
    say("\nVerified: every mart equals its landed rows, to the cent.");
    say(&match &servers {
        None => next(folder, args.made_up.is_some()),
        Some(_) => ON_YOUR_OWN.to_owned(),
    });
    if let (None, Some(report)) = (&servers, newest_month(&first)) {
        say(&format!("\nA page to look at, with the figures of the newest month:\n  {report}"));
    }
    if cli.json {
        let runs = serde_json::json!({ "first": first, "second": second, "replay": replayed, "verified": true });
        screen::json(&runs)?;
    }
    Ok(Outcome::Done)
}

/// Which reports the demo's runs write: what a project chooses with `reports.write`.
const REPORTS: (&str, &str) = ("TILLMART_REPORTS_WRITE", "daily.html,monthly.html");

/// The page of the newest month that a run touched.
fn newest_month(summary: &Summary) -> Option<&String> {
    summary.reports.iter().filter(|report| report.contains("/monthly/")).max()
}

/// What to try after a demo whose servers are gone.
const ON_YOUR_OWN: &str = "
The demo's servers stop now. For your own bucket and database see \"Production: S3 and MySQL\" in the README;
`tillmart demo` without --stores leaves a project to look around in.";

const TOP_CUSTOMERS: &str = include_str!("../../../../../sql/queries/demo_top_customers.sql");
const TOP_SELLERS: &str = include_str!("../../../../../sql/queries/demo_top_sellers.sql");

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

fn top(project: &Project, title: &str, sql: &str) -> Result<String> {
    let table = project.runtime.block_on(query::table(&project.pipeline, sql))?;
    Ok(format!("\n{title}\n{table}"))
}

fn rejects(project: &Project) -> Result<String> {
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
    Ok(format!("\n7. What was rejected, and why: the newest five.\n{table}"))
}

/// The row of a customer arrives late: what was rejected for its want lands, and the marts move by just that.
fn replay(project: &Project) -> Result<Summary> {
    dimensions::load(project, &project.settings.project.join(deliver::LATE_FOLDER), None)?;
    project.runtime.block_on(project.pipeline.replay(Vec::new(), Vec::new()))
}

fn told_of_replay(summary: &Summary) -> String {
    format!(
        "\n8. A customer that was unknown is loaded late, and the rejects are replayed.\n   \
         {} landed that had been rejected, worth {}",
        screen::many(summary.rows_replayed, "sale"),
        screen::money(&summary.money_landed)
    )
}

fn verify(project: &Project) -> Result<()> {
    let verified = project.runtime.block_on(project.pipeline.verify())?;
    if verified.differing > 0 {
        return Err(Fault::new(FaultKind::Promise, "the marts differ from the landed rows")
            .found(screen::many(verified.differing, "difference"))
            .hint("please report this: it must not happen"));
    }
    Ok(())
}

fn next(folder: &Path, made_up: bool) -> String {
    let project = folder.display();
    let more = if made_up {
        format!("tillmart --project {project} rejects list --reason unknown_customer")
    } else {
        format!("tillmart demo {project} --made-up 500000")
    };
    format!(
        "\nTry next:\n\
         \x20 tillmart --project {project} status\n\
         \x20 tillmart --project {project} query \"SHOW TABLES\"\n\
         \x20 tillmart --project {project} query \"SELECT * FROM daily_product_sales LIMIT 10\"\n\
         \x20 tillmart --project {project} rejects list\n\
         \x20 tillmart --project {project} files list\n\
         \x20 {more}\n\
         The marts are Delta tables in {project}/storage/ and SQLite tables in {project}/tillmart.db.\n\
         From a clone, put `cargo run --release --` in the place of `tillmart`."
    )
}
