//! Reading delivered bytes in order, pinned to the claimed version, one range ahead of the decoder.

use super::{LandJob, store_fault};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, GetRange, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::ops::Range;
use std::sync::Arc;
use tillmart_model::{Fault, Result};
use tokio::task::JoinHandle;

/// Bytes of one range: a request costs little beside it, and two of them are held at a time.
const RANGE_BYTES: u64 = 4 << 20;

/// A read of the claimed version came to this.
pub(super) enum Chunk {
    /// The next bytes.
    Bytes(Bytes),
    /// All bytes have been read.
    End,
    /// The object is gone, or has other bytes than were claimed.
    Overwritten,
}

/// Sequential, pinned, with one range read ahead.
pub(super) struct PinnedRead {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    etag: Option<String>,
    size: u64,
    offset: u64,
    ahead: Option<JoinHandle<std::result::Result<Bytes, StoreError>>>,
}

impl PinnedRead {
    pub(super) fn open(job: &LandJob, path: &str, etag: Option<&str>, size: u64) -> Result<PinnedRead> {
        let path = job.path(path)?;
        let mut read = PinnedRead {
            objects: Arc::clone(&job.objects),
            path,
            etag: etag.map(str::to_owned),
            size,
            offset: 0,
            ahead: None,
        };
        read.read_ahead();
        Ok(read)
    }

    fn read_ahead(&mut self) {
        if self.offset >= self.size {
            return;
        }
        let end = self.size.min(self.offset + RANGE_BYTES);
        let (objects, path, etag, range) =
            (Arc::clone(&self.objects), self.path.clone(), self.etag.clone(), self.offset..end);
        self.offset = end;
        self.ahead = Some(tokio::spawn(async move { pinned(objects.as_ref(), &path, etag, range).await }));
    }

    /// The next bytes in order.
    pub(super) async fn next(&mut self) -> Result<Chunk> {
        let Some(ahead) = self.ahead.take() else { return Ok(Chunk::End) };
        let read = ahead.await.map_err(|error| self.fault(&error))?;
        match read {
            Ok(bytes) => {
                self.read_ahead();
                Ok(Chunk::Bytes(bytes))
            }
            Err(StoreError::Precondition { .. } | StoreError::NotFound { .. }) => Ok(Chunk::Overwritten),
            Err(error) => Err(self.fault(&error)),
        }
    }

    fn fault(&self, error: &dyn std::fmt::Display) -> Fault {
        store_fault("read", self.path.as_ref(), error)
    }
}

async fn pinned(
    objects: &dyn ObjectStore,
    path: &Path,
    etag: Option<String>,
    range: Range<u64>,
) -> std::result::Result<Bytes, StoreError> {
    let wanted = range.end - range.start;
    let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match: etag, ..Default::default() };
    let bytes = objects.get_opts(path, options).await?.bytes().await?;
    if bytes.len() as u64 == wanted {
        return Ok(bytes);
    }
    // A store without ETags may hand out a shorter file than was claimed: that is another version.
    Err(StoreError::Precondition { path: path.to_string(), source: "fewer bytes than claimed".into() })
}

/// Random access to one version of an object, for Parquet.
#[derive(Clone)]
pub(super) struct PinnedFile {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    pub(super) etag: Option<String>,
    pub(super) size: u64,
}

impl AsyncFileReader for PinnedFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            pinned(self.objects.as_ref(), &self.path, self.etag.clone(), range)
                .await
                .map_err(|error| ParquetError::External(Box::new(error)))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            Ok(Arc::new(ParquetMetaDataReader::new().load_and_finish(self, size).await?))
        }
        .boxed()
    }
}
