//! Buckets: a partition column that is a fixed hash of an id.

use arrow::array::{Array, AsArray, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result as PlanResult;

/// A partition column that is a fixed hash of another column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The new column.
    pub name: String,
    /// The column it is a hash of: an int64.
    pub of: String,
    /// Number of buckets.
    pub count: u32,
}

/// The bucket of an id: a fixed hash (the finaliser of SplitMix64) modulo the number of buckets.
/// Kept with the table as `tillmart.buckets`; must never change.
pub(crate) fn bucket_of(id: i64, count: u32) -> i32 {
    let mut hash = id.cast_unsigned();
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    i32::try_from(hash % u64::from(count.max(1))).unwrap_or(0)
}

pub(super) fn buckets(ids: &dyn Array, count: u32) -> PlanResult<Int32Array> {
    let ids = cast(ids, &DataType::Int64)?;
    Ok(ids.as_primitive::<Int64Type>().iter().map(|id| id.map(|id| bucket_of(id, count))).collect())
}
