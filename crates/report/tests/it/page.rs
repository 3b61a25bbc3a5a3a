//! The page: well-formed, self-contained, of use to everybody, and nobody's texts in it are markup.

use crate::rich::{NASTY, document};
use scraper::{Html, Selector};
use std::collections::HashSet;
use tillmart_report::{Format, Look, render};

fn page() -> String {
    render(&document(), Format::Html, &Look::default())
}

fn all(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}

#[test]
fn a_parser_finds_nothing_wrong() {
    let parsed = Html::parse_document(&page());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
}

#[test]
fn it_is_well_formed_to_the_last_element() {
    let page = page();
    let mut reader = quick_xml::Reader::from_str(page.trim_start_matches("<!DOCTYPE html>\n"));
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
}

#[test]
fn it_needs_nothing_and_runs_nothing() {
    let page = page();
    let parsed = Html::parse_document(&page);
    for element in parsed.select(&all("*")) {
        let name = element.value().name();
        assert!(
            !["script", "link", "img", "iframe", "object", "embed", "base", "form", "foreignObject"].contains(&name),
            "{name}"
        );
        for (attribute, value) in element.value().attrs() {
            assert!(
                !attribute.starts_with("on") && !["src", "style", "srcset", "xlink:href"].contains(&attribute),
                "{attribute}"
            );
            assert!(attribute != "href" || value.starts_with('#'), "{value}");
        }
    }
    assert_eq!(parsed.select(&all("style")).count(), 1, "no text became a style sheet");
    let policy = parsed.select(&all("meta[http-equiv='Content-Security-Policy']")).next().unwrap();
    let policy = policy.value().attr("content").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let head = page.find("Content-Security-Policy").unwrap();
    assert!(
        head < page.find("<title>").unwrap() && head < page.find("<style>").unwrap(),
        "the policy comes before what it governs"
    );
}

#[test]
fn everybody_can_read_it() {
    let page = page();
    let parsed = Html::parse_document(&page);
    let count = |selector: &str| parsed.select(&all(selector)).count();
    assert_eq!(count("html[lang=en]"), 1);
    assert_eq!(count("h1"), 1);
    assert_eq!(count("main > section > h2"), 7);
    assert_eq!(count("table"), count("table > caption"));
    assert_eq!(count("thead th"), count("thead th[scope=col]"));
    assert_eq!(count("tbody tr"), count("tbody tr > th[scope=row]"), "every row has a head");
    assert_eq!(count("figure > svg"), count("figure > svg[role=img] > title:first-child + desc"));
    assert_eq!(count("svg:not([role=img])"), count("svg[aria-hidden=true]"));
    let ids: Vec<&str> = parsed.select(&all("[id]")).map(|element| element.value().attr("id").unwrap()).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for element in parsed.select(&all("[aria-labelledby], a[href]")) {
        let names = element.value().attr("aria-labelledby").or_else(|| element.value().attr("href")).unwrap();
        assert!(names.split(' ').all(|name| unique.contains(name.trim_start_matches('#'))), "{names}");
    }
}

#[test]
fn a_text_is_shown_as_it_is() {
    let parsed = Html::parse_document(&page());
    let cells: Vec<String> =
        parsed.select(&all("#products-products tbody th")).map(|cell| cell.text().collect::<String>()).collect();
    assert_eq!(cells.len(), NASTY.len());
    for (cell, text) in cells.iter().zip(NASTY) {
        let visible = text.chars().all(|letter| !letter.is_control() && letter != '\u{202e}');
        assert!(!visible || cell == text, "{cell:?} of {text:?}");
        assert!(!cell.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{cell:?}");
    }
}

/// The names and colours that a block of the style sheet sets.
fn colours(block: &str) -> Vec<(String, [u8; 3])> {
    let byte = |hex: &str, at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    block
        .split([';', '{', '}'])
        .filter_map(|pair| pair.trim().split_once(": #"))
        .filter(|(name, _)| name.starts_with("--"))
        .map(|(name, hex)| (name.to_owned(), [byte(hex, 0), byte(hex, 2), byte(hex, 4)]))
        .collect()
}

/// Contrast as the Web Content Accessibility Guidelines define it.
#[expect(clippy::float_arithmetic, reason = "light, not money")]
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let light = |colour: [u8; 3]| {
        let part = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(colour[0]) + 0.7152 * part(colour[1]) + 0.0722 * part(colour[2])
    };
    let (one, other) = (light(one) + 0.05, light(other) + 0.05);
    if one > other { one / other } else { other / one }
}

#[test]
fn colours_stand_out_in_light_and_dark_and_on_paper() {
    let page = page();
    let blocks: Vec<&str> = page.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let set = colours(block);
        let of = |name: &str| set.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("{name}")).1;
        let pairs = [
            ("--ink", "--paper"),
            ("--ink", "--card"),
            ("--soft", "--paper"),
            ("--soft", "--card"),
            ("--link", "--paper"),
            ("--up", "--paper"),
            ("--up", "--card"),
            ("--down", "--paper"),
            ("--down", "--card"),
            ("--warn", "--warn-paper"),
            ("--ink", "--warn-paper"),
            ("--good", "--good-paper"),
            ("--ink", "--good-paper"),
        ];
        for (letters, ground) in pairs {
            let found = contrast(of(letters), of(ground));
            assert!(found >= 4.5, "{letters} on {ground}: {found:.2}");
        }
        for series in ["--s0", "--s1", "--s2", "--s3"] {
            assert!(contrast(of(series), of("--paper")) >= 3.0, "{series}");
        }
    }
}
