//! A chart in letters: one lying bar for each figure, where there are not too many.

use crate::document::{Chart, Value};
use crate::render::words::{shown, visible};
use unicode_width::UnicodeWidthStr;

/// More bars than this are no picture any more; the alternative in words is told instead.
const BARS_MAX: usize = 40;
/// Labels are cut to this.
const LABEL_MAX: usize = 28;
/// Eighths of a letter, from one to seven.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The lines of the drawing; none where a drawing would say little: several series, too many figures, or figures below zero.
pub(super) fn lines(chart: &Chart, width: usize) -> Vec<String> {
    let [series] = chart.series.as_slice() else { return Vec::new() };
    let levels: Vec<Option<(i128, u32)>> = series.values.iter().map(Value::scaled).collect();
    let scale = levels.iter().flatten().map(|(_, scale)| *scale).max().unwrap_or(0);
    let same = levels.iter().flatten().all(|(unscaled, own)| *own == scale && *unscaled >= 0);
    let most = levels.iter().flatten().map(|(unscaled, _)| *unscaled).max().unwrap_or(0);
    if !same || most == 0 || series.values.len() > BARS_MAX {
        return Vec::new();
    }
    let labels: Vec<String> = chart.labels.iter().map(|label| cut(&visible(label))).collect();
    let figures: Vec<String> = series.values.iter().map(shown).collect();
    let beside = labels.iter().map(|label| label.width()).max().unwrap_or(0);
    let before = figures.iter().map(|figure| figure.width()).max().unwrap_or(0);
    let room = width.saturating_sub(beside + before + 4).clamp(8, 60);
    let rows = labels.iter().zip(&figures).zip(&levels);
    rows.map(|((label, figure), level)| {
        let blanks = " ".repeat(beside - label.width());
        let bar = level.map(|(level, _)| bar(level, most, room)).unwrap_or_default();
        format!("{label}{blanks}  {}{figure}  {bar}", " ".repeat(before - figure.width()))
    })
    .collect()
}

/// A bar of up to `room` letters, to the eighth of one; what is not zero can be seen.
fn bar(level: i128, most: i128, room: usize) -> String {
    // Thousandths of the longest bar first: no product can overflow.
    let thousandths = if most < i128::MAX / 1_000 { level * 1_000 / most } else { level / (most / 1_000) };
    let eighths = usize::try_from(thousandths).unwrap_or(0).min(1_000) * room * 8 / 1_000;
    let eighths = if level > 0 { eighths.max(1) } else { 0 };
    let mut bar = "█".repeat(eighths / 8);
    if let Some(rest) = (eighths % 8).checked_sub(1) {
        bar.push(EIGHTHS[rest]);
    }
    bar
}

fn cut(label: &str) -> String {
    if label.width() <= LABEL_MAX {
        return label.to_owned();
    }
    let mut short = String::new();
    for letter in unicode_segmentation::UnicodeSegmentation::graphemes(label, true) {
        if short.width() + letter.width() >= LABEL_MAX {
            break;
        }
        short.push_str(letter);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_figures() {
        assert_eq!(bar(100, 100, 4), "████");
        assert_eq!(bar(50, 100, 4), "██");
        assert_eq!(bar(54, 100, 4), "██▏");
        assert_eq!(bar(1, 1_000_000, 4), "▏", "what is not zero can be seen");
        assert_eq!(bar(0, 100, 4), "");
        assert_eq!(bar(i128::MAX, i128::MAX, 4), "████");
    }
}
