//! Which rows of a dimension table hold the same value in a column.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type};
use hashbrown::DefaultHashBuilder;
use std::hash::{BuildHasher, Hash};

/// Numbers the values of a column, so that equal ones can be told without looking at them again: a dictionary must not hold a value
/// twice. Readers that keep columns as categories take the place of an entry for its number.
#[derive(Debug, Clone)]
pub struct Distinct {
    /// The first row that has each row's value; empty when no two rows have the same.
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

/// Rows that are looked at together, about: their table fits a near cache.
const ROWS_TOGETHER: usize = 4 << 10;

/// A row, and bits of its value's hash that do not tell where it is looked for.
#[derive(Debug, Clone, Copy)]
struct Hashed {
    tag: u32,
    row: u32,
}

/// No row stands here.
const FREE: Hashed = Hashed { tag: 0, row: u32::MAX };

/// Rows are told apart by the hash of their value first, and each part by itself then: a table of all values of a large column would be
/// in no near cache, and every look into it would wait.
fn numbered<V: Hash + Eq>(column: &dyn Array, value: impl Fn(usize) -> V) -> Distinct {
    let hasher = DefaultHashBuilder::default();
    let rows = || (0..column.len()).filter(|row| column.is_valid(*row));
    let parts = (column.len() / ROWS_TOGETHER).next_power_of_two();
    let part_of = |hash: u64| (hash >> 32) as usize & (parts - 1);
    let hashes: Vec<u64> = rows().map(|row| hasher.hash_one(value(row))).collect();
    let mut ends = vec![0; parts];
    for hash in &hashes {
        ends[part_of(*hash)] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        sum += std::mem::replace(end, sum);
    }
    let mut sorted = vec![FREE; hashes.len()];
    for (row, hash) in rows().zip(&hashes) {
        let place = &mut ends[part_of(*hash)];
        sorted[*place] = Hashed { tag: *hash as u32, row: row as u32 };
        *place += 1;
    }
    let mut ids = vec![u32::MAX; column.len()];
    let (mut has_equal, mut start, mut slots) = (false, 0, Vec::new());
    for end in ends {
        has_equal |= number_part(&sorted[start..end], &mut slots, &mut ids, &value);
        start = end;
    }
    Distinct { ids: if has_equal { ids } else { Vec::new() } }
}

/// Gives each row the number of the first row that has its value; tells whether any two are equal.
fn number_part<V: Eq>(part: &[Hashed], slots: &mut Vec<Hashed>, ids: &mut [u32], value: impl Fn(usize) -> V) -> bool {
    let mask = (part.len() * 2).next_power_of_two() - 1;
    slots.clear();
    slots.resize(mask + 1, FREE);
    let mut has_equal = false;
    for here in part {
        let mut at = here.tag as usize & mask;
        loop {
            let there = slots[at];
            if there.row == FREE.row {
                slots[at] = *here;
                ids[here.row as usize] = here.row;
                break;
            }
            if there.tag == here.tag && value(there.row as usize) == value(here.row as usize) {
                ids[here.row as usize] = there.row;
                has_equal = true;
                break;
            }
            at = (at + 1) & mask;
        }
    }
    has_equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::collections::HashMap;

    /// Rows have one number just where they have one value, and NULLs have none.
    fn check(values: &[Option<String>]) {
        let ids = Distinct::of(&StringArray::from(values.to_vec())).ids;
        let mut firsts: HashMap<&str, u32> = HashMap::new();
        let mut has_equal = false;
        let wanted: Vec<u32> = (0..)
            .zip(values)
            .map(|(row, value)| {
                let Some(value) = value else { return u32::MAX };
                let first = *firsts.entry(value).or_insert(row);
                has_equal |= first != row;
                first
            })
            .collect();
        assert_eq!(ids, if has_equal { wanted } else { Vec::new() });
    }

    #[test]
    fn equal_values_have_one_number_wherever_they_stand() {
        let texts = |count: usize, values: usize| -> Vec<Option<String>> {
            (0..count).map(|at| (at % 11 != 3).then(|| format!("{}", at * 7_919 % values))).collect()
        };
        for (count, values) in [(0, 1), (1, 1), (2, 1), (100, 7), (20_000, 1), (30_000, 29_000), (30_000, 1 << 40)] {
            check(&texts(count, values));
        }
        check(&[None, None]);
    }

    #[test]
    fn numbers_are_told_apart_as_texts_are() {
        assert!(Distinct::of(&Int64Array::from(vec![1, 2, i64::MIN])).ids().is_none());
        let some = Distinct::of(&Int64Array::from(vec![Some(1), None, Some(2), Some(1)]));
        assert_eq!(some.ids(), Some([0, u32::MAX, 2, 0].as_slice()));
    }
}
