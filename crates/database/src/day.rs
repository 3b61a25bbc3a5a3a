//! Calendar days between Arrow (days since 1970-01-01) and text (`YYYY-MM-DD`).

use chrono::{Datelike, NaiveDate};

/// Days between 0001-01-01 and 1970-01-01, plus one: chrono counts from the former, Arrow from the latter.
const EPOCH: i32 = 719_163;

/// The day that a text names, if it is exactly `YYYY-MM-DD` and in the calendar.
pub(crate) fn parse(text: &[u8]) -> Option<i32> {
    let digits = |bytes: &[u8]| {
        bytes.iter().try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
    };
    if !has_shape(text) {
        return None;
    }
    let year = i32::try_from(digits(&text[..4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, digits(&text[5..7])?, digits(&text[8..])?)?;
    Some(date.num_days_from_ce() - EPOCH)
}

/// Whether a text looks like `YYYY-MM-DD`, be it in the calendar or not.
pub(crate) fn has_shape(text: &[u8]) -> bool {
    text.len() == 10
        && text
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
}

/// `YYYY-MM-DD`, or `None` beyond the years 0000 to 9999, whose text would not sort.
pub(crate) fn text(day: i32) -> Option<String> {
    let date = NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH)?)?;
    (0..=9999).contains(&date.year()).then(|| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_there_and_back() {
        assert_eq!(parse(b"1970-01-01"), Some(0));
        assert_eq!(parse(b"1969-12-31"), Some(-1));
        assert_eq!(parse(b"2024-02-29"), Some(19_782));
        for day in [-719_528, -1, 0, 19_782, 2_932_896] {
            assert_eq!(parse(text(day).expect("within four digits").as_bytes()), Some(day));
        }
        assert_eq!(text(2_932_897), None, "the year 10000");
        for wrong in ["2023-02-29", "2023-2-28", "2023/02/28", "20230228", " 2023-02-28", "2023-13-01", ""] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
