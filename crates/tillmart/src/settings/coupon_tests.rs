//! Coupon rules as a person writes them.

use super::keys::rule_paths;
use super::*;
use crate::secrets::Keyring;
use crate::secrets::master::Which;
use tillmart_coupon::{Offer, Points, Rule, Value, Who};

fn read_with(text: &str, environment: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse(Path::new("shop"), "tillmart.toml", text, environment, variables)
}

/// The faults, each as place and headline.
fn told(text: &str) -> Vec<String> {
    let fault = read_with(text, None, &[]).expect_err("wrong settings");
    let headline = |fault: &Fault| format!("{} {}", fault.place.as_ref().expect("a place"), fault.what);
    std::iter::once(&fault).chain(&fault.others).map(headline).collect()
}

const FOUR: &str = "\
[coupons.rules.zeal]
who = \"spend\"
spend_from = 500
spend_to = \"1000.00\"
percent = \"10 %\"
max_discount = \"20.00\"
min_basket = 50.5
valid_days = 30
budget = \"5000.00\"
budget_coupons = 100
hold_out = \"10 %\"

[coupons.rules.back]
who = \"lapsed\"
days = 90
amount = 5
valid_days = 0

[coupons.rules.cell]
who = \"score\"
recency = [1, 2]
money = [5]
amount = 5
valid_days = 7

[coupons.rules.less]
who = \"drop\"
drop = 0.3
amount = 5
valid_days = 7
";

#[test]
fn rules_are_read_in_the_order_of_the_file() {
    let settings = read_with(FOUR, None, &[]).expect("right");
    let coupons = &settings.coupons;
    let names: Vec<&str> = coupons.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["zeal", "back", "cell", "less"]);
    let value = Value::Percent { millionths: 100_000, max_discount_cents: 2_000 };
    let zeal = Rule {
        name: "zeal".to_owned(),
        who: Who::Spend { from_cents: 50_000, to_cents: Some(100_000) },
        offer: Offer { value, min_basket_cents: 5_050 },
        valid_days: 30,
        budget_cents: Some(500_000),
        budget_coupons: Some(100),
        hold_out_millionths: 100_000,
    };
    assert_eq!(coupons.rules[0], zeal);
    assert_eq!(coupons.rules[1].who, Who::Lapsed { days: 90, days_to: None });
    assert_eq!(coupons.rules[1].offer, Offer { value: Value::Amount { cents: 500 }, min_basket_cents: 0 });
    let points = |points: &[u32]| Points::new(points).expect("points");
    let cell = Who::Score { recency: points(&[1, 2]), frequency: Points::ALL, money: points(&[5]) };
    assert_eq!((&coupons.rules[2].who, &coupons.rules[3].who), (&cell, &Who::Drop { millionths: 300_000 }));
    assert!(coupons.one_per_customer);
    assert_eq!((coupons.scale.months, coupons.scale.money_cents), (12, [5_000, 20_000, 50_000, 100_000]));
    assert_eq!(rule_paths("x").len(), 17, "a rule with every key is above or below");
}

#[test]
fn environments_and_variables_are_laid_on_top_of_rules() {
    let text = format!(
        "{FOUR}\n[env.qa.coupons.rules.back]\ndays = 30\n[env.qa.coupons.rules.again]\nwho = \"first_purchase\"\namount = 1\n\
         valid_days = 1\n"
    );
    let variables = [("TILLMART_COUPONS_RULES_ZEAL_BUDGET", "70.00"), ("TILLMART_COUPONS_RULES_CELL_MONEY", "3,4")];
    let rules = read_with(&text, Some("qa"), &variables).expect("right").coupons.rules;
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["zeal", "back", "cell", "less", "again"]);
    assert_eq!((rules[0].budget_cents, &rules[1].who), (Some(7_000), &Who::Lapsed { days: 30, days_to: None }));
    let money = Points::new(&[3, 4]).expect("points");
    assert!(matches!(rules[2].who, Who::Score { money: found, .. } if found == money));
    assert_eq!(
        read_with(&text, None, &[]).expect("right").coupons.rules.len(),
        4,
        "another environment's rule is none"
    );
    let unknown = read_with(FOUR, None, &[("TILLMART_COUPONS_RULES_ZEAL_BUGDET", "1")]).expect_err("a typo");
    assert!(unknown.to_string().contains("TILLMART_COUPONS_RULES_ZEAL_BUDGET"), "{unknown}");
}

#[test]
fn every_fault_of_a_rule_is_told_at_once_with_its_place() {
    let text = "\
[coupons]
one_per_custmer = true
[coupons.score]
money = [3, 2, 1, 0]
recency_days = [1, 2, 3]
[coupons.rules.a]
who = \"spent\"
percent = \"10 %\"
valid_days = -1
spendfrom = 3
[coupons.rules.b]
who = \"drop\"
drop = \"100 %\"
days = 3
amount = \"0.00\"
percent = \"1 %\"
[coupons.rules.\"Big Ones\"]
who = \"spend\"
[coupons.rules.c]
[coupons.rules.d]
who = \"lapsed\"
days = 9
days_to = 9
amount = 5
max_discount = 5
budget = 4.99
valid_days = 1
";
    assert_eq!(
        told(text),
        [
            "tillmart.toml:2:1 unknown key `coupons.one_per_custmer`",
            "tillmart.toml:4:9 `coupons.score.money` is wrong",
            "tillmart.toml:5:16 `coupons.score.recency_days` is wrong",
            "tillmart.toml:6:16 [coupons.rules.a] is not complete",
            "tillmart.toml:7:7 `coupons.rules.a.who` is wrong",
            "tillmart.toml:9:14 `coupons.rules.a.valid_days` is wrong",
            "tillmart.toml:10:1 unknown key `coupons.rules.a.spendfrom`",
            "tillmart.toml:11:16 [coupons.rules.b] is not complete",
            "tillmart.toml:13:8 `coupons.rules.b.drop` is wrong",
            "tillmart.toml:14:8 `coupons.rules.b.days` is wrong",
            "tillmart.toml:15:10 `coupons.rules.b.amount` is wrong",
            "tillmart.toml:17:16 a coupon rule has a name that cannot be used",
            "tillmart.toml:19:16 [coupons.rules.c] is not complete",
            "tillmart.toml:19:16 [coupons.rules.c] is not complete",
            "tillmart.toml:19:16 [coupons.rules.c] is not complete",
            "tillmart.toml:23:11 `coupons.rules.d.days_to` is wrong",
            "tillmart.toml:25:16 `coupons.rules.d.max_discount` is wrong",
            "tillmart.toml:26:10 `coupons.rules.d.budget` is wrong",
        ]
    );
    let fault = read_with(text, None, &[]).expect_err("wrong").to_string();
    for words in ["did you mean `one_per_customer`?", "did you mean \"spend\"?", "did you mean `spend_from`?"] {
        assert!(fault.contains(words), "{words}: {fault}");
    }
}

#[test]
fn keys_of_a_rule_that_contradict_each_other_are_told() {
    let rule = |more: &str| format!("[coupons.rules.x]\nvalid_days = 1\n{more}");
    for (more, expected) in [
        ("who = \"spend\"\nspend_from = 5\nspend_to = 5\namount = 1", "more than spend_from"),
        ("who = \"spend\"\namount = 1\npercent = \"1 %\"", "either percent or amount, not both"),
        ("who = \"spend\"\npercent = \"1 %\"", "`max_discount` with percent"),
        ("who = \"spend\"\nrecency = [1]\namount = 1", "it goes with who = \"score\""),
        ("who = \"lapsed\"\namount = 1", "`days` with who = \"lapsed\""),
        ("who = \"drop\"\namount = 1", "`drop` with who = \"drop\""),
        ("who = \"score\"\nmoney = []\namount = 1", "a list of points from 1 to 5"),
        ("who = \"spend\"\npercent = \"0 %\"\nmax_discount = 1", "a share above 0"),
        ("amount = 1", "`who`: \"spend\", \"drop\""),
    ] {
        let fault = read_with(&rule(more), None, &[]).expect_err(more).to_string();
        assert!(fault.contains(expected), "{more}: {fault}");
        assert!(!fault.contains("\n\nerror"), "one fault: {more}: {fault}");
    }
    for wrong in ["coupons = 3", "[coupons]\nrules = 3", "[coupons.rules]\nx = 3", "[[coupons.rules.x]]"] {
        assert!(told(wrong)[0].contains("tillmart.toml:"), "{wrong}");
    }
}

#[test]
fn secrets_of_codes_are_read_and_measured() {
    let secrets = |text: &str| {
        let settings = read_with(text, None, &[]).expect("right");
        settings.coupon_secrets(&mut Keyring::new(Which::Current))
    };
    assert!(secrets("").expect("none").is_none());
    let long = "[coupons]\nsecret = \"a secret of some length\"\nformer_secrets = \"\"\"\nthe one of last year\nthe one before it..\n\"\"\"\n";
    let all = secrets(long).expect("long enough").expect("some");
    let before = secrets("[coupons]\nsecret = \"the one before it..\"").expect("long enough").expect("some");
    assert!(all.made(&before.code(1, "a", "2011-11", 0)) && !before.made(&all.code(1, "a", "2011-11", 0)));
    for (text, place) in [
        ("[coupons]\nsecret = \"hunter2\"", "tillmart.toml:2:10"),
        ("[coupons]\nsecret = \"a secret of some length\"\nformer_secrets = \"hunter2\"", "tillmart.toml:3:18"),
    ] {
        let fault = secrets(text).expect_err("short").to_string();
        assert!(fault.contains(place) && fault.contains("too short") && !fault.contains("hunter2"), "{fault}");
    }
    let alone = read_with("[coupons]\nformer_secrets = \"hunter2\"", None, &[]).expect_err("alone").to_string();
    assert!(alone.contains("tillmart.toml:2:18") && !alone.contains("hunter2"), "{alone}");
}
