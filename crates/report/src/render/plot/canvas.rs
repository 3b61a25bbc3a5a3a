//! The pen: shapes and texts of an `svg` element.

use super::Room;
use crate::document::Chart;
use crate::render::html::{escaped, identifier};
use std::fmt::Write;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Tenths of a pixel that a letter of a label takes, on the safe side: labels are 13 pixels high.
pub(super) const LETTER: i64 = 80;
/// The same of a capital letter.
const CAPITAL: i64 = 96;

/// An `svg` element that is being drawn. Coordinates are tenths of a pixel, from the upper left corner.
pub(super) struct Canvas {
    pub(super) room: Room,
    /// Pixels.
    pub(super) height: i64,
    body: String,
}

impl Canvas {
    pub(super) fn new(room: Room) -> Self {
        Self { room, height: 0, body: String::new() }
    }

    /// Tenths of a pixel.
    pub(super) fn width(&self) -> i64 {
        self.room.width() * 10
    }

    pub(super) fn line(&mut self, class: &str, from: (i64, i64), to: (i64, i64)) {
        let (x1, y1, x2, y2) = (tenths(from.0), tenths(from.1), tenths(to.0), tenths(to.1));
        let _ = write!(self.body, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// A line through several points.
    pub(super) fn path(&mut self, class: &str, points: &[(i64, i64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", tenths(*x), tenths(*y))).collect();
        let _ = write!(self.body, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
    }

    /// A rectangle from its upper left corner, with what a pointer above it is told.
    pub(super) fn rect(&mut self, class: &str, at: (i64, i64), size: (i64, i64), told: &str) {
        let (x, y, width, height) = (tenths(at.0), tenths(at.1), tenths(size.0), tenths(size.1));
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"><title>{}</title></rect>"#,
            escaped(told)
        );
    }

    /// A dot, with what a pointer above it is told.
    pub(super) fn dot(&mut self, class: &str, at: (i64, i64), told: &str) {
        let (x, y) = (tenths(at.0), tenths(at.1));
        let _ = write!(
            self.body,
            r#"<circle class="{class}" cx="{x}" cy="{y}" r="3"><title>{}</title></circle>"#,
            escaped(told)
        );
    }

    pub(super) fn text(&mut self, class: &str, at: (i64, i64), anchor: &str, text: &str) {
        let (x, y) = (tenths(at.0), tenths(at.1));
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{}</text>"#,
            escaped(text)
        );
    }

    /// The element, with its name and its alternative in words.
    pub(super) fn finish(self, chart: &Chart) -> String {
        let class = self.room.class();
        let id = format!("chart-{}-{class}", identifier(&chart.name));
        format!(
            r#"<svg class="plot {class}" viewBox="0 0 {} {}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>{}</svg>"#,
            self.room.width(),
            self.height,
            escaped(&chart.title),
            escaped(&chart.alternative),
            self.body
        )
    }
}

/// Tenths of a pixel a text takes.
pub(super) fn breadth(text: &str) -> i64 {
    let columns = i64::try_from(text.width()).unwrap_or(i64::MAX / CAPITAL);
    let capitals = text.chars().filter(|letter| letter.is_uppercase() || "_@%<>=+".contains(*letter)).count();
    let capitals = i64::try_from(capitals).unwrap_or(0).min(columns);
    columns.saturating_mul(LETTER).saturating_add(capitals * (CAPITAL - LETTER))
}

/// A text that takes no more than so many tenths of a pixel; what was cut shows as `…`.
pub(super) fn cut(text: &str, room: i64) -> String {
    if breadth(text) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.graphemes(true) {
        if breadth(&short) + breadth(letter) + LETTER > room {
            break;
        }
        short.push_str(letter);
    }
    short.truncate(short.trim_end().len());
    short + "…"
}

fn tenths(number: i64) -> String {
    let (sign, size) = if number < 0 { ("-", number.unsigned_abs()) } else { ("", number.unsigned_abs()) };
    if size % 10 == 0 { format!("{sign}{}", size / 10) } else { format!("{sign}{}.{}", size / 10, size % 10) }
}
