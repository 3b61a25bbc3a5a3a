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
    Short(Vec<i32>),
    Long(Vec<i64>),
}

impl Unordered {
    pub(super) fn extend(&mut self, values: impl Iterator<Item = i64>) {
        for value in values {
            match self {
                Unordered::Long(long) => long.push(value),
                Unordered::Short(short) => match i32::try_from(value) {
                    Ok(value) => short.push(value),
                    Err(_) => {
                        let mut long: Vec<i64> = short.iter().map(|value| i64::from(*value)).collect();
                        long.push(value);
                        *self = Unordered::Long(long);
                    }
                },
            }
        }
    }

    pub(super) fn get(&self, row: usize) -> i64 {
        match self {
            Unordered::Short(short) => i64::from(short[row]),
            Unordered::Long(long) => long[row],
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Unordered::Short(short) => short.capacity() * 4,
            Unordered::Long(long) => long.capacity() * 8,
        }
    }
}
