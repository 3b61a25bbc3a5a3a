//! Whose sums are made of what: rollups that share one table, and what each of them takes from it.

use super::Summed;
use super::classes::Classes;
use super::keys::{Keys, View};
use super::table::Table;
use super::write::part;
use crate::land::LandJob;
use crate::mart::{Measure, SumKey, SumOf, Summing};
use std::sync::Arc;
use tillmart_model::{DeltaFile, Result};

/// Rollups, each behind one whose keys tell its own: a day of a store is told by the days of its sales persons. The first of a group is
/// the one that is summed up.
pub(super) fn groups(summings: &[Arc<Summing>]) -> Vec<Vec<Arc<Summing>>> {
    let mut finest_first: Vec<&Arc<Summing>> = summings.iter().collect();
    finest_first.sort_by_key(|summing| std::cmp::Reverse(fineness(&summing.keys)));
    let mut groups: Vec<Vec<Arc<Summing>>> = Vec::new();
    for summing in finest_first {
        let is_told = |group: &&mut Vec<Arc<Summing>>| {
            let finest = &group[0];
            finest.skips_anonymous == summing.skips_anonymous
                && finest.off_list.is_none()
                && summing.off_list.is_none()
                && summing.keys.iter().all(|key| tells(&finest.keys, *key))
        };
        match groups.iter_mut().find(is_told) {
            Some(group) => group.push(Arc::clone(summing)),
            None => groups.push(vec![Arc::clone(summing)]),
        }
    }
    groups
}

/// More for keys that can tell others, and never as much for those that they tell.
fn fineness(keys: &[SumKey]) -> usize {
    let time = match () {
        () if keys.contains(&SumKey::Date) => 2,
        () if keys.iter().any(|key| key.is_time()) => 1,
        () => 0,
    };
    3 * keys.iter().filter(|key| !key.is_time()).count() + time
}

fn tells(keys: &[SumKey], key: SumKey) -> bool {
    keys.iter().any(|known| *known == key || (key.is_month() && known.is_time()))
}

/// The columns that are summed up for a group: totals first, numbers of sales last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) quantity: bool,
    pub(super) price: bool,
}

impl Columns {
    pub(super) fn of<'a>(measures: impl Iterator<Item = &'a Measure>) -> Columns {
        let mut columns = Columns { quantity: false, price: false };
        for measure in measures {
            columns.quantity |= measure.of == SumOf::Quantity;
            columns.price |= measure.of == SumOf::Price;
        }
        columns
    }

    pub(super) fn width(self) -> usize {
        2 + usize::from(self.quantity) + usize::from(self.price)
    }

    /// Where a column is.
    pub(super) fn at(self, of: SumOf) -> usize {
        match of {
            SumOf::TotalCost => 0,
            SumOf::Quantity => 1,
            SumOf::Price => 1 + usize::from(self.quantity),
            SumOf::Rows => self.width() - 1,
        }
    }
}

/// One rollup's share of a table.
pub(super) struct Part {
    summing: Arc<Summing>,
    view: View,
    /// For each measure its column, and the classes that it is over.
    measures: Vec<(usize, Vec<usize>)>,
    written: Vec<DeltaFile>,
    failed: bool,
}

impl Part {
    pub(super) fn new(summing: &Arc<Summing>, keys: &Keys, columns: Columns, classes: &Classes) -> Option<Part> {
        let view = keys.view(&summing.keys)?;
        let measures = match &summing.off_list {
            // Its sums stand in the table as they are.
            Some(_) => (0..summing.width()).map(|sum| (sum, vec![0])).collect(),
            None => summing.sums.iter().map(|measure| (columns.at(measure.of), classes.over(measure))).collect(),
        };
        Some(Part { summing: Arc::clone(summing), view, measures, written: Vec::new(), failed: false })
    }

    /// Writes what a table adds to this rollup. `entries` are its keys and entries.
    pub(super) async fn write(
        &mut self,
        job: &LandJob,
        keys: &Keys,
        table: &Table,
        mut entries: Vec<(u64, u32)>,
    ) -> Result<()> {
        entries.iter_mut().for_each(|(key, _)| *key = self.view.pack(keys, *key));
        entries.sort_unstable();
        let mut packed = Vec::with_capacity(entries.len());
        let mut sums = vec![Vec::with_capacity(entries.len()); self.measures.len()];
        for of_key in entries.chunk_by(|one, other| one.0 == other.0) {
            packed.push(of_key[0].0);
            for ((column, classes), sums) in self.measures.iter().zip(&mut sums) {
                let of_entry = |entry| classes.iter().map(move |class| i128::from(table.sum(*class, entry, *column)));
                let whole: i128 = of_key.iter().flat_map(|(_, entry)| of_entry(*entry)).sum();
                self.failed |= i64::try_from(whole).is_err();
                sums.push(i64::try_from(whole).unwrap_or_default());
            }
        }
        drop(entries);
        if !self.failed {
            let columns = self.view.columns(keys, &packed);
            self.written.extend(part(job, &self.summing, columns, packed.len(), sums).await?);
        }
        Ok(())
    }

    /// The files, of so many sales; `None` if a sum did not fit.
    pub(super) fn finish(self, rows: u64) -> Option<Summed> {
        (!self.failed).then(|| Summed { mart: self.summing.mart.clone(), files: self.written, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mart::Kinds;
    use arrow::datatypes::Schema;

    fn summing(mart: &str, keys: &[SumKey], skips_anonymous: bool) -> Arc<Summing> {
        Arc::new(Summing {
            mart: mart.to_owned(),
            merge_digest: String::new(),
            keys: keys.to_vec(),
            sums: vec![Measure { of: SumOf::Rows, over: Kinds::ALL }],
            skips_anonymous,
            off_list: None,
            state_schema: Arc::new(Schema::empty()),
        })
    }

    #[test]
    fn a_rollup_stands_behind_one_whose_keys_tell_its_own() {
        use SumKey::{Customer, Date, Month, MonthStart, Product, SalesPerson, Store};
        let summings = [
            summing("spend", &[Customer, MonthStart], true),
            summing("stores by day", &[Date, Store], false),
            summing("team", &[Store, Month, SalesPerson, Date], false),
            summing("persons by day", &[Date, Store, SalesPerson], false),
            summing("products by day", &[Date, Product], false),
            summing("products by month", &[MonthStart, Product], false),
            summing("known customers' stores", &[Date, Store], true),
            summing("customers by day", &[Customer, Date], true),
            summing("all", &[], false),
        ];
        let groups = groups(&summings);
        let names: Vec<Vec<&str>> =
            groups.iter().map(|group| group.iter().map(|summing| summing.mart.as_str()).collect()).collect();
        assert_eq!(
            names,
            [
                vec!["team", "persons by day", "stores by day", "all"],
                vec!["products by day", "products by month"],
                vec!["known customers' stores"],
                vec!["customers by day", "spend"],
            ]
        );
    }
}
