//! Every file below a folder, and every entry that cannot be an object, with the reason.

use super::staged::is_staged;
use super::{meta, told};
use crate::Hidden;
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, Result};
use std::io::ErrorKind;
use walkdir::{DirEntry, WalkDir};

/// What a walk finds.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A file, with its path from the root of the file system.
    Object(ObjectMeta),
    /// Something that no path can name or no reader can read.
    Hidden(Hidden),
}

impl Entry {
    pub(super) fn object(self) -> Option<ObjectMeta> {
        match self {
            Entry::Object(meta) => Some(meta),
            Entry::Hidden(_) => None,
        }
    }
}

/// Everything below a folder. A folder that is not there is empty; one that cannot be read is an error, because it would look as
/// if nothing were in it. A link to a file is that file, and deleting it deletes the link. A link to a folder is not followed:
/// what lies behind it belongs to somebody else, or to another area, and would be moved away.
pub(crate) fn walk(folder: &std::path::Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for found in WalkDir::new(folder).min_depth(1) {
        match found {
            Ok(found) if found.file_type().is_dir() => {}
            Ok(found) => entries.extend(entry(&found)?),
            Err(error) => entries.extend(unwalked(folder, error)?),
        }
    }
    Ok(entries)
}

fn entry(found: &DirEntry) -> Result<Option<Entry>> {
    let path = found.path();
    if found.file_name().to_str().is_some_and(is_staged) {
        return Ok(None);
    }
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        // To nothing, or round in a circle.
        Err(error) if found.path_is_symlink() && error.kind() != ErrorKind::PermissionDenied => {
            return Ok(Some(hidden(path, "a link to nothing")));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error, path)),
    };
    if metadata.is_dir() {
        return Ok(Some(hidden(path, "a link to a folder")));
    }
    if !metadata.is_file() {
        return Ok(Some(hidden(path, "neither a file nor a folder")));
    }
    let Some(text) = path.to_str() else { return Ok(Some(hidden(path, "its name is no UTF-8 text"))) };
    let Ok(location) = Path::parse(text) else {
        return Ok(Some(hidden(path, "its name holds a line end or another control character")));
    };
    Ok(Some(Entry::Object(meta(location, &metadata))))
}

/// What kept the walk from an entry: it is gone by now, it is a link to nowhere or to a folder above it, or it cannot be read.
fn unwalked(folder: &std::path::Path, error: walkdir::Error) -> Result<Option<Entry>> {
    let path = error.path().unwrap_or(folder).to_owned();
    if error.loop_ancestor().is_some() {
        return Ok(Some(hidden(&path, "a link to a folder that it lies in")));
    }
    let error = error.into_io_error().unwrap_or_else(|| ErrorKind::Other.into());
    match error.kind() {
        ErrorKind::NotFound if path.is_symlink() => Ok(Some(hidden(&path, "a link to nothing"))),
        ErrorKind::NotFound => Ok(None),
        _ => Err(told(error, &path)),
    }
}

fn hidden(path: &std::path::Path, because: &'static str) -> Entry {
    // Escaped, so that a name with a line end cannot pass for two lines of a log.
    let path = path.to_string_lossy().chars().flat_map(escaped).collect();
    Entry::Hidden(Hidden { path, because })
}

fn escaped(letter: char) -> impl Iterator<Item = char> {
    let plain = (!letter.is_control()).then_some(letter);
    plain.into_iter().chain(letter.is_control().then(|| letter.escape_default()).into_iter().flatten())
}

/// What lies directly in a folder.
pub(super) fn level(folder: &std::path::Path) -> Result<ListResult> {
    let mut result = ListResult { objects: Vec::new(), common_prefixes: Vec::new() };
    for found in WalkDir::new(folder).min_depth(1).max_depth(1).follow_links(true) {
        match found {
            Ok(found) if found.file_type().is_dir() => {
                result.common_prefixes.extend(found.path().to_str().and_then(|path| Path::parse(path).ok()));
            }
            Ok(found) => result.objects.extend(entry(&found)?.and_then(Entry::object)),
            Err(error) => drop(unwalked(folder, error)?),
        }
    }
    Ok(result)
}
