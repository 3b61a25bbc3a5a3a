//! Columns that are functions of one looked-up row: a name, an address, a manager.
//!
//! Inside a file every attribute of a sales person is a function of a small code. The codes are packed and compressed once, and
//! the same pages stand in every such column, each with a dictionary page of its own. Where two codes have the same value, or none, the
//! column gets codes of its own: the format allows equal entries in a dictionary, but not every reader does (decision 22).

use crate::distinct::Distinct;
use crate::levels::{self, Presence};
use crate::page::{Column, PAGE_ROWS, Page, Snappy};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type};
use hashbrown::HashMap;
use parquet::basic::Encoding;
use parquet::file::statistics::{Statistics, ValueStatistics};
use std::cell::OnceCell;
use std::hash::Hash;

/// The entry of rows whose key is in no dimension table.
pub const UNKNOWN: u32 = u32::MAX;

/// The place of a code whose value is NULL.
const NO_PLACE: u32 = u32::MAX;

/// Codes of a file's rows, and what they stand for.
pub struct Lookups<'a> {
    codes: &'a [u32],
    entries: &'a [u32],
    shared: OnceCell<Vec<Page>>,
    /// The rows as runs of one code, where they are long enough to be worth it.
    runs: Option<Vec<(u32, u32)>>,
}

/// The dictionary of a whole column of texts, for files that have most of its values: made and compressed once for all of them.
#[derive(Debug)]
pub struct WholeTexts {
    dictionary: Page,
}

impl WholeTexts {
    /// The dictionary of a column of a dimension table. `None` if two rows have the same value, or one has none: a dictionary must
    /// not hold a value twice, and NULL cannot be an entry.
    pub fn of(column: &dyn Array) -> Option<WholeTexts> {
        let texts = column.as_string_opt::<i32>()?;
        if texts.null_count() > 0 || Distinct::of(column).ids().is_some() {
            return None;
        }
        let mut plain = Vec::with_capacity(texts.value_data().len() + texts.len() * 4);
        for row in 0..texts.len() {
            put_text(&mut plain, texts.value(row));
        }
        Some(WholeTexts { dictionary: Snappy::default().page(&plain, texts.len(), Encoding::PLAIN) })
    }
}

fn put_text(plain: &mut Vec<u8>, text: &str) {
    plain.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    plain.extend_from_slice(text.as_bytes());
}

fn text_statistics(nulls: u64) -> Statistics {
    Statistics::ByteArray(ValueStatistics::new(None, None, None, Some(nulls), false))
}

/// Rows of a run, on the whole, from which on runs are packed instead of rows.
const RUN_ROWS: usize = 3;

/// Values of a dictionary, as a page holds them.
struct Values {
    plain: Vec<u8>,
    entries: usize,
    /// The place in the dictionary of each code; [`NO_PLACE`] for codes without a value. Empty when they are the same.
    places: Vec<u32>,
    statistics: Box<dyn FnOnce(u64) -> Statistics>,
}

impl<'a> Lookups<'a> {
    /// `codes` has the code of each row of the file; `entries` the row of the dimension table that a code stands for, or
    /// [`UNKNOWN`]. Every code must be used by a row, but for [`Lookups::whole`] and where nobody is told the bounds.
    pub fn new(codes: &'a [u32], entries: &'a [u32]) -> Lookups<'a> {
        let count = 1 + codes.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let runs = (count * RUN_ROWS <= codes.len())
            .then(|| codes.chunk_by(|one, other| one == other).map(|run| (run[0], run.len() as u32)).collect());
        Lookups { codes, entries, shared: OnceCell::new(), runs }
    }

    /// The column of the looked-up rows' values in `attribute`, NULL where the row is unknown or none of the attribute's. `None` for
    /// types that are not kept in dictionaries. Where nobody knows which values are equal, those of the entries are compared.
    pub fn column(&self, attribute: &dyn Array, distinct: Option<&Distinct>) -> Option<Column> {
        let (rows, nulls) = (attribute.len(), attribute.nulls());
        let known = |entry: usize| entry < rows && nulls.is_none_or(|nulls| nulls.is_valid(entry));
        let values = match attribute.data_type() {
            DataType::Utf8 => {
                let texts = attribute.as_string::<i32>();
                self.text_values(|entry| known(entry).then(|| texts.value(entry)), distinct)
            }
            DataType::Int32 => {
                let ints = attribute.as_primitive::<Int32Type>();
                self.integers(|entry| known(entry).then(|| i64::from(ints.value(entry))), true, distinct)
            }
            DataType::Date32 => {
                let days = attribute.as_primitive::<Date32Type>();
                self.integers(|entry| known(entry).then(|| i64::from(days.value(entry))), true, distinct)
            }
            DataType::Int64 => {
                let ints = attribute.as_primitive::<Int64Type>();
                self.integers(|entry| known(entry).then(|| ints.value(entry)), false, distinct)
            }
            // Decimals of 10 to 18 digits are INT64.
            DataType::Decimal128(10..=18, _) => {
                let decimals = attribute.as_primitive::<Decimal128Type>();
                let value = |entry| i64::try_from(decimals.value(entry)).ok();
                self.integers(|entry| known(entry).then(|| value(entry)).flatten(), false, distinct)
            }
            _ => return None,
        };
        Some(self.coded(values))
    }

    /// The column of texts told entry by entry. `distinct` tells which of them are equal; entries beyond it are like no other.
    pub fn texts<'t>(&self, text: impl Fn(usize) -> Option<&'t str>, distinct: &Distinct) -> Column {
        self.coded(self.text_values(text, Some(distinct)))
    }

    /// The column of a whole table's texts: codes must be rows of that table.
    pub fn whole(&self, texts: &WholeTexts) -> Column {
        let dictionary = texts.dictionary.clone();
        let pages = self.shared.get_or_init(|| self.pages(dictionary.values as usize, None).0).clone();
        Column::of_pages(Some(dictionary), pages, Some(text_statistics(0)))
    }

    fn text_values<'t>(&self, text: impl Fn(usize) -> Option<&'t str>, distinct: Option<&Distinct>) -> Values {
        let mut plain = Vec::new();
        let (entries, places) = self.each(text, distinct, |text| {
            put_text(&mut plain, text);
        });
        Values { plain, entries, places, statistics: Box::new(text_statistics) }
    }

    fn integers(&self, value: impl Fn(usize) -> Option<i64>, is_short: bool, distinct: Option<&Distinct>) -> Values {
        let mut plain = Vec::with_capacity(self.entries.len() * 8);
        let mut bounds: Option<(i64, i64)> = None;
        let (entries, places) = self.each(value, distinct, |value| {
            bounds = Some(bounds.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
            let bytes = value.to_le_bytes();
            plain.extend_from_slice(if is_short { &bytes[..4] } else { &bytes });
        });
        let (low, high) = (bounds.map(|bounds| bounds.0), bounds.map(|bounds| bounds.1));
        let statistics = move |nulls| {
            if is_short {
                let short = |value: Option<i64>| value.map(|value| value as i32);
                Statistics::Int32(ValueStatistics::new(short(low), short(high), None, Some(nulls), false))
            } else {
                Statistics::Int64(ValueStatistics::new(low, high, None, Some(nulls), false))
            }
        };
        Values { plain, entries, places, statistics: Box::new(statistics) }
    }

    /// Shows every distinct value to `put` once; returns their number and each code's place among them.
    fn each<V: Copy + Hash + Eq>(
        &self,
        value: impl Fn(usize) -> Option<V>,
        distinct: Option<&Distinct>,
        mut put: impl FnMut(V),
    ) -> (usize, Vec<u32>) {
        let ids = distinct.and_then(Distinct::ids);
        let room = |is_used: bool| if is_used { self.entries.len() } else { 0 };
        let mut place_of_id: HashMap<u32, u32> = HashMap::with_capacity(room(ids.is_some()));
        let mut place_of_value: HashMap<V, u32> = HashMap::with_capacity(room(distinct.is_none()));
        let mut count = 0;
        let mut is_same = true;
        let places: Vec<u32> = self
            .entries
            .iter()
            .map(|entry| {
                let found = if *entry == UNKNOWN { None } else { value(*entry as usize) };
                let Some(found) = found else {
                    is_same = false;
                    return NO_PLACE;
                };
                let place = match ids.and_then(|ids| ids.get(*entry as usize)) {
                    Some(id) => *place_of_id.entry(*id).or_insert(count),
                    None if distinct.is_none() => *place_of_value.entry(found).or_insert(count),
                    None => count,
                };
                if place == count {
                    put(found);
                    count += 1;
                } else {
                    is_same = false;
                }
                place
            })
            .collect();
        (count as usize, if is_same { Vec::new() } else { places })
    }

    fn coded(&self, values: Values) -> Column {
        let dictionary = Snappy::default().page(&values.plain, values.entries, Encoding::PLAIN);
        if values.places.is_empty() {
            let pages = self.shared.get_or_init(|| self.pages(self.entries.len(), None).0).clone();
            return Column::of_pages(Some(dictionary), pages, Some((values.statistics)(0)));
        }
        let (pages, nulls) = self.pages(values.entries, Some(&values.places));
        Column::of_pages(Some(dictionary), pages, Some((values.statistics)(nulls)))
    }

    fn pages(&self, entries: usize, places: Option<&[u32]>) -> (Vec<Page>, u64) {
        if let Some(runs) = &self.runs {
            return pages_of_runs(runs, entries, places);
        }
        let largest = u32::try_from(entries.saturating_sub(1)).unwrap_or(u32::MAX);
        let has_nulls = places.is_some_and(|places| places.contains(&NO_PLACE));
        let mut snappy = Snappy::default();
        let mut nulls = 0;
        let mut pages = Vec::with_capacity(self.codes.len().div_ceil(PAGE_ROWS));
        let mut presence = Presence::default();
        let mut own: Vec<u32> = Vec::new();
        for rows in self.codes.chunks(PAGE_ROWS) {
            let mut body = Vec::with_capacity(rows.len() * 2);
            let codes = match places {
                None => rows,
                Some(places) => {
                    own.clear();
                    own.extend(rows.iter().map(|code| places[*code as usize]));
                    &own
                }
            };
            if has_nulls {
                codes.iter().for_each(|place| presence.push(*place != NO_PLACE));
                own.retain(|place| *place != NO_PLACE);
                nulls += presence.take(&mut body).1 as u64;
                levels::codes(&mut body, &own, largest);
            } else {
                presence.push_all(rows.len());
                presence.take(&mut body);
                levels::codes(&mut body, codes, largest);
            }
            pages.push(snappy.page(&body, rows.len(), Encoding::RLE_DICTIONARY));
        }
        (pages, nulls)
    }
}

/// Pages of rows that come in runs: a run costs as much as a row would.
fn pages_of_runs(runs: &[(u32, u32)], entries: usize, places: Option<&[u32]>) -> (Vec<Page>, u64) {
    let largest = u32::try_from(entries.saturating_sub(1)).unwrap_or(u32::MAX);
    let mut snappy = Snappy::default();
    let (mut pages, mut nulls) = (Vec::new(), 0);
    let mut presence = Presence::default();
    let mut present: Vec<(u32, u32)> = Vec::new();
    let mut end_page = |presence: &mut Presence, present: &mut Vec<(u32, u32)>| {
        let mut body = Vec::with_capacity(present.len() * 4 + 64);
        let (rows, missing) = presence.take(&mut body);
        nulls += missing as u64;
        levels::runs(&mut body, present, largest);
        present.clear();
        pages.push(snappy.page(&body, rows, Encoding::RLE_DICTIONARY));
    };
    for (code, rows) in runs {
        let place = places.map_or(*code, |places| places[*code as usize]);
        let mut left = *rows as usize;
        while left > 0 {
            let some = left.min(PAGE_ROWS - presence.rows());
            if place == NO_PLACE {
                presence.push_none(some);
            } else {
                presence.push_all(some);
                present.push((place, some as u32));
            }
            left -= some;
            if presence.rows() == PAGE_ROWS {
                end_page(&mut presence, &mut present);
            }
        }
    }
    if presence.rows() > 0 {
        end_page(&mut presence, &mut present);
    }
    (pages, nulls)
}
