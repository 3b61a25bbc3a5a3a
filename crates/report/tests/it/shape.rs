//! What programs read: JSON and CSV tell the same, exactly; and what a terminal shows fits it.

use crate::rich::document;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use tillmart_report::{Document, Format, Look, render};
use unicode_width::UnicodeWidthStr;

fn json() -> Json {
    serde_json::from_str(&render(&document(), Format::Json, &Look::default())).unwrap()
}

#[test]
fn json_has_no_float_and_null_where_there_is_no_figure() {
    fn walk(value: &Json) {
        match value {
            Json::Number(number) => assert!(number.is_i64() || number.is_u64(), "{number}"),
            Json::Array(items) => items.iter().for_each(walk),
            Json::Object(members) => members.values().for_each(walk),
            _ => {}
        }
    }
    let json = json();
    walk(&json);
    assert_eq!(json["report"], "sample");
    assert_eq!(json["shape"], 1);
    assert_eq!(json["about"]["day"], "2011-11-14");
    let stores = &json["sections"]["stores"]["tables"]["stores"];
    assert_eq!(stores["rows"].as_array().unwrap().len(), 12);
    assert_eq!(stores["rows"][0]["net"], "12345.67");
    assert_eq!(stores["rows"][0]["net_change"], "0.043210");
    assert_eq!(stores["rows"][3]["net_change"], Json::Null);
    assert_eq!(stores["rows"][4]["month_to_date"], Json::Null);
    assert_eq!(stores["totals"][0]["net"], "84126.06");
    let net = &json["sections"]["chain"]["figures"]["net"];
    assert_eq!(net["value"], "112086.45");
    assert_eq!(net["compared"]["last_week"]["change"], "0.593470");
    assert_eq!(json["sections"]["wrong"]["notes"][0]["tone"], "warning");
    assert_eq!(json["sections"]["month"]["charts"]["days"]["series"]["now"][5], Json::Null);
}

#[test]
fn csv_tells_every_cell_that_json_tells() {
    let text = render(&document(), Format::Csv, &Look::default());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, ["section", "part", "name", "row", "label", "column", "type", "value"]);
    let mut cells = BTreeMap::new();
    for record in reader.records() {
        let record = record.unwrap();
        assert_eq!(record.len(), 8);
        for field in &record {
            let number = !field.is_empty()
                && field.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            assert!(
                number || !field.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "a spreadsheet would run {field:?}"
            );
        }
        if ["table", "total"].contains(&&record[1]) {
            let key =
                (record[0].to_owned(), record[2].to_owned(), record[3].parse::<usize>().unwrap(), record[5].to_owned());
            assert_eq!(cells.insert(key, (record[6].to_owned(), record[7].to_owned())), None);
        }
    }
    let json = json();
    let mut told = 0;
    for (section, part) in json["sections"].as_object().unwrap() {
        for (table, content) in part["tables"].as_object().unwrap() {
            let rows = content["rows"].as_array().unwrap().iter().chain(content["totals"].as_array().unwrap());
            for (row, members) in (1..).zip(rows) {
                for (column, value) in members.as_object().unwrap() {
                    let (kind, cell) = &cells[&(section.clone(), table.clone(), row, column.clone())];
                    let expected = match value {
                        Json::Null => String::new(),
                        Json::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    let guarded = kind == "text" && *cell == format!("'{expected}");
                    assert!(
                        *cell == expected || guarded,
                        "{section}.{table}.{row}.{column}: {cell:?}, not {expected:?}"
                    );
                    told += 1;
                }
            }
        }
    }
    assert_eq!(told, cells.len());
}

#[test]
fn a_terminal_shows_no_line_that_is_too_long_and_no_code_unasked() {
    for width in [60, 80, 100, 120] {
        let text = render(&document(), Format::Terminal, &Look { width, colour: false });
        assert!(!text.contains('\u{1b}'));
        for line in text.lines() {
            assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
            assert_eq!(line, line.trim_end());
        }
        let mut coloured = render(&document(), Format::Terminal, &Look { width, colour: true });
        for code in ["0", "1", "2", "32", "33", "36"] {
            coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
        }
        let trimmed: String = coloured.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        assert_eq!(trimmed, text, "colour changes nothing but colour");
    }
}

#[test]
fn an_empty_report_is_one_too() {
    let empty =
        Document { kind: "empty".to_owned(), title: "Nothing".to_owned(), about: Vec::new(), sections: Vec::new() };
    for format in Format::ALL {
        assert!(render(&empty, format, &Look::default()).contains("Nothing"), "{format}");
    }
}
