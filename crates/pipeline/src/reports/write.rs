//! Reports that a run leaves in the reports area, for whoever reads them without a command.

use super::answer::Answer;
use super::reader::unlike;
use super::{DailyRequest, MonthlyRequest};
use crate::marts::SALES_MART;
use crate::shop::{Pipeline, Prepared};
use crate::summary::{Summary, Touched};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tillmart_engine::Relation;
use tillmart_model::{Manifest, Result};
use tillmart_report::{Document, Format, Look, render};

/// A report that runs write: which one, and in which format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenReport {
    period: Period,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Daily,
    Monthly,
}

impl WrittenReport {
    /// Every report in every format.
    pub fn all() -> impl Iterator<Item = WrittenReport> {
        let of = |period| Format::ALL.into_iter().map(move |format| WrittenReport { period, format });
        of(Period::Daily).chain(of(Period::Monthly))
    }
}

impl fmt::Display for WrittenReport {
    /// As settings name it: `daily.html`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.period {
            Period::Daily => "daily",
            Period::Monthly => "monthly",
        };
        write!(f, "{period}.{}", self.format.extension())
    }
}

/// What runs write, and how much of it at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportOptions {
    /// Area of written reports.
    pub area: String,
    /// The reports.
    pub write: Vec<WrittenReport>,
    /// Days of which daily reports are written: the newest that the run touched.
    pub days_max: u32,
    /// Months of which monthly reports are written, likewise.
    pub months_max: u32,
    /// Where the tiers of a month's spend begin, in cents, rising.
    pub spend_tiers: Vec<i64>,
}

/// What became of the reports that were to be written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Reports that were written, by path.
    pub(crate) reports: Vec<String>,
    /// Reports that were not, and why.
    pub(crate) failed: BTreeMap<String, String>,
}

impl Pipeline {
    /// Writes the reports that settings name, of the days and months whose figures a run, or another batch, has changed, and adds to the
    /// summary what was written and what was not. The batch is done: whatever goes wrong here is told there, and undoes nothing.
    pub async fn write_reports(&self, summary: &mut Summary) {
        let written = self.write_touched(&summary.touched).await;
        summary.reports.extend(written.reports);
        summary.reports_failed.extend(written.failed);
    }

    /// The same of months and days that somebody else counted.
    pub(crate) async fn write_touched(&self, touched: &Touched) -> Written {
        let options = &self.options.reports;
        let mut written = Written::default();
        let (daily, monthly) = (self.formats(Period::Daily), self.formats(Period::Monthly));
        if !daily.is_empty() {
            let days: Vec<NaiveDate> = touched.days.iter().rev().take(options.days_max as usize).copied().collect();
            for day in days.into_iter().rev() {
                let made = self.report_daily(&DailyRequest { day: Some(day), store: None }).await;
                self.put_report(&format!("daily/{day}"), made, &daily, &mut written).await;
            }
        }
        if !monthly.is_empty() {
            let months: Vec<String> = touched.months.iter().rev().take(options.months_max as usize).cloned().collect();
            for month in months.into_iter().rev() {
                let Ok(first) = format!("{month}-01").parse() else { continue };
                let request = MonthlyRequest { month: Some(first), store: None };
                let made = self.report_touched_month(&request).await;
                self.put_report(&format!("monthly/{month}"), made, &monthly, &mut written).await;
            }
        }
        written
    }

    fn formats(&self, period: Period) -> Vec<Format> {
        let of_period = self.options.reports.write.iter().filter(|report| report.period == period);
        of_period.map(|report| report.format).collect()
    }

    async fn put_report(&self, name: &str, made: Result<Document>, formats: &[Format], written: &mut Written) {
        let document = match made {
            Ok(document) => document,
            Err(fault) => {
                written.failed.insert(name.to_owned(), fault.to_string());
                return;
            }
        };
        for format in formats {
            let path = format!("{}/{name}.{}", self.options.reports.area, format.extension());
            let text = render(&document, *format, &Look::default());
            match self.seams.store.write(&path, text.into_bytes()).await {
                Ok(()) => written.reports.push(self.seams.store.display(&path)),
                Err(fault) => drop(written.failed.insert(path, fault.to_string())),
            }
        }
    }

    /// The days of sales that a batch takes back, as the files tell that held them: a file that is written anew has other days, too.
    /// None where no daily report would be written.
    ///
    /// # Errors
    /// A data file that cannot be read: the publication would need it, too.
    pub(crate) async fn days_taken_back(
        &self,
        manifest: &Manifest,
        prepared: &Prepared,
    ) -> Result<BTreeSet<NaiveDate>> {
        let removed: Vec<_> = manifest.removed.iter().filter(|file| file.table == SALES_MART).collect();
        if removed.is_empty() || manifest.taken_back.is_empty() || self.formats(Period::Daily).is_empty() {
            return Ok(BTreeSet::new());
        }
        let files = removed.iter().map(|file| (file.path.as_str(), file.size, file.partition.as_slice()));
        let (schema, partitions) = (prepared.marts.sales_schema(), prepared.marts.sales_partitions());
        let sales = Relation::landed("sales", &self.objects(), schema, partitions, &self.landed_files(files)?)
            .and_then(|sales| sales.only("source_file_id", &manifest.taken_back))
            .map_err(unlike)?;
        let sql = include_str!("../../../../sql/reports/days_of_sales.sql");
        let (_, days) = self.seams.engine.select(vec![sales], sql).await.map_err(unlike)?;
        let days = Answer(days);
        days.lines().filter_map(|line| line.day("sales_date").transpose()).collect()
    }
}
