//! Looking over one part of a large file: what it adds to the file's digest, its line ends, and where its first record begins. With
//! that the file can be cut into stretches that are decoded side by side.

use super::LandJob;
use super::ahead::PIECE_BYTES;
use super::read::{self, Chunk, Opened};
use super::source::{Delivered, overwritten};
use blake3::hazmat::HasherExt;
use memchr::memchr_iter;
use tillmart_feed::{FirstRecord, header_of};
use tillmart_model::{Result, SplitReport, SurveyReport};

/// Bytes before a part that are read to find its first record: many records long, so that a line of a quoted value is
/// hardly ever taken for one.
const LOOK_BACK: u64 = 64 << 10;

/// What is looked over.
pub(super) struct Part<'a> {
    pub(super) file: &'a Delivered,
    /// Offset of the first byte, a multiple of `unit`.
    pub(super) from: u64,
    pub(super) unit: u64,
    /// The CSV header, if it is known.
    pub(super) header: Option<&'a [u8]>,
}

/// Looks over a part, and reports on it.
pub(super) async fn look_over(job: &LandJob, report: &mut SplitReport, part: &Part<'_>) -> Result<()> {
    let begin = part.from.saturating_sub(LOOK_BACK.min(part.unit));
    let range = begin..part.file.size.min(part.from + part.unit);
    let mut looked = Looked::new(job, part, begin);
    let read = match read::open(job, part.file, range).await? {
        Opened::Overwritten => false,
        Opened::Local(mut file) => {
            let mut buffer = vec![0; PIECE_BYTES];
            loop {
                match file.read(&mut buffer)? {
                    read::Part::Bytes(read) => looked.at(job, &buffer[..read]),
                    read::Part::End => break true,
                    read::Part::Overwritten => break false,
                }
            }
        }
        Opened::Remote(mut read) => loop {
            match read.next().await? {
                Chunk::Bytes(bytes) => bytes.chunks(PIECE_BYTES).for_each(|piece| looked.at(job, piece)),
                Chunk::End => break true,
                Chunk::Overwritten => break false,
            }
        },
    };
    if !read {
        report.fault = Some(overwritten());
        return Ok(());
    }
    report.header = looked.header;
    report.survey = Some(SurveyReport {
        chaining_value: looked.hasher.finalize_non_root(),
        line_ends: looked.line_ends,
        first_record: looked.first_record,
    });
    Ok(())
}

/// What was seen so far.
struct Looked {
    hasher: blake3::Hasher,
    line_ends: u64,
    header: Option<Vec<u8>>,
    first_record: Option<(u64, u64)>,
    first: Option<FirstRecord>,
    /// Bytes of the part while its first record is not found.
    before_first: Vec<u8>,
    /// Offset of the part, and of the next byte.
    from: u64,
    offset: u64,
}

impl Looked {
    fn new(job: &LandJob, part: &Part<'_>, begin: u64) -> Looked {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(part.from);
        let is_front = part.from == 0;
        let first = || FirstRecord::new(&job.contract, part.file.kind.format, part.header, begin, part.from);
        Looked {
            hasher,
            line_ends: 0,
            header: None,
            first_record: is_front.then_some((0, 0)),
            first: if is_front { None } else { first() },
            before_first: Vec::new(),
            from: part.from,
            offset: begin,
        }
    }

    /// Takes in the next bytes.
    fn at(&mut self, job: &LandJob, bytes: &[u8]) {
        job.profile.time("survey", || {
            if self.offset == 0 && self.from == 0 {
                self.header = header_of(&job.contract, bytes);
            }
            let before = usize::try_from(self.from.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(bytes.len());
            let own = &bytes[before..];
            self.offset += bytes.len() as u64;
            self.hasher.update(own);
            self.line_ends += line_ends(own);
            self.look_for_first(bytes, own);
        });
    }

    fn look_for_first(&mut self, bytes: &[u8], own: &[u8]) {
        let Some(first) = &mut self.first else { return };
        let more = first.push(bytes);
        self.before_first.extend_from_slice(own);
        if let Some(found) = first.found() {
            let before = usize::try_from(found - self.from).unwrap_or(usize::MAX).min(self.before_first.len());
            self.first_record = Some((found, line_ends(&self.before_first[..before])));
        }
        if !more {
            (self.first, self.before_first) = (None, Vec::new());
        }
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
