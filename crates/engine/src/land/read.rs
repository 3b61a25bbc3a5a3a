//! Reading delivered bytes in order, pinned to the claimed version: a file of a folder directly, an object behind a network some
//! ranges ahead of the decoder.

use super::source::Delivered;
use super::{LandJob, store_fault};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use tillmart_model::{Fault, Result};
use tokio::task::JoinHandle;

/// Bytes of one range: a request costs little beside it.
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

/// The claimed version, opened.
pub(super) enum Opened {
    /// A file on this machine.
    Local(LocalFile),
    /// An object behind a network.
    Remote(PinnedRead),
    /// The object is gone, or has other bytes than were claimed.
    Overwritten,
}

/// Opens a range of the claimed version of a delivered file.
pub(super) async fn open(job: &LandJob, file: &Delivered, range: Range<u64>) -> Result<Opened> {
    let mut read = PinnedRead::new(job, file, range.clone())?;
    let first = range.start..range.end.min(range.start + RANGE_BYTES);
    if first.is_empty() {
        return Ok(Opened::Remote(read));
    }
    match got(read.objects.as_ref(), &read.path, read.etag.clone(), first.clone()).await {
        Ok(GetResult { payload: GetResultPayload::File(opened, path), .. }) => {
            let local = LocalFile::of(opened, path, file.size, range).map_err(|error| read.fault(&error))?;
            Ok(local.map_or(Opened::Overwritten, Opened::Local))
        }
        Ok(got) => {
            read.offset = first.end;
            read.ahead.push_back(tokio::spawn(whole(got, first)));
            read.read_ahead();
            Ok(Opened::Remote(read))
        }
        Err(StoreError::Precondition { .. } | StoreError::NotFound { .. }) => Ok(Opened::Overwritten),
        Err(error) => Err(read.fault(&error)),
    }
}

/// What a read of a local file came to.
pub(super) enum Part {
    /// So many of the next bytes are at the front of the buffer.
    Bytes(usize),
    /// All bytes have been read, and they are those of the claimed version.
    End,
    /// The file is gone, or is not what was opened.
    Overwritten,
}

/// A file of a folder, read by whoever decodes it: its bytes are in the processor's cache then.
pub(super) struct LocalFile {
    file: File,
    path: PathBuf,
    opened: Metadata,
    /// Nothing was read yet.
    is_new: bool,
    left: u64,
}

impl LocalFile {
    fn of(mut file: File, path: PathBuf, size: u64, range: Range<u64>) -> std::io::Result<Option<LocalFile>> {
        let opened = file.metadata()?;
        let is_claimed = opened.len() == size;
        file.seek(SeekFrom::Start(range.start))?;
        Ok(is_claimed.then_some(LocalFile { file, path, opened, is_new: true, left: range.end - range.start }))
    }

    /// The next bytes. Before the first and after the last it is made sure that the name still stands for what was opened.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Part> {
        if (self.left == 0 || std::mem::take(&mut self.is_new)) && !self.is_as_opened() {
            return Ok(Part::Overwritten);
        }
        if self.left == 0 {
            return Ok(Part::End);
        }
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        match self.file.read(&mut buffer[..wanted]) {
            Ok(0) => Ok(Part::Overwritten),
            Ok(read) => {
                self.left -= read as u64;
                Ok(Part::Bytes(read))
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => self.read(buffer),
            Err(error) => Err(store_fault("read", &self.path.display().to_string(), &error)),
        }
    }

    /// Whether the name still stands for what was opened. [`LocalFile::read`] asks at both ends; whoever stops before asks then.
    pub(super) fn is_as_opened(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|now| {
            #[cfg(unix)]
            let is_same =
                std::os::unix::fs::MetadataExt::ino(&now) == std::os::unix::fs::MetadataExt::ino(&self.opened);
            #[cfg(not(unix))]
            let is_same = true;
            is_same && now.len() == self.opened.len() && now.modified().ok() == self.opened.modified().ok()
        })
    }
}

/// Ranges that are asked for before they are needed: a service answers several at once in little more time than one.
const RANGES_AHEAD: usize = 3;

/// Sequential, pinned, with ranges read ahead.
pub(super) struct PinnedRead {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    etag: Option<String>,
    end: u64,
    offset: u64,
    ahead: VecDeque<JoinHandle<std::result::Result<Bytes, StoreError>>>,
}

impl PinnedRead {
    fn new(job: &LandJob, file: &Delivered, range: Range<u64>) -> Result<PinnedRead> {
        let path = job.path(&file.path)?;
        let objects = Arc::clone(&job.objects);
        let (offset, end) = (range.start, range.end);
        Ok(PinnedRead { objects, path, etag: file.etag.clone(), end, offset, ahead: VecDeque::new() })
    }

    /// Opens all of the claimed version for reading in ranges, whatever the store.
    pub(super) fn open(job: &LandJob, file: &Delivered) -> Result<PinnedRead> {
        let mut read = PinnedRead::new(job, file, 0..file.size)?;
        read.read_ahead();
        Ok(read)
    }

    fn read_ahead(&mut self) {
        while self.offset < self.end && self.ahead.len() < RANGES_AHEAD {
            let end = self.end.min(self.offset + RANGE_BYTES);
            let (objects, path, etag, range) =
                (Arc::clone(&self.objects), self.path.clone(), self.etag.clone(), self.offset..end);
            self.offset = end;
            self.ahead.push_back(tokio::spawn(async move { pinned(objects.as_ref(), &path, etag, range).await }));
        }
    }

    /// The next bytes in order.
    pub(super) async fn next(&mut self) -> Result<Chunk> {
        let Some(ahead) = self.ahead.pop_front() else { return Ok(Chunk::End) };
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
    whole(got(objects, path, etag, range.clone()).await?, range).await
}

async fn got(
    objects: &dyn ObjectStore,
    path: &Path,
    etag: Option<String>,
    range: Range<u64>,
) -> std::result::Result<GetResult, StoreError> {
    let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match: etag, ..Default::default() };
    objects.get_opts(path, options).await
}

async fn whole(got: GetResult, range: Range<u64>) -> std::result::Result<Bytes, StoreError> {
    let path = got.meta.location.to_string();
    let bytes = got.bytes().await?;
    if bytes.len() as u64 == range.end - range.start {
        return Ok(bytes);
    }
    // A store without ETags may hand out a shorter file than was claimed: that is another version.
    Err(StoreError::Precondition { path, source: "fewer bytes than claimed".into() })
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
