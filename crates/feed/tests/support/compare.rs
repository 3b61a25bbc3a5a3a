//! One file read in several ways, which must all come to the same.

use super::{Outcome, collect, outcome};
use tillmart_feed::SalesDecoder;
use tillmart_model::FileFault;

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
