//! The whole real sales data through the binary, three ways, checked by readers that are not ours.
//!
//! This file drives; `real_sales_check.py` judges, with Python's sqlite3 and deltalake, from the files as they were
//! delivered. What it leaves behind stays in `target/real-sales` when it fails.

use crate::Outcome;
use crate::machine::{cargo, files_below, root, shown, target, told};
use crate::project::{ALL_DONE, Project, REJECTED};
use crate::python;
use crate::servers;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const MARTS: [&str; 7] = [
    "customers_data_mart",
    "sales_team_data_mart",
    "store_day_data_mart",
    "sales_person_day_data_mart",
    "product_day_data_mart",
    "sales_data_mart",
    "customer_data_mart",
];

/// A busy Monday; the last day of all, with half a month; the first with a month before; and a Saturday, on which nobody sells.
const DAYS_REPORTED: [&str; 4] = ["2011-11-14", "2011-12-09", "2011-01-04", "2011-11-12"];

/// One with months around it, the first of all, and the one that was under way when the data ended.
const MONTHS_REPORTED: [&str; 3] = ["2011-11", "2010-12", "2011-12"];

/// Loads the real sales as one batch, as a batch for each file in shuffled order, with kills, and on MariaDB and RadosGW; then
/// redelivers, refuses and replays.
pub(crate) fn run(release: bool) -> Outcome {
    let start = Instant::now();
    servers::ensure()?;
    let shared = shared()?;
    let seed = seed()?;
    println!("seed {seed} (TILLMART_SEED={seed} repeats this run)");
    let bench = Bench::new(release, &shared, Chance(seed))?;
    bench.scenarios().map_err(|failure| {
        format!("{failure}\nreal-sales failed (TILLMART_SEED={seed}); its projects are in {}", bench.folder.display())
    })?;
    fs::remove_dir_all(&bench.folder).map_err(|error| format!("cannot clean {}: {error}", bench.folder.display()))?;
    println!("real sales: all figures agree ({} s)", start.elapsed().as_secs());
    Ok(())
}

/// The folder with the shared data.
fn shared() -> Outcome<PathBuf> {
    let folder = std::env::var_os("TILLMART_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let script = folder.join("data/online_retail/prepare.py");
    if script.is_file() {
        return Ok(folder);
    }
    Err(format!(
        "real-sales needs the shared data, and {} is not there: put the shared folder beside the clone, or name it in TILLMART_SHARED",
        script.display()
    ))
}

fn seed() -> Outcome<u64> {
    match std::env::var("TILLMART_SEED") {
        Ok(text) => text.parse().map_err(|_| format!("TILLMART_SEED is not a whole number: {text}")),
        Err(_) => Ok(std::hash::RandomState::new().build_hasher().finish() % 1_000_000_000),
    }
}

/// SplitMix64: chance that a printed seed repeats.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end as u64 + 1) as usize);
        }
    }
}

/// Everything that the scenarios work with.
pub(crate) struct Bench {
    binary: PathBuf,
    python: PathBuf,
    folder: PathBuf,
    pub(crate) prepared: PathBuf,
    files: Vec<PathBuf>,
    chance: Chance,
}

impl Bench {
    fn new(release: bool, shared: &Path, chance: Chance) -> Outcome<Bench> {
        // The same selection as the tests, so that one resolution of features serves both and nothing is built twice.
        let build: &[&str] = if release {
            &["build", "--release", "-p", "tillmart"]
        } else {
            &["build", "--workspace", "--bins", "--tests"]
        };
        shown(cargo(build))?;
        let binary = target().join(if release { "release" } else { "debug" }).join("tillmart");
        let folder = target().join("real-sales");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| format!("cannot clean {}: {error}", folder.display()))?;
        }
        let prepared = folder.join("prepared");
        fs::create_dir_all(&prepared).map_err(|error| format!("cannot make {}: {error}", prepared.display()))?;
        let mut prepare = Command::new("python3");
        prepare.arg(shared.join("data/online_retail/prepare.py")).arg(&prepared);
        told(prepare)?;
        let files = files_below(&prepared.join("sales_data"))?;
        println!("prepared {} source files", files.len());
        Ok(Bench {
            binary,
            python: python::environment("xtask/real_sales_requirements.txt", "real-sales-venv")?,
            folder,
            prepared,
            files,
            chance,
        })
    }

    fn scenarios(&self) -> Outcome {
        let start = Instant::now();
        let one = self.one_batch()?;
        let took = start.elapsed();
        let one_tables = self.snapshot(&one, "one-batch")?;
        told_time("one batch of all files", took);

        let start = Instant::now();
        let shuffled = self.shuffled()?;
        self.equal(&one_tables, &self.snapshot(&shuffled, "shuffled")?, &[])?;
        told_time("a batch for each file, in shuffled order: equal tables", start.elapsed());

        let start = Instant::now();
        let killed = self.killed(took, &mut |name| self.delivered(name, &[batches_of(40)]))?;
        self.equal(&one_tables, &self.snapshot(&killed, "killed")?, &[])?;
        told_time("killed at three random moments: equal tables", start.elapsed());

        self.on_servers(&one_tables, took)?;

        let start = Instant::now();
        self.coupons(&one)?;
        told_time("coupons planned, issued and redeemed", start.elapsed());

        let start = Instant::now();
        self.redeliver(&one, &one_tables)?;
        self.replay(&one)?;
        self.mend_nothing(&one)?;
        told_time("redelivery, refusal and replay", start.elapsed());
        Ok(())
    }

    /// A project with the dimensions loaded; `settings` are variables it is run with.
    pub(crate) fn project(&self, name: &str, settings: &[(String, String)]) -> Outcome<Project> {
        Project::new(&self.binary, self.folder.join(name), &self.prepared.join("dimensions"), settings)
    }

    /// A project in its folder, with everything delivered.
    fn delivered(&self, name: &str, settings: &[(String, String)]) -> Outcome<Project> {
        let project = self.project(name, settings)?;
        for file in &self.files {
            project.deliver(file, &self::name(file))?;
        }
        Ok(project)
    }

    /// Issue 2, point 1: everything in one batch.
    fn one_batch(&self) -> Outcome<Project> {
        let project = self.delivered("one-batch", &[])?;
        let summary = self.folder.join("one-batch.json");
        let printed = project.call(&["run", "--json"], REJECTED)?;
        fs::write(&summary, printed).map_err(|error| format!("cannot write {}: {error}", summary.display()))?;
        self.judge("summary", &[&summary, &self.prepared.join("expected.json")])?;
        self.figures(&project)?;
        let ledger = self.ledger(&project)?;
        expect("batches of one run", ledger["batches"], 1)?;
        self.reports(&project)?;
        Ok(project)
    }

    /// Each file is a batch. Batches follow the order of paths, so folders with shuffled numbers shuffle them.
    fn shuffled(&self) -> Outcome<Project> {
        let mut chance = self.chance.clone();
        let mut files = self.files.clone();
        chance.shuffle(&mut files);
        let project = self.project("shuffled", &[batches_of(1)])?;
        for (number, file) in files.iter().enumerate() {
            project.deliver(file, &format!("{number:04}/{}", name(file)))?;
        }
        project.call(&["run", "--json"], REJECTED)?;
        let ledger = self.ledger(&project)?;
        expect("batches, one for each file", ledger["batches"], files.len() as u64)?;
        expect("batches in another order than the files' names", ledger["batches_in_name_order"], 0)?;
        self.figures(&project)?;
        Ok(project)
    }

    /// Three kills, then a run to the end. `whole` is what an undisturbed run takes; `fresh` makes a project with everything
    /// delivered, under a name.
    pub(crate) fn killed(&self, whole: Duration, fresh: &mut dyn FnMut(&str) -> Outcome<Project>) -> Outcome<Project> {
        let mut chance = self.chance.clone();
        let mut window_ms = (whole.as_millis() as u64 / 4).max(100);
        for attempt in 1..=4 {
            let project = fresh(&format!("killed-{attempt}"))?;
            let mut kills = 0;
            for _ in 0..3 {
                let delay = Duration::from_millis(20 + chance.below(window_ms));
                if !project.kill_after(delay)? {
                    break;
                }
                kills += 1;
                let ledger = self.ledger(&project)?;
                println!(
                    "  killed after {} ms: {} batches, {} unfinished",
                    delay.as_millis(),
                    ledger["batches"],
                    ledger["unfinished"]
                );
            }
            if kills == 3 {
                project.run_after_kill(REJECTED)?;
                self.figures(&project)?;
                return Ok(project);
            }
            // The run ended before its third kill: a faster machine than the first scenario showed.
            window_ms /= 2;
        }
        Err("no run lived long enough to be killed three times".to_owned())
    }

    /// Issue 2, point 2: nothing new, the same bytes again, a file without `price`, one bad row among good ones.
    fn redeliver(&self, project: &Project, before: &Path) -> Outcome {
        let files = self.ledger(project)?["files"];
        project.call(&["run"], ALL_DONE)?;
        expect("files after a run with nothing to do", self.ledger(project)?["files"], files)?;
        self.equal(before, &self.snapshot(project, "second-run")?, &[])?;
        println!("  a second run takes nothing");

        let Some(first) = self.files.first() else { return Err("there are no source files".to_owned()) };
        project.deliver(first, "delivered_again.csv")?;
        project.call(&["run"], ALL_DONE)?;
        expect("duplicates", self.ledger(project)?["duplicate"], 1)?;
        there(&project.folder.join("storage/sales_data_processed/delivered_again.csv"), true)?;
        there(&project.incoming().join("delivered_again.csv"), false)?;
        self.equal(before, &self.snapshot(project, "duplicate")?, &[])?;
        println!("  the same file under another name is a recorded duplicate");

        let no_price = "customer_id,store_id,product_name,sales_date,sales_person_id,quantity,total_cost\n\
                        12347,135,Lantern,2011-01-03,13501,2,5.00\n";
        project.deliver_bytes(no_price.as_bytes(), "no_price.csv")?;
        project.call(&["run"], REJECTED)?;
        let error_area = project.folder.join("storage/sales_data_error");
        there(&error_area.join("no_price.csv"), true)?;
        there(&project.incoming().join("no_price.csv"), false)?;
        let beside = files_below(&error_area)?.iter().filter(|path| name(path).starts_with("no_price")).count();
        expect("the rejected file and its report", beside as u64, 2)?;
        expect("rejected files", self.ledger(project)?["rejected"], 1)?;
        self.equal(before, &self.snapshot(project, "no-price")?, &MARTS)?;
        println!("  a file without price lies in the error area beside its report, and nothing of it landed");
        Ok(())
    }

    /// Issue 2, point 3: the five customers come, their sales land once, and a second replay finds nothing.
    pub(crate) fn replay(&self, project: &Project) -> Outcome {
        let customers = self.folder.join("late/customer.csv");
        self.judge("missing-customers", &[&project.folder, &customers])?;
        project.load_dimensions(&customers)?;
        let before = self.ledger(project)?;
        project.call(&["rejects", "replay", "--reason", "unknown_customer"], ALL_DONE)?;
        let after = self.ledger(project)?;
        expect("replayed rows", after["rows_replayed"], before["rows_replayed"] + 305)?;
        // The judge knows the late customers by now: every key of every mart must have moved by just their money.
        self.judge("figures", &[&project.folder, &self.prepared])?;
        let once = self.snapshot(project, "replayed-once")?;
        project.call(&["rejects", "replay", "--reason", "unknown_customer"], ALL_DONE)?;
        self.equal(&once, &self.snapshot(project, "replayed-twice")?, &[])?;
        expect("replayed rows after a second replay", self.ledger(project)?["rows_replayed"], after["rows_replayed"])?;
        project.call(&["verify"], ALL_DONE)?;
        println!("  the replay landed 305 rows once, and moved the marts by exactly their money");
        Ok(())
    }

    /// One bad row among good ones: the good ones land. Last, because its sales are not among the prepared ones.
    fn mend_nothing(&self, project: &Project) -> Outcome {
        let mut text =
            "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n".to_owned();
        for quantity in 1..=20 {
            text.push_str(&format!(",101,Lantern,2011-01-03,10101,1.00,{quantity},{quantity}.00\n"));
        }
        text.push_str(",101,Lantern,2011-01-03,10101,1.00,three,3.00\n");
        let before = self.ledger(project)?;
        project.deliver_bytes(text.as_bytes(), "one_bad_row.csv")?;
        project.call(&["run"], REJECTED)?;
        let after = self.ledger(project)?;
        expect("rows read of a file with one bad row", after["rows_read"] - before["rows_read"], 21)?;
        expect("rows landed of it", after["rows_landed"] - before["rows_landed"], 20)?;
        project.call(&["verify"], ALL_DONE)?;
        println!("  one bad row among good ones leaves the good ones alone");
        Ok(())
    }

    /// Every figure of `expected.json`, and every row and key, from the database and from the Delta tables.
    pub(crate) fn figures(&self, project: &Project) -> Outcome {
        self.judge("figures", &[&project.folder, &self.prepared, &self.prepared.join("expected.json")])?;
        project.call(&["verify"], ALL_DONE).map(|_| ())
    }

    /// Issue 5, point 1: the reports' figures, against a computation from the source files that shares no code with them.
    fn reports(&self, project: &Project) -> Outcome {
        for day in DAYS_REPORTED {
            self.report(project, "daily", "--date", day)?;
        }
        for month in MONTHS_REPORTED {
            self.report(project, "monthly", "--month", month)?;
        }
        Ok(())
    }

    fn report(&self, project: &Project, kind: &str, of: &str, when: &str) -> Outcome {
        let report = self.folder.join(format!("{kind}-{when}.json"));
        let printed = project.call(&["report", kind, of, when, "--format", "json"], ALL_DONE)?;
        fs::write(&report, printed).map_err(|error| format!("cannot write {}: {error}", report.display()))?;
        let mut oracle = Command::new("python3");
        oracle.arg(root().join("xtask/report_oracle.py")).arg(kind).arg(&self.prepared).arg(when).arg(&report);
        print!("  {}", told(oracle)?);
        Ok(())
    }

    /// Writes every table in a form that can be compared, and returns the folder.
    pub(crate) fn snapshot(&self, project: &Project, name: &str) -> Outcome<PathBuf> {
        let folder = self.folder.join("snapshots").join(name);
        self.judge("snapshot", &[&project.folder, &folder])?;
        Ok(folder)
    }

    /// Compares two snapshots; `tables` empty means all.
    pub(crate) fn equal(&self, one: &Path, other: &Path, tables: &[&str]) -> Outcome {
        let mut arguments = vec![one, other];
        arguments.extend(tables.iter().map(Path::new));
        self.judge("equal", &arguments)
    }

    /// Counts of the ledger.
    fn ledger(&self, project: &Project) -> Outcome<BTreeMap<String, u64>> {
        let told = told(self.check("ledger", &[&project.folder]))?;
        told.lines()
            .map(|line| {
                let (name, value) = line.split_once('=').unwrap_or((line, ""));
                value
                    .parse()
                    .map(|value| (name.to_owned(), value))
                    .map_err(|_| format!("the ledger check printed {line:?}"))
            })
            .collect()
    }

    pub(crate) fn judge(&self, what: &str, arguments: &[&Path]) -> Outcome {
        for line in told(self.check(what, arguments))?.lines() {
            println!("  {line}");
        }
        Ok(())
    }

    fn check(&self, what: &str, arguments: &[&Path]) -> Command {
        let mut check = Command::new(&self.python);
        check.arg(root().join("xtask/real_sales_check.py")).arg(what).args(arguments);
        check
    }
}

/// The variable that cuts what waits into batches of this many files.
pub(crate) fn batches_of(files: u32) -> (String, String) {
    ("TILLMART_FEED_BATCH_FILES_MAX".to_owned(), files.to_string())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn expect(what: &str, found: u64, expected: u64) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
}

fn there(path: &Path, expected: bool) -> Outcome {
    match (path.exists(), expected) {
        (true, false) => Err(format!("{} should be gone", path.display())),
        (false, true) => Err(format!("{} is missing", path.display())),
        _ => Ok(()),
    }
}

pub(crate) fn told_time(what: &str, took: Duration) {
    println!("{what} ({} s)", took.as_secs());
}
