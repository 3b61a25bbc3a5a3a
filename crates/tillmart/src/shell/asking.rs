//! One statement's way to its rows, in a task of its own: whatever the statement is doing, it can be left.

use arrow::array::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tillmart_model::{Fault, FaultKind, Result};
use tillmart_pipeline::Answer;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};

type Rows = BoxStream<'static, Result<RecordBatch>>;

/// Asks in a task of its own. Dropping what it returns, at any moment, ends the task at the next point where it waits or yields.
///
/// Whoever takes the rows gives way after each batch: work that never waits, or a reader slower than the query, would
/// else keep Ctrl-C from being seen.
pub(super) async fn in_a_task(ask: impl Future<Output = Result<Answer>> + Send + 'static) -> Result<Answer> {
    let (sender, mut pieces) = mpsc::channel(1);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let Answer { schema, mut rows } = ask.await?;
        // The columns go ahead of the rows.
        let mut piece = RecordBatch::new_empty(schema);
        while sender.send(piece).await.is_ok() {
            match rows.next().await {
                Some(rows) => piece = rows?,
                None => break,
            }
        }
        Ok(())
    });
    let Some(columns) = pieces.recv().await else {
        let fault = ended(&mut task).await.err();
        return Err(fault.unwrap_or_else(|| Fault::new(FaultKind::Promise, "the query ended without an answer")));
    };
    let rows = stream::unfold((pieces, task), |(mut pieces, mut task)| async move {
        yield_now().await;
        match pieces.recv().await {
            Some(rows) => Some((Ok(rows), (pieces, task))),
            None => ended(&mut task).await.err().map(|fault| (Err(fault), (pieces, task))),
        }
    });
    Ok(Answer { schema: columns.schema(), rows: rows.boxed() })
}

/// How the task ended; nothing the second time.
async fn ended(task: &mut JoinSet<Result<()>>) -> Result<()> {
    match task.join_next().await {
        Some(Ok(result)) => result,
        // What it was is told by the panic hook.
        Some(Err(_)) => Err(Fault::new(FaultKind::Promise, "the query stopped at a fault of Tillmart's own")),
        None => Ok(()),
    }
}

/// At most so many rows; whether there are more is told once they have come.
pub(super) fn first(rows: Rows, limit: u64, has_more: Arc<AtomicBool>) -> Rows {
    stream::unfold((rows, limit, has_more), |(mut rows, left, has_more)| async move {
        if has_more.load(Ordering::Relaxed) {
            return None;
        }
        let batch = match rows.next().await? {
            Ok(batch) => batch,
            Err(fault) => return Some((Err(fault), (rows, left, has_more))),
        };
        let fit = usize::try_from(left).map_or(batch.num_rows(), |left| left.min(batch.num_rows()));
        has_more.store(fit < batch.num_rows(), Ordering::Relaxed);
        Some((Ok(batch.slice(0, fit)), (rows, left - fit as u64, has_more)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use tillmart_engine::{Embedded, Engine, query_fault};
    use tokio::runtime::{Builder, Runtime};

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    async fn asked(sql: &'static str) -> Result<Answer> {
        in_a_task(async move {
            let told = Embedded::new(2, 64 << 20).stream(Vec::new(), sql).await;
            let (schema, rows) = told.map_err(|error| query_fault(sql, &error))?;
            Ok(Answer { schema, rows: rows.map(move |rows| rows.map_err(|error| query_fault(sql, &error))).boxed() })
        })
        .await
    }

    fn number(sql: &'static str) -> Result<i64> {
        runtime().block_on(async {
            let mut rows = asked(sql).await?.rows;
            let batch = rows.next().await.unwrap()?;
            assert!(rows.next().await.is_none());
            Ok(arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0)).value(0))
        })
    }

    #[test]
    fn an_answer_and_a_fault_come_through() {
        assert_eq!(number("SELECT 40 + 2").unwrap(), 42);
        assert_eq!(number("SELECT nothing").unwrap_err().what, "there is no column `nothing`");
        let broken = number("SELECT 1 / (value - 2) FROM generate_series(1, 3)").unwrap_err();
        assert!(broken.found.unwrap().contains("Divide by zero"));
        let result = runtime().block_on(in_a_task(async { panic!("a fault of our own") }));
        assert_eq!(result.err().unwrap().kind, FaultKind::Promise, "and the shell goes on");
    }

    /// Each would run for hours and hardly ever waits for anything.
    #[test]
    fn whatever_it_computes_ends_when_nobody_wants_it() {
        for sql in [
            "SELECT value FROM generate_series(1, 1000000000000)",
            "SELECT count(*) FROM generate_series(1, 1000000000000)",
            "SELECT value FROM generate_series(1, 1000000000000) WHERE value < 0",
            "SELECT value FROM generate_series(1, 1000000000000) ORDER BY value DESC LIMIT 3",
            "SELECT value % 7 AS rest, count(*) FROM generate_series(1, 1000000000000) GROUP BY 1",
            "SELECT count(*) FROM generate_series(1, 9000) AS a JOIN generate_series(1, 1000000000) AS b
             ON a.value + b.value < 0",
        ] {
            let runtime = runtime();
            let answer = runtime.block_on(asked(sql)).unwrap();
            assert!(runtime.metrics().num_alive_tasks() > 0, "{sql}");
            drop(answer);
            let has_ended = (0..12_000).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                runtime.metrics().num_alive_tasks() == 0
            });
            assert!(has_ended, "a minute later it is still busy: {sql}");
        }
    }

    fn shown(sizes: &[i64], limit: u64) -> (Vec<usize>, bool) {
        let batch = |size: &i64| {
            let column: Arc<dyn arrow::array::Array> = Arc::new(Int64Array::from_iter_values(0..*size));
            Ok(RecordBatch::try_from_iter([("n", column)]).unwrap())
        };
        let rows: Vec<Result<RecordBatch>> = sizes.iter().map(batch).collect();
        let has_more = Arc::new(AtomicBool::new(false));
        let first = first(stream::iter(rows).boxed(), limit, Arc::clone(&has_more));
        let sizes = runtime().block_on(first.map(|rows| rows.unwrap().num_rows()).collect());
        (sizes, has_more.load(Ordering::Relaxed))
    }

    #[test]
    fn no_more_rows_are_shown_than_were_asked_for() {
        assert_eq!(shown(&[3, 4, 5], 100), (vec![3, 4, 5], false));
        assert_eq!(shown(&[3, 4, 5], 12), (vec![3, 4, 5], false), "just as many");
        assert_eq!(shown(&[3, 4, 5], 5), (vec![3, 2], true));
        assert_eq!(shown(&[3, 4, 5], 3), (vec![3, 0], true));
        assert_eq!(shown(&[3, 0], 3), (vec![3, 0], false));
    }
}
