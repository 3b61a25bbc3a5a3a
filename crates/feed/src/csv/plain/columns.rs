//! Some records, column by column: read, looked up, checked.

use super::cells::{Cells, Quoted};
use super::days::Days;
use super::{Layout, ROWS};
use crate::check::{Checker, TEXT_LETTERS, Terms, decimal, integer};
use crate::csv::numbers::{Numbers, UNREAD};
use crate::extras::Extras;
use crate::sales::{ANONYMOUS, Sales, UNKNOWN, add_optional};
use std::ops::{Range, RangeInclusive};
use tillmart_model::ExtraColumns;
use tillmart_model::money::{PRICE_PRECISION, PRICE_SCALE, TOTAL_PRECISION, TOTAL_SCALE};

/// Price units in a cent.
const UNITS_PER_CENT: i64 = 10_i64.pow(PRICE_SCALE - TOTAL_SCALE);

/// What 32 bits hold.
const INT32: RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;

/// The columns of some records. A record that is not plain is marked as odd; what its columns hold means nothing.
pub(super) struct Columns {
    sales: Sales,
    odd: Vec<bool>,
    anonymous: Vec<bool>,
    numbers: Numbers,
    /// Values of 32 bits before they are made so short.
    long: Vec<i64>,
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
            numbers: Numbers::default(),
            long: Vec::with_capacity(ROWS),
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
        let Columns { sales, odd, anonymous, numbers, long, terms, .. } = self;
        let lands_anonymous = terms.lands_anonymous;
        anonymous.clear();
        anonymous.extend(cells.inner::<QUOTED>(layout.customer).map(|(start, end)| start == end && lands_anonymous));
        let cells_or_none = cells.inner::<QUOTED>(layout.customer).zip(&*anonymous);
        numbers.read(cells.block, cells_or_none.map(|(cell, is_anonymous)| (!is_anonymous).then_some(cell)));
        let mut column = Column::<QUOTED> { cells, field: layout.customer, odd };
        column.whole(numbers, &mut sales.customer_id, i64::MIN..=i64::MAX);
        numbers.read(cells.block, cells.inner::<QUOTED>(layout.store).map(Some));
        column.field = layout.store;
        column.whole(numbers, long, INT32);
        sales.store_id.extend(long.iter().map(|value| *value as i32));
        numbers.read(cells.block, cells.inner::<QUOTED>(layout.sales_person).map(Some));
        column.field = layout.sales_person;
        column.whole(numbers, &mut sales.sales_person_id, i64::MIN..=i64::MAX);
    }

    fn read_amounts<const QUOTED: bool>(&mut self, cells: &Cells<'_>, layout: &Layout, checker: &mut Checker) {
        let Columns { sales, odd, numbers, long, days, terms, .. } = self;
        let (text, point) = (cells.block, terms.point);
        numbers.read_decimals(text, cells.inner::<QUOTED>(layout.price), point);
        let mut column = Column::<QUOTED> { cells, field: layout.price, odd };
        if !numbers.decimals::<PRICE_SCALE>(point, &mut sales.price) {
            column.read_unread(&mut sales.price, |cell| {
                decimal(cell, point, PRICE_PRECISION, PRICE_SCALE).ok().filter(|price| *price >= 0)
            });
        }
        numbers.read(text, cells.inner::<QUOTED>(layout.quantity).map(Some));
        column.field = layout.quantity;
        column.whole(numbers, long, INT32);
        sales.quantity.extend(long.iter().map(|value| *value as i32));
        numbers.read_decimals(text, cells.inner::<QUOTED>(layout.total), point);
        column.field = layout.total;
        if !numbers.decimals::<TOTAL_SCALE>(point, &mut sales.total_cost) {
            column.read_unread(&mut sales.total_cost, |cell| decimal(cell, point, TOTAL_PRECISION, TOTAL_SCALE).ok());
        }
        let dates = checker.dates();
        sales.sales_date.extend(column.odd.iter_mut().zip(cells.inner::<QUOTED>(layout.date)).map(
            |(odd, (start, end))| {
                let day = text.get(start..end).and_then(|text| days.day(text, dates)).filter(|day| *day <= terms.today);
                *odd |= day.is_none();
                day.unwrap_or_default()
            },
        ));
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

/// One column of numbers; rows that cannot be read are odd. Only where cells are `QUOTED` are they looked at for quotes.
struct Column<'a, 'c, const QUOTED: bool> {
    cells: &'a Cells<'c>,
    field: usize,
    odd: &'a mut [bool],
}

impl<const QUOTED: bool> Column<'_, '_, QUOTED> {
    /// Makes `values` the whole numbers taken in, which lie within `range`.
    fn whole(&mut self, numbers: &mut Numbers, values: &mut Vec<i64>, range: RangeInclusive<i64>) {
        if !numbers.digits(values) {
            self.read_unread(values, |cell| integer(cell, *range.start(), *range.end()).ok());
        }
    }

    /// Reads what was not read as one word: long numbers, and those with a sign.
    fn read_unread(&mut self, values: &mut [i64], read: impl Fn(&[u8]) -> Option<i64>) {
        for (row, value) in values.iter_mut().enumerate().filter(|(_, value)| **value == UNREAD) {
            let (start, end) = self.cells.inner_bounds::<QUOTED>(row, self.field);
            let found = self.cells.block.get(start..end).and_then(&read);
            self.odd[row] |= found.is_none();
            *value = found.unwrap_or_default();
        }
    }
}
