//! What a reading must be by the file's own bytes, told without the decoder's help.

use super::scenario::Scenario;
use super::{Outcome, SmallShop, cell, today};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chrono::NaiveDate;
use std::sync::Arc;
use tillmart_feed::csv::{Piece, Records};
use tillmart_feed::{Reject, ReplayDecoder};
use tillmart_model::{Contract, Encoding, FileFault, Format, RowReason};

/// A promise that was broken.
type Checked = Result<(), String>;

/// A record as the record reader found it.
struct Found {
    line: u64,
    /// `None` for a broken line.
    fields: Option<Vec<Vec<u8>>>,
}

/// Checks everything that does not need a second reading.
pub fn check(scenario: &Scenario, read: &Result<Outcome, FileFault>) -> Checked {
    if scenario.kind.format == Format::Csv {
        let (found, whole) = records(scenario);
        as_the_csv_crate(scenario, &found, whole)?;
        if let Ok(outcome) = read {
            every_record_is_there(outcome, &found)?;
            values_are_those_of_the_file(scenario, outcome, &found)?;
        }
    }
    if let Ok(outcome) = read {
        rejects_are_where_they_say(scenario, outcome)?;
        rejects_stay_rejects(scenario, outcome)?;
    }
    Ok(())
}

/// Every record up to the end or a fault; whether it was the end.
fn records(scenario: &Scenario) -> (Vec<Found>, bool) {
    let Contract { delimiter, quote, record_bytes_max, .. } = scenario.contract;
    let mut records = Records::new(delimiter, quote, record_bytes_max);
    let mut found = Vec::new();
    let mut sink = |piece: Piece<'_>| {
        found.push(match piece {
            Piece::Record(record) => {
                Found { line: record.line, fields: Some(record.fields().map(<[u8]>::to_vec).collect()) }
            }
            Piece::Broken(broken) => Found { line: broken.line, fields: None },
        });
        Ok(())
    };
    let whole = records.push(&scenario.text, &mut sink).and_then(|()| records.finish(&mut sink)).is_ok();
    (found, whole)
}

/// Up to the first broken line the `csv` crate finds the same. A lone CR is a line end there, and here only as the last byte.
fn as_the_csv_crate(scenario: &Scenario, found: &[Found], whole: bool) -> Checked {
    let text = &scenario.text;
    let lone_cr = |(at, byte): (usize, &u8)| *byte == b'\r' && text.get(at + 1).is_some_and(|next| *next != b'\n');
    if text.iter().enumerate().any(lone_cr) {
        return Ok(());
    }
    let Contract { delimiter, quote, .. } = scenario.contract;
    let mut reader = csv::ReaderBuilder::new();
    let mut reader =
        reader.has_headers(false).flexible(true).delimiter(delimiter).quote(quote).from_reader(text.as_slice());
    let mut expected = reader.byte_records();
    for (at, found) in found.iter().enumerate() {
        let Some(fields) = &found.fields else { return Ok(()) };
        let record = expected.next().and_then(Result::ok);
        let record = record.ok_or_else(|| format!("record {at} is none for the csv crate"))?;
        if !record.iter().eq(fields.iter().map(Vec::as_slice)) {
            return Err(format!("record {at} is {record:?} for the csv crate"));
        }
    }
    match expected.next() {
        Some(record) if whole => Err(format!("the csv crate finds one more record: {record:?}")),
        _ => Ok(()),
    }
}

/// Landed rows and rejects together are the records behind the header, line by line.
fn every_record_is_there(outcome: &Outcome, found: &[Found]) -> Checked {
    let mut lines = landed_lines(outcome);
    if !lines.is_sorted_by(|one, next| one < next) {
        return Err(format!("landed rows are out of order: {lines:?}"));
    }
    lines.extend(outcome.rejects.iter().filter_map(|reject| reject.line));
    lines.sort_unstable();
    let expected = found.iter().skip(1).map(|record| record.line);
    if lines.iter().copied().eq(expected) { Ok(()) } else { Err(format!("records of lines {lines:?} were read")) }
}

/// Raw bytes stand at the offset, and lines are those of the file.
fn rejects_are_where_they_say(scenario: &Scenario, outcome: &Outcome) -> Checked {
    for reject in &outcome.rejects {
        let Some(offset) = reject.byte_offset.map(|offset| offset as usize) else {
            return Err(format!("no offset: {reject:?}"));
        };
        let there = scenario.text.get(offset..).is_some_and(|text| text.starts_with(&reject.raw));
        let line = scenario.text[..offset].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        if !there || reject.line != Some(line) {
            return Err(format!("this is not what stands in line {line}: {reject:?}"));
        }
    }
    Ok(())
}

/// What was rejected is rejected again, for the same reason, when its raw bytes are replayed by the same contract.
fn rejects_stay_rejects(scenario: &Scenario, outcome: &Outcome) -> Checked {
    let contract = &scenario.contract;
    if outcome.rejects.is_empty() || !contract.key.is_empty() {
        return Ok(());
    }
    let header = outcome.header.as_deref();
    let (contract, known) = (Arc::new(contract.clone()), Arc::new(SmallShop));
    let mut replay = ReplayDecoder::new(contract, scenario.kind.format, header, known, today())
        .map_err(|fault| format!("the header cannot be replayed: {fault:?}"))?;
    for reject in &outcome.rejects {
        let again = match replay.try_record(&reject.raw, reject.line) {
            Ok(landed) => return Err(format!("replayed as {landed:?}: {reject:?}")),
            Err(again) => again,
        };
        let told = |reject: &Reject| (reject.column.clone(), reject.message.clone(), reject.raw.clone());
        // A quote that is wrong further down is, in the first line alone, one that is never closed.
        let same = reject.reason == RowReason::BadQuoting || told(&again) == told(reject);
        if again.reason != reject.reason || !same {
            return Err(format!("replayed as {again:?}: {reject:?}"));
        }
    }
    Ok(())
}

/// The values of landed rows are those of the record in their line, read in the plainest way there is.
fn values_are_those_of_the_file(scenario: &Scenario, outcome: &Outcome, found: &[Found]) -> Checked {
    let Contract { encoding, decimal_comma, .. } = scenario.contract;
    let text = |field: &[u8]| match encoding {
        Encoding::Utf8 => String::from_utf8_lossy(field).into_owned(),
        Encoding::Latin1 => field.iter().map(|byte| char::from(*byte)).collect(),
    };
    let Some(header) = found.first().and_then(|header| header.fields.as_ref()) else { return Ok(()) };
    let names: Vec<String> = header.iter().map(|name| text(name).trim().to_owned()).collect();
    let mut rest = found.iter();
    for (row, line) in landed_lines(outcome).into_iter().enumerate().filter(|(_, line)| *line > scenario.lines_before) {
        let fields = rest.find(|record| record.line == line).and_then(|record| record.fields.as_ref());
        let fields = fields.ok_or_else(|| format!("line {line} landed, and is no record"))?;
        for column in &scenario.contract.columns {
            let name = column.source.as_str();
            let Some(field) = names.iter().position(|found| found == name) else { continue };
            let (field, landed) = (text(&fields[field]), cell(&outcome.rows, name, row));
            let expected = match name {
                "product_name" | "transaction_id" => Some(field.clone()),
                "customer_id" if field.trim().is_empty() => Some(String::new()),
                "sales_date" => day(field.trim(), &column.date_formats),
                "price" => decimal(field.trim(), decimal_comma, 4),
                "total_cost" => decimal(field.trim(), decimal_comma, 2),
                _ => field.trim().parse::<i64>().ok().map(|number| number.to_string()),
            };
            if expected.as_ref() != Some(&landed) {
                return Err(format!("{name} of line {line} is {landed:?}; expected {expected:?} of {field:?}"));
            }
        }
    }
    Ok(())
}

fn landed_lines(outcome: &Outcome) -> Vec<u64> {
    let lines = outcome.rows["source_line"].as_primitive::<Int64Type>();
    lines.values().iter().map(|line| line.cast_unsigned()).collect()
}

fn day(text: &str, formats: &[String]) -> Option<String> {
    formats.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok()).map(|day| day.to_string())
}

/// A decimal as Arrow prints it.
fn decimal(text: &str, comma: bool, scale: usize) -> Option<String> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if text.starts_with('-') => ("-", digits),
        Some(digits) => ("", digits),
        None => ("", text),
    };
    let (whole, places) = digits.split_once(if comma { ',' } else { '.' }).unwrap_or((digits, ""));
    let places = places.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if whole == "0" && places.is_empty() { "" } else { sign };
    (places.len() <= scale).then(|| format!("{sign}{whole}.{places:0<scale$}"))
}
