//! Committing a batch to a table exactly once.
//!
//! A transaction id alone does not make a commit happen once: replayed from a fresh snapshot it is accepted again.
//! So the id is read from the very snapshot the commit starts from: there already, nothing is written; else a racing
//! writer with the same application id makes this commit fail. A commit that answered with an error is unknown,
//! not failed: the table is read anew and asked.

use crate::table::{Lake, delta_fault, table_fault};
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, Transaction};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use futures::TryStreamExt;
use std::collections::{BTreeMap, HashMap};
use tillmart_model::{DataFile, Fault, FaultKind, Result};

/// How often a lost race or an unknown answer is looked into before giving up.
const ATTEMPTS: usize = 5;

/// One commit to one table.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    /// The table.
    pub table: &'a str,
    /// Application id of the transaction: the feed. `None` for housekeeping that moves no rows.
    pub application: Option<&'a str>,
    /// The batch: rises with every commit of the application.
    pub batch_id: i64,
    /// Files that enter the table.
    pub adds: Vec<&'a DataFile>,
    /// Paths of files that leave it.
    pub removes: Vec<&'a str>,
    /// Whether rows come or go; compaction only moves them.
    pub data_change: bool,
    /// Moment of the commit, in milliseconds since 1970.
    pub now_ms: i64,
}

/// Where a commit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Version of the table that holds it.
    pub version: u64,
    /// It had been there before: an earlier run had come this far.
    pub already: bool,
}

impl Lake {
    /// Brings a batch into a table, once, whatever happened before.
    ///
    /// # Errors
    /// `Promise` when the table holds a later batch of the application, or a file to be removed is not in it;
    /// `Table` when the store refuses.
    pub async fn commit(&self, commit: &Commit<'_>) -> Result<Committed> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match self.try_commit(commit).await? {
                Ok(committed) => return Ok(committed),
                Err(fault) => last = Some(fault),
            }
        }
        Err(last.unwrap_or_else(|| table_fault("commit to", commit.table, "no attempt was made")))
    }

    /// The outer error is final; the inner one is an unknown answer, to be looked into from a new snapshot.
    async fn try_commit(&self, commit: &Commit<'_>) -> Result<std::result::Result<Committed, Fault>> {
        let fault = |error: &DeltaTableError| delta_fault("commit to", commit.table, error);
        let Some(table) = self.load(commit.table, None).await? else {
            return Err(table_fault("commit to", commit.table, "there is no such table"));
        };
        let state = table.snapshot().map_err(|error| fault(&error))?;
        let log_store = table.log_store();
        let mut properties = CommitProperties::default().with_max_retries(3);
        if let Some(application) = commit.application {
            let held =
                state.transaction_version(log_store.as_ref(), application).await.map_err(|error| fault(&error))?;
            match held {
                Some(held) if held == commit.batch_id => {
                    return Ok(Ok(Committed { version: state.version(), already: true }));
                }
                Some(held) if held > commit.batch_id => return Err(overtaken(commit, held)),
                _ => {}
            }
            properties = properties.with_application_transaction(Transaction::new_with_last_update(
                application,
                commit.batch_id,
                Some(commit.now_ms),
            ));
        }
        if commit.application.is_none() && self.holds_all(commit, &table).await? {
            return Ok(Ok(Committed { version: state.version(), already: true }));
        }
        let mut actions = self.removals(commit, &table).await?;
        actions.extend(commit.adds.iter().map(|file| Action::Add(add(file, commit))));
        let operation = if commit.data_change {
            DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None }
        } else {
            DeltaOperation::Optimize { predicate: None, target_size: 0 }
        };
        let finalized =
            CommitBuilder::from(properties).with_actions(actions).build(Some(state), log_store, operation).await;
        Ok(match finalized {
            Ok(finalized) => Ok(Committed { version: finalized.version(), already: false }),
            Err(error) => Err(fault(&error)),
        })
    }

    /// Whether a commit without a transaction id is there already: its files have names that were never used before.
    async fn holds_all(&self, commit: &Commit<'_>, table: &deltalake_core::DeltaTable) -> Result<bool> {
        let fault = |error: &DeltaTableError| delta_fault("commit to", commit.table, error);
        let state = table.snapshot().map_err(|error| fault(&error))?;
        let mut wanted: BTreeMap<&str, ()> = commit.adds.iter().map(|file| (file.path.as_str(), ())).collect();
        let log_store = table.log_store();
        let mut views = state.snapshot().file_views(log_store.as_ref(), None);
        while let Some(view) = views.try_next().await.map_err(|error| fault(&error))? {
            wanted.remove(view.object_store_path().as_ref());
        }
        Ok(!commit.adds.is_empty() && wanted.is_empty())
    }

    async fn removals(&self, commit: &Commit<'_>, table: &deltalake_core::DeltaTable) -> Result<Vec<Action>> {
        if commit.removes.is_empty() {
            return Ok(Vec::new());
        }
        let fault = |error: &DeltaTableError| delta_fault("commit to", commit.table, error);
        let state = table.snapshot().map_err(|error| fault(&error))?;
        let mut wanted: BTreeMap<&str, ()> = commit.removes.iter().map(|path| (*path, ())).collect();
        let log_store = table.log_store();
        let mut views = state.snapshot().file_views(log_store.as_ref(), None);
        let mut actions = Vec::new();
        while let Some(view) = views.try_next().await.map_err(|error| fault(&error))? {
            if wanted.remove(view.object_store_path().as_ref()).is_some() {
                let mut remove = view.remove_action(commit.data_change);
                remove.deletion_timestamp = Some(commit.now_ms);
                actions.push(Action::Remove(remove));
            }
        }
        match wanted.keys().next() {
            None => Ok(actions),
            Some(missing) => Err(Fault::new(FaultKind::Promise, "a file that the batch replaces is not in its table")
                .at(format!("{}/{missing}", commit.table))
                .hint("something other than tillmart changed the table; nothing was committed")),
        }
    }
}

fn add(file: &DataFile, commit: &Commit<'_>) -> Add {
    let partition_values: HashMap<String, Option<String>> = file.partition.iter().cloned().collect();
    Add {
        path: file.path.clone(),
        partition_values,
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        modification_time: commit.now_ms,
        data_change: commit.data_change,
        stats: Some(file.stats.clone()),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

fn overtaken(commit: &Commit<'_>, held: i64) -> Fault {
    Fault::new(FaultKind::Promise, "the table already holds a later batch")
        .at(commit.table.to_owned())
        .expected(format!("at most batch {}", commit.batch_id))
        .found(format!("batch {held}"))
        .hint("this run was overtaken by another one; nothing was committed")
}
