//! Where a file can be cut: the header, and the first record behind an offset, found from nearby bytes.

use crate::csv::{Mapping, Piece, Records, single_record};
use memchr::memchr;
use tillmart_model::{Contract, FileFault, FileReason, Format};

/// The header record that a CSV text begins with, without its line end and byte order mark; `None` when it is not whole, or
/// one that no sale can be read by.
pub fn header_of(contract: &Contract, text: &[u8]) -> Option<Vec<u8>> {
    let mut records = Records::new(contract.delimiter, contract.quote, contract.record_bytes_max);
    let mut header = None;
    // The first piece ends the search, as a fault of the file would.
    let _ = records.push(text, &mut |piece| {
        if let Piece::Record(record) = piece
            && Mapping::of_header(contract, &record).is_ok()
        {
            header = Some(record.raw.to_vec());
        }
        Err(FileFault::new(FileReason::Unreadable, "only the header is looked for"))
    });
    header
}

/// Looks for the first record that begins at a cut or behind it.
///
/// It takes the first line that begins in the bytes it gets for the beginning of a record, and reads on from there by the rule of
/// resyncing. That is right unless this line lies within a quoted value; and even then it is right as soon as one record has begun
/// where a record of the file begins. So the answer is to be proved: whoever decodes what lies before the cut must end there.
pub struct FirstRecord {
    lines: Lines,
    cut: u64,
    /// Offset of the next byte.
    offset: u64,
    /// The first line that begins in the bytes has been found.
    at_line: bool,
    found: Option<u64>,
    lost: bool,
}

enum Lines {
    Csv(Box<Records>),
    Json,
}

impl FirstRecord {
    /// `offset` is that of the first byte that is pushed, at the front of the file or before the cut. `None` when the header, or a
    /// format, does not let anything be found.
    pub fn new(
        contract: &Contract,
        format: Format,
        header: Option<&[u8]>,
        offset: u64,
        cut: u64,
    ) -> Option<FirstRecord> {
        let lines = match format {
            Format::Csv => {
                let (delimiter, quote) = (contract.delimiter, contract.quote);
                let mut fields = crate::csv::Fields::default();
                let width = single_record(&mut fields, header?, delimiter, quote, 1).ok()?.len();
                let mut records = Records::new(delimiter, quote, contract.record_bytes_max);
                records.go_on_at(offset, 1, width);
                records.end_at(cut);
                Lines::Csv(Box::new(records))
            }
            Format::Jsonl => Lines::Json,
            Format::Parquet => return None,
        };
        Some(FirstRecord { lines, cut, offset, at_line: offset == 0, found: None, lost: false })
    }

    /// Takes in the next bytes. Returns whether more are needed.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        let mut bytes = bytes;
        if !self.at_line {
            match memchr(b'\n', bytes) {
                Some(stop) => {
                    self.take(stop + 1);
                    bytes = &bytes[stop + 1..];
                    self.at_line = true;
                }
                None => self.take(bytes.len()),
            }
        }
        if self.at_line && self.needs_more() {
            self.read(bytes);
        }
        self.needs_more()
    }

    /// The offset of the record, once it is known.
    pub fn found(&self) -> Option<u64> {
        self.found
    }

    fn needs_more(&self) -> bool {
        self.found.is_none() && !self.lost
    }

    /// Leaves out bytes before the first line.
    fn take(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        if let Lines::Csv(records) = &mut self.lines {
            records.begin_at(self.offset);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        match &mut self.lines {
            Lines::Csv(records) => {
                self.lost = records.push(bytes, &mut |_| Ok(())).is_err();
                self.found = Some(records.offset()).filter(|found| *found >= self.cut && !self.lost);
            }
            Lines::Json => {
                // A line is a record.
                let mut at = 0;
                while self.offset + (at as u64) < self.cut {
                    let Some(stop) = memchr(b'\n', &bytes[at..]) else {
                        self.offset += bytes.len() as u64;
                        self.at_line = false;
                        return;
                    };
                    at += stop + 1;
                }
                self.found = Some(self.offset + at as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a,b\n1,\"x\ny\"\n2,z\n\n3,\"broken\n4,w\n";

    fn contract() -> Contract {
        Contract { columns: Vec::new(), record_bytes_max: 12, ..Contract::default() }
    }

    fn found(format: Format, from: usize, cut: usize, piece: usize) -> Option<u64> {
        let mut first = FirstRecord::new(&contract(), format, Some(b"a,b"), from as u64, cut as u64)
            .expect("this can be looked at");
        let more = TEXT.as_bytes()[from..].chunks(piece).all(|piece| first.push(piece));
        assert_eq!(more, first.found().is_none());
        first.found()
    }

    #[test]
    fn the_header_is_found_as_it_stands_there() {
        assert_eq!(header_of(&contract(), "\u{feff}a,\"b\nc\"\r\n1,2\n".as_bytes()), Some(b"a,\"b\nc\"".to_vec()));
        assert_eq!(header_of(&contract(), b"a,b"), None, "nobody knows yet whether the line ends here");
        assert_eq!(header_of(&contract(), b"a,\"b\n"), None);
        assert_eq!(header_of(&Contract::default(), b"a,b\n"), None, "no sale can be read by it");
    }

    #[test]
    fn a_record_is_found_behind_the_line_ends_within_quotes() {
        // From the front: 0 header, 4 record of two lines, 12, 16 blank, 17 broken, 27.
        for piece in [1, 3, 100] {
            for (cut, begins) in [(0, 0), (1, 4), (4, 4), (5, 12), (9, 12), (13, 16), (17, 17), (18, 27), (28, 31)] {
                assert_eq!(found(Format::Csv, 0, cut, piece), Some(begins), "cut at {cut}, pushed {piece} at a time");
            }
            assert_eq!(found(Format::Csv, 0, 32, piece), None, "nobody knows yet");
        }
    }

    #[test]
    fn a_line_within_quotes_may_be_taken_for_a_record() {
        // The look back begins within the value: this is what must be proved.
        assert_eq!(found(Format::Csv, 6, 8, 100), Some(9));
        assert_eq!(found(Format::Csv, 6, 10, 100), Some(12), "and is right again a record later");
    }

    #[test]
    fn a_line_of_json_is_a_record() {
        for piece in [1, 3, 100] {
            for (from, cut, begins) in [(0, 0, 0), (0, 1, 4), (3, 4, 4), (3, 5, 9), (15, 16, 16), (15, 17, 17)] {
                assert_eq!(found(Format::Jsonl, from, cut, piece), Some(begins), "{from}, {cut}");
            }
        }
    }
}
