//! Sales files.

use crate::aside::foreign_files;
use crate::chance::{Chance, Use};
use crate::dirt::{self, DirtyRows, reasons};
use crate::layout::{SalesFile, files_without_price, sales_files};
use crate::row::{Sale, header};
use crate::shop::Shop;
use crate::write::Writer;
use crate::{OutputFormat, Plan};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_model::{Result, RowReason};

/// What was made, so that a run over it can be held against it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// Loadable sales files.
    pub files: u64,
    /// Rows in them, dirty ones included.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Dirty rows by the reason with which the default contract rejects them.
    pub dirty_by_reason: BTreeMap<RowReason, u64>,
    /// Clean rows without a customer.
    pub rows_anonymous: u64,
    /// Clean rows that are returns.
    pub rows_returned: u64,
    /// Sum of `total_cost` of the clean rows, in cents.
    pub money_cents: i128,
    /// Files that carry the extra column.
    pub files_with_extra_column: u64,
    /// Files without the mandatory column `price`; not among `files`, `rows` and `bytes`.
    pub files_without_price: u64,
    /// Files of foreign types; not among `files` and `bytes`.
    pub files_foreign: u64,
}

impl Made {
    /// Dirty rows of every reason.
    pub fn rows_dirty(&self) -> u64 {
        self.dirty_by_reason.values().sum()
    }

    fn add(&mut self, other: &Made) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.rows_anonymous += other.rows_anonymous;
        self.rows_returned += other.rows_returned;
        self.money_cents += other.money_cents;
        self.files_with_extra_column += other.files_with_extra_column;
        self.files_without_price += other.files_without_price;
        self.files_foreign += other.files_foreign;
        for (reason, rows) in &other.dirty_by_reason {
            *self.dirty_by_reason.entry(*reason).or_default() += rows;
        }
    }
}

/// Some consecutive rows of one file, with the header before the first.
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) made: Made,
}

/// Rows of a chunk: about a megabyte, small against memory and large against the cost of handing it over.
const CHUNK_ROWS: u64 = 16_384;

/// Makes all files of the plan below `prefix`: loadable ones, those without a mandatory column, and foreign ones.
///
/// `progress` is told, as it goes, how many bytes have been handed to the store since it was last told. What lies at the same paths is
/// overwritten. Files appear when they are complete.
///
/// # Errors
/// `Settings` if the plan cannot be made, `Store` with the path if the store refuses.
pub async fn sales(
    plan: &Plan,
    store: Arc<dyn ObjectStore>,
    prefix: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Made> {
    plan.check()?;
    let shop = Arc::new(Shop::of(plan));
    let writer = Writer::new(store, prefix.clone(), plan.threads);
    let loadable = sales_files(&shop).into_iter().map(|file| (file, true));
    let refused = files_without_price(&shop).into_iter().map(|file| (file, false));
    let (shop, writer) = (&shop, &writer);
    let mut made = stream::iter(loadable.chain(refused))
        .map(|(file, loadable)| async move {
            let made = sales_file(shop, Arc::new(file), writer, progress).await?;
            Ok(if loadable { made } else { Made { files_without_price: 1, ..Made::default() } })
        })
        .buffer_unordered(plan.threads.get())
        .try_fold(Made::default(), async |mut all, one| {
            all.add(&one);
            Ok(all)
        })
        .await?;
    for (path, content) in foreign_files(shop) {
        writer.put(&path, content, progress).await?;
        made.files_foreign += 1;
    }
    Ok(made)
}

/// Makes one file, its chunks in parallel.
async fn sales_file(
    shop: &Arc<Shop>,
    file: Arc<SalesFile>,
    writer: &Writer,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Made> {
    let mut made = Made { files: 1, files_with_extra_column: file.extra.into(), ..Made::default() };
    let chunks = (0..file.rows.div_ceil(CHUNK_ROWS)).map(|number| {
        let (shop, file) = (Arc::clone(shop), Arc::clone(&file));
        move || {
            let first = number * CHUNK_ROWS;
            let rows = CHUNK_ROWS.min(file.rows - first);
            let mut chance = Chance::of(shop.sales_seed, Use::Sales, file.first_row + first);
            let Chunk { bytes, made } = chunk(&shop, &file, first, rows, &mut chance);
            (Bytes::from(bytes), made)
        }
    });
    writer.file(&file.path, chunks, |chunk: Made| made.add(&chunk), progress).await?;
    Ok(made)
}

/// Makes `rows` rows of a file from its row `first` on (counted within the file).
pub(crate) fn chunk(shop: &Shop, file: &SalesFile, first: u64, rows: u64, chance: &mut Chance) -> Chunk {
    let mut made = Made { rows, ..Made::default() };
    let mut out = Vec::with_capacity(rows as usize * if shop.plan.format == OutputFormat::Csv { 88 } else { 200 });
    if first == 0 && shop.plan.format == OutputFormat::Csv {
        out.extend_from_slice(header(file).as_bytes());
    }
    let start = file.first_row + first;
    let mut dirty_rows = DirtyRows::from(shop, start);
    // A file without `price` is refused as it is: dirt in it would prove nothing.
    let mut dirty = if file.has_price { dirty_rows.next(start) } else { None };
    for row in start..start + rows {
        let sale = Sale::draw(shop, file, chance);
        if let Some((_, number)) = dirty.filter(|(at, _)| *at == row) {
            let reasons = reasons(shop.plan.format);
            let turns = reasons.len() as u64;
            let reason = reasons[(number % turns) as usize];
            dirt::write(&sale, shop, file, reason, number / turns, &mut out);
            *made.dirty_by_reason.entry(reason).or_default() += 1;
            dirty = dirty_rows.next(row + 1);
            continue;
        }
        sale.write(shop, file, &mut out);
        made.rows_anonymous += u64::from(sale.customer.is_none());
        made.rows_returned += u64::from(sale.quantity < 0);
        made.money_cents += i128::from(sale.total_cents);
    }
    made.bytes = out.len() as u64;
    Chunk { bytes: out, made }
}
