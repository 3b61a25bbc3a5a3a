//! Texts to numbers and days, exactly or not at all.

use super::EPOCH_DAYS_FROM_CE;
use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{Datelike, NaiveDate};
use tillmart_model::RowReason;
use tillmart_model::money::{self, DecimalFault, PRICE_SCALE, TOTAL_SCALE};

/// Most digits that surely fit 63 bits.
const SAFE_DIGITS: usize = 18;
/// Longest decimal that surely fits 63 bits after it was brought to four fraction digits.
const SAFE_DECIMAL_BYTES: usize = 14;
/// Price units in a cent.
const UNITS_PER_CENT: i64 = 10_i64.pow(PRICE_SCALE - TOTAL_SCALE);

/// The format that is read by hand.
const ISO_DAY: &str = "%Y-%m-%d";

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    }
}

/// A whole number from `least` to `most`: `[+-]digits`.
pub(crate) fn integer(text: &[u8], least: i64, most: i64) -> Result<i64, RowReason> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || digits.len() > SAFE_DIGITS {
        return long_integer(negative, digits, least, most);
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(RowReason::BadInteger);
        }
        value = value * 10 + i64::from(digit);
    }
    let value = if negative { -value } else { value };
    if (least..=most).contains(&value) { Ok(value) } else { Err(RowReason::OutOfRange) }
}

/// [`integer`] of no digits, or of so many that they may not fit.
#[cold]
fn long_integer(negative: bool, digits: &[u8], least: i64, most: i64) -> Result<i64, RowReason> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(RowReason::BadInteger);
    }
    let far =
        digits.iter().fold(0_u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    let value = if negative { -i128::from(far) } else { i128::from(far) };
    i64::try_from(value).ok().filter(|value| (least..=most).contains(value)).ok_or(RowReason::OutOfRange)
}

/// An exact decimal as a scaled integer; the same answers as [`money::parse_decimal`], which reads
/// what the short way cannot. `precision` is at most 18, `scale` at most 4.
pub(crate) fn decimal(text: &[u8], point: u8, precision: u32, scale: u32) -> Result<i64, RowReason> {
    if let Some(value) = short_decimal(text, point, precision, scale) {
        return Ok(value);
    }
    match money::parse_decimal(text, point, precision, scale) {
        Ok(value) => i64::try_from(value).map_err(|_| RowReason::OutOfRange),
        Err(DecimalFault::Malformed) => Err(RowReason::BadDecimal),
        Err(DecimalFault::OutOfRange) => Err(RowReason::OutOfRange),
    }
}

fn short_decimal(text: &[u8], point: u8, precision: u32, scale: u32) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.len() > SAFE_DECIMAL_BYTES {
        return None;
    }
    let (mut value, mut places, mut points) = (0_i64, 0_u32, 0_u32);
    for byte in digits {
        if byte.is_ascii_digit() {
            value = value * 10 + i64::from(byte - b'0');
            places += points;
        } else if *byte == point && points == 0 {
            points = 1;
        } else {
            return None;
        }
    }
    if digits.len() == points as usize || places > scale {
        return None;
    }
    let value = value * 10_i64.pow(scale - places);
    if value >= 10_i64.pow(precision) {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// What the total in cents must be: [`money::total_cents`], without wide arithmetic where it fits.
pub(crate) fn expected_total(price: i64, quantity: i32) -> i128 {
    match price.checked_mul(i64::from(quantity)) {
        Some(units) => {
            let (cents, rest) = (units / UNITS_PER_CENT, units % UNITS_PER_CENT);
            let away = if rest.abs() * 2 >= UNITS_PER_CENT { rest.signum() } else { 0 };
            i128::from(cents + away)
        }
        None => money::total_cents(i128::from(price), i128::from(quantity)),
    }
}

/// Reads days in the contract's formats.
pub(crate) struct Dates {
    formats: Vec<Format>,
    names: Vec<String>,
    /// The latest text and its day: neighbouring sales are mostly of one day.
    latest: (Vec<u8>, i32),
}

enum Format {
    /// `%Y-%m-%d`, by hand.
    Iso,
    /// Any other.
    Items(Vec<Item<'static>>),
}

impl Dates {
    /// A format that is no `strftime` notation matches nothing.
    pub(crate) fn new(names: Vec<String>) -> Self {
        let formats = names
            .iter()
            .map(|name| {
                if name == ISO_DAY {
                    Format::Iso
                } else {
                    Format::Items(StrftimeItems::new(name).parse_to_owned().unwrap_or_else(|_| vec![Item::Error]))
                }
            })
            .collect();
        Dates { formats, names, latest: (Vec::new(), 0) }
    }

    /// Is `YYYY-MM-DD` tried before any other format?
    pub(crate) fn iso_first(&self) -> bool {
        matches!(self.formats.first(), Some(Format::Iso))
    }

    /// The formats as the contract writes them.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The day of a text as Date32, by the first format that fits.
    pub(crate) fn day(&mut self, text: &[u8]) -> Option<i32> {
        if self.latest.0 == text {
            return Some(self.latest.1);
        }
        let day = self.formats.iter().find_map(|format| match format {
            Format::Iso => iso_day(text),
            Format::Items(items) => day_by_items(text, items),
        })?;
        self.latest.0.clear();
        self.latest.0.extend_from_slice(text);
        self.latest.1 = day;
        Some(day)
    }

    /// The day of a typed value, `YYYY-MM-DD` with or without a time; or else a text in the contract's formats.
    pub(crate) fn plain(&mut self, text: &[u8]) -> Option<i32> {
        let day = match text.get(10) {
            Some(b'T' | b' ') => &text[..10],
            _ => text,
        };
        iso_day(day).or_else(|| self.day(text))
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

/// The day of `YYYY-MM-DD` as Date32, for years from 1.
pub(crate) fn iso_day(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year == 0 || day == 0 || day > last {
        return None;
    }
    // Years from March, so that the leap day comes last: day counts are then a straight formula.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    // `days` counts from 1 = 0000-03-01, which lies 306 days before day 1 of chrono's count.
    Some(days as i32 - 306 - EPOCH_DAYS_FROM_CE)
}

fn day_by_items(text: &[u8], items: &[Item<'static>]) -> Option<i32> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    let day: NaiveDate =
        parsed.to_naive_date().or_else(|_| parsed.to_naive_datetime_with_offset(0).map(|moment| moment.date())).ok()?;
    // Months are written with four-digit years everywhere downstream.
    (1..=9999).contains(&day.year()).then(|| day.num_days_from_ce() - EPOCH_DAYS_FROM_CE)
}
