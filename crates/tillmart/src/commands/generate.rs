//! `generate`.

use super::Outcome;
use crate::cli::{Cli, GenerateArgs, GenerateFormat};
use crate::secrets::Keyring;
use crate::secrets::master::Which;
use crate::{screen, settings, wiring};
use object_store::path::Path as ObjectPath;
use std::path::Path;
use std::time::Instant;
use tillmart_generate::{Cut, Made, OutputFormat, Plan, Size};
use tillmart_lake::Store;
use tillmart_model::{Result, StoreAccess, money};

pub(crate) fn run(cli: &Cli, args: &GenerateArgs) -> Result<Outcome> {
    let plan = plan(args)?;
    plan.check()?;
    let here = Path::new(".");
    let settings = || settings::load(&cli.project, cli.env.as_deref(), settings::variables());
    let (sales, dimensions) = match args.place()? {
        // To a bucket with the project's own access, where there is a project.
        Some(out) if out.contains("://") && cli.project.join(settings::FILE_NAME).exists() => {
            let access = settings()?.access(&mut Keyring::new(Which::Current))?;
            ((Store::open(out, here, &access)?, ""), (Store::open(out, here, &access)?, ""))
        }
        Some(out) => {
            let access = StoreAccess::default();
            ((Store::open(out, here, &access)?, ""), (Store::open(out, here, &access)?, ""))
        }
        None => {
            let settings = settings()?;
            let project = settings.project.display().to_string();
            let (_, access) = settings.servers(&mut Keyring::new(Which::Current))?;
            let incoming = Store::open(&settings.storage.root, &settings.project, &access)?;
            let area = settings.storage.incoming.clone();
            let beside = Store::open(&project, here, &StoreAccess::default())?;
            return make(cli, args, &plan, (&incoming, &area), (&beside, "dimensions"));
        }
    };
    make(cli, args, &plan, (&sales.0, sales.1), (&dimensions.0, dimensions.1))
}

fn plan(args: &GenerateArgs) -> Result<Plan> {
    let usual = Plan::default();
    Ok(Plan {
        seed: args.seed,
        size: match (args.rows, args.size) {
            (_, Some(bytes)) => Size::Bytes(bytes),
            (Some(rows), None) => Size::Rows(rows),
            (None, None) => usual.size,
        },
        from: args.day.unwrap_or(args.from),
        to: args.last_day()?,
        customers: args.customers,
        stores: args.stores,
        sales_persons: args.sales_persons,
        products: args.products,
        cut: args.files.map_or(Cut::BytesAbout(args.file_size), Cut::Files),
        by_day: args.by_day,
        format: match args.format {
            GenerateFormat::Csv => OutputFormat::Csv,
            GenerateFormat::Jsonl => OutputFormat::Jsonl,
        },
        extra_column_percent: args.extra_column_files,
        missing_column_files: args.missing_column_files,
        foreign_files: args.foreign_files,
        dirty_ppm: args.dirty,
        anonymous_ppm: args.anonymous,
        returns_ppm: args.returns,
        threads: usual.threads,
    })
}

fn make(
    cli: &Cli,
    args: &GenerateArgs,
    plan: &Plan,
    sales: (&Store, &str),
    dimensions: (&Store, &str),
) -> Result<Outcome> {
    let runtime = wiring::runtime(plan.threads.get())?;
    let path = |(store, area): (&Store, &str)| -> Result<ObjectPath> {
        store.path(if area.is_empty() { "." } else { area }.trim_matches('.'))
    };
    let started = Instant::now();
    if !args.no_dimensions {
        let place = path(dimensions)?;
        runtime.block_on(tillmart_generate::dimensions(plan, dimensions.0.objects(), &place))?;
        screen::talk(&format!("dimensions  {}", dimensions.0.display(dimensions.1)));
    }
    if args.dimensions_only {
        return Ok(Outcome::Done);
    }
    let place = path(sales)?;
    let made = runtime.block_on(tillmart_generate::sales(plan, sales.0.objects(), &place, &|_| {}))?;
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    screen::talk(&format!("sales       {}", sales.0.display(sales.1)));
    tell(cli, plan, &made, milliseconds)
}

fn tell(cli: &Cli, plan: &Plan, made: &Made, milliseconds: u64) -> Result<Outcome> {
    let money = money::cents_text(made.money_cents);
    let speed = made.bytes / 1_000 / milliseconds;
    if cli.json {
        let dirty: std::collections::BTreeMap<&str, u64> =
            made.dirty_by_reason.iter().map(|(reason, rows)| (reason.code(), *rows)).collect();
        screen::json(&serde_json::json!({
            "seed": plan.seed,
            "files": made.files,
            "rows": made.rows,
            "bytes": made.bytes,
            "rows_dirty_by_reason": dirty,
            "rows_anonymous": made.rows_anonymous,
            "rows_returned": made.rows_returned,
            "money": money,
            "files_with_extra_column": made.files_with_extra_column,
            "files_without_price": made.files_without_price,
            "files_foreign": made.files_foreign,
            "milliseconds": milliseconds,
        }))?;
        return Ok(Outcome::Done);
    }
    let mut lines = vec![
        format!(
            "made        {} with {} ({})",
            screen::many(made.files, "file"),
            screen::many(made.rows, "row"),
            screen::bytes(made.bytes)
        ),
        format!(
            "worth       {} in clean rows, {} anonymous, {} returns",
            screen::money(&money),
            screen::count(made.rows_anonymous),
            screen::count(made.rows_returned)
        ),
    ];
    if made.rows_dirty() > 0 {
        lines.push(format!("dirty       {} rows", screen::count(made.rows_dirty())));
    }
    if made.files_with_extra_column + made.files_without_price + made.files_foreign > 0 {
        lines.push(format!(
            "odd files   {} with an extra column, {} without price, {} foreign",
            screen::count(made.files_with_extra_column),
            screen::count(made.files_without_price),
            screen::count(made.files_foreign)
        ));
    }
    lines.push(format!(
        "time        {}.{:02} s, {} MB/s, seed {}",
        milliseconds / 1000,
        milliseconds % 1000 / 10,
        screen::count(speed),
        plan.seed
    ));
    screen::data(&lines.join("\n"));
    Ok(Outcome::Done)
}
