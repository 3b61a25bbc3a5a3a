//! The storage root and the objects below it.

use crate::folder::{Entry, file_of, walk};
use crate::open::{Opened, open};
use crate::remote::{OddKeys, told_by};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
};
use std::sync::Arc;
use tillmart_model::{Fault, FaultKind, Found, Result, StoreAccess};
use url::Url;

/// Bytes of one ranged read: large enough that a request costs little beside it, small enough to hold a few.
pub(crate) const READ_BYTES: u64 = 8 << 20;

/// Objects up to this size are copied by the service itself, which must be done before a request times out.
const SERVICE_COPY_BYTES: u64 = 256 << 20;

/// One storage root. Every path of its methods is relative to the root, `/`-separated, as the store names it.
#[derive(Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    url: Url,
    base: Path,
    pub(crate) local: bool,
    pub(crate) service_copy_bytes: u64,
    odd: OddKeys,
}

/// Something in an area that is no object anybody can load: told, never passed over in silence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hidden {
    /// Its path below the area, control characters escaped.
    pub path: String,
    /// Why it cannot be loaded, to be said behind "because".
    pub because: &'static str,
}

/// What lies in an area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Every object, by path relative to the area.
    pub found: Vec<Found>,
    /// What cannot be loaded, by path.
    pub hidden: Vec<Hidden>,
}

/// Shows where it is and nothing of the client, which holds the keys.
impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.url)
    }
}

impl Store {
    /// Opens the root at a folder (made if missing, relative to `project`) or at a URL: `file://`, `s3://BUCKET/PREFIX`, and
    /// Google's and Azure's, which take everything but the URL from their own variables in the environment.
    /// Nothing is asked of a service yet: [`Store::reachable`] does.
    ///
    /// # Errors
    /// `Settings`, naming the setting, for a URL or an access that cannot be right; `Store` when the folder cannot be made.
    pub fn open(root: &str, project: &std::path::Path, access: &StoreAccess) -> Result<Store> {
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Opened { objects, url, base, is_folder, copies, odd } = open(root, project, access, &environment)?;
        let service_copy_bytes = if copies { SERVICE_COPY_BYTES } else { 0 };
        Ok(Store { objects, url, base, local: is_folder, service_copy_bytes, odd })
    }

    /// The same root, but with objects larger than this copied through this process and not by the service.
    #[must_use]
    pub fn with_service_copy_bytes(mut self, bytes: u64) -> Store {
        self.service_copy_bytes = self.service_copy_bytes.min(bytes);
        self
    }

    /// Asks for one object of the root: whether the service answers, knows the keys, and has the bucket.
    ///
    /// # Errors
    /// `Store`, naming the setting that is wrong.
    pub async fn reachable(&self) -> Result<()> {
        if self.local {
            return check_readable(&self.url, "");
        }
        let first = self.objects.list(Some(&self.base)).next().await.transpose();
        first.map(drop).map_err(|error| store_fault("list", self.url.as_str(), &error))
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
        Ok(self.listing(area).await?.found)
    }

    /// As [`Store::list`], with what lies there and cannot be loaded.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn listing(&self, area: &str) -> Result<Listing> {
        let prefix = self.path(area)?;
        let below = if prefix.as_ref().is_empty() { String::new() } else { format!("{prefix}/") };
        let fault = |error: StoreError| store_fault("list", &self.display(area), &error);
        let (metas, mut hidden) = if self.local {
            check_readable(&self.url, area)?;
            let folder = file_of(&prefix);
            let walked = tokio::task::spawn_blocking(move || walk(&folder)).await;
            apart(walked.map_err(|error| fault(error.into()))?.map_err(fault)?, &format!("/{below}"))
        } else {
            self.odd.forget(&below);
            let metas = self.objects.list(Some(&prefix)).try_collect().await.map_err(fault)?;
            (metas, self.odd.below(&below))
        };
        let relative = |meta: ObjectMeta| {
            let path = meta.location.as_ref().strip_prefix(&below)?.to_owned();
            Some(Found { path, size: meta.size, etag: meta.e_tag, modified: meta.last_modified })
        };
        let mut found: Vec<Found> = metas.into_iter().filter_map(relative).collect();
        found.sort_by(|one, other| one.path.cmp(&other.path));
        hidden.sort();
        Ok(Listing { found, hidden })
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

    /// The whole of a small object; `None` when it is missing.
    ///
    /// # Errors
    /// `Store` when it cannot be read.
    pub async fn find(&self, relative: &str) -> Result<Option<Bytes>> {
        match self.objects.get(&self.path(relative)?).await {
            Ok(got) => got.bytes().await.map(Some).map_err(|error| store_fault("read", relative, &error)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_fault("read", relative, &error)),
        }
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

    /// Writes a small object if nothing has its name; `false` when something has. Of several writers at once, one gets `true`.
    ///
    /// # Errors
    /// `Store` when the store refuses, or cannot promise this.
    pub async fn create(&self, relative: &str, bytes: impl Into<PutPayload>) -> Result<bool> {
        match self.objects.put_opts(&self.path(relative)?, bytes.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
            Err(error) => Err(store_fault("create", relative, &error)),
        }
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

    pub(crate) async fn pinned_range(
        &self,
        relative: &str,
        start: u64,
        end: u64,
        etag: Option<&str>,
    ) -> Result<Option<Bytes>> {
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

/// The files of a walk, and what cannot be loaded, by its path below the folder.
fn apart(entries: Vec<Entry>, folder: &str) -> (Vec<ObjectMeta>, Vec<Hidden>) {
    let (mut metas, mut hidden) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Object(meta) => metas.push(meta),
            Entry::Hidden(Hidden { path, because }) => {
                let path = path.strip_prefix(folder).map(str::to_owned).unwrap_or(path);
                hidden.push(Hidden { path, because });
            }
        }
    }
    (metas, hidden)
}

pub(crate) fn store_fault(doing: &str, path: &str, error: &StoreError) -> Fault {
    let fault =
        Fault::new(FaultKind::Store, format!("the object store would not {doing} an object")).at(path.to_owned());
    match told_by(error) {
        Some(told) => fault.found(&told.text).hint(told.hint.clone().unwrap_or_else(|| USUAL_HINT.to_owned())),
        None => fault.found(error).hint(USUAL_HINT),
    }
}

const USUAL_HINT: &str = "check access and free space of the storage root, then run again: nothing is lost";
