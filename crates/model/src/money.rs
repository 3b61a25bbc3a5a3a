//! Exact decimals as scaled integers. No float ever touches money.

use std::fmt;

/// Fraction digits of a total: cents.
pub const TOTAL_SCALE: u32 = 2;
/// Precision of one sale's total: decimal(14,2).
pub const TOTAL_PRECISION: u32 = 14;
/// Fraction digits of a price.
pub const PRICE_SCALE: u32 = 4;
/// Precision of a price: decimal(14,4).
pub const PRICE_PRECISION: u32 = 14;
/// Precision of a sum of totals: decimal(16,2).
pub const SUM_PRECISION: u32 = 16;

/// `10^scale`.
pub const fn power_of_ten(scale: u32) -> i128 {
    10_i128.pow(scale)
}

/// Divides, rounding half away from zero: half a cent rounds up on a sale and down on its return,
/// so that both cancel.
pub const fn divide_half_away(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend / divisor;
    let rest = dividend % divisor;
    if rest.unsigned_abs() * 2 >= divisor.unsigned_abs() {
        if (dividend < 0) == (divisor < 0) { quotient + 1 } else { quotient - 1 }
    } else {
        quotient
    }
}

/// The total in cents of a price (scale 4) times a quantity.
pub const fn total_cents(price: i128, quantity: i128) -> i128 {
    divide_half_away(price * quantity, power_of_ten(PRICE_SCALE - TOTAL_SCALE))
}

/// Prints a scaled integer as a decimal, e.g. `(−1205, 2)` as `-12.05`.
pub struct Decimal {
    /// The unscaled value.
    pub unscaled: i128,
    /// Fraction digits.
    pub scale: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let magnitude = self.unscaled.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{magnitude}");
        }
        let unit = power_of_ten(self.scale).unsigned_abs();
        write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = self.scale as usize)
    }
}

/// Cents as a decimal text with two fraction digits: the form in which money is stored in SQLite.
pub fn cents_text(cents: i128) -> String {
    Decimal { unscaled: cents, scale: TOTAL_SCALE }.to_string()
}

/// Why a text is no decimal of the wanted shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalFault {
    /// Not a decimal number at all.
    Malformed,
    /// A decimal, but with more digits than precision or scale hold exactly.
    OutOfRange,
}

/// Parses `[+-]digits[point digits]` exactly into a scaled integer.
///
/// `point` is `b'.'`, or `b','` for a decimal comma. Blanks around the number must be trimmed before.
/// Zeros beyond the scale are dropped; other digits beyond it are [`DecimalFault::OutOfRange`],
/// because dropping them would change the money.
pub fn parse_decimal(text: &[u8], point: u8, precision: u32, scale: u32) -> Result<i128, DecimalFault> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mut value, mut seen, mut fraction, mut exact) = (0_i128, false, None::<u32>, true);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                let digit = i128::from(byte - b'0');
                match &mut fraction {
                    Some(places) if *places == scale => exact &= digit == 0,
                    places => {
                        if let Some(places) = places {
                            *places += 1;
                        }
                        value = value.saturating_mul(10).saturating_add(digit);
                    }
                }
            }
            _ if byte == point && fraction.is_none() => fraction = Some(0),
            _ => return Err(DecimalFault::Malformed),
        }
    }
    if !seen {
        return Err(DecimalFault::Malformed);
    }
    let value = value.saturating_mul(power_of_ten(scale - fraction.unwrap_or(0)));
    if !exact || value >= power_of_ten(precision) {
        return Err(DecimalFault::OutOfRange);
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_cent_rounds_away_from_zero_on_both_sides() {
        assert_eq!(total_cents(12_350, 1), 124, "1.2350 is 1.24");
        assert_eq!(total_cents(12_350, -1), -124, "a return mirrors its sale");
        assert_eq!(total_cents(12_349, 1), 123);
        assert_eq!(divide_half_away(5, -10), -1);
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(parse_decimal(b"12.50", b'.', 14, 2), Ok(1250));
        assert_eq!(parse_decimal(b"-0.5", b'.', 14, 2), Ok(-50));
        assert_eq!(parse_decimal(b"+7", b'.', 14, 2), Ok(700));
        assert_eq!(parse_decimal(b"1.2300", b'.', 14, 2), Ok(123));
        assert_eq!(parse_decimal(b"12,5", b',', 14, 2), Ok(1250));
        assert_eq!(parse_decimal(b".5", b'.', 14, 2), Ok(50));
        for malformed in ["", "-", ".", "1.2.3", "1,5", "1e3", " 1", "NaN"] {
            assert_eq!(parse_decimal(malformed.as_bytes(), b'.', 14, 2), Err(DecimalFault::Malformed), "{malformed:?}");
        }
        for far in ["1.234", "1000000000000", "99999999999999999999999999999999999999999999"] {
            assert_eq!(parse_decimal(far.as_bytes(), b'.', 14, 2), Err(DecimalFault::OutOfRange), "{far:?}");
        }
    }

    #[test]
    fn decimals_print_their_sign_and_zeros() {
        assert_eq!(cents_text(-5), "-0.05");
        assert_eq!(cents_text(123_456), "1234.56");
        assert_eq!(Decimal { unscaled: 7, scale: 0 }.to_string(), "7");
    }
}
