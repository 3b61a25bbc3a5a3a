//! Charts as SVG, drawn with whole numbers: coordinates are tenths of a pixel, so no figure ever becomes a float.
//!
//! A chart is drawn twice, for a screen of some width and for a phone, because letters in a picture shrink with it; the page shows one of both.

mod bars;
mod canvas;
mod scale;
mod upright;

use crate::document::{Chart, ChartKind};
use canvas::Canvas;

/// For what a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// A desk or a sheet of paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Room {
    /// Pixels.
    fn width(self) -> i64 {
        match self {
            Self::Wide => 800,
            Self::Narrow => 360,
        }
    }

    /// Its class in the style sheet.
    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// The chart as an `svg` element.
pub(super) fn svg(chart: &Chart, room: Room) -> String {
    let levels = scale::Levels::of(chart);
    let mut canvas = Canvas::new(room);
    if levels.all().next().is_none() {
        canvas.height = 60;
        canvas.text("nothing", (room.width() * 5, 340), "middle", "There are no figures.");
    } else if chart.kind == ChartKind::Bars {
        bars::draw(&mut canvas, chart, &levels);
    } else {
        upright::draw(&mut canvas, chart, &levels);
    }
    canvas.finish(chart)
}

#[cfg(test)]
mod tests;
