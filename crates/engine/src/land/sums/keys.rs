//! The keys of a state row as bits of one number: codes of the look-ups that the decoder has made anyway.

use super::table::Rows;
use crate::dimensions::DimensionTables;
use crate::land::task::{month_number, month_start, month_text};
use crate::mart::SumKey;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Int32Type, Int64Type};
use std::collections::HashMap;
use std::sync::Arc;
use tillmart_feed::{Sales, UNKNOWN};

/// Days and months are counted from before year 1, so that no number is negative.
const DAYS_BEFORE: i32 = 1 << 20;
const DAY_BITS: u32 = 22;
const MONTH_BITS: u32 = 18;

/// Bits of a look-up's codes: twice the dimension table, for keys that are not in it, and never few.
const CODE_BITS_LEAST: u32 = 12;

/// One of the keys that sales are summed up under.
struct Part {
    key: SumKey,
    shift: u32,
    bits: u32,
    /// The keys of the dimension table, by row.
    known: Option<ArrayRef>,
    unknown: Unknown,
}

/// Keys that are in no dimension table, numbered in the order they are met.
#[derive(Default)]
struct Unknown {
    numbers: Vec<i64>,
    number_codes: HashMap<i64, u32>,
    names: Vec<Box<str>>,
    name_codes: HashMap<Box<str>, u32>,
}

/// The keys that sales are summed up under.
#[derive(Default)]
pub(super) struct Keys {
    parts: Vec<Part>,
}

/// A key column.
pub(super) enum Column {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Text(Vec<String>),
}

impl Keys {
    /// `None` when they are too many for one number.
    pub(super) fn new(keys: &[SumKey], dimensions: &DimensionTables) -> Option<Keys> {
        let mut parts = Vec::new();
        let mut shift = 63;
        let has_day = keys.contains(&SumKey::Date);
        for key in keys {
            let column = |table: &str, name: &str| {
                dimensions.table(table).and_then(|rows| rows.column_by_name(name)).map(Arc::clone)
            };
            let known = match key {
                SumKey::Customer => Some(column("customer", "customer_id")?),
                SumKey::Store => Some(column("store", "id")?),
                SumKey::SalesPerson => Some(column("sales_team", "id")?),
                SumKey::Product => Some(column("product", "name")?),
                SumKey::Date | SumKey::Month | SumKey::MonthStart => None,
            };
            let bits = match (key, &known) {
                (SumKey::Date, _) => DAY_BITS,
                // The day tells the month.
                (_, None) if has_day => 0,
                (_, None) => MONTH_BITS,
                (_, Some(keys)) => (usize::BITS - keys.len().leading_zeros() + 1).max(CODE_BITS_LEAST),
            };
            shift = u32::checked_sub(shift, bits)?;
            parts.push(Part { key: *key, shift, bits, known, unknown: Unknown::default() });
        }
        Some(Keys { parts })
    }

    /// Where the rows of a dimension are in a key, if there is but one in it: beside a day or month nearly every row of it comes.
    pub(super) fn rows(&self) -> Option<Rows> {
        let mut coded = self.parts.iter().filter(|part| part.known.is_some());
        match (coded.next(), coded.next()) {
            (Some(part), None) => Some(Rows { shift: part.shift, bits: part.bits, rows: part.known_rows() }),
            _ => None,
        }
    }

    /// The keys of every sale, packed. False when there are more unknown keys than fit.
    pub(super) fn pack(&mut self, sales: &Sales, packed: &mut Vec<u64>) -> bool {
        packed.clear();
        packed.resize(sales.rows(), 0);
        self.parts.iter_mut().all(|part| part.pack(sales, packed))
    }

    /// The keys of another rollup, each of which these tell; `None` if they do not.
    pub(super) fn view(&self, keys: &[SumKey]) -> Option<View> {
        let mut parts = Vec::new();
        let mut shift = 63;
        let has_day = keys.contains(&SumKey::Date);
        for key in keys {
            let is_told = |part: &&Part| part.key == *key || (key.is_month() && part.key.is_time() && part.bits > 0);
            let of = self.parts.iter().position(|part| is_told(&part))?;
            let bits = match (key.is_month(), has_day) {
                (true, true) => 0,
                (true, false) => MONTH_BITS,
                _ => self.parts[of].bits,
            };
            // The first key stands in the uppermost bits, so that packed keys sort as the state's do.
            shift = u32::checked_sub(shift, bits)?;
            parts.push(Seen { key: *key, of, shift, bits });
        }
        Some(View { parts })
    }
}

/// The keys of a rollup whose sales are summed up under more, or just as many.
pub(super) struct View {
    parts: Vec<Seen>,
}

/// One key of a view.
struct Seen {
    key: SumKey,
    /// Which of the summed keys tells it.
    of: usize,
    shift: u32,
    bits: u32,
}

impl View {
    /// What of a packed key is seen, packed in the order of this rollup's keys.
    pub(super) fn pack(&self, keys: &Keys, packed: u64) -> u64 {
        self.parts.iter().filter(|seen| seen.bits > 0).fold(0, |view, seen| {
            let part = &keys.parts[seen.of];
            let code = match (seen.key.is_month(), part.code(packed)) {
                (true, day) if part.key == SumKey::Date => u64::from(month_number(day_of(day)).cast_unsigned()),
                (_, code) => code as u64,
            };
            view | code << seen.shift
        })
    }

    /// The columns of what is seen.
    pub(super) fn columns(&self, keys: &Keys, packed: &[u64]) -> Vec<Column> {
        let day = self.parts.iter().find(|seen| seen.key == SumKey::Date);
        let month = |seen: &Seen| -> Vec<i32> {
            match day {
                Some(day) if seen.bits == 0 => day.codes_in(packed).map(|code| month_number(day_of(code))).collect(),
                _ => seen.codes_in(packed).map(|month| month as i32).collect(),
            }
        };
        self.parts
            .iter()
            .map(|seen| match seen.key {
                SumKey::Month => Column::Text(month(seen).into_iter().map(month_text).collect()),
                SumKey::MonthStart => Column::Int32(month(seen).into_iter().map(month_start).collect()),
                _ => keys.parts[seen.of].column(seen.codes_in(packed)),
            })
            .collect()
    }
}

impl Seen {
    fn codes_in(&self, packed: &[u64]) -> impl Iterator<Item = usize> {
        let (shift, mask) = (self.shift, (1 << self.bits) - 1);
        packed.iter().map(move |packed| (packed >> shift & mask) as usize)
    }
}

impl Part {
    fn pack(&mut self, sales: &Sales, packed: &mut [u64]) -> bool {
        let shift = self.shift;
        match self.key {
            SumKey::Date => {
                for (packed, date) in packed.iter_mut().zip(&sales.sales_date) {
                    *packed |= u64::from((date + DAYS_BEFORE).cast_unsigned()) << shift;
                }
                true
            }
            SumKey::Month | SumKey::MonthStart if self.bits == 0 => true,
            SumKey::Month | SumKey::MonthStart => {
                let mut latest = (i32::MIN, 0);
                for (packed, date) in packed.iter_mut().zip(&sales.sales_date) {
                    if *date != latest.0 {
                        latest = (*date, u64::from(month_number(*date).cast_unsigned()) << shift);
                    }
                    *packed |= latest.1;
                }
                true
            }
            SumKey::Customer => self.codes(&sales.customer, |row| sales.customer_id[row], packed),
            SumKey::Store => self.codes(&sales.store, |row| i64::from(sales.store_id[row]), packed),
            SumKey::SalesPerson => self.codes(&sales.sales_person, |row| sales.sales_person_id[row], packed),
            SumKey::Product => self.names(sales, packed),
        }
    }

    fn known_rows(&self) -> usize {
        self.known.as_ref().map_or(0, |keys| keys.len())
    }

    fn codes(&mut self, found: &[u32], key: impl Fn(usize) -> i64, packed: &mut [u64]) -> bool {
        let (first, shift) = (self.known_rows() as u32, self.shift);
        for (row, (packed, code)) in packed.iter_mut().zip(found).enumerate() {
            let code = match *code {
                UNKNOWN => first + self.unknown.number(key(row)),
                // Sales without a customer are left out of sums by customer, whatever their code.
                code => code.min(first),
            };
            *packed |= u64::from(code) << shift;
        }
        self.fits()
    }

    fn names(&mut self, sales: &Sales, packed: &mut [u64]) -> bool {
        let (first, shift) = (self.known_rows() as u32, self.shift);
        let mut unknown = 0;
        for (packed, code) in packed.iter_mut().zip(&sales.product) {
            let code = match *code {
                UNKNOWN => {
                    unknown += 1;
                    first + self.unknown.name(sales.product_names.get(unknown - 1))
                }
                code => code,
            };
            *packed |= u64::from(code) << shift;
        }
        self.fits()
    }

    fn fits(&self) -> bool {
        let codes = self.known_rows() + self.unknown.numbers.len().max(self.unknown.names.len());
        codes < 1 << self.bits
    }

    fn code(&self, packed: u64) -> usize {
        (packed >> self.shift & ((1 << self.bits) - 1)) as usize
    }

    /// The keys behind codes.
    fn column(&self, codes: impl Iterator<Item = usize>) -> Column {
        let first = self.known_rows();
        match (self.key, &self.known) {
            (SumKey::Store, Some(keys)) => {
                let keys = keys.as_primitive::<Int32Type>();
                let unknown = |code: usize| self.unknown.numbers[code - first] as i32;
                Column::Int32(codes.map(|code| if code < first { keys.value(code) } else { unknown(code) }).collect())
            }
            (SumKey::Product, Some(keys)) => {
                let keys = keys.as_string::<i32>();
                let name =
                    |code: usize| if code < first { keys.value(code) } else { &self.unknown.names[code - first] };
                Column::Text(codes.map(|code| name(code).to_owned()).collect())
            }
            (_, Some(keys)) => {
                let keys = keys.as_primitive::<Int64Type>();
                let unknown = |code: usize| self.unknown.numbers[code - first];
                Column::Int64(codes.map(|code| if code < first { keys.value(code) } else { unknown(code) }).collect())
            }
            (_, None) => Column::Int32(codes.map(day_of).collect()),
        }
    }
}

fn day_of(code: usize) -> i32 {
    code as i32 - DAYS_BEFORE
}

impl Unknown {
    fn number(&mut self, key: i64) -> u32 {
        let next = self.numbers.len() as u32;
        *self.number_codes.entry(key).or_insert_with(|| {
            self.numbers.push(key);
            next
        })
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(code) = self.name_codes.get(name) {
            return *code;
        }
        let next = self.names.len() as u32;
        self.names.push(name.into());
        self.name_codes.insert(name.into(), next);
        next
    }
}
