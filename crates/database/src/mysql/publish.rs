//! Publications: the asynchronous face of [`super::merge`].

use super::link::Link;
use super::merge::{Session, read_all, read_range};
use super::replace;
use super::tables::{Layout, make_index, quoted};
use super::trouble::{Tried, Trouble};
use super::{MySql, Shared};
use crate::gate::{Gate, lock};
use crate::marts::{names, state_name};
use crate::refusal::{database, over};
use crate::{Lease, Publication, Publisher, StateTable, TargetRange, TargetTable};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex};
use tillmart_model::{Result, Tally};
use tokio::runtime::Handle;

#[async_trait]
impl Publisher for MySql {
    async fn prepare(&self, state: &StateTable, target: &TargetTable) -> Result<()> {
        let (state, target) = (state.clone(), target.clone());
        self.read(move |link| {
            Layout::state(&state)?.make(link)?;
            Layout::target(&target)?.make(link)
        })
        .await
    }

    async fn index(&self, target: &TargetTable, columns: &[String]) -> Result<()> {
        let (target, columns) = (target.clone(), columns.to_vec());
        self.read(move |link| make_index(link, &target, &columns)).await
    }

    async fn begin(&self, lease: &Lease, batch_id: i64) -> Result<Box<dyn Publication>> {
        let (database, own) = (self.clone(), lease.clone());
        let open = self.blocking(move |shared, runtime| {
            let gate = shared.gates.of(&own);
            let session = {
                let mut gate = lock(&gate);
                let session = shared.repeated(|| Session::begin(&shared.pool, runtime, &own, batch_id))?;
                *gate = Gate::Publishing { renewal: None };
                session
            };
            Ok(Open { database, gate, lease: own, session: Some(session) })
        });
        Ok(Box::new(open.await?))
    }

    async fn is_empty(&self, state: &StateTable) -> Result<bool> {
        let state = state.clone();
        self.read(move |link| {
            match link.number(&format!("SELECT 1 FROM {} LIMIT 1", quoted(&state_name(&state))?), Vec::new()) {
                Err(trouble) if trouble.server(&[1146]).is_some() => Ok(true),
                found => Ok(found?.is_none()),
            }
        })
        .await
    }

    async fn read_state(&self, state: &StateTable) -> Result<Vec<RecordBatch>> {
        let state = state.clone();
        self.read(move |link| {
            let all = names(&state.schema);
            read_all(link, &state_name(&state), &state.schema, &all[..state.keys])
        })
        .await
    }

    async fn read_target(&self, target: &TargetTable) -> Result<Vec<RecordBatch>> {
        let target = target.clone();
        self.read(move |link| {
            let key: Vec<&str> = target.key.iter().map(String::as_str).collect();
            read_all(link, &target.name, &target.schema, &key)
        })
        .await
    }

    async fn read_range(&self, target: &TargetTable, range: &TargetRange) -> Result<Vec<RecordBatch>> {
        let (target, range) = (target.clone(), range.clone());
        self.read(move |link| read_range(link, &target, &range)).await
    }
}

/// One open publication.
struct Open {
    database: MySql,
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
        let worked = self.database.blocking(move |_, _| {
            let mut session = session.ok_or_else(over)?;
            let done = work(&mut session)?;
            Ok((session, done))
        });
        let (session, done) = worked.await?;
        self.session = Some(session);
        Ok(done)
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
        self.work(move |session| replace::replace(session, &state, &target, &rows)).await
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
        let committed = self.database.blocking(move |shared, runtime| {
            let session = session.ok_or_else(over)?;
            let batch_id = session.batch_id();
            // Held until the commit is done: a renewal that comes now waits, and then finds no publication.
            let mut gate = lock(&gate);
            let renewal = match *gate {
                Gate::Publishing { renewal } => renewal,
                Gate::NoPublication => None,
            };
            let committed = match session.commit(&lease, renewal, now) {
                Err(Trouble::Lost(said)) => look_up(shared, runtime, batch_id, &said),
                done => done,
            };
            *gate = Gate::NoPublication;
            committed
        });
        committed.await
    }
}

/// The answer to the commit was lost. The batch's row tells what became of it: the commit holds that row's lock until it is
/// done or undone, so whoever gets the lock sees the end of it.
fn look_up(shared: &Shared, runtime: &Handle, batch_id: i64, said: &str) -> Tried<()> {
    let asked = |link: &mut Link| {
        let sql = "SELECT CASE WHEN state IN ('published', 'finished') THEN 1 ELSE 0 END \
                   FROM tillmart_batch WHERE id = ? FOR UPDATE";
        link.number(sql, vec![batch_id.into()])
    };
    if shared.repeated(|| shared.write(runtime, asked))? == Some(1) {
        return Ok(());
    }
    let fault = database("the connection to the database was lost before the publication was kept")
        .found(said)
        .hint("nothing of it was kept: begin it anew");
    Err(fault.into())
}
