//! From everybody's figures to who gets a coupon.

use crate::{Figures, HoldOut, Month, Rule, Scale};
use std::collections::{HashMap, HashSet};

/// A customer who gets a coupon, and the money that decided the place in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The customer.
    pub customer_id: i64,
    /// Spend in cents in the time that the rule looks at.
    pub money_cents: i64,
}

/// What came of a rule. Everybody who fits is counted once: `fits` is the sum of the others and of `given`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picked {
    /// Customers that the rule is about.
    pub fits: u64,
    /// Of these, those who are not in the customer table: nobody could be written to.
    pub unknown: u64,
    /// Those whom another rule has decided on, with one coupon a customer.
    pub elsewhere: u64,
    /// Those held out.
    pub held_out: u64,
    /// Those whom the budget did not reach.
    pub cut: u64,
    /// Who gets one: most money first, then by customer.
    pub given: Vec<Given>,
}

/// Goes through everybody's figures once, and keeps who fits a rule: sixteen bytes a rule and customer.
pub struct Selector<'r> {
    rules: &'r [Rule],
    month: Month,
    scale: &'r Scale,
    fitting: Vec<(u64, Vec<Given>)>,
}

impl<'r> Selector<'r> {
    /// For these rules, in their order.
    pub fn new(rules: &'r [Rule], month: Month, scale: &'r Scale) -> Selector<'r> {
        Selector { rules, month, scale, fitting: rules.iter().map(|_| (0, Vec::new())).collect() }
    }

    /// Looks at one customer. Each is shown once.
    pub fn look(&mut self, figures: &Figures) {
        for (rule, (unknown, fitting)) in self.rules.iter().zip(&mut self.fitting) {
            match rule.who.fits(figures, self.month, self.scale) {
                Some(money_cents) if figures.is_known => {
                    fitting.push(Given { customer_id: figures.customer_id, money_cents });
                }
                Some(_) => *unknown += 1,
                None => {}
            }
        }
    }

    /// Decides, rule by rule. `issued` are the customers who have a coupon of the month already, by rule. With one coupon a
    /// customer, whoever a rule gave one to or held out is out of the question for the rules after it, and whoever has one of any
    /// other rule too. A rule that was issued before is decided as if it had not been, so that the two can be compared.
    pub fn decide(self, issued: &HashMap<String, HashSet<i64>>, hold_out: &HoldOut, one_each: bool) -> Vec<Picked> {
        let mut decided: HashSet<i64> = HashSet::new();
        let mut all = Vec::with_capacity(self.rules.len());
        for (rule, (unknown, fitting)) in self.rules.iter().zip(self.fitting) {
            let mut picked = Picked { fits: unknown + fitting.len() as u64, unknown, ..Picked::default() };
            let by_others = |customer: i64| {
                issued.iter().any(|(name, customers)| *name != rule.name && customers.contains(&customer))
            };
            for given in fitting {
                let customer = given.customer_id;
                if one_each && (decided.contains(&customer) || by_others(customer)) {
                    picked.elsewhere += 1;
                } else if hold_out.holds(customer, rule.hold_out_millionths) {
                    picked.held_out += 1;
                    decided.insert(customer);
                } else {
                    picked.given.push(given);
                }
            }
            picked.given.sort_unstable_by_key(|given| (std::cmp::Reverse(given.money_cents), given.customer_id));
            let most = usize::try_from(rule.most()).unwrap_or(usize::MAX).min(picked.given.len());
            picked.cut = (picked.given.len() - most) as u64;
            picked.given.truncate(most);
            picked.given.shrink_to_fit();
            if one_each && !issued.contains_key(&rule.name) {
                decided.extend(picked.given.iter().map(|given| given.customer_id));
            }
            all.push(picked);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Offer, Value, Who};

    fn rule(name: &str, from_cents: i64) -> Rule {
        Rule {
            name: name.to_owned(),
            who: Who::Spend { from_cents, to_cents: None },
            offer: Offer { value: Value::Amount { cents: 500 }, min_basket_cents: 0 },
            valid_days: 30,
            budget_cents: None,
            budget_coupons: None,
            hold_out_millionths: 0,
        }
    }

    fn scale() -> Scale {
        Scale { months: 12, recency_days: [1, 2, 3, 4], frequency_days: [1, 2, 3, 4], money_cents: [1, 2, 3, 4] }
    }

    /// Customer n spent n × 1.00, and those above 90 are not known.
    fn decide(rules: &[Rule], issued: &[(&str, &[i64])], one_each: bool) -> Vec<Picked> {
        let (scale, month) = (scale(), "2011-11".parse().expect("a month"));
        let mut selector = Selector::new(rules, month, &scale);
        for customer_id in 1..=100 {
            let spend_cents = customer_id * 100;
            selector.look(&Figures {
                customer_id,
                is_known: customer_id <= 90,
                spend_cents,
                before_cents: 0,
                first_purchase: None,
                last_purchase: None,
                window_days: 0,
                window_cents: 0,
                lifetime_cents: spend_cents,
            });
        }
        let issued = issued.iter().map(|(name, ids)| ((*name).to_owned(), ids.iter().copied().collect())).collect();
        let all = selector.decide(&issued, &HoldOut::new("1"), one_each);
        for picked in &all {
            let sum = picked.unknown + picked.elsewhere + picked.held_out + picked.cut + picked.given.len() as u64;
            assert_eq!(picked.fits, sum, "everybody once: {picked:?}");
        }
        all
    }

    fn ids(picked: &Picked) -> Vec<i64> {
        picked.given.iter().map(|given| given.customer_id).collect()
    }

    #[test]
    fn the_first_rule_that_fits_gives_the_one_coupon() {
        let rules = [rule("big", 8_000), rule("all", 7_500)];
        let one = decide(&rules, &[], true);
        assert_eq!((one[0].fits, one[0].unknown, ids(&one[0])), (21, 10, (80..=90).rev().collect()));
        assert_eq!((one[1].fits, one[1].elsewhere, ids(&one[1])), (26, 11, (75..=79).rev().collect()));
        let each = decide(&rules, &[], false);
        assert_eq!((each[1].elsewhere, each[1].given.len()), (0, 16));
    }

    #[test]
    fn the_smaller_budget_cuts_those_who_spent_least() {
        let mut few = rule("few", 8_000);
        (few.budget_coupons, few.budget_cents) = (Some(5), Some(100_000));
        assert_eq!(ids(&decide(&[few.clone()], &[], true)[0]), [90, 89, 88, 87, 86]);
        // 14.99 pays for two coupons of 5.00.
        few.budget_cents = Some(1_499);
        let picked = &decide(&[few.clone()], &[], true)[0];
        assert_eq!((ids(picked), picked.cut), (vec![90, 89], 9));
        few.budget_coupons = Some(0);
        let both = decide(&[few, rule("all", 8_000)], &[], true);
        assert_eq!((both[0].cut, both[1].given.len()), (11, 11), "whom a budget cut, the next rule may give one");
    }

    #[test]
    fn the_held_out_get_nothing_of_a_later_rule() {
        let mut first = rule("first", 1);
        first.hold_out_millionths = 300_000;
        let all = decide(&[first.clone(), rule("second", 1)], &[], true);
        assert!((15..=40).contains(&all[0].held_out), "{all:?}");
        assert_eq!((all[1].elsewhere, all[1].given.len()), (90, 0));
        first.hold_out_millionths = 1_000_000;
        assert_eq!(decide(&[first], &[], true)[0].held_out, 90);
    }

    #[test]
    fn what_was_issued_counts_for_the_other_rules() {
        let rules = [rule("new", 8_500), rule("issued", 8_000)];
        let all = decide(&rules, &[("issued", &[88, 12]), ("gone", &[89])], true);
        assert_eq!(ids(&all[0]), [90, 87, 86, 85], "88 has one of a later rule, 89 of one that is no more");
        assert_eq!(ids(&all[1]), [88, 84, 83, 82, 81, 80], "as it would be decided today");
        let each = decide(&rules, &[("issued", &[88, 12])], false);
        assert_eq!((each[0].given.len(), each[1].given.len()), (6, 11));
    }
}
