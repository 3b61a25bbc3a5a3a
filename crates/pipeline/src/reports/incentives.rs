//! Incentives explained: the published lines of a month, as a document.

use super::answer::{Answer, Line};
use crate::payments::LINES;
use crate::renew::TEAM;
use crate::shop::Pipeline;
use std::collections::{BTreeMap, BTreeSet};
use tillmart_database::{Dimension, TargetRange};
use tillmart_model::incentive::{Payment, Why};
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_report::{Document, IncentiveLine, Incentives};

/// Which incentives to explain.
#[derive(Debug, Clone, Default)]
pub struct IncentivesRequest {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// Only this sales person, step by step.
    pub person: Option<i64>,
    /// Only this store.
    pub store: Option<i32>,
}

impl Pipeline {
    /// How the incentives of a month came about, read from the published lines: by the plan and the managers that they were computed with.
    ///
    /// # Errors
    /// `Settings`: a month, store or person without anything to tell of. `Table`: no run has published lines yet.
    pub async fn report_incentives(&self, request: &IncentivesRequest) -> Result<Document> {
        let (figures, _) = self.of_one_moment(async || self.incentives_of(request).await).await?;
        Ok(figures.document())
    }

    /// The published lines of a month, by store, level and rank.
    pub(super) async fn payment_lines(&self, month: &str, store: Option<i32>) -> Result<Vec<IncentiveLine>> {
        let reader = self.reader(&[LINES]).await?;
        let lines = reader.rows(LINES, "lines", &[of_month(month, store)]).await?;
        let lines = self.answer(&[&lines], include_str!("../../../../sql/reports/incentive_lines.sql")).await?;
        lines.lines().map(line).collect()
    }

    async fn incentives_of(&self, request: &IncentivesRequest) -> Result<Incentives> {
        let mut lines = self.payment_lines(&request.month, request.store).await?;
        let reader = self.reader(&[TEAM]).await?;
        let team = reader.rows(TEAM, "team", &[of_month(&request.month, request.store)]).await?;
        let team = self.answer(&[&team], include_str!("../../../../sql/reports/incentive_published.sql")).await?;
        let persons = reader.dimension(Dimension::SalesTeam).await?;
        let persons = self.answer(&[&persons], include_str!("../../../../sql/reports/person_names.sql")).await?;
        let names = names(&persons)?;
        if lines.is_empty() {
            let stores = reader.dimension(Dimension::Store).await?;
            let stores = self.answer(&[&stores], include_str!("../../../../sql/reports/store_managers.sql")).await?;
            return Err(nothing_sold(request, &stores)?);
        }
        if let Some(person) = request.person {
            let stores: BTreeSet<i32> =
                lines.iter().filter(|line| line.payment.person == person).map(|line| line.store_id).collect();
            if stores.is_empty() {
                return Err(nothing_for(request, person, names.get(&person)));
            }
            // Of these stores everybody's lines: they tell the ranking.
            lines.retain(|line| stores.contains(&line.store_id));
        }
        Ok(Incentives {
            month: request.month.clone(),
            plan_today: self.options.incentive.to_string(),
            person: request.person,
            store: request.store,
            names,
            lines,
            published: sums(&team)?,
        })
    }
}

/// Published rows of a month, of one store or of all.
pub(super) fn of_month(month: &str, store: Option<i32>) -> TargetRange {
    TargetRange {
        column: "sales_month".to_owned(),
        first: month.to_owned(),
        last: month.to_owned(),
        only: store.map(|store| ("store_id".to_owned(), i64::from(store))),
    }
}

fn line(line: Line<'_>) -> Result<IncentiveLine> {
    let small = |name: &str| line.count(name).map(|number| u32::try_from(number).unwrap_or(0));
    let text = |name: &str| line.text(name).map(Option::unwrap_or_default);
    let (why, rate) = (text("why")?, line.count("rate_millionths")?);
    let payment = Payment {
        person: line.count("sales_person_id")?,
        seller: line.count("seller_id")?,
        level: small("level")?,
        why: Why::from_word(&why).ok_or_else(|| unlike(&why))?,
        place: small("place")?,
        ranked: small("ranked")?,
        sharers: small("sharers")?,
        basis: line.number("basis")?,
        rate: (rate >= 0).then_some(rate),
        payment: line.number("payment")?,
        share: line.number("share")?,
        paid: line.number("paid")?,
    };
    Ok(IncentiveLine { store_id: store_id(line)?, payment, plan: text("plan")? })
}

fn store_id(line: Line<'_>) -> Result<i32> {
    line.count("store_id").map(|store| i32::try_from(store).unwrap_or(0))
}

fn sums(team: &Answer) -> Result<BTreeMap<(i32, i64), i128>> {
    let sum = |line: Line<'_>| Ok(((store_id(line)?, line.count("sales_person_id")?), line.number("incentive")?));
    team.lines().map(sum).collect()
}

fn names(persons: &Answer) -> Result<BTreeMap<i64, String>> {
    let name = |line: Line<'_>| Ok((line.count("id")?, line.text("full_name")?.unwrap_or_default()));
    persons.lines().map(name).collect()
}

fn nothing_sold(request: &IncentivesRequest, stores: &Answer) -> Result<Fault> {
    let month = &request.month;
    let Some(store) = request.store else {
        return Ok(Fault::new(FaultKind::Settings, format!("nothing was sold in {month}"))
            .expected("a month with landed sales")
            .hint(format!("`tillmart query \"SELECT DISTINCT sales_month FROM {LINES} ORDER BY 1\"` lists them")));
    };
    let known = stores.lines().map(|line| line.count("store_id")).collect::<Result<BTreeSet<_>>>()?;
    Ok(match known.contains(&i64::from(store)) {
        true => Fault::new(FaultKind::Settings, format!("store {store} sold nothing in {month}"))
            .hint("without --store the report tells of every store that sold something"),
        false => Fault::new(FaultKind::Settings, format!("there is no store {store}"))
            .expected("the id of a row of the table store")
            .hint("`tillmart query \"SELECT id, store_manager_name FROM store\"` lists them"),
    })
}

fn nothing_for(request: &IncentivesRequest, person: i64, name: Option<&String>) -> Fault {
    let Some(name) = name else {
        return Fault::new(FaultKind::Settings, format!("there is no sales person {person}"))
            .expected("the id of a row of the table sales_team")
            .hint("`tillmart query \"SELECT id, first_name, last_name FROM sales_team\"` lists them");
    };
    let called = if name.is_empty() { person.to_string() } else { format!("{name} ({person})") };
    let place = request.store.map(|store| format!(" in store {store}")).unwrap_or_default();
    let what = format!("{called} sold nothing{place} in {}, and is paid for nobody else's sales", request.month);
    Fault::new(FaultKind::Settings, what).hint("without --person the report tells of everybody who sold something")
}

fn unlike(why: &str) -> Fault {
    Fault::new(FaultKind::Mart, format!("{LINES} holds a line that is none of a payment"))
        .expected(Why::ALL.map(Why::word).join(", "))
        .found(why)
        .hint("a file in the marts folder that takes its place must keep its columns")
}
