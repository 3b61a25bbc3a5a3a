//! How columns are held while a file is open.

use tillmart_feed::UNKNOWN;

/// Rows of a dimension table, in as few bytes as they need.
pub(super) enum Codes {
    /// So many rows, all of them the same.
    Same(u32, usize),
    /// [`UNKNOWN`] is the greatest 16-bit number.
    Short(Vec<u16>),
    Long(Vec<u32>),
}

impl Codes {
    pub(super) fn new() -> Codes {
        Codes::Same(0, 0)
    }

    /// Appends codes.
    pub(super) fn extend(&mut self, codes: impl ExactSizeIterator<Item = u32> + Clone) {
        if let Codes::Same(code, rows) = self {
            let same = if *rows == 0 { codes.clone().next().unwrap_or(0) } else { *code };
            if codes.clone().all(|code| code == same) {
                (*code, *rows) = (same, *rows + codes.len());
                return;
            }
            *self = if same == UNKNOWN || same < u32::from(u16::MAX) {
                Codes::Short(vec![same as u16; *rows])
            } else {
                Codes::Long(vec![same; *rows])
            };
        }
        if let Codes::Short(short) = self {
            if codes.clone().all(|code| code == UNKNOWN || code < u32::from(u16::MAX)) {
                short.extend(codes.map(|code| code as u16));
                return;
            }
            let widened = |code: &u16| if *code == u16::MAX { UNKNOWN } else { u32::from(*code) };
            *self = Codes::Long(short.iter().map(widened).collect());
        }
        if let Codes::Long(long) = self {
            long.extend(codes);
        }
    }

    /// Appends all codes to `out`.
    pub(super) fn widen(&self, out: &mut Vec<u32>) {
        match self {
            Codes::Same(code, rows) => out.extend(std::iter::repeat_n(*code, *rows)),
            Codes::Short(codes) => {
                out.extend(codes.iter().map(|code| if *code == u16::MAX { UNKNOWN } else { u32::from(*code) }));
            }
            Codes::Long(codes) => out.extend_from_slice(codes),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Codes::Same(..) => 0,
            Codes::Short(codes) => codes.capacity() * 2,
            Codes::Long(codes) => codes.capacity() * 4,
        }
    }
}

/// Integers of a file whose rows are put in order at its end, in 32 bits as long as they fit.
pub(super) enum Unordered {
    /// So many rows, all of them the same.
    Same(i64, usize),
    Short(Vec<i32>),
    Long(Vec<i64>),
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
                Ok(same) => Unordered::Short(vec![same; *rows]),
                Err(_) => Unordered::Long(vec![same; *rows]),
            };
        }
        if let Unordered::Short(short) = self {
            if values.clone().all(|value| i32::try_from(value).is_ok()) {
                short.extend(values.map(|value| value as i32));
                return;
            }
            *self = Unordered::Long(short.iter().map(|value| i64::from(*value)).collect());
        }
        if let Unordered::Long(long) = self {
            long.extend(values);
        }
    }

    pub(super) fn get(&self, row: usize) -> i64 {
        match self {
            Unordered::Same(value, _) => *value,
            Unordered::Short(short) => i64::from(short[row]),
            Unordered::Long(long) => long[row],
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Unordered::Same(..) => 0,
            Unordered::Short(short) => short.capacity() * 4,
            Unordered::Long(long) => long.capacity() * 8,
        }
    }
}
