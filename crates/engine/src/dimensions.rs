//! Dimension tables in memory, indexed by key: what makes a look-up cost a few nanoseconds.

use crate::former::FormerRows;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tillmart_datafile::Distinct;
use tillmart_feed::{IndexedKeys, KnownKeys};
use tillmart_model::{Fault, FaultKind, Result};

pub use tillmart_feed::KeyIndex;

/// The four dimension tables of one batch: read once, shared by every task.
#[derive(Debug)]
pub struct DimensionTables {
    tables: BTreeMap<String, RecordBatch>,
    indexes: BTreeMap<(String, String), Arc<KeyIndex>>,
    /// Tables of which some rows were otherwise before.
    former: BTreeMap<String, Arc<FormerRows>>,
    /// Columns that data files were asked to hold so far.
    attributes: Mutex<BTreeMap<(String, usize), Arc<Attribute>>>,
}

/// So many times more rows has a table than a file has entries of it, if those are few: they are compared for themselves then.
const ENTRIES_FEW: usize = 16;

/// A column of a dimension table as data files hold it: each value once, however many rows have it.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) values: ArrayRef,
    distinct: OnceLock<Distinct>,
}

impl Attribute {
    /// A column of which nothing is known yet.
    fn new(values: ArrayRef) -> Attribute {
        Attribute { values, distinct: OnceLock::new() }
    }

    /// A column of which no two rows have the same value.
    fn unique(values: ArrayRef) -> Attribute {
        Attribute { values, distinct: Distinct::unique().into() }
    }

    /// Which rows have the same value: found out at the first call, which takes a while where a table is large.
    pub(crate) fn distinct(&self) -> &Distinct {
        self.distinct.get_or_init(|| Distinct::of(&self.values))
    }

    /// The same for a file of so many entries; `None` where it is not known yet and those few are compared in less time.
    pub(crate) fn distinct_for(&self, entries: usize) -> Option<&Distinct> {
        let is_worth_it = entries.saturating_mul(ENTRIES_FEW) >= self.values.len();
        if is_worth_it { Some(self.distinct()) } else { self.distinct.get() }
    }
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
            indexes.insert((table.to_owned(), key.to_owned()), Arc::new(KeyIndex::new(column.as_ref())));
        }
        Ok(DimensionTables { tables, indexes, former: BTreeMap::new(), attributes: Mutex::default() })
    }

    /// The same tables with what their rows were before, by table: the table's columns, and `valid_from` and `valid_to`, the first day
    /// on which a row held, and the first on which it did no longer. Together they cover all days until the row that is there now.
    /// Rows of keys that the table does not have are left out.
    ///
    /// # Errors
    /// `Promise` when a column is missing or of another type than the table's.
    pub fn with_former(mut self, former: BTreeMap<String, RecordBatch>) -> Result<DimensionTables> {
        for (table, rows) in former {
            let key = KEYS.iter().find(|(name, _)| *name == table).map_or("", |(_, key)| key);
            let (Some(now), Some(index)) = (self.tables.get(&table), self.index(&table, key)) else { continue };
            let before = FormerRows::of(now, &rows, key, index).map_err(|error| {
                Fault::new(FaultKind::Promise, format!("what {table} was before does not fit it")).found(error)
            })?;
            if let Some(before) = before {
                // One copy of what is there now is enough: it stands in front of what was before.
                let now = before.all.slice(0, now.num_rows());
                self.tables.insert(table.clone(), now);
                self.former.insert(table, Arc::new(before));
            }
        }
        Ok(self)
    }

    /// What a table's rows were before, if one was otherwise.
    pub(crate) fn former(&self, table: &str) -> Option<&Arc<FormerRows>> {
        self.former.get(table)
    }

    /// A table's rows as look-ups number them: those that are there now, then those that were before.
    pub(crate) fn all_rows(&self, table: &str) -> Option<&RecordBatch> {
        self.former.get(table).map(|former| &former.all).or_else(|| self.tables.get(table))
    }

    /// The rows that held on the days of `days`, of those that were found; all of them where nothing was otherwise.
    pub(crate) fn held_on(&self, table: &str, found: UInt32Array, days: Option<&ArrayRef>) -> UInt32Array {
        match (self.former.get(table), days.and_then(|days| days.as_primitive_opt())) {
            (Some(former), Some(days)) => former.held_on(&found, days),
            _ => found,
        }
    }

    /// The keys of a table, no two of them equal as far as look-ups find them.
    pub(crate) fn keys(&self, table: &str, key: &str) -> Option<Arc<Attribute>> {
        let values = Arc::clone(self.tables.get(table)?.column_by_name(key)?);
        Some(Arc::new(Attribute::unique(values)))
    }

    /// The keys of all rows of a table, former ones under the key that their row has now.
    pub(crate) fn all_keys(&self, table: &str, key: &str) -> Option<Arc<Attribute>> {
        let Some(former) = self.former.get(table) else { return self.keys(table, key) };
        let now = self.tables.get(table)?.column_by_name(key)?;
        former.keys.get_or_init(|| Some(Arc::new(Attribute::new(former.spread(now)?))));
        former.keys.get().cloned().flatten()
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

    /// A column of a table.
    pub(crate) fn attribute(&self, table: &str, column: usize) -> Option<Arc<Attribute>> {
        let mut attributes = self.attributes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = attributes.get(&(table.to_owned(), column)) {
            return Some(Arc::clone(known));
        }
        let values = self.all_rows(table)?.columns().get(column)?;
        let attribute = Arc::new(Attribute::new(Arc::clone(values)));
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
        let index =
            |table: &str, key: &str| self.index(table, key).cloned().unwrap_or_else(|| Arc::new(KeyIndex::empty()));
        Arc::new(IndexedKeys {
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
