//! Dimension tables in memory, indexed by key: what makes a look-up cost a few nanoseconds.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tillmart_datafile::Distinct;
use tillmart_feed::KnownKeys;
use tillmart_model::{Fault, FaultKind, Result};

/// A dense index may be this many times larger than the number of keys before a hash map is taken.
const DENSE_SPREAD: u64 = 8;

/// Marks a slot of a dense index without a row.
const NO_ROW: u32 = u32::MAX;

/// Which row of a dimension table holds a key.
#[derive(Debug)]
pub enum KeyIndex {
    /// Slot `key - first` holds the row: for keys that lie close together.
    Dense {
        /// The smallest key.
        first: i64,
        /// Row by slot.
        rows: Vec<u32>,
    },
    /// For keys that lie far apart.
    Sparse(HashMap<i64, u32>),
    /// For text keys.
    Text(HashMap<Box<[u8]>, u32>),
}

impl KeyIndex {
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
        let mut rows = vec![NO_ROW; usize::try_from(span).unwrap_or(0)];
        for (key, row) in keys {
            if let Some(slot) =
                usize::try_from(i128::from(key) - i128::from(first)).ok().and_then(|slot| rows.get_mut(slot))
            {
                *slot = row;
            }
        }
        KeyIndex::Dense { first, rows }
    }

    /// The row of an integer key.
    pub fn row(&self, key: i64) -> Option<u32> {
        match self {
            KeyIndex::Dense { first, rows } => {
                let slot = usize::try_from(key.checked_sub(*first)?).ok()?;
                rows.get(slot).copied().filter(|row| *row != NO_ROW)
            }
            KeyIndex::Sparse(rows) => rows.get(&key).copied(),
            KeyIndex::Text(_) => None,
        }
    }

    /// The row of a text key.
    pub fn row_of_text(&self, key: &[u8]) -> Option<u32> {
        match self {
            KeyIndex::Text(rows) => rows.get(key).copied(),
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
}

/// The four dimension tables of one batch: read once, shared by every task.
#[derive(Debug)]
pub struct DimensionTables {
    tables: BTreeMap<String, RecordBatch>,
    indexes: BTreeMap<(String, String), Arc<KeyIndex>>,
    /// Columns that data files were asked to hold so far.
    attributes: Mutex<BTreeMap<(String, usize), Arc<Attribute>>>,
}

/// A column of a dimension table as data files hold it: each value once, however many rows have it.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) values: ArrayRef,
    pub(crate) distinct: Distinct,
}

/// The columns a sale, or another dimension, can be joined by.
const KEYS: [(&str, &str); 5] =
    [("customer", "customer_id"), ("store", "id"), ("sales_team", "id"), ("product", "id"), ("product", "name")];

impl DimensionTables {
    /// Indexes the tables `customer`, `store`, `product` and `sales_team`.
    ///
    /// # Errors
    /// `Promise` when one of them, or its key, is missing: the caller reads all four.
    pub fn new(tables: BTreeMap<String, RecordBatch>) -> Result<DimensionTables> {
        let mut indexes = BTreeMap::new();
        for (table, key) in KEYS {
            let column = tables.get(table).and_then(|rows| rows.column_by_name(key)).ok_or_else(|| {
                Fault::new(FaultKind::Promise, format!("the dimension {table} came without its key {key}"))
            })?;
            indexes.insert((table.to_owned(), key.to_owned()), Arc::new(index(column.as_ref())));
        }
        Ok(DimensionTables { tables, indexes, attributes: Mutex::default() })
    }

    /// The same tables, some of them without a row: what a mart shows when they are unknown.
    ///
    /// # Errors
    /// None: the keys are there.
    pub fn without(&self, names: &[&str]) -> Result<DimensionTables> {
        let table = |(name, rows): (&String, &RecordBatch)| {
            let is_known = !names.contains(&name.as_str());
            (name.clone(), if is_known { rows.clone() } else { rows.slice(0, 0) })
        };
        DimensionTables::new(self.tables.iter().map(table).collect())
    }

    /// A column of a table, its values numbered at the first call.
    pub(crate) fn attribute(&self, table: &str, column: usize) -> Option<Arc<Attribute>> {
        let mut attributes = self.attributes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = attributes.get(&(table.to_owned(), column)) {
            return Some(Arc::clone(known));
        }
        let values = self.tables.get(table)?.columns().get(column)?;
        let attribute = Arc::new(Attribute { values: Arc::clone(values), distinct: Distinct::of(values) });
        attributes.insert((table.to_owned(), column), Arc::clone(&attribute));
        Some(attribute)
    }

    /// A table's rows.
    pub fn table(&self, name: &str) -> Option<&RecordBatch> {
        self.tables.get(name)
    }

    /// Every table by name.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &RecordBatch)> {
        self.tables.iter().map(|(name, rows)| (name.as_str(), rows))
    }

    /// The index of a table by one of its keys.
    pub fn index(&self, table: &str, key: &str) -> Option<&Arc<KeyIndex>> {
        self.indexes.get(&(table.to_owned(), key.to_owned()))
    }

    /// What the decoder asks of these tables.
    pub fn known_keys(&self) -> Arc<dyn KnownKeys> {
        let index = |table: &str, key: &str| {
            self.index(table, key).cloned().unwrap_or_else(|| Arc::new(KeyIndex::Sparse(HashMap::new())))
        };
        Arc::new(Known {
            customer: index("customer", "customer_id"),
            store: index("store", "id"),
            sales_person: index("sales_team", "id"),
            product: index("product", "name"),
            product_names: self.product_names(),
        })
    }

    /// The names of all products by row.
    pub fn product_names(&self) -> StringArray {
        let names = self.tables.get("product").and_then(|rows| rows.column_by_name("name"));
        let names = names.and_then(|names| names.as_string_opt::<i32>());
        names.cloned().unwrap_or_else(|| StringArray::new_null(0))
    }
}

/// The first row wins where a key stands twice, as in a product's name.
fn index(keys: &dyn Array) -> KeyIndex {
    let row = |row: usize| u32::try_from(row).unwrap_or(NO_ROW);
    match keys.data_type() {
        DataType::Int32 => {
            let keys = keys.as_primitive::<Int32Type>();
            KeyIndex::of_integers((0..keys.len()).rev().map(|at| (i64::from(keys.value(at)), row(at))))
        }
        DataType::Int64 => {
            let keys = keys.as_primitive::<Int64Type>();
            KeyIndex::of_integers((0..keys.len()).rev().map(|at| (keys.value(at), row(at))))
        }
        DataType::Utf8 => {
            let keys = keys.as_string::<i32>();
            KeyIndex::Text((0..keys.len()).rev().map(|at| (Box::from(keys.value(at).as_bytes()), row(at))).collect())
        }
        _ => KeyIndex::Sparse(HashMap::new()),
    }
}

struct Known {
    customer: Arc<KeyIndex>,
    store: Arc<KeyIndex>,
    sales_person: Arc<KeyIndex>,
    product: Arc<KeyIndex>,
    product_names: StringArray,
}

impl KnownKeys for Known {
    fn customer(&self, id: i64) -> Option<u32> {
        self.customer.row(id)
    }

    fn store(&self, id: i32) -> Option<u32> {
        self.store.row(i64::from(id))
    }

    fn sales_person(&self, id: i64) -> Option<u32> {
        self.sales_person.row(id)
    }

    fn product(&self, name: &[u8]) -> Option<u32> {
        self.product.row_of_text(name)
    }

    fn product_names(&self) -> &StringArray {
        &self.product_names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_finds_what_is_there_and_nothing_else() {
        for keys in [vec![5_i64, 6, 9], vec![i64::MIN, 0, i64::MAX], vec![]] {
            let index = KeyIndex::of_integers(keys.iter().copied().zip(0_u32..));
            for (row, key) in keys.iter().enumerate() {
                assert_eq!(index.row(*key), u32::try_from(row).ok(), "{key}");
            }
            for stranger in [-1_i64, 4, 7, 10, i64::MIN + 1] {
                assert_eq!(index.row(stranger), None, "{stranger}");
            }
        }
    }
}
