//! What of a published table is completed: columns that showed a dimension row as unknown, and know it now.

use crate::compare::one;
use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::kernels::cmp::{distinct, not_distinct};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and, concat_batches, filter_record_batch, is_not_null, not, or, take, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use std::collections::{BTreeSet, HashMap};
use tillmart_database::TargetTable;

/// A published table as it is to be.
pub(crate) struct Patched {
    /// Every row.
    pub(crate) rows: RecordBatch,
    /// Keys of rows that are not as they were: completed, come or gone.
    pub(crate) changed: BTreeSet<OwnedRow>,
    /// Scopes of those rows, as text.
    pub(crate) scopes: BTreeSet<Vec<String>>,
}

impl Patched {
    /// A table as it was published.
    pub(crate) fn of(target: &TargetTable, published: &[RecordBatch]) -> Result<Patched, ArrowError> {
        Ok(Patched { rows: one(&target.schema, published)?, changed: BTreeSet::new(), scopes: BTreeSet::new() })
    }
}

/// Where a published value is what `finish` makes of some unknown dimensions (`blank`), it becomes what it makes of today's (`today`).
/// Every other value stays: those were right when they were published. Rows come and go where `finish` leaves rows of
/// unknown dimensions out, or takes only those.
pub(crate) fn patched(
    target: &TargetTable,
    before: Patched,
    blank: &[RecordBatch],
    today: &[RecordBatch],
) -> Result<Patched, ArrowError> {
    let schema = &target.schema;
    let (published, blank, today) = (before.rows, one(schema, blank)?, one(schema, today)?);
    let keys = Keys::new(target)?;
    let (of_published, of_blank, of_today) = (keys.of(&published)?, keys.of(&blank)?, keys.of(&today)?);
    let (in_blank, in_today) = (places(&of_blank), places(&of_today));
    let find = |places: &HashMap<OwnedRow, u32>| -> UInt32Array {
        of_published.iter().map(|key| places.get(&key.owned()).copied()).collect()
    };
    let (at_blank, at_today) = (find(&in_blank), find(&in_today));
    let (mut rows, changed) = completed(target, &published, (&blank, &at_blank), (&today, &at_today))?;
    let gone = and(&is_not_null(&at_blank)?, &not(&is_not_null(&at_today)?)?)?;
    let known: BTreeSet<OwnedRow> = of_published.iter().map(|key| key.owned()).collect();
    let came: UInt32Array = (0..)
        .zip(of_today.iter().map(|key| key.owned()))
        .filter(|(_, key)| !known.contains(key) && !in_blank.contains_key(key))
        .map(|(at, _)| Some(at))
        .collect();
    let came = take_record_batch(&today, &came)?;
    let touched = filter_record_batch(&published, &or(&changed, &gone)?)?;
    let (mut changed, mut scopes) = (before.changed, before.scopes);
    for some in [&touched, &came] {
        changed.extend(keys.of(some)?.iter().map(|key| key.owned()));
        scopes.extend(scope_of_each(schema, &target.scope, some)?);
    }
    rows = filter_record_batch(&rows, &not(&gone)?)?;
    Ok(Patched { rows: concat_batches(schema, [&rows, &came])?, changed, scopes })
}

/// The published rows with what is known by now, and which of them that changed.
fn completed(
    target: &TargetTable,
    published: &RecordBatch,
    (blank, at_blank): (&RecordBatch, &UInt32Array),
    (today, at_today): (&RecordBatch, &UInt32Array),
) -> Result<(RecordBatch, BooleanArray), ArrowError> {
    let both = and(&is_not_null(at_blank)?, &is_not_null(at_today)?)?;
    let mut changed = BooleanArray::from(vec![false; published.num_rows()]);
    let mut columns = published.columns().to_vec();
    for (at, field) in target.schema.fields().iter().enumerate() {
        if target.key.contains(field.name()) {
            continue;
        }
        let (unknown, known) = (take(blank.column(at), at_blank, None)?, take(today.column(at), at_today, None)?);
        let is_blank = and(&both, &not_distinct(&columns[at], &unknown)?)?;
        let mask = and(&is_blank, &distinct(&unknown, &known)?)?;
        columns[at] = zip(&mask, &known, &columns[at])?;
        changed = or(&changed, &mask)?;
    }
    Ok((RecordBatch::try_new(published.schema(), columns)?, changed))
}

/// Compares rows by the table's key.
struct Keys {
    at: Vec<usize>,
    converter: RowConverter,
}

impl Keys {
    fn new(target: &TargetTable) -> Result<Keys, ArrowError> {
        let at = target.key.iter().map(|name| target.schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = at.iter().map(|at| SortField::new(target.schema.field(*at).data_type().clone())).collect();
        Ok(Keys { at, converter: RowConverter::new(fields)? })
    }

    fn of(&self, rows: &RecordBatch) -> Result<Rows, ArrowError> {
        self.converter.convert_columns(rows.project(&self.at)?.columns())
    }
}

fn places(keys: &Rows) -> HashMap<OwnedRow, u32> {
    keys.iter().map(|key| key.owned()).zip(0..).collect()
}

/// The scope of each row, as text: a whole number reads the same in every type.
pub(crate) fn scope_of_each(
    schema: &SchemaRef,
    scope: &[String],
    rows: &RecordBatch,
) -> Result<Vec<Vec<String>>, ArrowError> {
    let at = scope.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
    (0..rows.num_rows())
        .map(|row| {
            at.iter().map(|column| arrow::util::display::array_value_to_string(rows.column(*column), row)).collect()
        })
        .collect()
}
