//! Moving source files without losing a byte of anybody's: copy, verify, look once more, delete. Each step may be repeated after
//! a crash at any point.

use crate::folder::{Linked, file_of, link, remove_abandoned, remove_stale, sync_names};
use crate::store::{READ_BYTES, Store, store_fault};
use futures::StreamExt;
use object_store::{Error as StoreError, ObjectStoreExt, WriteMultipart};
use tillmart_model::{Clock, Fault, FaultKind, Found, Result};

/// Pieces of a copy on their way at once.
const PIECES_AT_ONCE: usize = 4;

/// Objects copied beside each other.
const COPIES_AT_ONCE: usize = 8;

/// Longest name of a file or folder that common file systems take, in bytes.
const NAME_BYTES: usize = 255;

/// Longest key that S3 takes, in bytes.
const KEY_BYTES: usize = 1024;

/// A copy that is to be made.
#[derive(Debug, Clone)]
pub struct Copy<'a> {
    /// The claimed version.
    pub from: &'a Found,
    /// Where it lies.
    pub source: String,
    /// Its digest.
    pub digest: &'a str,
    /// Where the copy goes.
    pub to: String,
}

impl Store {
    /// Whether an object may have this path: no name of it is too long, and in a folder no part of it is something else already,
    /// a file where a folder must be, or a folder where the file must be.
    ///
    /// # Errors
    /// `Store` for a path that no object can have at all.
    pub async fn can_have(&self, relative: &str) -> Result<bool> {
        let path = self.path(relative)?;
        if !self.local {
            return Ok(path.as_ref().len() <= KEY_BYTES);
        }
        if relative.split('/').any(|name| name.len() > NAME_BYTES) {
            return Ok(false);
        }
        let (file, depth) = (file_of(&path), relative.trim_matches('/').split('/').count());
        let look = move || {
            let is_file_above = file.ancestors().skip(1).take(depth - 1).any(std::path::Path::is_file);
            Ok(!file.is_dir() && !is_file_above)
        };
        blocking(relative, look).await
    }

    /// Copies an object whose digest is known to a new place. Repeatable: a finished copy is recognised by size and digest.
    /// Returns `false`, and leaves no half copy behind, when the source is gone or has other bytes than claimed.
    ///
    /// In a folder the claimed version gets the new place as a second name where it can, and is recognised by its ETag.
    ///
    /// # Errors
    /// `Store` when the store refuses; the copy is verified before this returns.
    pub async fn copy_verified(&self, from: &Found, source: &str, digest: &str, to: &str) -> Result<bool> {
        let copy = Copy { from, source: source.to_owned(), digest, to: to.to_owned() };
        self.remove_stale_parts(std::slice::from_ref(&copy)).await?;
        let is_copied = self.copy(&copy).await?;
        if is_copied {
            self.sync_names(vec![&copy]).await?;
        }
        Ok(is_copied)
    }

    /// As [`Store::copy_verified`], for several at once: what they share is done once for all of them. One answer for each, in
    /// their order.
    ///
    /// # Errors
    /// `Store` when a folder can be neither read nor brought to the disk.
    pub async fn copy_all_verified(&self, copies: &[Copy<'_>]) -> Result<Vec<Result<bool>>> {
        self.remove_stale_parts(copies).await?;
        let copying = futures::stream::iter(copies).map(|copy| self.copy(copy)).buffered(COPIES_AT_ONCE);
        let copied: Vec<Result<bool>> = copying.collect().await;
        let is_copied = |(copy, copied): (_, &Result<bool>)| matches!(copied, Ok(true)).then_some(copy);
        self.sync_names(copies.iter().zip(&copied).filter_map(is_copied).collect()).await?;
        Ok(copied)
    }

    /// One copy, whose name may not be on the disk yet.
    async fn copy(&self, copy: &Copy<'_>) -> Result<bool> {
        let (from, source, to) = (copy.from, copy.source.as_str(), copy.to.as_str());
        match self.link(from, source, to).await? {
            Linked::Done => Ok(true),
            Linked::Changed => Ok(false),
            Linked::Impossible => self.copy_bytes(from, source, copy.digest, to).await,
        }
    }

    async fn link(&self, from: &Found, source: &str, to: &str) -> Result<Linked> {
        let Some(claimed) = from.etag.clone().filter(|_| self.local) else { return Ok(Linked::Impossible) };
        let (source_file, target) = (file_of(&self.path(source)?), file_of(&self.path(to)?));
        blocking(to, move || link(&source_file, &claimed, &target)).await
    }

    async fn copy_bytes(&self, from: &Found, source: &str, digest: &str, to: &str) -> Result<bool> {
        if self.holds(to, from.size, digest).await? {
            return Ok(true);
        }
        let is_copied = if !self.local && from.etag.is_some() && from.size <= self.service_copy_bytes {
            self.copy_by_service(from, source, to).await?
        } else if from.size <= READ_BYTES {
            self.copy_in_one(from, source, digest, to).await?
        } else {
            self.copy_in_pieces(from, source, digest, to).await?
        };
        if !is_copied {
            return Ok(false);
        }
        if self.holds(to, from.size, digest).await? {
            return Ok(true);
        }
        // The service copies what lies there at that moment, which may be a new delivery by then.
        if !self.is_still(from, source).await? {
            self.delete(to).await?;
            return Ok(false);
        }
        Err(Fault::new(FaultKind::Store, "a copy does not hold what was written")
            .at(self.display(to))
            .expected(format!("{} bytes with the digest {digest}", from.size))
            .hint("check the storage, then run again: the source file is still in place"))
    }

    /// What writers that died in the middle of copies left beside them.
    async fn remove_stale_parts(&self, copies: &[Copy<'_>]) -> Result<()> {
        let (Some(first), true) = (copies.first(), self.local) else { return Ok(()) };
        let targets = copies.iter().map(|copy| Ok(file_of(&self.path(&copy.to)?))).collect::<Result<Vec<_>>>()?;
        blocking(&first.to, move || remove_stale(&targets)).await
    }

    /// Brings the names of copies to the disk.
    async fn sync_names(&self, copies: Vec<&Copy<'_>>) -> Result<()> {
        let (Some(first), true) = (copies.first(), self.local) else { return Ok(()) };
        let targets = copies.iter().map(|copy| Ok(file_of(&self.path(&copy.to)?))).collect::<Result<Vec<_>>>()?;
        blocking(&first.to, move || sync_names(&targets)).await
    }

    /// Removes what writers that died long ago left in a folder. A service hides such parts and forgets them by its own rules.
    pub(crate) async fn remove_abandoned(&self, folder: &str, age_hours: u32) -> Result<usize> {
        if !self.local {
            return Ok(0);
        }
        let age = std::time::Duration::from_secs(u64::from(age_hours) * 3600);
        let now = Clock::System.now().into();
        let place = file_of(&self.path(folder)?);
        blocking(folder, move || remove_abandoned(&place, now, age)).await
    }

    async fn copy_by_service(&self, from: &Found, source: &str, to: &str) -> Result<bool> {
        if !self.is_still(from, source).await? {
            return Ok(false);
        }
        match self.objects.copy(&self.path(source)?, &self.path(to)?).await {
            Ok(()) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(store_fault("copy", source, &error)),
        }
    }

    async fn copy_in_one(&self, from: &Found, source: &str, digest: &str, to: &str) -> Result<bool> {
        let bytes = match from.size {
            0 => self.is_still(from, source).await?.then(bytes::Bytes::new),
            size => self.pinned_range(source, 0, size, from.etag.as_deref()).await?,
        };
        match bytes {
            Some(bytes) if blake3::hash(&bytes).to_hex().as_str() == digest => {
                self.write(to, bytes).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn copy_in_pieces(&self, from: &Found, source: &str, digest: &str, to: &str) -> Result<bool> {
        let fault = |error: StoreError| store_fault("write", to, &error);
        let upload = self.objects.put_multipart(&self.path(to)?).await.map_err(fault)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, READ_BYTES as usize);
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while offset < from.size {
            let end = from.size.min(offset + READ_BYTES);
            let bytes = match self.pinned_range(source, offset, end, from.etag.as_deref()).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    writer.abort().await.map_err(fault)?;
                    return Ok(false);
                }
                Err(error) => {
                    // The first error is the one to tell.
                    let _ = writer.abort().await;
                    return Err(error);
                }
            };
            hasher.update(&bytes);
            if let Err(error) = writer.wait_for_capacity(PIECES_AT_ONCE).await {
                let _ = writer.abort().await;
                return Err(fault(error));
            }
            writer.put(bytes);
            offset = end;
        }
        if hasher.finalize().to_hex().as_str() != digest {
            writer.abort().await.map_err(fault)?;
            return Ok(false);
        }
        writer.finish().await.map_err(fault)?;
        Ok(true)
    }

    /// Whether the claimed version, or a copy of it, lies there: in a folder its ETag tells, elsewhere size and digest.
    ///
    /// # Errors
    /// `Store` when the store does not answer.
    pub async fn holds_version(&self, relative: &str, claimed: &Found, digest: &str) -> Result<bool> {
        if self.local && claimed.etag.is_some() && self.is_still(claimed, relative).await? {
            return Ok(true);
        }
        self.holds(relative, claimed.size, digest).await
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

    /// Whether the claimed version is what lies there now.
    async fn is_still(&self, claimed: &Found, relative: &str) -> Result<bool> {
        let now = self.look(relative).await?;
        Ok(now.is_some_and(|now| now.size == claimed.size && now.etag == claimed.etag))
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
}

/// Work on a folder that no object store does.
async fn blocking<T: Send + 'static>(
    path: &str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::from).and_then(std::convert::identity);
    done.map_err(|error| {
        store_fault("clean up", path, &StoreError::Generic { store: "folder", source: Box::new(error) })
    })
}
