//! What the demo delivers: real sales that are built into the binary, or made-up ones.

use crate::screen;
use crate::wiring::Project;
use std::path::Path;
use tillmart_generate::{Cut, OutputFormat, Plan, Size};
use tillmart_model::{Fault, FaultKind, Result, StoreAccess};

/// A built-in file: its path below the folder it is written to, and its content.
type File = (&'static str, &'static str);

macro_rules! real {
    ($($folder:literal / $name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../../examples/real-sales/", $folder, "/", $name)))),+]
    };
}

/// Three business days of a real shop; `examples/real-sales/README.md` names source and licence.
const DAYS: &[File] = real![
    "sales_data" / "online_retail_2011-02-06.csv",
    "sales_data" / "online_retail_2011-04-05.csv",
    "sales_data" / "online_retail_2011-08-12.csv",
];
const DIMENSIONS: &[File] = real![
    "dimensions" / "customer.csv",
    "dimensions" / "store.csv",
    "dimensions" / "product.csv",
    "dimensions" / "sales_team.csv",
];
/// The customer that the dimensions above lack.
const LATE: &[File] = real!["late" / "customer.csv"];

/// Where the late customer's file is, below the project's folder.
pub(super) const LATE_FOLDER: &str = "dimensions-late";
/// Where the dimensions' files are, below the project's folder.
pub(super) const DIMENSIONS_FOLDER: &str = "dimensions";

/// Delivers the real days as they came, and three deliveries that must not land: a day once more under another name, a day without its
/// prices, and a file that holds no sales. Returns what to tell of it.
pub(super) fn real_sales(project: &Project) -> Result<String> {
    let again = ("sent_again/2011-02-06.csv", DAYS[0].1);
    let notes = ("notes.txt", "Gone for lunch, back at two.\n");
    let unpriced = without_price(DAYS[1].1);
    let unpriced = ("2011-04-05_unpriced.csv", unpriced.as_str());
    let incoming = &project.settings.storage.incoming;
    for (name, text) in DAYS.iter().chain([&again, &notes, &unpriced]) {
        let path = format!("{incoming}/{name}");
        project.runtime.block_on(project.store.write(&path, (*text).as_bytes().to_vec()))?;
    }
    let folder = &project.settings.project;
    write_all(&folder.join(DIMENSIONS_FOLDER), DIMENSIONS)?;
    write_all(&folder.join(LATE_FOLDER), LATE)?;
    let rows: usize = DAYS.iter().map(|(_, text)| text.lines().count() - 1).sum();
    Ok(format!(
        "   {} in three days of a real online shop in the UK (UCI \"Online Retail\", CC BY 4.0), and beside them\n   \
         one of the days again under another name, a day without its prices, and a file that holds no sales",
        screen::many(rows as u64, "sale"),
    ))
}

/// The same sales with the price column renamed: what a till writes after a careless update.
fn without_price(day: &str) -> String {
    day.replacen(",price,", ",amount,", 1)
}

fn write_all(folder: &Path, files: &[File]) -> Result<()> {
    let write = || {
        std::fs::create_dir_all(folder)?;
        files.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
    };
    write().map_err(|error: std::io::Error| {
        Fault::new(FaultKind::Settings, "the demo's folder cannot be written")
            .at(folder.display().to_string())
            .found(error)
            .hint("choose a folder that you may write to: `tillmart demo DIR`")
    })
}

/// Delivers made-up sales over four years and a half, and files of every odd sort. Returns what to tell of it.
pub(super) fn made_up(project: &Project, rows: u64) -> Result<String> {
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
    let folder = project.settings.project.join(DIMENSIONS_FOLDER);
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
    Ok(format!(
        "   {} in {}, {} of them dirty on purpose",
        screen::many(made.rows, "made-up row"),
        screen::many(made.files + 1, "file"),
        screen::count(made.rows_dirty())
    ))
}
