//! Fill: marts that were added after sales had landed are made, and filled with everything landed, as a batch of its own kind.
//!
//! A mart is added when its table is missing while sales have landed, or when batches landed while its file was away: then it stands
//! behind the sales mart, and what it holds makes room for what it should hold. Only this batch makes its table, after the claim, and until
//! then no other batch writes it: so wherever a process dies, a mart is either still missing or behind, or its filling is the unfinished
//! batch.

use crate::marts::{Marts, SALES_MART, names};
use crate::shop::{Pipeline, Prepared};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_database::StateTable;
use tillmart_lake::TableSnapshot;
use tillmart_model::{Batch, BatchState, Fault, FaultKind, Manifest, RemovedFile, Result, Split};

impl Pipeline {
    /// Names of the marts whose tables are missing although sales have landed, or that lack some of what landed.
    pub(crate) async fn added_marts(&self) -> Result<Vec<String>> {
        if !self.has_landed().await? {
            return Ok(Vec::new());
        }
        let tables = self.seams.schema.tables().await?;
        let marts = names(&self.options)?;
        let rollups = marts.rollups.iter().map(|(name, _)| name);
        let named: Vec<String> = marts.rows.iter().chain(rollups).cloned().collect();
        // A table that somebody made before the mart has no state: it is added all the same.
        let is_made =
            |(name, of): &(String, String)| tables.contains(name) && tables.contains(&StateTable::name_of(of));
        let mut added: Vec<String> =
            marts.rollups.into_iter().filter(|mart| !is_made(mart)).map(|(name, _)| name).collect();
        for name in marts.rows.into_iter().filter(|name| name != SALES_MART) {
            // A look at the log's names: reading the table would cost the more the larger it is.
            if self.seams.store.list(&format!("{name}/_delta_log")).await?.is_empty() {
                added.push(name);
            }
        }
        let standing = self.marts_standing().await?;
        added.extend(named.into_iter().filter(|name| standing.lacks(name)));
        added.sort_unstable();
        added.dedup();
        Ok(added)
    }

    /// Up to which batch each mart holds everything.
    pub(crate) async fn marts_standing(&self) -> Result<MartsStanding> {
        Ok(MartsStanding(self.seams.ledger.marts_standing(&self.options.feed).await?))
    }

    /// Whether any sale has landed, be it published yet or not.
    pub(crate) async fn has_landed(&self) -> Result<bool> {
        let feed = &self.options.feed;
        let under_way = self.seams.ledger.unfinished(feed).await?;
        Ok(self.seams.ledger.last_published(feed).await?.is_some()
            || under_way.is_some_and(|batch| !matches!(batch.state, BatchState::Claimed)))
    }

    /// Those of the added marts that there are indeed, as a built-in mart may give way to one of somebody's own. What cannot be filled is told
    /// before anything is claimed.
    pub(crate) async fn to_fill(&self, prepared: &Prepared, added: Vec<String>) -> Result<Vec<String>> {
        let marts = prepared.all_named(&added);
        prepared.can_fill(&marts)?;
        // Their tables are there, and nobody takes them for whole if this dies: that they have the marts' columns can be known before.
        let standing = self.marts_standing().await?;
        let names = marts.names();
        let behind: Vec<String> =
            names.iter().filter(|name| standing.knows(name) && standing.lacks(name)).cloned().collect();
        self.ensure_tables(&prepared.all_named(&behind)).await?;
        Ok(names)
    }

    pub(crate) async fn land_fill(&self, batch: &Batch, prepared: &Prepared, names: &[String]) -> Result<Manifest> {
        let marts = prepared.all_named(names);
        self.ensure_tables(&marts).await?;
        let mut manifest = Manifest { batch_id: batch.id, marts: marts.names(), ..Manifest::default() };
        for mart in &marts.rows {
            // What a mart that was away still holds: its rows come anew.
            let before = self.lake.snapshot(&mart.name, None).await?.map(|snapshot| snapshot.files).unwrap_or_default();
            manifest.removed.extend(before.into_iter().map(|file| RemovedFile {
                table: mart.name.clone(),
                path: file.path,
                size: file.size,
                partition: file.partition,
            }));
        }
        if marts.rows.is_empty() {
            return Ok(manifest);
        }
        prepared.can_fill(&marts)?;
        let Some(sales) = self.lake.snapshot(SALES_MART, None).await? else { return Ok(manifest) };
        let mut job = Arc::unwrap_or_clone(self.job(batch, prepared, BTreeMap::new(), false)?);
        job.row_marts = marts.rows.clone();
        job.rewritten = true;
        let splits = sales.files.iter().map(|file| Split::Fill {
            table: SALES_MART.to_owned(),
            data_file: file.path.clone(),
            size: file.size,
            partition: file.partition.clone(),
        });
        let tasks = crate::land::spread(splits.collect(), self.seams.engine.tasks());
        for task in self.run_tasks(&Arc::new(job), tasks).await? {
            manifest.merge(task);
        }
        check(&sales, &marts, &manifest)?;
        Ok(manifest)
    }
}

/// Up to which batch each mart holds everything that landed, by name.
pub(crate) struct MartsStanding(BTreeMap<String, i64>);

impl MartsStanding {
    /// Whether batches landed without the mart. Nothing is known of those before the first that noted where marts stand.
    pub(crate) fn lacks(&self, mart: &str) -> bool {
        let newest = self.0.get(SALES_MART);
        newest.is_some_and(|newest| self.0.get(mart).is_none_or(|batch| batch < newest))
    }

    /// Whether a batch has fed the mart.
    pub(crate) fn knows(&self, mart: &str) -> bool {
        self.0.contains_key(mart)
    }
}

impl Prepared {
    /// A row-level mart is filled from the sales mart, which must carry every column of the sale for that.
    fn can_fill(&self, marts: &Marts) -> Result<()> {
        match self.marts.rows.first().and_then(|sales| sales.lacks()) {
            Some(lacking) if !marts.rows.is_empty() => Err(cannot_fill(marts, &lacking)),
            _ => Ok(()),
        }
    }

    /// Marts of these names, whether they have tables yet or not.
    pub(crate) fn all_named(&self, names: &[String]) -> Marts {
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let (marts, added) = (&self.marts, &self.added);
        Marts {
            rows: marts
                .rows
                .iter()
                .chain(&added.rows)
                .filter(|mart| names.contains(mart.name.as_str()))
                .cloned()
                .collect(),
            rollups: marts
                .rollups
                .iter()
                .chain(&added.rollups)
                .filter(|rollup| names.contains(rollup.name.as_str()))
                .cloned()
                .collect(),
        }
    }
}

/// Every landed sale was read, and a mart without a `WHERE` has a row of each.
fn check(sales: &TableSnapshot, marts: &Marts, manifest: &Manifest) -> Result<()> {
    let landed: Option<u64> = sales.files.iter().map(|file| file.rows).sum();
    let read: u64 = manifest.splits.iter().map(|report| report.tally.rows_read).sum();
    let mut counts = vec![("the sales that were read", read)];
    for mart in marts.rows.iter().filter(|mart| mart.takes_every_sale()) {
        let written = manifest.files.iter().filter(|file| file.table == mart.name).map(|file| file.rows).sum();
        counts.push((mart.name.as_str(), written));
    }
    match counts.into_iter().find(|(_, count)| landed != Some(*count)) {
        None => Ok(()),
        Some((what, count)) => {
            Err(Fault::new(FaultKind::Promise, "a mart would be filled with too few or too many rows")
                .expected(landed.map_or_else(|| "known row counts".to_owned(), |rows| format!("{rows} rows")))
                .found(format!("{what}: {count} rows"))
                .hint("nothing was committed; please report this"))
        }
    }
}

fn cannot_fill(marts: &Marts, lacking: &str) -> Fault {
    let names: Vec<&str> = marts.rows.iter().map(|mart| mart.name.as_str()).collect();
    Fault::new(FaultKind::Mart, format!("{} cannot be filled with the sales that have landed", names.join(", ")))
        .expected(format!("{SALES_MART} with every column of the sale as it is"))
        .found(format!("a {SALES_MART} of your own without {lacking}"))
        .hint("take the mart's file out of the marts folder and run again; or add the column to the sales mart in a new project")
}
