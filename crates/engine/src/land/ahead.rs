//! Hashing and decoding on a thread of its own, ahead of the writers: so one large file keeps several cores busy.
//!
//! There is one decoder for a whole file, or for a stretch of it, so rows, lines, offsets and rejects are what they are without a second thread. Files are
//! decoded one after the other; the next one begins while the last rows of the one before are still being written.

use super::LandJob;
use super::read::{self, Chunk, LocalFile, Opened, Part};
use super::source::Delivered;
use super::worker::Worker;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use tillmart_feed::{Checked, SalesDecoder};
use tillmart_model::{Fault, FaultKind, FileFault, Result};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Rows handed on at a time.
pub(super) const BATCH_ROWS: usize = 16 << 10;

/// Bytes given to the decoder at once: few enough to stay in the processor's second cache between reading, hashing and decoding.
pub(super) const PIECE_BYTES: usize = 512 << 10;

/// Ranges of bytes that wait for the decoder, and batches that wait for the writers.
const WAITING: usize = 1;

/// What is left when all bytes have been decoded.
pub(super) struct Decoded {
    /// Not yet told that the file has ended.
    pub(super) decoder: SalesDecoder,
    /// BLAKE3 of all bytes of the file.
    pub(super) digest: String,
    /// The first fault; bytes behind it were only hashed.
    pub(super) fault: Option<FileFault>,
    /// The bytes were not, or not all, those of the claimed version.
    pub(super) is_overwritten: bool,
}

/// A task's thread for decoding, and the buffer that it reads local files into.
pub(super) type Decoding = Worker<Vec<u8>>;

/// What the decoder is given.
enum Given {
    File(LocalFile),
    Bytes(Bytes),
}

/// A file that is being decoded. Dropped, it ends.
pub(super) struct Ahead {
    /// What became of its bytes, in order, in batches of about [`BATCH_ROWS`] rows.
    pub(super) checked: Receiver<Checked>,
    decoded: oneshot::Receiver<Result<Decoded>>,
    giving: JoinHandle<Result<bool>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.giving.abort();
    }
}

impl Ahead {
    /// Begins to read and decode a file, as soon as those given before it have been decoded.
    pub(super) fn start(job: &Arc<LandJob>, decoding: &Decoding, file: &Delivered, decoder: SalesDecoder) -> Ahead {
        let (give, given) = channel(WAITING);
        let (take, checked) = channel(WAITING);
        let digest = match &file.stretch {
            Some(stretch) => Digest::Known(stretch.digest.clone()),
            None => Digest::Of(Box::new(blake3::Hasher::new())),
        };
        let decode = Decode { job: Arc::clone(job), decoder, digest, fault: None, take };
        let decoded = decoding.give(move |buffer| decode.run(given, buffer));
        Ahead { checked, decoded, giving: tokio::spawn(give_all(Arc::clone(job), file.clone(), give)) }
    }

    /// What is left when [`Ahead::checked`] has been taken to its end.
    pub(super) async fn finish(mut self, path: &str) -> Result<Decoded> {
        let gave_up = |error: &dyn std::fmt::Display| {
            Fault::new(FaultKind::Promise, "the decoder gave up")
                .at(path)
                .found(error)
                .hint("nothing was committed; please report this with the file")
        };
        let is_overwritten = (&mut self.giving).await.map_err(|error| gave_up(&error))??;
        let mut decoded = (&mut self.decoded).await.map_err(|error| gave_up(&error))??;
        decoded.is_overwritten |= is_overwritten;
        Ok(decoded)
    }
}

/// Gives the decoder an opened file, or a file's bytes as they come. Tells whether there is another version than the claimed one.
async fn give_all(job: Arc<LandJob>, file: Delivered, give: Sender<Given>) -> Result<bool> {
    let mut read = match read::open(&job, &file, file.range(job.contract.record_bytes_max)).await? {
        Opened::Overwritten => return Ok(true),
        Opened::Local(file) => {
            // Nobody takes it any more only when the writers gave up, who tell why; so below.
            let _ = give.send(Given::File(file)).await;
            return Ok(false);
        }
        Opened::Remote(read) => read,
    };
    loop {
        let started = Instant::now();
        let chunk = read.next().await?;
        job.profile.add("wait for bytes", started);
        match chunk {
            Chunk::Bytes(range) => {
                if give.send(Given::Bytes(range)).await.is_err() {
                    return Ok(false);
                }
            }
            Chunk::End => return Ok(false),
            Chunk::Overwritten => return Ok(true),
        }
    }
}

/// The digest of a file: that of the bytes that are decoded, or, where those are a part of it, known from its survey.
enum Digest {
    Of(Box<blake3::Hasher>),
    Known(String),
}

/// The work of the decoding thread for one file.
struct Decode {
    job: Arc<LandJob>,
    decoder: SalesDecoder,
    digest: Digest,
    fault: Option<FileFault>,
    take: Sender<Checked>,
}

impl Decode {
    fn run(mut self, mut given: Receiver<Given>, buffer: &mut Vec<u8>) -> Result<Decoded> {
        let mut is_overwritten = false;
        while let Some(given) = given.blocking_recv() {
            let goes_on = match given {
                Given::Bytes(bytes) => bytes.chunks(PIECE_BYTES).all(|piece| self.push(piece)) && !self.has_ended(),
                Given::File(file) => self.read(file, buffer, &mut is_overwritten)?,
            };
            if !goes_on {
                break;
            }
        }
        let Decode { decoder, digest, fault, .. } = self;
        let digest = match digest {
            Digest::Of(hasher) => hasher.finalize().to_hex().to_string(),
            Digest::Known(digest) => digest,
        };
        Ok(Decoded { decoder, digest, fault, is_overwritten })
    }

    /// The decoder has come to the end of its stretch of the file.
    fn has_ended(&self) -> bool {
        self.decoder.ended_at().is_some()
    }

    fn read(&mut self, mut file: LocalFile, buffer: &mut Vec<u8>, is_overwritten: &mut bool) -> Result<bool> {
        let profile = Arc::clone(&self.job.profile);
        buffer.resize(PIECE_BYTES, 0);
        loop {
            match profile.time("read bytes", || file.read(buffer))? {
                Part::Bytes(read) => {
                    if !self.push(&buffer[..read]) {
                        return Ok(false);
                    }
                    if self.has_ended() {
                        *is_overwritten = !file.is_as_opened();
                        return Ok(true);
                    }
                }
                Part::End => return Ok(true),
                Part::Overwritten => {
                    *is_overwritten = true;
                    return Ok(true);
                }
            }
        }
    }

    /// Whether somebody still takes what comes out: if not, the writers gave up, and have said why.
    fn push(&mut self, piece: &[u8]) -> bool {
        let Decode { job, decoder, digest, fault, take } = self;
        job.progress.add_bytes(piece.len() as u64);
        // A file that is rejected already is still read to its end: its digest names it in the archive.
        if let Digest::Of(hasher) = digest {
            job.profile.time("hash", || hasher.update(piece));
        }
        if fault.is_some() {
            return true;
        }
        *fault = job.profile.time("decode and check", || decoder.push(piece)).err();
        while fault.is_none()
            && let Some(checked) = decoder.take_ready(BATCH_ROWS)
        {
            if take.blocking_send(checked).is_err() {
                return false;
            }
        }
        true
    }
}
