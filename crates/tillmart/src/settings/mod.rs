//! Settings: `tillmart.toml`, its environments and variables, parsed once into a type that cannot be wrong.
//!
//! [`keys`] is the register of every key. [`layers`] reads what was written and remembers where.
//! [`values`] judges single values, [`contract`] what the feed's keys say together, [`coupons`] those of coupon rules, [`incentive`] how
//! sellers are paid, [`servers`] those of object store and database, [`profile`] what production does not start with. [`secret`] is what
//! may stand in the place of a secret.

mod contract;
#[cfg(test)]
mod coupon_tests;
mod coupons;
mod example;
mod incentive;
mod keys;
mod layers;
mod profile;
mod secret;
#[cfg(test)]
mod server_tests;
mod servers;
mod show;
#[cfg(test)]
mod tests;
mod values;

use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tillmart_model::{ArchivePolicy, Contract, Fault, FaultKind, Incentive, Redelivery, Result};
use tillmart_pipeline::WrittenReport;
use zeroize::Zeroizing;

pub(crate) use example::{Form, example};
pub(crate) use keys::secret_names;
pub(crate) use layers::{Origin, StatedSecret, syntax_fault};
pub(crate) use secret::SecretText;
pub(crate) use servers::DatabaseUrl;
pub(crate) use show::look;
pub(crate) use values::{bytes, share};

pub(crate) use coupons::CouponSettings;
use layers::Layers;
use servers::{AccessSettings, DatabaseSettings};
use values::Complaint;

/// The settings file's name in a project's folder.
pub(crate) const FILE_NAME: &str = "tillmart.toml";

/// Names below the storage root that belong to the marts' tables.
const TABLES: [&str; 3] = ["sales_data_mart", "customer_data_mart", "sales_rejects"];

/// Everything a project has settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The project's folder: what relative paths are relative to.
    pub(crate) project: PathBuf,
    /// The settings file, as faults name it.
    pub(crate) file: String,
    /// The feed and its contract.
    pub(crate) feed: FeedSettings,
    /// Where objects and Delta tables are.
    pub(crate) storage: StorageSettings,
    /// Where ledger, dimensions and published marts are.
    pub(crate) database: DatabaseSettings,
    /// How marts are made.
    pub(crate) marts: MartSettings,
    /// What reports tell, and which of them runs write.
    pub(crate) reports: ReportSettings,
    /// Coupons and their rules.
    pub(crate) coupons: CouponSettings,
    /// What a run may use.
    pub(crate) run: RunSettings,
    /// What `optimize` aims at.
    pub(crate) optimize: OptimizeSettings,
    /// Where each value comes from that is not a default, by the path of its key.
    pub(crate) origins: BTreeMap<String, Origin>,
}

/// The feed: a declared stream of source files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedSettings {
    /// Its name in the ledger: `[a-z0-9_]+`.
    pub(crate) name: String,
    /// What its files must hold.
    pub(crate) contract: Contract,
    /// What the same name with other bytes is.
    pub(crate) redelivery: Redelivery,
    /// What becomes of a finished source file.
    pub(crate) archive: ArchivePolicy,
    /// Largest share of rejected rows of a file that lands, in millionths.
    pub(crate) max_reject_ratio_millionths: u32,
    /// How long a file must have been still.
    pub(crate) min_age: Duration,
    /// Most files in a batch, at least 1.
    pub(crate) batch_files_max: u32,
    /// Most bytes in a batch as delivered, at least 1.
    pub(crate) batch_bytes_max: u64,
    /// The zone whose calendar judges `future_date`.
    pub(crate) time_zone: Tz,
}

/// Where objects are. Areas are paths below the root, none inside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StorageSettings {
    /// A path relative to the project (or absolute), or a URL with `://`.
    pub(crate) root: String,
    /// Where producers drop source files.
    pub(crate) incoming: String,
    /// Archive of landed files and duplicates.
    pub(crate) processed: String,
    /// Archive of rejected files.
    pub(crate) error: String,
    /// Reports that runs write.
    pub(crate) reports: String,
    /// Tillmart's notes about batches under way.
    pub(crate) manifests: String,
    /// How an object store is reached.
    pub(crate) access: AccessSettings,
}

/// How marts are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MartSettings {
    /// Folder of the user's marts, relative to the project or absolute. It need not exist.
    pub(crate) folder: String,
    /// Built-in marts that are not made.
    pub(crate) leave_out: Vec<String>,
    /// Partitions of a new customer mart, at least 1.
    pub(crate) customer_buckets: u32,
    /// The incentive of best sellers.
    pub(crate) incentive: Incentive,
}

/// What reports tell, and which of them runs write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportSettings {
    /// Reports that every run writes.
    pub(crate) write: Vec<WrittenReport>,
    /// Most days of which a run writes daily reports.
    pub(crate) days_max: u32,
    /// Most months of which a run writes monthly reports.
    pub(crate) months_max: u32,
    /// Where tiers of spend begin, in cents, rising.
    pub(crate) spend_tiers: Vec<i64>,
}

/// What a run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunSettings {
    /// Files landed side by side; 0: one for each core.
    pub(crate) tasks: u32,
    /// A file of text of twice this and more is shared by several tasks.
    pub(crate) split_bytes: u64,
    /// Memory of sorting and grouping before they spill, in MiB; a quarter of it is that of open data files.
    pub(crate) memory_mib: u32,
    /// How long a lease lasts without renewal, in seconds.
    pub(crate) lease_seconds: u32,
}

/// What `optimize` aims at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OptimizeSettings {
    /// Partitions with fewer data files are left alone.
    pub(crate) files_min: u32,
    /// Size of the data files it writes, in MiB.
    pub(crate) target_file_mib: u32,
    /// Age at which files that no table version needs are deleted, in hours.
    pub(crate) vacuum_age_hours: u32,
}

/// The settings of a project: its file, one environment of it, and variables on top.
///
/// `environment` names an `[env.NAME]` table; without it `TILLMART_ENV` may. `variables` are those of the
/// process, see [`variables`].
///
/// # Errors
/// One fault of kind `Settings` that carries every other: the file is missing or no TOML, a key is unknown,
/// a value is of the wrong type or out of bounds, values contradict each other.
pub(crate) fn load(
    project: &Path,
    environment: Option<&str>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings> {
    let path = project.join(FILE_NAME);
    let file = path.display().to_string();
    let text = read_file(&path)?;
    parse(project, &file, &text, environment, variables)
}

/// The text of a settings file.
///
/// # Errors
/// `Settings` when there is none, or it cannot be read.
pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<String>> {
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Fault::new(FaultKind::Settings, "no Tillmart project here")
            .at(path.display().to_string())
            .expected("the project's settings file")
            .found("no such file")
            .hint("`tillmart init DIR` makes a project; `--project DIR` names another folder"),
        _ => {
            Fault::new(FaultKind::Settings, "cannot read the settings file").at(path.display().to_string()).found(error)
        }
    })
}

/// The variables of this process. One whose bytes are no text is passed on with replacement characters,
/// so that it is refused by its key rather than overlooked.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, text)| (name.to_string_lossy().into_owned(), text.to_string_lossy().into_owned()))
}

/// The settings that a text says; `file` names it in faults.
fn parse(
    project: &Path,
    file: &str,
    text: &str,
    environment: Option<&str>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings> {
    let mut layers = Layers::read(file, text, environment, variables)?;
    let contract = contract::contract(&mut layers)?;
    let settings = Settings {
        project: project.to_path_buf(),
        file: file.to_owned(),
        feed: feed(&layers, contract)?,
        storage: storage(&mut layers)?,
        database: servers::database(&mut layers)?,
        marts: MartSettings {
            folder: layers.get(&keys::MARTS_FOLDER)?,
            leave_out: layers.get(&keys::LEAVE_OUT)?,
            customer_buckets: layers.get(&keys::CUSTOMER_BUCKETS)?,
            incentive: incentive::plan(&mut layers)?,
        },
        reports: ReportSettings {
            write: layers.get(&keys::REPORTS_WRITE)?,
            days_max: layers.get(&keys::REPORTS_DAYS)?,
            months_max: layers.get(&keys::REPORTS_MONTHS)?,
            spend_tiers: layers.get(&keys::SPEND_TIERS)?,
        },
        coupons: coupons::coupons(&mut layers)?,
        run: RunSettings {
            tasks: layers.get(&keys::TASKS)?,
            split_bytes: layers.get(&keys::SPLIT_BYTES)?,
            memory_mib: layers.get(&keys::MEMORY)?,
            lease_seconds: layers.get(&keys::LEASE)?,
        },
        optimize: OptimizeSettings {
            files_min: layers.get(&keys::FILES_MIN)?,
            target_file_mib: layers.get(&keys::TARGET_FILE)?,
            vacuum_age_hours: layers.get(&keys::VACUUM_AGE)?,
        },
        origins: BTreeMap::new(),
    };
    let allowed: Vec<String> = layers.get(&keys::ALLOW_INSECURE)?;
    let (storage, database) = (&settings.storage, &settings.database);
    let insecure = profile::insecure(&layers, &storage.root, &storage.access, database, &allowed);
    layers.add(insecure);
    let (faults, origins) = layers.finish();
    match Fault::join(faults) {
        Some(fault) => Err(fault),
        None => Ok(Settings { origins, ..settings }),
    }
}

fn feed(layers: &Layers, contract: Contract) -> Result<FeedSettings> {
    Ok(FeedSettings {
        name: layers.get(&keys::FEED_NAME)?,
        contract,
        redelivery: layers.get(&keys::REDELIVERY)?,
        archive: layers.get(&keys::ARCHIVE)?,
        max_reject_ratio_millionths: layers.get(&keys::MAX_REJECT_RATIO)?,
        min_age: layers.get(&keys::MIN_AGE)?,
        batch_files_max: layers.get(&keys::BATCH_FILES_MAX)?,
        batch_bytes_max: layers.get(&keys::BATCH_BYTES_MAX)?,
        time_zone: layers.get(&keys::TIME_ZONE)?,
    })
}

/// The areas: a source file that is archived inside the incoming area would be found again for ever.
fn storage(layers: &mut Layers) -> Result<StorageSettings> {
    let storage = StorageSettings {
        root: layers.get(&keys::ROOT)?,
        incoming: layers.get(&keys::INCOMING)?,
        processed: layers.get(&keys::PROCESSED)?,
        error: layers.get(&keys::ERROR)?,
        reports: layers.get(&keys::REPORTS_AREA)?,
        manifests: layers.get(&keys::MANIFESTS)?,
        access: servers::access(layers)?,
    };
    let areas = [
        ("storage.incoming", &storage.incoming),
        ("storage.processed", &storage.processed),
        ("storage.error", &storage.error),
        ("storage.reports", &storage.reports),
        ("storage.manifests", &storage.manifests),
    ];
    let overlap = |a: &str, b: &str| {
        format!("{a}/").starts_with(&format!("{b}/")) || format!("{b}/").starts_with(&format!("{a}/"))
    };
    for (at, (path, area)) in areas.iter().enumerate() {
        if let Some(table) = TABLES.iter().find(|table| overlap(area, table)) {
            layers.refuse(path, Complaint::new(format!("an area apart from the table {table}/")));
        }
        for (other_path, other) in &areas[..at] {
            if layers.sound(&[path, other_path]) && overlap(area, other) {
                let complaint = Complaint::new(format!("areas apart from each other: {other}/ and {area}/ overlap"));
                layers.refuse_either([path, other_path], complaint);
            }
        }
    }
    Ok(storage)
}

impl Settings {
    /// The storage root as a folder, or `None` where it is a URL.
    pub(crate) fn storage_folder(&self) -> Option<PathBuf> {
        (!self.storage.root.contains("://")).then(|| self.project.join(&self.storage.root))
    }

    /// The file of the SQLite database, or `None` where the database is on a server.
    pub(crate) fn database_file(&self) -> Option<PathBuf> {
        match &self.database.url {
            DatabaseUrl::Sqlite(path) => Some(self.project.join(path)),
            DatabaseUrl::MySql { .. } => None,
        }
    }

    /// The folder of the user's marts.
    pub(crate) fn marts_folder(&self) -> PathBuf {
        self.project.join(&self.marts.folder)
    }
}
