//! An object store behind a network: large objects go in parts that are aborted when anything fails, and what the client library
//! says of a failure is put into words that name the setting to mend and hold no credential.

mod odd_keys;
mod told;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};
use std::ops::Range;
use std::sync::Arc;
use tokio::runtime::Handle;

pub(crate) use odd_keys::{OddKeys, SievedConnector};
pub(crate) use told::{Asked, told_by};

/// Bytes of one part of an upload: S3 takes from 5 MiB on, and 10,000 parts of an object.
const PART_BYTES: usize = 8 << 20;

/// What is larger goes in parts, so that a broken connection costs a part and not the object.
const ONE_PUT_BYTES: usize = 16 << 20;

/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 4;

/// The store behind the network.
pub(crate) struct Remote {
    inner: Arc<dyn ObjectStore>,
    asked: Arc<Asked>,
}

impl Remote {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, asked: Asked) -> Remote {
        Remote { inner, asked: Arc::new(asked) }
    }

    fn tell(&self) -> impl Fn(StoreError) -> StoreError + Send + use<> {
        let asked = Arc::clone(&self.asked);
        move |error| asked.tell(error)
    }

    async fn begin(&self, location: &Path, options: PutMultipartOptions) -> Result<Upload> {
        let upload = self.inner.put_multipart_opts(location, options).await.map_err(self.tell())?;
        Ok(Upload { open: Some(upload), asked: Arc::clone(&self.asked) })
    }

    async fn put_in_parts(&self, location: &Path, payload: PutPayload) -> Result<PutResult> {
        let mut upload = self.begin(location, PutMultipartOptions::default()).await?;
        let parts: Vec<UploadPart> = parts_of(&payload).into_iter().map(|part| upload.put_part(part)).collect();
        let sent = stream::iter(parts).buffer_unordered(PARTS_AT_ONCE).try_collect::<Vec<()>>().await;
        match sent {
            Ok(_) => upload.complete().await,
            Err(error) => {
                // The first error is the one to tell; what a failed abort leaves is the bucket's life cycle's.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }

    /// The answer to a `HEAD` has no body, so it cannot say why it was refused; the answer to a `GET` can.
    async fn why(&self, location: &Path, error: StoreError) -> StoreError {
        let refused = matches!(error, StoreError::PermissionDenied { .. } | StoreError::Generic { .. });
        if !refused {
            return error;
        }
        let first = GetOptions { range: Some(GetRange::Bounded(0..1)), ..GetOptions::default() };
        match self.inner.get_opts(location, first).await {
            Err(again @ (StoreError::PermissionDenied { .. } | StoreError::Generic { .. })) => again,
            _ => error,
        }
    }
}

/// A payload cut into parts without copying it.
fn parts_of(payload: &PutPayload) -> Vec<PutPayload> {
    let (mut parts, mut part, mut size) = (Vec::new(), Vec::<Bytes>::new(), 0);
    for piece in payload.iter() {
        let mut rest = piece.clone();
        while !rest.is_empty() {
            let taken = rest.split_to(rest.len().min(PART_BYTES - size));
            size += taken.len();
            part.push(taken);
            if size == PART_BYTES {
                parts.push(std::mem::take(&mut part).into_iter().collect());
                size = 0;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part.into_iter().collect());
    }
    parts
}

impl std::fmt::Display for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.asked.root())
    }
}

/// Shows the root and nothing of the client, which holds the keys.
impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.asked.root())
    }
}

#[async_trait]
impl ObjectStore for Remote {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if payload.content_length() > ONE_PUT_BYTES && options.mode == PutMode::Overwrite {
            return self.put_in_parts(location, payload).await;
        }
        self.inner.put_opts(location, payload, options).await.map_err(self.tell())
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(self.begin(location, options).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_head = options.head;
        let mut got = match self.inner.get_opts(location, options).await {
            Ok(got) => got,
            Err(error) if is_head => return Err(self.asked.tell(self.why(location, error).await)),
            Err(error) => return Err(self.asked.tell(error)),
        };
        if let GetResultPayload::Stream(bytes) = got.payload {
            got.payload = GetResultPayload::Stream(bytes.map_err(self.tell()).boxed());
        }
        Ok(got)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await.map_err(self.tell())
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations).map_err(self.tell()).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).map_err(self.tell()).boxed()
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset).map_err(self.tell()).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await.map_err(self.tell())
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await.map_err(self.tell())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await.map_err(self.tell())
    }
}

/// An upload in parts that leaves nothing behind unless it is completed: the parts of a forgotten one are stored, and paid for,
/// where no listing shows them.
#[derive(Debug)]
struct Upload {
    open: Option<Box<dyn MultipartUpload>>,
    asked: Arc<Asked>,
}

fn is_over() -> StoreError {
    StoreError::Generic { store: "upload", source: "the upload is over".into() }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let asked = Arc::clone(&self.asked);
        match &mut self.open {
            Some(upload) => {
                let sent = upload.put_part(data);
                Box::pin(async move { sent.await.map_err(|error| asked.tell(error)) })
            }
            None => Box::pin(async { Err(is_over()) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut upload = self.open.take().ok_or_else(is_over)?;
        match upload.complete().await {
            Ok(put) => Ok(put),
            Err(error) => {
                // Should it be complete after all, there is nothing left to abort.
                let _ = upload.abort().await;
                Err(self.asked.tell(error))
            }
        }
    }

    async fn abort(&mut self) -> Result<()> {
        let mut upload = self.open.take().ok_or_else(is_over)?;
        upload.abort().await.map_err(|error| self.asked.tell(error))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.open.take(), Handle::try_current()) {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PART_BYTES, parts_of};
    use bytes::Bytes;
    use object_store::PutPayload;

    #[test]
    fn parts_hold_every_byte_once_and_all_but_the_last_are_full() {
        for sizes in [&[1][..], &[PART_BYTES], &[PART_BYTES * 2 + 1], &[7, PART_BYTES, 0, 5], &[PART_BYTES - 1, 2]] {
            let payload: PutPayload = sizes.iter().map(|size| Bytes::from(vec![b'x'; *size])).collect();
            let parts: Vec<usize> = parts_of(&payload).iter().map(PutPayload::content_length).collect();
            assert_eq!(parts.iter().sum::<usize>(), sizes.iter().sum::<usize>());
            let (last, full) = parts.split_last().expect("a part");
            assert!((1..=PART_BYTES).contains(last) && full.iter().all(|size| *size == PART_BYTES), "{parts:?}");
        }
    }
}
