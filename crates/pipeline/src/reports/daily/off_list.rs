//! Sales of the day whose price was not the list price.

use super::Managers;
use super::fetch::{manager_of, store_of, top};
use crate::marts::OFF_LIST;
use crate::reports::answer::Line;
use crate::reports::reader::Reader;
use crate::shop::Pipeline;
use tillmart_database::TargetRange;
use tillmart_engine::Relation;
use tillmart_model::Result;
use tillmart_report::daily::{OffList, OffListPerson, OffListSold, OffListStore};

impl Pipeline {
    /// What was sold off the list price in a range of one day; `person_day` has the names.
    pub(super) async fn off_list(
        &self,
        reader: &Reader<'_>,
        person_day: &Relation,
        range: TargetRange,
        managers: &Managers,
    ) -> Result<OffList> {
        let is_one_store = range.only.is_some();
        let rows = reader.rows(OFF_LIST, "off_list", &[range]).await?;
        let by_store = include_str!("../../../../../sql/reports/daily_off_list_stores.sql");
        let by_store = self.answer(&[&rows], by_store).await?;
        let (mut all, mut stores) = (OffListSold::default(), Vec::new());
        for line in by_store.lines() {
            let sold = sold(line)?;
            match line.text("part")?.as_deref() {
                Some("all") => all = sold,
                _ => {
                    let store = store_of(line)?;
                    stores.push(OffListStore { store, manager: manager_of(managers, store), sold });
                }
            }
        }
        let by_person = include_str!("../../../../../sql/reports/daily_off_list_persons.sql");
        let by_person = self.answer(&[&rows, person_day], by_person).await?;
        let mut persons = top(&by_person, |line| {
            let (person, name) = (line.count("sales_person_id")?, line.text("full_name")?);
            Ok(OffListPerson { person, name, store: store_of(line)?, sold: sold(line)? })
        })?;
        if !is_one_store {
            persons.first.truncate(OffList::PERSONS_SHOWN);
        }
        Ok(OffList { all, stores, persons })
    }
}

fn sold(line: Line<'_>) -> Result<OffListSold> {
    Ok(OffListSold {
        below_sales: line.count("below_sales")?,
        above_sales: line.count("above_sales")?,
        below: line.number("below")?,
        above: line.number("above")?,
        difference: line.number("difference")?,
    })
}
