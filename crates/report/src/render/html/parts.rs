//! The pieces of a section as elements.

use super::{escaped, identifier, told};
use crate::document::{Align, Change, Chart, ChartKind, Comparison, Figure, Part, Row, Table, Tone, Value};
use crate::render::plot::{Room, svg};
use crate::render::words::{MISSING, Way, amount};
use std::fmt::Write;

/// From so many columns on a table gets smaller letters on paper, so that none is cut.
const WIDE: usize = 8;

pub(super) fn part(out: &mut String, section: &str, part: &Part) {
    match part {
        Part::Figures(figures) => cards(out, figures),
        Part::Table(one) => table(out, section, one),
        Part::Chart(one) => chart(out, one),
        Part::Note(note) => {
            let (class, mark) = match note.tone {
                Tone::Plain => ("plain", ""),
                Tone::Good => ("good", "<strong><span aria-hidden=\"true\">✓ </span>Good:</strong> "),
                Tone::Warning => ("warning", "<strong><span aria-hidden=\"true\">⚠ </span>Warning:</strong> "),
            };
            let _ = writeln!(out, "<p class=\"note {class}\">{mark}{}</p>", escaped(&note.text));
        }
    }
}

fn cards(out: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    let compared_to = figures.iter().any(|figure| !figure.comparisons.is_empty());
    out.push_str(if compared_to { "<dl class=\"figures\">\n" } else { "<dl class=\"figures alone\">\n" });
    for figure in figures {
        let _ = write!(out, "<div><dt>{}</dt><dd class=\"value\">{}</dd>", escaped(&figure.label), told(&figure.value));
        for other in &figure.comparisons {
            compared(out, other);
        }
        out.push_str("</div>\n");
    }
    out.push_str("</dl>\n");
}

fn compared(out: &mut String, other: &Comparison) {
    out.push_str("<dd class=\"then\">");
    if Way::of(other.change).is_some() {
        out.push_str(&change(other.change));
        out.push(' ');
    }
    let _ = write!(
        out,
        "<span class=\"label\">{}</span> <span class=\"was\">{}</span></dd>",
        escaped(&other.label),
        told(&other.value)
    );
}

/// A change: sign and arrow, which need no colour to be told apart.
fn change(change: Change) -> String {
    match Way::of(change) {
        None => MISSING.to_owned(),
        Some(way) => {
            let class = match way {
                Way::Up => "up",
                Way::Down => "down",
                Way::Level => "level",
            };
            format!(
                "<span class=\"{class}\"><span aria-hidden=\"true\">{} </span>{}</span>",
                way.arrow(),
                amount(change)
            )
        }
    }
}

fn table(out: &mut String, section: &str, table: &Table) {
    let id = format!("{}-{}", identifier(section), identifier(&table.name));
    if table.rows.is_empty() {
        let (title, empty) = (escaped(&table.title), escaped(&table.empty));
        let _ = writeln!(out, "<div class=\"empty\"><h3>{title}</h3><p>{empty}</p></div>");
        return;
    }
    let many = if table.columns.len() >= WIDE { " class=\"many\"" } else { "" };
    let _ = writeln!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-labelledby=\"{id}-caption\" tabindex=\"0\">\n\
         <table id=\"{id}\"{many}>\n<caption id=\"{id}-caption\">{}</caption>\n<thead><tr>",
        escaped(&table.title)
    );
    for column in &table.columns {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(column.align, ""), escaped(&column.label));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        line(out, table, row);
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// Which column tells what a row is about: its first words, not its rank.
fn head(table: &Table) -> usize {
    table.columns.iter().position(|column| column.align == Align::Left).unwrap_or(0)
}

fn line(out: &mut String, table: &Table, row: &Row) {
    let head = head(table);
    out.push_str(if row.is_total { "<tr class=\"total\">" } else { "<tr>" });
    for (at, column) in table.columns.iter().enumerate() {
        let value = row.values.get(at).unwrap_or(&Value::Missing);
        let text = match value {
            Value::Change(by) => change(*by),
            other => told(other),
        };
        let (element, scope) = if at == head { ("th", " scope=\"row\"") } else { ("td", "") };
        // A long text breaks, a number never does.
        let is_words = matches!(value, Value::Text(_)) && column.align == Align::Left;
        let breaks = if is_words { "text" } else { "" };
        let _ = write!(out, "<{element}{scope}{}>{text}</{element}>", class(column.align, breaks));
    }
    out.push_str("</tr>\n");
}

fn class(align: Align, other: &str) -> String {
    let names: Vec<&str> = [if align == Align::Right { "number" } else { "" }, other]
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() { String::new() } else { format!(" class=\"{}\"", names.join(" ")) }
}

fn chart(out: &mut String, chart: &Chart) {
    let _ = writeln!(out, "<figure>\n<figcaption>{}</figcaption>", escaped(&chart.title));
    if chart.series.len() > 1 {
        out.push_str("<ul class=\"legend\">");
        for (at, series) in chart.series.iter().enumerate() {
            let at = at % 4;
            let sample = if chart.kind == ChartKind::Lines {
                format!("<line class=\"stroke s{at}\" x1=\"0\" y1=\"6\" x2=\"28\" y2=\"6\"/>")
            } else {
                format!("<rect class=\"fill s{at}\" x=\"8\" y=\"1\" width=\"12\" height=\"10\"/>")
            };
            let label = escaped(&series.label);
            let _ = write!(
                out,
                "<li><svg class=\"sample\" width=\"28\" height=\"12\" viewBox=\"0 0 28 12\" aria-hidden=\"true\">{sample}</svg> {label}</li>"
            );
        }
        out.push_str("</ul>\n");
    }
    let _ = writeln!(out, "{}\n{}\n</figure>", svg(chart, Room::Wide), svg(chart, Room::Narrow));
}
