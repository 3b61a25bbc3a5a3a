//! A report on a terminal: aligned, no wider than asked for, coloured only where colour is wanted.

mod drawing;
mod grid;

use super::Look;
use super::words::{Way, amount, shown, visible, wrapped};
use crate::document::{Align, Change, Document, Figure, Part, Table, Tone, Value};
use grid::{Cell, Grid};
use unicode_width::UnicodeWidthStr;

/// The document as lines of text.
pub(super) fn text(document: &Document, look: Look) -> String {
    let mut page = Page { out: String::new(), look };
    page.paragraph(&visible(&document.title), Some(Pen::Strong), "");
    let labels = document.about.iter().map(|fact| visible(&fact.label).width()).max().unwrap_or(0);
    for fact in &document.about {
        let label = visible(&fact.label);
        let blanks = labels - label.width() + 2;
        let lead = format!("{}{}", page.pen(&label, Some(Pen::Soft)), " ".repeat(blanks));
        page.hanging(&lead, labels + 2, &shown(&fact.value), None);
    }
    for section in &document.sections {
        let title = visible(&section.title);
        page.gap();
        page.paragraph(&title, Some(Pen::Strong), "");
        page.line(&page.pen(&"─".repeat(title.width().min(look.width)), Some(Pen::Soft)));
        for (at, part) in section.parts.iter().enumerate() {
            if at > 0 {
                page.gap();
            }
            page.part(part);
        }
    }
    page.out
}

/// How letters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pen {
    Strong,
    Soft,
    Up,
    Down,
    Good,
    Warning,
}

impl Pen {
    /// The code of the terminal.
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Soft => "2",
            Self::Up => "36",
            Self::Down | Self::Warning => "33",
            Self::Good => "32",
        }
    }
}

struct Page {
    out: String,
    look: Look,
}

impl Page {
    /// A text with its codes, if colour is wanted.
    fn pen(&self, text: &str, pen: Option<Pen>) -> String {
        match pen {
            Some(pen) if self.look.colour && !text.is_empty() => format!("\u{1b}[{}m{text}\u{1b}[0m", pen.code()),
            _ => text.to_owned(),
        }
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// An empty line, unless there is one.
    fn gap(&mut self) {
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A text over as many lines as it takes.
    fn paragraph(&mut self, text: &str, pen: Option<Pen>, lead: &str) {
        self.hanging(lead, lead.width(), text, pen);
    }

    /// A text behind a lead of so many columns, its further lines below its first one.
    fn hanging(&mut self, lead: &str, indent: usize, text: &str, pen: Option<Pen>) {
        let room = self.look.width.saturating_sub(indent).max(20);
        let lines = wrapped(text, room);
        for (at, line) in lines.iter().enumerate() {
            let line = self.pen(line, pen);
            let line = if at == 0 { format!("{lead}{line}") } else { format!("{}{line}", " ".repeat(indent)) };
            self.line(&line);
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Figures(figures) => self.figures(figures),
            Part::Table(table) => self.table(table),
            Part::Chart(chart) => {
                self.paragraph(&visible(&chart.title), Some(Pen::Strong), "");
                let lines = drawing::lines(chart, self.look.width);
                if lines.is_empty() {
                    self.paragraph(&visible(&chart.alternative), None, "");
                }
                for line in lines {
                    self.line(&line);
                }
            }
            Part::Note(note) => {
                let (mark, pen) = match note.tone {
                    Tone::Plain => ("  ", None),
                    Tone::Good => ("✓ ", Some(Pen::Good)),
                    Tone::Warning => ("! ", Some(Pen::Warning)),
                };
                let lead = self.pen(mark, pen);
                self.hanging(&lead, 2, &visible(&note.text), pen);
            }
        }
    }

    /// Figures as a table, one column for each time they are compared to; where that is too wide, one line for each.
    fn figures(&mut self, figures: &[Figure]) {
        let Some(first) = figures.iter().max_by_key(|figure| figure.comparisons.len()) else { return };
        let times: Vec<(&str, &str)> =
            first.comparisons.iter().map(|other| (other.name.as_str(), other.label.as_str())).collect();
        let same = figures.iter().all(|figure| {
            figure.comparisons.iter().all(|other| times.contains(&(other.name.as_str(), other.label.as_str())))
        });
        if same {
            let grid = across(figures, &times);
            if grid.natural_width() <= self.look.width {
                return self.grid(&grid);
            }
        }
        self.grid(&down(figures));
    }

    fn table(&mut self, table: &Table) {
        self.paragraph(&visible(&table.title), Some(Pen::Strong), "");
        if table.rows.is_empty() {
            return self.paragraph(&visible(&table.empty), None, "");
        }
        let columns = table.columns.iter().map(|column| (visible(&column.label), column.align)).collect();
        let mut grid = Grid::new(columns);
        for row in &table.rows {
            let values = (0..table.columns.len()).map(|at| row.values.get(at).unwrap_or(&Value::Missing));
            let cells = values.map(|value| {
                let pen = if row.is_total { Some(Pen::Strong) } else { None };
                Cell { pen: pen.or(pen_of(value)), breaks: matches!(value, Value::Text(_)), text: shown(value) }
            });
            grid.row(cells.collect(), row.is_total);
        }
        self.grid(&grid);
    }

    fn grid(&mut self, grid: &Grid) {
        for line in grid.lines(self.look.width) {
            let line: String = line.iter().map(|(text, pen)| self.pen(text, *pen)).collect();
            self.line(&line);
        }
    }
}

fn pen_of(value: &Value) -> Option<Pen> {
    match value {
        Value::Change(change) => pen_of_change(*change),
        _ => None,
    }
}

fn pen_of_change(change: Change) -> Option<Pen> {
    match Way::of(change)? {
        Way::Up => Some(Pen::Up),
        Way::Down => Some(Pen::Down),
        Way::Level => None,
    }
}

fn across(figures: &[Figure], times: &[(&str, &str)]) -> Grid {
    let mut columns = vec![(String::new(), Align::Left), (String::new(), Align::Right)];
    for (_, label) in times {
        columns.extend([(visible(label), Align::Right), (String::new(), Align::Right)]);
    }
    let mut grid = Grid::new(columns);
    for figure in figures {
        let mut cells = vec![Cell::plain(visible(&figure.label)), Cell::strong(shown(&figure.value))];
        for (name, _) in times {
            match figure.comparisons.iter().find(|other| other.name == *name) {
                Some(other) => cells.extend([Cell::plain(shown(&other.value)), Cell::change(other.change)]),
                None => cells.extend([Cell::plain(String::new()), Cell::plain(String::new())]),
            }
        }
        grid.row(cells, false);
    }
    grid
}

fn down(figures: &[Figure]) -> Grid {
    let columns = [Align::Left, Align::Right, Align::Right, Align::Right, Align::Left];
    let mut grid = Grid::new(columns.into_iter().map(|align| (String::new(), align)).collect());
    for figure in figures {
        let mut head = [Cell::plain(visible(&figure.label)), Cell::strong(shown(&figure.value))];
        if figure.comparisons.is_empty() {
            grid.row(head.to_vec(), false);
        }
        for other in &figure.comparisons {
            let mut cells = head.to_vec();
            cells.extend([
                Cell::change(other.change),
                Cell::plain(shown(&other.value)),
                Cell::plain(visible(&other.label)),
            ]);
            grid.row(cells, false);
            head = [Cell::plain(String::new()), Cell::plain(String::new())];
        }
    }
    grid
}

impl Cell {
    fn plain(text: String) -> Self {
        Self { text, pen: None, breaks: true }
    }

    fn strong(text: String) -> Self {
        Self { text, pen: Some(Pen::Strong), breaks: false }
    }

    fn change(change: Change) -> Self {
        let text = match Way::of(change) {
            Some(way) => format!("{} {}", way.arrow(), amount(change)),
            None => String::new(),
        };
        Self { text, pen: pen_of_change(change), breaks: false }
    }
}
