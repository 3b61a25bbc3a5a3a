//! The monthly report: what a month came to, from the marts of days and months, and what earlier reports told of it.

mod fetch;
mod keep;

use crate::moment::Standing;
use crate::reports::daily::{Managers, unknown_store};
use crate::shop::Pipeline;
use chrono::{Months, NaiveDate};
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_report::monthly::{MonthSpans, Monthly, monthly};
use tillmart_report::{Document, Fact, Value};

/// Which monthly report is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonthlyRequest {
    /// The month's first day; that of the last month that is over, if none is given.
    pub month: Option<NaiveDate>,
    /// Only this store.
    pub store: Option<i32>,
}

impl Pipeline {
    /// The report of a month. Its figures are of one moment: it is made anew if a batch was published between the first and the last.
    /// The figures of a month that is over are kept, so that a later report can tell what has changed.
    ///
    /// # Errors
    /// `Settings` for a month that has not begun or has no sales, or a store that nobody knows; `Table` while no run has made the marts; a
    /// database that cannot be read, or written where figures are to be kept.
    pub async fn report_monthly(&self, request: &MonthlyRequest) -> Result<Document> {
        let (report, standing) = self.monthly_figures(request).await?;
        let sold = report.all.month.is_some() || report.told.as_ref().is_some_and(|told| !told.is_empty());
        if !sold {
            return Err(self.without_sales(&report, &standing).await?);
        }
        Ok(monthly(&report))
    }

    /// The same, also of a month of which nothing is left.
    pub(super) async fn report_touched_month(&self, request: &MonthlyRequest) -> Result<Document> {
        Ok(monthly(&self.monthly_figures(request).await?.0))
    }

    async fn monthly_figures(&self, request: &MonthlyRequest) -> Result<(Monthly, Standing)> {
        let today = self.seams.clock.today(self.options.time_zone);
        let spans = self.month_spans(request.month, today)?;
        let (mut report, standing) = self.of_one_moment(async || self.monthly_of(spans, request.store).await).await?;
        report.told = self.told_before(&report, &standing).await?;
        Ok((report, standing))
    }

    fn month_spans(&self, month: Option<NaiveDate>, today: NaiveDate) -> Result<MonthSpans> {
        let last =
            || today.format("%Y-%m-01").to_string().parse::<NaiveDate>().ok()?.checked_sub_months(Months::new(1));
        let first = month.or_else(last).unwrap_or(today);
        if first > today {
            return Err(Fault::new(FaultKind::Settings, format!("the month {} has not begun", first.format("%Y-%m")))
                .expected(format!("a month up to today's, {} in {}", today.format("%Y-%m"), self.options.time_zone))
                .hint("sales of a later day are rejected as `future_date`, so that no report can hold any"));
        }
        MonthSpans::of(first, today).ok_or_else(|| {
            let what = format!("there is no report of {}", first.format("%Y-%m"));
            Fault::new(FaultKind::Settings, what).expected("a month from the year 2 on")
        })
    }

    async fn monthly_of(&self, spans: MonthSpans, store: Option<i32>) -> Result<Monthly> {
        let (mut report, managers) = self.fetch_monthly(spans, store).await?;
        if let Some(store) = store
            && !managers.contains_key(&store)
            && report.stores.is_empty()
        {
            return Err(unknown_store(store, &managers));
        }
        report.about = self.about_monthly(store, &managers).await?;
        Ok(report)
    }

    async fn about_monthly(&self, store: Option<i32>, managers: &Managers) -> Result<Vec<Fact>> {
        let last = self.seams.ledger.last_published(&self.options.feed).await?;
        let made = self.seams.clock.now().with_timezone(&self.options.time_zone);
        let mut about = vec![Fact::new("feed", "Feed", Value::text(&self.options.feed))];
        if let Some(store) = store {
            about.push(Fact::new("store", "Store", Value::Id(i64::from(store))));
            let manager = managers.get(&store).cloned().flatten();
            about.push(Fact::new("manager", "Manager", manager.map_or(Value::Missing, Value::Text)));
        }
        about.extend(self.what_a_sale_is());
        let batch = last.map_or(Value::Missing, |batch| Value::Id(batch.id));
        about.push(Fact::new("batch", "Newest batch in it", batch));
        about.push(Fact::new("made", "Made", Value::text(made.format("%Y-%m-%d %H:%M %Z").to_string())));
        Ok(about)
    }

    /// Why there is no report of a month of which nothing has landed, and which months there are.
    async fn without_sales(&self, report: &Monthly, standing: &Standing) -> Result<Fault> {
        let of = report.store.map_or_else(String::new, |store| format!(" of store {store}"));
        let fault = Fault::new(FaultKind::Settings, format!("no sale{of} of {} has landed", report.spans.name()));
        let fault = match standing.published {
            None => fault.hint("`tillmart run` lands what waits in the incoming area"),
            Some(_) => fault.hint(
                "`tillmart query 'SELECT DISTINCT sales_month FROM sales_team_data_mart ORDER BY 1'` lists the months that there are",
            ),
        };
        Ok(fault.expected("a month in which something was sold"))
    }
}
