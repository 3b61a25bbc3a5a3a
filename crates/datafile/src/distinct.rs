//! Which rows of a dimension table hold the same value in a column.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type};
use hashbrown::HashMap;

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

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.ids.capacity() * 4
    }

    /// The number of a row's value, if there are any that are equal.
    pub(crate) fn ids(&self) -> Option<&[u32]> {
        (!self.ids.is_empty()).then_some(&self.ids)
    }
}

fn numbered<V: std::hash::Hash + Eq>(column: &dyn Array, value: impl Fn(usize) -> V) -> Distinct {
    let mut known: HashMap<V, u32> = HashMap::new();
    let mut has_equal = false;
    let ids = (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                return u32::MAX;
            }
            let next = known.len() as u32;
            let id = *known.entry(value(row)).or_insert(next);
            has_equal |= id != next;
            id
        })
        .collect();
    Distinct { ids: if has_equal { ids } else { Vec::new() } }
}
