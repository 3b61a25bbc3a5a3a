//! What a person sees, to the letter: `transcripts/*.txt`. A change of words shows as a change of these files; with
//! TILLMART_WRITE_TRANSCRIPTS=1 the tests write them anew.

use crate::shop::{Shop, Told, csv};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Calls and what they told, one after another.
pub(crate) struct Transcript<'a> {
    shop: &'a Shop,
    text: String,
}

impl<'a> Transcript<'a> {
    pub(crate) fn new(shop: &'a Shop) -> Transcript<'a> {
        Transcript { shop, text: String::new() }
    }

    pub(crate) fn call(&mut self, arguments: &[&str]) -> Told {
        self.call_with(arguments, &[])
    }

    /// With variables, which are not shown.
    pub(crate) fn call_with(&mut self, arguments: &[&str], variables: &[(&str, &str)]) -> Told {
        let told = self.shop.tillmart_with(arguments, variables);
        let line: Vec<String> = arguments
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        writeln!(
            self.text,
            "$ tillmart {}\nexit {}",
            steady(&line.join(" "), self.shop.folder()).trim_end(),
            told.code
        )
        .unwrap();
        self.stream("stdout", &told.out);
        self.stream("stderr", &told.err);
        self.text.push('\n');
        told
    }

    fn stream(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            write!(self.text, "--- {name}\n{}", steady(text, self.shop.folder())).unwrap();
        }
    }

    fn file(&mut self, path: &str) {
        let text = fs::read_to_string(self.shop.storage(path)).unwrap();
        write!(self.text, "$ cat storage/{path}\n{}\n", steady(&text, self.shop.folder())).unwrap();
    }

    #[track_caller]
    pub(crate) fn is(&self, name: &str) {
        is(name, &self.text);
    }
}

/// Holds a text against the transcript of that name.
#[track_caller]
pub(crate) fn is(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts").join(format!("{name}.txt"));
    if std::env::var_os("TILLMART_WRITE_TRANSCRIPTS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        expected == text,
        "{name} reads otherwise. If it is meant, set TILLMART_WRITE_TRANSCRIPTS=1 and look at the difference.\n\
         === expected\n{expected}\n=== told\n{text}"
    );
}

/// Paths, times and speeds replaced; trailing blanks of tables cut.
fn steady(text: &str, folder: &Path) -> String {
    let real = folder.canonicalize().unwrap();
    let mut steady = String::new();
    for line in text.replace(real.to_str().unwrap(), "PROJECT").replace(folder.to_str().unwrap(), "PROJECT").lines() {
        let line = &probe_without_number(line.trim_end());
        // Whether files are still young when a run looks depends on how fast the machine is.
        if line == "waiting for young files to be still" {
            continue;
        }
        if let Some((before, _)) = line.split_once("\"milliseconds\": ") {
            writeln!(steady, "{before}\"milliseconds\": N,").unwrap();
        } else if let Some((before, rest)) = line.split_once("\"megabytes_per_second\": ") {
            let comma = if rest.ends_with(',') { "," } else { "" };
            writeln!(steady, "{before}\"megabytes_per_second\": N{comma}").unwrap();
        } else if line.starts_with("time     ") {
            let (_, rest) = line.split_once(" s, ").unwrap();
            let (bytes, rest) = rest.split_once(" at ").unwrap();
            let (_, batches) = rest.split_once(" MB/s").unwrap();
            writeln!(steady, "time     N s, {bytes} at N MB/s{batches}").unwrap();
        } else if line.starts_with("  \"last_claimed\": \"") {
            writeln!(steady, "  \"last_claimed\": \"WHEN\",").unwrap();
        } else if let Some((before, _)) = line.split_once(", claimed ") {
            writeln!(steady, "{before}, claimed WHEN").unwrap();
        } else {
            writeln!(steady, "{line}").unwrap();
        }
    }
    steady
}

/// The name of `doctor`'s probe ends in a number that no other has.
fn probe_without_number(line: &str) -> String {
    const PROBE: &str = "_tillmart_doctor-";
    let Some((before, rest)) = line.split_once(PROBE) else { return line.to_owned() };
    format!("{before}{PROBE}N{}", rest.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()))
}

const SALES: [&str; 11] = [
    "1,1,Tea,2024-05-03,11,2.50,2,5.00",
    ",2,Coffee,2024-05-04,21,4.00,1000,4000.00",
    "2,1,Tea,2024-06-04,12,2.50,-1,-2.50",
    "2,1,Scones,2024-06-04,12,1.00,1,1.00",
    "77,1,Tea,2024-06-04,12,2.50,1,2.50",
    "1,1,Tea,2024-05-03,11,2.50,\"two\nor three\",5.00",
    "1,1,Tea,2024-05-05,11,2.50,2,5.00",
    "1,1,Tea,2024-05-06,11,2.50,2,5.00",
    "1,1,Tea,2024-05-07,11,2.50,2,5.00",
    "1,1,Tea,2024-05-08,11,2.50,2,5.00",
    "1,1,Tea,2024-05-09,11,2.50,2,5.00",
];

const WITHOUT_PRICE: &str =
    "customer_id,store_id,product_name,sales_date,sales_person_id,quantity,total_cost\n1,1,Tea,2024-05-03,11,2,5.00\n";

fn delivered() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows("day.csv", &SALES);
    shop.deliver("day again.csv", csv(&SALES));
    shop.deliver("no price.csv", WITHOUT_PRICE);
    shop.deliver("readme.pdf", "%PDF");
    shop
}

/// A person's first minute. The figures of the three days are held against their own count in `real_sales`.
#[test]
fn the_demo() {
    let shop = Shop::empty_folder();
    let folder = shop.folder().to_str().unwrap();
    let mut transcript = Transcript::new(&shop);
    transcript.call(&["demo", folder]);
    transcript.call(&["query", "SELECT count(*) AS sales, sum(total_cost) AS money FROM sales_data_mart"]);
    transcript.call(&["rejects", "list", "--reason", "missing_value", "--limit", "2"]);
    transcript.call(&["status"]);
    transcript.is("the_demo");
    let told = shop.tillmart(&["demo", folder, "--made-up", "2000", "--json"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let runs: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&runs["verified"], &runs["second"]["rows_read"]), (&true.into(), &0.into()), "{runs}");
    assert!(runs["first"]["rows_landed"].as_u64().unwrap() > 1_500, "{runs}");
}

#[test]
fn a_run_and_what_follows_it() {
    let shop = delivered();
    let mut transcript = Transcript::new(&shop);
    transcript.call(&["run", "--dry-run"]);
    transcript.call(&["run"]);
    transcript.call(&["run"]);
    transcript.call(&["status"]);
    transcript.call(&["files", "list"]);
    transcript.call(&["rejects", "list"]);
    transcript.call(&["rejects", "show", "1:7"]);
    transcript.call(&["rejects", "replay", "--reason", "unknown_customer"]);
    transcript.call(&[
        "query",
        "SELECT store_id, sales_person_id, full_name, total_sales, incentive FROM sales_team_data_mart ORDER BY 1, 2",
    ]);
    transcript.call(&[
        "query",
        "--csv",
        "SELECT customer_id, full_name, total_sales FROM customers_data_mart ORDER BY 1, 3",
    ]);
    transcript.call(&["query", "show tables"]);
    transcript.call(&["verify"]);
    transcript.call(&["doctor"]);
    transcript.file("sales_data_error/no price.csv.3.report.txt");
    transcript.is("a_run_and_what_follows_it");
}

#[test]
fn a_run_for_programs() {
    let shop = delivered();
    let mut transcript = Transcript::new(&shop);
    let told = transcript.call(&["run", "--json"]).ended(1);
    assert_eq!(told.err, "", "a program that reads the result is not talked to");
    told.json();
    transcript.call(&["run", "--json"]).ended(0).json();
    transcript.call(&["status", "--json"]).ended(0);
    transcript.is("a_run_for_programs");
}

#[test]
fn the_errors_that_people_meet() {
    let shop = delivered();
    let mut transcript = Transcript::new(&shop);
    shop.settings("[feeed]\nname = \"x\"\n[optimize]\nfile_min = 3\n[env.prod.feed]\nredelivery = \"repalce\"\n");
    let told = transcript.call(&["run"]).ended(2);
    assert_eq!(told.out, "", "stdout is for data");
    transcript.call(&["--env", "prod", "run", "--json"]).ended(2).json();
    shop.settings("");

    let marts = shop.folder().join("marts");
    fs::create_dir(&marts).unwrap();
    let wrong = "-- mart: mine\n-- about: Mine.\nSELECT s.store_id, s.produkt\nFROM sales AS s\n";
    fs::write(marts.join("mine.sql"), wrong).unwrap();
    transcript.call(&["run"]).ended(2);
    fs::remove_dir_all(&marts).unwrap();

    transcript.call(&["query", "SELECT nothing FROM nowhere"]).ended(2);
    transcript.call(&["query", "DELETE FROM sales_data_mart"]).ended(2);
    transcript.call(&["rejects", "show", "no:thing"]).ended(2);
    transcript.call(&["files", "revoke", "12"]).ended(2);
    transcript.call(&["dimensions", "load", "nowhere"]).ended(2);
    transcript.is("the_errors_that_people_meet");
}

#[test]
fn a_shop_that_is_not_ready() {
    let shop = Shop::bare();
    shop.deliver_rows("day.csv", &SALES);
    let mut transcript = Transcript::new(&shop);
    transcript.call(&["run"]).ended(2);
    transcript.call(&["run", "--dry-run"]).ended(2);
    assert_eq!(shop.rows("SELECT COUNT(*) FROM tillmart_batch"), ["0"], "nothing is claimed");

    let dimensions = shop.folder().join("customer.csv");
    fs::write(&dimensions, "customer_id,first_name,last_name\n1,Ada,Byron\nx,Ben,Okri\n").unwrap();
    transcript.call(&["dimensions", "load", dimensions.to_str().unwrap()]).ended(2);

    fs::remove_file(shop.folder().join("tillmart.db")).unwrap();
    transcript.call(&["run"]).ended(2);
    transcript.call(&["status"]).ended(2);
    transcript.call(&["db", "migrate"]).ended(0);
    transcript.call(&["db", "migrate"]).ended(0);
    transcript.call(&["rejects", "list"]).ended(0);
    transcript.call(&["init", shop.folder().to_str().unwrap()]).ended(2);
    fs::remove_file(shop.folder().join("tillmart.toml")).unwrap();
    transcript.call(&["run"]).ended(2);
    transcript.is("a_shop_that_is_not_ready");
}

/// A test may run as root, who may read everything: a file in the place of the folder cannot be listed by anybody.
#[test]
fn an_incoming_area_that_cannot_be_read() {
    let shop = Shop::new();
    let incoming = shop.storage("sales_data");
    fs::remove_dir(&incoming).unwrap();
    fs::write(&incoming, "no folder").unwrap();
    let mut transcript = Transcript::new(&shop);
    transcript.call(&["run"]).ended(2);
    transcript.call(&["doctor"]).ended(2);
    assert_eq!(fs::read_to_string(&incoming).unwrap(), "no folder");
    transcript.is("an_incoming_area_that_cannot_be_read");
}

/// Settings of servers and secrets: what is refused, what is shown, and how it is mended.
#[test]
fn secrets_and_profiles() {
    let shop = Shop::bare();
    let encrypt = |setting: &str, value: &str| {
        let file = shop.folder().join("value");
        fs::write(&file, value).unwrap();
        let mut command = shop.command(&["secrets", "encrypt", "--setting", setting]);
        command.env("TILLMART_MASTER_KEY", "correct horse battery staple").stdin(fs::File::open(&file).unwrap());
        let told = Told::of(command.output().unwrap()).ended(0);
        fs::remove_file(file).unwrap();
        told.out.trim().to_owned()
    };
    let sealed = encrypt("storage.session_token", "of the laptop");
    shop.settings(&format!(
        "[storage]\ncredentials = \"chain\"\nsession_token = \"{sealed}\"\n[env.prod.storage]\nroot = \"s3://bucket/sales\"\n\
         endpoint = \"http://127.0.0.1:9000\"\nallow_http = true\n[env.prod.database]\n\
         url = \"mysql://tillmart@db.example.com/sales\"\npassword = \"hunter2\"\n"
    ));
    let mut transcript = Transcript::new(&shop);
    transcript.call(&["--env", "prod", "run"]).ended(2);
    transcript.call(&["--env", "prod", "config", "show"]).ended(2);
    transcript.call(&["secrets", "check"]).ended(2);
    transcript.call(&["--env", "prd", "status"]).ended(2);
    transcript.call(&["secrets", "encrypt", "--setting", "database.password", "--write"]).ended(2);

    let moved = encrypt("database.password", "hunter2");
    shop.settings(&format!("[storage]\ncredentials = \"chain\"\nsession_token = \"{moved}\"\n"));
    transcript.call_with(&["secrets", "check"], &[("TILLMART_MASTER_KEY", "correct horse battery staple")]).ended(2);
    transcript.call_with(&["secrets", "check"], &[("TILLMART_MASTER_KEY", "another passphrase")]).ended(2);
    shop.settings("[database]\nurl = \"mysql://tillmart:hunter2@db.example.com/sales\"\npassword = \"enc:v1:cut\"\n");
    transcript.call(&["status"]).ended(2);
    shop.settings("[database]\nurl = \"mysql://db.example.com/sales\"\npassword = \"file:/run/secrets/nowhere\"\n");
    transcript.call(&["status"]).ended(2);
    assert!(!transcript.text.contains("hunter2"));
    transcript.is("secrets_and_profiles");
}

/// Rates by rank, and a manager who sold nothing: what is paid in May and June, and why.
fn with_a_plan(plan: &str) -> String {
    format!("[marts.incentive]\n{plan}\n")
}

const MAY: [&str; 5] = [
    "1,1,Tea,2024-05-03,11,2.50,1200,3000.00",
    "1,1,Tea,2024-05-04,12,2.50,800,2000.00",
    ",1,Coffee,2024-05-04,21,4.00,500,2000.00",
    ",2,Coffee,2024-05-04,21,4.00,1000,4000.00",
    "1,1,Tea,2024-06-04,12,2.50,1,2.50",
];

const PLAN: &str = "rates = [\"1 %\", \"0.5 %\"]\nties = \"split\"\ntiers = [\"3500: 2 % / 1 %\"]\noverrides = [\"10 %\"]\ncap = \"75.00\"";

#[test]
fn incentives_explained() {
    let shop = Shop::new();
    shop.settings(&with_a_plan(PLAN));
    shop.deliver_rows("may.csv", &MAY);
    shop.run(0);
    let mut transcript = Transcript::new(&shop);
    let mut report = |more: &[&str]| transcript.call(&[&["report", "incentives"], more].concat());
    report(&["--month", "2024-05"]).ended(0);
    report(&["--month", "2024-05", "--person", "11"]).ended(0);
    report(&["--month", "2024-05", "--person", "21"]).ended(0);
    report(&["--month", "2024-05", "--person", "1", "--format", "csv"]).ended(0);
    let told = report(&["--month", "2024-05", "--person", "12", "--store", "1", "--json"]).ended(0);
    assert_eq!(told.json()["report"], "incentives");
    report(&["--month", "2024-07"]).ended(2);
    report(&["--month", "May"]).ended(2);
    report(&["--month", "2024-5"]).ended(2);
    report(&["--month", "2024-05", "--person", "99"]).ended(2);
    report(&["--month", "2024-06", "--person", "21"]).ended(2);
    report(&["--month", "2024-05", "--store", "9"]).ended(2);
    report(&["--month", "2024-06", "--store", "2"]).ended(2);
    transcript.is("incentives_explained");
}

#[test]
fn a_plan_that_changes() {
    let shop = Shop::new();
    shop.settings(&with_a_plan("overrides = [\"10 %\"]"));
    shop.deliver_rows("may.csv", &MAY);
    shop.run(0);
    let mut transcript = Transcript::new(&shop);
    shop.settings(&with_a_plan("rate = \"2 %\""));
    transcript.call(&["verify"]).ended(0);
    transcript.call(&["incentives", "renew", "--month", "2024-05", "--dry-run"]).ended(0);
    transcript.call(&["incentives", "renew", "--month", "2024-05"]).ended(0);
    transcript.call(&["incentives", "renew", "--month", "2024-05"]).ended(0);
    transcript.call(&["incentives", "renew", "--all", "--json"]).ended(0);
    transcript.call(&["incentives", "renew", "--month", "2024-07"]).ended(2);
    transcript.call(&["incentives", "renew"]).ended(2);
    shop.settings(&with_a_plan(
        "rate = \"2 %\"\nrates = [\"1 %\"]\ntiers = [\"1: 2 %\", \"1: 3 %\"]\ncap = 0\ncaps = 1",
    ));
    transcript.call(&["doctor"]).ended(2);
    shop.settings(&with_a_plan("overrides = [\"10 %\"]"));
    let team = shop.folder().join("sales_team.csv");
    fs::write(&team, "id,first_name,last_name,manager_id\n1,Mona,Boss,12\n").unwrap();
    transcript.call(&["dimensions", "load", team.to_str().unwrap()]).ended(0);
    shop.deliver_rows("june.csv", &["1,1,Tea,2024-06-05,12,2.50,1,2.50"]);
    transcript.call(&["run"]).ended(2);
    let told = transcript.call(&["doctor"]).ended(2);
    assert!(told.out.contains("1 Mona Boss -> 12 Sue Two -> 1 Mona Boss"), "{}", told.out);
    transcript.is("a_plan_that_changes");
}
