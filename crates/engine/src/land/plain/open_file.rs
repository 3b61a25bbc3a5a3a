//! One open data file of a plain mart: rows in, the bytes of a Parquet file out.

use super::columns::{Codes, Unordered};
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
pub(super) struct Scratch {
    code_of: Vec<u32>,
    order: Vec<u32>,
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

    /// Appends these rows of the sales, all of one source file.
    pub(super) fn append(&mut self, shape: &PlainShape, sales: &Sales, rows: &[u32], file_id: i64) {
        for (held, origin) in self.held.iter_mut().zip(&shape.origins) {
            let Origin::Sale(column) = origin else { continue };
            match held {
                Held::Integers(integers) => extend_integers(integers, *column, sales, rows),
                Held::Unordered(unordered) => extend_unordered(unordered, *column, sales, rows),
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
        self.note_codes(shape, sales, rows);
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

    fn note_codes(&mut self, shape: &PlainShape, sales: &Sales, rows: &[u32]) {
        for lookup in [Lookup::Customer, Lookup::Store, Lookup::SalesPerson, Lookup::Product] {
            let Some(codes) = &mut self.codes[lookup as usize] else { continue };
            let found = match lookup {
                Lookup::Customer => &sales.customer,
                Lookup::Store => &sales.store,
                Lookup::SalesPerson => &sales.sales_person,
                Lookup::Product => &sales.product,
            };
            let code = |row: &u32| match found[*row as usize] {
                ANONYMOUS => UNKNOWN,
                code => code,
            };
            match &shape.former[lookup as usize] {
                None => codes.extend(rows.iter().map(code)),
                Some(former) => {
                    let day = |row: &u32| sales.sales_date[*row as usize];
                    codes.extend(rows.iter().map(|row| former.row_on(code(row), day(row))));
                }
            }
            let first = self.rows as u32;
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
        let order = match shape.clustered_by.and_then(|lookup| coded[lookup as usize].as_ref()) {
            None => None,
            Some(leading) => {
                leading.order(&mut scratch.order);
                Some(scratch.order.as_slice())
            }
        };
        for coded in coded.iter_mut().flatten() {
            coded.put_in(order);
        }
        let lookups =
            coded.each_ref().map(|coded| coded.as_ref().map(|coded| Lookups::new(&coded.codes, &coded.entries)));
        let mut columns = Vec::with_capacity(shape.origins.len());
        for (held, origin) in std::mem::take(&mut self.held).into_iter().zip(&shape.origins) {
            let column = match (held, origin) {
                (Held::Integers(integers), _) => Some(integers.finish()),
                (Held::Texts(texts), _) => Some(texts.finish()),
                (Held::Unordered(values), Origin::Sale(column)) => Some(ordered(&values, *column, order)),
                (_, Origin::Key(Lookup::Product, names)) => {
                    lookups[Lookup::Product as usize].as_ref().map(|products| match all_products {
                        Some((all, _)) => products.whole(all),
                        None => with_names(products, names, &extra_names),
                    })
                }
                (_, Origin::Key(lookup, keys)) if !self.unknown_keys[*lookup as usize].is_empty() => {
                    coded[*lookup as usize].as_ref().map(|coded| self.keys(*lookup, coded, &keys.values, order))
                }
                (_, Origin::Key(lookup, keys)) => {
                    lookups[*lookup as usize].as_ref().and_then(|lookups| lookups.column(&keys.values, &keys.distinct))
                }
                (_, Origin::Attribute(lookup, attribute)) => lookups[*lookup as usize]
                    .as_ref()
                    .and_then(|lookups| lookups.column(&attribute.values, &attribute.distinct)),
                (_, Origin::Sale(SaleColumn::BatchId)) => repeated(&[(batch_id, self.rows as u32)], None),
                (_, Origin::Sale(_)) => repeated(&self.files, order),
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
    fn keys(&self, lookup: Lookup, coded: &Coded, keys: &dyn Array, order: Option<&[u32]>) -> Column {
        let mut missing: Vec<Option<i64>> = vec![None; self.rows];
        for (row, key) in &self.unknown_keys[lookup as usize] {
            missing[*row as usize] = Some(*key);
        }
        let width = if lookup == Lookup::Store { Width::Int32 } else { Width::Int64 };
        let value = |entry: usize| match width {
            Width::Int32 => i64::from(keys.as_primitive::<Int32Type>().value(entry)),
            Width::Int64 => keys.as_primitive::<Int64Type>().value(entry),
        };
        let mut column = Integers::new(width);
        column.extend_nullable(coded.codes.iter().enumerate().map(|(row, code)| match coded.entries[*code as usize] {
            UNKNOWN => missing[order.map_or(row, |order| order[row] as usize)],
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

    /// The stable order of rows by their code.
    fn order(&self, order: &mut Vec<u32>) {
        let mut starts = vec![0_u32; self.entries.len() + 1];
        for code in &self.codes {
            starts[*code as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        order.clear();
        order.resize(self.codes.len(), 0);
        for (row, code) in self.codes.iter().enumerate() {
            let place = &mut starts[*code as usize];
            order[*place as usize] = row as u32;
            *place += 1;
        }
    }

    fn put_in(&mut self, order: Option<&[u32]>) {
        if let Some(order) = order {
            self.codes = order.iter().map(|row| self.codes[*row as usize]).collect();
        }
    }
}

/// Entries from here on are names that the dimension table does not have: it has fewer rows than this.
const FIRST_NAME: u32 = 1 << 31;

fn with_names(products: &Lookups<'_>, keys: &Attribute, extra: &[&str]) -> Column {
    let names = keys.values.as_string::<i32>();
    let name = |entry: usize| match entry.checked_sub(FIRST_NAME as usize) {
        Some(at) => extra.get(at).copied(),
        None => Some(names.value(entry)),
    };
    products.texts(name, &keys.distinct)
}

/// The column of values that repeat over runs of rows.
fn repeated(runs: &[(i64, u32)], order: Option<&[u32]>) -> Option<Column> {
    let mut values: Vec<i64> = runs.iter().map(|(value, _)| *value).collect();
    values.sort_unstable();
    values.dedup();
    let code = |value: &i64| values.binary_search(value).unwrap_or(0) as u32;
    let mut codes: Vec<u32> = Vec::with_capacity(runs.iter().map(|(_, rows)| *rows as usize).sum());
    for (value, rows) in runs {
        codes.extend(std::iter::repeat_n(code(value), *rows as usize));
    }
    if let Some(order) = order {
        codes = order.iter().map(|row| codes[*row as usize]).collect();
    }
    let entries: Vec<u32> = (0..values.len() as u32).collect();
    Lookups::new(&codes, &entries).column(&Int64Array::from(values), &Distinct::unique())
}

fn width(column: SaleColumn) -> Width {
    match column {
        SaleColumn::StoreId | SaleColumn::SalesDate | SaleColumn::Quantity => Width::Int32,
        _ => Width::Int64,
    }
}

fn ordered(values: &Unordered, column: SaleColumn, order: Option<&[u32]>) -> Column {
    let mut integers = Integers::new(width(column));
    integers.extend(order.unwrap_or_default().iter().map(|row| values.get(*row as usize)));
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
