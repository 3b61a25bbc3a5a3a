//! Sums over the sales whose price is not the list price of their day.

use super::Near;
use super::keys::Keys;
use super::table::Table;
use crate::dimensions::DimensionTables;
use crate::former::FormerRows;
use crate::mart::{OffList, OffSum, Side};
use arrow::array::{Array, AsArray};
use arrow::datatypes::Decimal128Type;
use std::sync::Arc;
use tillmart_feed::Sales;

/// No list price: the product has none, or none is known. No sale has this price.
const NONE: i64 = i64::MIN;

/// The list price of a row of the product table, and the first day on which it holds.
#[derive(Clone, Copy)]
struct Listed {
    price: i64,
    since: i32,
}

/// Picks the sales off the list price out of all others, and adds them up.
pub(super) struct OffListed {
    /// By row of the product table.
    now: Vec<Listed>,
    former: Option<Arc<FormerRows>>,
    /// List prices of all rows, former ones among them.
    all: Vec<i64>,
    sums: Vec<(OffSum, Side)>,
    /// The keys of the picked sales, and what lies between their prices and the list prices.
    picked: Sales,
    differences: Vec<(Side, i64)>,
}

impl OffListed {
    /// `None` when prices are not such as sales have.
    pub(super) fn new(off_list: &OffList, dimensions: &DimensionTables) -> Option<OffListed> {
        let rows = dimensions.table("product")?.num_rows();
        let prices = dimensions.all_rows("product")?.columns().get(off_list.price)?;
        let prices = prices.as_primitive_opt::<Decimal128Type>()?;
        let price = |row: usize| if prices.is_null(row) { Some(NONE) } else { i64::try_from(prices.value(row)).ok() };
        let all = (0..prices.len()).map(price).collect::<Option<Vec<i64>>>()?;
        let former = dimensions.former("product").map(Arc::clone);
        let since = |row: usize| former.as_ref().map_or(i32::MIN, |former| former.since()[row]);
        let now = (0..rows).map(|row| Listed { price: all[row], since: since(row) }).collect();
        let (sums, picked) = (off_list.sums.clone(), Sales::default());
        Some(OffListed { now, former, all, sums, picked, differences: Vec::new() })
    }

    /// Adds the sales that are off the list price. False when a number does not fit.
    pub(super) fn add(&mut self, sales: &Sales, (keys, table): (&mut Keys, &mut Table), near: &mut Near) -> bool {
        let fits = self.pick(sales);
        if self.differences.is_empty() || !fits {
            return fits;
        }
        if !keys.pack(&self.picked, &mut near.packed) {
            return false;
        }
        table.find(&near.packed, &mut near.entries);
        let (width, all) = (self.sums.len(), table.sums(0));
        for (entry, (side, difference)) in near.entries.iter().zip(&self.differences) {
            for (sum, (of, over)) in all[*entry as usize * width..].iter_mut().zip(&self.sums) {
                let counts = *over == Side::Both || over == side;
                let value = match of {
                    _ if !counts => continue,
                    OffSum::Rows => 1,
                    OffSum::Difference => *difference,
                };
                let Some(added) = sum.checked_add(value) else { return false };
                *sum = added;
            }
        }
        true
    }

    /// Most sales are told apart by one comparison of prices and one of days.
    fn pick(&mut self, sales: &Sales) -> bool {
        self.picked.clear();
        self.differences.clear();
        let prices = sales.product.iter().zip(&sales.price);
        let days = sales.sales_date.iter().zip(&sales.quantity);
        for (row, ((product, price), (day, quantity))) in prices.zip(days).enumerate() {
            // An unknown product is in no row.
            let Some(listed) = self.now.get(*product as usize) else { continue };
            if (listed.price == *price && listed.since <= *day) || *quantity < 0 {
                continue;
            }
            let list = match &self.former {
                Some(former) if *day < listed.since => self.all[former.row_on(*product, *day) as usize],
                _ => listed.price,
            };
            if list == NONE || list == *price {
                continue;
            }
            let difference = price.checked_sub(list).and_then(|each| each.checked_mul(i64::from(*quantity)));
            let Some(difference) = difference else { return false };
            self.differences.push((if *price < list { Side::Below } else { Side::Above }, difference));
            self.take(sales, row);
        }
        true
    }

    /// The columns that keys are made of.
    fn take(&mut self, sales: &Sales, row: usize) {
        let picked = &mut self.picked;
        picked.store_id.push(sales.store_id[row]);
        picked.store.push(sales.store[row]);
        picked.sales_person_id.push(sales.sales_person_id[row]);
        picked.sales_person.push(sales.sales_person[row]);
        picked.sales_date.push(sales.sales_date[row]);
    }
}
