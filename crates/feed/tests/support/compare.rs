//! One file read in several ways, which must all come to the same.

use super::{Outcome, collect, decoder, outcome};
use arrow::compute::concat_batches;
use tillmart_feed::{FirstRecord, SalesDecoder, Start, header_of, sales_schema};
use tillmart_model::{Contract, FileFault, Format, Kind, Tally};

/// What a file comes to, or what is wrong with all of it.
pub type Read = Result<Outcome, FileFault>;

/// Decodes `bytes` in pushes that are as long as `cuts` tell, and a last one of the rest; after each, rows are taken
/// once there are `min_rows`.
pub fn decode(mut decoder: SalesDecoder, bytes: &[u8], cuts: &[usize], min_rows: usize) -> Read {
    let (mut batches, mut rejects) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    for cut in cuts {
        let (head, tail) = rest.split_at((*cut).min(rest.len()));
        decoder.push(head)?;
        collect(&mut decoder, &mut batches, &mut rejects, min_rows);
        rest = tail;
    }
    decoder.push(rest)?;
    decoder.finish()?;
    collect(&mut decoder, &mut batches, &mut rejects, 0);
    Ok(outcome(&decoder, &batches, rejects))
}

/// Decodes `bytes` as stretches that are cut behind these offsets, each in pushes of `piece` bytes and on its own. `None` where that
/// cannot be done, or a stretch does not begin where the one before it ended, or one is at fault: then the file is decoded whole.
pub fn decode_in_stretches(
    contract: &Contract,
    kind: Kind,
    bytes: &[u8],
    cuts: &[usize],
    look_back: usize,
    piece: usize,
) -> Option<Outcome> {
    let header = match kind.format {
        Format::Csv => Some(header_of(contract, bytes)?),
        _ => None,
    };
    let mut begins = vec![(0, 0)];
    for cut in cuts {
        let from = cut.saturating_sub(look_back);
        let mut first = FirstRecord::new(contract, kind.format, header.as_deref(), from as u64, *cut as u64)?;
        let _ = bytes[from..].chunks(piece).all(|piece| first.push(piece));
        if let Some(found) = first.found() {
            begins.push((*cut, found as usize));
        }
    }
    let (mut batches, mut rejects, mut tally, mut end) = (Vec::new(), Vec::new(), Tally::default(), 0);
    for (at, (_, from)) in begins.iter().enumerate() {
        let until = begins.get(at + 1).map_or(bytes.len(), |(cut, _)| *cut);
        let mut decoder = decoder(contract, kind);
        decoder.end_at(until as u64);
        if at > 0 {
            let line = 1 + bytes[..*from].iter().filter(|byte| **byte == b'\n').count() as u64;
            decoder.start_at(Start { offset: *from as u64, line, header: header.as_deref() }).ok()?;
        }
        if *from != end {
            return None;
        }
        for piece in bytes[*from..].chunks(piece) {
            if decoder.ended_at().is_some() {
                break;
            }
            decoder.push(piece).ok()?;
            collect(&mut decoder, &mut batches, &mut rejects, 100);
        }
        decoder.finish().ok()?;
        collect(&mut decoder, &mut batches, &mut rejects, 0);
        tally.add(decoder.tally());
        end = decoder.ended_at()? as usize;
    }
    assert_eq!(end, bytes.len(), "the last stretch ends where the file does");
    let rows = concat_batches(&sales_schema(), &batches).unwrap();
    Some(Outcome { rows, rejects, tally, header })
}

/// The first thing in which two readings differ, if there is one.
pub fn difference(one: &Read, other: &Read) -> Option<String> {
    if one == other {
        return None;
    }
    let (Ok(one), Ok(other)) = (one, other) else {
        return Some(format!("{:?} and {:?}", one.as_ref().err(), other.as_ref().err()));
    };
    if let Some((one, other)) = one.rejects.iter().zip(&other.rejects).find(|(one, other)| one != other) {
        return Some(format!("{one:?} and {other:?}"));
    }
    let columns = one.rows.columns().iter().zip(other.rows.columns());
    for (name, (one, other)) in one.rows.schema().fields().iter().zip(columns) {
        if one != other {
            return Some(format!("{name}: {one:?} and {other:?}"));
        }
    }
    let rejects = (one.rejects.len(), other.rejects.len());
    Some(format!("{:?} and {:?}, {} and {} rejects", one.tally, other.tally, rejects.0, rejects.1))
}
