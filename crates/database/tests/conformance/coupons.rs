//! Coupons: issued once, redeemed once, whoever else does so at the same moment.

use crate::scene::{at, migrated, refused, today};
use crate::{Database, Setting};
use std::collections::HashSet;
use std::sync::Arc;
use tillmart_coupon::{Code, Month, Offer, Refusal, Secrets, Terms, Till, Value};
use tillmart_database::{CodeMaker, NewIssue, Redeemed, Which};
use tillmart_model::{FaultKind, Secret};

fn month() -> Month {
    "2024-06".parse().expect("a month")
}

fn codes() -> CodeMaker {
    let secrets = Secrets::new(&Secret::new("a secret of some length"), &[]).expect("long enough");
    Arc::new(move |rule, customer, counter| secrets.code(customer, rule, "2024-06", counter))
}

fn new_issue(rule: &str, customers: impl IntoIterator<Item = i64>) -> NewIssue {
    let value = Value::Percent { millionths: 100_000, max_discount_cents: 1_000 };
    NewIssue {
        terms: Terms {
            rule: rule.to_owned(),
            period: month(),
            offer: Offer { value, min_basket_cents: 2_500 },
            valid_from: today(),
            valid_until: today() + chrono::Days::new(30),
        },
        batch_id: Some(7),
        secret_name: "01234567".to_owned(),
        budget_cents: None,
        budget_coupons: None,
        held_out: 3,
        customers: customers.into_iter().collect(),
    }
}

fn till(reference: &str) -> Till {
    Till { reference: reference.to_owned(), basket_cents: Some(5_000), store_id: Some(12), now: at(3), today: today() }
}

async fn issued(database: &dyn Database, new: Vec<NewIssue>) -> bool {
    let seen: Vec<i64> = database.issues(Some(month())).await.expect("issues").iter().map(|issue| issue.id).collect();
    database.issue(month(), &seen, new, codes(), at(1)).await.expect("issued")
}

async fn every_code(database: &dyn Database, issue_id: i64) -> Vec<(i64, Code)> {
    let all = database.coupons(issue_id, Which::All, None, u32::MAX).await.expect("coupons");
    all.iter().map(|coupon| (coupon.customer_id, coupon.code)).collect()
}

pub(crate) async fn what_was_issued_comes_back_as_written(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let mut amount = new_issue("amount", [i64::MIN, -1, 0, i64::MAX]);
    amount.terms.offer = Offer { value: Value::Amount { cents: 500 }, min_basket_cents: 0 };
    amount.batch_id = None;
    (amount.budget_cents, amount.budget_coupons) = (Some(2_000), Some(4));
    assert!(issued(&*database, vec![new_issue("share", 1..=2_500), amount.clone()]).await);

    let reopened = setting.open().await;
    let issues = reopened.issues(Some(month())).await.expect("issues");
    assert_eq!(issues.len(), 2);
    assert_eq!(issues[0].terms, new_issue("share", []).terms);
    assert_eq!((issues[0].coupons, issues[0].held_out, issues[0].cost_bound_cents), (2_500, 3, 2_500_000));
    assert_eq!((issues[0].batch_id, issues[0].issued, issues[0].secret_name.as_str()), (Some(7), at(1), "01234567"));
    assert_eq!((&issues[1].terms, issues[1].batch_id, issues[1].coupons), (&amount.terms, None, 4));
    assert_eq!((issues[1].redeemed, issues[1].discount_cents), (0, 0));
    assert!(reopened.issues(Some(month().before(1))).await.expect("issues").is_empty());
    assert_eq!(reopened.issues(None).await.expect("issues"), issues);

    let mut customers = reopened.issued_to(issues[1].id).await.expect("customers");
    customers.sort_unstable();
    assert_eq!(customers, amount.customers);
    let mut pages = Vec::new();
    loop {
        let after = pages.last().map(|coupon: &tillmart_coupon::Coupon| coupon.customer_id);
        let page = reopened.coupons(issues[0].id, Which::All, after, 999).await.expect("a page");
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages.iter().map(|coupon| coupon.customer_id).collect::<Vec<_>>(), (1..=2_500).collect::<Vec<_>>());
    let made: Vec<Code> = (1..=2_500).map(|customer| codes()("share", customer, 0)).collect();
    assert_eq!(pages.iter().map(|coupon| coupon.code).collect::<Vec<_>>(), made);
    assert_eq!(reopened.coupons(issues[1].id, Which::All, Some(i64::MAX), 9).await.expect("none"), []);
    let one = reopened.coupon(made[7]).await.expect("asked").expect("there");
    assert_eq!((one.customer_id, &one.terms, &one.redemption), (8, &issues[0].terms, &None));
    assert_eq!(reopened.coupon(codes()("share", 8, 5)).await.expect("asked"), None);
}

pub(crate) async fn a_second_issue_gives_nothing_new(setting: &dyn Setting) {
    let database = migrated(setting).await;
    assert!(issued(&*database, vec![new_issue("a", 1..=10)]).await);
    let first = database.issues(None).await.expect("issues");
    let codes_before = every_code(&*database, first[0].id).await;
    // Decided without knowing of the first: refused, whoever would get one.
    for new in [vec![new_issue("a", 1..=10)], vec![new_issue("b", 11..=12)], Vec::new()] {
        assert!(!database.issue(month(), &[], new, codes(), at(2)).await.expect("answered"));
    }
    // Decided with it, a rule that is issued already is refused by the database itself.
    let again = database.issue(month(), &[first[0].id], vec![new_issue("a", 11..=12)], codes(), at(2)).await;
    refused(again, FaultKind::Database);
    assert_eq!(database.issues(None).await.expect("issues"), first);
    assert_eq!(every_code(&*database, first[0].id).await, codes_before);
    assert!(issued(&*database, vec![new_issue("b", 11..=12)]).await, "another rule may follow");
    assert_eq!(database.issues(None).await.expect("issues").len(), 2);
}

pub(crate) async fn a_refused_issue_leaves_nothing(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let (mut dear, mut many) = (new_issue("dear", 1..=3), new_issue("many", 1..=3));
    (dear.budget_cents, many.budget_coupons) = (Some(2_999), Some(2));
    let twice = new_issue("twice", [1, 2, 1]);
    for wrong in [dear, many, twice] {
        let rule = wrong.terms.rule.clone();
        let new = vec![new_issue("right", 1..=5), wrong];
        let told = database.issue(month(), &[], new, codes(), at(1)).await;
        assert!(told.is_err(), "{rule}: {told:?}");
        assert_eq!(database.issues(None).await.expect("issues"), [], "{rule}");
        assert_eq!(database.coupon(codes()("right", 1, 0)).await.expect("asked"), None, "{rule}");
    }
    assert!(issued(&*database, vec![new_issue("right", 1..=5)]).await);
}

pub(crate) async fn one_of_two_issues_is_done(setting: &dyn Setting) {
    migrated(setting).await;
    for round in 0..10 {
        let rounds_month = month().before(round);
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let database = setting.open().await;
            tasks.push(tokio::spawn(async move {
                let mut new = vec![new_issue("a", 1..=300), new_issue("b", 301..=400)];
                new.iter_mut().for_each(|issue| issue.terms.period = rounds_month);
                let secrets = Secrets::new(&Secret::new("a secret of some length"), &[]).expect("long enough");
                let period = rounds_month.to_string();
                let code: CodeMaker =
                    Arc::new(move |rule, customer, counter| secrets.code(customer, rule, &period, counter));
                database.issue(rounds_month, &[], new, code, at(1)).await.expect("answered")
            }));
        }
        let mut done = 0;
        for task in tasks {
            done += usize::from(task.await.expect("no panic"));
        }
        assert_eq!(done, 1, "round {round}");
        let issues = setting.open().await.issues(Some(rounds_month)).await.expect("issues");
        assert_eq!(issues.iter().map(|issue| issue.coupons).collect::<Vec<_>>(), [300, 100]);
    }
}

/// 40 bits repeat themselves now and then: the next counter makes another code.
pub(crate) async fn a_code_that_is_taken_gives_way_to_the_next_counter(setting: &dyn Setting) {
    let database = migrated(setting).await;
    let real = codes();
    let dull: CodeMaker = {
        let real = Arc::clone(&real);
        // Counter 0 knows ten codes only, counter 1 a hundred.
        Arc::new(move |_, customer, counter| match counter {
            0 => real("dull", customer % 10, 0),
            1 => real("dull", customer % 100, 1),
            _ => real("dull", customer, 2),
        })
    };
    let new = vec![new_issue("x", 0..500), new_issue("y", 500..1_500)];
    assert!(database.issue(month(), &[], new, Arc::clone(&dull), at(1)).await.expect("issued"));
    let mut all = Vec::new();
    for issue in database.issues(None).await.expect("issues") {
        all.extend(every_code(&*database, issue.id).await);
    }
    assert_eq!(all.len(), 1_500);
    assert_eq!(all.iter().map(|(_, code)| code).collect::<HashSet<_>>().len(), 1_500);
    assert_eq!(all[3].1, real("dull", 3, 0));
    assert_eq!(all[499].1, real("dull", 499, 2));
    let stuck: CodeMaker = Arc::new(move |_, _, _| real("dull", 3, 0));
    let seen: Vec<i64> = database.issues(None).await.expect("issues").iter().map(|issue| issue.id).collect();
    let told = database.issue(month(), &seen, vec![new_issue("z", [1])], stuck, at(1)).await;
    assert!(refused(told, FaultKind::Promise).what.contains("no free code"));
}

pub(crate) async fn a_redemption_is_kept_and_its_reference_repeats_it(setting: &dyn Setting) {
    let database = migrated(setting).await;
    assert!(issued(&*database, vec![new_issue("a", 1..=10)]).await);
    let code = codes()("a", 4, 0);
    let Redeemed::Done(coupon) = database.redeem(code, &till("till 1")).await.expect("asked") else {
        panic!("not redeemed")
    };
    let redemption = coupon.redemption.clone().expect("redeemed");
    assert_eq!((redemption.discount_cents, redemption.store_id, redemption.redeemed), (Some(500), Some(12), at(3)));
    let reopened = setting.open().await;
    assert_eq!(reopened.coupon(code).await.expect("asked"), Some((*coupon).clone()));
    let retry = Till { now: at(9), basket_cents: None, ..till("till 1") };
    assert_eq!(reopened.redeem(code, &retry).await.expect("asked"), Redeemed::Done(coupon.clone()), "as it was");
    for other in ["till 2", "TILL 1", "till 1 "] {
        let told = reopened.redeem(code, &till(other)).await.expect("asked");
        let refusal = Refusal::Redeemed(redemption.clone());
        assert_eq!(told, Redeemed::Refused(coupon.clone(), Box::new(refusal)), "{other}");
    }
    let issue = database.issues(None).await.expect("issues").pop().expect("one");
    assert_eq!((issue.coupons, issue.redeemed, issue.discount_cents), (10, 1, 500));
    let of = async |which| database.coupons(issue.id, which, None, 99).await.expect("coupons").len();
    assert_eq!((of(Which::All).await, of(Which::Redeemed).await, of(Which::Unredeemed).await), (10, 1, 9));
}

pub(crate) async fn what_is_refused_is_not_redeemed(setting: &dyn Setting) {
    let database = migrated(setting).await;
    assert!(issued(&*database, vec![new_issue("a", 1..=10)]).await);
    let code = codes()("a", 4, 0);
    assert_eq!(database.redeem(codes()("a", 11, 0), &till("t")).await.expect("asked"), Redeemed::Unknown);
    let day = |days: i64| today() + chrono::Duration::days(days);
    for (till, word) in [
        (Till { today: day(-1), ..till("t") }, "not_yet"),
        (Till { today: day(31), ..till("t") }, "expired"),
        (Till { basket_cents: Some(2_499), ..till("t") }, "basket_too_small"),
        (Till { basket_cents: None, ..till("t") }, "basket_untold"),
    ] {
        match database.redeem(code, &till).await.expect("asked") {
            Redeemed::Refused(_, refusal) => assert_eq!(refusal.word(), word),
            told => panic!("{word}: {told:?}"),
        }
    }
    assert_eq!(database.coupon(code).await.expect("asked").expect("there").redemption, None);
    let told = database.redeem(code, &Till { today: day(30), ..till("t") }).await.expect("asked");
    assert!(matches!(told, Redeemed::Done(_)), "{told:?}");
}

/// A hundred coupons, each by two tills at the same moment, on connections of their own.
pub(crate) async fn one_of_two_tills_redeems(setting: &dyn Setting) {
    let database = migrated(setting).await;
    assert!(issued(&*database, vec![new_issue("a", 0..100)]).await);
    let tills = [setting.open().await, setting.open().await];
    let mut wins = [0, 0];
    for customer in 0..100 {
        let code = codes()("a", customer, 0);
        let gate = Arc::new(tokio::sync::Barrier::new(2));
        let tasks: Vec<_> = tills
            .iter()
            .enumerate()
            .map(|(number, database)| {
                let (database, gate) = (Arc::clone(database), Arc::clone(&gate));
                tokio::spawn(async move {
                    gate.wait().await;
                    database.redeem(code, &till(&format!("till {number}"))).await.expect("answered")
                })
            })
            .collect();
        let mut told = Vec::new();
        for task in tasks {
            told.push(task.await.expect("no panic"));
        }
        let winner = told.iter().position(|told| matches!(told, Redeemed::Done(_))).expect("one redeemed it");
        wins[winner] += 1;
        match &told[1 - winner] {
            Redeemed::Refused(coupon, refusal) => {
                assert_eq!(refusal.word(), "redeemed");
                let kept = coupon.redemption.as_ref().expect("redeemed");
                assert_eq!(kept.reference, format!("till {winner}"), "coupon {customer}");
            }
            other => panic!("coupon {customer} was redeemed twice: {other:?}"),
        }
    }
    let issue = database.issues(None).await.expect("issues").pop().expect("one");
    assert_eq!((issue.redeemed, wins[0] + wins[1]), (100, 100));
}
