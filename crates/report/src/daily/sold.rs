//! What was sold in some time, and the figures that follow from it.

use crate::Value;
use tillmart_model::money::divide_half_away;

/// Fraction digits of units per sale.
const UNITS_SCALE: u8 = 2;

/// What people read above a figure, where a sale is a basket.
pub(crate) fn label(of_rows: &'static str, of_baskets: bool) -> &'static str {
    match of_rows {
        _ if !of_baskets => of_rows,
        "Sales" => "Baskets",
        "Number of sales" => "Number of baskets",
        "Average sale" => "Average basket",
        "Units per sale" => "Units per basket",
        "Sales without a customer" => "Baskets without a customer",
        same => same,
    }
}

/// Sums over sales. A sale is a row that is no return, or a basket with such a row where the contract names what a basket is known by; a
/// return is a row with a negative quantity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sold {
    /// Number of sales.
    pub sales: i64,
    /// Number of returns.
    pub return_rows: i64,
    /// What the sales came to, in cents.
    pub gross: i128,
    /// What the returns came to, in cents: zero or less.
    pub returned: i128,
    /// Units of the sales.
    pub units_sold: i64,
    /// Units of the returns: zero or less.
    pub units_returned: i64,
    /// Sales without a customer.
    pub anonymous_sales: i64,
}

impl Sold {
    /// Sales and returns together, in cents.
    pub fn net_cents(&self) -> i128 {
        self.gross + self.returned
    }

    /// The same sums with those of others.
    #[must_use]
    pub fn and(&self, other: &Sold) -> Sold {
        Sold {
            sales: self.sales + other.sales,
            return_rows: self.return_rows + other.return_rows,
            gross: self.gross + other.gross,
            returned: self.returned + other.returned,
            units_sold: self.units_sold + other.units_sold,
            units_returned: self.units_returned + other.units_returned,
            anonymous_sales: self.anonymous_sales + other.anonymous_sales,
        }
    }

    pub(crate) fn net(&self) -> Value {
        Value::Money(self.net_cents())
    }

    /// Units that stayed with the customers.
    pub(crate) fn units(&self) -> Value {
        Value::Count(self.units_sold + self.units_returned)
    }

    /// What a sale came to on average, returns left out; half a cent is rounded up.
    pub(crate) fn average_sale(&self) -> Value {
        self.per_sale(self.gross).map_or(Value::Missing, Value::Money)
    }

    /// Units of a sale on average, returns left out.
    pub(crate) fn units_per_sale(&self) -> Value {
        let hundredths = self.per_sale(i128::from(self.units_sold) * 100);
        hundredths.map_or(Value::Missing, |units| Value::Decimal(units, UNITS_SCALE))
    }

    /// The share of sales without a customer.
    pub(crate) fn anonymous_share(&self) -> Value {
        Value::Count(self.anonymous_sales).share_of(&Value::Count(self.sales))
    }

    fn per_sale(&self, sum: i128) -> Option<i128> {
        (self.sales > 0).then(|| divide_half_away(sum, i128::from(self.sales)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_sums() {
        let sold = Sold {
            sales: 3,
            return_rows: 1,
            gross: 1_000,
            returned: -250,
            units_sold: 8,
            units_returned: -1,
            anonymous_sales: 1,
        };
        assert_eq!((sold.net(), sold.units()), (Value::Money(750), Value::Count(7)));
        assert_eq!(sold.average_sale(), Value::Money(333), "a return is no sale");
        assert_eq!(sold.units_per_sale(), Value::Decimal(267, 2));
        assert_eq!(sold.anonymous_share(), Value::Share(333_333));
        let twice = sold.and(&sold);
        assert_eq!((twice.net(), twice.average_sale()), (Value::Money(1_500), Value::Money(333)));
        let returns = Sold { sales: 0, gross: 0, units_sold: 0, anonymous_sales: 0, ..sold };
        let none = [returns.average_sale(), returns.units_per_sale(), returns.anonymous_share()];
        assert_eq!(none, [Value::Missing, Value::Missing, Value::Missing], "no sale has no average");
        assert_eq!(returns.net(), Value::Money(-250));
    }
}
