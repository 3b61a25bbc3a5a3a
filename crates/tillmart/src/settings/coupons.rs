//! Coupon rules, from their keys: what single keys cannot judge is judged here.

use super::Settings;
use super::keys::{self, Key, RULES};
use super::layers::{Layers, Origin};
use super::secret::SecretText;
use super::servers::Asked;
use super::values::{self, Complaint, Raw, Read};
use crate::secrets::{Keyring, known};
use std::collections::BTreeSet;
use tillmart_coupon::{Offer, Points, Rule, SECRET_BYTES_MIN, Scale, Secrets, Value, Who};
use tillmart_model::{Fault, FaultKind, Result, Secret};
use toml_edit::{Item, TableLike};

/// Coupons: the secret of their codes, and the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CouponSettings {
    /// What codes are made with.
    pub(crate) secret: SecretText,
    /// Secrets of before, one a line.
    pub(crate) former_secrets: SecretText,
    /// At most one coupon for a customer and month.
    pub(crate) one_per_customer: bool,
    /// The draw of the hold-out.
    pub(crate) hold_out_seed: String,
    /// How the score counts.
    pub(crate) scale: Scale,
    /// The rules, in the order in which they come.
    pub(crate) rules: Vec<Rule>,
}

/// What `who` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhoWord {
    /// A tier of spend.
    Spend,
    /// A drop against the months before.
    Drop,
    /// A first purchase.
    FirstPurchase,
    /// No purchase for days.
    Lapsed,
    /// Points.
    Score,
}

/// The words of `who`, and the keys that go with each.
const WHO: [(&str, WhoWord, &[&str]); 5] = [
    ("spend", WhoWord::Spend, &["spend_from", "spend_to"]),
    ("drop", WhoWord::Drop, &["drop"]),
    ("first_purchase", WhoWord::FirstPurchase, &[]),
    ("lapsed", WhoWord::Lapsed, &["days", "days_to"]),
    ("score", WhoWord::Score, &["recency", "frequency", "money"]),
];

/// One of the words.
pub(super) fn who_word(raw: &Raw) -> Read<WhoWord> {
    values::word(raw, &WHO.map(|(word, who, _)| (word, who)))
}

/// Four values, each above the one before.
pub(super) fn steps<T: Copy + PartialOrd>(raw: &Raw, read: impl Fn(&Raw) -> Read<T>) -> Read<[T; 4]> {
    let complaint = || Complaint::new("a list of four values, each above the one before");
    let items = raw.items().ok_or_else(complaint)?;
    let values = items.iter().map(read).collect::<Read<Vec<T>>>()?;
    let steps: [T; 4] = values.try_into().map_err(|_| complaint())?;
    if steps.windows(2).all(|two| two[0] < two[1]) { Ok(steps) } else { Err(complaint()) }
}

/// A list of points.
pub(super) fn points(raw: &Raw) -> Read<Points> {
    let complaint = || Complaint::new("a list of points from 1 to 5, such as [4, 5]");
    let items = raw.items().ok_or_else(complaint)?;
    let points = items.iter().map(|item| values::whole(item, 1..=5)).collect::<Read<Vec<u32>>>();
    points.ok().and_then(|points| Points::new(&points)).ok_or_else(complaint)
}

/// A share above 0.
pub(super) fn some_share(raw: &Raw) -> Read<u32> {
    let share = values::share_of(raw)?;
    if share > 0 { Ok(share) } else { Err(Complaint::new("a share above 0")) }
}

/// A share above 0 and below 1.
pub(super) fn part(raw: &Raw) -> Read<u32> {
    let mut complaint = Complaint::new("a share above 0 and below 100 %");
    complaint.hint = Some("who bought nothing at all is found by who = \"lapsed\"".to_owned());
    let share = values::share_of(raw)?;
    if (1..1_000_000).contains(&share) { Ok(share) } else { Err(complaint) }
}

/// Money above 0.
pub(super) fn some_money(raw: &Raw) -> Read<i64> {
    let cents = values::cents(raw)?;
    if cents > 0 { Ok(cents) } else { Err(Complaint::new("an amount above 0")) }
}

/// The names of the coupon rules that a file speaks of, in whatever environment; those that can be used.
pub(super) fn rules_in(root: &dyn TableLike) -> BTreeSet<String> {
    let below = |table: &dyn TableLike, names: &mut BTreeSet<String>| {
        let rules = table.get("coupons").and_then(Item::as_table_like).and_then(|coupons| coupons.get("rules"));
        for (name, _) in rules.and_then(Item::as_table_like).iter().flat_map(|rules| rules.iter()) {
            if values::name(&Raw::Text(name.to_owned())).is_ok() {
                names.insert(name.to_owned());
            }
        }
    };
    let mut names = BTreeSet::new();
    below(root, &mut names);
    let environments = root.get("env").and_then(Item::as_table_like);
    for (_, environment) in environments.iter().flat_map(|environments| environments.iter()) {
        if let Some(table) = environment.as_table_like() {
            below(table, &mut names);
        }
    }
    names
}

/// The names of the rules in effect, in the order of the file; those of an environment alone come behind.
pub(super) fn rule_names(layers: &Layers) -> Vec<String> {
    let below = format!("{RULES}.");
    let rules = layers.tables().filter_map(|(path, origin)| Some((path.strip_prefix(&below)?, origin)));
    let mut rules: Vec<_> = rules
        .map(|(name, origin)| match origin {
            Origin::File { environment, line, column } => ((environment.is_some(), *line, *column), name),
            Origin::Variable(_) => ((true, u64::MAX, 0), name),
        })
        .collect();
    rules.sort_unstable();
    rules.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Coupons, from all layers. Faults between keys are left with the layers.
pub(super) fn coupons(layers: &mut Layers) -> Result<CouponSettings> {
    let settings = CouponSettings {
        secret: layers.get(&keys::COUPON_SECRET)?,
        former_secrets: layers.get(&keys::COUPON_FORMER_SECRETS)?,
        one_per_customer: layers.get(&keys::ONE_PER_CUSTOMER)?,
        hold_out_seed: layers.get(&keys::HOLD_OUT_SEED)?,
        scale: Scale {
            months: layers.get(&keys::SCORE_MONTHS)?,
            recency_days: layers.get(&keys::SCORE_RECENCY)?,
            frequency_days: layers.get(&keys::SCORE_FREQUENCY)?,
            money_cents: layers.get(&keys::SCORE_MONEY)?,
        },
        rules: rule_names(layers).iter().filter_map(|name| rule(layers, name)).collect(),
    };
    let former = "coupons.former_secrets";
    if settings.secret == SecretText::Unset && settings.former_secrets != SecretText::Unset && layers.sound(&[former]) {
        layers.refuse(former, Complaint::new("a coupons.secret to come after them"));
    }
    Ok(settings)
}

/// A rule that is being read.
struct Reading<'a> {
    layers: &'a mut Layers,
    name: &'a str,
}

impl Reading<'_> {
    fn path(&self, key: &str) -> String {
        format!("{RULES}.{}.{key}", self.name)
    }

    fn get<T>(&self, key: &Key<T>) -> Option<T> {
        self.layers.get_at(key, &key.spec.path.replace('*', self.name))
    }

    fn states(&self, key: &str) -> bool {
        self.layers.states(&self.path(key))
    }

    /// The value of a key that must be stated.
    fn need<T>(&mut self, key: &Key<T>, why: &str) -> Option<T> {
        let value = self.get(key);
        let name = key.spec.path.rsplit('.').next().unwrap_or_default();
        if !self.states(name) {
            let table = format!("{RULES}.{}", self.name);
            self.layers.refuse_table(&table, Complaint::new(format!("`{name}`{why}: {}", key.spec.unit)));
        }
        value
    }

    /// Refuses a key that has no place here.
    fn refuse(&mut self, key: &str, expected: &str) {
        if self.layers.sound(&[&self.path(key)]) {
            self.layers.refuse(&self.path(key), Complaint::new(expected));
        }
    }
}

/// One rule; `None` where it is wrong, which the layers tell.
fn rule(layers: &mut Layers, name: &str) -> Option<Rule> {
    let mut reading = Reading { layers, name };
    // Each is asked for, whether another is missing or not: all faults are told at once.
    let (who, offer) = (who(&mut reading), offer(&mut reading));
    let valid_days = reading.need(&keys::RULE_VALID_DAYS, "");
    let rule = Rule {
        name: name.to_owned(),
        who: who?,
        offer: offer?,
        valid_days: valid_days?,
        budget_cents: reading.get(&keys::RULE_BUDGET),
        budget_coupons: reading.get(&keys::RULE_BUDGET_COUPONS).map(u64::from),
        hold_out_millionths: reading.get(&keys::RULE_HOLD_OUT).unwrap_or_default(),
    };
    if rule.most() == 0 {
        reading.refuse("budget", "at least what one coupon may cost");
    }
    Some(rule)
}

fn who(reading: &mut Reading<'_>) -> Option<Who> {
    let word = reading.need(&keys::RULE_WHO, "")?;
    for (_, _, keys) in WHO.iter().filter(|(_, other, _)| *other != word) {
        for key in keys.iter().filter(|key| reading.states(key)).copied().collect::<Vec<_>>() {
            let own = WHO.iter().find(|(_, _, keys)| keys.contains(&key)).map_or("", |(name, _, _)| name);
            reading.refuse(key, &format!("no such key: it goes with who = {own:?}"));
        }
    }
    match word {
        WhoWord::Spend => {
            let from_cents = reading.get(&keys::RULE_SPEND_FROM).unwrap_or_default();
            let to_cents = reading.get(&keys::RULE_SPEND_TO);
            if to_cents.is_some_and(|to| to <= from_cents) {
                reading.refuse("spend_to", "more than spend_from");
            }
            Some(Who::Spend { from_cents, to_cents })
        }
        WhoWord::Drop => Some(Who::Drop { millionths: reading.need(&keys::RULE_DROP, " with who = \"drop\"")? }),
        WhoWord::FirstPurchase => Some(Who::FirstPurchase),
        WhoWord::Lapsed => {
            let days = reading.need(&keys::RULE_DAYS, " with who = \"lapsed\"")?;
            let days_to = reading.get(&keys::RULE_DAYS_TO);
            if days_to.is_some_and(|to| to <= days) {
                reading.refuse("days_to", "more than days");
            }
            Some(Who::Lapsed { days, days_to })
        }
        WhoWord::Score => {
            let all = |points: Option<Points>| points.unwrap_or(Points::ALL);
            Some(Who::Score {
                recency: all(reading.get(&keys::RULE_RECENCY)),
                frequency: all(reading.get(&keys::RULE_FREQUENCY)),
                money: all(reading.get(&keys::RULE_MONEY)),
            })
        }
    }
}

fn offer(reading: &mut Reading<'_>) -> Option<Offer> {
    let value = match (reading.states("percent"), reading.states("amount")) {
        (true, true) => {
            reading.refuse("amount", "either percent or amount, not both");
            None
        }
        (false, false) => {
            let table = format!("{RULES}.{}", reading.name);
            reading.layers.refuse_table(&table, Complaint::new("`percent` or `amount`: what the coupon gives off"));
            None
        }
        (true, false) => {
            let most = reading.need(&keys::RULE_MAX_DISCOUNT, " with percent");
            let millionths = reading.get(&keys::RULE_PERCENT);
            millionths
                .zip(most)
                .map(|(millionths, max_discount_cents)| Value::Percent { millionths, max_discount_cents })
        }
        (false, true) => {
            if reading.states("max_discount") {
                reading.refuse("max_discount", "no such key: it goes with percent");
            }
            reading.get(&keys::RULE_AMOUNT).map(|cents| Value::Amount { cents })
        }
    };
    Some(Offer { value: value?, min_basket_cents: reading.get(&keys::RULE_MIN_BASKET).unwrap_or_default() })
}

impl Settings {
    /// The secrets of coupon codes; `None` where none is set.
    ///
    /// # Errors
    /// `Settings`, with the place of each secret that cannot be had or is too short.
    pub(crate) fn coupon_secrets(&self, keys: &mut Keyring) -> Result<Option<Secrets>> {
        let mut asked = Asked::of(self, keys);
        let current = asked.secret("coupons.secret", &self.coupons.secret);
        let former = asked.secret("coupons.former_secrets", &self.coupons.former_secrets);
        let (current, former) = asked.end((current, former))?;
        let Some(current) = current else { return Ok(None) };
        let lines = former.as_ref().map_or("", Secret::reveal).lines().map(str::trim).filter(|line| !line.is_empty());
        let former: Vec<Secret> = lines.map(Secret::new).collect();
        former.iter().for_each(known::remember);
        Secrets::new(&current, &former).map(Some).map_err(|which| {
            let (setting, which) = match which {
                0 => ("coupons.secret", "it".to_owned()),
                line => ("coupons.former_secrets", format!("its secret {line}")),
            };
            let fault = Fault::new(FaultKind::Settings, format!("`{setting}` is too short"))
                .expected(format!("{SECRET_BYTES_MIN} characters or more that nobody can guess"))
                .found(format!("{which} has fewer"))
                .hint("make one with `openssl rand -base64 24`, and keep the old one in coupons.former_secrets");
            match self.origins.get(setting) {
                Some(origin) => origin.place(fault, &self.file),
                None => fault,
            }
        })
    }
}
