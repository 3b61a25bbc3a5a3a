//! One sale: drawn by chance, written by hand, because this is where all the time goes.

use crate::OutputFormat;
use crate::chance::{Chance, scale};
use crate::layout::SalesFile;
use crate::shop::Shop;
use tillmart_model::money::{PRICE_SCALE, TOTAL_SCALE, power_of_ten, total_cents};

/// What the extra column is called.
pub(crate) const EXTRA_COLUMN: &str = "payment_mode";
/// What it holds.
pub(crate) const PAYMENT_MODES: [&str; 4] = ["cash", "card", "wallet", "voucher"];

/// One sale, by the indexes of the [`Shop`]'s tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sale {
    /// From 1; `None` for an anonymous sale.
    pub(crate) customer: Option<u32>,
    pub(crate) seller: u32,
    pub(crate) product: u32,
    pub(crate) day: u32,
    /// Scale 4, as the price column.
    pub(crate) price: i64,
    /// Negative for a return.
    pub(crate) quantity: i32,
    /// Exact, in cents.
    pub(crate) total_cents: i64,
    pub(crate) payment: u32,
}

/// Splits 64 random bits into two halves.
fn halves(chance: &mut Chance) -> (u32, u32) {
    let bits = chance.bits();
    ((bits >> 32) as u32, bits as u32)
}

const MILLION: u32 = 1_000_000;

impl Sale {
    /// Draws the next sale of a file. The number of draws never depends on what was drawn.
    pub(crate) fn draw(shop: &Shop, file: &SalesFile, chance: &mut Chance) -> Sale {
        let plan = &shop.plan;
        // The lower of two draws: some customers and sales persons are busier than others, as in life.
        let (one, other) = halves(chance);
        let customer = 1 + scale(one.min(other), plan.customers);
        let (one, other) = halves(chance);
        let seller = scale(one.min(other), plan.sales_persons);
        let (product, day) = halves(chance);
        let product = scale(product, plan.products);
        let day = file.day.unwrap_or_else(|| shop.busy_days[scale(day, shop.busy_days.len() as u32) as usize]);
        let (one, other) = halves(chance);
        let units = 1 + scale(one.min(other), 12).cast_signed();
        let (anonymous, returned) = halves(chance);
        let (discount, payment) = halves(chance);
        let quantity = if scale(returned, MILLION) < plan.returns_ppm { -units } else { units };
        // One sale in sixteen has 5 % off, which gives prices of three and four decimals.
        let percent = if discount < u32::MAX / 16 { 95 } else { 100 };
        let price = i64::from(shop.products[product as usize].price_cents) * percent;
        Sale {
            customer: (scale(anonymous, MILLION) >= plan.anonymous_ppm).then_some(customer),
            seller,
            product,
            day,
            price,
            quantity,
            total_cents: total_cents(price.into(), quantity.into()) as i64,
            payment: scale(payment, PAYMENT_MODES.len() as u32),
        }
    }

    /// Writes the sale as one line.
    pub(crate) fn write(&self, shop: &Shop, file: &SalesFile, out: &mut Vec<u8>) {
        match shop.plan.format {
            OutputFormat::Csv => self.write_csv(shop, file, out),
            OutputFormat::Jsonl => self.write_jsonl(shop, file, out),
        }
    }

    fn write_csv(&self, shop: &Shop, file: &SalesFile, out: &mut Vec<u8>) {
        let seller = &shop.sellers[self.seller as usize];
        if let Some(customer) = self.customer {
            integer(customer.into(), out);
        }
        out.push(b',');
        integer(seller.store.into(), out);
        out.push(b',');
        out.extend_from_slice(&shop.products[self.product as usize].value);
        out.push(b',');
        out.extend_from_slice(&shop.days[self.day as usize]);
        out.push(b',');
        integer(seller.id.into(), out);
        out.push(b',');
        if file.has_price {
            price(self.price, out);
            out.push(b',');
        }
        signed(self.quantity.into(), out);
        out.push(b',');
        cents(self.total_cents, out);
        if file.extra {
            out.push(b',');
            out.extend_from_slice(PAYMENT_MODES[self.payment as usize].as_bytes());
        }
        out.push(b'\n');
    }

    fn write_jsonl(&self, shop: &Shop, file: &SalesFile, out: &mut Vec<u8>) {
        let seller = &shop.sellers[self.seller as usize];
        out.extend_from_slice(b"{\"customer_id\":");
        match self.customer {
            Some(customer) => integer(customer.into(), out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"store_id\":");
        integer(seller.store.into(), out);
        out.extend_from_slice(b",\"product_name\":");
        out.extend_from_slice(&shop.products[self.product as usize].value);
        out.extend_from_slice(b",\"sales_date\":\"");
        out.extend_from_slice(&shop.days[self.day as usize]);
        out.extend_from_slice(b"\",\"sales_person_id\":");
        integer(seller.id.into(), out);
        if file.has_price {
            out.extend_from_slice(b",\"price\":");
            price(self.price, out);
        }
        out.extend_from_slice(b",\"quantity\":");
        signed(self.quantity.into(), out);
        out.extend_from_slice(b",\"total_cost\":");
        cents(self.total_cents, out);
        if file.extra {
            out.extend_from_slice(b",\"payment_mode\":\"");
            out.extend_from_slice(PAYMENT_MODES[self.payment as usize].as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"}\n");
    }
}

/// The header line of a CSV file.
pub(crate) fn header(file: &SalesFile) -> String {
    let price = if file.has_price { "price," } else { "" };
    let extra = if file.extra { format!(",{EXTRA_COLUMN}") } else { String::new() };
    format!("customer_id,store_id,product_name,sales_date,sales_person_id,{price}quantity,total_cost{extra}\n")
}

/// Writes a whole number.
pub(crate) fn integer(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn signed(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    integer(value.unsigned_abs(), out);
}

/// Writes cents with two decimals.
pub(crate) fn cents(value: i64, out: &mut Vec<u8>) {
    const CENTS: u64 = power_of_ten(TOTAL_SCALE) as u64;
    if value < 0 {
        out.push(b'-');
    }
    let magnitude = value.unsigned_abs();
    integer(magnitude / CENTS, out);
    let rest = (magnitude % CENTS) as u8;
    out.extend_from_slice(&[b'.', b'0' + rest / 10, b'0' + rest % 10]);
}

/// Writes a price of scale 4 with two decimals, or as many as it needs.
pub(crate) fn price(value: i64, out: &mut Vec<u8>) {
    const UNIT: i64 = power_of_ten(PRICE_SCALE - TOTAL_SCALE) as i64;
    cents(value / UNIT, out);
    let rest = (value % UNIT).unsigned_abs() as u8;
    if rest > 0 {
        out.push(b'0' + rest / 10);
        if !rest.is_multiple_of(10) {
            out.push(b'0' + rest % 10);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_exactly() {
        assert_eq!(text(|out| integer(0, out)), "0");
        assert_eq!(text(|out| integer(u64::MAX, out)), u64::MAX.to_string());
        assert_eq!(text(|out| signed(-12, out)), "-12");
        assert_eq!(text(|out| cents(-5, out)), "-0.05");
        assert_eq!(text(|out| cents(123_450, out)), "1234.50");
        assert_eq!(text(|out| price(12_300, out)), "1.23");
        assert_eq!(text(|out| price(12_310, out)), "1.231");
        assert_eq!(text(|out| price(12_305, out)), "1.2305");
        assert_eq!(text(|out| price(500, out)), "0.05");
    }
}
