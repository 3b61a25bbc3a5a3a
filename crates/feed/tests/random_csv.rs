//! The record reader on random input: against the `csv` crate where it is well formed, and against
//! the promise that a bad row never disturbs its neighbours where one byte of it was changed.

mod support;

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use support::Chance;
use tillmart_feed::csv::{Piece, Records};

const CASES: usize = 3000;

/// How a random file is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    delimiter: u8,
    quote: u8,
    crlf: bool,
    /// Only values that cannot close a quote that a neighbour left open (docs/rejects.md, the resync rule).
    unambiguous: bool,
}

impl Style {
    fn random(rng: &mut Xoshiro256PlusPlus, unambiguous: bool) -> Self {
        Style {
            delimiter: *b",;\t|".choose(rng).unwrap(),
            quote: *b"\"'".choose(rng).unwrap(),
            crlf: rng.random(),
            unambiguous,
        }
    }

    fn line_end(self, rng: &mut Xoshiro256PlusPlus) -> &'static [u8] {
        // Mixed line ends are legal: now and then the other one.
        if self.crlf != rng.random_ratio(1, 10) { b"\r\n" } else { b"\n" }
    }

    /// A value that begins, behind quotes, with a delimiter or a line end.
    fn is_ambiguous(self, value: &[u8]) -> bool {
        let rest = value.iter().position(|byte| *byte != self.quote).map_or(&[][..], |at| &value[at..]);
        rest.first() == Some(&self.delimiter) || rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    }

    fn value(self, rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
        loop {
            let pieces: &[&[u8]] = &[
                b"a",
                b"tea",
                b"7",
                b" ",
                b"\xc3\xa9",
                b"\xff",
                &[self.delimiter],
                &[self.quote],
                b"\n",
                b"\r\n",
                b"\r",
            ];
            let pieces = if rng.random_ratio(2, 3) { &pieces[..6] } else { pieces };
            let value: Vec<u8> =
                (0..rng.random_range(0..5)).flat_map(|_| pieces.choose(rng).unwrap().iter().copied()).collect();
            if !self.unambiguous || !self.is_ambiguous(&value) {
                return value;
            }
        }
    }

    /// The value as it stands in the file; quoted where it must be, and sometimes for fun.
    fn written(self, rng: &mut Xoshiro256PlusPlus, value: &[u8]) -> Vec<u8> {
        let must = value.iter().any(|byte| [self.delimiter, self.quote, b'\n', b'\r'].contains(byte));
        if !must && !rng.random_ratio(1, 5) {
            return value.to_vec();
        }
        let mut written = vec![self.quote];
        for byte in value {
            written.extend(std::iter::repeat_n(*byte, if *byte == self.quote { 2 } else { 1 }));
        }
        written.push(self.quote);
        written
    }

    /// A row without its line end; never a blank line.
    fn row(self, rng: &mut Xoshiro256PlusPlus, values: &[Vec<u8>]) -> Vec<u8> {
        let written: Vec<Vec<u8>> = values.iter().map(|value| self.written(rng, value)).collect();
        let row = written.join(&self.delimiter);
        if row.is_empty() { vec![self.quote, self.quote] } else { row }
    }
}

/// A piece as the test compares it.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    /// `None` for a broken line.
    values: Option<Vec<Vec<u8>>>,
    raw: Vec<u8>,
    line: u64,
    offset: u64,
}

fn read(style: Style, text: &[u8], pieces: &[usize]) -> Vec<Found> {
    let mut records = Records::new(style.delimiter, style.quote, 1 << 20);
    let mut found = Vec::new();
    let mut sink = |piece: Piece<'_>| {
        found.push(match piece {
            Piece::Record(record) => Found {
                values: Some(record.fields().map(<[u8]>::to_vec).collect()),
                raw: record.raw.to_vec(),
                line: record.line,
                offset: record.offset,
            },
            Piece::Broken(line) => Found { values: None, raw: line.raw.to_vec(), line: line.line, offset: line.offset },
        });
        Ok(())
    };
    let mut rest = text;
    for piece in pieces {
        let (head, tail) = rest.split_at((*piece).min(rest.len()));
        records.push(head, &mut sink).unwrap();
        rest = tail;
    }
    records.push(rest, &mut sink).unwrap();
    records.finish(&mut sink).unwrap();
    for piece in &found {
        let offset = piece.offset as usize;
        assert_eq!(&text[offset..offset + piece.raw.len()], piece.raw, "raw is what stands at the offset");
        let line = text[..offset].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        assert_eq!(piece.line, line, "lines are those of the physical file");
    }
    found
}

fn random_cuts(rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    (0..rng.random_range(0..30)).map(|_| rng.random_range(0..12)).collect()
}

#[test]
fn well_formed_files_read_as_the_csv_crate_reads_them() {
    let mut chance = Chance::new();
    let rng = &mut chance.rng;
    for case in 0..CASES {
        let style = Style::random(rng, false);
        let width = rng.random_range(1..6);
        let mut text = if rng.random_ratio(1, 8) { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        let rows = rng.random_range(1..12);
        for row in 0..rows {
            let values: Vec<Vec<u8>> = (0..width).map(|_| style.value(rng)).collect();
            text.extend(style.row(rng, &values));
            if row + 1 < rows || rng.random() {
                text.extend(style.line_end(rng));
            }
            if row + 1 < rows && rng.random_ratio(1, 6) {
                text.extend(style.line_end(rng));
            }
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(style.delimiter)
            .quote(style.quote)
            .from_reader(text.as_slice());
        let expected: Vec<Vec<Vec<u8>>> =
            reader.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
        let cuts = random_cuts(rng);
        let found: Vec<Vec<Vec<u8>>> =
            read(style, &text, &cuts).into_iter().map(|piece| piece.values.expect("well formed")).collect();
        assert_eq!(found, expected, "case {case}, {style:?}: {}", text.escape_ascii());
    }
}

/// A file with one changed byte in one row.
struct Mutated {
    text: Vec<u8>,
    /// The changed row lost its line end: it and the next one are one.
    joined: bool,
}

/// Flips, inserts or deletes a byte in `rows[at]`, its line end included.
fn mutate(rng: &mut Xoshiro256PlusPlus, style: Style, rows: &[Vec<u8>], at: usize) -> Mutated {
    let mut row = rows[at].clone();
    let place = rng.random_range(0..row.len());
    let byte = match rng.random_range(0..6) {
        0 | 1 => style.quote,
        2 => style.delimiter,
        3 => b'\n',
        4 => b'\r',
        _ => rng.random(),
    };
    match rng.random_range(0..3) {
        0 => row[place] = byte,
        1 => row.insert(place, byte),
        _ => {
            row.remove(place);
        }
    }
    let joined = row.last() != Some(&b'\n');
    let text = rows[..at].iter().chain([&row]).chain(&rows[at + 1..]).flatten().copied().collect();
    Mutated { text, joined }
}

#[test]
fn one_changed_byte_changes_one_row() {
    let mut chance = Chance::new();
    let rng = &mut chance.rng;
    let mut damaged = 0;
    for case in 0..CASES * 3 {
        let style = Style::random(rng, true);
        let width = rng.random_range(1..6);
        let rows: Vec<Vec<u8>> = (0..rng.random_range(3..9))
            .map(|_| {
                let values: Vec<Vec<u8>> = (0..width).map(|_| style.value(rng)).collect();
                let mut row = style.row(rng, &values);
                row.extend(style.line_end(rng));
                row
            })
            .collect();
        let sound = read(style, &rows.concat(), &[]);
        assert_eq!(sound.len(), rows.len());
        // The header is no row: a damaged header is a damaged file.
        let at = rng.random_range(1..rows.len());
        let Mutated { text, joined } = mutate(rng, style, &rows, at);
        let cuts = random_cuts(rng);
        let found = read(style, &text, &cuts);
        let untouched_after = rows.len().saturating_sub(at + 1 + usize::from(joined));
        let told = || {
            format!("case {case}, {style:?}, row {at}: {} became {}", rows.concat().escape_ascii(), text.escape_ascii())
        };
        assert!(found.len() >= at + untouched_after, "{}", told());
        let same = |found: &Found, sound: &Found| found.values == sound.values && found.raw == sound.raw;
        assert!(found.iter().zip(&sound[..at]).all(|(found, sound)| same(found, sound)), "{}", told());
        let (found_end, sound_end) = (found.iter().rev().take(untouched_after), sound.iter().rev());
        assert!(found_end.zip(sound_end).all(|(found, sound)| same(found, sound)), "{}", told());
        damaged += usize::from(found.iter().any(|piece| piece.values.is_none()));
    }
    assert!(damaged > CASES / 4, "mutations do break quotes: {damaged}");
}

/// The class of mutations that docs/rejects.md excepts: the two rows have a well-formed reading as one.
#[test]
fn a_quote_left_open_may_meet_a_value_that_begins_with_a_delimiter() {
    let style = Style { delimiter: b',', quote: b'"', crlf: false, unambiguous: false };
    let found = read(style, b"a,b\n1,\"x\n\",y\",2\n3,4\n", &[]);
    // The record so made is not well formed, so even here only the damaged line is lost …
    let values: Vec<_> = found.iter().map(|piece| piece.values.as_ref().map(Vec::len)).collect();
    assert_eq!(values, [Some(2), None, Some(2), Some(2)]);
    let found = read(style, b"a,b\n1,\"x\n2,\"\ny\"\n3,4\n", &[]);
    // … but here `1` and `x\n2,` are two well-formed fields: the next row goes with them.
    assert_eq!(found[1].values, Some(vec![b"1".to_vec(), b"x\n2,".to_vec()]));
    assert_eq!(found.last().unwrap().values, Some(vec![b"3".to_vec(), b"4".to_vec()]));
}

#[test]
fn any_bytes_in_any_pieces_give_the_same_and_never_panic() {
    let mut chance = Chance::new();
    let rng = &mut chance.rng;
    for _ in 0..CASES {
        let style = Style::random(rng, false);
        let text: Vec<u8> = (0..rng.random_range(0..80))
            .map(|_| *[style.delimiter, style.quote, style.quote, b'\n', b'\r', b'a', b'b', 0xff].choose(rng).unwrap())
            .collect();
        let whole = read(style, &text, &[]);
        assert_eq!(read(style, &text, &vec![1; text.len()]), whole, "{}", text.escape_ascii());
        let cuts = random_cuts(rng);
        assert_eq!(read(style, &text, &cuts), whole, "{}", text.escape_ascii());
    }
}
