//! The sales team's incentive, with numbers worked out by hand. What each option of a plan pays is tested beside the plan, in the crate
//! `model`; here it goes through files, tables and `verify`.

use crate::project::{HEADER, Project, cents};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillmart_database::Dimension;
use tillmart_model::Incentive;

/// Store, sales person and total of one sale in January 2024.
type Sold<'a> = (i32, i64, &'a str);

/// Store, sales person and what they are paid.
type Paid<'a> = (i32, i64, &'a str);

struct Case<'a> {
    about: &'a str,
    plan: &'a str,
    sold: &'a [Sold<'a>],
    paid: &'a [Paid<'a>],
}

const CASES: [Case<'static>; 14] = [
    Case {
        about: "1 % of the best total, half a cent up: 0.505 is 0.51",
        plan: "top 1: 1 %; ties all",
        sold: &[(1, 1, "50.50"), (1, 2, "50.49")],
        paid: &[(1, 1, "0.51"), (1, 2, "0.00")],
    },
    Case {
        about: "just below half a cent is down: 0.5049 is 0.50",
        plan: "top 1: 1 %; ties all",
        sold: &[(1, 1, "50.49")],
        paid: &[(1, 1, "0.50")],
    },
    Case {
        about: "everybody at a tie is paid in full",
        plan: "top 1: 1 %; ties all",
        sold: &[(1, 1, "100.00"), (1, 2, "60.00"), (1, 2, "40.00"), (1, 3, "99.99")],
        paid: &[(1, 1, "1.00"), (1, 2, "1.00"), (1, 3, "0.00")],
    },
    Case {
        about: "three share one payment of 1.00; the odd cent goes to the lowest id",
        plan: "top 1: 1 %; ties split",
        sold: &[(1, 3, "100.00"), (1, 2, "100.00"), (1, 4, "100.00"), (1, 1, "1.00")],
        paid: &[(1, 1, "0.00"), (1, 2, "0.34"), (1, 3, "0.33"), (1, 4, "0.33")],
    },
    Case {
        about: "three share 1.01; the two odd cents go to the two lowest ids",
        plan: "top 1: 1 %; ties split",
        sold: &[(1, 1, "101.00"), (1, 2, "101.00"), (1, 3, "101.00")],
        paid: &[(1, 1, "0.34"), (1, 2, "0.34"), (1, 3, "0.33")],
    },
    Case {
        about: "the two best are paid, each of their own total",
        plan: "top 2: 1 %; ties all",
        sold: &[(1, 1, "300.00"), (1, 2, "200.00"), (1, 3, "100.00")],
        paid: &[(1, 1, "3.00"), (1, 2, "2.00"), (1, 3, "0.00")],
    },
    Case {
        about: "two at the top take both places of a top two",
        plan: "top 2: 1 %; ties all",
        sold: &[(1, 1, "300.00"), (1, 2, "300.00"), (1, 3, "100.00")],
        paid: &[(1, 1, "3.00"), (1, 2, "3.00"), (1, 3, "0.00")],
    },
    Case {
        about: "nobody is paid on a total of zero or less, not even the best",
        plan: "top 3: 1 %; ties all",
        sold: &[(1, 1, "20.00"), (1, 1, "-20.00"), (1, 2, "-5.00"), (2, 3, "-0.01")],
        paid: &[(1, 1, "0.00"), (1, 2, "0.00"), (2, 3, "0.00")],
    },
    Case {
        about: "a sale and its full return change nobody's pay",
        plan: "top 1: 1 %; ties split",
        sold: &[(1, 1, "80.00"), (1, 2, "500.00"), (1, 2, "-500.00"), (1, 3, "70.00")],
        paid: &[(1, 1, "0.80"), (1, 2, "0.00"), (1, 3, "0.00")],
    },
    Case {
        about: "who sells in two stores is ranked in each by what they sold there",
        plan: "top 1: 12.5 %; ties all",
        sold: &[(1, 1, "10.00"), (1, 2, "9.00"), (2, 1, "5.00"), (2, 2, "6.00")],
        paid: &[(1, 1, "1.25"), (1, 2, "0.00"), (2, 1, "0.00"), (2, 2, "0.75")],
    },
    Case {
        // 300.00 × 1 % = 3.00; 200.00 is on the tier, where the second rank has 1.5 %: 3.00; the first would have 2 %.
        about: "rates by rank, and a tier that has them too",
        plan: "top 2: 1 %, 0.5 %; ties all; whole from 200.00: 1 %, 1.5 %",
        sold: &[(1, 1, "300.00"), (1, 2, "200.00"), (1, 3, "199.99")],
        paid: &[(1, 1, "3.00"), (1, 2, "3.00"), (1, 3, "0.00")],
    },
    Case {
        // Store 1: 1,000.00 × 1 % = 10.00 to 1; above 1 are 5, 6 and 7: 1.00, 0.50 and 0.25, none of whom sold there.
        // Store 2: 5 sold 100.00 × 1 % = 1.00; above 5 are 6 and 7: 0.10 and 0.05.
        about: "managers are paid in the store where the sale was made, up a chain of three",
        plan: "top 1: 1 %; ties all; overrides 10 %, 5 %, 2.5 %",
        sold: &[(1, 1, "1000.00"), (2, 5, "100.00")],
        paid: &[
            (1, 1, "10.00"),
            (1, 5, "1.00"),
            (1, 6, "0.50"),
            (1, 7, "0.25"),
            (2, 5, "1.00"),
            (2, 6, "0.10"),
            (2, 7, "0.05"),
        ],
    },
    Case {
        // 40.00 shared by 1 and 2 is 20.00 each, of which the cap leaves 15.00; 10 % of 15.00 twice is 3.00 for 5.
        about: "a cap after a split, and the override on what it leaves",
        plan: "top 1: 1 %; ties split; overrides 10 %; cap 15.00",
        sold: &[(1, 1, "4000.00"), (1, 2, "4000.00")],
        paid: &[(1, 1, "15.00"), (1, 2, "15.00"), (1, 5, "3.00")],
    },
    Case {
        // 5 sold too, and took more back: no payment of their own, and the override of 1's 1.00 all the same.
        about: "a manager with a total below zero gets the override",
        plan: "top 2: 1 %; ties all; minimum 50.00; overrides 10 %",
        sold: &[(1, 1, "100.00"), (1, 2, "49.99"), (1, 5, "-7.00")],
        paid: &[(1, 1, "1.00"), (1, 2, "0.00"), (1, 5, "0.10")],
    },
];

/// Sellers 1 to 4, above them 5, above 5 is 6, above 6 is 7.
const TEAM: &str = "id,first_name,last_name,manager_id\n1,Eva,Au,5\n2,Ben,Ek,5\n3,Ida,Ro,5\n4,Max,Ut,5\n5,Amy,Os,6\n\
                    6,Leo,Yi,7\n7,Una,Fo,\n";

async fn project(incentive: Incentive) -> Project {
    let project = Project::new(|options| options.incentive = incentive).await;
    project.load(Dimension::Customer, "customer_id,first_name\n7,Ann\n").await;
    project.load(Dimension::Store, "id,store_manager_name\n1,Moss\n2,Reed\n").await;
    project.load(Dimension::SalesTeam, TEAM).await;
    project
}

fn plan(text: &str) -> Incentive {
    text.parse().expect("a plan")
}

fn row(store: i32, person: i64, day: &str, total: &str) -> String {
    let (quantity, price) = match total.strip_prefix('-') {
        Some(price) => (-1, price),
        None => (1, total),
    };
    format!("7,{store},tea,{day},{person},{price},{quantity},{total}\n")
}

#[tokio::test]
async fn the_best_of_each_store_and_month_are_paid() {
    for case in CASES {
        let project = project(plan(case.plan)).await;
        let rows: String =
            case.sold.iter().map(|(store, person, total)| row(*store, *person, "2024-01-09", total)).collect();
        project.deliver("day.csv", format!("{HEADER}{rows}").as_bytes());
        let summary = project.pipeline.run().await.unwrap_or_else(|fault| panic!("{}: {fault}", case.about));
        assert_eq!(summary.rows_landed, case.sold.len() as u64, "{}", case.about);
        let found: Vec<(i32, i64, i128)> = project
            .team()
            .into_iter()
            .map(|((store, person, _), (_, _, incentive))| (store, person, incentive))
            .collect();
        let expected: Vec<(i32, i64, i128)> =
            case.paid.iter().map(|(store, person, incentive)| (*store, *person, cents(incentive))).collect();
        assert_eq!(found, expected, "{}", case.about);
        assert_eq!(project.lines_by_person(), project.paid(), "the lines add up: {}", case.about);
        let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{}: {fault}", case.about));
        assert_eq!((verified.differing, verified.notes.len()), (0, 0), "{}: {verified:?}", case.about);
    }
}

/// A month stays as it was computed when the plan changes, and is computed by the new one when a sale of it comes in.
#[tokio::test]
async fn a_new_plan_counts_for_months_that_are_touched_afterwards() {
    let project = project(plan("top 1: 1 %; ties all; overrides 10 %")).await;
    let rows = format!("{HEADER}{}{}", row(1, 1, "2024-01-31", "100.00"), row(1, 2, "2024-02-01", "40.00"));
    project.deliver("a.csv", rows.as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let project = project.with(|options| options.incentive = plan("top 1: 5 %; ties all"));
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verified.differing, 0, "{verified:?}");
    let note =
        "incentives of 2024-01, 2024-02 stand by another plan than today's: top 1: 1 %; ties all; overrides 10 %";
    assert_eq!(verified.notes, [note]);
    project.deliver("b.csv", format!("{HEADER}{}", row(1, 2, "2024-02-02", "60.00")).as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    // January by the old plan: 1.00 and 0.10 for 5. February by the new one: 100.00 × 5 %.
    let pay: Vec<(String, i64, i128)> =
        project.team().into_iter().map(|((_, person, month), (_, _, paid))| (month, person, paid)).collect();
    let (january, february) = ("2024-01".to_owned(), "2024-02".to_owned());
    assert_eq!(pay, [(january.clone(), 1, 100), (february, 2, 500), (january, 5, 10)]);
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((verified.differing, verified.notes.len()), (0, 1), "{verified:?}");
}

/// On request a month is computed by today's plan, and everybody whose pay that changes is told, before and after.
#[tokio::test]
async fn a_month_is_renewed_on_request() {
    let project = project(plan("top 1: 1 %; ties all; overrides 10 %")).await;
    let rows = format!("{HEADER}{}{}", row(1, 1, "2024-01-31", "100.00"), row(1, 2, "2024-02-01", "40.00"));
    project.deliver("a.csv", rows.as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let project = project.with(|options| options.incentive = plan("top 1: 5 %; ties all"));
    let before = project.team();
    let months = ["2024-01".to_owned()];
    let would = project.pipeline.would_renew(&months).await.unwrap_or_else(|fault| panic!("{fault}"));
    let told: Vec<(i64, &str, &str)> = would
        .changes
        .iter()
        .map(|change| (change.sales_person_id, change.before.as_str(), change.after.as_str()))
        .collect();
    assert_eq!(told, [(1, "1.00", "5.00"), (5, "0.10", "0.00")]);
    assert_eq!(project.team(), before, "nothing was changed");
    let renewed = project.pipeline.renew(&months).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert!(renewed.done && renewed.changes == would.changes);
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((verified.differing, verified.notes.len()), (0, 1), "February stands by the old plan: {verified:?}");
    let all = project.pipeline.renew(&[]).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((all.months.len(), all.changes.len()), (2, 2), "40.00 × 5 % = 2.00, and nothing for 5: {all:?}");
    assert_eq!(project.lines_by_person(), project.paid());
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((verified.differing, verified.notes.len()), (0, 0), "{verified:?}");
    let fault = project.pipeline.renew(&["2024-05".to_owned()]).await.expect_err("no such month");
    assert_eq!(fault.found.as_deref(), Some("sales from 2024-01 to 2024-02"));
}

/// A project that was loaded before the lines of payments were published gets them by its next run.
#[tokio::test]
async fn the_lines_are_filled_where_they_are_missing() {
    let project = project(Incentive::default()).await;
    let rows = format!("{HEADER}{}{}", row(1, 1, "2024-01-31", "100.00"), row(1, 2, "2024-02-01", "40.00"));
    project.deliver("a.csv", rows.as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    project.execute("DROP TABLE incentive_data_mart");
    let before = project.team();
    let summary = project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(summary.marts_filled.get("incentive_data_mart"), Some(&2));
    assert_eq!((project.lines_by_person(), project.team()), (project.paid(), before));
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verified.differing, 0, "{verified:?}");
}

/// Somebody's new manager makes no paid month wrong, and completing names moves no pay.
#[tokio::test]
async fn a_month_stands_by_who_managed_whom_when_it_was_computed() {
    let project = project(plan("top 1: 1 %; ties all; overrides 10 %")).await;
    project.deliver("a.csv", format!("{HEADER}{}", row(1, 1, "2024-01-31", "100.00")).as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let before = project.team();
    project.load(Dimension::SalesTeam, "id,first_name,last_name,manager_id\n1,Eva,Au,7\n").await;
    project.pipeline.complete().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(project.team(), before);
    let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(verified.differing, 0, "{verified:?}");
    assert_eq!(verified.notes, ["incentives of 2024-01 stand by who managed whom when they were computed"]);
    project.deliver("b.csv", format!("{HEADER}{}", row(1, 1, "2024-01-02", "100.00")).as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let persons: Vec<(i64, i128)> =
        project.team().into_iter().map(|((_, person, _), (_, _, paid))| (person, paid)).collect();
    assert_eq!(persons, [(1, 200), (7, 20)], "5 manages 1 no more, and the row of 5 goes");
}

#[tokio::test]
async fn verify_finds_what_was_changed_by_hand() {
    for tampering in [
        "UPDATE sales_team_data_mart SET incentive = '9.99' WHERE sales_person_id = 1",
        "DELETE FROM sales_team_data_mart WHERE sales_person_id = 5",
        "UPDATE incentive_data_mart SET paid = '9.99' WHERE sales_person_id = 5",
        "DELETE FROM incentive_data_mart WHERE sales_person_id = 5",
        "UPDATE incentive_data_mart SET plan = 'top 1: 2 %; ties all' WHERE level = 0",
        "UPDATE incentive_data_mart SET plan = 'much' WHERE level = 0",
        "UPDATE incentive_data_mart SET managers = '7' WHERE level = 0",
    ] {
        let project = project(plan("top 1: 1 %; ties all; overrides 10 %")).await;
        project.deliver("a.csv", format!("{HEADER}{}", row(1, 1, "2024-01-31", "100.00")).as_bytes());
        project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(project.execute(tampering), 1, "{tampering}");
        let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("{fault}"));
        assert!(verified.differing > 0, "{tampering}");
    }
}

/// Found before a file is claimed, told with ids and names, by `doctor` too; without overrides nobody needs to know who is above whom.
#[tokio::test]
async fn managers_in_a_circle_stop_a_run_that_would_pay_them() {
    let project = project(plan("top 1: 1 %; ties all; overrides 10 %")).await;
    let circle = "id,first_name,last_name,manager_id\n7,Una,Fo,5\n3,Ida,Ro,3\n";
    project.load(Dimension::SalesTeam, circle).await;
    project.deliver("a.csv", format!("{HEADER}{}", row(1, 1, "2024-01-31", "100.00")).as_bytes());
    let fault = project.pipeline.run().await.expect_err("a circle");
    assert_eq!(fault.found.as_deref(), Some("3 Ida Ro -> 3 Ida Ro\n5 Amy Os -> 6 Leo Yi -> 7 Una Fo -> 5 Amy Os"));
    assert_eq!(project.batches().await, 0);
    assert!(project.pipeline.plan().await.is_err() && project.pipeline.verify().await.is_err());
    let findings = project.pipeline.doctor().await;
    assert!(
        findings.iter().any(|finding| !finding.good && finding.told.contains("5 Amy Os -> 6 Leo Yi")),
        "{findings:?}"
    );
    let project = project.with(|options| options.incentive = Incentive::default());
    let findings = project.pipeline.doctor().await;
    assert!(findings.iter().all(|finding| finding.good), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.told.contains("5 Amy Os -> 6 Leo Yi")), "{findings:?}");
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(project.team().len(), 1);
}

/// Any plan, any sales: a sale and its full return, of somebody who sold before or of somebody who did not, change nobody's pay.
#[tokio::test]
async fn a_sale_and_its_return_change_nobodys_pay() {
    let given = std::env::var("TILLMART_SEED").ok().map(|seed| seed.parse::<u64>().expect("TILLMART_SEED is a number"));
    for seed in given.map_or(0..12, |seed| seed..seed + 1) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let text = random_plan(&mut rng);
        let project = project(plan(&text)).await;
        let sold: String = (0..rng.random_range(1..20))
            .map(|_| row(rng.random_range(1..=2), rng.random_range(1..=6), "2024-01-09", &amount(&mut rng)))
            .collect();
        project.deliver("a.csv", format!("{HEADER}{sold}").as_bytes());
        project.pipeline.run().await.unwrap_or_else(|fault| panic!("TILLMART_SEED={seed}: {fault}"));
        let before = project.paid();
        assert_eq!(project.lines_by_person(), before, "TILLMART_SEED={seed}: {text}");
        let (store, person, total) = (rng.random_range(1..=2), rng.random_range(1..=7), amount(&mut rng));
        let both = format!(
            "{}{}",
            row(store, person, "2024-01-10", &total),
            row(store, person, "2024-01-30", &format!("-{total}"))
        );
        project.deliver("b.csv", format!("{HEADER}{both}").as_bytes());
        project.pipeline.run().await.unwrap_or_else(|fault| panic!("TILLMART_SEED={seed}: {fault}"));
        assert_eq!(project.paid(), before, "TILLMART_SEED={seed}: {text}");
        assert_eq!(project.lines_by_person(), before, "TILLMART_SEED={seed}: {text}");
        let verified = project.pipeline.verify().await.unwrap_or_else(|fault| panic!("TILLMART_SEED={seed}: {fault}"));
        assert_eq!(verified.differing, 0, "TILLMART_SEED={seed}: {text}: {verified:?}");
    }
}

/// Few amounts, so that totals tie.
fn amount(rng: &mut Xoshiro256PlusPlus) -> String {
    ["100.00", "50.50", "0.01", "999.99", "1234.56"][rng.random_range(0..5)].to_owned()
}

fn random_plan(rng: &mut Xoshiro256PlusPlus) -> String {
    let mut text = ["top 1: 1 %", "top 2: 1.5 %, 0.75 %", "top 3: 33.3333 %"][rng.random_range(0..3)].to_owned();
    text.push_str(if rng.random() { "; ties all" } else { "; ties split" });
    text.push_str(
        ["", "; whole from 100.00: 2 %", "; marginal from 50.00: 2 %; marginal from 1000.00: 5 %"]
            [rng.random_range(0..3)],
    );
    for part in ["; minimum 50.51", "; overrides 10 %, 50 %, 2.5 %", "; cap 7.77"] {
        text.push_str(if rng.random() { part } else { "" });
    }
    text
}

/// January's best changes when a late file comes; February is ranked by itself, and its rows stay as they were.
#[tokio::test]
async fn a_late_file_moves_the_pay_of_its_month_alone() {
    let project = project(Incentive::default()).await;
    let first = format!("{HEADER}{}{}", row(1, 1, "2024-01-31", "100.00"), row(1, 2, "2024-02-01", "40.00"));
    project.deliver("b.csv", first.as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let pay = |project: &Project| -> Vec<(String, i64, i128)> {
        let rows = project.team().into_iter();
        rows.map(|((_, person, month), (_, _, incentive))| (month, person, incentive)).collect()
    };
    assert_eq!(pay(&project), [("2024-01".to_owned(), 1, 100), ("2024-02".to_owned(), 2, 40)]);
    project.deliver("a.csv", format!("{HEADER}{}", row(1, 2, "2024-01-02", "250.00")).as_bytes());
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    let mut after = pay(&project);
    after.sort();
    assert_eq!(after, [("2024-01".to_owned(), 1, 0), ("2024-01".to_owned(), 2, 250), ("2024-02".to_owned(), 2, 40)]);
}

/// Equal bytes of which none landed are no duplicates: both are rejected and told why.
#[tokio::test]
async fn two_copies_of_a_rejected_file_are_both_rejected() {
    let project = project(Incentive::default()).await;
    let spoilt = format!("{HEADER}7,1,tea,2024-01-02,1,x,1,1.00\n7,1,tea,2024-01-02,1,1.00,1,1.00\n");
    project.deliver("a.csv", spoilt.as_bytes());
    project.deliver("b.csv", spoilt.as_bytes());
    let summary = project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((summary.files_rejected, summary.files_duplicate), (2, 0));
    assert!(project.holds("sales_data_error/a.csv") && project.holds("sales_data_error/b.csv"));
    assert!(!project.holds("sales_data/b.csv"));
}
