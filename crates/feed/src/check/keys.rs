//! The contract's key within one file.

use crate::sales::Sale;
use std::collections::HashSet;
use tillmart_model::SalesColumn;

/// Remembers the keys of a file as 128-bit hashes: 16 bytes a row, and no two keys fall together.
pub(crate) struct KeyGuard {
    columns: Vec<SalesColumn>,
    seen: HashSet<u128>,
    text: Vec<u8>,
}

impl KeyGuard {
    /// `None` when the contract names no key.
    pub(crate) fn new(columns: &[SalesColumn]) -> Option<Self> {
        (!columns.is_empty()).then(|| KeyGuard { columns: columns.to_vec(), seen: HashSet::new(), text: Vec::new() })
    }

    /// The columns of the key.
    pub(crate) fn columns(&self) -> &[SalesColumn] {
        &self.columns
    }

    /// Notes the key of a sale; `false` when it was noted before. Values count, not how they are
    /// written: `7` and `007` are one store.
    pub(crate) fn is_first(&mut self, sale: &Sale<'_>) -> bool {
        self.text.clear();
        for column in &self.columns {
            match column {
                SalesColumn::CustomerId => add_number(&mut self.text, sale.customer_id),
                SalesColumn::StoreId => add_number(&mut self.text, Some(sale.store_id.into())),
                SalesColumn::ProductName => add_text(&mut self.text, Some(sale.product_name)),
                SalesColumn::SalesDate => add_number(&mut self.text, Some(sale.sales_date.into())),
                SalesColumn::SalesPersonId => add_number(&mut self.text, Some(sale.sales_person_id)),
                SalesColumn::Price => add_number(&mut self.text, Some(sale.price)),
                SalesColumn::Quantity => add_number(&mut self.text, Some(sale.quantity.into())),
                SalesColumn::TotalCost => add_number(&mut self.text, Some(sale.total_cost)),
                SalesColumn::TransactionId => add_text(&mut self.text, sale.transaction_id),
            }
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(&self.text).as_bytes()[..16]);
        self.seen.insert(u128::from_le_bytes(hash))
    }
}

fn add_number(text: &mut Vec<u8>, value: Option<i64>) {
    text.push(u8::from(value.is_some()));
    text.extend_from_slice(&value.unwrap_or(0).to_le_bytes());
}

fn add_text(text: &mut Vec<u8>, value: Option<&str>) {
    // The length in front keeps ("a", "bc") and ("ab", "c") apart.
    add_number(text, value.map(|value| value.len() as i64));
    text.extend_from_slice(value.unwrap_or_default().as_bytes());
}
