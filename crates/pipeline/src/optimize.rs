//! Optimize: partitions that have grown many small data files get few large ones. No row moves between batches,
//! and lineage stays as it is.

use crate::shop::{Pipeline, Prepared};
use crate::summary::Summary;
use serde::Serialize;
use std::collections::BTreeMap;
use tillmart_lake::{Commit, TableSnapshot};
use tillmart_model::{Batch, BatchKind, BatchState, Fault, FaultKind, Manifest, Result, Split};

/// Partition columns and values.
type Partition<'a> = &'a [(String, Option<String>)];

/// What `optimize` did to one table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Optimized {
    /// The table.
    pub table: String,
    /// Data files before.
    pub files_before: u64,
    /// Data files after.
    pub files_after: u64,
    /// Files deleted from the store because no young version holds them.
    pub files_vacuumed: u64,
}

impl Pipeline {
    /// Compacts every table; with `vacuum`, deletes what only old versions hold.
    ///
    /// # Errors
    /// `Busy` when a run holds the lease; else whatever stopped it. A compaction that was not committed leaves only files
    /// that nobody sees.
    pub async fn optimize(&self, vacuum: bool) -> Result<Vec<Optimized>> {
        self.seams.schema.check().await?;
        let held = self.hold().await?;
        let mut prepared = None;
        let mut before = Summary::default();
        let result = async {
            self.finish_unfinished(&held, &mut prepared, &mut before).await?;
            let prepared = match prepared {
                Some(prepared) => prepared,
                None => self.prepare().await?,
            };
            let mut done = Vec::new();
            for spec in prepared.marts.table_specs() {
                let Some(snapshot) = self.lake.snapshot(&spec.name, None).await? else { continue };
                self.observer.doing(&format!("compacting {}", spec.name));
                let mut optimized = self.compact(&prepared, &snapshot).await?;
                if vacuum {
                    optimized.files_vacuumed =
                        self.lake.vacuum(&spec.name, self.options.vacuum_age_hours).await? as u64;
                }
                done.push(optimized);
            }
            if vacuum {
                self.vacuum_sums().await?;
                done.extend(self.vacuum_histories().await?);
            }
            Ok(done)
        }
        .await;
        let released = held.release().await;
        let done = result?;
        released?;
        Ok(done)
    }

    async fn compact(&self, prepared: &Prepared, snapshot: &TableSnapshot) -> Result<Optimized> {
        let splits = self.compactions(snapshot);
        let files_before = snapshot.files.len() as u64;
        if splits.is_empty() {
            return Ok(Optimized {
                table: snapshot.name.clone(),
                files_before,
                files_after: files_before,
                files_vacuumed: 0,
            });
        }
        let job = self.job(&self.no_batch(), prepared, BTreeMap::new(), false)?;
        let mut manifest = Manifest::default();
        let tasks = crate::land::spread(splits, self.seams.engine.tasks());
        for task in self.run_tasks(&job, tasks).await? {
            manifest.merge(task);
        }
        self.check_compaction(snapshot, &manifest)?;
        self.lake
            .commit(&Commit {
                table: &snapshot.name,
                application: None,
                batch_id: 0,
                adds: manifest.files.iter().collect(),
                removes: manifest.removed.iter().map(|file| file.path.as_str()).collect(),
                data_change: false,
                now_ms: self.seams.clock.now().timestamp_millis(),
            })
            .await?;
        Ok(Optimized {
            table: snapshot.name.clone(),
            files_before,
            files_after: files_before + manifest.files.len() as u64 - manifest.removed.len() as u64,
            files_vacuumed: 0,
        })
    }

    /// Partitions with enough small files, cut into groups of about the target size.
    fn compactions(&self, snapshot: &TableSnapshot) -> Vec<Split> {
        let target = self.options.optimize_target_bytes;
        let mut partitions: BTreeMap<Partition<'_>, Vec<(String, u64)>> = BTreeMap::new();
        for file in snapshot.files.iter().filter(|file| file.size < target / 2) {
            partitions.entry(&file.partition).or_default().push((file.path.clone(), file.size));
        }
        let mut splits = Vec::new();
        for (partition, files) in partitions {
            if files.len() < self.options.optimize_files_min.max(2) as usize {
                continue;
            }
            let mut groups: Vec<(u64, Vec<(String, u64)>)> = Vec::new();
            for (path, size) in files {
                match groups.last_mut() {
                    Some((bytes, group)) if *bytes + size <= target => {
                        *bytes += size;
                        group.push((path, size));
                    }
                    _ => groups.push((size, vec![(path, size)])),
                }
            }
            splits.extend(groups.into_iter().filter(|(_, group)| group.len() > 1).map(|(_, data_files)| {
                Split::Compact { table: snapshot.name.clone(), data_files, partition: partition.to_vec() }
            }));
        }
        splits
    }

    fn check_compaction(&self, snapshot: &TableSnapshot, manifest: &Manifest) -> Result<()> {
        let rows_of: BTreeMap<&str, u64> =
            snapshot.files.iter().filter_map(|file| Some((file.path.as_str(), file.rows?))).collect();
        let before: Option<u64> = manifest.removed.iter().map(|file| rows_of.get(file.path.as_str()).copied()).sum();
        let after: u64 = manifest.files.iter().map(|file| file.rows).sum();
        match before {
            Some(before) if before == after => Ok(()),
            _ => Err(Fault::new(FaultKind::Promise, format!("compacting {} would change its rows", snapshot.name))
                .expected(before.map_or_else(|| "known row counts".to_owned(), |before| format!("{before} rows")))
                .found(format!("{after} rows"))
                .hint("nothing was committed; please report this")),
        }
    }

    fn no_batch(&self) -> Batch {
        Batch {
            id: 0,
            feed: self.options.feed.clone(),
            kind: BatchKind::Load,
            state: BatchState::Claimed,
            claim_date: self.seams.clock.today(self.options.time_zone),
            created: self.seams.clock.now(),
            files: Vec::new(),
        }
    }
}
