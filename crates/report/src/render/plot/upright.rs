//! Lines and columns: labels along the bottom, figures upwards.

use super::Room;
use super::canvas::{Canvas, breadth, cut};
use super::scale::{Axis, Levels};
use crate::document::{Chart, ChartKind};
use crate::render::words::{shown, visible, wrapped};

/// Tenths of a pixel: above the plot, below it for a line of labels and each further one, between an axis's labels and the plot.
const TOP: i64 = 100;
const BOTTOM: i64 = 280;
const LINE: i64 = 160;
const GAP: i64 = 80;
/// So few labels are names: each is told, over a few lines if it must be. More of them are days or the like, and some stand for all.
const NAMES_MAX: usize = 8;
const LINES_MAX: usize = 3;
/// A column is no wider, however few there are.
const COLUMN_MAX: i64 = 560;
/// A label along the axis is no wider than that many letters.
const LABEL_MAX: i64 = 14 * super::canvas::LETTER;
/// More dots than this melt into a band.
const DOTS_MAX: usize = 62;

/// Where the plot lies, in tenths of a pixel.
struct Frame {
    left: i64,
    right: i64,
    top: i64,
    bottom: i64,
    labels: i64,
}

impl Frame {
    fn slot(&self, at: usize) -> (i64, i64) {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        let edge = |at: i64| self.left + (self.right - self.left).saturating_mul(at) / self.labels;
        (edge(at), edge(at + 1))
    }

    fn centre(&self, at: usize) -> i64 {
        let (from, to) = self.slot(at);
        i64::midpoint(from, to)
    }

    fn height(&self, axis: &Axis, level: i128) -> i64 {
        self.bottom - axis.at(level, self.bottom - self.top)
    }
}

pub(super) fn draw(canvas: &mut Canvas, chart: &Chart, levels: &Levels) {
    let (height, spans) = match canvas.room {
        Room::Wide => (260, 5),
        Room::Narrow => (220, 4),
    };
    let axis = Axis::of(levels, spans);
    let ticks = axis.ticks();
    let gutter = ticks.iter().map(|(_, label)| breadth(label)).max().unwrap_or(0);
    let frame = Frame {
        left: gutter + GAP,
        right: canvas.width() - 20,
        top: TOP,
        bottom: height * 10 - BOTTOM,
        labels: i64::try_from(chart.labels.len()).unwrap_or(i64::MAX).max(1),
    };
    let names = names(chart, &frame);
    let most = i64::try_from(names.iter().map(Vec::len).max().unwrap_or(1)).unwrap_or(1);
    canvas.height = height + (most - 1) * LINE / 10;
    for (level, label) in &ticks {
        let y = frame.height(&axis, *level);
        canvas.line(if *level == 0 { "zero" } else { "grid" }, (frame.left, y), (frame.right, y));
        canvas.text("tick", (gutter, y + 45), "end", label);
    }
    if names.is_empty() {
        labels(canvas, chart, &frame);
    }
    for (at, lines) in names.iter().enumerate() {
        let mut y = frame.bottom + 190;
        for line in lines {
            canvas.text("tick", (frame.centre(at), y), "middle", line);
            y += LINE;
        }
    }
    for at in 0..levels.series.len() {
        match chart.kind {
            ChartKind::Columns => columns(canvas, chart, levels, &frame, &axis, at),
            ChartKind::Lines | ChartKind::Bars => lines(canvas, chart, levels, &frame, &axis, at),
        }
    }
}

/// A few labels in lines that fit below their figures; none if there are many.
fn names(chart: &Chart, frame: &Frame) -> Vec<Vec<String>> {
    if chart.labels.len() > NAMES_MAX {
        return Vec::new();
    }
    let room = (frame.right - frame.left) / frame.labels - GAP / 2;
    let letters = usize::try_from(room / super::canvas::LETTER).unwrap_or(0).max(1);
    let lines = |label: &String| {
        let mut lines = wrapped(&visible(label), letters);
        if lines.len() > LINES_MAX {
            let rest = lines.split_off(LINES_MAX - 1).join(" ");
            lines.push(rest);
        }
        lines.iter().map(|line| cut(line, room)).collect()
    };
    chart.labels.iter().map(lines).collect()
}

/// As many labels as there is room for, evenly chosen: none touches its neighbour or leaves the picture.
fn labels(canvas: &mut Canvas, chart: &Chart, frame: &Frame) {
    let texts: Vec<String> = chart.labels.iter().map(|label| cut(&visible(label), LABEL_MAX)).collect();
    let widest = texts.iter().map(|text| breadth(text)).max().unwrap_or(0) + GAP;
    let slot = ((frame.right - frame.left) / frame.labels).max(1);
    let every = usize::try_from((widest + slot - 1) / slot).unwrap_or(1).max(1);
    let mut free = 0;
    for (at, text) in texts.iter().enumerate().step_by(every) {
        let half = breadth(text) / 2;
        let centre = frame.centre(at).clamp(half, (canvas.width() - half).max(half));
        if centre - half >= free {
            canvas.text("tick", (centre, frame.bottom + 190), "middle", text);
            free = centre + half + GAP / 2;
        }
    }
}

/// What a pointer is told of one figure.
fn told(chart: &Chart, series: usize, at: usize) -> String {
    let series = &chart.series[series];
    let value = series.values.get(at).map(shown).unwrap_or_default();
    let label = visible(&chart.labels[at]);
    if chart.series.len() > 1 {
        format!("{label}, {}: {value}", visible(&series.label))
    } else {
        format!("{label}: {value}")
    }
}

fn columns(canvas: &mut Canvas, chart: &Chart, levels: &Levels, frame: &Frame, axis: &Axis, series: usize) {
    let many = i64::try_from(levels.series.len()).unwrap_or(1).max(1);
    let place = i64::try_from(series).unwrap_or(0);
    let zero = frame.height(axis, 0);
    for (at, level) in levels.series[series].iter().enumerate() {
        let Some(level) = *level else { continue };
        let (from, to) = frame.slot(at);
        let group = ((to - from) * 3 / 4).min(COLUMN_MAX * many).max(1);
        let left = i64::midpoint(from, to) - group / 2 + group * place / many;
        let width = (group / many - if many > 1 { 10 } else { 0 }).max(5);
        let y = frame.height(axis, level);
        // A figure that is not zero can be seen, however small.
        let tall = (zero - y).abs().max(if level == 0 { 0 } else { 10 });
        let top = if level < 0 { zero } else { zero - tall };
        canvas.rect(&format!("fill s{}", series % 4), (left, top), (width, tall), &told(chart, series, at));
    }
}

/// A line with a gap wherever a figure is missing.
fn lines(canvas: &mut Canvas, chart: &Chart, levels: &Levels, frame: &Frame, axis: &Axis, series: usize) {
    let class = format!("stroke s{}", series % 4);
    let points: Vec<Option<(i64, i64)>> = levels.series[series]
        .iter()
        .enumerate()
        .map(|(at, level)| level.map(|level| (frame.centre(at), frame.height(axis, level))))
        .collect();
    for run in points.split(Option::is_none).filter(|run| run.len() > 1) {
        canvas.path(&class, &run.iter().copied().flatten().collect::<Vec<_>>());
    }
    let few = points.len() <= DOTS_MAX;
    for (at, point) in points.iter().enumerate() {
        let neighbour = |at: Option<usize>| at.and_then(|at| points.get(at)).is_some_and(Option::is_some);
        let alone = !neighbour(at.checked_sub(1)) && !neighbour(Some(at + 1));
        if let Some(point) = point
            && (few || alone)
        {
            canvas.dot(&format!("dot s{}", series % 4), *point, &told(chart, series, at));
        }
    }
}
