//! Customers, stores, products and the sales team that the sales speak of.

use crate::Plan;
use crate::chance::{Chance, Use};
use crate::names;
use crate::row::cents;
use crate::shop::{csv_text, price_cents, seller_id, store_id};
use crate::write::Writer;
use bytes::Bytes;
use chrono::{Days, NaiveDate};
use object_store::ObjectStore;
use object_store::path::Path;
use std::fmt::Write;
use std::sync::Arc;
use tillmart_model::Result;

/// Rows of a chunk.
const CHUNK_ROWS: u32 = 16_384;
/// Stores under one regional manager.
const REGION_STORES: u32 = 10;

/// One dimension file: its header, how many rows, and how to write row `index` (from 0).
struct Table {
    file: &'static str,
    header: &'static str,
    rows: u32,
    row: fn(&Plan, u32, &mut String),
}

/// Makes `customer.csv`, `store.csv`, `product.csv` and `sales_team.csv` below `prefix`, with every id that the clean
/// sales of the same plan use. Sales persons report to their store's manager, store managers to a regional one,
/// regional managers to the head of sales, who reports to nobody. Overwrites what lies there.
///
/// # Errors
/// `Settings` if the plan cannot be made, `Store` with the path if the store refuses.
pub async fn dimensions(plan: &Plan, store: Arc<dyn ObjectStore>, prefix: &Path) -> Result<()> {
    plan.check()?;
    let writer = Writer::new(store, prefix.clone(), plan.threads);
    let plan = Arc::new(plan.clone());
    for table in tables(&plan) {
        let chunks = (0..table.rows.div_ceil(CHUNK_ROWS)).map(|number| {
            let (plan, header, row) = (Arc::clone(&plan), table.header, table.row);
            let first = number * CHUNK_ROWS;
            let rows = first..table.rows.min(first + CHUNK_ROWS);
            move || {
                let mut out = String::with_capacity(rows.len() * 128);
                if first == 0 {
                    out.push_str(header);
                    out.push('\n');
                }
                rows.for_each(|index| row(&plan, index, &mut out));
                (Bytes::from(out), ())
            }
        });
        writer.file(table.file, chunks, |()| (), &|_| ()).await?;
    }
    Ok(())
}

fn tables(plan: &Plan) -> [Table; 4] {
    [
        Table {
            file: "customer.csv",
            header: "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date",
            rows: plan.customers,
            row: customer,
        },
        Table {
            file: "store.csv",
            header: "id,address,store_pincode,store_manager_name,store_opening_date,reviews",
            rows: plan.stores,
            row: store,
        },
        Table {
            file: "product.csv",
            header: "id,name,current_price,old_price,created_date,updated_date,expiry_date",
            rows: plan.products,
            row: product,
        },
        Table {
            file: "sales_team.csv",
            header: "id,first_name,last_name,manager_id,is_manager,address,pincode,joining_date",
            rows: plan.sales_persons + plan.stores + regions(plan) + 1,
            row: team_member,
        },
    ]
}

fn regions(plan: &Plan) -> u32 {
    plan.stores.div_ceil(REGION_STORES)
}

/// A day before the first sale.
fn earlier(plan: &Plan, chance: &mut Chance, days_min: u32, days_max: u32) -> NaiveDate {
    let days = days_min + chance.below(days_max - days_min);
    plan.from.checked_sub_days(Days::new(days.into())).unwrap_or(plan.from)
}

/// Appends to a String, which cannot fail.
macro_rules! line {
    ($out:expr, $($format:tt)*) => {{ let _ = writeln!($out, $($format)*); }};
}

fn customer(plan: &Plan, index: u32, out: &mut String) {
    let mut chance = Chance::of(plan.seed, Use::Customer, index.into());
    let (first, last) = names::person(&mut chance);
    let address = csv_text(&names::address(&mut chance));
    let pincode = names::pincode(&mut chance);
    // Ten digits, the id among them: no two customers share a phone.
    let phone = 9_000_000_000_u64 + u64::from(index) * 7 + 13;
    let joined = earlier(plan, &mut chance, 1, 1500);
    line!(out, "{},{first},{last},{address},{pincode},{phone},{joined}", index + 1);
}

fn store(plan: &Plan, index: u32, out: &mut String) {
    const REVIEWS: [&str; 5] = [
        "Friendly staff",
        "Good, but crowded on Saturdays",
        "Fresh goods every morning",
        "Called \"the corner shop\" by all",
        "Easy parking",
    ];
    let mut chance = Chance::of(plan.seed, Use::Store, index.into());
    let address = csv_text(&names::address(&mut chance));
    let pincode = names::pincode(&mut chance);
    let opened = earlier(plan, &mut chance, 1600, 6000);
    let review = csv_text(REVIEWS[chance.below(REVIEWS.len() as u32) as usize]);
    let (first, last) = member_name(plan, plan.sales_persons + index);
    line!(out, "{},{address},{pincode},{first} {last},{opened},{review}", store_id(index));
}

fn product(plan: &Plan, index: u32, out: &mut String) {
    let mut chance = Chance::of(plan.seed, Use::Product, u64::from(index) | 1 << 40);
    let price = |value: u32| {
        let mut text = Vec::new();
        cents(value.into(), &mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    let now = price_cents(plan, index);
    let (now, old) = (price(now), price(now - now / 10));
    let created = earlier(plan, &mut chance, 400, 1500);
    let updated = earlier(plan, &mut chance, 1, 300);
    let expires = plan.to.checked_add_days(Days::new(u64::from(30 + chance.below(700)))).unwrap_or(plan.to);
    let name = csv_text(&names::product(index));
    line!(out, "{},{name},{now},{old},{created} 09:00:00,{updated} 09:00:00,{expires}", index + 1);
}

fn member_name(plan: &Plan, index: u32) -> (&'static str, &'static str) {
    names::person(&mut Chance::of(plan.seed, Use::SalesTeam, index.into()))
}

/// Sales persons first, then the manager of each store, the regional managers, and the head of sales.
fn team_member(plan: &Plan, index: u32, out: &mut String) {
    let (sellers, stores, regions) = (plan.sales_persons, plan.stores, regions(plan));
    let (is_manager, manager) = if index < sellers {
        ("N", Some(sellers + index % stores))
    } else if index < sellers + stores {
        ("Y", Some(sellers + stores + (index - sellers) / REGION_STORES))
    } else if index < sellers + stores + regions {
        ("Y", Some(sellers + stores + regions))
    } else {
        ("Y", None)
    };
    let (first, last) = member_name(plan, index);
    let mut chance = Chance::of(plan.seed, Use::SalesTeam, u64::from(index) | 1 << 40);
    let address = csv_text(&names::address(&mut chance));
    let pincode = names::pincode(&mut chance);
    let joined = earlier(plan, &mut chance, 10, 1500);
    let manager = manager.map(|index| seller_id(index).to_string()).unwrap_or_default();
    line!(out, "{},{first},{last},{manager},{is_manager},{address},{pincode},{joined}", seller_id(index));
}
