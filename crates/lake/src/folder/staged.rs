//! Objects on their way into a folder: written under a name of their own, brought to the disk, then given their name.

use super::{etag, told};
use async_trait::async_trait;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

const START: &str = ".tillmart-";
const END: &str = ".part";

/// Pieces written with one call: what Linux takes at most.
const SLICES_MAX: usize = 1024;

/// Letters of a staging name that tell its target.
const TARGET_LETTERS: usize = 16;

/// Whether this is the name of an object on its way; its writer may have died.
pub(super) fn is_staged(name: &str) -> bool {
    name.starts_with(START) && name.ends_with(END)
}

/// What the staging names of one target begin with. The target's own name may be as long as a file name can be.
pub(super) fn staging_start(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    let digest = blake3::hash(name.as_encoded_bytes()).to_hex();
    format!("{START}{}-", &digest[..TARGET_LETTERS])
}

/// What the staging names of the object begin with of which this is one.
pub(super) fn is_part_of(staged: &str) -> Option<&str> {
    is_staged(staged).then(|| staged.get(..START.len() + TARGET_LETTERS + 1)).flatten()
}

/// An object on its way. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub(super) struct Staged {
    file: File,
    path: PathBuf,
    target: PathBuf,
    is_finished: bool,
}

impl Staged {
    /// Begins an object; folders of its path are made.
    pub(super) fn new(target: &Path) -> Result<Staged> {
        let path = target.with_file_name(format!("{}{}{END}", staging_start(target), Uuid::new_v4().simple()));
        let open = || OpenOptions::new().write(true).create_new(true).open(&path);
        let opened = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_folders(target.parent().unwrap_or(target)).and_then(|()| open())
            }
            opened => opened,
        };
        let file = opened.map_err(|error| told(error, target))?;
        Ok(Staged { file, path, target: target.to_owned(), is_finished: false })
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| told(error, &self.target))
    }

    /// Appends pieces, many of them with one call.
    pub(super) fn append_all<'p>(&mut self, pieces: impl Iterator<Item = &'p [u8]>) -> Result<()> {
        let mut slices: Vec<IoSlice<'_>> = pieces.map(IoSlice::new).collect();
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.file.write_vectored(&left[..left.len().min(SLICES_MAX)]) {
                Ok(0) => return Err(told(ErrorKind::WriteZero.into(), &self.target)),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(told(error, &self.target)),
            }
        }
        Ok(())
    }

    /// Gives the object its name once its bytes are on the disk. `create`: only if nothing has that name.
    pub(super) fn finish(mut self, create: bool) -> Result<PutResult> {
        let named = self.file.sync_all().and_then(|()| {
            if create {
                std::fs::hard_link(&self.path, &self.target)
            } else {
                std::fs::rename(&self.path, &self.target).inspect(|()| self.is_finished = true)
            }
        });
        named.and_then(|()| sync_folder(&self.target)).map_err(|error| told(error, &self.target))?;
        let metadata = self.file.metadata().map_err(|error| told(error, &self.target))?;
        Ok(PutResult { e_tag: Some(etag(&metadata)), version: None })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_finished {
            // What cannot be removed now is removed when the object is written anew, or by a vacuum.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes a folder and those above it, so that they outlive a power cut.
pub(super) fn make_folders(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(folder)?,
        }
    }
    Ok(())
}

/// Brings the names in the folder of this entry to the disk, where the file system can do so.
pub(super) fn sync_folder(entry: &Path) -> std::io::Result<()> {
    let Some(folder) = entry.parent() else { return Ok(()) };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Err(error),
        _ => Ok(()),
    }
}

/// Removes what writers that died have left in a folder and below it, if it is older than this. Returns how many.
pub(crate) fn remove_abandoned(folder: &Path, now: SystemTime, age: Duration) -> std::io::Result<usize> {
    let is_old = |modified: SystemTime| now.duration_since(modified).is_ok_and(|since| since >= age);
    let mut removed = remove(folder, &|_, modified| is_old(modified))?;
    for entry in entries(folder)? {
        if entry.file_type()?.is_dir() {
            removed += remove_abandoned(&entry.path(), now, age)?;
        }
    }
    Ok(removed)
}

fn entries(folder: &Path) -> std::io::Result<Vec<std::fs::DirEntry>> {
    match std::fs::read_dir(folder) {
        // Not there, or a file where the folder would be: whoever writes there is told.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => entries?.collect(),
    }
}

pub(super) fn remove(folder: &Path, wanted: &dyn Fn(&str, SystemTime) -> bool) -> std::io::Result<usize> {
    let mut removed = 0;
    for entry in entries(folder)? {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_staged(name)) else { continue };
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        if wanted(name, modified) {
            match std::fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => removed += 1,
            }
        }
    }
    Ok(removed)
}

/// An object that comes in parts, which may be written in any order.
#[derive(Debug)]
pub(super) struct StagedUpload {
    staged: Arc<Mutex<Option<Staged>>>,
    offset: u64,
}

impl StagedUpload {
    pub(super) fn new(staged: Staged) -> StagedUpload {
        StagedUpload { staged: Arc::new(Mutex::new(Some(staged))), offset: 0 }
    }
}

/// The object, unless it has been finished or aborted.
fn locked(staged: &Mutex<Option<Staged>>) -> std::sync::MutexGuard<'_, Option<Staged>> {
    staged.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_over() -> object_store::Error {
    object_store::Error::Generic { store: "folder", source: "the upload is over".into() }
}

#[async_trait]
impl MultipartUpload for StagedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, offset) = (Arc::clone(&self.staged), self.offset);
        self.offset += data.content_length() as u64;
        Box::pin(super::blocking(move || {
            let mut locked = locked(&staged);
            let staged = locked.as_mut().ok_or_else(is_over)?;
            staged.file.seek(SeekFrom::Start(offset)).map_err(|error| told(error, &staged.target))?;
            data.iter().try_for_each(|piece| staged.append(piece))
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = Arc::clone(&self.staged);
        super::blocking(move || locked(&staged).take().ok_or_else(is_over)?.finish(false)).await
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = Arc::clone(&self.staged);
        super::blocking(move || {
            drop(locked(&staged).take().ok_or_else(is_over)?);
            Ok(())
        })
        .await
    }
}
