//! `tillmart_fingerprint(a, b, …)`: a whole number that tells rows apart, whose sum tells bags of rows apart.

use arrow::array::Int64Array;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The name SQL knows it by.
pub(crate) const NAME: &str = "tillmart_fingerprint";

/// The function as DataFusion takes it.
pub(crate) fn udf() -> ScalarUDF {
    ScalarUDF::from(Fingerprint { signature: Signature::variadic_any(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Fingerprint {
    signature: Signature,
}

impl ScalarUDFImpl for Fingerprint {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    /// 32 bits a row, so that the sum of 2^31 rows is still exact.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.is_empty() {
            return exec_err!("{NAME}() takes at least one value");
        }
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let fields = arrays.iter().map(|array| SortField::new(array.data_type().clone())).collect();
        let rows = RowConverter::new(fields)?.convert_columns(&arrays)?;
        let mark = |row: &[u8]| {
            let hash = blake3::hash(row);
            let [a, b, c, d, ..] = *hash.as_bytes();
            i64::from(u32::from_le_bytes([a, b, c, d]))
        };
        let marks: Int64Array = rows.iter().map(|row| Some(mark(row.data()))).collect();
        Ok(ColumnarValue::Array(Arc::new(marks)))
    }
}
