//! Values as people read them, and as programs do.

use crate::document::{Change, Value};
use chrono::NaiveDate;
use tillmart_model::money::{Decimal, cents_text, divide_half_away};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What people see where there is no figure.
pub(super) const MISSING: &str = "–";

/// A value for people: `1,234.50`, `12.3 %`, `▲ +4.3 %`, `14 Nov 2011`.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Money(cents) => grouped(&cents_text(*cents)),
        Value::Count(count) => grouped(&count.to_string()),
        Value::Id(id) => id.to_string(),
        Value::Decimal(unscaled, scale) => grouped(&decimal(*unscaled, *scale)),
        Value::Share(millionths) => format!("{} %", tenths(*millionths)),
        Value::Text(text) => visible(text),
        Value::Day(day) => shown_day(*day),
        Value::Month(month) => shown_month(month),
        Value::Change(change) => shown_change(*change),
        Value::Missing => MISSING.to_owned(),
    }
}

/// A value for programs: `1234.50`, `0.123456`, `2011-11-14`; nothing where there is none.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Money(cents) => cents_text(*cents),
        Value::Count(number) | Value::Id(number) => number.to_string(),
        Value::Decimal(unscaled, scale) => decimal(*unscaled, *scale),
        Value::Share(millionths) | Value::Change(Change::Share(millionths) | Change::Points(millionths)) => {
            decimal(i128::from(*millionths), 6)
        }
        Value::Text(text) | Value::Month(text) => text.clone(),
        Value::Day(day) => day.to_string(),
        Value::Change(Change::None) | Value::Missing => String::new(),
    }
}

/// What a value is, for programs.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Money(_) => "money",
        Value::Count(_) => "count",
        Value::Id(_) => "id",
        Value::Decimal(_, _) => "decimal",
        Value::Share(_) => "share",
        Value::Text(_) => "text",
        Value::Day(_) => "day",
        Value::Month(_) => "month",
        Value::Change(Change::Share(_)) => "change",
        Value::Change(Change::Points(_)) => "points",
        Value::Change(Change::None) | Value::Missing => "missing",
    }
}

/// Where a change leads, for the eye: an arrow and never colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
    Level,
}

impl Way {
    /// The way of a change, if there is one.
    pub(super) fn of(change: Change) -> Option<Self> {
        match change {
            Change::Share(by) | Change::Points(by) => Some(match by {
                1.. => Self::Up,
                0 => Self::Level,
                _ => Self::Down,
            }),
            Change::None => None,
        }
    }

    /// Its arrow.
    pub(super) fn arrow(self) -> char {
        match self {
            Self::Up => '▲',
            Self::Down => '▼',
            Self::Level => '=',
        }
    }
}

/// A change without its arrow: `+4.3 %`, `-1.0 pt`.
pub(super) fn amount(change: Change) -> String {
    let (by, unit) = match change {
        Change::Share(by) => (by, "%"),
        Change::Points(by) => (by, "pt"),
        Change::None => return MISSING.to_owned(),
    };
    let sign = match by {
        1.. => "+",
        // What rounds to nothing went down all the same.
        -499..=-1 => "-",
        _ => "",
    };
    format!("{sign}{} {unit}", tenths(by))
}

fn shown_change(change: Change) -> String {
    match Way::of(change) {
        Some(way) => format!("{} {}", way.arrow(), amount(change)),
        None => MISSING.to_owned(),
    }
}

/// Millionths as per cent with one digit.
fn tenths(millionths: i64) -> String {
    grouped(&decimal(divide_half_away(i128::from(millionths), 1_000), 1))
}

/// A decimal of any scale: one that has more fraction digits than a number here can have is told by its power of ten.
fn decimal(unscaled: i128, scale: u8) -> String {
    match scale {
        0..=38 => Decimal { unscaled, scale: u32::from(scale) }.to_string(),
        _ => format!("{unscaled}e-{scale}"),
    }
}

/// A number with thousands set apart.
pub(super) fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.find(['.', 'e']).map_or((digits, ""), |point| digits.split_at(point));
    let mut text = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

fn shown_day(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

/// `Nov 2011`; what is no month is shown as it is.
fn shown_month(month: &str) -> String {
    match NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d") {
        Ok(first) => first.format("%b %Y").to_string(),
        Err(_) => visible(month),
    }
}

/// A text with what would not be seen made visible: control characters, which could move a cursor, and marks that turn the direction
/// of writing, which could make a line read as what it is not.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns || matches!(letter, '\u{2028}' | '\u{2029}') {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// A text in lines of at most `room` columns, broken between words, and within a word only where it alone is too long.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() <= room {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.graphemes(true) {
            if !line.is_empty() && line.width() + letter.width() > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(letter);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_numbers_in_groups() {
        let cases = [
            (Value::Money(0), "0.00"),
            (Value::Money(-5), "-0.05"),
            (Value::Money(99_999), "999.99"),
            (Value::Money(123_456_789), "1,234,567.89"),
            (Value::Money(-100_000), "-1,000.00"),
            (Value::Money(i128::MIN), "-1,701,411,834,604,692,317,316,873,037,158,841,057.28"),
            (Value::Count(1_000), "1,000"),
            (Value::Id(13_708), "13708"),
            (Value::Count(i64::MIN), "-9,223,372,036,854,775,808"),
            (Value::Decimal(12_345, 1), "1,234.5"),
            (Value::Decimal(-7, 3), "-0.007"),
            (Value::Decimal(7, 200), "7e-200"),
            (Value::Share(12_345), "1.2 %"),
            (Value::Share(1_000_000), "100.0 %"),
            (Value::Share(-500), "-0.1 %"),
            (Value::Change(Change::Share(43_210)), "▲ +4.3 %"),
            (Value::Change(Change::Share(-12_500_000)), "▼ -1,250.0 %"),
            (Value::Change(Change::Share(0)), "= 0.0 %"),
            (Value::Change(Change::Share(-1)), "▼ -0.0 %"),
            (Value::Change(Change::Share(-500)), "▼ -0.1 %"),
            (Value::Change(Change::Share(499)), "▲ +0.0 %"),
            (Value::Change(Change::Points(-30_000)), "▼ -3.0 pt"),
            (Value::Change(Change::None), "–"),
            (Value::Missing, "–"),
            (Value::Month("2011-11".to_owned()), "Nov 2011"),
            (Value::Month("soon".to_owned()), "soon"),
            (Value::Day(NaiveDate::from_ymd_opt(2011, 11, 4).unwrap()), "4 Nov 2011"),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn programs_read_numbers_whole() {
        let cases = [
            (Value::Money(123_456_789), "1234567.89", "money"),
            (Value::Share(12_345), "0.012345", "share"),
            (Value::Change(Change::Share(-1)), "-0.000001", "change"),
            (Value::Change(Change::Points(10_000)), "0.010000", "points"),
            (Value::Change(Change::None), "", "missing"),
            (Value::Decimal(12_345, 1), "1234.5", "decimal"),
            (Value::Month("2011-11".to_owned()), "2011-11", "month"),
            (Value::Day(NaiveDate::from_ymd_opt(2011, 11, 4).unwrap()), "2011-11-04", "day"),
            (Value::text("=a\n"), "=a\n", "text"),
        ];
        for (value, expected, name) in cases {
            assert_eq!((plain(&value).as_str(), type_name(&value)), (expected, name), "{value:?}");
        }
    }

    #[test]
    fn nothing_hides_in_a_text() {
        assert_eq!(visible("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(visible("invoice\u{202e}fdp"), "invoice\\u{202e}fdp");
        assert_eq!(visible("שלום 👩‍👩‍👧 \"x\""), "שלום 👩‍👩‍👧 \"x\"", "letters of every script are left alone");
    }

    #[test]
    fn long_texts_break_between_words() {
        assert_eq!(wrapped("white hanging heart", 13), ["white hanging", "heart"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("👩‍👩‍👧👩‍👩‍👧", 2), ["👩‍👩‍👧", "👩‍👩‍👧"], "no letter is torn apart");
    }
}
