//! Which rows of a dimension table hold the same value in a column.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

/// Numbers the values of a column, so that equal ones can be told without looking at them again: a dictionary must not hold a value
/// twice. Readers that keep columns as categories take the place of an entry for its number.
#[derive(Debug, Clone)]
pub struct Distinct {
    /// Number of each row's value; empty when no two rows have the same.
    ids: Vec<u32>,
}

impl Distinct {
    /// Numbers the values of a column.
    pub fn of(column: &dyn Array) -> Distinct {
        match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                numbered(column, |row| texts.value(row))
            }
            DataType::Int32 => numbered(column, |row| column.as_primitive::<Int32Type>().value(row)),
            DataType::Date32 => numbered(column, |row| column.as_primitive::<Date32Type>().value(row)),
            DataType::Int64 => numbered(column, |row| column.as_primitive::<Int64Type>().value(row)),
            DataType::Decimal128(..) => numbered(column, |row| column.as_primitive::<Decimal128Type>().value(row)),
            _ => Distinct::unique(),
        }
    }

    /// A column of which it is known that no two rows have the same value: a key.
    pub fn unique() -> Distinct {
        Distinct { ids: Vec::new() }
    }

    /// The number of a row's value, if there are any that are equal.
    pub(crate) fn ids(&self) -> Option<&[u32]> {
        (!self.ids.is_empty()).then_some(&self.ids)
    }
}

fn numbered<V: Hash + Eq>(column: &dyn Array, value: impl Fn(usize) -> V) -> Distinct {
    let hasher = DefaultHashBuilder::default();
    // Rows stand for their values: the values lie in the column already.
    let mut known: HashTable<u32> = HashTable::new();
    let (mut ids, mut count): (Vec<u32>, u32) = (Vec::with_capacity(column.len()), 0);
    let mut has_equal = false;
    for row in 0..column.len() {
        if column.is_null(row) {
            ids.push(u32::MAX);
            continue;
        }
        let here = value(row);
        let same = |other: &u32| value(*other as usize) == here;
        match known.entry(hasher.hash_one(&here), same, |other| hasher.hash_one(value(*other as usize))) {
            Entry::Occupied(first) => {
                has_equal = true;
                ids.push(ids[*first.get() as usize]);
            }
            Entry::Vacant(free) => {
                free.insert(row as u32);
                ids.push(count);
                count += 1;
            }
        }
    }
    Distinct { ids: if has_equal { ids } else { Vec::new() } }
}
