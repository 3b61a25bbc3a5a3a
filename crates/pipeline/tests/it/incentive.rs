//! The sales team's incentive, with numbers worked out by hand.

use crate::project::{HEADER, Project, cents};
use tillmart_database::Dimension;
use tillmart_model::{Incentive, Ties};

/// Store, sales person and total of one sale in January 2024.
type Sold<'a> = (i32, i64, &'a str);

/// Store, sales person and what they are paid.
type Paid<'a> = (i32, i64, &'a str);

struct Case<'a> {
    about: &'a str,
    rate_millionths: i64,
    ties: Ties,
    top: u32,
    sold: &'a [Sold<'a>],
    paid: &'a [Paid<'a>],
}

const CASES: [Case<'static>; 10] = [
    Case {
        about: "1 % of the best total, half a cent up: 0.505 is 0.51",
        rate_millionths: 10_000,
        ties: Ties::All,
        top: 1,
        sold: &[(1, 1, "50.50"), (1, 2, "50.49")],
        paid: &[(1, 1, "0.51"), (1, 2, "0.00")],
    },
    Case {
        about: "just below half a cent is down: 0.5049 is 0.50",
        rate_millionths: 10_000,
        ties: Ties::All,
        top: 1,
        sold: &[(1, 1, "50.49")],
        paid: &[(1, 1, "0.50")],
    },
    Case {
        about: "everybody at a tie is paid in full",
        rate_millionths: 10_000,
        ties: Ties::All,
        top: 1,
        sold: &[(1, 1, "100.00"), (1, 2, "60.00"), (1, 2, "40.00"), (1, 3, "99.99")],
        paid: &[(1, 1, "1.00"), (1, 2, "1.00"), (1, 3, "0.00")],
    },
    Case {
        about: "three share one payment of 1.00; the odd cent goes to the lowest id",
        rate_millionths: 10_000,
        ties: Ties::Split,
        top: 1,
        sold: &[(1, 3, "100.00"), (1, 2, "100.00"), (1, 4, "100.00"), (1, 1, "1.00")],
        paid: &[(1, 1, "0.00"), (1, 2, "0.34"), (1, 3, "0.33"), (1, 4, "0.33")],
    },
    Case {
        about: "three share 1.01; the two odd cents go to the two lowest ids",
        rate_millionths: 10_000,
        ties: Ties::Split,
        top: 1,
        sold: &[(1, 1, "101.00"), (1, 2, "101.00"), (1, 3, "101.00")],
        paid: &[(1, 1, "0.34"), (1, 2, "0.34"), (1, 3, "0.33")],
    },
    Case {
        about: "the two best are paid, each of their own total",
        rate_millionths: 10_000,
        ties: Ties::All,
        top: 2,
        sold: &[(1, 1, "300.00"), (1, 2, "200.00"), (1, 3, "100.00")],
        paid: &[(1, 1, "3.00"), (1, 2, "2.00"), (1, 3, "0.00")],
    },
    Case {
        about: "two at the top take both places of a top two",
        rate_millionths: 10_000,
        ties: Ties::All,
        top: 2,
        sold: &[(1, 1, "300.00"), (1, 2, "300.00"), (1, 3, "100.00")],
        paid: &[(1, 1, "3.00"), (1, 2, "3.00"), (1, 3, "0.00")],
    },
    Case {
        about: "nobody is paid on a total of zero or less, not even the best",
        rate_millionths: 10_000,
        ties: Ties::All,
        top: 3,
        sold: &[(1, 1, "20.00"), (1, 1, "-20.00"), (1, 2, "-5.00"), (2, 3, "-0.01")],
        paid: &[(1, 1, "0.00"), (1, 2, "0.00"), (2, 3, "0.00")],
    },
    Case {
        about: "a sale and its full return change nobody's pay",
        rate_millionths: 10_000,
        ties: Ties::Split,
        top: 1,
        sold: &[(1, 1, "80.00"), (1, 2, "500.00"), (1, 2, "-500.00"), (1, 3, "70.00")],
        paid: &[(1, 1, "0.80"), (1, 2, "0.00"), (1, 3, "0.00")],
    },
    Case {
        about: "who sells in two stores is ranked in each by what they sold there",
        rate_millionths: 125_000,
        ties: Ties::All,
        top: 1,
        sold: &[(1, 1, "10.00"), (1, 2, "9.00"), (2, 1, "5.00"), (2, 2, "6.00")],
        paid: &[(1, 1, "1.25"), (1, 2, "0.00"), (2, 1, "0.00"), (2, 2, "0.75")],
    },
];

async fn project(incentive: Incentive) -> Project {
    let project = Project::new(|options| options.incentive = incentive).await;
    project.load(Dimension::Customer, "customer_id,first_name\n7,Ann\n").await;
    project.load(Dimension::Store, "id,store_manager_name\n1,Moss\n2,Reed\n").await;
    project.load(Dimension::SalesTeam, "id,first_name,last_name\n1,Eva,Au\n2,Ben,Ek\n3,Ida,Ro\n4,Max,Ut\n").await;
    project
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
        let incentive = Incentive { rate_millionths: case.rate_millionths, ties: case.ties, top: case.top };
        let project = project(incentive).await;
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
    }
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
