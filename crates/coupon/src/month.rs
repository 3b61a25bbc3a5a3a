//! The period of coupons: a month.

use chrono::{Datelike, Months, NaiveDate};
use std::fmt;
use std::str::FromStr;

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Month {
        Month(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        self.0
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        self.0.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(self.0)
    }

    /// The month so many months before.
    pub fn before(self, months: u32) -> Month {
        Month(self.0.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Month, String> {
        let wrong = || format!("expected a month as YYYY-MM, such as 2011-11, found {text:?}");
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(wrong());
        }
        let year = year.parse().ok().filter(|year| *year > 0);
        let day = year.zip(month.parse().ok()).and_then(|(year, month)| NaiveDate::from_ymd_opt(year, month, 1));
        day.map(Month).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_know_their_days_and_their_past() {
        let month: Month = "2012-02".parse().expect("a month");
        assert_eq!(
            (month.first_day().to_string(), month.last_day().to_string()),
            ("2012-02-01".into(), "2012-02-29".into())
        );
        assert_eq!(month.before(3).to_string(), "2011-11");
        assert_eq!(Month::of(month.last_day()), month);
        for wrong in ["2012-13", "2012-2", "2012-02-01", "Feb 2012", "0000-01", "+012-02", "", "2012"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
