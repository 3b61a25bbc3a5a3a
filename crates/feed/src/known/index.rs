//! Row by key, for keys of every type that dimension tables have.

use super::NameIndex;
use crate::sales::UNKNOWN;
use arrow::array::{Array, AsArray, UInt32Array};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use std::collections::HashMap;

/// A dense index may be this many times larger than the number of keys before a hash map is taken.
const DENSE_SPREAD: u64 = 8;

/// Which row of a dimension table holds a key.
#[derive(Debug)]
pub enum KeyIndex {
    /// Slot `key - first` holds the row: for keys that lie close together.
    Dense {
        /// The smallest key.
        first: i64,
        /// Row by slot; [`UNKNOWN`] where there is no such key.
        rows: Vec<u32>,
    },
    /// For keys that lie far apart.
    Sparse(HashMap<i64, u32>),
    /// For text keys.
    Text(NameIndex),
}

impl KeyIndex {
    /// The index of a table by a column of it. The first row wins where a key stands twice, as in a product's name;
    /// NULL is no key. A column that is neither whole numbers nor text has no keys.
    pub fn new(keys: &dyn Array) -> KeyIndex {
        let rows =
            || (0..u32::try_from(keys.len()).unwrap_or(UNKNOWN)).rev().filter(|row| keys.is_valid(*row as usize));
        match keys.data_type() {
            DataType::Int32 => {
                let keys = keys.as_primitive::<Int32Type>();
                KeyIndex::of_integers(rows().map(|row| (i64::from(keys.value(row as usize)), row)))
            }
            DataType::Int64 => {
                let keys = keys.as_primitive::<Int64Type>();
                KeyIndex::of_integers(rows().map(|row| (keys.value(row as usize), row)))
            }
            DataType::Utf8 => KeyIndex::Text(NameIndex::new(keys.as_string::<i32>().clone())),
            _ => KeyIndex::empty(),
        }
    }

    /// The index of a table without rows.
    pub fn empty() -> KeyIndex {
        KeyIndex::Sparse(HashMap::new())
    }

    /// Of keys and rows; the last one wins where a key stands twice.
    fn of_integers(keys: impl Iterator<Item = (i64, u32)> + Clone) -> KeyIndex {
        let (mut first, mut last, mut count) = (i64::MAX, i64::MIN, 0_u64);
        for (key, _) in keys.clone() {
            first = first.min(key);
            last = last.max(key);
            count += 1;
        }
        let span = u64::try_from(i128::from(last) - i128::from(first) + 1).unwrap_or(u64::MAX);
        if count == 0 || span > count.saturating_mul(DENSE_SPREAD).saturating_add(1024) {
            return KeyIndex::Sparse(keys.collect());
        }
        let mut rows = vec![UNKNOWN; usize::try_from(span).unwrap_or(0)];
        for (key, row) in keys {
            if let Some(slot) = rows.get_mut(slot(key, first)) {
                *slot = row;
            }
        }
        KeyIndex::Dense { first, rows }
    }

    /// The row of an integer key.
    #[inline]
    pub fn row(&self, key: i64) -> Option<u32> {
        match self {
            KeyIndex::Dense { first, rows } => rows.get(slot(key, *first)).copied().filter(|row| *row != UNKNOWN),
            KeyIndex::Sparse(rows) => rows.get(&key).copied(),
            KeyIndex::Text(_) => None,
        }
    }

    /// The row of a text key.
    #[inline]
    pub fn row_of_text(&self, key: &[u8]) -> Option<u32> {
        match self {
            KeyIndex::Text(rows) => rows.row(key),
            _ => None,
        }
    }

    /// The row of each key of a column; NULL where there is none.
    pub fn rows(&self, keys: &dyn Array) -> UInt32Array {
        match keys.data_type() {
            DataType::Int32 => keys
                .as_primitive::<Int32Type>()
                .iter()
                .map(|key| key.and_then(|key| self.row(i64::from(key))))
                .collect(),
            DataType::Int64 => {
                keys.as_primitive::<Int64Type>().iter().map(|key| key.and_then(|key| self.row(key))).collect()
            }
            DataType::Utf8 => {
                keys.as_string::<i32>().iter().map(|key| key.and_then(|key| self.row_of_text(key.as_bytes()))).collect()
            }
            _ => UInt32Array::new_null(keys.len()),
        }
    }

    /// Adds the row of each key, [`UNKNOWN`] where there is none.
    pub(super) fn find(&self, keys: impl ExactSizeIterator<Item = i64>, found: &mut Vec<u32>) {
        match self {
            KeyIndex::Dense { first, rows } => {
                found.extend(keys.map(|key| rows.get(slot(key, *first)).copied().unwrap_or(UNKNOWN)));
            }
            _ => found.extend(keys.map(|key| self.row(key).unwrap_or(UNKNOWN))),
        }
    }
}

/// Keys below the first one wrap around to slots that no index has.
fn slot(key: i64, first: i64) -> usize {
    usize::try_from(key.wrapping_sub(first).cast_unsigned()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array, StringArray};

    #[test]
    fn an_index_finds_what_is_there_and_nothing_else() {
        for keys in [vec![5_i64, 6, 9], vec![i64::MIN, 0, i64::MAX], vec![], vec![i64::MAX - 1], vec![i64::MIN, -5]] {
            let index = KeyIndex::new(&Int64Array::from(keys.clone()));
            let strangers = [-1_i64, 4, 7, 10, i64::MIN + 1, i64::MAX - 2];
            let mut found = Vec::new();
            index.find(keys.iter().chain(&strangers).copied().collect::<Vec<_>>().into_iter(), &mut found);
            for (row, key) in keys.iter().enumerate() {
                assert_eq!(index.row(*key), u32::try_from(row).ok(), "{key}");
                assert_eq!(found[row], row as u32);
            }
            for (at, stranger) in strangers.iter().enumerate() {
                assert_eq!(index.row(*stranger), None, "{stranger}");
                assert_eq!(found[keys.len() + at], UNKNOWN);
            }
        }
    }

    #[test]
    fn the_first_row_of_a_key_wins_and_null_is_no_key() {
        let numbers = KeyIndex::new(&Int32Array::from(vec![Some(7), None, Some(8), Some(7)]));
        assert_eq!((numbers.row(7), numbers.row(8), numbers.row(0)), (Some(0), Some(2), None));
        let names = KeyIndex::new(&StringArray::from(vec![Some("tea"), None, Some("coffee"), Some("tea")]));
        let row = |name: &str| names.row_of_text(name.as_bytes());
        assert_eq!((row("tea"), row("coffee"), row("")), (Some(0), Some(2), None));
    }
}
