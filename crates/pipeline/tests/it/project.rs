//! A small project in a temporary folder: what every test of this crate starts from.

use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tillmart_database::{Dimension, Dimensions, FileFilter, Ledger, Schema, Sqlite};
use tillmart_engine::Embedded;
use tillmart_lake::Store;
use tillmart_model::{ArchivePolicy, Clock, Contract, Credentials, Incentive, Redelivery, Secret, StoreAccess};
use tillmart_pipeline::{Observer, Options, Pipeline, ReportOptions, Seams, Silent};

pub(crate) const HEADER: &str =
    "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n";

/// Name, address, phone and spend in cents of a customer, by customer and first of the month.
pub(crate) type Spend = BTreeMap<(i64, String), (String, Option<String>, Option<String>, i128)>;

/// Name, total and incentive in cents of a sales person, by store, person and month.
pub(crate) type Team = BTreeMap<(i32, i64, String), (String, i128, i128)>;

/// What was sold on a day, by day and what the mart is about: sales, return rows, gross, returned and net in cents, units sold and returned,
/// and, where the mart tells, sales without a customer and what they came to.
pub(crate) type Days = BTreeMap<(String, String), Vec<i128>>;

/// Where a project's storage is.
pub(crate) struct Place {
    root: String,
    access: StoreAccess,
}

impl Place {
    /// A bucket of a gateway.
    pub(crate) fn bucket(url: &str, bucket: &str) -> Place {
        let keys = tillmart_testkit::MART;
        let access = StoreAccess {
            endpoint: Some(url.to_owned()),
            path_style: true,
            allow_http: true,
            credentials: Credentials::Keys { id: Secret::new(keys.id), key: Secret::new(keys.secret), token: None },
            ..StoreAccess::default()
        };
        Place { root: format!("s3://{bucket}/shop"), access }
    }
}

/// A project that is gone when this is dropped.
pub(crate) struct Project {
    pub(crate) folder: TempDir,
    database: Sqlite,
    options: Options,
    seams: Seams,
    pub(crate) pipeline: Pipeline,
}

/// Small everything: few buckets, compaction at two files, no waiting for young files.
fn options(folder: &Path) -> Options {
    Options {
        feed: "sales".to_owned(),
        contract: Contract::default(),
        incoming: "sales_data".to_owned(),
        processed: "sales_data_processed".to_owned(),
        error: "sales_data_error".to_owned(),
        manifests: "tillmart".to_owned(),
        redelivery: Redelivery::Append,
        archive: ArchivePolicy::Move,
        max_reject_millionths: 400_000,
        min_age: Duration::ZERO,
        batch_files_max: 100,
        batch_bytes_max: 1 << 30,
        time_zone: chrono_tz::UTC,
        marts_folder: folder.join("marts"),
        buckets: 2,
        reports: ReportOptions {
            area: "reports".to_owned(),
            write: Vec::new(),
            days_max: 31,
            months_max: 12,
            spend_tiers: vec![10_000, 50_000],
        },
        incentive: Incentive::default(),
        leave_out: Vec::new(),
        split_bytes: 256 << 20,
        memory_bytes: 32 << 20,
        lease: Duration::from_secs(600),
        optimize_files_min: 2,
        optimize_target_bytes: 1 << 20,
        vacuum_age_hours: 0,
    }
}

impl Project {
    /// A migrated project without dimensions; `change` has the last word on its options.
    pub(crate) async fn new(change: impl FnOnce(&mut Options)) -> Project {
        Project::at(Place { root: "storage".to_owned(), access: StoreAccess::default() }, change).await
    }

    /// As [`Project::new`], with its storage somewhere else.
    pub(crate) async fn at(place: Place, change: impl FnOnce(&mut Options)) -> Project {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&place.root, folder.path(), &place.access).expect("a storage root");
        let database = Sqlite::open(&folder.path().join("tillmart.db")).expect("a database");
        database.migrate().await.expect("migrated");
        let mut options = options(folder.path());
        change(&mut options);
        let roles = Arc::new(database.clone());
        let seams = Seams {
            store,
            ledger: roles.clone(),
            dimensions: roles.clone(),
            publisher: roles.clone(),
            reports: roles.clone(),
            coupons: roles.clone(),
            schema: roles,
            engine: Arc::new(Embedded::new(1, 64 << 20)),
            clock: Clock::Fixed(noon()),
        };
        let pipeline = Pipeline::new(options.clone(), seams.clone(), Arc::new(Silent));
        Project { folder, database, options, seams, pipeline }
    }

    /// The same project with other options.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options)) -> Project {
        change(&mut self.options);
        self.pipeline = Pipeline::new(self.options.clone(), self.seams.clone(), Arc::new(Silent));
        self
    }

    /// Changes the database behind the pipeline's back; returns how many rows changed.
    pub(crate) fn execute(&self, sql: &str) -> usize {
        rusqlite::Connection::open(self.database.path()).expect("opened").execute(sql, []).expect("executed")
    }

    /// The same project, watched.
    pub(crate) fn watched_by(&self, observer: Arc<dyn Observer>) -> Pipeline {
        Pipeline::new(self.options.clone(), self.seams.clone(), observer)
    }

    /// The same project, from now on behind other seams.
    pub(crate) fn behind(mut self, change: impl FnOnce(&mut Seams)) -> Project {
        change(&mut self.seams);
        self.pipeline = Pipeline::new(self.options.clone(), self.seams.clone(), Arc::new(Silent));
        self
    }

    /// A pipeline of the same project behind other seams.
    pub(crate) fn with_seams(&self, change: impl FnOnce(&mut Seams)) -> Pipeline {
        let mut seams = self.seams.clone();
        change(&mut seams);
        Pipeline::new(self.options.clone(), seams, Arc::new(Silent))
    }

    /// Upserts rows of a dimension table, given as CSV with a header.
    pub(crate) async fn load(&self, dimension: Dimension, csv: &str) {
        let file = self.folder.path().join(format!("{}.csv", dimension.name()));
        std::fs::write(&file, csv).expect("written");
        self.database.load_csv(dimension, &file).await.unwrap_or_else(|fault| panic!("{fault}"));
    }

    /// Puts a file into the incoming area.
    pub(crate) fn deliver(&self, path: &str, bytes: &[u8]) {
        let file = self.folder.path().join("storage/sales_data").join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, bytes).expect("written");
    }

    /// Puts files into the incoming area, wherever it is.
    pub(crate) async fn put(&self, files: &[(String, Vec<u8>)]) {
        let write = |(path, bytes): &(String, Vec<u8>)| {
            let (store, path, bytes) = (self.seams.store.clone(), format!("sales_data/{path}"), bytes.clone());
            async move { store.write(&path, bytes).await.unwrap_or_else(|fault| panic!("{fault}")) }
        };
        stream::iter(files).map(write).buffer_unordered(16).collect::<Vec<()>>().await;
    }

    /// The paths in an area, in order.
    pub(crate) async fn names(&self, area: &str) -> Vec<String> {
        let found = self.seams.store.list(area).await.unwrap_or_else(|fault| panic!("{fault}"));
        found.into_iter().map(|found| found.path).collect()
    }

    /// Whether the database has a table of this name.
    pub(crate) fn has_table(&self, name: &str) -> bool {
        let connection = rusqlite::Connection::open(self.database.path()).expect("opened");
        let sql = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
        connection.query_row(sql, [name], |row| row.get::<_, i64>(0)).expect("asked") > 0
    }

    /// Paths of source files by their id.
    pub(crate) async fn file_names(&self) -> BTreeMap<i64, String> {
        let files = self.pipeline.files(&FileFilter::default()).await.unwrap_or_else(|fault| panic!("{fault}"));
        files.into_iter().map(|file| (file.id, file.found.path)).collect()
    }

    /// How many batches have been claimed.
    pub(crate) async fn batches(&self) -> usize {
        let batches = Ledger::batches(&self.database, "sales", 10).await;
        batches.unwrap_or_else(|fault| panic!("{fault}")).len()
    }

    /// Whether a file lies at this place below the storage root.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.folder.path().join("storage").join(path).exists()
    }

    /// `customers_data_mart`, read as any program would.
    pub(crate) fn spend(&self) -> Spend {
        let connection = rusqlite::Connection::open(self.database.path()).expect("opened");
        let mut statement = connection
            .prepare("SELECT customer_id, sales_date_month, full_name, address, phone_number, total_sales FROM customers_data_mart")
            .expect("prepared");
        let rows = statement
            .query_map([], |row| {
                let total: String = row.get(5)?;
                Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?, cents(&total))))
            })
            .expect("read");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// A mart of days, read as any program would; `about` is the rest of its key.
    pub(crate) fn days(&self, mart: &str, about: &str, tells_anonymous: bool) -> Days {
        let connection = rusqlite::Connection::open(self.database.path()).expect("opened");
        let anonymous = if tells_anonymous { ", anonymous_sales, anonymous_net" } else { "" };
        let sql = format!(
            "SELECT sales_date, CAST({about} AS TEXT), sales, return_rows, gross, returned, net, units_sold, units_returned{anonymous} \
             FROM {mart}"
        );
        let mut statement = connection.prepare(&sql).expect("prepared");
        let columns = statement.column_count();
        let figure = |row: &rusqlite::Row<'_>, at: usize| match row.get(at)? {
            rusqlite::types::Value::Text(money) => Ok(cents(&money)),
            rusqlite::types::Value::Integer(number) => Ok(i128::from(number)),
            other => panic!("no figure: {other:?}"),
        };
        let rows = statement
            .query_map([], |row| {
                let figures = (2..columns).map(|at| figure(row, at)).collect::<rusqlite::Result<_>>()?;
                Ok(((row.get(0)?, row.get(1)?), figures))
            })
            .expect("read");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// `sales_team_data_mart`, read as any program would.
    pub(crate) fn team(&self) -> Team {
        let connection = rusqlite::Connection::open(self.database.path()).expect("opened");
        let mut statement = connection
            .prepare("SELECT store_id, sales_person_id, sales_month, full_name, total_sales, incentive FROM sales_team_data_mart")
            .expect("prepared");
        let rows = statement
            .query_map([], |row| {
                let (total, incentive): (String, String) = (row.get(4)?, row.get(5)?);
                Ok(((row.get(0)?, row.get(1)?, row.get(2)?), (row.get(3)?, cents(&total), cents(&incentive))))
            })
            .expect("read");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// What each person is paid for each store and month, without those who are paid nothing.
    pub(crate) fn paid(&self) -> BTreeMap<(i32, i64, String), i128> {
        self.team().into_iter().map(|(key, (_, _, paid))| (key, paid)).filter(|(_, paid)| *paid != 0).collect()
    }

    /// The same from the lines that explain it.
    pub(crate) fn lines_by_person(&self) -> BTreeMap<(i32, i64, String), i128> {
        let connection = rusqlite::Connection::open(self.database.path()).expect("opened");
        let mut statement = connection
            .prepare("SELECT store_id, sales_person_id, sales_month, paid FROM incentive_data_mart")
            .expect("prepared");
        let rows = statement
            .query_map([], |row| {
                let paid: String = row.get(3)?;
                Ok(((row.get(0)?, row.get(1)?, row.get(2)?), cents(&paid)))
            })
            .expect("read");
        let mut sums = BTreeMap::new();
        for row in rows {
            let (key, paid) = row.expect("a row");
            *sums.entry(key).or_default() += paid;
        }
        sums.into_iter().filter(|(_, paid)| *paid != 0).collect()
    }
}

/// The moment at which every run of these tests happens.
fn noon() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2024-07-01T12:00:00Z").expect("a moment").with_timezone(&Utc)
}

/// `-12.05` as −1205; any other form of an amount is a failure.
pub(crate) fn cents(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or_else(|| panic!("no amount: {text}"));
    assert_eq!(fraction.len(), 2, "{text}");
    format!("{whole}{fraction}").parse().unwrap_or_else(|_| panic!("no amount: {text}"))
}
