//! Lying bars: a label, a bar and its figure on a line; on a phone the label stands above its bar.

use super::Room;
use super::canvas::{Canvas, breadth, cut};
use super::scale::{Axis, Levels};
use crate::document::Chart;
use crate::render::words::{shown, visible};

/// Tenths of a pixel: a bar's height, the space between a bar and its figure, between a label's bars and the next label.
const BAR: i64 = 160;
const GAP: i64 = 60;
const APART: i64 = 100;
/// A label above its bar.
const ABOVE: i64 = 190;
/// Labels beside the bars take no more.
const LABELS_MAX: i64 = 2_600;

pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, levels: &Levels) {
    let axis = Axis::of(levels, 5);
    let texts: Vec<String> = chart.labels.iter().map(|label| visible(label)).collect();
    let above = canvas.room == Room::Narrow;
    let beside = if above { 0 } else { texts.iter().map(|text| breadth(text)).max().unwrap_or(0).min(LABELS_MAX) };
    let figures = chart.series.iter().flat_map(|series| &series.values).map(|value| breadth(&shown(value))).max();
    // However long the figures are, something is left for the bars.
    let figures = (figures.unwrap_or(0) + GAP * 2).min(canvas.width() / 4);
    let below = levels.all().any(|level| level < 0);
    let left = if beside > 0 { beside + GAP * 2 } else { 0 } + if below { figures } else { 0 };
    let right = canvas.width() - figures;
    let zero = left + axis.at(0, right - left);
    let mut y = 40;
    for (at, text) in texts.iter().enumerate() {
        let height = i64::try_from(levels.series.len()).unwrap_or(1) * BAR;
        if above {
            canvas.text("label", (0, y + 130), "start", &cut(text, canvas.width()));
            y += ABOVE;
        } else {
            canvas.text("label", (beside, y + height / 2 + 45), "end", &cut(text, beside));
        }
        if above {
            canvas.line("zero", (zero, y), (zero, y + height));
        }
        for (place, series) in chart.series.iter().enumerate() {
            let value = series.values.get(at);
            let figure = value.map(shown).unwrap_or_default();
            let fits = cut(&figure, figures - GAP * 2);
            let Some(level) = levels.series[place][at] else {
                canvas.text("tick", (zero + GAP, y + 125), "start", &fits);
                y += BAR;
                continue;
            };
            let x = left + axis.at(level, right - left);
            let long = (x - zero).abs().max(if level == 0 { 0 } else { 10 });
            let from = if level < 0 { zero - long } else { zero };
            let told = format!("{text}: {figure}");
            canvas.rect(&format!("fill s{}", place % 4), (from, y + 10), (long, BAR - 20), &told);
            let (at, anchor) = if level < 0 { (from - GAP, "end") } else { (from + long + GAP, "start") };
            canvas.text("figure", (at, y + 125), anchor, &fits);
            y += BAR;
        }
        y += APART;
    }
    if !above {
        canvas.line("zero", (zero, 20), (zero, y - APART + 20));
    }
    canvas.height = y / 10;
}
