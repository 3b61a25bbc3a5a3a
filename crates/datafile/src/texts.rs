//! Text columns that hardly repeat: transaction ids, extra columns.

use crate::levels::Presence;
use crate::page::{Column, PAGE_ROWS, Page, Snappy};
use parquet::basic::Encoding;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// Bytes of text after which a page ends before it is full of rows.
const PAGE_BYTES: usize = 1 << 20;

/// A growing text column.
#[derive(Default)]
pub struct Texts {
    plain: Vec<u8>,
    presence: Presence,
    pages: Vec<Page>,
    snappy: Snappy,
    page_bytes: usize,
    nulls: usize,
}

impl Texts {
    /// Appends texts and NULLs.
    pub fn extend<'t>(&mut self, texts: impl Iterator<Item = Option<&'t str>>) {
        for text in texts {
            self.presence.push(text.is_some());
            if let Some(text) = text {
                self.plain.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                self.plain.extend_from_slice(text.as_bytes());
            }
            if self.presence.rows() == PAGE_ROWS || self.plain.len() >= PAGE_BYTES {
                self.end_page();
            }
        }
    }

    /// Appends NULLs.
    pub fn extend_nulls(&mut self, mut rows: usize) {
        while rows > 0 {
            let some = rows.min(PAGE_ROWS - self.presence.rows());
            self.presence.push_none(some);
            rows -= some;
            if self.presence.rows() == PAGE_ROWS {
                self.end_page();
            }
        }
    }

    fn end_page(&mut self) {
        let mut body = Vec::with_capacity(self.plain.len() + 64);
        let (rows, nulls) = self.presence.take(&mut body);
        body.append(&mut self.plain);
        let page = self.snappy.page(&body, rows, Encoding::PLAIN);
        self.page_bytes += page.bytes.len();
        self.pages.push(page);
        self.nulls += nulls;
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.page_bytes + self.plain.capacity()
    }

    /// The finished column.
    pub fn finish(mut self) -> Column {
        if self.presence.rows() > 0 || self.pages.is_empty() {
            self.end_page();
        }
        let nulls = Some(self.nulls as u64);
        Column::of_pages(
            None,
            self.pages,
            Some(Statistics::ByteArray(ValueStatistics::new(None, None, None, nulls, false))),
        )
    }
}
