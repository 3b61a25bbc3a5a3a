//! Pages, and the column chunks they make.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::file::statistics::Statistics;
use std::cell::RefCell;

/// Rows of a page: what most writers take, so that readers can skip within a column.
pub(crate) const PAGE_ROWS: usize = 20_480;

/// A compressed page without its header.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) bytes: Bytes,
    pub(crate) uncompressed: usize,
    /// Rows of a data page (NULLs counted), entries of a dictionary page.
    pub(crate) values: u32,
    pub(crate) encoding: Encoding,
}

/// A finished column: what a row group takes as it is.
#[derive(Debug)]
pub struct Column {
    pub(crate) dictionary: Option<Page>,
    pub(crate) pages: Vec<Page>,
    pub(crate) statistics: Option<Statistics>,
}

impl Column {
    pub(crate) fn of_pages(dictionary: Option<Page>, pages: Vec<Page>, statistics: Option<Statistics>) -> Column {
        Column { dictionary, pages, statistics }
    }
}

/// Bytes that Snappy must save of a page, in hundredths, before it is worth its time.
const WORTH_HUNDREDTHS: usize = 5;

/// Literals of this length are the longest that four length bytes tell; pages are far shorter.
pub(crate) const LITERAL_MAX: usize = u32::MAX as usize;

/// Snappy for the pages of one column. Packed bits hardly shrink: after a page that did not, pages are stored, that is, kept
/// as one literal, which is Snappy too.
#[derive(Default)]
pub(crate) struct Snappy {
    is_stored: bool,
}

impl Snappy {
    /// Whether the next page is stored, whatever is in it.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_stored
    }

    pub(crate) fn page(&mut self, body: &[u8], values: usize, encoding: Encoding) -> Page {
        let values = u32::try_from(values).unwrap_or(u32::MAX);
        let bytes = if self.is_stored { stored(body) } else { self.tried(body) };
        Page { bytes: bytes.into(), uncompressed: body.len(), values, encoding }
    }

    fn tried(&mut self, body: &[u8]) -> Vec<u8> {
        let worth = body.len() - body.len() * WORTH_HUNDREDTHS / 100;
        let tried = ROOM.with_borrow_mut(|(encoder, room)| {
            let most = snap::raw::max_compress_len(body.len());
            room.resize(room.len().max(most), 0);
            let length = encoder.compress(body, room).ok().filter(|length| *length <= worth)?;
            room.get(..length).map(<[u8]>::to_vec)
        });
        tried.unwrap_or_else(|| {
            // Small pages tell nothing of the next ones.
            self.is_stored = body.len() > 1 << 10;
            stored(body)
        })
    }
}

thread_local! {
    /// What compresses, and the room for the worst that can come of it: a page keeps no more than it is.
    static ROOM: RefCell<(snap::raw::Encoder, Vec<u8>)> = RefCell::new((snap::raw::Encoder::new(), Vec::new()));
}

/// A body as a Snappy block of literals.
fn stored(body: &[u8]) -> Vec<u8> {
    if body.len() > LITERAL_MAX {
        return stored_in_pieces(body);
    }
    let mut out = begin_stored(body.len());
    out.extend_from_slice(body);
    out
}

/// The beginning of a Snappy block of one literal of so many bytes, at most [`LITERAL_MAX`], with room for them: they follow.
pub(crate) fn begin_stored(length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 16);
    crate::bits::varint(&mut out, length as u64);
    if length > 0 {
        literal(&mut out, length);
    }
    out
}

fn literal(out: &mut Vec<u8>, length: usize) {
    let last = (length - 1) as u32;
    if last < 60 {
        out.push((last as u8) << 2);
    } else {
        out.push(63 << 2);
        out.extend_from_slice(&last.to_le_bytes());
    }
}

fn stored_in_pieces(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 16);
    crate::bits::varint(&mut out, body.len() as u64);
    for piece in body.chunks(LITERAL_MAX) {
        literal(&mut out, piece.len());
        out.extend_from_slice(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bodies_are_snappy() {
        for length in [0, 1, 59, 60, 61, 70_000] {
            let body: Vec<u8> = (0..length).map(|at: usize| (at.wrapping_mul(31) % 251) as u8).collect();
            let back = snap::raw::Decoder::new().decompress_vec(&stored(&body));
            assert_eq!(back.as_deref(), Ok(body.as_slice()), "{length} bytes");
        }
    }
}
