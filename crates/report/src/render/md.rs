//! Markdown, as GitHub and many wikis read it.

use super::words::{shown, visible};
use crate::document::{Align, Chart, Document, Figure, Part, Table, Tone, Value};
use std::fmt::Write;

/// The document as Markdown.
pub(super) fn text(document: &Document) -> String {
    let mut out = format!("# {}\n", escaped(&document.title));
    if !document.about.is_empty() {
        out.push('\n');
    }
    for fact in &document.about {
        let _ = writeln!(out, "- {}: {}", escaped(&fact.label), cell(&fact.value));
    }
    for section in &document.sections {
        let _ = writeln!(out, "\n## {}", escaped(&section.title));
        for part in &section.parts {
            match part {
                Part::Figures(figures) => figures_table(&mut out, figures),
                Part::Table(rows) => table(&mut out, rows),
                Part::Chart(chart) => told(&mut out, chart),
                Part::Note(note) => {
                    let tone = match note.tone {
                        Tone::Plain => "",
                        Tone::Good => "✓ ",
                        Tone::Warning => "⚠ **Warning:** ",
                    };
                    let _ = writeln!(out, "\n> {tone}{}", escaped(&note.text));
                }
            }
        }
    }
    out
}

fn figures_table(out: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    out.push_str("\n| | Figure | Compared with | Then | Change |\n|:--|--:|:--|--:|--:|\n");
    for figure in figures {
        let _ = write!(out, "| {} | **{}** |", escaped(&figure.label), cell(&figure.value));
        if figure.comparisons.is_empty() {
            out.push_str(" | | |\n");
        }
        for (at, other) in figure.comparisons.iter().enumerate() {
            if at > 0 {
                out.push_str("| | |");
            }
            let (then, change) = (cell(&other.value), shown(&Value::Change(other.change)));
            let _ = writeln!(out, " {} | {then} | {change} |", escaped(&other.label));
        }
    }
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "\n**{}**\n", escaped(&table.title));
    if table.rows.is_empty() {
        let _ = writeln!(out, "{}", escaped(&table.empty));
        return;
    }
    let line = |out: &mut String, cells: Vec<String>| {
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    };
    line(out, table.columns.iter().map(|column| escaped(&column.label)).collect());
    let rule = table.columns.iter().map(|column| match column.align {
        Align::Left => ":--",
        Align::Right => "--:",
    });
    let _ = writeln!(out, "|{}|", rule.collect::<Vec<_>>().join("|"));
    for row in &table.rows {
        let mark = |text: String| if row.is_total && !text.is_empty() { format!("**{text}**") } else { text };
        let values = table.columns.iter().enumerate().map(|(at, _)| row.values.get(at));
        line(out, values.map(|value| value.map(|value| mark(cell(value))).unwrap_or_default()).collect());
    }
}

/// A chart as its text alternative: its figures stand in a table.
fn told(out: &mut String, chart: &Chart) {
    let _ = writeln!(out, "\n**{}**\n\n{}", escaped(&chart.title), escaped(&chart.alternative));
}

fn cell(value: &Value) -> String {
    let text = shown(value);
    if matches!(value, Value::Text(_)) { escaped(&text) } else { text }
}

/// A text that stays a text wherever it stands: in a cell, in a heading, at a line's beginning.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in visible(text).trim().chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' => out.extend(['\\', letter]),
            // What a wiki would turn into a mention of somebody.
            '@' => out.push_str("&#64;"),
            other => out.push(other),
        }
    }
    // What would begin a list or a rule at the beginning of a line.
    if out.starts_with(['-', '+', '=']) { format!("\\{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(escaped("a|b"), "a\\|b");
        assert_eq!(escaped("<script>"), "&lt;script&gt;");
        assert_eq!(escaped("# no *heading*"), "\\# no \\*heading\\*");
        assert_eq!(escaped("- no list"), "\\- no list");
        assert_eq!(escaped("![x](y)"), "!\\[x\\](y)");
        assert_eq!(escaped("two\nlines"), "two\\\\nlines");
        assert_eq!(escaped("&lt;"), "&amp;lt;");
    }
}
