//! How columns are held while a file is open.

use super::shape::{Lookup, PlainShape};
use tillmart_datafile::Chunks;
use tillmart_feed::{ANONYMOUS, Sales, UNKNOWN};

fn repeated<T: Copy>(value: T, rows: usize) -> Chunks<T> {
    let mut chunks = Chunks::default();
    chunks.extend(std::iter::repeat_n(value, rows));
    chunks
}

fn widened(code: u16) -> u32 {
    if code == u16::MAX { UNKNOWN } else { u32::from(code) }
}

/// Whether 16 bits hold a code.
fn is_short(code: u32) -> bool {
    code == UNKNOWN || code < u32::from(u16::MAX)
}

/// What holds for all sales of a batch, so that no file asks its rows for it.
pub(super) struct Seen {
    /// Look-ups that did not find some row.
    pub(super) some_unknown: [bool; Lookup::COUNT],
    /// Look-ups whose rows 16 bits hold.
    pub(super) all_short: [bool; Lookup::COUNT],
}

impl Seen {
    pub(super) fn of(shape: &PlainShape, sales: &Sales) -> Seen {
        let mut seen = Seen { some_unknown: [false; Lookup::COUNT], all_short: [false; Lookup::COUNT] };
        for (lookup, is_coded) in Lookup::EACH.into_iter().zip(shape.coded) {
            if is_coded {
                let found = lookup.found(sales);
                seen.some_unknown[lookup as usize] = found.contains(&UNKNOWN);
                seen.all_short[lookup as usize] = shape.former[lookup as usize].is_none()
                    && found.iter().fold(true, |all, code| all & (*code == ANONYMOUS || is_short(*code)));
            }
        }
        seen
    }
}

/// Rows of a dimension table, in as few bytes as they need.
pub(super) enum Codes {
    /// So many rows, all of them the same.
    Same(u32, usize),
    /// [`UNKNOWN`] is the greatest 16-bit number.
    Short(Chunks<u16>),
    Long(Chunks<u32>),
}

impl Codes {
    pub(super) fn new() -> Codes {
        Codes::Same(0, 0)
    }

    /// Appends codes. `are_short` tells that 16 bits hold them all.
    pub(super) fn extend(&mut self, codes: impl ExactSizeIterator<Item = u32> + Clone, are_short: bool) {
        if let Codes::Same(code, rows) = self {
            let same = if *rows == 0 { codes.clone().next().unwrap_or(0) } else { *code };
            if codes.clone().all(|code| code == same) {
                (*code, *rows) = (same, *rows + codes.len());
                return;
            }
            *self = if is_short(same) {
                Codes::Short(repeated(same as u16, *rows))
            } else {
                Codes::Long(repeated(same, *rows))
            };
        }
        if let Codes::Short(short) = self {
            if are_short || codes.clone().all(is_short) {
                short.extend(codes.map(|code| code as u16));
                return;
            }
            let mut long = Chunks::default();
            long.extend(short.iter().map(widened));
            *self = Codes::Long(long);
        }
        if let Codes::Long(long) = self {
            long.extend(codes);
        }
    }

    /// Number of codes.
    pub(super) fn len(&self) -> usize {
        match self {
            Codes::Same(_, rows) => *rows,
            Codes::Short(codes) => codes.len(),
            Codes::Long(codes) => codes.len(),
        }
    }

    /// Appends all codes to `out`.
    pub(super) fn widen(&self, out: &mut Vec<u32>) {
        match self {
            Codes::Same(code, rows) => out.extend(std::iter::repeat_n(*code, *rows)),
            Codes::Short(codes) => {
                out.extend(codes.iter().map(widened));
            }
            Codes::Long(codes) => out.extend(codes.iter()),
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        match self {
            Codes::Same(..) => 0,
            Codes::Short(codes) => codes.memory(),
            Codes::Long(codes) => codes.memory(),
        }
    }
}

/// Integers of a file whose rows are put in order at its end, in 32 bits as long as they fit.
pub(super) enum Unordered {
    /// So many rows, all of them the same.
    Same(i64, usize),
    Short(Chunks<i32>),
    Long(Chunks<i64>),
}

impl Unordered {
    pub(super) fn new() -> Unordered {
        Unordered::Same(0, 0)
    }

    pub(super) fn extend(&mut self, values: impl Iterator<Item = i64> + Clone) {
        if let Unordered::Same(value, rows) = self {
            let same = if *rows == 0 { values.clone().next().unwrap_or(0) } else { *value };
            if values.clone().all(|value| value == same) {
                (*value, *rows) = (same, *rows + values.count());
                return;
            }
            *self = match i32::try_from(same) {
                Ok(same) => Unordered::Short(repeated(same, *rows)),
                Err(_) => Unordered::Long(repeated(same, *rows)),
            };
        }
        if let Unordered::Short(short) = self {
            if values.clone().all(|value| i32::try_from(value).is_ok()) {
                short.extend(values.map(|value| value as i32));
                return;
            }
            let mut long = Chunks::default();
            long.extend(short.iter().map(i64::from));
            *self = Unordered::Long(long);
        }
        if let Unordered::Long(long) = self {
            long.extend(values);
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Unordered::Same(..) => 0,
            Unordered::Short(short) => short.memory(),
            Unordered::Long(long) => long.memory(),
        }
    }
}
