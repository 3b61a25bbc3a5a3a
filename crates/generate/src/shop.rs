//! The chain of stores as the sales see it: everything that repeats from row to row, formatted once.

use crate::chance::{Chance, Use, scramble};
use crate::{OutputFormat, Plan, names};
use chrono::{Datelike, Days, NaiveDate};

/// The number of the first store; the others follow.
pub(crate) const FIRST_STORE: u32 = 121;

/// One product.
pub(crate) struct Product {
    /// Its name as a value of the file: quoted where the format wants it.
    pub(crate) value: Box<[u8]>,
    /// Its present price in cents.
    pub(crate) price_cents: u32,
}

/// One sales person and the store they belong to.
pub(crate) struct Seller {
    pub(crate) id: u32,
    pub(crate) store: u32,
}

/// The chain.
pub(crate) struct Shop {
    pub(crate) plan: Plan,
    /// The seed of the sales: two days made from one seed must not be the same sales under another date.
    pub(crate) sales_seed: u64,
    pub(crate) products: Vec<Product>,
    pub(crate) sellers: Vec<Seller>,
    /// Every business day as `YYYY-MM-DD`.
    pub(crate) days: Vec<[u8; 10]>,
    /// Indexes into `days`, each as often as its weekday sells.
    pub(crate) busy_days: Vec<u32>,
}

impl Shop {
    /// The chain of a checked plan.
    pub(crate) fn of(plan: &Plan) -> Shop {
        let products = (0..plan.products).map(|index| product(plan, index)).collect();
        let sellers = (0..plan.sales_persons)
            .map(|index| Seller { id: seller_id(index), store: store_id(index % plan.stores) })
            .collect();
        let days: Vec<NaiveDate> = (0..plan.days()).map(|day| date(plan, day)).collect();
        let busy_days = (0..plan.days())
            .flat_map(|day| std::iter::repeat_n(day, weekday_weight(date(plan, day)) as usize))
            .collect();
        Shop {
            plan: plan.clone(),
            sales_seed: scramble(plan.seed ^ (plan.from.num_days_from_ce() as u64)),
            products,
            sellers,
            days: days.into_iter().map(day_text).collect(),
            busy_days,
        }
    }
}

/// Business day `index` (from 0).
pub(crate) fn date(plan: &Plan, index: u32) -> NaiveDate {
    plan.from.checked_add_days(Days::new(index.into())).unwrap_or(plan.to)
}

/// How much a weekday sells: a Saturday about twice a Sunday.
pub(crate) fn weekday_weight(date: NaiveDate) -> u32 {
    [9, 8, 8, 9, 12, 15, 7][date.weekday().num_days_from_monday() as usize]
}

pub(crate) const fn seller_id(index: u32) -> u32 {
    index + 1
}

pub(crate) const fn store_id(index: u32) -> u32 {
    FIRST_STORE + index
}

/// The present price of a product, in cents: 0.45 to 145.00, cheap ones more often.
pub(crate) fn price_cents(plan: &Plan, index: u32) -> u32 {
    let mut chance = Chance::of(plan.seed, Use::Product, index.into());
    let steps = chance.below(60) * chance.below(50);
    45 + steps * 5
}

fn product(plan: &Plan, index: u32) -> Product {
    let name = names::product(index);
    let value = match plan.format {
        OutputFormat::Csv => csv_text(&name),
        OutputFormat::Jsonl => json_text(&name),
    };
    Product { value: value.into_bytes().into(), price_cents: price_cents(plan, index) }
}

fn day_text(date: NaiveDate) -> [u8; 10] {
    let mut text = *b"0000-00-00";
    let year = date.year().unsigned_abs();
    let digits = [
        (0, year / 1000),
        (1, year / 100),
        (2, year / 10),
        (3, year),
        (5, date.month() / 10),
        (6, date.month()),
        (8, date.day() / 10),
        (9, date.day()),
    ];
    for (at, digit) in digits {
        text[at] = b'0' + (digit % 10) as u8;
    }
    text
}

/// A text as a CSV field: quoted only where RFC 4180 wants it.
pub(crate) fn csv_text(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A text as a JSON string. Control characters do not occur in generated text.
pub(crate) fn json_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_dates() {
        let plan = Plan::default();
        let shop = Shop::of(&plan);
        assert_eq!(shop.days.len(), 1644);
        for (index, text) in shop.days.iter().enumerate() {
            assert_eq!(std::str::from_utf8(text).unwrap(), date(&plan, index as u32).to_string());
        }
    }

    #[test]
    fn text_is_quoted_where_it_must_be() {
        assert_eq!(csv_text("10\" box, big"), "\"10\"\" box, big\"");
        assert_eq!(csv_text("plain"), "plain");
        assert_eq!(json_text("10\" box"), "\"10\\\" box\"");
    }
}
