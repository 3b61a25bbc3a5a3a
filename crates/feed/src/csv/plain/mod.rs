//! Plain records: whole blocks of them, column by column.
//!
//! A record is plain when it is one line, has as many fields as the header, quotes where they belong, and values that
//! can be read in the short way and keep to the contract. Any other record goes the exact way, alone and in its place.

mod cells;
mod columns;
mod days;

use super::structure::Structure;
use super::{CsvRows, Mapping, Records, Source};
use crate::check::Checker;
use crate::sorter::Sorter;
use cells::Cells;
use columns::Columns;
use tillmart_model::{Contract, Encoding, FileFault, SalesColumn};

/// Bytes whose structure is found before their records are read: they stay in the nearest cache.
const BLOCK_BYTES: usize = 16 << 10;

/// Records read together, at most.
const ROWS: usize = 256;

/// Which field holds what.
struct Layout {
    customer: usize,
    store: usize,
    product: usize,
    date: usize,
    sales_person: usize,
    price: usize,
    quantity: usize,
    total: usize,
    transaction: Option<usize>,
    /// Fields with the names of the other columns.
    extras: Vec<(usize, String)>,
    width: usize,
}

impl Layout {
    /// `None` when a column is not in the file.
    fn new(mapping: &Mapping) -> Option<Layout> {
        let transaction = match mapping.sources[SalesColumn::TransactionId as usize] {
            Source::Field(field) => Some(field),
            Source::Absent => None,
            Source::Constant(_) => return None,
        };
        Some(Layout {
            customer: mapping.field(SalesColumn::CustomerId)?,
            store: mapping.field(SalesColumn::StoreId)?,
            product: mapping.field(SalesColumn::ProductName)?,
            date: mapping.field(SalesColumn::SalesDate)?,
            sales_person: mapping.field(SalesColumn::SalesPersonId)?,
            price: mapping.field(SalesColumn::Price)?,
            quantity: mapping.field(SalesColumn::Quantity)?,
            total: mapping.field(SalesColumn::TotalCost)?,
            transaction,
            extras: mapping.extras.iter().map(|extra| (extra.field, extra.name.clone())).collect(),
            width: mapping.width,
        })
    }

    /// Are the cells of a field texts?
    fn is_text(&self, field: usize) -> bool {
        field == self.product || self.transaction == Some(field) || self.extras.iter().any(|(extra, _)| *extra == field)
    }
}

/// Reads the plain records of one file.
pub(super) struct PlainRows {
    delimiter: u8,
    quote: u8,
    layout: Layout,
    structure: Structure,
    columns: Columns,
}

/// How far the structure of a block has been used.
#[derive(Default)]
struct Progress {
    /// First byte of the next record.
    start: usize,
    /// Its line end, among the line ends; the one before it ends the record before.
    line: usize,
    /// Among the quotes.
    quote: usize,
    /// Among the line ends inside of quotes.
    inner: usize,
}

impl PlainRows {
    /// `None` for files that have no plain records: a key must be looked at record by record, and constants are no cells.
    pub(super) fn new(contract: &Contract, mapping: &Mapping, checker: &mut Checker) -> Option<PlainRows> {
        let layout = Layout::new(mapping).filter(|_| contract.key.is_empty())?;
        Some(PlainRows {
            delimiter: contract.delimiter,
            quote: contract.quote,
            layout,
            structure: Structure::default(),
            columns: Columns::new(checker, contract.encoding == Encoding::Latin1, contract.extra_columns),
        })
    }

    /// Reads the records of the block that begins at `at`, where a record begins. Returns the bytes taken: 0 when the
    /// first record must go the exact way or is not complete.
    ///
    /// # Errors
    /// Those of [`Records::piece`].
    pub(super) fn block(
        &mut self,
        text: &[u8],
        at: usize,
        records: &mut Records,
        rows: &mut CsvRows,
        sorter: &mut Sorter,
    ) -> Result<usize, FileFault> {
        let block = &text[at..text.len().min(at + BLOCK_BYTES)];
        self.structure.scan(block, self.delimiter, self.quote);
        let mut progress = Progress::default();
        while progress.line < self.structure.line_ends().len() {
            let lines = self.plain_lines(&mut progress, records.record_bytes_max());
            if lines > 0 {
                self.read(text, at, block, lines, &mut progress, records, rows, sorter)?;
                continue;
            }
            let begin = at + progress.start;
            let Some(length) = records.piece(text, begin, false, &mut |piece| rows.piece(piece, sorter))? else {
                break;
            };
            progress.start += length;
            if !self.resume(&mut progress) {
                break;
            }
        }
        Ok(progress.start)
    }

    /// How many records from here on are one line with the right number of cells.
    fn plain_lines(&self, progress: &mut Progress, record_bytes_max: usize) -> usize {
        let structure = &self.structure;
        let (edges, line_ends) = (structure.edges(), structure.line_ends());
        let inner = structure.inner_line_ends();
        while inner.get(progress.inner).is_some_and(|inner| (*inner as usize) < progress.start) {
            progress.inner += 1;
        }
        let end = inner.get(progress.inner).copied().unwrap_or(u32::MAX);
        let mut before = previous(line_ends, progress.line);
        let mut lines = 0;
        for line in line_ends[progress.line..].iter().take(ROWS) {
            let line = *line as usize;
            let (from, to) = (edges[before].wrapping_add(1), edges[line]);
            if line - before != self.layout.width || to >= end || (to - from) as usize > record_bytes_max {
                break;
            }
            before = line;
            lines += 1;
        }
        lines
    }

    /// Finds the line ends again after a record that went the exact way; `false` when the structure is of no use any
    /// more, because the quotes of that record were wrong.
    fn resume(&self, progress: &mut Progress) -> bool {
        let (edges, line_ends) = (self.structure.edges(), self.structure.line_ends());
        let end_of = |line: usize| line_ends.get(line).map(|edge| edges[*edge as usize] as usize + 1);
        while end_of(progress.line).is_some_and(|end| end < progress.start) {
            progress.line += 1;
        }
        let is_there = end_of(progress.line) == Some(progress.start);
        progress.line += usize::from(is_there);
        is_there
    }

    /// Reads records of one line each.
    #[allow(clippy::too_many_arguments, reason = "everything that one record may need, borrowed apart")]
    fn read(
        &mut self,
        text: &[u8],
        at: usize,
        block: &[u8],
        lines: usize,
        progress: &mut Progress,
        records: &mut Records,
        rows: &mut CsvRows,
        sorter: &mut Sorter,
    ) -> Result<(), FileFault> {
        let structure = &self.structure;
        let line_ends = structure.line_ends();
        let first = previous(line_ends, progress.line);
        let edges = &structure.edges()[first..=first + lines * self.layout.width];
        let cells = Cells { block, edges, width: self.layout.width, rows: lines, quote: self.quote };
        let end = cells.end();
        let before = |quotes: &[u32], place: usize| quotes.partition_point(|quote| (*quote as usize) < place);
        let quotes = &structure.quotes()[progress.quote..];
        let quotes = &quotes[before(quotes, progress.start)..];
        let quotes = &quotes[..before(quotes, end)];
        self.columns.read(&cells, &self.layout, quotes, records.line(), sorter.checker());
        for (good, run) in self.columns.runs() {
            if good {
                records.skip(run.len() as u64);
                sorter.land_checked(self.columns.sales(), run);
                continue;
            }
            for row in run {
                let begin = at + cells.start(row);
                records.piece(text, begin, false, &mut |piece| rows.piece(piece, sorter))?;
            }
        }
        progress.start = end + 1;
        progress.line += lines;
        Ok(())
    }
}

/// The edge before a line: the end of the line before it.
fn previous(line_ends: &[u32], line: usize) -> usize {
    line.checked_sub(1).and_then(|before| line_ends.get(before)).map_or(0, |edge| *edge as usize)
}
