//! Sums that tasks left beside their manifests, put together to what a rollup's `merge` over the same sales would make.

use super::Rollup;
use crate::land::delta_schema;
use crate::scan::{LandedFile, LandedFiles, Objects};
use crate::session::session;
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::cast;
use datafusion::prelude::col;
use std::sync::Arc;

/// Wide enough for any number of 64-bit sums: an overflow would be wrapped in silence by integers.
const SUM_TYPE: DataType = DataType::Decimal128(20, 0);

impl Rollup {
    /// The digest that sums of this rollup carry.
    pub fn merge_digest(&self) -> String {
        blake3::hash(self.merge.sql.as_bytes()).to_hex().to_string()
    }

    /// The state rows of these files of sums, in the order of their keys.
    ///
    /// # Errors
    /// A file that cannot be read, or a sum beyond the state's type.
    pub async fn merged_deltas(
        &self,
        objects: &Objects,
        files: &[LandedFile],
        tasks: usize,
        memory_bytes: usize,
    ) -> Result<Vec<RecordBatch>> {
        let schema = delta_schema(&self.state_schema, self.state_keys);
        let context = session(tasks, memory_bytes).map_err(|fault| DataFusionError::External(Box::new(fault)))?;
        let table = LandedFiles::new(objects, Arc::clone(&schema), &[], files)?;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (keys, sums) = names.split_at(self.state_keys);
        let quoted = |name: &&str| col(format!("\"{name}\""));
        let summed = sums.iter().map(|name| sum(cast(quoted(name), SUM_TYPE)).alias(*name)).collect();
        let frame = context
            .read_table(Arc::new(table))?
            .aggregate(keys.iter().map(quoted).collect(), summed)?
            .sort(keys.iter().map(|name| quoted(name).sort(true, false)).collect())?;
        frame.collect().await?.iter().map(|batch| self.as_state(batch)).collect()
    }

    /// Whole numbers of the smallest unit as the state's decimals and counts.
    fn as_state(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let column = |(column, field): (&ArrayRef, &Arc<arrow::datatypes::Field>)| -> Result<ArrayRef> {
            match (column.data_type(), field.data_type()) {
                (found, wanted) if found == wanted => Ok(Arc::clone(column)),
                (DataType::Decimal128(..), DataType::Decimal128(precision, scale)) => {
                    let units = column.as_primitive::<Decimal128Type>().clone();
                    let decimals = units.with_precision_and_scale(*precision, *scale)?;
                    decimals.validate_decimal_precision(*precision)?;
                    Ok(Arc::new(decimals))
                }
                (_, wanted) => Ok(cast_with_options(column, wanted, &strict)?),
            }
        };
        let columns = batch.columns().iter().zip(self.state_schema.fields()).map(column).collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.state_schema), columns)?)
    }
}
