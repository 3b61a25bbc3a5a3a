//! All that a rule looks at, and the score made of it.

use chrono::NaiveDate;

/// What is known of a customer at the end of a month. Money is net, in cents: returns are taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The customer.
    pub customer_id: i64,
    /// Whether the customer is in the customer table.
    pub is_known: bool,
    /// Spend in the month.
    pub spend_cents: i64,
    /// Spend in the three months before, together.
    pub before_cents: i64,
    /// First day whose sales, less its returns, came to more than zero.
    pub first_purchase: Option<NaiveDate>,
    /// Last such day up to the end of the month.
    pub last_purchase: Option<NaiveDate>,
    /// Days with such a sale in the window of the score.
    pub window_days: i64,
    /// Spend in that window.
    pub window_cents: i64,
    /// Spend from the first sale up to the end of the month.
    pub lifetime_cents: i64,
}

/// A set of points from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points(u8);

impl Points {
    /// All of them.
    pub const ALL: Points = Points(0b11_1110);

    /// These points; `None` where one is not from 1 to 5, or there is none.
    pub fn new(points: &[u32]) -> Option<Points> {
        let bits = points.iter().map(|point| (1..=5).contains(point).then(|| 1_u8 << point));
        let set = bits.collect::<Option<Vec<u8>>>()?.into_iter().fold(0, |set, bit| set | bit);
        (set != 0).then_some(Points(set))
    }

    /// Whether a number of points is among them.
    pub fn has(self, points: u8) -> bool {
        1_u8.checked_shl(u32::from(points)).is_some_and(|bit| self.0 & bit != 0)
    }
}

/// Where the points of the score begin: four steps for each part. They are settings and no quintiles, so that nobody's score
/// moves because others came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Months of the window, the period's month the last of them.
    pub months: u32,
    /// Most days since the last purchase for 5, 4, 3 and 2 points, rising.
    pub recency_days: [u32; 4],
    /// Least days with a purchase for 2, 3, 4 and 5 points, rising.
    pub frequency_days: [u32; 4],
    /// Least spend in cents for 2, 3, 4 and 5 points, rising.
    pub money_cents: [i64; 4],
}

/// Points for recency, frequency and money, each from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// How lately the customer bought.
    pub recency: u8,
    /// On how many days of the window.
    pub frequency: u8,
    /// For how much.
    pub money: u8,
}

impl Scale {
    /// The score at the end of a period; `None` where nothing was bought.
    pub fn score(&self, figures: &Figures, last_day: NaiveDate) -> Option<Score> {
        let days_since = (last_day - figures.last_purchase?).num_days();
        let steps = |reached: &mut dyn Iterator<Item = bool>| 1 + reached.filter(|reached| *reached).count() as u8;
        Some(Score {
            recency: steps(&mut self.recency_days.iter().map(|most| days_since <= i64::from(*most))),
            frequency: steps(&mut self.frequency_days.iter().map(|least| figures.window_days >= i64::from(*least))),
            money: steps(&mut self.money_cents.iter().map(|least| figures.window_cents >= *least)),
        })
    }
}
