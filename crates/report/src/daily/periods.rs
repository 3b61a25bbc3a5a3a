//! The days that a daily report compares.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Days from one to another, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
}

/// Weeks that the chart of days looks back, the report's own among them.
const WEEKS_SHOWN: u64 = 8;

/// How many weeks back a store is expected to have sold on the same weekday.
pub const WEEKS_EXPECTED: u64 = 4;

/// The spans of a daily report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// The day itself.
    pub day: NaiveDate,
    /// The same weekday of last week.
    pub last_week: NaiveDate,
    /// From the first of the month to the day.
    pub month: Span,
    /// The month before, to the same day of it; to its last day where it is shorter.
    pub month_before: Span,
    /// The same month of the year before, likewise: 29 February is compared with 28 February.
    pub year_before: Span,
    /// The weeks that a chart shows, to the day.
    pub weeks: Span,
}

impl Periods {
    /// The periods of a day. `None` before the year 2, where there is nothing to look back to.
    pub fn of(day: NaiveDate) -> Option<Periods> {
        let to_date = |last: NaiveDate| Some(Span { first: last.with_day(1)?, last });
        let year_before = day.checked_sub_months(Months::new(12)).filter(|before| before.year() >= 1)?;
        Some(Periods {
            day,
            last_week: day.checked_sub_days(Days::new(7))?,
            month: to_date(day)?,
            month_before: to_date(day.checked_sub_months(Months::new(1))?)?,
            year_before: to_date(year_before)?,
            weeks: Span { first: day.checked_sub_days(Days::new(7 * WEEKS_SHOWN - 1))?, last: day },
        })
    }

    /// The same weekday of the weeks before, the latest first.
    pub fn weekdays_before(&self) -> impl Iterator<Item = NaiveDate> {
        let day = self.day;
        (1..=WEEKS_EXPECTED).filter_map(move |weeks| day.checked_sub_days(Days::new(7 * weeks)))
    }

    /// What must be read to tell all of this, in spans that do not overlap.
    pub fn to_read(&self) -> [Span; 2] {
        let first = self.month_before.first.min(self.weeks.first);
        [self.year_before, Span { first, last: self.day }]
    }
}

/// `Mon 7 Nov 2011`.
pub(crate) fn day_label(day: NaiveDate) -> String {
    day.format("%a %-d %b %Y").to_string()
}

/// `1–14 Nov 2011`.
pub(crate) fn span_label(span: Span) -> String {
    if span.first == span.last {
        return span.first.format("%-d %b %Y").to_string();
    }
    format!("{}–{}", span.first.day(), span.last.format("%-d %b %Y"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn span(first: &str, last: &str) -> Span {
        Span { first: day(first), last: day(last) }
    }

    #[test]
    fn months_are_compared_to_the_same_day_or_to_their_last() {
        for (date, month, before, year) in [
            ("2011-11-14", "2011-11-01", ("2011-10-01", "2011-10-14"), ("2010-11-01", "2010-11-14")),
            ("2024-03-31", "2024-03-01", ("2024-02-01", "2024-02-29"), ("2023-03-01", "2023-03-31")),
            ("2023-03-30", "2023-03-01", ("2023-02-01", "2023-02-28"), ("2022-03-01", "2022-03-30")),
            ("2024-02-29", "2024-02-01", ("2024-01-01", "2024-01-29"), ("2023-02-01", "2023-02-28")),
            ("2024-01-01", "2024-01-01", ("2023-12-01", "2023-12-01"), ("2023-01-01", "2023-01-01")),
        ] {
            let periods = Periods::of(day(date)).expect("a past");
            assert_eq!(periods.month, span(month, date));
            assert_eq!(periods.month_before, span(before.0, before.1));
            assert_eq!(periods.year_before, span(year.0, year.1));
        }
    }

    #[test]
    fn weeks_end_with_the_day() {
        let periods = Periods::of(day("2024-01-08")).expect("a past");
        assert_eq!(periods.last_week, day("2024-01-01"));
        assert_eq!(periods.weeks, span("2023-11-14", "2024-01-08"));
        let before: Vec<NaiveDate> = periods.weekdays_before().collect();
        assert_eq!(before, ["2024-01-01", "2023-12-25", "2023-12-18", "2023-12-11"].map(day));
        assert_eq!(periods.to_read(), [span("2023-01-01", "2023-01-08"), span("2023-11-14", "2024-01-08")]);
        assert_eq!(Periods::of(day("0001-01-03")), None);
    }

    #[test]
    fn what_is_read_holds_every_period_and_nothing_twice() {
        let mut date = day("2023-11-01");
        while date < day("2025-03-05") {
            let periods = Periods::of(date).expect("a past");
            let [old, recent] = periods.to_read();
            assert!(old.last < recent.first && recent.first <= periods.month_before.first, "{date}");
            let oldest = periods.weekdays_before().last().expect("four weeks");
            assert!(recent.first <= oldest && recent.first <= periods.weeks.first, "{date}");
            date = date.succ_opt().expect("a day");
        }
    }

    #[test]
    fn spans_read_well() {
        assert_eq!(day_label(day("2011-11-07")), "Mon 7 Nov 2011");
        assert_eq!(span_label(span("2011-11-01", "2011-11-14")), "1–14 Nov 2011");
        assert_eq!(span_label(span("2011-11-01", "2011-11-01")), "1 Nov 2011");
    }
}
