//! What reports tell of a month that is over, kept so that the next one can tell what has changed.

use crate::moment::Standing;
use crate::shop::Pipeline;
use std::collections::BTreeSet;
use tillmart_database::{KeptMonth, StoreMonth};
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_report::daily::Sold;
use tillmart_report::monthly::{Monthly, ToldMonth};

impl Pipeline {
    /// Every version of the month's figures, those of this report among them; `None` while the month is not over. Nothing is written
    /// where nothing has changed.
    pub(super) async fn told_before(&self, report: &Monthly, standing: &Standing) -> Result<Option<Vec<ToldMonth>>> {
        if !report.spans.is_over {
            return Ok(None);
        }
        let month = report.spans.name();
        let mut kept = self.seams.reports.kept_months(&month).await?;
        let figures = figures(report, &kept)?;
        let newest = |figures: &StoreMonth| {
            let of_store = kept.iter().filter(|kept| kept.figures.store_id == figures.store_id);
            of_store.max_by_key(|kept| kept.version).is_some_and(|kept| kept.figures == *figures)
        };
        if !figures.iter().all(newest) {
            let now = self.seams.clock.now();
            kept = self.seams.reports.keep_month(&month, &figures, standing.published, now).await?;
        }
        let zone = self.options.time_zone;
        let told = kept.into_iter().filter(|kept| report.store.is_none_or(|store| store == kept.figures.store_id));
        Ok(Some(
            told.map(|KeptMonth { figures, version, made, batch_id }| ToldMonth {
                store: figures.store_id,
                version,
                made: made.with_timezone(&zone),
                batch: batch_id,
                sales: figures.sales,
                units: figures.units,
                gross: figures.gross_cents,
                returned: figures.returned_cents,
                incentive: figures.incentive_cents,
            })
            .collect(),
        ))
    }
}

/// What this report tells of each store, also of one that had sales once and has none now.
fn figures(report: &Monthly, kept: &[KeptMonth]) -> Result<Vec<StoreMonth>> {
    let mut stores: BTreeSet<i32> =
        report.stores.iter().filter(|store| store.sold.month.is_some()).map(|store| store.store).collect();
    let told = kept.iter().map(|kept| kept.figures.store_id);
    stores.extend(told.filter(|told| report.store.is_none_or(|store| store == *told)));
    stores.into_iter().map(|store| figures_of(report, store)).collect()
}

fn figures_of(report: &Monthly, store: i32) -> Result<StoreMonth> {
    let sold = report.stores.iter().find(|other| other.store == store).and_then(|store| store.sold.month);
    let Sold { sales, gross, returned, units_sold, units_returned, .. } = sold.unwrap_or_default().sold;
    let paid = report.team.iter().filter(|seller| seller.store == store).map(|seller| seller.incentive).sum();
    let cents = |cents: i128| {
        i64::try_from(cents).map_err(|_| {
            Fault::new(FaultKind::Promise, "a month's money cannot be kept").expected("64 bits of cents").found(cents)
        })
    };
    Ok(StoreMonth {
        store_id: store,
        sales,
        units: units_sold + units_returned,
        gross_cents: cents(gross)?,
        returned_cents: cents(returned)?,
        incentive_cents: cents(paid)?,
    })
}
