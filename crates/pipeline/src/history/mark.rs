//! Marks: what a dimension's table looked like when its history held all of it. An unchanged table is neither compared nor is its
//! history read. A mark is a shortcut and no truth: one that is missing or wrong costs a comparison.

use super::tables::Shelf;
use crate::shop::Pipeline;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int32Type, Int64Type};
use serde::{Deserialize, Serialize};
use tillmart_database::Dimension;
use tillmart_model::{Fault, FaultKind, Result};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The newest statement by then.
    sequence: i64,
    /// Of the table's rows.
    digest: String,
    /// Whether a row was otherwise before.
    has_former: bool,
}

impl Pipeline {
    /// Whether a dimension has former versions, if its history held all of a table of this digest and nothing was stated since.
    pub(super) async fn marked(&self, dimension: Dimension, sequence: i64, digest: &str) -> Result<Option<bool>> {
        let Some(bytes) = self.seams.store.find(&self.mark_of(dimension)).await? else { return Ok(None) };
        let mark: Option<Mark> = serde_json::from_slice(&bytes).ok();
        let mark = mark.filter(|mark| mark.sequence == sequence && mark.digest == digest);
        Ok(mark.map(|mark| mark.has_former))
    }

    /// Notes that a dimension's history holds all of a table of this digest.
    pub(super) async fn mark(&self, shelf: &Shelf, digest: &str) -> Result<()> {
        let (dimension, sequence) = (shelf.dimension, shelf.stated);
        let mark = Mark { sequence, digest: digest.to_owned(), has_former: shelf.has_former() };
        let json = serde_json::to_vec(&mark)
            .map_err(|error| Fault::new(FaultKind::Promise, "a mark cannot be written as JSON").found(error))?;
        self.seams.store.write(&self.mark_of(dimension), json).await
    }

    fn mark_of(&self, dimension: Dimension) -> String {
        format!("{}/history/{}.json", self.options.manifests, dimension.name())
    }
}

/// The digest of rows, in their order.
pub(super) fn of(rows: &RecordBatch) -> String {
    let mut hasher = blake3::Hasher::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        hasher.update(field.name().as_bytes());
        hasher.update(&(column.len() as u64).to_le_bytes());
        if let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) {
            nulls.iter().enumerate().filter(|(_, is_valid)| !is_valid).for_each(|(row, _)| {
                hasher.update(&(row as u64).to_le_bytes());
            });
        }
        match column.data_type() {
            DataType::Int32 => hasher.update(column.as_primitive::<Int32Type>().values().inner().as_slice()),
            DataType::Int64 => hasher.update(column.as_primitive::<Int64Type>().values().inner().as_slice()),
            DataType::Date32 => hasher.update(column.as_primitive::<Date32Type>().values().inner().as_slice()),
            DataType::Decimal128(..) => {
                hasher.update(column.as_primitive::<Decimal128Type>().values().inner().as_slice())
            }
            _ => {
                let texts = column.as_string::<i32>();
                let ends = texts.value_offsets();
                hasher.update(
                    texts.value_offsets().iter().flat_map(|end| end.to_le_bytes()).collect::<Vec<_>>().as_slice(),
                );
                let (first, last) = (ends.first().copied().unwrap_or(0), ends.last().copied().unwrap_or(0));
                hasher.update(texts.value_data().get(first as usize..last as usize).unwrap_or_default())
            }
        };
    }
    hasher.finalize().to_hex().to_string()
}
