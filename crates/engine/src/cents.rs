//! `cents(x)`: an exact decimal rounded half away from zero to two fraction digits.
//!
//! A function of our own, because the general `round` may pass through a float, and no float touches money.

use arrow::array::{Array, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;
use tillmart_model::money;

const PRECISION: u8 = 38;
const SCALE: i8 = 2;

/// The function as DataFusion takes it.
pub(crate) fn udf() -> ScalarUDF {
    ScalarUDF::from(Cents { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Cents {
    signature: Signature,
}

impl ScalarUDFImpl for Cents {
    fn name(&self) -> &str {
        "cents"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Decimal128(_, _)] => Ok(DataType::Decimal128(PRECISION, SCALE)),
            [other] => exec_err!("cents() takes a decimal, not {other}"),
            _ => exec_err!("cents() takes one decimal"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("cents() takes one decimal") };
        let array = value.to_array(args.number_rows)?;
        let DataType::Decimal128(_, scale) = array.data_type() else {
            return exec_err!("cents() takes a decimal, not {}", array.data_type());
        };
        let scale = *scale;
        let decimals = array.as_primitive::<Decimal128Type>();
        let rounded = decimals
            .iter()
            .map(|value| value.map(|value| round(value, scale)).transpose())
            .collect::<Result<Decimal128Array>>()?;
        Ok(ColumnarValue::Array(Arc::new(rounded.with_precision_and_scale(PRECISION, SCALE)?)))
    }
}

fn round(unscaled: i128, scale: i8) -> Result<i128> {
    let places = u32::from(scale.abs_diff(SCALE));
    if scale >= SCALE {
        return Ok(money::divide_half_away(unscaled, money::power_of_ten(places)));
    }
    unscaled
        .checked_mul(money::power_of_ten(places))
        .ok_or_else(|| DataFusionError::Execution("cents(): the decimal is too large".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::round;

    #[test]
    fn half_a_cent_rounds_away_from_zero() {
        assert_eq!(round(12_350, 4).unwrap(), 124);
        assert_eq!(round(-12_350, 4).unwrap(), -124);
        assert_eq!(round(12_349, 4).unwrap(), 123);
        assert_eq!(round(12, 0).unwrap(), 1200);
    }
}
