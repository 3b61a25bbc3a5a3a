//! A moment at which tables, database and ledger belong together, for whoever reads them without the lease.

use crate::marts::Marts;
use crate::shop::Pipeline;
use std::collections::BTreeMap;
use tillmart_model::{BatchState, Result};

/// Delta version to read of each table, by name. A table that is not named is not there.
pub(crate) type Pinned = BTreeMap<String, u64>;

/// Where the ledger stands. While `published` stays the same, so does the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The newest published batch.
    pub(crate) published: Option<i64>,
    /// The batch that has landed, and perhaps committed, and is not published.
    pub(crate) half_way: Option<i64>,
}

/// A [`Standing`] and the table versions that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) standing: Standing,
    pub(crate) pinned: Pinned,
}

impl Pipeline {
    pub(crate) async fn standing(&self) -> Result<Standing> {
        let unfinished = self.seams.ledger.unfinished(&self.options.feed).await?;
        let published = self.seams.ledger.last_published(&self.options.feed).await?.map(|batch| batch.id);
        let half_way = unfinished
            .filter(|batch| matches!(batch.state, BatchState::Landed { .. } | BatchState::Committed { .. }))
            .map(|batch| batch.id);
        Ok(Standing { published, half_way })
    }

    /// Versions to compare at. Between batches those are the newest, which shows foreign changes too; while a batch has landed and
    /// not published, they are what the last published batches left. `None` when a run moved on while this looked.
    pub(crate) async fn moment(&self, marts: &Marts) -> Result<Option<Moment>> {
        let standing = self.standing().await?;
        let pinned = match standing.half_way {
            None => self.newest(marts).await?,
            Some(_) => self.published_versions(marts).await?,
        };
        Ok((self.standing().await? == standing).then_some(Moment { standing, pinned }))
    }

    async fn newest(&self, marts: &Marts) -> Result<Pinned> {
        let mut pinned = Pinned::new();
        for spec in marts.table_specs() {
            if let Some(snapshot) = self.lake.snapshot(&spec.name, None).await? {
                pinned.insert(spec.name, snapshot.version);
            }
        }
        Ok(pinned)
    }

    async fn published_versions(&self, marts: &Marts) -> Result<Pinned> {
        let mut pinned = Pinned::new();
        for batch in self.seams.ledger.batches(&self.options.feed, u32::MAX).await? {
            if let BatchState::Published { versions } | BatchState::Finished { versions } = batch.state {
                for (table, version) in versions {
                    pinned.entry(table).or_insert(version);
                }
            }
        }
        // A table that no published batch has written is compared as it was made.
        for spec in marts.table_specs() {
            if !pinned.contains_key(&spec.name)
                && self.lake.snapshot(&spec.name, Some(0)).await.is_ok_and(|made| made.is_some())
            {
                pinned.insert(spec.name, 0);
            }
        }
        Ok(pinned)
    }
}
