//! The page: well-formed, self-contained, of use to everybody, and nobody's texts in it are markup.

use crate::rich::{NASTY, document};
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use roxmltree::{Document, Node, ParsingOptions};
use std::cell::RefCell;
use std::collections::HashSet;
use tillmart_report::{Format, Look, render};

fn page() -> String {
    render(&document(), Format::Html, &Look::default())
}

/// The page is well-formed XML as well, so that a strict parser reads it; one that mends what is wrong would hide it.
fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap()
}

/// The elements of a name.
fn all<'d>(parsed: &'d Document<'_>, name: &str) -> Vec<Node<'d, 'd>> {
    parsed.descendants().filter(|node| node.tag_name().name() == name).collect()
}

fn parent_is(node: &Node<'_, '_>, name: &str) -> bool {
    node.parent().is_some_and(|parent| parent.tag_name().name() == name)
}

fn first_child<'d>(node: &Node<'d, 'd>) -> Option<Node<'d, 'd>> {
    node.children().find(Node::is_element)
}

/// What a browser's tokenizer complains of.
#[derive(Default)]
struct Complaints(RefCell<Vec<String>>);

impl TokenSink for Complaints {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        if let Token::ParseError(what) = token {
            self.0.borrow_mut().push(format!("line {line}: {what}"));
        }
        TokenSinkResult::Continue
    }
}

#[test]
fn a_browser_finds_nothing_wrong() {
    let tokenizer = Tokenizer::new(Complaints::default(), TokenizerOpts { exact_errors: true, ..Default::default() });
    let input = BufferQueue::default();
    input.push_back(page().as_str().into());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    assert_eq!(*tokenizer.sink.0.borrow(), Vec::<String>::new());
}

#[test]
fn it_needs_nothing_and_runs_nothing() {
    let page = page();
    let parsed = parsed(&page);
    for element in parsed.descendants().filter(Node::is_element) {
        let name = element.tag_name().name();
        assert!(
            !["script", "link", "img", "iframe", "object", "embed", "base", "form", "foreignObject"].contains(&name),
            "{name}"
        );
        for attribute in element.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && !["src", "style", "srcset"].contains(&name), "{name}");
            assert!(name != "href" || (attribute.namespace().is_none() && value.starts_with('#')), "{value}");
        }
    }
    assert_eq!(all(&parsed, "style").len(), 1, "no text became a style sheet");
    let metas = all(&parsed, "meta");
    let policy = metas.iter().find(|meta| meta.attribute("http-equiv") == Some("Content-Security-Policy")).unwrap();
    let policy = policy.attribute("content").unwrap();
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
    let parsed = parsed(&page);
    assert_eq!(parsed.root_element().attribute("lang"), Some("en"));
    assert_eq!(all(&parsed, "h1").len(), 1);
    let sections = all(&parsed, "section").into_iter().filter(|section| parent_is(section, "main"));
    assert_eq!(sections.filter(|section| first_child(section).is_some_and(|it| it.has_tag_name("h2"))).count(), 7);
    for table in all(&parsed, "table") {
        assert!(first_child(&table).is_some_and(|child| child.tag_name().name() == "caption"));
        for row in table.descendants().filter(|node| node.tag_name().name() == "tr") {
            let cells: Vec<Node<'_, '_>> = row.children().filter(Node::is_element).collect();
            if parent_is(&row, "thead") {
                assert!(cells.iter().all(|cell| cell.attribute("scope") == Some("col")));
            } else if parent_is(&row, "tbody") {
                let heads = cells.iter().filter(|cell| cell.attribute("scope") == Some("row")).count();
                assert_eq!(heads, 1, "every row has a head");
            }
        }
    }
    for svg in all(&parsed, "svg") {
        if svg.attribute("role") != Some("img") {
            assert_eq!(svg.attribute("aria-hidden"), Some("true"));
            continue;
        }
        let mut children = svg.children().filter(Node::is_element).map(|child| child.tag_name().name());
        assert_eq!((children.next(), children.next()), (Some("title"), Some("desc")));
    }
    assert!(all(&parsed, "figure").iter().all(|figure| figure.descendants().any(|it| it.tag_name().name() == "svg")));
    let ids: Vec<&str> = parsed.descendants().filter_map(|element| element.attribute("id")).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for element in parsed.descendants() {
        let links = element.attribute("href").filter(|_| element.tag_name().name() == "a");
        for names in element.attribute("aria-labelledby").into_iter().chain(links) {
            assert!(names.split(' ').all(|name| unique.contains(name.trim_start_matches('#'))), "{names}");
        }
    }
}

#[test]
fn a_text_is_shown_as_it_is() {
    let page = page();
    let parsed = parsed(&page);
    let place = parsed.descendants().find(|element| element.attribute("id") == Some("products-products")).unwrap();
    let heads =
        place.descendants().filter(|node| node.tag_name().name() == "th" && node.attribute("scope") == Some("row"));
    let text = |head: Node<'_, '_>| -> String {
        head.descendants().filter(Node::is_text).filter_map(|text| text.text().map(str::to_owned)).collect()
    };
    let cells: Vec<String> = heads.map(text).collect();
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
