//! Which keys the dimension tables hold, and where: what the decoder asks for every row.

mod index;
mod names;

pub use index::KeyIndex;
pub use names::NameIndex;

use crate::sales::UNKNOWN;
use arrow::array::StringArray;
use std::sync::Arc;

/// Keys of the dimension tables, as they stood when the batch was claimed: which row holds a key.
///
/// Asked for every row, so answers must come from memory. A key's answer must not change during a file.
/// Rows count from 0 and stay below [`crate::ANONYMOUS`]. The plural questions are the singular ones asked many
/// times; they add one row for each key, [`UNKNOWN`] where there is none.
pub trait KnownKeys: Send + Sync {
    /// The row of a customer.
    fn customer(&self, id: i64) -> Option<u32>;
    /// The row of a store.
    fn store(&self, id: i32) -> Option<u32>;
    /// The row of a sales person.
    fn sales_person(&self, id: i64) -> Option<u32>;
    /// The row of a product of exactly this name; bytes that are no UTF-8 are none.
    fn product(&self, name: &[u8]) -> Option<u32>;
    /// The names of all products, by row.
    fn product_names(&self) -> &StringArray;

    /// The rows of customers.
    fn customers(&self, ids: &[i64], rows: &mut Vec<u32>) {
        rows.extend(ids.iter().map(|id| self.customer(*id).unwrap_or(UNKNOWN)));
    }
    /// The rows of stores.
    fn stores(&self, ids: &[i32], rows: &mut Vec<u32>) {
        rows.extend(ids.iter().map(|id| self.store(*id).unwrap_or(UNKNOWN)));
    }
    /// The rows of sales persons.
    fn sales_persons(&self, ids: &[i64], rows: &mut Vec<u32>) {
        rows.extend(ids.iter().map(|id| self.sales_person(*id).unwrap_or(UNKNOWN)));
    }
    /// The rows of products.
    fn products(&self, names: &[&[u8]], rows: &mut Vec<u32>) {
        rows.extend(names.iter().map(|name| self.product(name).unwrap_or(UNKNOWN)));
    }
}

/// Known keys that are four indexes.
#[derive(Debug)]
pub struct IndexedKeys {
    /// Customers by id.
    pub customer: Arc<KeyIndex>,
    /// Stores by id.
    pub store: Arc<KeyIndex>,
    /// Sales persons by id.
    pub sales_person: Arc<KeyIndex>,
    /// Products by name.
    pub product: Arc<KeyIndex>,
    /// Names of products by row.
    pub product_names: StringArray,
}

impl KnownKeys for IndexedKeys {
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

    fn customers(&self, ids: &[i64], rows: &mut Vec<u32>) {
        self.customer.find(ids.iter().copied(), rows);
    }

    fn stores(&self, ids: &[i32], rows: &mut Vec<u32>) {
        self.store.find(ids.iter().map(|id| i64::from(*id)), rows);
    }

    fn sales_persons(&self, ids: &[i64], rows: &mut Vec<u32>) {
        self.sales_person.find(ids.iter().copied(), rows);
    }

    fn products(&self, names: &[&[u8]], rows: &mut Vec<u32>) {
        match self.product.as_ref() {
            KeyIndex::Text(index) => index.find(names, rows),
            _ => rows.extend(names.iter().map(|_| UNKNOWN)),
        }
    }
}
