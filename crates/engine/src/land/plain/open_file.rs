//! One open data file of a plain mart: rows in, the bytes of a Parquet file out.

use super::columns::{Codes, Seen, Unordered};
use super::shape::{Lookup, Origin, PlainShape, SaleColumn};
use crate::dimensions::Attribute;
use crate::land::files::FinishedFile;
use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{Int32Type, Int64Type};
use parquet::errors::Result;
use std::collections::HashMap;
use tillmart_datafile::{Column, Distinct, Integers, Lookups, Texts, WholeTexts, Width};
use tillmart_feed::{ANONYMOUS, Sales, UNKNOWN};

/// Marks a dimension row that has no code in the file at hand.
const NO_CODE: u32 = u32::MAX;

/// What finishing a file needs and the next one can use again.
#[derive(Default)]
pub(in crate::land) struct Scratch {
    code_of: Vec<u32>,
    places: Vec<u32>,
}

/// How a column is held.
enum Held {
    Integers(Integers),
    Unordered(Unordered),
    Texts(Texts),
    /// Made at the end, from codes or runs.
    AtTheEnd,
}

/// An open file.
pub(super) struct OpenFile {
    rows: usize,
    money_cents: i128,
    held: Vec<Held>,
    codes: [Option<Codes>; Lookup::COUNT],
    /// Keys of rows whose look-up found nothing, by row: the codes do not tell them.
    unknown_keys: [Vec<(u32, i64)>; Lookup::COUNT],
    unknown_products: Vec<(u32, Box<str>)>,
    /// Source files in the order of their rows.
    files: Vec<(i64, u32)>,
    memory: usize,
}

impl OpenFile {
    pub(super) fn new(shape: &PlainShape) -> OpenFile {
        let unordered = shape.clustered_by.is_some();
        let held = shape.origins.iter().map(|origin| match origin {
            Origin::Sale(SaleColumn::TransactionId | SaleColumn::AdditionalColumn) => Held::Texts(Texts::default()),
            Origin::Sale(SaleColumn::SourceFileId | SaleColumn::BatchId) | Origin::Key(..) | Origin::Attribute(..) => {
                Held::AtTheEnd
            }
            Origin::Sale(_) if unordered => Held::Unordered(Unordered::new()),
            Origin::Sale(column) => Held::Integers(Integers::new(width(*column))),
        });
        OpenFile {
            rows: 0,
            money_cents: 0,
            held: held.collect(),
            codes: shape.coded.map(|is_coded| is_coded.then(Codes::new)),
            unknown_keys: Default::default(),
            unknown_products: Vec::new(),
            files: Vec::new(),
            memory: 0,
        }
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Appends these rows of the sales to one column. What is looked up waits for [`OpenFile::note_codes`].
    pub(super) fn append(&mut self, at: usize, column: SaleColumn, sales: &Sales, rows: &[u32]) {
        match &mut self.held[at] {
            Held::Integers(integers) => extend_integers(integers, column, sales, rows),
            Held::Unordered(unordered) => extend_unordered(unordered, column, sales, rows),
            Held::Texts(texts) => {
                let column = match column {
                    SaleColumn::TransactionId => sales.transaction_id.as_ref(),
                    _ => sales.additional_column.as_ref(),
                };
                match column {
                    None => texts.extend_nulls(rows.len()),
                    Some(column) => texts.extend(rows.iter().map(|row| column.get(*row as usize))),
                }
            }
            Held::AtTheEnd => {}
        }
    }

    /// Appends which row of one dimension table was found for these rows.
    pub(super) fn note_codes(&mut self, shape: &PlainShape, lookup: Lookup, sales: &Sales, seen: &Seen, rows: &[u32]) {
        let Some(codes) = &mut self.codes[lookup as usize] else { return };
        let (found, are_short) = (lookup.found(sales), seen.all_short[lookup as usize]);
        let first = codes.len() as u32;
        let code = |row: &u32| match found[*row as usize] {
            ANONYMOUS => UNKNOWN,
            code => code,
        };
        match &shape.former[lookup as usize] {
            None => codes.extend(rows.iter().map(code), are_short),
            Some(former) => {
                let day = |row: &u32| sales.sales_date[*row as usize];
                codes.extend(rows.iter().map(|row| former.row_on(code(row), day(row))), are_short);
            }
        }
        if !seen.some_unknown[lookup as usize] {
            return;
        }
        let unknown = rows.iter().enumerate().filter(|(_, row)| found[**row as usize] == UNKNOWN);
        match lookup {
            Lookup::Product if sales.product_names.is_empty() => {}
            Lookup::Product => {
                let names = &sales.product_names;
                let mut before = 0;
                let rank: Vec<usize> = found
                    .iter()
                    .map(|code| {
                        before += usize::from(*code == UNKNOWN);
                        before
                    })
                    .collect();
                self.unknown_products.extend(
                    unknown.map(|(at, row)| (first + at as u32, Box::from(names.get(rank[*row as usize] - 1)))),
                );
            }
            _ => {
                let key = |row: usize| match lookup {
                    Lookup::Customer => sales.customer_id[row],
                    Lookup::Store => i64::from(sales.store_id[row]),
                    _ => sales.sales_person_id[row],
                };
                self.unknown_keys[lookup as usize]
                    .extend(unknown.map(|(at, row)| (first + at as u32, key(*row as usize))));
            }
        }
    }

    /// Ends the appending of rows whose columns and codes have all been appended.
    pub(super) fn end_rows(&mut self, shape: &PlainShape, sales: &Sales, rows: &[u32], file_id: i64) {
        if shape.has_money {
            let cents: i128 = rows.iter().map(|row| i128::from(sales.total_cost[*row as usize])).sum();
            self.money_cents += cents;
        }
        match self.files.last_mut() {
            Some((last, count)) if *last == file_id => *count += rows.len() as u32,
            _ => self.files.push((file_id, rows.len() as u32)),
        }
        self.rows += rows.len();
        self.memory = self.held_bytes();
    }

    fn held_bytes(&self) -> usize {
        let held = |held: &Held| match held {
            Held::Integers(integers) => integers.memory(),
            Held::Unordered(unordered) => unordered.memory(),
            Held::Texts(texts) => texts.memory(),
            Held::AtTheEnd => 0,
        };
        let names: usize = self.unknown_products.iter().map(|(_, name)| name.len() + 24).sum();
        self.held.iter().map(held).sum::<usize>()
            + self.codes.iter().flatten().map(Codes::memory).sum::<usize>()
            + self.unknown_keys.iter().map(|keys| keys.capacity() * 16).sum::<usize>()
            + names
            + self.files.capacity() * 16
    }

    /// The file's bytes, footer and sums.
    pub(super) fn finish(mut self, shape: &PlainShape, batch_id: i64, scratch: &mut Scratch) -> Result<FinishedFile> {
        let mut coded: [Option<Coded>; Lookup::COUNT] = Default::default();
        let all_products = self.all_products(shape);
        for (at, codes) in self.codes.iter().enumerate() {
            let Some(codes) = codes else { continue };
            coded[at] = Some(match all_products {
                Some((_, products)) if at == Lookup::Product as usize => Coded::of_all(codes, *products),
                _ => {
                    let is_sorted = shape.clustered_by.is_some_and(|lookup| lookup as usize == at);
                    Coded::of(codes, &mut scratch.code_of, is_sorted)
                }
            });
        }
        let extra_names = match &mut coded[Lookup::Product as usize] {
            Some(products) => products.add_names(&self.unknown_products),
            None => Vec::new(),
        };
        let places = match shape.clustered_by.and_then(|lookup| coded[lookup as usize].as_mut()) {
            None => None,
            Some(leading) => {
                leading.order(&mut scratch.places);
                Some(scratch.places.as_slice())
            }
        };
        for (at, coded) in coded.iter_mut().enumerate() {
            let is_leading = shape.clustered_by.is_some_and(|lookup| lookup as usize == at);
            if let (Some(coded), Some(places), false) = (coded, places, is_leading) {
                coded.codes = placed([coded.codes.as_slice()].into_iter(), places);
            }
        }
        let lookups =
            coded.each_ref().map(|coded| coded.as_ref().map(|coded| Lookups::new(&coded.codes, &coded.entries)));
        let mut columns = Vec::with_capacity(shape.origins.len());
        for (held, origin) in std::mem::take(&mut self.held).into_iter().zip(&shape.origins) {
            let column = match (held, origin) {
                (Held::Integers(integers), _) => Some(integers.finish()),
                (Held::Texts(texts), _) => Some(texts.finish()),
                (Held::Unordered(values), Origin::Sale(column)) => {
                    Some(ordered(&values, *column, places.unwrap_or_default()))
                }
                (_, Origin::Key(Lookup::Product, names)) => {
                    lookups[Lookup::Product as usize].as_ref().map(|products| match all_products {
                        Some((all, _)) => products.whole(all),
                        None => with_names(products, names, &extra_names),
                    })
                }
                (_, Origin::Key(lookup, keys)) if !self.unknown_keys[*lookup as usize].is_empty() => {
                    coded[*lookup as usize].as_ref().map(|coded| self.keys(*lookup, coded, &keys.values, places))
                }
                (_, Origin::Key(lookup, attribute) | Origin::Attribute(lookup, attribute)) => {
                    let entries = coded[*lookup as usize].as_ref().map_or(0, |coded| coded.entries.len());
                    lookups[*lookup as usize]
                        .as_ref()
                        .and_then(|lookups| lookups.column(&attribute.values, attribute.distinct_for(entries)))
                }
                (_, Origin::Sale(SaleColumn::BatchId)) => repeated(&[(batch_id, self.rows as u32)], None),
                (_, Origin::Sale(_)) => repeated(&self.files, places),
            };
            columns.extend(column);
        }
        let rows = self.rows as u64;
        let created_by = concat!("tillmart ", env!("CARGO_PKG_VERSION"));
        let (pieces, metadata) = tillmart_datafile::file(&shape.file_schema, columns, rows, created_by)?;
        Ok(FinishedFile { pieces, metadata, rows, money_cents: shape.has_money.then_some(self.money_cents) })
    }

    /// The dictionary of all products, where the file probably has most of them and no other.
    fn all_products<'s>(&self, shape: &'s PlainShape) -> Option<&'s (WholeTexts, usize)> {
        shape.all_products.as_ref().filter(|(_, products)| self.rows >= *products && self.unknown_products.is_empty())
    }

    /// The keys of a look-up that did not find every row: those of the dimension table, and those that are not in it.
    fn keys(&self, lookup: Lookup, coded: &Coded, keys: &dyn Array, places: Option<&[u32]>) -> Column {
        let mut missing: Vec<Option<i64>> = vec![None; self.rows];
        for (row, key) in &self.unknown_keys[lookup as usize] {
            let row = *row as usize;
            missing[places.map_or(row, |places| places[row] as usize)] = Some(*key);
        }
        let width = if lookup == Lookup::Store { Width::Int32 } else { Width::Int64 };
        let value = |entry: usize| match width {
            Width::Int32 => i64::from(keys.as_primitive::<Int32Type>().value(entry)),
            Width::Int64 => keys.as_primitive::<Int64Type>().value(entry),
        };
        let mut column = Integers::new(width);
        column.extend_nullable(coded.codes.iter().enumerate().map(|(row, code)| match coded.entries[*code as usize] {
            UNKNOWN => missing[row],
            entry => Some(value(entry as usize)),
        }));
        column.finish()
    }
}

/// Codes of a file's rows as [`Lookups`] takes them.
struct Coded {
    codes: Vec<u32>,
    entries: Vec<u32>,
}

impl Coded {
    /// Keeps the dimension rows as they are, all of which have an entry.
    fn of_all(rows: &Codes, table_rows: usize) -> Coded {
        let mut codes = Vec::with_capacity(rows.len());
        rows.widen(&mut codes);
        Coded { codes, entries: (0..table_rows as u32).collect() }
    }

    /// Numbers the dimension rows of a file in the order they are met, or in their own.
    fn of(rows: &Codes, code_of: &mut Vec<u32>, is_sorted: bool) -> Coded {
        let mut codes = Vec::with_capacity(rows.len());
        rows.widen(&mut codes);
        let mut entries: Vec<u32> = Vec::new();
        let slot = |row: u32| if row == UNKNOWN { 0 } else { row as usize + 1 };
        for row in &mut codes {
            let slot = slot(*row);
            if code_of.len() <= slot {
                code_of.resize(slot + 1, NO_CODE);
            }
            if code_of[slot] == NO_CODE {
                code_of[slot] = entries.len() as u32;
                entries.push(*row);
            }
            *row = code_of[slot];
        }
        if is_sorted {
            let met = entries.clone();
            entries.sort_unstable();
            for (code, row) in entries.iter().enumerate() {
                code_of[slot(*row)] = code as u32;
            }
            let renumbered: Vec<u32> = met.iter().map(|row| code_of[slot(*row)]).collect();
            codes.iter_mut().for_each(|code| *code = renumbered[*code as usize]);
        }
        for row in &entries {
            code_of[slot(*row)] = NO_CODE;
        }
        Coded { codes, entries }
    }

    /// Gives codes of their own to names that are in no dimension table; returns the names in the order of their codes. Their
    /// entries count on from the greatest row that there can be.
    fn add_names<'n>(&mut self, unknown: &'n [(u32, Box<str>)]) -> Vec<&'n str> {
        let mut names: Vec<&str> = Vec::new();
        let mut known: HashMap<&str, u32> = HashMap::new();
        for (row, name) in unknown {
            let code = *known.entry(name).or_insert_with(|| {
                names.push(name);
                self.entries.push(FIRST_NAME + names.len() as u32 - 1);
                self.entries.len() as u32 - 1
            });
            self.codes[*row as usize] = code;
        }
        names
    }

    /// Puts the codes in order; `places` becomes the place of each row then, rows of one code in their order.
    fn order(&mut self, places: &mut Vec<u32>) {
        let mut starts = vec![0_u32; self.entries.len() + 1];
        for code in &self.codes {
            starts[*code as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let ends: Vec<u32> = starts[1..].to_vec();
        places.clear();
        places.extend(self.codes.iter().map(|code| {
            let next = &mut starts[*code as usize];
            let place = *next;
            *next += 1;
            place
        }));
        self.codes.clear();
        for (code, end) in (0..).zip(ends) {
            self.codes.resize(end as usize, code);
        }
    }
}

/// Values by their places. To write here and there costs less than to read here and there.
fn placed<'v, T: Copy + Default + 'v>(pieces: impl Iterator<Item = &'v [T]>, mut places: &[u32]) -> Vec<T> {
    let mut all = vec![T::default(); places.len()];
    for values in pieces {
        let (here, later) = places.split_at(values.len());
        for (value, place) in values.iter().zip(here) {
            all[*place as usize] = *value;
        }
        places = later;
    }
    all
}

/// Entries from here on are names that the dimension table does not have: it has fewer rows than this.
const FIRST_NAME: u32 = 1 << 31;

fn with_names(products: &Lookups<'_>, keys: &Attribute, extra: &[&str]) -> Column {
    let names = keys.values.as_string::<i32>();
    let name = |entry: usize| match entry.checked_sub(FIRST_NAME as usize) {
        Some(at) => extra.get(at).copied(),
        None => Some(names.value(entry)),
    };
    products.texts(name, keys.distinct())
}

/// The column of values that repeat over runs of rows.
fn repeated(runs: &[(i64, u32)], places: Option<&[u32]>) -> Option<Column> {
    let mut values: Vec<i64> = runs.iter().map(|(value, _)| *value).collect();
    values.sort_unstable();
    values.dedup();
    let code = |value: &i64| values.binary_search(value).unwrap_or(0) as u32;
    let each = runs.iter().map(|(value, rows)| (code(value), *rows as usize));
    let codes: Vec<u32> = match places {
        None => each.flat_map(|(code, rows)| std::iter::repeat_n(code, rows)).collect(),
        Some(_) if values.len() == 1 => vec![0; each.map(|(_, rows)| rows).sum()],
        Some(places) => {
            let mut codes = vec![0; places.len()];
            let mut first = 0;
            for (code, rows) in each {
                places[first..first + rows].iter().for_each(|place| codes[*place as usize] = code);
                first += rows;
            }
            codes
        }
    };
    let entries: Vec<u32> = (0..values.len() as u32).collect();
    Lookups::new(&codes, &entries).column(&Int64Array::from(values), Some(&Distinct::unique()))
}

fn width(column: SaleColumn) -> Width {
    match column {
        SaleColumn::StoreId | SaleColumn::SalesDate | SaleColumn::Quantity => Width::Int32,
        _ => Width::Int64,
    }
}

fn ordered(values: &Unordered, column: SaleColumn, places: &[u32]) -> Column {
    let mut integers = Integers::new(width(column));
    match values {
        Unordered::Same(value, rows) => integers.extend(std::iter::repeat_n(*value, *rows)),
        Unordered::Short(values) => {
            let placed = placed(values.pieces(), places);
            integers.extend(placed.into_iter().map(i64::from));
        }
        Unordered::Long(values) => integers.extend(placed(values.pieces(), places).into_iter()),
    }
    integers.finish()
}

/// The values of a column that every sale has.
macro_rules! each_value {
    ($column:expr, $sales:expr, $rows:expr, |$values:ident| $put:expr) => {{
        let rows = $rows.iter().map(|row| *row as usize);
        match $column {
            SaleColumn::StoreId => {
                let $values = rows.map(|row| i64::from($sales.store_id[row]));
                $put
            }
            SaleColumn::SalesDate => {
                let $values = rows.map(|row| i64::from($sales.sales_date[row]));
                $put
            }
            SaleColumn::SalesPersonId => {
                let $values = rows.map(|row| $sales.sales_person_id[row]);
                $put
            }
            SaleColumn::Price => {
                let $values = rows.map(|row| $sales.price[row]);
                $put
            }
            SaleColumn::Quantity => {
                let $values = rows.map(|row| i64::from($sales.quantity[row]));
                $put
            }
            SaleColumn::TotalCost => {
                let $values = rows.map(|row| $sales.total_cost[row]);
                $put
            }
            SaleColumn::SourceLine => {
                let $values = rows.map(|row| $sales.source_line[row]);
                $put
            }
            // The others are texts, made at the end, or may be NULL.
            _ => {}
        }
    }};
}

fn extend_integers(integers: &mut Integers, column: SaleColumn, sales: &Sales, rows: &[u32]) {
    if column == SaleColumn::CustomerId {
        let customer = |row: &u32| {
            let row = *row as usize;
            (sales.customer[row] != ANONYMOUS).then(|| sales.customer_id[row])
        };
        integers.extend_nullable(rows.iter().map(customer));
        return;
    }
    each_value!(column, sales, rows, |values| integers.extend(values));
}

fn extend_unordered(unordered: &mut Unordered, column: SaleColumn, sales: &Sales, rows: &[u32]) {
    each_value!(column, sales, rows, |values| unordered.extend(values));
}
