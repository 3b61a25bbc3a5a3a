//! Rows of several batches in the order of some columns, without copying them.

use super::kept::{Columns, Kept};
use super::trouble::Tried;
use rusqlite::Row;
use std::cmp::Ordering;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) batch: u32,
    pub(super) row: u32,
}

/// Rows by some of their columns, ascending.
#[derive(Clone, Copy)]
pub(super) struct Keys<'k, 'a> {
    pub(super) batches: &'k [Columns<'a>],
    /// Positions of the key's columns, the leading one first.
    pub(super) at: &'k [usize],
    pub(super) places: &'k [Place],
}

impl<'k, 'a> Keys<'k, 'a> {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The same key columns of some of the rows.
    pub(super) fn part(&self, range: std::ops::Range<usize>) -> Keys<'k, 'a> {
        Keys { places: &self.places[range], ..*self }
    }

    /// The same rows by other columns.
    pub(super) fn by<'o>(&self, at: &'o [usize]) -> Keys<'o, 'a>
    where
        'k: 'o,
    {
        Keys { at, ..*self }
    }

    /// A value of the `nth` row's key.
    pub(super) fn kept(&self, nth: usize, column: usize) -> Tried<Kept<'a>> {
        kept(self.batches, self.places[nth], self.at[column])
    }

    /// The order of the `nth` row's key and another's, of as many columns as the shorter key has.
    pub(super) fn order(&self, nth: usize, other: &Keys<'_, '_>, other_nth: usize) -> Ordering {
        let (mine, theirs) = (self.places[nth], other.places[other_nth]);
        let columns = &other.batches[theirs.batch as usize];
        self.batches[mine.batch as usize].order(mine.row as usize, self.at, (columns, theirs.row as usize, other.at))
    }

    /// How many leading columns all of these keys, which ascend, have alike; the last column is never counted.
    pub(super) fn alike(&self) -> Tried<usize> {
        let Some(last) = self.len().checked_sub(1) else { return Ok(0) };
        let mut alike = 0;
        while alike + 1 < self.at.len() && self.kept(0, alike)?.value() == self.kept(last, alike)?.value() {
            alike += 1;
        }
        Ok(alike)
    }

    /// The order of the `nth` row's key and that of a row of the table, whose key begins at this column of it.
    pub(super) fn order_of_row(&self, nth: usize, row: &Row<'_>, first: usize) -> Tried<Ordering> {
        self.order_from(0, nth, row, first)
    }

    /// The same of rows that are alike in so many columns of the key.
    pub(super) fn order_from(&self, alike: usize, nth: usize, row: &Row<'_>, first: usize) -> Tried<Ordering> {
        for column in alike..self.at.len() {
            let ordering = super::kept::order(self.kept(nth, column)?.value(), row.get_ref(first + column)?);
            if ordering != Ordering::Equal {
                return Ok(ordering);
            }
        }
        Ok(Ordering::Equal)
    }
}

/// A value of a row.
pub(super) fn kept<'a>(batches: &[Columns<'a>], place: Place, column: usize) -> Tried<Kept<'a>> {
    batches[place.batch as usize].kept(column, place.row as usize)
}

/// Whether one of these columns tells in passing that the rows of one batch are in order, and that no two have one key: the first in which they
/// differ at all. Mostly a batch is of one month, and by its customers.
pub(super) fn is_strictly_ascending(batches: &[Columns<'_>], at: &[usize]) -> bool {
    let [batch] = batches else { return false };
    let first = at.iter().find(|column| !batch.is_constant(**column));
    first.is_some_and(|column| batch.is_strictly_ascending(*column))
}

/// Every row, ascending by these columns, rows of one key in the order they came. Rows that are in order already cost one look
/// at each, and ordered batches little more.
pub(super) fn ascending(batches: &[Columns<'_>], at: &[usize]) -> Vec<Place> {
    let rows_of = |(batch, columns): (u32, &Columns<'_>)| {
        // Arrow counts rows of text in 32 bits, and no batch of ours is larger.
        (0..u32::try_from(columns.rows()).unwrap_or(u32::MAX)).map(move |row| Place { batch, row })
    };
    let mut places: Vec<Place> = (0..).zip(batches).flat_map(rows_of).collect();
    let order = |one: &Place, other: &Place| {
        let columns = &batches[other.batch as usize];
        batches[one.batch as usize].order(one.row as usize, at, (columns, other.row as usize, at))
    };
    if !is_strictly_ascending(batches, at) && !places.is_sorted_by(|one, other| order(one, other) != Ordering::Greater)
    {
        places.sort_by(order);
    }
    places
}
