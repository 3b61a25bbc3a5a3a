//! Values by hand against values by the book.

use super::EPOCH_DAYS_FROM_CE;
use super::values::{Dates, decimal, expected_total, integer, iso_day};
use super::words::shown;
use chrono::{Datelike, NaiveDate};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillmart_model::RowReason;
use tillmart_model::money::{self, DecimalFault};

/// A seed that can be given; told with every failure below.
fn seed() -> u64 {
    std::env::var("TILLMART_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x7111)
}

#[test]
fn every_day_is_the_calendars_day() {
    let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
    while day.year() <= 9999 {
        let text = day.format("%Y-%m-%d").to_string();
        assert_eq!(iso_day(text.as_bytes()), Some(day.num_days_from_ce() - EPOCH_DAYS_FROM_CE), "{text}");
        // Every day around 2000, and steps elsewhere that meet each day of the year.
        let step = if (1896..2105).contains(&day.year()) { 1 } else { 37 };
        day = day.checked_add_days(chrono::Days::new(step)).unwrap();
    }
    for wrong in [
        "2023-02-29",
        "1900-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-04-31",
        "0000-01-01",
        "2024-1-1",
        "2024/01/01",
        "20240101",
        "2024-01-0x",
    ] {
        assert_eq!(iso_day(wrong.as_bytes()), None, "{wrong}");
    }
}

#[test]
fn formats_are_tried_in_order_and_the_day_counts() {
    let mut dates = Dates::new(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d %H:%M", "%s", "%Q"].map(str::to_owned).to_vec());
    let day = iso_day(b"2024-02-01");
    for text in ["01/02/2024", "2024-02-01 23:59", "1706800000"] {
        assert_eq!(dates.day(text.as_bytes()), day, "{text}");
    }
    assert_eq!(dates.day(b"02/13/2024"), iso_day(b"2024-02-13"));
    for wrong in ["30/02/2024", "01/02/2024 x", "2024-02-01", "01/02/12024", ""] {
        assert_eq!(dates.day(wrong.as_bytes()), None, "{wrong}");
    }
    assert_eq!(dates.plain(b"2024-02-01"), day);
    assert_eq!(dates.plain(b"2024-02-01T10:00:00.5"), day);
}

#[test]
fn short_decimals_are_read_as_long_ones() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed());
    for _ in 0..200_000 {
        let text: Vec<u8> =
            (0..rng.random_range(0..18)).map(|_| b"0123456789012345678900..-+,e"[rng.random_range(0..28)]).collect();
        let (point, scale) = if rng.random() { (b'.', 4) } else { (b',', 2) };
        let expected = match money::parse_decimal(&text, point, 14, scale) {
            Ok(value) => Ok(i64::try_from(value).unwrap()),
            Err(DecimalFault::Malformed) => Err(RowReason::BadDecimal),
            Err(DecimalFault::OutOfRange) => Err(RowReason::OutOfRange),
        };
        assert_eq!(decimal(&text, point, 14, scale), expected, "{}, TILLMART_SEED={}", text.escape_ascii(), seed());
    }
}

#[test]
fn totals_are_those_of_the_model() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed());
    for _ in 0..200_000 {
        let price = rng.random_range(-99_999_999_999_999..=99_999_999_999_999_i64) >> rng.random_range(0..46);
        let quantity = rng.random::<i32>() >> rng.random_range(0..31);
        let expected = money::total_cents(price.into(), quantity.into());
        assert_eq!(expected_total(price, quantity), expected, "{price} {quantity}, TILLMART_SEED={}", seed());
    }
}

#[test]
fn integers_are_whole_and_in_range() {
    for value in [0, 7, -7, i64::MAX, i64::MIN, 999_999_999_999_999_999, 1_000_000_000_000_000_000] {
        assert_eq!(integer(value.to_string().as_bytes(), i64::MIN, i64::MAX), Ok(value));
    }
    assert_eq!(integer(b"+000000000000000000000000012", 0, 20), Ok(12));
    for far in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999"] {
        assert_eq!(integer(far.as_bytes(), i64::MIN, i64::MAX), Err(RowReason::OutOfRange), "{far}");
    }
    assert_eq!(integer(b"21", 0, 20), Err(RowReason::OutOfRange));
    for wrong in ["", "-", "+", "1.0", "1e3", "--1", "1 2", "0x1", "١", "99999999999999999999x"] {
        assert_eq!(integer(wrong.as_bytes(), i64::MIN, i64::MAX), Err(RowReason::BadInteger), "{wrong}");
    }
}

#[test]
fn found_values_are_shown_short_and_harmless() {
    assert_eq!(shown(b"a\nb\x1b"), "\"a\\nb\\u{1b}\"");
    assert_eq!(shown("é".repeat(60).as_bytes()), format!("\"{}\"", "é".repeat(60)));
    assert_eq!(shown("é".repeat(61).as_bytes()), format!("\"{}…\"", "é".repeat(60)));
    assert_eq!(shown(b"\xff"), "\"\u{fffd}\"");
}
