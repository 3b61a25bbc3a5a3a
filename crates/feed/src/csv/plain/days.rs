//! Days of a few months, without a calendar.

use crate::check::{Dates, iso_day};

/// Months remembered at the same time.
const MONTHS: usize = 64;

/// Remembers months that were met: `YYYY-MM-` and the day before its first.
pub(super) struct Days {
    /// `YYYY-MM-DD` is tried before any other format.
    iso_first: bool,
    months: [Month; MONTHS],
}

#[derive(Debug, Clone, Copy, Default)]
struct Month {
    /// The eight bytes `YYYY-MM-`; 0 while the place is empty.
    text: u64,
    /// Day 0 of the month, as Date32.
    day_zero: i32,
    /// Its last day.
    last: u8,
}

impl Days {
    pub(super) fn new(dates: &Dates) -> Self {
        Days { iso_first: dates.iso_first(), months: [Month::default(); MONTHS] }
    }

    /// The day of a text, just as [`Dates::day`] reads it; `None` also for one that is blank or has blanks around it.
    #[inline]
    pub(super) fn day(&mut self, text: &[u8], dates: &mut Dates) -> Option<i32> {
        match <&[u8; 10]>::try_from(text) {
            Ok(iso) if self.iso_first => self.iso(iso).or_else(|| other_day(text, dates)),
            _ => other_day(text, dates),
        }
    }

    #[inline]
    fn iso(&mut self, text: &[u8; 10]) -> Option<i32> {
        let [head @ .., tens, ones] = *text;
        let head = u64::from_le_bytes(head);
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        // The high bits of the product hang on every digit.
        let place = (head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize % MONTHS;
        let month = &mut self.months[place];
        if month.text != head {
            *month = Month::of(text)?;
        }
        let day = tens.wrapping_mul(10).wrapping_add(ones);
        let is_day = tens <= 9 && ones <= 9 && day.wrapping_sub(1) < month.last;
        is_day.then(|| month.day_zero + i32::from(day))
    }
}

fn other_day(text: &[u8], dates: &mut Dates) -> Option<i32> {
    let is_trimmed = !text.is_empty() && text.trim_ascii().len() == text.len();
    if is_trimmed { dates.day(text) } else { None }
}

impl Month {
    /// The month of a good day.
    #[cold]
    fn of(text: &[u8; 10]) -> Option<Month> {
        let day_of = |day: u8| {
            let mut text = *text;
            text[8..].copy_from_slice(&[b'0' + day / 10, b'0' + day % 10]);
            iso_day(&text)
        };
        let day_zero = day_of(1)? - 1;
        let last = (28..=31).rev().find(|day| day_of(*day).is_some())?;
        Some(Month { text: u64::from_le_bytes(*text.first_chunk()?), day_zero, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn days_are_those_of_the_calendar() {
        let seed = crate::test_seed();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let names = [&["%Y-%m-%d"][..], &["%Y-%m-%d", "%d/%m/%Y"], &["%d/%m/%Y", "%Y-%m-%d"], &["%Y-%d-%m"]];
        for names in names {
            let dates = || Dates::new(names.iter().map(|name| (*name).to_owned()).collect());
            let (mut known, mut exact) = (dates(), dates());
            let mut days = Days::new(&known);
            for _ in 0..50_000 {
                let (year, month, day) =
                    (rng.random_range(1995..2030), rng.random_range(0..14), rng.random_range(0..34));
                let mut text = match rng.random_range(0..5) {
                    0 => format!("{day:02}/{month:02}/{year}"),
                    _ => format!("{year}-{month:02}-{day:02}"),
                }
                .into_bytes();
                if rng.random_ratio(1, 20) {
                    let at = rng.random_range(0..text.len());
                    text[at] = rng.random();
                }
                let told = text.escape_ascii().to_string();
                let expected = if text.trim_ascii() == text { exact.day(&text) } else { None };
                assert_eq!(days.day(&text, &mut known), expected, "{told}, TILLMART_SEED={seed}");
            }
        }
    }
}
