//! The report of incentives: who is paid what in each store of a month, or for one person how each cent came about, so that it can be
//! checked with a pocket calculator.

mod in_short;
mod steps;
#[cfg(test)]
mod tests;

use crate::document::{Column, Document, Fact, Figure, Note, Row, Section, Table, Value};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use steps::steps;

pub(crate) use in_short::in_short;
use tillmart_model::incentive::Payment;

/// What is known of a month's incentives.
#[derive(Debug, Clone, Default)]
pub struct Incentives {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// Today's plan, as text.
    pub plan_today: String,
    /// Whose payments are explained; everybody's are listed without.
    pub person: Option<i64>,
    /// The one store it is about.
    pub store: Option<i32>,
    /// Names of sales persons.
    pub names: BTreeMap<i64, String>,
    /// Published lines of the month, every line of each store that is told of.
    pub lines: Vec<IncentiveLine>,
    /// What `sales_team_data_mart` says in cents, by store and person.
    pub published: BTreeMap<(i32, i64), i128>,
}

/// One published line.
#[derive(Debug, Clone)]
pub struct IncentiveLine {
    /// The store.
    pub store_id: i32,
    /// The line.
    pub payment: Payment,
    /// The plan that it was computed by, as text.
    pub plan: String,
}

/// The lines of one store.
struct Store<'a> {
    id: i32,
    lines: Vec<&'a Payment>,
    plans: BTreeSet<&'a str>,
}

impl Incentives {
    /// The report.
    pub fn document(&self) -> Document {
        let stores = self.stores();
        let whom = self.person.map(|person| format!(" of {}", self.called(person)));
        let mut about = vec![Fact::new("month", "Month", Value::Month(self.month.clone()))];
        about.extend(self.person.map(|person| Fact::new("sales_person_id", "Sales person", Value::Id(person))));
        about.extend(self.store.map(|store| Fact::new("store", "Store", Value::Id(store.into()))));
        about.push(Fact::new("plan", "Plan of today", Value::text(self.plan_today.as_str())));
        let sections = match self.person {
            None => self.overview(&stores),
            Some(person) => self.explained(&stores, person),
        };
        Document {
            kind: "incentives".to_owned(),
            title: format!("Incentives{}, {}", whom.unwrap_or_default(), self.month_in_words()),
            about,
            sections,
        }
    }

    /// `March 2024`; what is no month as it is.
    fn month_in_words(&self) -> String {
        let first = NaiveDate::parse_from_str(&format!("{}-01", self.month), "%Y-%m-%d");
        first.map_or_else(|_| self.month.clone(), |first| first.format("%B %Y").to_string())
    }

    /// A person as people know them: with their id, because two may have one name.
    fn called(&self, person: i64) -> String {
        match self.names.get(&person).filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({person})"),
            None => person.to_string(),
        }
    }

    fn stores(&self) -> Vec<Store<'_>> {
        let mut stores: BTreeMap<i32, Store<'_>> = BTreeMap::new();
        for line in &self.lines {
            let id = line.store_id;
            let store = stores.entry(id).or_insert_with(|| Store { id, lines: Vec::new(), plans: BTreeSet::new() });
            store.lines.push(&line.payment);
            store.plans.insert(&line.plan);
        }
        stores.into_values().collect()
    }

    fn overview(&self, stores: &[Store<'_>]) -> Vec<Section> {
        let paid: i128 = self.lines.iter().map(|line| line.payment.paid).sum();
        let sold: i128 = self.lines.iter().filter(|line| line.payment.level == 0).map(|line| line.payment.basis).sum();
        let persons: BTreeSet<i64> =
            self.lines.iter().filter(|line| line.payment.paid > 0).map(|line| line.payment.person).collect();
        let figures = vec![
            Figure::new("incentives", "Incentives", Value::Money(paid)),
            Figure::new("persons_paid", "Persons paid", Value::Count(persons.len() as i64)),
            Figure::new("total_sales", "Net sales", Value::Money(sold)),
            Figure::new("share", "Share of net sales", Value::Money(paid).share_of(&Value::Money(sold))),
        ];
        let mut sections = vec![Section::new("summary", "All stores").with(figures)];
        for store in stores {
            let name = format!("store_{}", store.id);
            let section = Section::new(&name, format!("Store {}", store.id)).with(self.ranking(store, None));
            sections.push(self.noted(section, store));
        }
        sections
    }

    /// What everybody of a store sold and is paid.
    fn ranking(&self, store: &Store<'_>, one: Option<i64>) -> Table {
        let columns = vec![
            Column::numbers("rank", "Rank"),
            Column::numbers("sales_person_id", "Id"),
            Column::words("full_name", "Sales person"),
            Column::numbers("total_sales", "Total"),
            Column::numbers("own", "Of own sales"),
            Column::numbers("overrides", "Of others' sales"),
            Column::numbers("incentive", "Incentive"),
        ];
        let title = match one {
            None => "Who is paid what",
            Some(_) => "The ranking",
        };
        let empty = "Nobody sold anything.";
        let mut table = Table::new(&format!("ranking_{}", store.id), title, columns, empty);
        let mut overrides: BTreeMap<i64, i128> = BTreeMap::new();
        for line in store.lines.iter().filter(|line| line.level > 0) {
            *overrides.entry(line.person).or_default() += line.paid;
        }
        let mut own: Vec<&&Payment> = store.lines.iter().filter(|line| line.level == 0).collect();
        own.sort_by_key(|line| (-line.basis, line.person));
        let row = |rank: Value, person: i64, sums: [i128; 3]| {
            let [total, own, others] = sums.map(Value::Money);
            let name = self.names.get(&person).filter(|name| !name.is_empty()).map_or(Value::Missing, Value::text);
            Row::new(vec![rank, Value::Id(person), name, total, own, others, Value::Money(sums[1] + sums[2])])
        };
        let mut all = [0; 3];
        let mut add = |sums: [i128; 3]| {
            for (all, sum) in all.iter_mut().zip(sums) {
                *all += sum;
            }
        };
        for line in own {
            let rank = if line.place == 0 { Value::Missing } else { Value::Count(line.place.into()) };
            let sums = [line.basis, line.paid, overrides.remove(&line.person).unwrap_or(0)];
            add(sums);
            table.rows.push(row(rank, line.person, sums));
        }
        for (person, paid) in overrides {
            add([0, 0, paid]);
            table.rows.push(row(Value::Missing, person, [0, 0, paid]));
        }
        let [total, own, others] = all;
        let sums = [total, own, others, own + others].map(Value::Money);
        table
            .rows
            .push(Row::total([Value::Missing, Value::Missing, Value::text("All")].into_iter().chain(sums).collect()));
        table
    }

    fn explained(&self, stores: &[Store<'_>], person: i64) -> Vec<Section> {
        let paid = |store: &Store<'_>| -> i128 {
            store.lines.iter().filter(|line| line.person == person).map(|line| line.paid).sum()
        };
        let all: i128 = stores.iter().map(paid).sum();
        let figures = vec![
            Figure::new("incentive", "Incentive", Value::Money(all)),
            Figure::new("stores", "Stores", Value::Count(stores.len() as i64)),
        ];
        let mut sections = vec![Section::new("summary", "All stores").with(figures)];
        for store in stores {
            let plan = store.plans.first().copied().unwrap_or_default();
            let name = format!("store_{}", store.id);
            let section = Section::new(&name, format!("Store {}", store.id));
            let columns = vec![
                Column::words("step", "Step"),
                Column::words("how", "How"),
                Column::numbers("amount", "Amount"),
                Column::numbers("paid", "Paid"),
            ];
            let title = "Step by step";
            let mut table = Table::new(&format!("steps_{}", store.id), title, columns, "Nothing to pay for.");
            for step in steps(&store.lines, person, plan, &|person| self.called(person)) {
                table.rows.push(Row::new(vec![Value::text(step.name), Value::text(step.how), step.amount, step.paid]));
            }
            let sum = [Value::text("Incentive"), Value::Missing, Value::Missing, Value::Money(paid(store))];
            table.rows.push(Row::total(sum.to_vec()));
            let section = self.noted(section.with(table), store);
            sections.push(section.with(self.ranking(store, Some(person))));
        }
        sections
    }

    /// The section with what has to be known of its figures: the plan, and whether the published sums are these.
    fn noted(&self, mut section: Section, store: &Store<'_>) -> Section {
        for plan in &store.plans {
            section = section.with(computed_by("Plan", plan, &self.plan_today));
        }
        let mut sums: BTreeMap<i64, i128> = BTreeMap::new();
        for line in &store.lines {
            *sums.entry(line.person).or_default() += line.paid;
        }
        for (person, sum) in sums {
            let published = self.published.get(&(store.id, person)).copied();
            if published != Some(sum) {
                section = section.with(unlike_the_team(&self.called(person)));
            }
        }
        section
    }
}

/// The plan that payments were computed by; `whose` says of what: `Plan`.
pub(crate) fn computed_by(whose: &str, plan: &str, plan_today: &str) -> Note {
    Note::plain(match plan == plan_today {
        true => format!("{whose}: {plan}."),
        false => format!(
            "{whose}: {plan}. It is the plan that this month was computed by, and not today's; `tillmart incentives renew` computes a \
             month anew."
        ),
    })
}

/// That lines and sums of a person's payment differ.
pub(crate) fn unlike_the_team(called: &str) -> Note {
    Note::warning(format!(
        "The payment of {called} is not what sales_team_data_mart says: do not pay by either before `tillmart verify` has explained it."
    ))
}
