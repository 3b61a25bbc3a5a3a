//! Bytes in pieces: what is already in memory stays where it is.

use bytes::Bytes;
use std::io::Write;

/// A sink for a writer that copies: of the bytes that were announced it keeps a reference instead.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: Vec<Bytes>,
    /// Bytes that are copied: page headers, short pages, the footer.
    copied: Vec<u8>,
    expected: Bytes,
}

impl Pieces {
    /// Announces bytes that are written next, or soon.
    pub(crate) fn expect(&mut self, bytes: &Bytes) {
        self.expected = bytes.clone();
    }

    fn end_copied(&mut self) {
        if !self.copied.is_empty() {
            self.pieces.push(std::mem::take(&mut self.copied).into());
        }
    }

    /// All bytes in order.
    pub(crate) fn finish(mut self) -> Vec<Bytes> {
        self.end_copied();
        self.pieces
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The very same bytes, not only equal ones: comparing them would cost what is to be saved.
        if !bytes.is_empty() && std::ptr::eq(bytes, self.expected.as_ref()) {
            self.end_copied();
            self.pieces.push(std::mem::take(&mut self.expected));
        } else {
            self.copied.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_bytes_are_kept_and_others_copied_in_order() {
        let (page, same) = (Bytes::from(vec![7; 100]), vec![7; 100]);
        let mut pieces = Pieces::default();
        pieces.expect(&page);
        for bytes in [b"head".as_slice(), &page, b"tail", &same] {
            assert_eq!(pieces.write(bytes).ok(), Some(bytes.len()));
        }
        let pieces = pieces.finish();
        assert_eq!(pieces.concat(), [b"head".as_slice(), &page, b"tail", &same].concat());
        assert_eq!(pieces[1].as_ptr(), page.as_ptr());
        assert_eq!(pieces.len(), 3, "equal bytes elsewhere are copied");
    }
}
