//! Coupons as marketing and tills have them: planned, issued once, exported, redeemed once.

use crate::servers::Servers;
use crate::shop::{Shop, Told, cents, example, files_of};
use crate::transcripts::Transcript;
use chrono::NaiveDate;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::Arc;

const RULES: &str = "
[coupons]
secret = \"a secret of some length\"
[coupons.rules.big]
who = \"spend\"
spend_from = \"100.00\"
percent = \"10 %\"
max_discount = \"20.00\"
min_basket = \"50.00\"
valid_days = 30
[coupons.rules.less]
who = \"drop\"
drop = \"30 %\"
amount = \"5.00\"
valid_days = 30
[coupons.rules.welcome]
who = \"first_purchase\"
amount = \"5.00\"
min_basket = \"25.00\"
valid_days = 10
[coupons.rules.come_back]
who = \"lapsed\"
days = 100
amount = \"7.50\"
valid_days = 45
";

/// Customers 1 (big), 2 (less), 3 (lapsed), 4 (first purchase, with a name that a spreadsheet would run), 5 (all brought back);
/// anonymous sales are nobody's.
const SALES: [&str; 9] = [
    "1,1,Tea,2024-06-03,11,2.50,48,120.00",
    "2,1,Tea,2024-03-03,11,2.50,40,100.00",
    "2,1,Tea,2024-06-03,11,2.50,4,10.00",
    "3,1,Tea,2024-02-03,11,2.50,4,10.00",
    "4,2,Coffee,2024-06-30,21,4.00,1,4.00",
    "5,2,Coffee,2024-06-03,21,4.00,50,200.00",
    "5,2,Coffee,2024-06-29,21,4.00,-50,-200.00",
    ",2,Coffee,2024-06-04,21,4.00,1000,4000.00",
    "1,1,Tea,2024-07-01,11,2.50,480,1200.00",
];

const NOW: (&str, &str) = ("TILLMART_CLOCK", "2024-07-02T10:00:00Z");

fn furnish(shop: &Shop) {
    shop.settings(RULES);
    let more = shop.folder().join("customer.csv");
    std::fs::write(
        &more,
        "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n\
         4,=cmd|'/C calc'!A1,\"O\"\"Hara, the 2nd\",@SUM(1+1),-10004,+49 30 9004,2024-06-30\n5,Eve,Five,5 Mill Lane,10005,9005,\n",
    )
    .unwrap();
    shop.load_dimensions(&more);
    shop.deliver_rows("days.csv", &SALES);
    shop.tillmart_with(&["run"], &[NOW]).ended(0);
}

fn opened() -> Shop {
    let shop = Shop::new();
    furnish(&shop);
    shop
}

fn at_now(shop: &Shop, arguments: &[&str]) -> Told {
    shop.tillmart_with(arguments, &[NOW])
}

/// The codes by customer.
fn codes(shop: &Shop) -> BTreeMap<i64, String> {
    let list = at_now(shop, &["coupons", "list", "--json", "--limit", "0"]).ended(0).json();
    let coupons = list.as_array().unwrap().iter();
    coupons.map(|one| (one["customer_id"].as_i64().unwrap(), one["code"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn what_marketing_and_tills_read() {
    let shop = opened();
    let mut transcript = Transcript::new(&shop);
    transcript.call_with(&["coupons", "plan", "--month", "2024-06"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "issue", "--month", "2024-06"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "issue", "--month", "2024-06"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "list"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "list", "--rule", "welcome", "--json"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "list", "--state", "redeemed"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "export", "--month", "2024-06"], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "export", "--month", "2024-06", "--rule", "welcome", "--raw"], &[NOW]).ended(0);
    let codes = codes(&shop);
    let (big, welcome) = (codes[&1].as_str(), codes[&4].as_str());
    transcript.call_with(&["coupons", "verify", big], &[NOW]).ended(0);
    transcript.call_with(&["coupons", "redeem", big], &[NOW]).ended(1);
    transcript.call_with(&["coupons", "redeem", big, "--basket", "49.99"], &[NOW]).ended(1);
    let redeem = ["coupons", "redeem", big, "--basket", "162.40", "--store", "1", "--reference", "till 4, bill 1733"];
    transcript.call_with(&redeem, &[NOW]).ended(0);
    transcript.call_with(&redeem, &[NOW]).ended(0);
    transcript.call_with(&["coupons", "redeem", big, "--basket", "162.40"], &[NOW]).ended(1);
    transcript.call_with(&["coupons", "verify", big], &[NOW]).ended(1);
    let later = ("TILLMART_CLOCK", "2024-07-13T00:00:00Z");
    transcript.call_with(&["coupons", "redeem", welcome, "--basket", "30"], &[later]).ended(1);
    transcript.call_with(&["coupons", "verify", welcome, "--json"], &[later]).ended(1);
    let before = ("TILLMART_CLOCK", "2024-07-01T23:59:59Z");
    transcript.call_with(&["coupons", "verify", welcome], &[before]).ended(1);
    transcript.is("coupons");
}

#[test]
fn what_is_said_when_a_coupon_cannot_be() {
    let shop = opened();
    let mut transcript = Transcript::new(&shop);
    let plan = ["coupons", "plan", "--month", "2024-06"];
    transcript.call_with(&["coupons", "plan", "--month", "2024-13"], &[NOW]).ended(2);
    transcript.call_with(&["coupons", "plan", "--month", "2024-04"], &[NOW]).ended(2);
    transcript.call_with(&["coupons", "plan", "--month", "2023-12"], &[NOW]).ended(2);
    transcript.call_with(&["coupons", "plan", "--month", "2024-08"], &[NOW]).ended(2);
    transcript.call_with(&["coupons", "issue", "--month", "2024-07"], &[NOW]).ended(2);
    transcript.call_with(&["coupons", "verify", "4Z7K-9QWM-01X"], &[NOW]).ended(1);
    transcript.call_with(&["coupons", "verify", "4Z7K-9QWM-01XU"], &[NOW]).ended(1);
    transcript.call_with(&["coupons", "verify", "0000-0000-0001"], &[NOW]).ended(1);
    transcript.call_with(&["coupons", "redeem", "0000-0000-0000", "--json"], &[NOW]).ended(1);
    transcript.call_with(&["coupons", "redeem", "0000-0000-0000", "--basket", "-1"], &[NOW]).ended(2);
    shop.settings(&RULES.replace("secret = \"a secret of some length\"", ""));
    transcript.call_with(&["coupons", "issue", "--month", "2024-06"], &[NOW]).ended(2);
    transcript.call_with(&["coupons", "verify", "0000-0000-0000"], &[NOW]).ended(1);
    shop.settings(&RULES.replace("a secret of some length", "hunter2"));
    transcript.call_with(&["coupons", "issue", "--month", "2024-06"], &[NOW]).ended(2);
    shop.settings(&RULES.replace("max_discount", "max_discont").replace("who = \"drop\"", "who = \"dorp\""));
    transcript.call_with(&plan, &[NOW]).ended(2);
    shop.settings("");
    transcript.call_with(&plan, &[NOW]).ended(2);
    transcript.is("coupons_that_cannot_be");
}

/// A till that has lost the database still tells a typo and a forgery.
#[test]
fn mistyped_and_forged_codes_are_told_without_a_database() {
    let shop = opened();
    at_now(&shop, &["coupons", "issue", "--month", "2024-06"]).ended(0);
    let genuine = codes(&shop)[&1].clone();
    let gone = ("TILLMART_DATABASE_URL", "mysql://app@127.0.0.1:1/shop");
    for (code, state) in [("0000-0000-0001", "mistyped"), ("0000-0000-0000", "unknown")] {
        for command in ["verify", "redeem"] {
            let told = shop.tillmart_with(&["coupons", command, code, "--json"], &[NOW, gone]).ended(1).json();
            assert_eq!(told["state"], state, "{told}");
        }
    }
    let told = shop.tillmart_with(&["coupons", "verify", &genuine], &[NOW, gone]).ended(2);
    assert!(told.err.contains("127.0.0.1:1"), "a genuine one needs the database: {}", told.err);
    let sloppy = genuine.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "i");
    let words: Vec<&str> = ["coupons", "verify"].into_iter().chain(sloppy.split(' ')).collect();
    assert!(at_now(&shop, &words).ended(0).out.contains(&genuine));
}

/// After a change of the secret the coupons of the old one are good as long as it is among the former ones.
#[test]
fn a_new_secret_leaves_old_coupons_good() {
    let shop = opened();
    at_now(&shop, &["coupons", "issue", "--month", "2024-06"]).ended(0);
    let old = codes(&shop)[&1].clone();
    let renewed = RULES.replace("a secret of some length", "another secret of length");
    shop.settings(&renewed);
    assert!(at_now(&shop, &["coupons", "verify", &old]).ended(1).out.contains("unknown"));
    let told = at_now(&shop, &["coupons", "issue", "--month", "2024-05"]);
    assert_eq!(told.code, 2, "a month without sales");
    let told = at_now(&shop, &["coupons", "issue", "--month", "2024-03"]).ended(0);
    assert!(told.err.contains("warning: the codes of big of 2024-06"), "{}", told.err);
    shop.settings(&renewed.replace("[coupons]", "[coupons]\nformer_secrets = \"a secret of some length\""));
    at_now(&shop, &["coupons", "verify", &old]).ended(0);
    let told = at_now(&shop, &["coupons", "issue", "--month", "2024-03"]).ended(0);
    assert!(!told.err.contains("warning"), "{}", told.err);
    for text in [&told.out, &told.err] {
        assert!(!text.contains("of some length") && !text.contains("another secret"), "{text}");
    }
}

/// No cell of an export is a formula, and a CSV reader finds what was put in.
#[test]
fn an_export_is_harmless_and_whole() {
    let shop = opened();
    at_now(&shop, &["coupons", "issue", "--month", "2024-06"]).ended(0);
    let read = |arguments: &[&str]| -> Vec<csv::StringRecord> {
        let told = at_now(&shop, &[&["coupons", "export", "--month", "2024-06"], arguments].concat()).ended(0);
        assert!(told.out.lines().count() > 1 && !told.out.replace("\r\n", "").contains('\n'));
        csv::Reader::from_reader(told.out.as_bytes()).records().map(Result::unwrap).collect()
    };
    let safe = read(&[]);
    assert_eq!(safe.len(), 4);
    for cell in safe.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell}");
    }
    let four = |records: &[csv::StringRecord]| records.iter().find(|record| &record[0] == "4").unwrap().clone();
    let raw = four(&read(&["--raw"]));
    assert_eq!(
        raw.iter().skip(1).take(5).collect::<Vec<_>>(),
        ["=cmd|'/C calc'!A1", "O\"Hara, the 2nd", "@SUM(1+1)", "-10004", "+49 30 9004"]
    );
    assert_eq!(
        four(&safe).iter().skip(1).take(5).collect::<Vec<_>>(),
        ["'=cmd|'/C calc'!A1", "O\"Hara, the 2nd", "'@SUM(1+1)", "'-10004", "'+49 30 9004"]
    );
}

/// Processes that do something at the same moment, and how each ended.
fn at_once(shop: &Shop, calls: &[&[&str]]) -> Vec<Told> {
    let children: Vec<_> = calls
        .iter()
        .map(|arguments| {
            let mut command = shop.command(arguments);
            command.env(NOW.0, NOW.1).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    children.into_iter().map(|child| Told::of(child.wait_with_output().unwrap())).collect()
}

/// Two issues at once, then a late file, then two tills at once.
fn play(shop: &Shop) {
    let issue: &[&str] = &["coupons", "issue", "--month", "2024-06", "--json"];
    let told: Vec<Value> = at_once(shop, &[issue, issue]).into_iter().map(|told| told.ended(0).json()).collect();
    let mut new: Vec<u64> = told.iter().map(|told| told["coupons"].as_u64().unwrap()).collect();
    new.sort_unstable();
    assert_eq!(new, [0, 4], "one of them issued: {told:?}");
    let first = codes(shop);
    assert_eq!(first.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);

    shop.deliver_rows("late.csv", &["3,1,Tea,2024-06-20,11,2.50,80,200.00", "4,2,Coffee,2024-06-30,21,4.00,-1,-4.00"]);
    shop.tillmart_with(&["run"], &[NOW]).ended(0);
    let again = at_now(shop, issue).ended(0).json();
    assert_eq!((again["coupons"].as_u64(), again["issued"].as_array().unwrap().len()), (Some(0), 0), "{again}");
    let differs = |rule: &str| {
        let before = again["before"].as_array().unwrap().iter();
        let rule = before.clone().find(|one| one["rule"] == rule).unwrap();
        (rule["would_get"].as_u64().unwrap(), rule["would_not"].as_u64().unwrap())
    };
    // Customer 3 is back and would be a big one, but has one as lapsed; customer 4 brought everything back.
    assert_eq!((differs("big"), differs("welcome"), differs("come_back")), ((0, 0), (0, 1), (0, 1)));
    assert_eq!(codes(shop), first);

    for code in first.values() {
        let redeem =
            |till: &'static str| ["coupons", "redeem", code, "--basket", "100.00", "--reference", till, "--json"];
        let (one, two) = (redeem("till 1"), redeem("till 2"));
        let told = at_once(shop, &[&one, &two]);
        let mut ends: Vec<i32> = told.iter().map(|told| told.code).collect();
        ends.sort_unstable();
        assert_eq!(ends, [0, 1], "{told:?}");
        let refused = told.iter().find(|told| told.code == 1).unwrap().json();
        assert_eq!(refused["state"], "redeemed", "{refused}");
        let winner = told.iter().find(|told| told.code == 0).unwrap().json();
        let retry = if winner["reference"] == "till 1" { one } else { two };
        assert_eq!(at_now(shop, &retry).ended(0).json()["redeemed"], winner["redeemed"], "the same answer again");
    }
    let redeemed = at_now(shop, &["coupons", "list", "--state", "redeemed", "--json"]).ended(0).json();
    assert_eq!(redeemed.as_array().unwrap().len(), 4);
    shop.verified();
}

#[test]
fn of_two_at_the_same_moment_one_issues_and_one_redeems() {
    play(&opened());
}

#[test]
fn the_same_on_servers() {
    let shop = Shop::on(&Arc::new(Servers::start()));
    furnish(&shop);
    play(&shop);
}

/// What four rules come to over the real sales, counted here from the files.
#[test]
fn real_sales_by_four_rules() {
    let shop = Shop::new();
    shop.settings(&format!(
        "{}hold_out = \"25 %\"\n",
        RULES.replace("\"100.00\"", "\"300.00\"\nbudget = \"100.00\"").replace("days = 100", "days = 80")
    ));
    shop.load_dimensions(&example("real-sales/dimensions"));
    let customers = std::fs::read_to_string(example("real-sales/dimensions/customer.csv")).unwrap();
    let known: BTreeSet<&str> = customers.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let mut days: BTreeMap<(i64, NaiveDate), i128> = BTreeMap::new();
    for file in files_of(&example("real-sales/sales_data")) {
        shop.deliver(file.file_name().unwrap().to_str().unwrap(), std::fs::read(&file).unwrap());
        for row in csv::Reader::from_path(&file).unwrap().records().map(Result::unwrap) {
            if known.contains(&row[0]) && !row[2].is_empty() && !row[5].starts_with('-') {
                *days.entry((row[0].parse().unwrap(), row[3].parse().unwrap())).or_default() += cents(&row[7]);
            }
        }
    }
    shop.run(1);
    // The days are in February, April and August.
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let of = |from: &str, to: &str| -> BTreeMap<i64, i128> {
        let mut sums = BTreeMap::new();
        for ((customer, _), net) in days.iter().filter(|((_, on), _)| *on >= day(from) && *on <= day(to)) {
            *sums.entry(*customer).or_default() += net;
        }
        sums.retain(|_, sum| *sum > 0);
        sums
    };
    let (april, until) = (of("2011-04-01", "2011-04-30"), of("2011-01-01", "2011-04-30"));
    let before = of("2011-01-01", "2011-03-31");
    let bought = |customer: &i64, from: &str, to: &str| {
        days.iter().any(|((who, on), net)| who == customer && *net > 0 && *on >= day(from) && *on <= day(to))
    };
    let big = april.values().filter(|spend| **spend >= 30_000).count();
    let less =
        april.iter().filter(|(who, spend)| before.get(who).is_some_and(|before| **spend * 30 <= before * 7)).count();
    let first =
        april.keys().filter(|who| bought(who, "2011-04-01", "2011-04-30") && !bought(who, "2011-01-01", "2011-03-31"));
    let first = first.count();
    let lapsed = until.keys().filter(|who| !bought(who, "2011-02-10", "2011-04-30")).count();
    let plan = shop.tillmart(&["coupons", "plan", "--month", "2011-04", "--json", "--limit", "0"]).ended(0).json();
    let count = |rule: usize, what: &str| plan["rules"][rule][what].as_u64().unwrap() as usize;
    assert_eq!([0, 1, 2, 3].map(|rule| count(rule, "fits")), [big, less, first, lapsed], "{plan:#}");
    assert!(big > 6 && first > 20, "the days are worth counting: {big} {first}");
    // 100.00 pay for five coupons of 20.00; they go to those who spent most.
    assert_eq!((count(0, "coupons"), count(0, "cut")), (5, big - 5));
    let mut spends: Vec<i128> = april.values().copied().collect();
    spends.sort_unstable_by_key(|spend| std::cmp::Reverse(*spend));
    let told =
        plan["rules"][0]["customers"].as_array().unwrap().iter().map(|one| cents(one["spend"].as_str().unwrap()));
    assert_eq!(told.collect::<Vec<_>>(), spends[..5]);

    let issued = shop.tillmart(&["coupons", "issue", "--month", "2011-04", "--json"]).ended(0).json();
    assert_eq!((&issued["coupons"], &issued["cost_bound"]), (&plan["coupons"], &plan["cost_bound"]));
    let first = codes(&shop);
    assert_eq!(first.len() as u64, plan["coupons"].as_u64().unwrap(), "one for each customer");
    assert_eq!(shop.tillmart(&["coupons", "issue", "--month", "2011-04", "--json"]).ended(0).json()["coupons"], 0);
    assert_eq!(codes(&shop), first);
}
