//! The figures of a monthly report, fetched from the marts of days and months.

use crate::renew::TEAM;
use crate::reports::daily::{Managers, dates, days, manager_of, sold_in, store_of};
use crate::reports::incentives::of_month;
use crate::reports::reader::{Reader, at_hand};
use crate::shop::Pipeline;
use arrow::array::{ArrayRef, StringArray};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_coupon::{Issue, Month, Offer};
use tillmart_database::CustomersOfMonth;
use tillmart_engine::Relation;
use tillmart_model::money::cents_text;
use tillmart_model::{FaultKind, Result};
use tillmart_report::monthly::{
    CouponsIssued, Customers, MonthSold, MonthSpans, Monthly, MonthsSold, Payments, Seller, StoreMonths, Tier,
};

impl Pipeline {
    /// Everything but what the report is about and what was told before, and the stores that there are.
    pub(super) async fn fetch_monthly(&self, spans: MonthSpans, store: Option<i32>) -> Result<(Monthly, Managers)> {
        let reader = self.reader_of_store_days(&[TEAM]).await?;
        let managers = self.managers(&reader).await?;
        let period = period_relation(&spans)?;
        let ranges = spans.to_read().map(|span| days(span, store));
        let store_day = self.store_days(&reader, &ranges).await?;
        let stores = self.store_months(&store_day, &period, &managers).await?;
        let all = stores.iter().fold(MonthsSold::default(), |all, store| together(&all, &store.sold));
        let customers = match store {
            None => Some(self.customers_in(&spans).await?),
            Some(_) => None,
        };
        let report = Monthly {
            spans,
            store,
            about: Vec::new(),
            of_baskets: self.options.contract.names_baskets(),
            all,
            stores,
            days: self.days_sold(&store_day, &period, &["month", "before"]).await?,
            team: self.team(&reader, &spans, store).await?,
            payments: self.payments_in(&spans, store).await?,
            customers,
            coupons: match store {
                None => Some(self.coupons_in(&spans).await?),
                Some(_) => None,
            },
            told: None,
        };
        Ok((report, managers))
    }

    async fn store_months(
        &self,
        store_day: &Relation,
        period: &Relation,
        managers: &Managers,
    ) -> Result<Vec<StoreMonths>> {
        let sql = include_str!("../../../../../sql/reports/store_periods.sql");
        let answer = self.answer(&[store_day, period], sql).await?;
        let mut stores: BTreeMap<i32, MonthsSold> = BTreeMap::new();
        for line in answer.lines() {
            let sold = stores.entry(store_of(line)?).or_default();
            let of_period =
                Some(MonthSold { sold: sold_in(line, true)?, anonymous_net: line.number("anonymous_net")? });
            match line.text("period")?.as_deref() {
                Some("month") => sold.month = of_period,
                Some("before") => sold.before = of_period,
                Some("year_before") => sold.year_before = of_period,
                _ => {}
            }
        }
        let told = |(store, sold)| StoreMonths { store, manager: manager_of(managers, store), sold };
        Ok(stores.into_iter().map(told).collect())
    }

    async fn team(&self, reader: &Reader<'_>, spans: &MonthSpans, store: Option<i32>) -> Result<Vec<Seller>> {
        let team = reader.rows(TEAM, "team", &[of_month(&spans.name(), store)]).await?;
        let answer = self.answer(&[&team], include_str!("../../../../../sql/reports/monthly_team.sql")).await?;
        let seller = |line| {
            let line: crate::reports::answer::Line<'_> = line;
            Ok(Seller {
                store: store_of(line)?,
                place: line.count("place")?,
                person: line.count("sales_person_id")?,
                name: line.text("full_name")?,
                total: line.number("total_sales")?,
                incentive: line.number("incentive")?,
            })
        };
        answer.lines().map(seller).collect()
    }

    /// How the team's incentives came about; a project whose marts do not tell it gets the rest of the report all the same.
    async fn payments_in(&self, spans: &MonthSpans, store: Option<i32>) -> Result<Payments> {
        let lines = match self.payment_lines(&spans.name(), store).await {
            Ok(lines) => Ok(lines),
            Err(fault) if matches!(fault.kind, FaultKind::Mart | FaultKind::Table) => Err(fault.what),
            Err(fault) => return Err(fault),
        };
        Ok(Payments { plan_today: self.options.incentive.to_string(), lines })
    }

    async fn coupons_in(&self, spans: &MonthSpans) -> Result<Vec<CouponsIssued>> {
        let zone = self.options.time_zone;
        let today = self.seams.clock.today(zone);
        let issues = self.seams.coupons.issues(Some(Month::of(spans.month.first))).await?;
        let issued = |issue: Issue| CouponsIssued {
            offer: offer(&issue.terms.offer),
            issued: issue.issued.with_timezone(&zone).date_naive(),
            valid_until: issue.terms.valid_until,
            coupons: issue.coupons,
            held_out: issue.held_out,
            redeemed: issue.redeemed,
            expired: issue.expired(today),
            cost_bound: issue.cost_bound_cents,
            given: issue.discount_cents,
            rule: issue.terms.rule,
        };
        Ok(issues.into_iter().map(issued).collect())
    }

    async fn customers_in(&self, spans: &MonthSpans) -> Result<Customers> {
        let bounds = self.options.reports.spend_tiers.clone();
        let (month, before) = (spans.month.first, spans.before.first);
        let found = self.seams.reports.customers_of_month(month, before, &bounds).await?;
        Ok(customers(bounds, &found))
    }
}

/// `10 % up to 20.00, from a basket of 50.00`.
fn offer(offer: &Offer) -> String {
    match offer.min_basket_cents {
        0 => offer.value.to_string(),
        least => format!("{}, from a basket of {}", offer.value, cents_text(i128::from(least))),
    }
}

fn customers(bounds: Vec<i64>, found: &CustomersOfMonth) -> Customers {
    let mut tiers = vec![Tier::default(); bounds.len() + 1];
    for spenders in &found.spenders {
        if let Some(tier) = tiers.get_mut(spenders.tier) {
            let (customers, cents) = if spenders.returning {
                (&mut tier.returning, &mut tier.returning_cents)
            } else {
                (&mut tier.new, &mut tier.new_cents)
            };
            *customers += spenders.customers;
            *cents += i128::from(spenders.cents);
        }
    }
    Customers { bounds, tiers, lapsed: found.lapsed, lapsed_cents: i128::from(found.lapsed_cents) }
}

fn period_relation(spans: &MonthSpans) -> Result<Relation> {
    let spans = [("month", spans.month), ("before", spans.before), ("year_before", spans.year_before)];
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(spans.iter().map(|(name, _)| *name)));
    let first = dates(spans.iter().map(|(_, span)| span.first));
    let last = dates(spans.iter().map(|(_, span)| span.last));
    at_hand("period", vec![("period", names), ("first_day", first), ("last_day", last)])
}

/// Two stores' figures together.
fn together(one: &MonthsSold, other: &MonthsSold) -> MonthsSold {
    let both = |one: Option<MonthSold>, other: Option<MonthSold>| match (one, other) {
        (Some(one), Some(other)) => {
            Some(MonthSold { sold: one.sold.and(&other.sold), anonymous_net: one.anonymous_net + other.anonymous_net })
        }
        (one, other) => one.or(other),
    };
    MonthsSold {
        month: both(one.month, other.month),
        before: both(one.before, other.before),
        year_before: both(one.year_before, other.year_before),
    }
}
