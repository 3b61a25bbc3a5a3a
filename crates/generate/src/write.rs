//! Writing to any object store: chunks made in parallel, written in order, in bounded memory.

use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Result};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

/// Bytes of a part of a multipart upload. S3 allows 10,000 parts: one file may have 160 GB.
const PART_BYTES: usize = 16 << 20;

/// Writes files below a prefix.
pub(crate) struct Writer {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    threads: NonZeroUsize,
    /// Chunks that may be in the making, over all files together.
    makers: Arc<Semaphore>,
}

impl Writer {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: Path, threads: NonZeroUsize) -> Self {
        Writer { store, prefix, threads, makers: Arc::new(Semaphore::new(threads.get())) }
    }

    /// Writes one file of chunks, each made on a thread of its own; `seen` gets what was learnt of each, in order.
    pub(crate) async fn file<T, Make>(
        &self,
        path: &str,
        chunks: impl Iterator<Item = Make>,
        mut seen: impl FnMut(T),
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<()>
    where
        T: Send + 'static,
        Make: FnOnce() -> (Bytes, T) + Send + 'static,
    {
        let path = self.path(path);
        let mut upload =
            BufWriter::with_capacity(Arc::clone(&self.store), path.clone(), PART_BYTES).with_max_concurrency(2);
        // One more than threads: the next chunk is ready when the writer comes back for it.
        let mut made = stream::iter(chunks.map(|make| self.make(make))).buffered(self.threads.get() + 1);
        while let Some(chunk) = made.next().await {
            let (bytes, learnt) = chunk?;
            let size = bytes.len() as u64;
            if let Err(error) = upload.put(bytes).await {
                // What a failed abort leaves behind is the store's to clean up; the first error is the one to tell.
                let _ = upload.abort().await;
                return Err(refused(&path, &error));
            }
            progress(size);
            seen(learnt);
        }
        // A writer that failed to shut down has aborted, or has nothing that `abort` would still accept.
        upload.shutdown().await.map_err(|error| refused(&path, &error))
    }

    /// Writes one small file.
    pub(crate) async fn put(&self, path: &str, content: Vec<u8>, progress: &(dyn Fn(u64) + Send + Sync)) -> Result<()> {
        let path = self.path(path);
        let size = content.len() as u64;
        self.store.put(&path, content.into()).await.map_err(|error| refused(&path, &error))?;
        progress(size);
        Ok(())
    }

    async fn make<R: Send + 'static>(&self, make: impl FnOnce() -> R + Send + 'static) -> Result<R> {
        let permit = Arc::clone(&self.makers).acquire_owned().await;
        let made = tokio::task::spawn_blocking(move || {
            let made = make();
            drop(permit);
            made
        });
        made.await.map_err(|error| Fault::new(FaultKind::Promise, "could not make a chunk of rows").found(error))
    }

    fn path(&self, below: &str) -> Path {
        below.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Store, "could not write a generated file")
        .at(path.to_string())
        .found(error)
        .hint("check that the target exists, that there is room, and that you may write there")
}
