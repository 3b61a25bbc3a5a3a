//! Delivered bytes to text: gzip of several members, Zstandard of several frames.
//!
//! One step takes in little and gives out little, so that a small file that unpacks to a huge one
//! costs time and no memory.

use flate2::write::MultiGzDecoder;
use std::io::Write;
use tillmart_model::{Compression, FileFault, FileReason};
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

/// Packed bytes a gzip step takes in: they unpack to a megabyte at most.
const GZIP_STEP_BYTES: usize = 1 << 10;
/// Text a Zstandard step gives out at most.
const ZSTD_STEP_BYTES: usize = 128 << 10;

/// Unpacks one file.
pub(crate) enum Unpacker {
    /// Not packed.
    Plain,
    /// gzip.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// Zstandard.
    Zstd(Box<Zstd>),
}

/// The state of a Zstandard file.
pub(crate) struct Zstd {
    decoder: Decoder<'static>,
    /// The bytes so far end with a frame.
    frame_ended: bool,
    text: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new(compression: Compression) -> Result<Self, FileFault> {
        Ok(match compression {
            Compression::None => Unpacker::Plain,
            Compression::Gzip => Unpacker::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Compression::Zstd => Unpacker::Zstd(Box::new(Zstd {
                decoder: Decoder::new().map_err(|error| unreadable("Zstandard", &error))?,
                frame_ended: true,
                text: vec![0; ZSTD_STEP_BYTES],
            })),
        })
    }

    /// Takes in some of `packed` and hands the text it makes to `sink`. Returns the packed bytes
    /// taken in, and whether another step without further bytes may make more text.
    pub(crate) fn step(
        &mut self,
        packed: &[u8],
        sink: &mut impl FnMut(&[u8]) -> Result<(), FileFault>,
    ) -> Result<(usize, bool), FileFault> {
        match self {
            Unpacker::Plain => {
                sink(packed)?;
                Ok((packed.len(), false))
            }
            Unpacker::Gzip(decoder) => {
                let piece = &packed[..packed.len().min(GZIP_STEP_BYTES)];
                let taken =
                    if piece.is_empty() { 0 } else { decoder.write(piece).map_err(|e| unreadable("gzip", &e))? };
                sink(decoder.get_ref())?;
                decoder.get_mut().clear();
                if taken == 0 && !piece.is_empty() {
                    return Err(FileFault::new(FileReason::Unreadable, "the gzip data does not go on as gzip"));
                }
                Ok((taken, false))
            }
            Unpacker::Zstd(zstd) => zstd.step(packed, sink),
        }
    }

    /// Checks that the packed bytes ended where they should; hands over the last text.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(&[u8]) -> Result<(), FileFault>) -> Result<(), FileFault> {
        match self {
            Unpacker::Plain => Ok(()),
            Unpacker::Gzip(decoder) => {
                decoder.try_finish().map_err(|error| unreadable("gzip", &error))?;
                sink(decoder.get_ref())?;
                decoder.get_mut().clear();
                Ok(())
            }
            Unpacker::Zstd(zstd) if zstd.frame_ended => Ok(()),
            Unpacker::Zstd(_) => Err(FileFault::new(
                FileReason::Unreadable,
                "the Zstandard data ends in the middle of a frame: cut short?",
            )),
        }
    }
}

impl Zstd {
    fn step(
        &mut self,
        packed: &[u8],
        sink: &mut impl FnMut(&[u8]) -> Result<(), FileFault>,
    ) -> Result<(usize, bool), FileFault> {
        let mut input = InBuffer::around(packed);
        let mut output = OutBuffer::around(self.text.as_mut_slice());
        let hint = self.decoder.run(&mut input, &mut output).map_err(|error| unreadable("Zstandard", &error))?;
        let (taken, made) = (input.pos(), output.pos());
        if taken > 0 || made > 0 {
            self.frame_ended = hint == 0;
        }
        sink(&self.text[..made])?;
        Ok((taken, made == ZSTD_STEP_BYTES && hint != 0))
    }
}

fn unreadable(format: &str, error: &std::io::Error) -> FileFault {
    FileFault::new(FileReason::Unreadable, format!("the {format} data is corrupt or cut short: {error}"))
}
