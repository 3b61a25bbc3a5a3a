//! What PRODUCT's rules make of a history of deliveries, in plain maps and whole cents: written from the rules alone,
//! so that it shares no line and no mistake with the pipeline.

use crate::project::{Days, Spend, Team};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use tillmart_model::Ties;

/// How a row is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoilt {
    NegativePrice,
    BadQuantity,
    WrongTotal,
}

/// One row of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sale {
    pub(crate) customer: Option<i64>,
    pub(crate) store: i32,
    pub(crate) person: i64,
    pub(crate) day: NaiveDate,
    /// In ten-thousandths.
    pub(crate) price: i128,
    pub(crate) quantity: i128,
    pub(crate) spoilt: Option<Spoilt>,
}

impl Sale {
    /// price × quantity, half a cent away from zero.
    pub(crate) fn cents(&self) -> i128 {
        rounded(self.price * self.quantity, 100)
    }

    fn month(&self) -> String {
        self.day.format("%Y-%m").to_string()
    }
}

fn rounded(value: i128, unit: i128) -> i128 {
    (value.abs() + unit / 2) / unit * value.signum()
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Landed,
    Duplicate,
    Rejected,
    Revoked,
}

impl Fate {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Fate::Landed => "landed",
            Fate::Duplicate => "duplicate",
            Fate::Rejected => "rejected",
            Fate::Revoked => "revoked",
        }
    }
}

/// A source file as it waits in the incoming area.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sales: Vec<Sale>,
}

/// A source file that was claimed; its id is its place plus one.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) file: File,
    pub(crate) fate: Fate,
    /// By row: whether it is in the marts, if the file is.
    pub(crate) landed: Vec<bool>,
}

impl Delivered {
    pub(crate) fn rows(&self) -> u64 {
        self.landed.iter().filter(|landed| **landed).count() as u64
    }

    pub(crate) fn cents(&self) -> i128 {
        self.landed_sales().map(Sale::cents).sum()
    }

    fn landed_sales(&self) -> impl Iterator<Item = &Sale> {
        self.file.sales.iter().zip(&self.landed).filter(|(_, landed)| **landed).map(|(sale, _)| sale)
    }
}

/// The rules of one project.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) replace: bool,
    pub(crate) batch_files_max: usize,
    pub(crate) max_reject_millionths: u128,
    pub(crate) rate_millionths: i128,
    pub(crate) ties: Ties,
    pub(crate) top: usize,
}

/// A person with a name in two parts, either of which may be blank.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) first: String,
    pub(crate) last: String,
}

impl Person {
    fn full_name(&self) -> String {
        let parts: Vec<&str> =
            [&self.first, &self.last].into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}

/// Everything that happened so far.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) rules: Rules,
    pub(crate) known_customers: BTreeMap<i64, Person>,
    pub(crate) sales_team: BTreeMap<i64, Person>,
    pub(crate) files: Vec<Delivered>,
}

impl Expected {
    /// A run over what waits.
    pub(crate) fn run(&mut self, waiting: &BTreeMap<String, File>) {
        let files: Vec<File> = waiting.values().cloned().collect();
        for batch in files.chunks(self.rules.batch_files_max) {
            self.batch(batch);
        }
    }

    fn batch(&mut self, batch: &[File]) {
        let mut known: BTreeSet<Vec<u8>> = self.landed().map(|(_, old)| old.file.bytes.clone()).collect();
        let mut decided = Vec::new();
        for file in batch {
            let mut landed = vec![false; file.sales.len()];
            let fate = if known.contains(&file.bytes) {
                Fate::Duplicate
            } else if self.is_rejected(file) {
                Fate::Rejected
            } else {
                known.insert(file.bytes.clone());
                landed = file.sales.iter().map(|sale| self.lands(sale)).collect();
                Fate::Landed
            };
            decided.push(Delivered { file: file.clone(), fate, landed });
        }
        if self.rules.replace {
            for new in decided.iter().filter(|new| new.fate == Fate::Landed) {
                let old = self.landed().filter(|(_, old)| old.file.path == new.file.path).last().map(|(id, _)| id);
                if let Some(old) = old {
                    self.revoke(&[old]);
                }
            }
        }
        self.files.extend(decided);
    }

    fn lands(&self, sale: &Sale) -> bool {
        sale.spoilt.is_none() && sale.customer.is_none_or(|customer| self.known_customers.contains_key(&customer))
    }

    /// Orphans do not count.
    fn is_rejected(&self, file: &File) -> bool {
        let spoilt = file.sales.iter().filter(|sale| sale.spoilt.is_some()).count() as u128;
        spoilt * 1_000_000 > file.sales.len() as u128 * self.rules.max_reject_millionths
    }

    /// Ids and files whose rows are in the marts.
    pub(crate) fn landed(&self) -> impl Iterator<Item = (i64, &Delivered)> {
        (1..).zip(&self.files).filter(|(_, file)| file.fate == Fate::Landed)
    }

    pub(crate) fn revoke(&mut self, ids: &[i64]) {
        for (id, file) in (1..).zip(&mut self.files) {
            if ids.contains(&id) {
                file.fate = Fate::Revoked;
            }
        }
    }

    /// A replay of the rejects of these files, or of all.
    pub(crate) fn replay(&mut self, ids: &[i64]) {
        let lands: Vec<Vec<bool>> =
            self.files.iter().map(|file| file.file.sales.iter().map(|sale| self.lands(sale)).collect()).collect();
        for ((id, file), lands) in (1..).zip(&mut self.files).zip(lands) {
            if file.fate == Fate::Landed && (ids.is_empty() || ids.contains(&id)) {
                file.landed = lands;
            }
        }
    }

    fn sales(&self) -> impl Iterator<Item = &Sale> {
        self.landed().flat_map(|(_, file)| file.landed_sales())
    }

    pub(crate) fn spend(&self) -> Spend {
        let mut spend = Spend::new();
        for sale in self.sales() {
            let Some(customer) = sale.customer else { continue };
            let person = &self.known_customers[&customer];
            let row = spend.entry((customer, format!("{}-01", sale.month()))).or_insert_with(|| {
                (person.full_name(), Some(format!("{customer} Mill Lane")), Some(format!("0{customer}")), 0)
            });
            row.3 += sale.cents();
        }
        spend
    }

    /// What was sold on each day, by what `about` says of a sale.
    pub(crate) fn days(&self, about: impl Fn(&Sale) -> String, tells_anonymous: bool) -> Days {
        let mut days = Days::new();
        for sale in self.sales() {
            let figures = days.entry((sale.day.to_string(), about(sale))).or_insert_with(|| vec![0; 9]);
            let (money, units) = (sale.cents(), sale.quantity);
            let (is_return, is_anonymous) = (units < 0, sale.customer.is_none());
            let added = match is_return {
                false => [1, 0, money, 0, money, units, 0, i128::from(is_anonymous)],
                true => [0, 1, 0, money, money, 0, units, 0],
            };
            figures.iter_mut().zip(added).for_each(|(figure, added)| *figure += added);
            figures[8] += if is_anonymous { money } else { 0 };
        }
        if !tells_anonymous {
            days.values_mut().for_each(|figures| figures.truncate(7));
        }
        days
    }

    pub(crate) fn team(&self) -> Team {
        let mut places: BTreeMap<(i32, String), BTreeMap<i64, i128>> = BTreeMap::new();
        for sale in self.sales() {
            *places.entry((sale.store, sale.month())).or_default().entry(sale.person).or_default() += sale.cents();
        }
        let mut team = Team::new();
        for ((store, month), totals) in places {
            for (person, total) in &totals {
                let incentive = self.incentive(&totals, *person, *total);
                let name = self.sales_team[person].full_name();
                team.insert((store, *person, month.clone()), (name, *total, incentive));
            }
        }
        team
    }

    fn incentive(&self, totals: &BTreeMap<i64, i128>, person: i64, total: i128) -> i128 {
        let better = totals.values().filter(|other| **other > total).count();
        if total <= 0 || better >= self.rules.top {
            return 0;
        }
        let payment = rounded(total * self.rules.rate_millionths, 1_000_000);
        let sharers: Vec<i64> =
            totals.iter().filter(|(_, other)| **other == total).map(|(person, _)| *person).collect();
        match self.rules.ties {
            Ties::All => payment,
            Ties::Split => {
                let place = sharers.iter().position(|sharer| *sharer == person).expect("among the sharers") as i128;
                let count = sharers.len() as i128;
                payment / count + i128::from(place < payment % count)
            }
        }
    }
}
