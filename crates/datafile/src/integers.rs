//! Integer columns, packed block by block as they grow (DELTA_BINARY_PACKED of the Parquet format): ids, dates, line numbers
//! and money hold few bits each, and no dictionary has to be looked into.

use crate::bits::{LANE, PACK_ROOM, pack, varint, width_of, zigzag};
use crate::chunks::Chunks;
use crate::levels::Presence;
use crate::page::{Column, LITERAL_MAX, PAGE_ROWS, Page, Snappy, begin_stored};
use parquet::basic::Encoding;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// Values of a block, and miniblocks in it: the smallest that the format allows.
const BLOCK: usize = 128;
const MINIBLOCKS: usize = BLOCK / LANE;

/// The longest block: its least difference, four widths, and 128 values of 64 bits.
const BLOCK_BYTES_MAX: usize = 10 + MINIBLOCKS + BLOCK * 8;

/// What a block is kept as.
struct Differences {
    /// Least and greatest value.
    low: i64,
    high: i64,
    /// Least difference of a value to the one before it.
    least: i64,
    /// How much greater each difference is; zero behind the last.
    above: [[u64; LANE]; MINIBLOCKS],
    /// All bits that are set in each miniblock of them.
    bits: [u64; MINIBLOCKS],
}

impl Differences {
    /// Of the first values of a block, at least one. Differences wrap in the column's own width, as the format asks for.
    fn of(block: &[i64; BLOCK + 1], filled: usize, width: Width) -> Differences {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "the machine was asked for just what the function is compiled for")]
            // SAFETY: the feature is there; the function has no other condition.
            return unsafe { Differences::of_wide(block, filled, width) };
        }
        Differences::of_any(block, filled, width)
    }

    /// The same, compiled for wide vectors.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn of_wide(block: &[i64; BLOCK + 1], filled: usize, width: Width) -> Differences {
        Differences::of_any(block, filled, width)
    }

    #[inline(always)]
    fn of_any(block: &[i64; BLOCK + 1], filled: usize, width: Width) -> Differences {
        match width {
            Width::Int32 => Differences::wrapping(block, filled, |wide| i64::from(wide as i32), u64::from(u32::MAX)),
            Width::Int64 => Differences::wrapping(block, filled, |wide| wide, u64::MAX),
        }
    }

    #[inline(always)]
    fn wrapping(block: &[i64; BLOCK + 1], filled: usize, wrap: impl Fn(i64) -> i64, mask: u64) -> Differences {
        let filled = filled.min(BLOCK);
        let (values, before) = (&block[1..=filled], &block[..filled]);
        let (mut low, mut high, mut least) = (i64::MAX, i64::MIN, i64::MAX);
        let mut above = [[0; LANE]; MINIBLOCKS];
        for ((slot, value), before) in above.as_flattened_mut().iter_mut().zip(values).zip(before) {
            let difference = wrap(value.wrapping_sub(*before));
            low = low.min(*value);
            high = high.max(*value);
            least = least.min(difference);
            *slot = difference.cast_unsigned();
        }
        for slot in &mut above.as_flattened_mut()[..filled] {
            *slot = slot.wrapping_sub(least.cast_unsigned()) & mask;
        }
        let bits = above.map(|lane| lane.iter().fold(0, |all, value| all | value));
        Differences { low, high, least, above, bits }
    }
}

/// The physical type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// INT32: int32, date.
    Int32,
    /// INT64: int64, decimals of up to 18 digits.
    Int64,
}

/// A growing integer column.
pub struct Integers {
    width: Width,
    /// The value before the block, then the block's values.
    block: Box<[i64; BLOCK + 1]>,
    filled: usize,
    /// Values of the page so far, those of the open block counted.
    values: usize,
    first: i64,
    encoded: Chunks<u8>,
    presence: Presence,
    pages: Vec<Page>,
    snappy: Snappy,
    page_bytes: usize,
    rows: usize,
    nulls: usize,
    bounds: Option<(i64, i64)>,
}

impl Integers {
    /// An empty column.
    pub fn new(width: Width) -> Integers {
        Integers {
            width,
            block: Box::new([0; BLOCK + 1]),
            filled: 0,
            values: 0,
            first: 0,
            encoded: Chunks::default(),
            presence: Presence::default(),
            pages: Vec::new(),
            snappy: Snappy::default(),
            page_bytes: 0,
            rows: 0,
            nulls: 0,
            bounds: None,
        }
    }

    /// Appends values. Of an INT32 column they must fit 32 bits.
    #[inline]
    pub fn extend(&mut self, mut values: impl Iterator<Item = i64>) {
        loop {
            if self.values == 0 {
                let Some(first) = values.next() else { return };
                self.value(first);
                self.presence.push(true);
            }
            // As many as fit both the block and the page, without a look at either for each.
            let room = (BLOCK - self.filled).min(PAGE_ROWS - self.presence.rows());
            let slots = &mut self.block[self.filled + 1..=self.filled + room];
            let mut added = 0;
            for (slot, value) in slots.iter_mut().zip(values.by_ref()) {
                *slot = value;
                added += 1;
            }
            self.filled += added;
            self.values += added;
            self.presence.push_all(added);
            if self.filled == BLOCK {
                self.end_block();
            }
            if self.presence.rows() == PAGE_ROWS {
                self.end_page();
            }
            if added < room {
                return;
            }
        }
    }

    /// Appends values and NULLs.
    #[inline]
    pub fn extend_nullable(&mut self, mut values: impl Iterator<Item = Option<i64>>) {
        let mut present = [0_i64; 64];
        loop {
            let (mut bits, mut rows, mut count) = (0_u64, 0, 0);
            let room = (PAGE_ROWS - self.presence.rows()).min(64);
            for value in values.by_ref().take(room) {
                // Written in any case, and kept if it is one: no branch that cannot be foretold.
                present[count] = value.unwrap_or_default();
                count += usize::from(value.is_some());
                bits |= u64::from(value.is_some()) << rows;
                rows += 1;
            }
            self.presence.push_bits(bits, rows);
            self.present(&present[..count]);
            if self.presence.rows() == PAGE_ROWS {
                self.end_page();
            }
            if rows < room {
                return;
            }
        }
    }

    /// Values of rows that are known to be there.
    fn present(&mut self, mut values: &[i64]) {
        if self.values == 0
            && let Some((first, others)) = values.split_first()
        {
            self.value(*first);
            values = others;
        }
        while !values.is_empty() {
            let (now, later) = values.split_at(values.len().min(BLOCK - self.filled));
            self.block[self.filled + 1..=self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            self.values += now.len();
            if self.filled == BLOCK {
                self.end_block();
            }
            values = later;
        }
    }

    #[inline]
    fn value(&mut self, value: i64) {
        if self.values == 0 {
            self.first = value;
            self.block[0] = value;
            self.values = 1;
            self.note(value, value);
            return;
        }
        self.filled += 1;
        self.values += 1;
        self.block[self.filled] = value;
        if self.filled == BLOCK {
            self.end_block();
        }
    }

    fn note(&mut self, low: i64, high: i64) {
        self.bounds = Some(self.bounds.map_or((low, high), |(least, most)| (least.min(low), most.max(high))));
    }

    fn end_block(&mut self) {
        if self.filled == 0 {
            return;
        }
        let differences = Differences::of(&self.block, self.filled, self.width);
        self.note(differences.low, differences.high);
        let mut encoded = Vec::with_capacity(BLOCK_BYTES_MAX);
        zigzag(&mut encoded, differences.least);
        let widths_at = encoded.len();
        encoded.extend_from_slice(&[0; MINIBLOCKS]);
        let mut packed = [0; PACK_ROOM];
        for (at, lane) in differences.above.iter().take(self.filled.div_ceil(LANE)).enumerate() {
            let width = width_of(differences.bits[at]);
            encoded[widths_at + at] = width as u8;
            let bytes = pack(&mut packed, lane, width);
            encoded.extend_from_slice(&packed[..bytes]);
        }
        self.encoded.extend_from_slice(&encoded);
        self.block[0] = self.block[self.filled];
        self.filled = 0;
    }

    fn end_page(&mut self) {
        self.end_block();
        let mut head = Vec::with_capacity(64);
        let (rows, nulls) = self.presence.take(&mut head);
        // A page of NULLs is told by its levels alone.
        let encoding = if self.values == 0 { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
        if self.values > 0 {
            varint(&mut head, BLOCK as u64);
            varint(&mut head, MINIBLOCKS as u64);
            varint(&mut head, self.values as u64);
            zigzag(&mut head, self.first);
        }
        let length = head.len() + self.encoded.len();
        let page = if self.snappy.is_stored() && length <= LITERAL_MAX {
            let mut stored = begin_stored(length);
            stored.extend_from_slice(&head);
            self.encoded.drain_into(&mut stored);
            Page { bytes: stored.into(), uncompressed: length, values: rows as u32, encoding }
        } else {
            self.encoded.drain_into(&mut head);
            self.snappy.page(&head, rows, encoding)
        };
        self.page_bytes += page.bytes.len();
        self.pages.push(page);
        self.rows += rows;
        self.nulls += nulls;
        self.values = 0;
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows + self.presence.rows()
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.page_bytes + self.encoded.memory() + (BLOCK + 1) * 8 + size_of::<Integers>()
    }

    /// The finished column, with least and greatest value and number of NULLs.
    pub fn finish(mut self) -> Column {
        if self.presence.rows() > 0 || self.pages.is_empty() {
            self.end_page();
        }
        let nulls = Some(self.nulls as u64);
        let (low, high) = (self.bounds.map(|bounds| bounds.0), self.bounds.map(|bounds| bounds.1));
        let statistics = match self.width {
            Width::Int32 => Statistics::Int32(ValueStatistics::new(
                low.map(|value| value as i32),
                high.map(|value| value as i32),
                None,
                nulls,
                false,
            )),
            Width::Int64 => Statistics::Int64(ValueStatistics::new(low, high, None, nulls, false)),
        };
        Column::of_pages(None, self.pages, Some(statistics))
    }
}
