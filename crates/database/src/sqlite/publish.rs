//! Publications: the asynchronous face of [`super::merge`].

use super::merge::{Session, read_all, read_range};
use super::tables::{Layout, make_index, make_scope_index, quoted};
use super::trouble::Tried;
use super::{Sqlite, blocking};
use crate::columns::DecimalForm;
use crate::gate::{Gate, lock};
use crate::marts::{names, state_name};
use crate::refusal::over;
use crate::{Finish, Lease, Publication, Publisher, StateTable, TargetRange, TargetTable};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tillmart_model::{Result, Tally};

#[async_trait]
impl Publisher for Sqlite {
    async fn prepare(&self, state: &StateTable, target: &TargetTable) -> Result<()> {
        let (state, target) = (state.clone(), target.clone());
        self.write(move |transaction| {
            Layout::state(&state)?.make(transaction)?;
            Layout::target(&target)?.make(transaction)?;
            make_scope_index(transaction, &target)
        })
        .await
    }

    async fn index(&self, target: &TargetTable, columns: &[String]) -> Result<()> {
        let (target, columns) = (target.clone(), columns.to_vec());
        self.write(move |transaction| make_index(transaction, &target, &columns)).await
    }

    async fn begin(&self, lease: &Lease, batch_id: i64) -> Result<Box<dyn Publication>> {
        let (shared, own) = (Arc::clone(&self.shared), lease.clone());
        let opened = blocking(move || {
            let gate = shared.gates.of(&own);
            let session = {
                let mut gate = lock(&gate);
                let session = Session::begin(&shared.path, &own, batch_id)?;
                *gate = Gate::Publishing { renewal: None };
                session
            };
            Ok(Open { path: shared.path.clone(), gate, lease: own, session: Some(session) })
        });
        match opened.await {
            Ok(open) => Ok(Box::new(open)),
            Err(trouble) => Err(trouble.told(self.path())),
        }
    }

    async fn is_empty(&self, state: &StateTable) -> Result<bool> {
        let state = state.clone();
        self.apart(move |connection| {
            let table = state_name(&state);
            let mut asked = connection.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")?;
            if !asked.exists([&table])? {
                return Ok(true);
            }
            Ok(!connection.prepare(&format!("SELECT 1 FROM {} LIMIT 1", quoted(&table)?))?.exists([])?)
        })
        .await
    }

    async fn read_state(&self, state: &StateTable) -> Result<Vec<RecordBatch>> {
        let state = state.clone();
        self.apart(move |connection| {
            let all = names(&state.schema);
            read_all(connection, &state_name(&state), &state.schema, &all[..state.keys], DecimalForm::Unscaled)
        })
        .await
    }

    async fn read_target(&self, target: &TargetTable) -> Result<Vec<RecordBatch>> {
        let target = target.clone();
        self.apart(move |connection| {
            let key: Vec<&str> = target.key.iter().map(String::as_str).collect();
            read_all(connection, &target.name, &target.schema, &key, DecimalForm::Published)
        })
        .await
    }

    async fn read_range(&self, target: &TargetTable, range: &TargetRange) -> Result<Vec<RecordBatch>> {
        let (target, range) = (target.clone(), range.clone());
        self.apart(move |connection| read_range(connection, &target, &range)).await
    }
}

/// One open publication.
struct Open {
    path: PathBuf,
    gate: Arc<Mutex<Gate>>,
    lease: Lease,
    /// Away while a call works on it. A call that failed or was given up does not bring it back: half a merge
    /// must not be committed.
    session: Option<Session>,
}

impl Open {
    async fn work<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        let session = self.session.take();
        let done = blocking(move || {
            let mut session = session.ok_or_else(over)?;
            let done = work(&mut session)?;
            Ok((session, done))
        });
        match done.await {
            Ok((session, done)) => {
                self.session = Some(session);
                Ok(done)
            }
            Err(trouble) => Err(trouble.told(&self.path)),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // First the transaction, then the gate: until then renewals rely on the transaction's lock.
        self.session = None;
        *lock(&self.gate) = Gate::NoPublication;
    }
}

#[async_trait]
impl Publication for Open {
    async fn merge(&mut self, state: &StateTable, delta: &RecordBatch, sign: i64) -> Result<()> {
        let (state, delta) = (state.clone(), delta.clone());
        self.work(move |session| session.merge(&state, &delta, sign)).await
    }

    async fn touched(&mut self, state: &StateTable) -> Result<Vec<RecordBatch>> {
        let state = state.clone();
        self.work(move |session| session.touched(&state)).await
    }

    async fn replace(&mut self, state: &StateTable, target: &TargetTable, rows: &[RecordBatch]) -> Result<u64> {
        let (state, target, rows) = (state.clone(), target.clone(), rows.to_vec());
        self.work(move |session| session.replace(&state, &target, &rows)).await
    }

    async fn replace_each(&mut self, state: &StateTable, target: &TargetTable, finish: Finish) -> Result<u64> {
        let (state, target) = (state.clone(), target.clone());
        self.work(move |session| session.replace_each(&state, &target, &finish)).await
    }

    async fn replayed(&mut self, file_id: i64, tally: &Tally) -> Result<()> {
        let tally = tally.clone();
        self.work(move |session| session.replayed(file_id, &tally)).await
    }

    async fn revoked(&mut self, file_id: i64) -> Result<()> {
        self.work(move |session| session.revoked(file_id)).await
    }

    async fn clear(&mut self, state: Option<&StateTable>, target: &TargetTable) -> Result<()> {
        let tables: Vec<String> = state.map(state_name).into_iter().chain([target.name.clone()]).collect();
        self.work(move |session| session.clear(&tables)).await
    }

    async fn stands(&mut self, marts: &[String]) -> Result<()> {
        let marts = marts.to_vec();
        self.work(move |session| session.stands(&marts)).await
    }

    async fn commit(mut self: Box<Self>, now: DateTime<Utc>) -> Result<()> {
        let (session, lease, gate) = (self.session.take(), self.lease.clone(), Arc::clone(&self.gate));
        let committed = blocking(move || {
            let session = session.ok_or_else(over)?;
            // Held until the commit is done: a renewal that comes now waits, and then finds no publication.
            let mut gate = lock(&gate);
            let renewal = match *gate {
                Gate::Publishing { renewal } => renewal,
                Gate::NoPublication => None,
            };
            let committed = session.commit(&lease, renewal, now);
            *gate = Gate::NoPublication;
            committed
        });
        committed.await.map_err(|trouble| trouble.told(&self.path))
    }
}
