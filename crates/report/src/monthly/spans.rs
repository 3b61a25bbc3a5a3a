//! The months that a monthly report compares.

use crate::daily::Span;
use chrono::{Months, NaiveDate};

/// The spans of a monthly report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSpans {
    /// The month; to today, while it is not over.
    pub month: Span,
    /// The month before, likewise to the same day of it.
    pub before: Span,
    /// The same month of the year before, likewise.
    pub year_before: Span,
    /// Whether the month is over, so that its figures should not change any more.
    pub is_over: bool,
}

impl MonthSpans {
    /// The spans of the month that begins on `first`, as seen today. `None` for a month that has not begun, for a day that begins no month,
    /// and before the year 2, where there is nothing to look back to.
    #[must_use]
    pub fn of(first: NaiveDate, today: NaiveDate) -> Option<Self> {
        let next = first.checked_add_months(Months::new(1))?;
        let is_over = today >= next;
        if first > today || first.format("%d").to_string() != "01" {
            return None;
        }
        // The same day of another month, or its last where it is shorter; the whole of it once the month is over.
        let span = |months: u32| {
            let first = first.checked_sub_months(Months::new(months))?;
            let whole = first.checked_add_months(Months::new(1))?.pred_opt()?;
            let last = if is_over { whole } else { today.checked_sub_months(Months::new(months))? };
            Some(Span { first, last })
        };
        let year_before = span(12).filter(|span| span.first >= NaiveDate::MIN.max(first_of_years()))?;
        Some(Self { month: span(0)?, before: span(1)?, year_before, is_over })
    }

    /// `2011-11`.
    #[must_use]
    pub fn name(&self) -> String {
        self.month.first.format("%Y-%m").to_string()
    }

    /// What must be read to tell all of this, in spans that do not overlap.
    #[must_use]
    pub fn to_read(&self) -> [Span; 2] {
        [self.year_before, Span { first: self.before.first, last: self.month.last }]
    }
}

/// Dates in files and tables have four digits of a year.
fn first_of_years() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// `November 2011`, or `1 to 14 November 2011` of a month that is not over.
pub(super) fn label(span: Span, is_over: bool) -> String {
    if is_over {
        span.first.format("%B %Y").to_string()
    } else {
        format!("{} to {}", span.first.format("%-d"), span.last.format("%-d %B %Y"))
    }
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
    fn a_month_that_is_over_is_compared_as_a_whole() {
        let spans = MonthSpans::of(day("2012-02-01"), day("2012-03-01")).expect("a past");
        assert!(spans.is_over);
        assert_eq!(spans.month, span("2012-02-01", "2012-02-29"));
        assert_eq!(spans.before, span("2012-01-01", "2012-01-31"));
        assert_eq!(spans.year_before, span("2011-02-01", "2011-02-28"));
        assert_eq!(spans.to_read(), [span("2011-02-01", "2011-02-28"), span("2012-01-01", "2012-02-29")]);
        assert_eq!((spans.name().as_str(), label(spans.month, true).as_str()), ("2012-02", "February 2012"));
    }

    #[test]
    fn a_month_under_way_is_compared_to_the_same_day() {
        let spans = MonthSpans::of(day("2012-03-01"), day("2012-03-30")).expect("a past");
        assert!(!spans.is_over);
        assert_eq!(spans.month, span("2012-03-01", "2012-03-30"));
        assert_eq!(spans.before, span("2012-02-01", "2012-02-29"));
        assert_eq!(spans.year_before, span("2011-03-01", "2011-03-30"));
        assert_eq!(label(spans.month, false), "1 to 30 March 2012");
    }

    #[test]
    fn no_report_of_a_month_to_come() {
        assert_eq!(MonthSpans::of(day("2012-04-01"), day("2012-03-31")), None);
        assert_eq!(MonthSpans::of(day("0001-05-01"), day("2012-03-31")), None);
        assert_eq!(MonthSpans::of(day("2012-03-02"), day("2012-03-31")), None);
    }
}
