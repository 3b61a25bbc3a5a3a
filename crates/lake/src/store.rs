//! The storage root and the objects below it.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    WriteMultipart,
};
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Found, Result};
use url::Url;

/// Bytes of one ranged read: large enough that a request costs little beside it, small enough to hold a few.
const READ_BYTES: u64 = 8 << 20;

/// One storage root. Every path of its methods is relative to the root, `/`-separated, as the store names it.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    url: Url,
    base: Path,
    local: bool,
}

/// What became of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The source is gone and its verified copy is in place.
    Done,
    /// The source had been overwritten since it was claimed: its new bytes stay where they are, the archive has the old ones
    /// only if they could still be read.
    SourceChanged,
}

impl Store {
    /// Opens the root at a folder (made if missing, relative to `project`) or at a URL.
    ///
    /// # Errors
    /// `Settings` for a URL whose scheme is not supported here; `Store` when the folder cannot be made.
    pub fn open(root: &str, project: &std::path::Path) -> Result<Store> {
        let url = match Url::parse(root) {
            Ok(url) if url.scheme() != "file" => {
                return Err(Fault::new(FaultKind::Settings, format!("cannot open the storage root {root}"))
                    .expected("a folder, or a file:// URL")
                    .found(format!("a URL with the scheme {}", url.scheme()))
                    .hint("set storage.root in tillmart.toml to a folder"));
            }
            Ok(url) => url,
            Err(_) => {
                let folder = project.join(root);
                let made = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
                let folder = made.map_err(|error| {
                    Fault::new(FaultKind::Store, "cannot open the storage root")
                        .at(folder.display().to_string())
                        .expected("a folder that can be made, read and written")
                        .found(error)
                        .hint("make the folder readable and writable, or set storage.root in tillmart.toml")
                })?;
                Url::from_directory_path(&folder).map_err(|()| {
                    Fault::new(FaultKind::Settings, "the storage root is no absolute path")
                        .at(folder.display().to_string())
                })?
            }
        };
        let mut url = url;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let base = Path::from_url_path(url.path()).map_err(|error| store_fault("open", root, &error.into()))?;
        Ok(Store { objects: Arc::new(object_store::local::LocalFileSystem::new()), url, base, local: true })
    }

    /// The underlying object store; its paths start at the store's root, see [`Store::path`].
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// The root as a URL with a trailing slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the root is a folder, where files can be seen half-written.
    pub fn is_folder(&self) -> bool {
        self.local
    }

    /// The store's path of a path below the root.
    ///
    /// # Errors
    /// `Store` for a path that no object can have (`..`, empty segments).
    pub fn path(&self, relative: &str) -> Result<Path> {
        let joined = format!("{}/{}", self.base, relative.trim_matches('/'));
        Path::parse(joined.trim_start_matches('/')).map_err(|error| store_fault("name", relative, &error.into()))
    }

    /// Every object below an area, all pages, by path. Paths in the answer are relative to the area.
    /// An area that does not exist yet is empty.
    ///
    /// # Errors
    /// `Store` when the listing is refused or breaks off: half a listing is never returned.
    pub async fn list(&self, area: &str) -> Result<Vec<Found>> {
        let prefix = self.path(area)?;
        if self.local {
            check_readable(&self.url, area)?;
        }
        let metas: Vec<ObjectMeta> =
            self.objects.list(Some(&prefix)).try_collect().await.map_err(|error| store_fault("list", area, &error))?;
        let mut found: Vec<Found> = metas
            .into_iter()
            .filter_map(|meta| {
                let path = meta.location.as_ref().strip_prefix(prefix.as_ref())?.trim_start_matches('/').to_owned();
                Some(Found { path, size: meta.size, etag: meta.e_tag, modified: meta.last_modified })
            })
            .collect();
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// What an object is now, or `None` when it is not there.
    ///
    /// # Errors
    /// `Store` when the store does not answer.
    pub async fn look(&self, relative: &str) -> Result<Option<Found>> {
        match self.objects.head(&self.path(relative)?).await {
            Ok(meta) => Ok(Some(Found {
                path: relative.to_owned(),
                size: meta.size,
                etag: meta.e_tag,
                modified: meta.last_modified,
            })),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_fault("look at", relative, &error)),
        }
    }

    /// The whole of a small object.
    ///
    /// # Errors
    /// `Store` when it is missing or cannot be read.
    pub async fn read(&self, relative: &str) -> Result<Bytes> {
        let got =
            self.objects.get(&self.path(relative)?).await.map_err(|error| store_fault("read", relative, &error))?;
        got.bytes().await.map_err(|error| store_fault("read", relative, &error))
    }

    /// Writes a small object, replacing what is there, in one step that no reader sees half of.
    ///
    /// # Errors
    /// `Store` when the store refuses.
    pub async fn write(&self, relative: &str, bytes: impl Into<PutPayload>) -> Result<()> {
        let path = self.path(relative)?;
        self.objects
            .put_opts(&path, bytes.into(), PutMode::Overwrite.into())
            .await
            .map_err(|error| store_fault("write", relative, &error))?;
        Ok(())
    }

    /// BLAKE3 of an object's bytes in hex, pinned to a version; `None` when it is gone or has changed.
    ///
    /// # Errors
    /// `Store` when the store breaks off.
    pub async fn digest(&self, relative: &str, size: u64, etag: Option<&str>) -> Result<Option<String>> {
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while offset < size {
            let end = size.min(offset + READ_BYTES);
            let Some(bytes) = self.pinned_range(relative, offset, end, etag).await? else { return Ok(None) };
            hasher.update(&bytes);
            offset = end;
        }
        Ok(Some(hasher.finalize().to_hex().to_string()))
    }

    async fn pinned_range(&self, relative: &str, start: u64, end: u64, etag: Option<&str>) -> Result<Option<Bytes>> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(start..end)),
            if_match: etag.map(str::to_owned),
            ..Default::default()
        };
        let got = match self.objects.get_opts(&self.path(relative)?, options).await {
            Ok(got) => got,
            Err(StoreError::NotFound { .. } | StoreError::Precondition { .. }) => return Ok(None),
            Err(error) => return Err(store_fault("read", relative, &error)),
        };
        Ok(Some(got.bytes().await.map_err(|error| store_fault("read", relative, &error))?))
    }

    /// Copies an object whose digest is known to a new place. Repeatable: a finished copy is recognised by size and digest.
    /// Returns `false`, and leaves no half copy behind, when the source is gone or has other bytes than claimed.
    ///
    /// # Errors
    /// `Store` when the store refuses; the copy is verified before this returns.
    pub async fn copy_verified(&self, from: &Found, source: &str, digest: &str, to: &str) -> Result<bool> {
        if self.holds(to, from.size, digest).await? {
            return Ok(true);
        }
        let upload =
            self.objects.put_multipart(&self.path(to)?).await.map_err(|error| store_fault("write", to, &error))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, READ_BYTES as usize);
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while offset < from.size {
            let end = from.size.min(offset + READ_BYTES);
            let Some(bytes) = self.pinned_range(source, offset, end, from.etag.as_deref()).await? else {
                writer.abort().await.map_err(|error| store_fault("write", to, &error))?;
                return Ok(false);
            };
            hasher.update(&bytes);
            writer.wait_for_capacity(4).await.map_err(|error| store_fault("write", to, &error))?;
            writer.put(bytes);
            offset = end;
        }
        if hasher.finalize().to_hex().as_str() != digest {
            writer.abort().await.map_err(|error| store_fault("write", to, &error))?;
            return Ok(false);
        }
        writer.finish().await.map_err(|error| store_fault("write", to, &error))?;
        if !self.holds(to, from.size, digest).await? {
            return Err(Fault::new(FaultKind::Store, "a copy does not hold what was written")
                .at(self.display(to))
                .expected(format!("{} bytes with the digest {digest}", from.size))
                .hint("check the storage, then run again: the source file is still in place"));
        }
        Ok(true)
    }

    /// Whether an object of this size and digest lies there.
    ///
    /// # Errors
    /// `Store` when the store does not answer.
    pub async fn holds(&self, relative: &str, size: u64, digest: &str) -> Result<bool> {
        match self.look(relative).await? {
            Some(found) if found.size == size => {
                Ok(self.digest(relative, size, found.etag.as_deref()).await?.as_deref() == Some(digest))
            }
            _ => Ok(false),
        }
    }

    /// Deletes an object if it is still the claimed version; `false` when other bytes lie there now. Gone already is fine.
    ///
    /// # Errors
    /// `Store` when the store refuses.
    pub async fn delete_version(&self, relative: &str, claimed: &Found) -> Result<bool> {
        match self.look(relative).await? {
            None => Ok(true),
            Some(now) if now.size != claimed.size || now.etag != claimed.etag => Ok(false),
            Some(_) => {
                self.delete(relative).await?;
                Ok(true)
            }
        }
    }

    /// Deletes an object; gone already is fine.
    ///
    /// # Errors
    /// `Store` when the store refuses.
    pub async fn delete(&self, relative: &str) -> Result<()> {
        match self.objects.delete(&self.path(relative)?).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_fault("delete", relative, &error)),
        }
    }

    /// A path below the root as a person finds it.
    pub fn display(&self, relative: &str) -> String {
        if self.local { format!("/{}/{relative}", self.base) } else { format!("{}{relative}", self.url) }
    }
}

/// A folder that cannot be read would list as empty: say so instead of finding nothing to do.
fn check_readable(root: &Url, area: &str) -> Result<()> {
    let Ok(folder) = root.to_file_path().map(|root| root.join(area)) else { return Ok(()) };
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::new(FaultKind::Store, "cannot list the source files")
            .at(folder.display().to_string())
            .expected("a folder that this user may read")
            .found(error)
            .hint("give the user that runs tillmart read and write access to the folder, then run again")),
    }
}

fn store_fault(doing: &str, path: &str, error: &StoreError) -> Fault {
    Fault::new(FaultKind::Store, format!("the object store would not {doing} an object"))
        .at(path.to_owned())
        .found(error)
        .hint("check access and free space of the storage root, then run again: nothing is lost")
}
