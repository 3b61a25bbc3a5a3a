//! The monthly report, with numbers worked out by hand. The tests' present is 1 July 2024, so June is over.

use crate::project::{HEADER, Project};
use serde_json::{Value, json};
use tillmart_database::Dimension;
use tillmart_model::FaultKind;
use tillmart_pipeline::{MonthlyRequest, WrittenReport};
use tillmart_report::{Format, Look, render};

async fn project(write: &[&str]) -> Project {
    let wanted = |report: &WrittenReport| write.contains(&report.to_string().as_str());
    let project = Project::new(|options| options.reports.write = WrittenReport::all().filter(wanted).collect()).await;
    let customers: String = (1..=6).map(|id| format!("{id},C,{id},,,,2020-01-01\n")).collect();
    let header = "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n";
    project.load(Dimension::Customer, &format!("{header}{customers}")).await;
    let header = "id,address,store_pincode,store_manager_name,store_opening_date,reviews\n";
    project
        .load(Dimension::Store, &format!("{header}1,A,,Grace,2020-01-01,\n2,B,,,2020-01-01,\n3,C,,,2020-01-01,\n"))
        .await;
    project
        .load(
            Dimension::Product,
            "id,name,current_price,old_price,created_date,updated_date,expiry_date\n1,mug,1,,2020-01-01,,\n",
        )
        .await;
    let header = "id,first_name,last_name,manager_id,is_manager,address,pincode,joining_date\n";
    project
        .load(
            Dimension::SalesTeam,
            &format!("{header}10,Ann,Ten,,N,,,2020-01-01\n11,Bob,,,N,,,2020-01-01\n12,Cy,,,N,,,2020-01-01\n"),
        )
        .await;
    project
}

/// Customer (0: none), store, day, sales person, price, quantity.
type Sale<'a> = (i64, i32, &'a str, i64, i64, i64);

fn csv(sales: &[Sale<'_>]) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for (customer, store, day, person, price, quantity) in sales {
        let customer = if *customer == 0 { String::new() } else { customer.to_string() };
        text.push_str(&format!("{customer},{store},mug,{day},{person},{price},{quantity},{}.00\n", price * quantity));
    }
    text.into_bytes()
}

const SALES: [Sale<'static>; 13] = [
    // A year ago.
    (1, 1, "2023-06-30", 10, 100, 1),
    // The month before.
    (1, 1, "2024-05-01", 10, 100, 2),
    (4, 1, "2024-05-31", 10, 30, 1),
    (5, 2, "2024-05-31", 11, 50, 1),
    (5, 2, "2024-05-31", 11, 50, -1),
    // The month.
    (1, 1, "2024-06-01", 10, 100, 3),
    (1, 1, "2024-06-15", 10, 100, -1),
    (2, 1, "2024-06-15", 11, 50, 1),
    (0, 1, "2024-06-15", 12, 25, 2),
    (3, 2, "2024-06-30", 11, 500, 1),
    (6, 2, "2024-06-30", 11, 10, 1),
    (6, 2, "2024-06-30", 11, 10, -1),
    // Not yet.
    (6, 2, "2024-07-01", 11, 9, 1),
];

async fn report(project: &Project, month: &str, store: Option<i32>) -> Value {
    let month = Some(format!("{month}-01").parse().expect("a month"));
    let document = project.pipeline.report_monthly(&MonthlyRequest { month, store }).await;
    let document = document.unwrap_or_else(|fault| panic!("{fault}"));
    serde_json::from_str(&render(&document, Format::Json, &Look::default())).expect("JSON")
}

async fn run(project: &Project) {
    project.pipeline.run().await.unwrap_or_else(|fault| panic!("{fault}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_told_as_worked_out_by_hand() {
    let project = project(&[]).await;
    project.deliver("a.csv", &csv(&SALES));
    run(&project).await;
    let told = report(&project, "2024-06", None).await;
    let figures = &told["sections"]["month"]["figures"];
    let value = |name: &str| figures[name]["value"].clone();
    assert_eq!(value("net_sales"), json!("800.00"), "300 - 100 + 50 + 50 + 500 + 10 - 10");
    assert_eq!(value("gross_sales"), json!("910.00"));
    assert_eq!(value("returns"), json!("-110.00"));
    assert_eq!((value("sales"), value("returned_sales"), value("units")), (json!(5), json!(2), json!(6)));
    assert_eq!(value("anonymous_sales_share"), json!("0.200000"));
    assert_eq!(value("anonymous_net_share"), json!("0.062500"));
    let before = &figures["net_sales"]["compared"];
    assert_eq!(before["month_before"], json!({"label": "May 2024", "value": "230.00", "change": "2.478261"}));
    assert_eq!(before["year_before"], json!({"label": "June 2023", "value": "100.00", "change": "7.000000"}));

    let stores = &told["sections"]["stores"]["tables"]["stores"];
    assert_eq!(stores["rows"].as_array().map(Vec::len), Some(2), "store 3 sold nothing");
    assert_eq!(stores["rows"][0]["manager"], json!("Grace"));
    assert_eq!(stores["rows"][0]["net_sales"], json!("300.00"));
    assert_eq!(stores["rows"][1]["change_month_before"], Value::Null, "no share of a month of nothing");
    assert_eq!(stores["totals"][0]["net_sales"], json!("800.00"));

    let team = &told["sections"]["team"]["tables"]["team"]["rows"];
    let seller = |at: usize| {
        let row = &team[at];
        (
            row["store"].clone(),
            row["place"].clone(),
            row["sales_person"].clone(),
            row["total_sales"].clone(),
            row["incentive"].clone(),
        )
    };
    assert_eq!(seller(0), (json!(1), json!(1), json!(10), json!("200.00"), json!("2.00")));
    assert_eq!(seller(1), (json!(1), json!(2), json!(11), json!("50.00"), json!("0.00")));
    assert_eq!(seller(2), (json!(1), json!(2), json!(12), json!("50.00"), json!("0.00")), "a place is shared");
    assert_eq!(seller(3), (json!(2), json!(1), json!(11), json!("500.00"), json!("5.00")));
    assert_eq!(team[0]["rate"], json!("0.010000"));

    assert_eq!(team[0]["how"], json!("rank 1 of 3: 200.00 × 1 % = 2.00"));
    assert_eq!(told["sections"]["coupons"]["notes"][0]["text"], json!("No coupons have been issued for June 2024."));

    let customers = &told["sections"]["customers"];
    let count = |name: &str| customers["figures"][name]["value"].clone();
    assert_eq!(
        (count("customers"), count("new_customers"), count("returning_customers")),
        (json!(3), json!(2), json!(1))
    );
    assert_eq!(count("lapsed_customers"), json!(1), "4; the sale to 5 was taken back whole");
    assert_eq!((count("customer_spend"), count("lapsed_spend")), (json!("750.00"), json!("30.00")));
    let tiers = customers["tables"]["tiers"]["rows"].as_array().expect("tiers");
    let tier = |at: usize| (tiers[at]["tier"].clone(), tiers[at]["customers"].clone(), tiers[at]["spend"].clone());
    assert_eq!(tier(0), (json!("500.00 and more"), json!(1), json!("500.00")));
    assert_eq!(tier(1), (json!("100.00 to 499.99"), json!(1), json!("200.00")));
    assert_eq!(tier(2), (json!("under 100.00"), json!(1), json!("50.00")));
    let days = &told["sections"]["days"]["tables"]["days"]["rows"];
    assert_eq!(
        days[1],
        json!({"day": "2024-06-15", "weekday": "Saturday", "net_sales": "0.00", "gross_sales": "100.00",
        "returns": "-100.00", "sales": 2, "units": 2})
    );

    let one = report(&project, "2024-06", Some(2)).await;
    assert_eq!(one["sections"]["month"]["figures"]["net_sales"]["value"], json!("500.00"));
    assert_eq!((&one["sections"]["stores"], &one["sections"]["customers"]), (&Value::Null, &Value::Null));
    let under_way = report(&project, "2024-07", None).await;
    assert_eq!(
        under_way["sections"]["month"]["figures"]["net_sales"]["compared"]["month_before"]["value"],
        json!("300.00"),
        "1 July is compared with 1 June"
    );
    assert_eq!(under_way["sections"]["changes"]["notes"][0]["tone"], json!("plain"));
}

/// The published lines are told, by the plan of their time, and what they do not agree with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ranking_tells_how_each_payment_was_computed() {
    let plan = "top 1: 1 %; ties all; overrides 10 %";
    let project = project(&[]).await.with(|options| options.incentive = plan.parse().expect("a plan"));
    project.load(Dimension::SalesTeam, "id,first_name,manager_id\n10,Ann,12\n11,Bob,12\n").await;
    project.deliver("a.csv", &csv(&SALES));
    run(&project).await;
    let section = async |project: &Project| report(project, "2024-06", None).await["sections"]["team"].clone();
    let team = section(&project).await;
    let hows: Vec<_> = team["tables"]["team"]["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["store"].clone(), row["sales_person"].clone(), row["how"].clone()))
        .collect();
    assert_eq!(
        hows,
        [
            (json!(1), json!(10), json!("rank 1 of 3: 200.00 × 1 % = 2.00")),
            (json!(1), json!(11), json!("rank 2 of 3, shared by 2: only rank 1 is paid")),
            (
                json!(1),
                json!(12),
                json!("rank 2 of 3, shared by 2: only rank 1 is paid; manager of Ann Ten (10): 2.00 × 10 % = 0.20")
            ),
            (json!(2), json!(11), json!("rank 1 of 1: 500.00 × 1 % = 5.00")),
            (json!(2), json!(12), json!("manager of Bob (11): 5.00 × 10 % = 0.50")),
        ]
    );
    assert_eq!(team["notes"][0]["text"], json!(format!("Plan: {plan}.")));

    let project = project.with(|options| options.incentive = Default::default());
    let team = section(&project).await;
    let note = team["notes"][0]["text"].as_str().expect("a note");
    assert!(note.starts_with(&format!("Plan: {plan}. It is the plan that this month was computed by")), "{note}");
    assert_eq!(team["tables"]["team"]["rows"][0]["how"], json!("rank 1 of 3: 200.00 × 1 % = 2.00"));
    project.execute("UPDATE incentive_data_mart SET paid = '9.99' WHERE sales_person_id = 12 AND store_id = 2");
    let note = section(&project).await["notes"][1].clone();
    assert_eq!(note["tone"], json!("warning"));
    assert!(note["text"].as_str().is_some_and(|text| text.starts_with("The payment of Cy (12) in store 2 is not")));

    project.execute("DROP TABLE incentive_data_mart");
    let team = section(&project).await;
    assert_eq!(team["tables"]["team"]["rows"][0]["how"], Value::Null);
    let because = "How incentives were computed cannot be told: the mart incentive_data_mart has no rows yet.";
    assert_eq!(team["notes"][0], json!({"tone": "warning", "text": because}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_since_a_report_is_told_until_the_end_of_days() {
    let project = project(&[]).await;
    project.deliver("a.csv", &csv(&SALES));
    run(&project).await;
    let changes = async || report(&project, "2024-06", None).await["sections"]["changes"].clone();
    assert_eq!(changes().await["notes"][0]["tone"], json!("good"), "the first report has nothing to compare with");
    assert_eq!(changes().await["tables"], json!({}));
    project.deliver("late.csv", &csv(&[(2, 1, "2024-06-02", 11, 400, 1), (2, 3, "2024-06-02", 11, 1, 1)]));
    run(&project).await;
    let told = changes().await;
    let rows = told["tables"]["changes"]["rows"].as_array().expect("changes").clone();
    let row = |at: usize| {
        [&rows[at]["store"], &rows[at]["figure"], &rows[at]["before"], &rows[at]["after"], &rows[at]["difference"]]
            .map(Clone::clone)
    };
    assert_eq!(row(0), [json!(1), json!("Net sales"), json!("300.00"), json!("700.00"), json!("400.00")]);
    assert_eq!(row(1), [json!(1), json!("Gross sales"), json!("400.00"), json!("800.00"), json!("400.00")]);
    assert_eq!(row(2), [json!(1), json!("Number of sales"), json!(3), json!(4), json!(1)]);
    assert_eq!(row(4), [json!(1), json!("Incentives"), json!("2.00"), json!("4.50"), json!("2.50")]);
    assert_eq!(rows.len(), 5, "a store that is told for the first time has not changed");
    assert_eq!(changes().await, told, "a look takes nothing away");
    assert_eq!(report(&project, "2024-06", Some(2)).await["sections"]["changes"]["notes"][0]["tone"], json!("good"));
    assert_eq!(
        report(&project, "2024-06", Some(1)).await["sections"]["changes"]["tables"]["changes"]["rows"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_is_refused_with_the_reason() {
    let project = project(&[]).await;
    let ask = async |month: &str, store: Option<i32>| {
        let month = Some(format!("{month}-01").parse().expect("a month"));
        let refused = project.pipeline.report_monthly(&MonthlyRequest { month, store }).await;
        refused.expect_err("refused")
    };
    assert_eq!(ask("2024-06", None).await.kind, FaultKind::Table, "no run has made the marts");
    project.deliver("a.csv", &csv(&SALES));
    run(&project).await;
    for (month, store, what) in [
        ("2024-08", None, "the month 2024-08 has not begun"),
        ("2022-01", None, "no sale of 2022-01 has landed"),
        ("2024-06", Some(3), "no sale of store 3 of 2024-06 has landed"),
        ("2024-06", Some(77), "there is no store 77"),
        ("0001-01", None, "there is no report of 0001-01"),
    ] {
        let fault = ask(month, store).await;
        assert_eq!((fault.kind, fault.what.as_str()), (FaultKind::Settings, what));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_write_the_reports_of_what_they_touched() {
    let project = project(&["daily.html", "monthly.json", "monthly.txt"]).await;
    project.deliver("a.csv", &csv(&SALES));
    let mut summary = project.pipeline.run().await.expect("a run");
    project.pipeline.write_reports(&mut summary).await;
    assert!(summary.reports_failed.is_empty(), "{:?}", summary.reports_failed);
    let mut names = project.names("reports").await;
    names.sort();
    assert_eq!(names.iter().filter(|name| name.starts_with("monthly/")).count(), 8, "{names:?}");
    assert!(
        names.contains(&"daily/2024-06-15.html".to_owned()) && names.contains(&"monthly/2024-06.json".to_owned()),
        "{names:?}"
    );
    assert_eq!(summary.reports.len(), names.len());

    // Something else lies where reports would go: the sales land all the same.
    let blocked = project_blocked().await;
    let mut summary = blocked.pipeline.run().await.expect("a run");
    blocked.pipeline.write_reports(&mut summary).await;
    assert_eq!((summary.files_landed, summary.reports.len()), (1, 0));
    assert!(
        summary.reports_failed.keys().any(|path| path == "reports/monthly/2024-06.json"),
        "{:?}",
        summary.reports_failed
    );
}

async fn project_blocked() -> Project {
    let project = project(&["monthly.json"]).await;
    std::fs::write(project.folder.path().join("storage/reports"), "no folder").expect("written");
    project.deliver("a.csv", &csv(&SALES));
    project
}
