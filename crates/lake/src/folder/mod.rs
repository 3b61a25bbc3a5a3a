//! A folder as an object store that keeps what it says it has.
//!
//! `object_store`'s own implementation acknowledges a write that is only in the page cache, hides files whose names end in `#` and
//! digits, and fails a whole listing for one name it cannot express. Here an acknowledged object is on the disk, with its name; every
//! name that a path can hold goes through, and the others are told ([`Hidden`]).

mod link;
mod staged;
mod walk;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use staged::{Staged, StagedUpload};
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

pub(crate) use link::{Linked, link, remove_stale, sync_names};
pub(crate) use staged::remove_abandoned;
pub(crate) use walk::{Entry, walk};

/// The file system from its root on; a storage root is a prefix in it.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// Does what needs no care: copies and renames.
    plain: LocalFileSystem,
}

impl std::fmt::Display for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("folder")
    }
}

/// Where an object lies.
pub(crate) fn file_of(location: &Path) -> PathBuf {
    PathBuf::from("/").join(location.as_ref())
}

/// An error of the file system in the words of an object store.
fn told(error: std::io::Error, file: &std::path::Path) -> StoreError {
    let path = file.display().to_string();
    let kind = error.kind();
    let source = format!("{path}: {error}").into();
    match kind {
        ErrorKind::NotFound => StoreError::NotFound { path, source },
        ErrorKind::AlreadyExists => StoreError::AlreadyExists { path, source },
        ErrorKind::PermissionDenied => StoreError::PermissionDenied { path, source },
        _ => StoreError::Generic { store: "folder", source },
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Changes when the file does: its place on the disk, the time of the last write, and its size.
fn etag(metadata: &Metadata) -> String {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{inode:x}-{:x}-{:x}", modified.unwrap_or_default().as_micros(), metadata.len())
}

fn meta(location: Path, metadata: &Metadata) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: metadata.modified().map(Into::into).unwrap_or_default(),
        size: metadata.len(),
        e_tag: Some(etag(metadata)),
        version: None,
    }
}

/// Opens a file to read; a folder is no object.
fn open(location: &Path) -> Result<(File, PathBuf, ObjectMeta)> {
    let path = file_of(location);
    let nothing = |error: std::io::Error| match error.kind() {
        // A file lies where a folder of the path should be: the object is not there either.
        ErrorKind::NotADirectory => told(std::io::Error::new(ErrorKind::NotFound, error), &path),
        _ => told(error, &path),
    };
    let metadata = std::fs::metadata(&path).map_err(nothing)?;
    if !metadata.is_file() {
        return Err(told(std::io::Error::new(ErrorKind::NotFound, "is no file"), &path));
    }
    let file = File::open(&path).map_err(nothing)?;
    let metadata = file.metadata().map_err(nothing)?;
    let meta = meta(location.clone(), &metadata);
    Ok((file, path, meta))
}

fn read_range(file: &mut File, path: &std::path::Path, range: &Range<u64>) -> Result<Bytes> {
    let wanted = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(wanted);
    let read = file.seek(SeekFrom::Start(range.start)).and_then(|_| file.take(wanted as u64).read_to_end(&mut bytes));
    match read {
        Ok(read) if read == wanted => Ok(bytes.into()),
        Ok(read) => {
            let short = format!("expected {wanted} bytes from {} on, found {read}", range.start);
            Err(told(std::io::Error::new(ErrorKind::UnexpectedEof, short), path))
        }
        Err(error) => Err(told(error, path)),
    }
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if matches!(opts.mode, PutMode::Update(_)) {
            return Err(StoreError::NotSupported { source: "a folder cannot replace a version".into() });
        }
        let target = file_of(location);
        blocking(move || {
            let mut staged = Staged::new(&target)?;
            staged.append_all(payload.iter().map(AsRef::as_ref))?;
            staged.finish(opts.mode == PutMode::Create)
        })
        .await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let target = file_of(location);
        let staged = blocking(move || Staged::new(&target)).await?;
        Ok(Box::new(StagedUpload::new(staged)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let location = location.clone();
        blocking(move || {
            let (file, path, meta) = open(&location)?;
            options.check_preconditions(&meta)?;
            let range = match &options.range {
                None => 0..meta.size,
                Some(range) => range
                    .as_range(meta.size)
                    .map_err(|error| StoreError::Generic { store: "folder", source: Box::new(error) })?,
            };
            Ok(GetResult { payload: GetResultPayload::File(file, path), meta, range, attributes: Default::default() })
        })
        .await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (location, ranges) = (location.clone(), ranges.to_vec());
        blocking(move || {
            let (mut file, path, _) = open(&location)?;
            ranges.iter().map(|range| read_range(&mut file, &path, range)).collect()
        })
        .await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let delete = |location: Result<Path>| {
            blocking(move || {
                let location = location?;
                let file = file_of(&location);
                std::fs::remove_file(&file).map_err(|error| told(error, &file))?;
                Ok(location)
            })
        };
        locations.map(delete).buffered(10).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.cloned().unwrap_or_default();
        let walked = blocking(move || walk(&file_of(&prefix)));
        let objects = |entries: Vec<Entry>| stream::iter(entries.into_iter().filter_map(Entry::object).map(Ok));
        stream::once(walked).map_ok(objects).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        blocking(move || walk::level(&file_of(&prefix))).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.plain.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.plain.rename_opts(from, to, options).await
    }
}
