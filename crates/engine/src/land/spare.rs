//! Batches of sales that have been used, to be filled again: their memory is there already, and need not be asked for, cleared by the
//! system and given back for every batch.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use tillmart_feed::Sales;

/// Batches kept at most: about as many as are under way between a decoder and its lanes.
const KEPT: usize = 12;

/// A larger batch is not kept: rows of one are usually [`super::ahead::BATCH_ROWS`].
const ROWS_MAX: usize = 4 * super::ahead::BATCH_ROWS;

/// Used batches of one task.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<Sales>>);

impl Spare {
    /// Lends sales to whoever reads them. They come back when the last of them is done.
    pub(super) fn lend(self: &Arc<Self>, sales: Sales) -> Arc<Lent> {
        Arc::new(Lent { sales, spare: Arc::clone(self) })
    }

    /// An empty batch with room.
    pub(super) fn take(&self) -> Option<Sales> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Sales that go back when nobody reads them any more.
#[derive(Debug)]
pub(super) struct Lent {
    sales: Sales,
    spare: Arc<Spare>,
}

impl Deref for Lent {
    type Target = Sales;

    fn deref(&self) -> &Sales {
        &self.sales
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.sales.rows() > ROWS_MAX {
            return;
        }
        let mut sales = std::mem::take(&mut self.sales);
        sales.clear();
        let mut kept = self.spare.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(sales);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_come_back_empty_when_the_last_reader_is_done() {
        let spare = Arc::new(Spare::default());
        let sales = Sales { store_id: vec![7; 100], ..Sales::default() };
        let lent = spare.lend(sales);
        let other = Arc::clone(&lent);
        drop(lent);
        assert!(spare.take().is_none(), "somebody reads them");
        assert_eq!(other.rows(), 100);
        drop(other);
        let back = spare.take().expect("nobody reads them any more");
        assert_eq!((back.rows(), back.store_id.capacity() >= 100), (0, true));
        assert!(spare.take().is_none());
    }
}
