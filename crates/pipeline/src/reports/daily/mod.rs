//! The daily report: what a day came to, from the marts of days.

mod fetch;
mod off_list;
mod store_products;
mod watch;

pub(in crate::reports) use fetch::{Managers, dates, days, manager_of, sold_in, store_of};

use crate::shop::Pipeline;
use chrono::NaiveDate;
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_report::daily::{Daily, Periods, daily};
use tillmart_report::{Document, Fact, Value};

/// Which daily report is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct DailyRequest {
    /// The day; yesterday in the feed's time zone, if none is given.
    pub day: Option<NaiveDate>,
    /// Only this store.
    pub store: Option<i32>,
}

impl Pipeline {
    /// The report of a day. Its figures are of one moment: it is made anew if a batch was published between the first and the last.
    ///
    /// # Errors
    /// `Settings` for a day that has not begun, or a store that nobody knows; `Table` while no run has made the marts; a database or
    /// store that cannot be read.
    pub async fn report_daily(&self, request: &DailyRequest) -> Result<Document> {
        let today = self.seams.clock.today(self.options.time_zone);
        let day = request.day.unwrap_or_else(|| today.pred_opt().unwrap_or(today));
        let periods = self.periods(day, today)?;
        let (report, _) = self.of_one_moment(async || self.daily_of(periods, request.store).await).await?;
        Ok(daily(&report))
    }

    fn periods(&self, day: NaiveDate, today: NaiveDate) -> Result<Periods> {
        if day > today {
            return Err(Fault::new(FaultKind::Settings, format!("the day {day} has not begun"))
                .expected(format!("a day up to today, {today} in {}", self.options.time_zone))
                .hint("sales of a later day are rejected as `future_date`, so that no report can hold any"));
        }
        Periods::of(day).ok_or_else(|| {
            Fault::new(FaultKind::Settings, format!("there is no report of {day}")).expected("a day from the year 2 on")
        })
    }

    async fn daily_of(&self, periods: Periods, store: Option<i32>) -> Result<Daily> {
        let (mut report, managers) = self.fetch_daily(periods, store).await?;
        if let Some(store) = store
            && !managers.contains_key(&store)
            && report.stores.is_empty()
        {
            return Err(unknown_store(store, &managers));
        }
        report.about = self.about_daily(periods.day, store, &managers).await?;
        Ok(report)
    }

    async fn about_daily(&self, day: NaiveDate, store: Option<i32>, managers: &Managers) -> Result<Vec<Fact>> {
        let last = self.seams.ledger.last_published(&self.options.feed).await?;
        let made = self.seams.clock.now().with_timezone(&self.options.time_zone);
        let mut about =
            vec![Fact::new("feed", "Feed", Value::text(&self.options.feed)), Fact::new("day", "Day", Value::Day(day))];
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
}

pub(in crate::reports) fn unknown_store(store: i32, managers: &Managers) -> Fault {
    let mut known: Vec<i32> = managers.keys().copied().collect();
    known.sort_unstable_by_key(|other| (other.abs_diff(store), *other));
    known.truncate(8);
    known.sort_unstable();
    let near: Vec<String> = known.iter().map(ToString::to_string).collect();
    let fault = Fault::new(FaultKind::Settings, format!("there is no store {store}"));
    let fault = if near.is_empty() { fault } else { fault.expected(format!("a store, such as {}", near.join(", "))) };
    fault.hint("`tillmart query 'SELECT * FROM store'` lists them")
}
