//! Some records, column by column: read, looked up, checked.

use super::cells::{Cells, Quoted};
use super::days::Days;
use super::{Layout, ROWS};
use crate::check::{Checker, TEXT_LETTERS, Terms, decimal, integer};
use crate::csv::numbers;
use crate::extras::Extras;
use crate::sales::{ANONYMOUS, Sales, UNKNOWN, add_optional};
use std::ops::Range;
use tillmart_model::ExtraColumns;
use tillmart_model::money::{PRICE_PRECISION, PRICE_SCALE, TOTAL_PRECISION, TOTAL_SCALE};

/// Price units in a cent.
const UNITS_PER_CENT: i64 = 10_i64.pow(PRICE_SCALE - TOTAL_SCALE);

/// The columns of some records. A record that is not plain is marked as odd; what its columns hold means nothing.
pub(super) struct Columns {
    sales: Sales,
    odd: Vec<bool>,
    anonymous: Vec<bool>,
    quoted: Quoted,
    days: Days,
    terms: Terms,
    latin: bool,
    extras: Extras,
}

impl Columns {
    pub(super) fn new(checker: &mut Checker, latin: bool, extra_columns: ExtraColumns) -> Self {
        Columns {
            sales: Sales::with_room(ROWS),
            odd: Vec::with_capacity(ROWS),
            anonymous: Vec::with_capacity(ROWS),
            quoted: Quoted::default(),
            days: Days::new(checker.dates()),
            terms: checker.terms(),
            latin,
            extras: Extras::new(extra_columns),
        }
    }

    /// The records read last.
    pub(super) fn sales(&self) -> &Sales {
        &self.sales
    }

    /// The records read last, in order: plain ones together and odd ones together.
    pub(super) fn runs(&self) -> impl Iterator<Item = (bool, Range<usize>)> + use<> {
        let mut runs: Vec<(bool, Range<usize>)> = Vec::new();
        for (row, odd) in self.odd.iter().enumerate() {
            match runs.last_mut() {
                Some((good, run)) if *good != *odd => run.end = row + 1,
                _ => runs.push((!odd, row..row + 1)),
            }
        }
        runs.into_iter()
    }

    /// Reads records, of which the first stands in physical line `line`. `quotes` are all quotes among them.
    pub(super) fn read(
        &mut self,
        cells: &Cells<'_>,
        layout: &Layout,
        quotes: &[u32],
        line: u64,
        checker: &mut Checker,
    ) {
        self.sales.clear();
        self.odd.clear();
        self.odd.resize(cells.rows, false);
        let odd = &mut self.odd;
        self.quoted.read(cells, layout, quotes, |row| odd[row] = true);
        if self.latin {
            self.mark_foreign(cells);
        }
        if self.quoted.has_numbers() {
            self.read_keys::<true>(cells, layout);
            self.read_amounts::<true>(cells, layout, checker);
        } else {
            self.read_keys::<false>(cells, layout);
            self.read_amounts::<false>(cells, layout, checker);
        }
        self.look_up(checker);
        self.read_products(cells, layout, checker);
        self.read_optional(cells, layout);
        self.check();
        let line = i64::try_from(line).unwrap_or(0);
        self.sales.source_line.extend((0..cells.rows as i64).map(|row| line + row));
    }

    /// Latin-1 is read in the short way where it is ASCII.
    fn mark_foreign(&mut self, cells: &Cells<'_>) {
        for (row, odd) in self.odd.iter_mut().enumerate() {
            let end = cells.bounds(row, cells.width - 1).1;
            *odd |= !cells.block.get(cells.start(row)..end).is_some_and(<[u8]>::is_ascii);
        }
    }

    fn read_keys<const QUOTED: bool>(&mut self, cells: &Cells<'_>, layout: &Layout) {
        let Columns { sales, odd, anonymous, terms, .. } = self;
        let text = cells.block;
        let long = |start, end, least, most| integer(text.get(start..end)?, least, most).ok();
        let int64 = |start, end| numbers::digits(text, start, end).or_else(|| long(start, end, i64::MIN, i64::MAX));
        let int32 = |start, end| {
            let read = numbers::digits(text, start, end);
            read.or_else(|| long(start, end, i32::MIN.into(), i32::MAX.into())).map(|value| value as i32)
        };
        let is_anonymous = |start, end| {
            let is_empty = |(start, end)| start == end;
            let is_blank = is_empty((start, end)) || (QUOTED && cells.unquoted(start, end).is_some_and(is_empty));
            is_blank && terms.lands_anonymous
        };
        anonymous.clear();
        anonymous.extend(cells.column(layout.customer).map(|(start, end)| is_anonymous(start, end)));
        column::<QUOTED, _>(cells, layout.customer, odd, &mut sales.customer_id, |start, end| {
            if is_anonymous(start, end) { Some(0) } else { int64(start, end) }
        });
        column::<QUOTED, _>(cells, layout.store, odd, &mut sales.store_id, int32);
        column::<QUOTED, _>(cells, layout.sales_person, odd, &mut sales.sales_person_id, int64);
    }

    fn read_amounts<const QUOTED: bool>(&mut self, cells: &Cells<'_>, layout: &Layout, checker: &mut Checker) {
        let Columns { sales, odd, days, terms, .. } = self;
        let (text, point) = (cells.block, terms.point);
        let long = |start, end, precision, scale| decimal(text.get(start..end)?, point, precision, scale).ok();
        column::<QUOTED, _>(cells, layout.price, odd, &mut sales.price, |start, end| {
            let price = numbers::decimal(text, start, end, point, PRICE_SCALE);
            price.or_else(|| long(start, end, PRICE_PRECISION, PRICE_SCALE).filter(|price| *price >= 0))
        });
        column::<QUOTED, _>(cells, layout.quantity, odd, &mut sales.quantity, |start, end| {
            let read = numbers::signed(text, start, end);
            let long = || integer(text.get(start..end)?, i32::MIN.into(), i32::MAX.into()).ok();
            read.or_else(long).map(|value| value as i32)
        });
        column::<QUOTED, _>(cells, layout.total, odd, &mut sales.total_cost, |start, end| {
            let total = numbers::signed_decimal(text, start, end, point, TOTAL_SCALE);
            total.or_else(|| long(start, end, TOTAL_PRECISION, TOTAL_SCALE))
        });
        let dates = checker.dates();
        column::<QUOTED, _>(cells, layout.date, odd, &mut sales.sales_date, |start, end| {
            days.day(text.get(start..end)?, dates).filter(|day| *day <= terms.today)
        });
    }

    /// Finds the rows of customers, stores and sales persons.
    fn look_up(&mut self, checker: &Checker) {
        let Columns { sales, odd, anonymous, terms, .. } = self;
        let known = checker.known();
        known.customers(&sales.customer_id, &mut sales.customer);
        known.stores(&sales.store_id, &mut sales.store);
        known.sales_persons(&sales.sales_person_id, &mut sales.sales_person);
        for (customer, anonymous) in sales.customer.iter_mut().zip(&*anonymous) {
            *customer = if *anonymous { ANONYMOUS } else { *customer };
        }
        if !terms.lands_orphans {
            let found = sales.customer.iter().zip(&sales.store).zip(&sales.sales_person);
            for (odd, ((customer, store), person)) in odd.iter_mut().zip(found) {
                *odd |= *customer == UNKNOWN || *store == UNKNOWN || *person == UNKNOWN;
            }
        }
    }

    fn read_products(&mut self, cells: &Cells<'_>, layout: &Layout, checker: &Checker) {
        let Columns { sales, odd, quoted, .. } = self;
        let names = cells.texts(layout.product, quoted);
        checker.known().products(&names, &mut sales.product);
        for ((name, row), odd) in names.iter().zip(&sales.product).zip(odd) {
            // So many bytes are not too many letters; more may be.
            *odd |= name.is_empty() || name.len() > TEXT_LETTERS;
            if *row == UNKNOWN {
                let name = std::str::from_utf8(name);
                *odd |= name.is_err();
                sales.product_names.push(name.unwrap_or_default());
            }
        }
    }

    fn read_optional(&mut self, cells: &Cells<'_>, layout: &Layout) {
        let Columns { sales, odd, quoted, extras, .. } = self;
        if let Some(field) = layout.transaction {
            for (row, text) in cells.texts(field, quoted).into_iter().enumerate() {
                let text = std::str::from_utf8(text);
                odd[row] |= text.is_err() || text.is_ok_and(|text| text.len() > TEXT_LETTERS);
                let text = text.ok().filter(|text| !text.is_empty());
                add_optional(&mut sales.transaction_id, row, text);
            }
        }
        if layout.extras.is_empty() {
            return;
        }
        let texts: Vec<Vec<&[u8]>> = layout.extras.iter().map(|(field, _)| cells.texts(*field, quoted)).collect();
        for (row, odd) in odd.iter_mut().enumerate() {
            extras.clear();
            for ((_, name), texts) in layout.extras.iter().zip(&texts) {
                let text = std::str::from_utf8(texts[row]);
                *odd |= text.is_err();
                extras.add_text(name, text.unwrap_or_default());
            }
            add_optional(&mut sales.additional_column, row, extras.end());
        }
    }

    /// Does the money add up?
    fn check(&mut self) {
        let Columns { sales, odd, terms, .. } = self;
        let amounts = sales.price.iter().zip(&sales.quantity).zip(&sales.total_cost);
        for (odd, ((price, quantity), total)) in odd.iter_mut().zip(amounts) {
            let adds_up = price.checked_mul(i64::from(*quantity)).is_some_and(|units| {
                // Half a cent goes away from zero.
                let half = if units < 0 { -UNITS_PER_CENT / 2 } else { UNITS_PER_CENT / 2 };
                units
                    .checked_add(half)
                    .is_some_and(|units| (total - units / UNITS_PER_CENT).unsigned_abs() <= terms.tolerance)
            });
            *odd |= !adds_up;
        }
    }
}

/// Reads a column; rows that cannot be read are odd. Only where cells are `QUOTED` are they looked at for quotes.
#[inline]
fn column<const QUOTED: bool, T: Default>(
    cells: &Cells<'_>,
    field: usize,
    odd: &mut [bool],
    values: &mut Vec<T>,
    mut read: impl FnMut(usize, usize) -> Option<T>,
) {
    values.extend(odd.iter_mut().zip(cells.column(field)).map(|(odd, (start, end))| {
        let (start, end) = cells.unquoted(start, end).filter(|_| QUOTED).unwrap_or((start, end));
        let value = read(start, end);
        *odd |= value.is_none();
        value.unwrap_or_default()
    }));
}
