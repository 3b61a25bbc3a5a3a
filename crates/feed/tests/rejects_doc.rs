//! The examples of `docs/rejects.md` are run: every code is there, and each example gives its code and message.

mod support;

use std::collections::BTreeMap;
use support::{CSV, decode};
use tillmart_model::{Contract, FileReason, RowReason, SalesColumn};

/// One section of the page.
#[derive(Debug, Default)]
struct Section {
    /// What stands behind ```` ```csv ````.
    options: String,
    example: Option<Vec<u8>>,
    message: Option<String>,
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rejects.md");
    std::fs::read_to_string(path).unwrap()
}

fn sections(page: &str) -> BTreeMap<String, Section> {
    let mut sections = BTreeMap::new();
    for part in page.split("\n### `").skip(1) {
        let (code, body) = part.split_once('`').unwrap();
        let mut section = Section::default();
        if let Some((_, rest)) = body.split_once("\n```csv") {
            let (options, rest) = rest.split_once('\n').unwrap();
            let (example, rest) = rest.split_once("\n```\n").unwrap();
            section.options = options.trim().to_owned();
            section.example = Some(bytes_of(example));
            section.message = rest.lines().find_map(|line| line.strip_prefix("> ")).map(str::to_owned);
        }
        sections.insert(code.to_owned(), section);
    }
    sections
}

/// `\xE9` stands for that byte.
fn bytes_of(example: &str) -> Vec<u8> {
    let mut parts = example.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

fn contract_of(options: &str) -> Contract {
    let mut contract = Contract::default();
    if let Some(key) = options.strip_prefix("key=") {
        contract.columns.push(tillmart_model::Column::new(SalesColumn::TransactionId));
        contract.key =
            key.split(',').map(|name| *SalesColumn::ALL.iter().find(|column| column.name() == name).unwrap()).collect();
    }
    contract
}

#[test]
fn every_row_code_has_an_example_that_gives_it() {
    let sections = sections(&page());
    for reason in RowReason::ALL {
        let section = sections.get(reason.code()).unwrap_or_else(|| panic!("{reason} is not in the page"));
        let example = section.example.as_ref().unwrap_or_else(|| panic!("{reason} has no example"));
        let outcome = decode(&contract_of(&section.options), CSV, example).unwrap();
        let [reject] = outcome.rejects.as_slice() else { panic!("{reason}: {:?}", outcome.rejects) };
        assert_eq!(reject.reason, *reason);
        assert_eq!(Some(&reject.message), section.message.as_ref(), "{reason}");
        assert!(example.ends_with(&reject.raw), "{reason} keeps the raw row");
        assert_eq!(reject.byte_offset, Some((example.len() - reject.raw.len()) as u64), "{reason}");
        assert_eq!(reject.line, Some(example.iter().filter(|byte| **byte == b'\n').count() as u64 + 1), "{reason}");
    }
}

#[test]
fn every_file_code_is_told_and_its_example_gives_it() {
    let sections = sections(&page());
    for reason in FileReason::ALL {
        let section = sections.get(reason.code()).unwrap_or_else(|| panic!("{reason} is not in the page"));
        let Some(example) = &section.example else { continue };
        let fault = decode(&Contract::default(), CSV, example).unwrap_err();
        assert_eq!((fault.reason, Some(fault.message)), (*reason, section.message.clone()));
    }
}

#[test]
fn the_page_lists_the_codes_in_the_order_of_judgement() {
    let page = page();
    let listed: Vec<&str> = page
        .split("\n### `")
        .skip(1)
        .filter_map(|part| part.split('`').next())
        .filter(|code| RowReason::from_code(code).is_some())
        .collect();
    let expected: Vec<&str> = RowReason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(listed, expected);
}
