//! Cells in columns that fit a line: first long texts break, then columns go into further blocks below.

use super::Pen;
use crate::document::Align;
use crate::render::words::wrapped;
use unicode_width::UnicodeWidthStr;

/// Blanks between columns.
const GAP: usize = 2;
/// A text is broken into pieces of no less than this, a heading of that.
const TEXT_MIN: usize = 22;
const HEADING_MIN: usize = 14;
/// A block has room for its first column and this much of others, or it is wider than asked for.
const ROOM_MIN: usize = 24;

/// One cell.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) pen: Option<Pen>,
    /// Whether it may take several lines.
    pub(super) breaks: bool,
}

struct Column {
    label: String,
    align: Align,
    /// What its cells need at least, and would like.
    least: usize,
    natural: usize,
}

/// A table that is being laid out.
pub(super) struct Grid {
    columns: Vec<Column>,
    rows: Vec<(Vec<Cell>, bool)>,
}

/// A line in pieces, each with its pen.
pub(super) type Pieces = Vec<(String, Option<Pen>)>;

impl Grid {
    pub(super) fn new(columns: Vec<(String, Align)>) -> Self {
        let columns = columns.into_iter().map(|(label, align)| {
            let word = label.split(' ').map(UnicodeWidthStr::width).max().unwrap_or(0);
            // A heading breaks between words, into a few lines at most.
            let least = word.max(label.width().div_ceil(3)).min(HEADING_MIN);
            Column { natural: least, least, label, align }
        });
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>, is_total: bool) {
        for (column, cell) in self.columns.iter_mut().zip(&cells) {
            let width = cell.text.width();
            column.natural = column.natural.max(width);
            column.least = column.least.max(if cell.breaks { width.min(TEXT_MIN) } else { width });
        }
        self.rows.push((cells, is_total));
    }

    /// The width without any text broken.
    pub(super) fn natural_width(&self) -> usize {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        self.columns.iter().map(|column| column.natural).sum::<usize>() + gaps
    }

    /// The table in lines of at most `width` columns, in several blocks if it must be.
    pub(super) fn lines(&self, width: usize) -> Vec<Pieces> {
        let mut lines = Vec::new();
        let blocks = self.blocks(width);
        for (number, block) in blocks.iter().enumerate() {
            if number > 0 {
                lines.push(Vec::new());
            }
            self.block(block, width, &mut lines);
        }
        lines
    }

    /// Which columns stand side by side; the first column leads each block.
    fn blocks(&self, width: usize) -> Vec<Vec<usize>> {
        let Some(first) = self.columns.first() else { return Vec::new() };
        let mut blocks = Vec::new();
        let (mut block, mut taken) = (vec![0], first.least);
        for (at, column) in self.columns.iter().enumerate().skip(1) {
            if taken + GAP + column.least > width.max(first.least + ROOM_MIN) && block.len() > 1 {
                blocks.push(std::mem::replace(&mut block, vec![0]));
                taken = first.least;
            }
            block.push(at);
            taken += GAP + column.least;
        }
        blocks.push(block);
        blocks
    }

    /// What each column of a block gets: what it needs, and a share of what is left as it would like.
    fn widths(&self, block: &[usize], width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = block.iter().map(|&at| self.columns[at].least).collect();
        let mut left = width.saturating_sub(widths.iter().sum::<usize>() + GAP * (block.len() - 1));
        while left > 0 {
            let wants = |(place, &at): (usize, &usize)| self.columns[at].natural > widths[place];
            // The narrowest first, so that one very long text does not starve the others.
            let Some(place) =
                (0..block.len()).filter(|&place| wants((place, &block[place]))).min_by_key(|&place| widths[place])
            else {
                break;
            };
            widths[place] += 1;
            left -= 1;
        }
        widths
    }

    fn block(&self, block: &[usize], width: usize, lines: &mut Vec<Pieces>) {
        let widths = self.widths(block, width);
        if self.columns.iter().any(|column| !column.label.is_empty()) {
            let heads: Vec<(Vec<String>, Option<Pen>)> = block
                .iter()
                .zip(&widths)
                .map(|(&at, &room)| (wrapped(&self.columns[at].label, room), Some(Pen::Soft)))
                .collect();
            self.put(block, &widths, &heads, true, lines);
            lines.push(self.rule(block, &widths));
        }
        let last_total = self.rows.last().is_some_and(|(_, is_total)| *is_total);
        for (number, (cells, is_total)) in self.rows.iter().enumerate() {
            if *is_total && last_total && number + 1 == self.rows.len() && number > 0 {
                lines.push(self.rule(block, &widths));
            }
            let texts: Vec<(Vec<String>, Option<Pen>)> = block
                .iter()
                .zip(&widths)
                .map(|(&at, &room)| match cells.get(at) {
                    Some(cell) => (wrapped(&cell.text, room), cell.pen),
                    None => (vec![String::new()], None),
                })
                .collect();
            self.put(block, &widths, &texts, false, lines);
        }
    }

    fn rule(&self, block: &[usize], widths: &[usize]) -> Pieces {
        let total = widths.iter().sum::<usize>() + GAP * (block.len() - 1);
        vec![("─".repeat(total), Some(Pen::Soft))]
    }

    /// One row of cells over as many lines as the tallest takes, set at the bottom for headings.
    fn put(
        &self,
        block: &[usize],
        widths: &[usize],
        cells: &[(Vec<String>, Option<Pen>)],
        at_bottom: bool,
        lines: &mut Vec<Pieces>,
    ) {
        let tall = cells.iter().map(|(texts, _)| texts.len()).max().unwrap_or(0);
        for number in 0..tall {
            let mut pieces = Pieces::new();
            for (place, ((texts, pen), &room)) in cells.iter().zip(widths).enumerate() {
                let above = if at_bottom { tall - texts.len() } else { 0 };
                let text = number.checked_sub(above).and_then(|at| texts.get(at)).map_or("", String::as_str);
                let blanks = " ".repeat(room.saturating_sub(text.width()));
                let gap = if place > 0 { " ".repeat(GAP) } else { String::new() };
                match self.columns[block[place]].align {
                    Align::Left => pieces.extend([(gap, None), (text.to_owned(), *pen), (blanks, None)]),
                    Align::Right => pieces.extend([(gap + &blanks, None), (text.to_owned(), *pen)]),
                }
            }
            lines.push(pieces);
        }
    }
}
