//! Statements: what a file or a dimension table says that does not hold already, and what it says that does.

use super::shape::{OF_STATEMENT, names_of, statements_schema};
use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray, UInt32Array, new_null_array,
};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use std::collections::HashMap;
use std::sync::Arc;
use tillmart_database::Dimension;
use tillmart_engine::KeyIndex;

/// Marks a row whose key nothing holds of, beside the set of its columns.
const NEW: u32 = 1 << 31;

/// What all statements of one load or one look at a table have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stating<'a> {
    pub(super) dimension: Dimension,
    /// Rises with every load and every change that was noticed.
    pub(super) sequence: i64,
    /// The day from which on it holds, from 1970-01-01.
    pub(super) valid_from: i32,
    pub(super) origin: &'a str,
    /// Of the rows that were loaded.
    pub(super) digest: &'a str,
}

/// Statements, and whether one of them says anything new.
pub(super) struct Stated {
    pub(super) rows: RecordBatch,
    pub(super) is_news: bool,
}

/// One row of statements.
struct Statement {
    first: i64,
    last: i64,
    set: u32,
    /// The row that has the values; none where all is as it was.
    row: Option<u32>,
}

impl Stating<'_> {
    /// What a dimension table shows that does not hold: the differing columns of the differing rows. `None` if there are none. `sets`
    /// is what all that holds has left of [`Stating::nothing_holds`].
    pub(super) fn of_table(&self, table: &RecordBatch, sets: &[u32]) -> Result<Option<Stated>, ArrowError> {
        let keys = keys_of(table)?;
        let said: Vec<Statement> = sets
            .iter()
            .enumerate()
            .filter(|(_, set)| **set != 0)
            .map(|(row, set)| one(keys.value(row), *set, row))
            .collect();
        if said.is_empty() { Ok(None) } else { self.made(table, &said, true).map(Some) }
    }

    /// All that the rows of a file say: of a row that differs all columns that the file has; of the others, that they are as they were.
    pub(super) fn of_file(&self, file: &RecordBatch, holding: &RecordBatch) -> Result<Stated, ArrowError> {
        let mut sets = self.nothing_holds(file);
        self.compare(file, holding, &mut sets)?;
        let keys = keys_of(file)?;
        let all = self.set_of_all(file);
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_unstable_by_key(|row| keys.value(*row));
        let known = Known::of(holding)?;
        // What follows another column must be told by its value: that it is as it was would say another thing later.
        let in_full = self.dimension == Dimension::Product;
        let mut said: Vec<Statement> = Vec::new();
        let mut last_place = None;
        for row in order {
            let key = keys.value(row);
            if in_full || sets[row] != 0 {
                said.push(one(key, all, row));
                continue;
            }
            let place = known.place(key);
            match said.iter_mut().rev().find(|said| said.row.is_none()) {
                Some(before) if last_place.is_some_and(|last: usize| Some(last + 1) == place) => before.last = key,
                _ => said.push(Statement { first: key, last: key, set: all, row: None }),
            }
            last_place = place;
        }
        self.made(file, &said, sets.iter().any(|set| *set != 0))
    }

    /// Which columns of each row differ, where nothing holds of any key yet: all.
    pub(super) fn nothing_holds(&self, rows: &RecordBatch) -> Vec<u32> {
        vec![self.set_of_all(rows) | NEW; rows.num_rows()]
    }

    /// Tells of the rows whose keys `holding` has which of their columns differ. What holds may come part by part, each key in one.
    pub(super) fn compare(
        &self,
        rows: &RecordBatch,
        holding: &RecordBatch,
        sets: &mut [u32],
    ) -> Result<(), ArrowError> {
        let found = KeyIndex::new(holding.column(0).as_ref()).rows(rows.column(0).as_ref());
        let known: UInt32Array = (0..).zip(found.iter()).filter_map(|(row, found)| found.map(|_| row)).collect();
        let found: UInt32Array = found.iter().flatten().collect();
        for row in known.values() {
            sets[*row as usize] = 0;
        }
        for (column, field) in rows.schema().fields().iter().enumerate().skip(1) {
            let (Some(at), Some(held)) = (self.place(field.name()), holding.column_by_name(field.name())) else {
                continue;
            };
            let differs = distinct(&take(rows.column(column), &known, None)?, &take(held, &found, None)?)?;
            for (row, differs) in known.values().iter().zip(differs.values()) {
                sets[*row as usize] |= u32::from(differs) << at;
            }
        }
        Ok(())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.dimension.columns().iter().skip(1).position(|column| column.name == name)
    }

    fn set_of_all(&self, rows: &RecordBatch) -> u32 {
        let schema = rows.schema();
        schema.fields().iter().filter_map(|field| self.place(field.name())).fold(0, |set, at| set | 1 << at)
    }

    fn made(&self, rows: &RecordBatch, said: &[Statement], is_news: bool) -> Result<Stated, ArrowError> {
        let count = said.len();
        let mut names: HashMap<u32, String> = HashMap::new();
        for statement in said {
            names.entry(statement.set).or_insert_with(|| names_of(self.dimension, statement.set));
        }
        let stated: StringArray = said.iter().map(|said| names.get(&said.set).map(String::as_str)).collect();
        let as_it_was: BooleanArray = said.iter().map(|said| Some(said.row.is_none())).collect();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![self.sequence; count])),
            Arc::new(Date32Array::from(vec![self.valid_from; count])),
            Arc::new(said.iter().map(|said| Some(said.first)).collect::<Int64Array>()),
            Arc::new(said.iter().map(|said| Some(said.last)).collect::<Int64Array>()),
            Arc::new(stated),
            Arc::new(as_it_was),
            Arc::new(StringArray::from(vec![self.origin; count])),
            Arc::new(StringArray::from(vec![self.digest; count])),
        ];
        let schema = statements_schema(self.dimension);
        for (at, field) in schema.fields().iter().skip(OF_STATEMENT).enumerate() {
            columns.push(match rows.column_by_name(field.name()) {
                None => new_null_array(field.data_type(), count),
                Some(values) => {
                    let places: UInt32Array =
                        said.iter().map(|said| said.row.filter(|_| said.set >> at & 1 == 1)).collect();
                    take(values, &places, None)?
                }
            });
        }
        Ok(Stated { rows: RecordBatch::try_new(schema, columns)?, is_news })
    }
}

fn one(key: i64, set: u32, row: usize) -> Statement {
    Statement { first: key, last: key, set: set & !NEW, row: u32::try_from(row).ok() }
}

/// The keys of a dimension's rows.
pub(super) fn keys_of(rows: &RecordBatch) -> Result<Int64Array, ArrowError> {
    Ok(cast(rows.column(0), &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// Known keys in order.
struct Known(Vec<i64>);

impl Known {
    fn of(holding: &RecordBatch) -> Result<Known, ArrowError> {
        let mut keys = keys_of(holding)?.values().to_vec();
        keys.sort_unstable();
        Ok(Known(keys))
    }

    fn place(&self, key: i64) -> Option<usize> {
        self.0.binary_search(&key).ok()
    }
}
