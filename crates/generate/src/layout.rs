//! Which rows go into which file: decided before the first byte is made, so that chunks can be made in any order.

use crate::chance::{Chance, Use};
use crate::row::header;
use crate::sales::{Chunk, chunk};
use crate::shop::{Shop, date, weekday_weight};
use crate::{Cut, OutputFormat, Plan, Size};

/// One sales file to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SalesFile {
    /// Below the prefix.
    pub(crate) path: String,
    /// Number of its first row among all rows.
    pub(crate) first_row: u64,
    pub(crate) rows: u64,
    /// The one business day of all its rows, by index.
    pub(crate) day: Option<u32>,
    /// It has the extra column.
    pub(crate) extra: bool,
    /// It has the mandatory column `price`.
    pub(crate) has_price: bool,
}

/// Mean bytes of a row, in 1/1024 byte, without and with the extra column.
struct RowBytes {
    plain: u64,
    extra: u64,
}

const SAMPLE_ROWS: u64 = 16_384;

impl RowBytes {
    fn sample(shop: &Shop) -> RowBytes {
        let mean = |extra| {
            let file =
                SalesFile { path: String::new(), first_row: 0, rows: SAMPLE_ROWS, day: None, extra, has_price: true };
            let mut chance = Chance::of(shop.sales_seed, Use::Sample, 0);
            let Chunk { bytes, .. } = chunk(shop, &file, 0, SAMPLE_ROWS, &mut chance);
            ((bytes.len() as u64 - header_bytes(shop, &file)) << 10) / SAMPLE_ROWS
        };
        RowBytes { plain: mean(false), extra: mean(true) }
    }

    fn of(&self, file: &SalesFile) -> u64 {
        if file.extra { self.extra } else { self.plain }
    }
}

pub(crate) fn header_bytes(shop: &Shop, file: &SalesFile) -> u64 {
    match shop.plan.format {
        OutputFormat::Csv => header(file).len() as u64,
        OutputFormat::Jsonl => 0,
    }
}

/// The loadable sales files of a plan, in the order of their rows.
pub(crate) fn sales_files(shop: &Shop) -> Vec<SalesFile> {
    let row_bytes = RowBytes::sample(shop);
    match shop.plan.size {
        Size::Rows(rows) => cut(shop, rows, &row_bytes),
        Size::Bytes(bytes) => {
            // Headers and extra columns depend on the files, the files on the rows: three rounds settle it.
            let mut rows = ((bytes << 10) / row_bytes.plain).max(1);
            for _ in 0..3 {
                let made = bytes_of(shop, &cut(shop, rows, &row_bytes), &row_bytes).max(1);
                rows = (u128::from(rows) * u128::from(bytes) / u128::from(made)).max(1) as u64;
            }
            cut(shop, rows, &row_bytes)
        }
    }
}

/// The bytes that files will have, by the sample.
fn bytes_of(shop: &Shop, files: &[SalesFile], row_bytes: &RowBytes) -> u64 {
    files
        .iter()
        .map(|file| {
            let rows = u128::from(file.rows) * u128::from(row_bytes.of(file));
            header_bytes(shop, file) + (rows >> 10) as u64
        })
        .sum()
}

/// The share of `whole` that lies before `part` of `parts`.
fn before(whole: u64, part: u64, parts: u64) -> u64 {
    (u128::from(whole) * u128::from(part) / u128::from(parts.max(1))) as u64
}

fn cut(shop: &Shop, rows: u64, row_bytes: &RowBytes) -> Vec<SalesFile> {
    let plan = &shop.plan;
    let mut files = Vec::new();
    for (day, first_row, rows) in days(plan, rows) {
        let (folder, name) = delivery(plan, day);
        let parts = match plan.cut {
            Cut::Files(files) => u64::from(files).min(rows),
            Cut::BytesAbout(bytes) => {
                // The longer rows: a file may be a little smaller than asked, not larger.
                let rows_max = ((bytes << 10) / row_bytes.extra).max(1);
                rows.div_ceil(rows_max)
            }
        };
        for part in 0..parts {
            let number = files.len() as u64;
            let share = u64::from(plan.extra_column_percent);
            files.push(SalesFile {
                path: format!("{folder}sales_{name}_{:04}.{}", part + 1, plan.format.extension()),
                first_row: first_row + before(rows, part, parts),
                rows: before(rows, part + 1, parts) - before(rows, part, parts),
                day,
                extra: before(share, number + 1, 100) > before(share, number, 100),
                has_price: true,
            });
        }
    }
    files
}

/// The rows of each business day (index, first row, rows), busy weekdays with more; one entry for all unless by day.
fn days(plan: &Plan, rows: u64) -> Vec<(Option<u32>, u64, u64)> {
    if !plan.by_day {
        return vec![((plan.days() == 1).then_some(0), 0, rows)];
    }
    let weights: Vec<u64> = (0..plan.days()).map(|day| weekday_weight(date(plan, day)).into()).collect();
    let sum = weights.iter().sum();
    let mut weight_before = 0;
    let mut days = Vec::new();
    for (day, weight) in (0..).zip(weights) {
        let first = before(rows, weight_before, sum);
        weight_before += weight;
        let after = before(rows, weight_before, sum);
        if after > first {
            days.push((Some(day), first, after - first));
        }
    }
    days
}

/// Folder and date in the file name: the business day, or the day on which the whole range was delivered.
fn delivery(plan: &Plan, day: Option<u32>) -> (String, String) {
    let name = day.map_or(plan.to, |day| date(plan, day)).to_string();
    (if plan.by_day { format!("{name}/") } else { String::new() }, name)
}

/// Files that lack the mandatory column: like their good neighbours otherwise, and with rows of their own.
pub(crate) fn files_without_price(shop: &Shop) -> Vec<SalesFile> {
    const ROWS: u64 = 100;
    let plan = &shop.plan;
    (0..u64::from(plan.missing_column_files))
        .map(|number| {
            let day = (plan.by_day || plan.days() == 1).then(|| (number % u64::from(plan.days())) as u32);
            let (folder, name) = delivery(plan, day);
            SalesFile {
                path: format!("{folder}sales_{name}_no_price_{:04}.{}", number + 1, plan.format.extension()),
                // Far from the rows of the good files, so that no two rows are alike.
                first_row: (1 << 48) + number * ROWS,
                rows: ROWS,
                day,
                extra: false,
                has_price: false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_file() {
        for by_day in [false, true] {
            for cut in [Cut::Files(7), Cut::BytesAbout(100_000)] {
                let plan = Plan { by_day, cut, extra_column_percent: 30, ..Plan::default() };
                let files = sales_files(&Shop::of(&plan));
                let mut next = 0;
                for file in &files {
                    assert_eq!(file.first_row, next);
                    assert!(file.rows > 0);
                    next += file.rows;
                }
                assert_eq!(next, 500_000);
                let extra = files.iter().filter(|file| file.extra).count();
                assert_eq!(extra, files.len() * 30 / 100);
                let paths: std::collections::HashSet<_> = files.iter().map(|file| &file.path).collect();
                assert_eq!(paths.len(), files.len());
            }
        }
    }

    #[test]
    fn a_business_day_has_its_folder() {
        let first = Plan::default().from;
        let plan = Plan { from: first, to: first, by_day: true, size: Size::Rows(10), ..Plan::default() };
        let files = sales_files(&Shop::of(&plan));
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].path, "2020-01-01/sales_2020-01-01_0001.csv");
        assert_eq!(files[0].day, Some(0));
    }
}
