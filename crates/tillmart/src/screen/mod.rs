//! What a person sees: data on stdout, talk on stderr.

mod interrupt;
pub(crate) mod profile;
pub(crate) mod progress;
pub(crate) mod summary;
pub(crate) mod table;

use crate::secrets::known;
use serde::Serialize;
use std::io::Write;
use tillmart_model::{Fault, FaultKind, Result};

/// Prints a line of data. A reader that has gone away (`| head`) is no failure.
pub(crate) fn data(text: &str) {
    print(&known::scrub_data(text));
}

/// Prints a secret that was asked for, and nothing else ever.
pub(crate) fn reveal(text: &str) {
    print(text);
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
}

/// Prints a line of talk.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", known::scrub(text));
}

/// Prints a result as one JSON object.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Fault::new(FaultKind::Promise, "the result cannot be written as JSON").found(error))?;
    data(&text);
    Ok(())
}

/// Prints why it could not be done: the only place that does.
pub(crate) fn failure(fault: &Fault, as_json: bool) {
    let fault = known::scrub_fault(fault);
    if as_json {
        let others: Vec<String> = fault.others.iter().map(ToString::to_string).collect();
        let object = serde_json::json!({
            "error": fault.what,
            "at": fault.place.as_ref().map(ToString::to_string),
            "expected": fault.expected,
            "found": fault.found,
            "hint": fault.hint,
            "others": others,
        });
        data(&format!("{object:#}"));
    }
    talk(&format!("error: {fault}"));
}

/// A count with thousands set apart: `541,909`.
pub(crate) fn count(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// Money with thousands set apart: `9,761,672.86`. The text is one of ours, with two fraction digits.
pub(crate) fn money(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, cents)) => match whole.parse::<i128>() {
            Ok(0) if whole.starts_with('-') => format!("-0.{cents}"),
            Ok(units) => format!("{}.{cents}", count(units)),
            Err(_) => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// Bytes in the unit a person would choose.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = (u128::from(bytes) * 10 / u128::from(unit)) % 10;
            return format!("{}.{tenths} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

/// One thing or several: `1 file`, `3 files`.
pub(crate) fn many(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", count(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(count(0_u64), "0");
        assert_eq!(count(541_909_u64), "541,909");
        assert_eq!(count(-1_000_i64), "-1,000");
        assert_eq!(money("9761672.86"), "9,761,672.86");
        assert_eq!(money("-0.05"), "-0.05");
        assert_eq!(money("-1234.50"), "-1,234.50");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_540_000), "1.5 MB");
        assert_eq!(many(1, "file"), "1 file");
        assert_eq!(many(0, "file"), "0 files");
    }
}
