//! Reports that a run leaves in the reports area, for whoever reads them without a command.

use super::{DailyRequest, MonthlyRequest};
use crate::shop::Pipeline;
use crate::summary::Summary;
use chrono::NaiveDate;
use std::fmt;
use tillmart_model::Result;
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

impl Pipeline {
    /// Writes the reports that settings name, of the days and months that a run has touched, and adds to the run's summary what was
    /// written and what was not. The run is done: whatever goes wrong here is told there, and undoes nothing.
    pub async fn write_reports(&self, summary: &mut Summary) {
        let options = &self.options.reports;
        let formats = |period: Period| -> Vec<Format> {
            options.write.iter().filter(|report| report.period == period).map(|report| report.format).collect()
        };
        let (daily, monthly) = (formats(Period::Daily), formats(Period::Monthly));
        if !daily.is_empty() {
            let days: Vec<NaiveDate> = summary.days.iter().rev().take(options.days_max as usize).copied().collect();
            for day in days.into_iter().rev() {
                let made = self.report_daily(&DailyRequest { day: Some(day), store: None }).await;
                self.put_report(&format!("daily/{day}"), made, &daily, summary).await;
            }
        }
        if !monthly.is_empty() {
            let months: Vec<String> = summary.months.iter().rev().take(options.months_max as usize).cloned().collect();
            for month in months.into_iter().rev() {
                let Ok(first) = format!("{month}-01").parse() else { continue };
                let made = self.report_monthly(&MonthlyRequest { month: Some(first), store: None }).await;
                self.put_report(&format!("monthly/{month}"), made, &monthly, summary).await;
            }
        }
    }

    async fn put_report(&self, name: &str, made: Result<Document>, formats: &[Format], summary: &mut Summary) {
        let document = match made {
            Ok(document) => document,
            Err(fault) => {
                summary.reports_failed.insert(name.to_owned(), fault.to_string());
                return;
            }
        };
        for format in formats {
            let path = format!("{}/{name}.{}", self.options.reports.area, format.extension());
            let text = render(&document, *format, &Look::default());
            match self.seams.store.write(&path, text.into_bytes()).await {
                Ok(()) => summary.reports.push(self.seams.store.display(&path)),
                Err(fault) => drop(summary.reports_failed.insert(path, fault.to_string())),
            }
        }
    }
}
