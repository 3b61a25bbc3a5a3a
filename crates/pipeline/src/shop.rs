//! The pipeline and what it stands on.

use crate::Observer;
use crate::marts::Marts;
use crate::reports::ReportOptions;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tillmart_database::{Coupons, Dimension, Dimensions, Ledger, Publisher, Reports, Schema};
use tillmart_engine::{DimensionTables, Engine, Objects};
use tillmart_lake::{Lake, Store};
use tillmart_model::{ArchivePolicy, Clock, Contract, Fault, FaultKind, Incentive, Profile, Redelivery, Result};

/// What the person who runs it has chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// The feed.
    pub feed: String,
    /// Its contract.
    pub contract: Contract,
    /// Incoming area below the storage root.
    pub incoming: String,
    /// Area of finished source files.
    pub processed: String,
    /// Area of rejected source files.
    pub error: String,
    /// Area of Tillmart's own objects.
    pub manifests: String,
    /// What becomes of a name that landed before with other bytes.
    pub redelivery: Redelivery,
    /// What becomes of finished source files.
    pub archive: ArchivePolicy,
    /// More than this share of rows at fault, in millionths, rejects a file.
    pub max_reject_millionths: u32,
    /// How long a file in a folder must have been still.
    pub min_age: Duration,
    /// At most this many files a batch.
    pub batch_files_max: u32,
    /// At most this many bytes a batch (a larger single file is a batch of its own).
    pub batch_bytes_max: u64,
    /// The zone whose days `future_date` is judged by.
    pub time_zone: chrono_tz::Tz,
    /// Folder of the user's own marts.
    pub marts_folder: PathBuf,
    /// Built-in marts that are not made: some of [`crate::MAY_BE_LEFT_OUT`]. One of the user's own of such a name is made all the same.
    pub leave_out: Vec<String>,
    /// Buckets of row-level marts that are bucketed.
    pub buckets: u32,
    /// What reports tell, and which of them runs write.
    pub reports: ReportOptions,
    /// The incentive of the best sellers.
    pub incentive: Incentive,
    /// A file of text of twice this and more is shared by several tasks.
    pub split_bytes: u64,
    /// Bytes that landing may hold in open files, over all tasks.
    pub memory_bytes: usize,
    /// How long the lease lasts without being prolonged.
    pub lease: Duration,
    /// Partitions with fewer data files are left alone by `optimize`.
    pub optimize_files_min: u32,
    /// Compacted files are about this large.
    pub optimize_target_bytes: u64,
    /// `optimize --vacuum` deletes what is older.
    pub vacuum_age_hours: u32,
}

/// The seams: every one has (or will have) several implementations.
#[derive(Clone)]
pub struct Seams {
    /// Objects.
    pub store: Store,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Dimension tables.
    pub dimensions: Arc<dyn Dimensions>,
    /// Published marts.
    pub publisher: Arc<dyn Publisher>,
    /// Coupons.
    pub coupons: Arc<dyn Coupons>,
    /// The database's own schema.
    pub schema: Arc<dyn Schema>,
    /// Reports' own questions.
    pub reports: Arc<dyn Reports>,
    /// Where plans run.
    pub engine: Arc<dyn Engine>,
    /// The time.
    pub clock: Clock,
}

/// Everything a run needs.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) options: Options,
    pub(crate) seams: Seams,
    pub(crate) lake: Lake,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) profile: Arc<Profile>,
}

/// What is read once a run: dimension tables and the marts planned against them.
pub(crate) struct Prepared {
    pub(crate) dimensions: Arc<DimensionTables>,
    pub(crate) marts: Marts,
    /// Marts that were added after sales had landed: a batch of kind `Fill` makes them, and no other writes them.
    pub(crate) added: Marts,
}

impl Pipeline {
    /// A pipeline over these seams.
    pub fn new(options: Options, seams: Seams, observer: Arc<dyn Observer>) -> Pipeline {
        let lake = Lake::new(seams.store.clone());
        Pipeline { options, seams, lake, observer, profile: Arc::default() }
    }

    /// Where the time of its runs went.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The transaction id's application: one a feed, whose version is the rising batch number.
    pub(crate) fn application(&self) -> String {
        format!("tillmart/{}", self.options.feed)
    }

    /// Where the scans of plans read.
    pub(crate) fn objects(&self) -> Objects {
        Objects { store: self.seams.store.objects(), url: self.seams.store.url().clone() }
    }

    /// Reads the dimension tables and plans every mart.
    pub(crate) async fn prepare(&self) -> Result<Prepared> {
        self.prepare_over(self.read_dimensions(false).await?).await
    }

    /// The same, once the history of the dimensions holds what their tables show. To be called under the feed's lease.
    pub(crate) async fn prepare_noticing(&self) -> Result<Prepared> {
        self.prepare_over(self.read_dimensions(true).await?).await
    }

    async fn prepare_over(&self, dimensions: Arc<DimensionTables>) -> Result<Prepared> {
        let started = Instant::now();
        let marts = Marts::load(&self.options, &dimensions).await?;
        self.profile.add("plan marts", started);
        Ok(Prepared { dimensions, marts, added: Marts::default() })
    }

    pub(crate) async fn read_dimensions(&self, noticing: bool) -> Result<Arc<DimensionTables>> {
        let started = Instant::now();
        let read = |dimension: Dimension| async move {
            let (table, former) = match noticing {
                true => self.noticed(dimension).await?,
                false => (self.seams.dimensions.read(dimension).await?, self.former(dimension).await?),
            };
            Ok::<_, Fault>((dimension.name().to_owned(), table, former))
        };
        let (mut tables, mut before) = (BTreeMap::new(), BTreeMap::new());
        // Each is read to its end, so that nothing is broken off in the middle, and the first fault by order is told.
        for read in join_all(Dimension::ALL.map(read)).await {
            let (name, table, former) = read?;
            before.extend(former.map(|former| (name.clone(), former)));
            tables.insert(name, table);
        }
        self.profile.add("read dimensions", started);
        let index = || DimensionTables::new(tables)?.with_former(before);
        Ok(Arc::new(self.profile.time("index dimensions", index)?))
    }

    /// Makes or checks every table that a run writes.
    pub(crate) async fn ensure_tables(&self, marts: &Marts) -> Result<()> {
        for spec in marts.table_specs() {
            let mart = marts.rows.iter().find(|mart| mart.name == spec.name);
            let later = mart.map(|mart| mart.attributes()).unwrap_or_default();
            self.lake.ensure_with(&spec, &later).await?;
        }
        for rollup in &marts.rollups {
            let (state, target) = Marts::database_tables(rollup);
            self.seams.publisher.prepare(&state, &target).await?;
            if !rollup.index.is_empty() {
                self.seams.publisher.index(&target, &rollup.index).await?;
            }
        }
        Ok(())
    }
}

/// An empty dimension would reject every sale: more likely somebody forgot to load it.
pub(crate) fn refuse_empty(dimensions: &DimensionTables) -> Result<()> {
    let faults = dimensions
        .tables()
        .filter(|(name, rows)| rows.num_rows() == 0 && *name != Dimension::Product.name())
        .map(|(name, _)| {
            Fault::new(FaultKind::Database, format!("the dimension table {name} is empty"))
                .expected("the rows that sales are looked up in: without them every sale would be rejected")
                .hint(format!("load it with `tillmart dimensions load FOLDER` ({name}.csv), then run again"))
        })
        .collect();
    match Fault::join(faults) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}
