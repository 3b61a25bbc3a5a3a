//! Time is an argument: nothing but this file asks the machine what time it is.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// Where the time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Stands still at this moment: for tests and for repeating a run of the past.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The present moment.
    pub fn now(self) -> DateTime<Utc> {
        match self {
            #[allow(clippy::disallowed_methods, reason = "the one place that may ask the machine")]
            Clock::System => Utc::now(),
            Clock::Fixed(moment) => moment,
        }
    }

    /// Today in the given zone: `future_date` is judged by the day a shop lives in.
    pub fn today(self, zone: Tz) -> NaiveDate {
        self.now().with_timezone(&zone).date_naive()
    }
}
