//! From settings to a pipeline: the one place that knows which implementation stands behind each seam.

use crate::cli::Cli;
use crate::screen::progress::Screen;
use crate::secrets::Keyring;
use crate::secrets::master::Which;
use crate::settings::{self, Settings};
use chrono::{DateTime, Utc};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tillmart_database::{Coupons, Dimensions, Ledger, MySql, Publisher, Reports, Schema, Sqlite};
use tillmart_engine::Embedded;
use tillmart_lake::Store;
use tillmart_model::{Clock, Fault, FaultKind, MySqlServer, Result};
use tillmart_pipeline::{CouponRules, Options, Pipeline, ReportOptions, Seams};
use tokio::runtime::Runtime;

/// Open data files take this part of a run's memory: measured on a day of 1 GB, where the rest goes to dimensions and buffers.
const OPEN_FILES_PART: usize = 4;

/// A project that has been opened.
pub(crate) struct Project {
    pub(crate) settings: Settings,
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) pipeline: Pipeline,
    pub(crate) runtime: Runtime,
}

/// The relational database in its roles, whatever stands behind them.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) dimensions: Arc<dyn Dimensions>,
    pub(crate) publisher: Arc<dyn Publisher>,
    pub(crate) reports: Arc<dyn Reports>,
    pub(crate) coupons: Arc<dyn Coupons>,
    pub(crate) schema: Arc<dyn Schema>,
}

impl Database {
    /// One implementation that plays all roles.
    fn of(roles: impl Ledger + Dimensions + Publisher + Coupons + Reports + Schema + 'static) -> Database {
        let roles = Arc::new(roles);
        Database {
            ledger: roles.clone(),
            dimensions: roles.clone(),
            publisher: roles.clone(),
            reports: roles.clone(),
            coupons: roles.clone(),
            schema: roles,
        }
    }

    /// Opens the file or the server that the settings name.
    fn open(settings: &Settings, server: Option<&MySqlServer>) -> Result<Database> {
        match (settings.database_file(), server) {
            (Some(file), _) => Ok(Database::of(Sqlite::open(&file)?)),
            (None, Some(server)) => Ok(Database::of(MySql::open(server)?)),
            (None, None) => Err(Fault::new(FaultKind::Promise, "settings name neither a file nor a server")),
        }
    }
}

/// Opens the project that the command line names.
pub(crate) fn open(cli: &Cli) -> Result<Project> {
    open_with(&cli.project, cli, &[])
}

/// Opens the project in a folder, with settings as variables on top of those of the environment.
pub(crate) fn open_with(folder: &Path, cli: &Cli, variables: &[(String, String)]) -> Result<Project> {
    let variables = settings::variables().chain(variables.iter().cloned());
    let settings = settings::load(folder, cli.env.as_deref(), variables)?;
    let (server, access) = settings.servers(&mut Keyring::new(Which::Current))?;
    let database = Database::open(&settings, server.as_ref())?;
    let store = Store::open(&settings.storage.root, &settings.project, &access)?;
    let tasks = tasks(&settings);
    let memory = settings.run.memory_mib as usize * (1 << 20);
    let Database { ledger, dimensions, publisher, coupons, reports, schema } = database.clone();
    let seams = Seams {
        store: store.clone(),
        ledger,
        dimensions,
        publisher,
        reports,
        coupons,
        schema,
        engine: Arc::new(Embedded::new(tasks, memory)),
        clock: clock()?,
    };
    let pipeline = Pipeline::new(options(&settings), seams, Arc::new(Screen::new(cli.json)));
    Ok(Project { settings, database, store, pipeline, runtime: runtime(tasks)? })
}

fn tasks(settings: &Settings) -> usize {
    match settings.run.tasks {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        tasks => tasks as usize,
    }
}

/// How long a thread for blocking work waits for more of it: one that ended holds no memory.
const IDLE: Duration = Duration::from_millis(50);

/// The runtime that everything asynchronous runs on.
pub(crate) fn runtime(threads: usize) -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(2))
        .thread_keep_alive(IDLE)
        .enable_all()
        .build()
        .map_err(|error| Fault::new(FaultKind::Store, "cannot start worker threads").found(error))
}

/// The machine's clock, or the moment in `TILLMART_CLOCK`: for tests and for repeating a run of the past.
fn clock() -> Result<Clock> {
    let Ok(text) = std::env::var("TILLMART_CLOCK") else { return Ok(Clock::System) };
    let moment = DateTime::parse_from_rfc3339(&text).map_err(|error| {
        Fault::new(FaultKind::Settings, "TILLMART_CLOCK is no moment")
            .expected("RFC 3339, e.g. 2026-11-20T08:00:00Z")
            .found(error)
    })?;
    Ok(Clock::Fixed(moment.with_timezone(&Utc)))
}

/// The coupon rules of the settings.
pub(crate) fn coupon_rules(settings: &Settings) -> CouponRules {
    let coupons = &settings.coupons;
    CouponRules {
        rules: coupons.rules.clone(),
        one_per_customer: coupons.one_per_customer,
        hold_out_seed: coupons.hold_out_seed.clone(),
        scale: coupons.scale.clone(),
    }
}

fn options(settings: &Settings) -> Options {
    let (feed, storage, optimize) = (&settings.feed, &settings.storage, &settings.optimize);
    Options {
        feed: feed.name.clone(),
        contract: feed.contract.clone(),
        incoming: storage.incoming.clone(),
        processed: storage.processed.clone(),
        error: storage.error.clone(),
        manifests: storage.manifests.clone(),
        redelivery: feed.redelivery,
        archive: feed.archive,
        max_reject_millionths: feed.max_reject_ratio_millionths,
        min_age: feed.min_age,
        batch_files_max: feed.batch_files_max,
        batch_bytes_max: feed.batch_bytes_max,
        time_zone: feed.time_zone,
        marts_folder: settings.marts_folder(),
        leave_out: settings.marts.leave_out.clone(),
        buckets: settings.marts.customer_buckets,
        reports: ReportOptions {
            area: storage.reports.clone(),
            write: settings.reports.write.clone(),
            days_max: settings.reports.days_max,
            months_max: settings.reports.months_max,
            spend_tiers: settings.reports.spend_tiers.clone(),
        },
        incentive: settings.marts.incentive.clone(),
        split_bytes: settings.run.split_bytes,
        memory_bytes: settings.run.memory_mib as usize * (1 << 20) / OPEN_FILES_PART,
        lease: Duration::from_secs(u64::from(settings.run.lease_seconds)),
        optimize_files_min: optimize.files_min,
        optimize_target_bytes: u64::from(optimize.target_file_mib) << 20,
        vacuum_age_hours: optimize.vacuum_age_hours,
    }
}
