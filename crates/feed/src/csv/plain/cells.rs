//! The cells of some records, and the text of those that are quoted.

use super::Layout;
use crate::csv::fields::without_cr;

/// Records of one line each, with the same number of cells.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    /// The text that the edges are places of.
    pub(super) block: &'a [u8],
    /// The line end before the first record (or `u32::MAX` at the block's start), then the end of every cell.
    pub(super) edges: &'a [u32],
    /// Cells of a record.
    pub(super) width: usize,
    /// Records.
    pub(super) rows: usize,
    pub(super) quote: u8,
}

impl<'a> Cells<'a> {
    /// First byte and end of a cell, its quotes included.
    #[inline]
    pub(super) fn bounds(&self, row: usize, field: usize) -> (usize, usize) {
        let at = row * self.width + field;
        let (start, end) = (self.edges[at].wrapping_add(1) as usize, self.edges[at + 1] as usize);
        // The last cell ends before the line end, of which a CR may be part.
        if field + 1 == self.width { (start, without_cr(self.block, start, end)) } else { (start, end) }
    }

    /// First byte and end of each cell of a field, quotes included.
    #[inline]
    pub(super) fn column(&self, field: usize) -> impl Iterator<Item = (usize, usize)> + Clone + use<'a> {
        // The last cell ends before the line end, of which a CR may be part.
        let (block, is_last) = (self.block, field + 1 == self.width);
        let (edges, width) = (self.edges, self.width);
        (0..self.rows).map(move |row| {
            let (start, end) = match edges.get(row * width + field..).and_then(<[u32]>::first_chunk) {
                Some([before, end]) => (before.wrapping_add(1) as usize, *end as usize),
                None => (0, 0),
            };
            if is_last { (start, without_cr(block, start, end)) } else { (start, end) }
        })
    }

    /// First byte and end of each cell of a field; where cells are `QUOTED`, without the quotes around those that have them.
    #[inline]
    pub(super) fn inner<const QUOTED: bool>(
        &self,
        field: usize,
    ) -> impl Iterator<Item = (usize, usize)> + Clone + use<'a, QUOTED> {
        let cells = *self;
        self.column(field).map(move |bounds| cells.without_quotes::<QUOTED>(bounds))
    }

    /// The same of one cell.
    pub(super) fn inner_bounds<const QUOTED: bool>(&self, row: usize, field: usize) -> (usize, usize) {
        self.without_quotes::<QUOTED>(self.bounds(row, field))
    }

    #[inline]
    fn without_quotes<const QUOTED: bool>(&self, (start, end): (usize, usize)) -> (usize, usize) {
        if QUOTED { self.unquoted(start, end).unwrap_or((start, end)) } else { (start, end) }
    }

    /// First byte of a record.
    pub(super) fn start(&self, row: usize) -> usize {
        self.edges[row * self.width].wrapping_add(1) as usize
    }

    /// The line end of the last record.
    pub(super) fn end(&self) -> usize {
        self.edges[self.rows * self.width] as usize
    }

    /// The bounds of a cell without its quotes; `None` when it has none around it.
    #[inline]
    pub(super) fn unquoted(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let is_quote = |at: usize| self.block.get(at) == Some(&self.quote);
        (end >= start + 2 && is_quote(start) && is_quote(end - 1)).then(|| (start + 1, end - 1))
    }

    fn get(&self, (start, end): (usize, usize)) -> &'a [u8] {
        self.block.get(start..end).unwrap_or_default()
    }

    /// The texts of a field: `quoted` knows those in quotes.
    pub(super) fn texts(&self, field: usize, quoted: &'a Quoted) -> Vec<&'a [u8]> {
        let mut texts: Vec<&[u8]> = self.column(field).map(|bounds| self.get(bounds)).collect();
        for cell in quoted.cells.iter().filter(|cell| cell.field == field) {
            let bounds = (cell.start, cell.end);
            texts[cell.row] = if cell.unescaped { &quoted.unescaped[bounds.0..bounds.1] } else { self.get(bounds) };
        }
        texts
    }
}

/// The quoted cells of some records; reused.
#[derive(Default)]
pub(super) struct Quoted {
    cells: Vec<QuotedCell>,
    /// Texts in which doubled quotes were undone.
    unescaped: Vec<u8>,
    /// There are quotes in cells that are no texts.
    numbers: bool,
}

struct QuotedCell {
    row: usize,
    field: usize,
    start: usize,
    end: usize,
    unescaped: bool,
}

impl Quoted {
    /// Are there quotes in cells that are no texts?
    pub(super) fn has_numbers(&self) -> bool {
        self.numbers
    }

    /// Takes in every quote of the cells; tells `odd` the rows that are not plain for their quotes.
    pub(super) fn read(&mut self, cells: &Cells<'_>, layout: &Layout, quotes: &[u32], mut odd: impl FnMut(usize)) {
        self.cells.clear();
        self.unescaped.clear();
        self.numbers = false;
        let (mut rest, mut row) = (quotes, 0);
        while let Some(first) = rest.first() {
            while cells.edges[(row + 1) * cells.width] < *first {
                row += 1;
            }
            let ends = &cells.edges[row * cells.width + 1..][..cells.width];
            // Few steps each: a search by halves takes more.
            let field = ends.iter().take_while(|end| *end < first).count();
            let (here, behind) = rest.split_at(rest.iter().take_while(|quote| **quote < ends[field]).count());
            rest = behind;
            // A number's quotes are seen when it is read: nothing but digits can be between them.
            if !layout.is_text(field) {
                self.numbers = true;
            } else if !self.cell(cells, row, field, here) {
                odd(row);
            }
        }
    }

    /// Takes in a cell with these quotes; `false` when they are not where they belong.
    fn cell(&mut self, cells: &Cells<'_>, row: usize, field: usize, quotes: &[u32]) -> bool {
        let (start, end) = cells.bounds(row, field);
        let [open, inner @ .., close] = quotes else { return false };
        let doubled = inner.as_chunks::<2>();
        let sound = *open as usize == start
            && *close as usize + 1 == end
            && doubled.1.is_empty()
            && doubled.0.iter().all(|[one, other]| one + 1 == *other);
        if !sound {
            return false;
        }
        let (mut start, mut end) = (start + 1, end - 1);
        let unescaped = !inner.is_empty();
        if unescaped {
            let copy = self.unescaped.len();
            for [_, second] in doubled.0 {
                self.unescaped.extend_from_slice(cells.get((start, *second as usize)));
                start = *second as usize + 1;
            }
            self.unescaped.extend_from_slice(cells.get((start, end)));
            (start, end) = (copy, self.unescaped.len());
        }
        self.cells.push(QuotedCell { row, field, start, end, unescaped });
        true
    }
}
