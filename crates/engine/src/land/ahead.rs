//! Hashing and decoding on a thread of its own, ahead of the writers: so one large file keeps two cores busy.
//!
//! There is one decoder for the whole file, so rows, lines, offsets and rejects are what they are without a second thread.

use super::LandJob;
use bytes::Bytes;
use std::sync::Arc;
use tillmart_feed::{Checked, SalesDecoder};
use tillmart_model::FileFault;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Bytes given to the decoder at once.
const PIECE_BYTES: usize = 1 << 20;

/// Ranges of bytes that wait for the decoder, and batches that wait for the writers.
const WAITING: usize = 1;

/// What is left when all bytes have been decoded.
pub(super) struct Decoded {
    /// Not yet told that the file has ended.
    pub(super) decoder: SalesDecoder,
    /// BLAKE3 of all bytes.
    pub(super) digest: String,
    /// The first fault; bytes behind it were only hashed.
    pub(super) fault: Option<FileFault>,
}

/// A decoder at work. It ends when `bytes` is dropped, or when nobody takes `checked` any more.
pub(super) struct Ahead {
    /// Delivered bytes in order.
    pub(super) bytes: Sender<Bytes>,
    /// What became of them, in order, in batches of about `batch_rows` rows.
    pub(super) checked: Receiver<Checked>,
    /// Gives back the decoder.
    pub(super) worker: JoinHandle<Decoded>,
}

impl Ahead {
    pub(super) fn start(job: Arc<LandJob>, decoder: SalesDecoder, batch_rows: usize) -> Ahead {
        let (bytes, given) = channel(WAITING);
        let (taken, checked) = channel(WAITING);
        let worker = tokio::task::spawn_blocking(move || work(&job, decoder, batch_rows, given, &taken));
        Ahead { bytes, checked, worker }
    }
}

fn work(
    job: &LandJob,
    mut decoder: SalesDecoder,
    batch_rows: usize,
    mut given: Receiver<Bytes>,
    taken: &Sender<Checked>,
) -> Decoded {
    let (mut hasher, mut fault) = (blake3::Hasher::new(), None);
    'bytes: while let Some(bytes) = given.blocking_recv() {
        // A file that is rejected already is still read to its end: its digest names it in the archive.
        job.profile.time("hash", || hasher.update(&bytes));
        for piece in bytes.chunks(PIECE_BYTES) {
            if fault.is_some() {
                break;
            }
            fault = job.profile.time("decode and check", || decoder.push(piece)).err();
            while fault.is_none()
                && let Some(checked) = decoder.take_ready(batch_rows)
            {
                if taken.blocking_send(checked).is_err() {
                    // The writers gave up, and have said why.
                    break 'bytes;
                }
            }
        }
    }
    Decoded { decoder, digest: hasher.finalize().to_hex().to_string(), fault }
}
