//! One page that needs nothing else: no network, no script, its style inside, and a policy that forbids everything but that style.

mod parts;

use super::words::{shown, visible};
use crate::document::{Document, Section, Value};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");
/// SHA-256 of the style sheet, by which the page's policy knows it. A test holds it against the sheet and tells the right one.
const STYLE_SHA256: &str = "JEJNtUPvGYBhCFoIym+STdBzGqupB92vQ+JKR23p6rA=";

/// The document as a page.
pub(super) fn page(document: &Document) -> String {
    let title = escaped(&document.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{STYLE_SHA256}'; \
         base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
    );
    if !document.about.is_empty() {
        out.push_str("<dl class=\"about\">\n");
        for fact in &document.about {
            let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(&fact.label), told(&fact.value));
        }
        out.push_str("</dl>\n");
    }
    out.push_str("</header>\n");
    contents(&mut out, &document.sections);
    out.push_str("<main>\n");
    for section in &document.sections {
        let id = identifier(&section.name);
        let title = escaped(&section.title);
        let _ =
            writeln!(out, "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>");
        for part in &section.parts {
            parts::part(&mut out, &section.name, part);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Links to the sections, where there are enough of them to look for one.
fn contents(out: &mut String, sections: &[Section]) {
    const FEW: usize = 3;
    if sections.len() <= FEW {
        return;
    }
    out.push_str("<nav aria-label=\"Sections\">\n<ul>\n");
    for section in sections {
        let _ = writeln!(out, "<li><a href=\"#{}\">{}</a></li>", identifier(&section.name), escaped(&section.title));
    }
    out.push_str("</ul>\n</nav>\n");
}

/// A value for people. What a user wrote keeps its own direction, and takes none of its surroundings along.
fn told(value: &Value) -> String {
    let text = escaped(&shown(value));
    if matches!(value, Value::Text(_)) { format!("<bdi>{text}</bdi>") } else { text }
}

/// A text that stays a text in an element and in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No letters, and no HTML or XML may hold them.
            '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other if u32::from(other) & 0xfffe == 0xfffe => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// A name as what an `id` may be: letters, digits, `-` and `_`.
pub(super) fn identifier(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, Engine};
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_knows_the_style_sheet() {
        assert_eq!(
            STYLE_SHA256,
            BASE64_STANDARD.encode(Sha256::digest(STYLE)),
            "write the right one into STYLE_SHA256"
        );
        assert!(!STYLE.contains("</") && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            escaped("<script>alert('x' & \"y\")</script>"),
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;"
        );
        assert_eq!(escaped("a\0b\u{ffff}\u{1fffe}"), "a\\u{0}b\u{fffd}\u{fffd}");
        assert_eq!(identifier("a b\"><c_1"), "a-b---c_1");
    }
}
