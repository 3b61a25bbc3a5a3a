//! Commit: the manifest's data files enter their tables, one Delta commit a table, in a fixed order.

use crate::Point;
use crate::marts::{REJECTS, SALES_MART};
use crate::shop::Pipeline;
use std::collections::{BTreeMap, BTreeSet};
use tillmart_database::Lease;
use tillmart_lake::Commit;
use tillmart_model::{Batch, Fault, FaultKind, Manifest, Result};

impl Pipeline {
    /// `Landed` → `Committed`. Tables that the batch does not change get no commit.
    pub(crate) async fn commit(&self, lease: &Lease, batch: &Batch, manifest_key: &str) -> Result<()> {
        let manifest = self.read_manifest(manifest_key).await?;
        let application = self.application();
        let mut versions = BTreeMap::new();
        for table in tables_in_order(&manifest) {
            let commit = Commit {
                table,
                application: Some(&application),
                batch_id: batch.id,
                adds: manifest.files.iter().filter(|file| file.table == table).collect(),
                removes: manifest
                    .removed
                    .iter()
                    .filter(|file| file.table == table)
                    .map(|file| file.path.as_str())
                    .collect(),
                data_change: true,
                now_ms: self.seams.clock.now().timestamp_millis(),
            };
            let committed = self.lake.commit(&commit).await?;
            versions.insert(table.to_owned(), committed.version);
            self.observer.reached(Point::TableCommitted);
        }
        self.seams.ledger.committed(lease, batch.id, &versions, self.seams.clock.now()).await?;
        self.observer.reached(Point::Committed);
        Ok(())
    }

    /// The one truth of what the batch commits.
    pub(crate) async fn read_manifest(&self, key: &str) -> Result<Manifest> {
        let bytes = self.seams.store.read(key).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Fault::new(FaultKind::Promise, "a batch's manifest cannot be read")
                .at(self.seams.store.display(key))
                .found(error)
                .hint("restore the manifest from a backup of the storage root, then run again")
        })
    }
}

/// Sales mart, the other row-level marts by name, rejects.
fn tables_in_order(manifest: &Manifest) -> Vec<&str> {
    let names: BTreeSet<&str> = manifest
        .files
        .iter()
        .map(|file| file.table.as_str())
        .chain(manifest.removed.iter().map(|file| file.table.as_str()))
        .collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| (*name != SALES_MART, *name == REJECTS, *name));
    names
}
