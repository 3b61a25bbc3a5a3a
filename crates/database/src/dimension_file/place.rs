//! Where a field of a CSV record stands, for people: looked up again in the file, only when there is a fault to tell.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// What a look at one record of the file found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The start of the asked field; the record's last field's, if it has fewer.
    pub(crate) spot: Spot,
    /// The file ends within quotes: everything from the opening one was taken for one field.
    pub(crate) quote_open: bool,
}

/// Walks the record that begins at `byte`, on line `line` (blank lines before it are skipped), to its end.
pub(crate) fn look(file: &Path, byte: u64, line: u64, field: usize) -> std::io::Result<Record> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(byte))?;
    let mut walk = Walk::new(line, field);
    let mut bytes = BufReader::new(file);
    if byte == 0 && bytes.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        bytes.consume(3);
    }
    for next in bytes.bytes() {
        if walk.step(next?) {
            break;
        }
    }
    Ok(Record { spot: walk.spot, quote_open: walk.quoted && !walk.maybe_closed })
}

struct Walk {
    wanted: usize,
    field: usize,
    here: Spot,
    spot: Spot,
    /// Some byte of the record was seen.
    begun: bool,
    /// Within quotes.
    quoted: bool,
    /// The byte before was a quote within quotes: the end of the field, or half of a doubled quote.
    maybe_closed: bool,
    /// At the first byte of a field, where a quote opens.
    fresh: bool,
}

impl Walk {
    fn new(line: u64, wanted: usize) -> Self {
        let here = Spot { line, column: 1 };
        Walk { wanted, field: 0, here, spot: here, begun: false, quoted: false, maybe_closed: false, fresh: true }
    }

    /// Takes a byte; true at the end of the record.
    fn step(&mut self, byte: u8) -> bool {
        if self.quoted && self.maybe_closed && byte != b'"' {
            (self.quoted, self.maybe_closed) = (false, false);
        }
        if !self.quoted && matches!(byte, b'\n' | b'\r') {
            if self.begun {
                return true;
            }
            if byte == b'\n' {
                self.here = Spot { line: self.here.line + 1, column: 1 };
            }
            self.spot = self.here;
            return false;
        }
        self.begun = true;
        if self.fresh && self.field <= self.wanted {
            self.spot = self.here;
        }
        match byte {
            b'"' if self.quoted => self.maybe_closed = !self.maybe_closed,
            b'"' if self.fresh => self.quoted = true,
            b',' if !self.quoted => self.field += 1,
            _ => {}
        }
        self.fresh = byte == b',' && !self.quoted;
        if self.fresh && self.field <= self.wanted {
            self.spot = Spot { line: self.here.line, column: self.here.column + 1 };
        }
        if byte == b'\n' {
            self.here = Spot { line: self.here.line + 1, column: 1 };
        } else if byte & 0xC0 != 0x80 {
            // Not a continuation byte of UTF-8: a new character.
            self.here.column += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(text: &str, byte: u64, line: u64, field: usize) -> (u64, u64, bool) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("x.csv");
        std::fs::write(&file, text).expect("written");
        let record = look(&file, byte, line, field).expect("read");
        (record.spot.line, record.spot.column, record.quote_open)
    }

    #[test]
    fn a_field_is_found_by_line_and_character() {
        assert_eq!(spot("a,b,c\n", 0, 1, 2), (1, 5, false));
        assert_eq!(spot("\u{feff}a,b\n", 0, 1, 1), (1, 3, false), "a byte order mark is no character");
        assert_eq!(spot("zo\u{eb},b\n", 0, 1, 1), (1, 5, false), "characters, not bytes");
        assert_eq!(spot("\n\r\nx,y\n", 0, 7, 1), (9, 3, false), "blank lines count");
        assert_eq!(spot("\"a\nb\",c\n", 0, 1, 1), (2, 4, false), "after a quoted newline");
        assert_eq!(spot("\"a\"\",\",c\n", 0, 1, 1), (1, 8, false), "a doubled quote does not end a field");
        assert_eq!(spot("a,\n", 0, 1, 1), (1, 3, false), "an empty last field");
        assert_eq!(spot("a\nb", 0, 1, 4), (1, 1, false), "the last there is");
        assert_eq!(spot("a,\"b\nc,d\n", 0, 1, 1), (1, 3, true), "a quote that never closes");
        assert_eq!(spot("a,\"b\"", 0, 1, 1), (1, 3, false), "closed by the end of the file");
    }
}
