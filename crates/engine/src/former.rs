//! What rows of a dimension table were before, and from when until when: a sale is looked up as of its day.

use crate::dimensions::{Attribute, KeyIndex};
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::Date32Type;
use arrow::error::ArrowError;
use std::sync::{Arc, OnceLock};

/// The former rows of one table. Look-ups number them behind the table's own.
#[derive(Debug)]
pub(crate) struct FormerRows {
    /// The table's rows, then the former ones.
    pub(crate) all: RecordBatch,
    /// The first day on which each row of the table holds; the least number for rows that never were otherwise.
    since: Vec<i32>,
    /// The table's row and the first day of each former row, in this order.
    before: Vec<(u32, i32)>,
    /// The keys that data files have of all rows, once one asked for them.
    pub(crate) keys: OnceLock<Option<Arc<Attribute>>>,
}

impl FormerRows {
    /// `None` when no row of the table was otherwise.
    pub(crate) fn of(
        now: &RecordBatch,
        former: &RecordBatch,
        key: &str,
        index: &KeyIndex,
    ) -> Result<Option<FormerRows>, ArrowError> {
        let column = |name: &str| {
            let column = former.column_by_name(name);
            column.ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
        };
        let day = |name: &str| -> Result<&Date32Array, ArrowError> {
            let days = column(name)?.as_primitive_opt::<Date32Type>();
            days.ok_or_else(|| ArrowError::SchemaError(format!("{name} is no date")))
        };
        let (from, to) = (day("valid_from")?, day("valid_to")?);
        let found = index.rows(column(key)?.as_ref());
        let mut known: Vec<(u32, i32, u32)> = (0..found.len())
            .filter(|row| found.is_valid(*row) && to.is_valid(*row))
            .map(|row| (found.value(row), from.value(row), row as u32))
            .collect();
        if known.is_empty() {
            return Ok(None);
        }
        known.sort_unstable();
        let mut since = vec![i32::MIN; now.num_rows()];
        for (row, _, at) in &known {
            let since = &mut since[*row as usize];
            *since = (*since).max(to.value(*at as usize));
        }
        let order: UInt32Array = known.iter().map(|(_, _, at)| Some(*at)).collect();
        let columns = now
            .schema()
            .fields()
            .iter()
            .zip(now.columns())
            .map(|(field, now)| concat(&[now.as_ref(), take(column(field.name())?, &order, None)?.as_ref()]))
            .collect::<Result<Vec<_>, _>>()?;
        let all = RecordBatch::try_new(now.schema(), columns)?;
        let before = known.into_iter().map(|(row, from, _)| (row, from)).collect();
        Ok(Some(FormerRows { all, since, before, keys: OnceLock::new() }))
    }

    /// The first day on which each row of the table holds.
    pub(crate) fn since(&self) -> &[i32] {
        &self.since
    }

    /// The row that held on a day, of a row of the table. Any other number is given back as it is.
    #[inline]
    pub(crate) fn row_on(&self, row: u32, day: i32) -> u32 {
        match self.since.get(row as usize) {
            Some(since) if day < *since => self.before(row, day),
            _ => row,
        }
    }

    fn before(&self, row: u32, day: i32) -> u32 {
        let end = self.before.partition_point(|known| *known <= (row, day));
        let first = self.before.partition_point(|known| *known < (row, i32::MIN));
        // Before the first of them holds the first.
        let at = end.saturating_sub(1).max(first);
        (self.since.len() + at) as u32
    }

    pub(crate) fn held_on(&self, found: &UInt32Array, days: &Date32Array) -> UInt32Array {
        let held = |(row, day): (Option<u32>, Option<i32>)| match (row, day) {
            (Some(row), Some(day)) => Some(self.row_on(row, day)),
            (row, _) => row,
        };
        found.iter().zip(days).map(held).collect()
    }

    /// A column of the table, spread over the former rows: each has the value that its row has now.
    pub(crate) fn spread(&self, now: &ArrayRef) -> Option<ArrayRef> {
        let before: UInt32Array = self.before.iter().map(|(row, _)| Some(*row)).collect();
        concat(&[now.as_ref(), take(now, &before, None).ok()?.as_ref()]).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};

    #[test]
    fn a_row_is_found_as_it_was_on_its_day() {
        let table = |ids: Vec<i64>, names: Vec<&str>, days: Option<(Vec<i32>, Vec<i32>)>| {
            let mut columns: Vec<(&str, ArrayRef)> =
                vec![("id", Arc::new(Int64Array::from(ids))), ("name", Arc::new(StringArray::from(names)))];
            if let Some((from, to)) = days {
                columns.push(("valid_from", Arc::new(Date32Array::from(from))));
                columns.push(("valid_to", Arc::new(Date32Array::from(to))));
            }
            RecordBatch::try_from_iter(columns).expect("a table")
        };
        let now = table(vec![5, 6, 7], vec!["five", "six", "seven"], None);
        let days = (vec![20, -700_000, 10, -700_000], vec![30, 10, 20, 3]);
        let former = table(vec![6, 6, 6, 99], vec!["six c", "six a", "six b", "gone"], Some(days));
        let index = KeyIndex::new(now.column(0).as_ref());
        let former = FormerRows::of(&now, &former, "id", &index).expect("fits").expect("some");
        let names = former.all.column(1).as_string::<i32>();
        let on = |row: u32, day: i32| names.value(former.row_on(row, day) as usize);
        assert_eq!(
            [on(1, 9), on(1, 10), on(1, 19), on(1, 20), on(1, 29)],
            ["six a", "six b", "six b", "six c", "six c"]
        );
        assert_eq!([on(1, 30), on(1, 99), on(1, -800_000)], ["six", "six", "six a"]);
        assert_eq!([on(0, 1), on(2, 1)], ["five", "seven"]);
        assert_eq!(former.row_on(u32::MAX, 1), u32::MAX, "unknown stays unknown");
        let keys = former.spread(now.column(0)).expect("keys");
        assert_eq!(keys.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec(), [5, 6, 7, 6, 6, 6]);
    }
}
