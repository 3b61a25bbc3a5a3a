//! Loading a dimension's file: what it states is kept with the day from which on it holds, and the table shows the newest.

use super::mark;
use super::shape::FROM_FILE;
use super::state::Stating;
use super::tables::Shelf;
use super::{Put, day, holding};
use crate::Point;
use crate::publish::shape as misshapen;
use crate::shop::Pipeline;
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use serde::Serialize;
use std::path::Path;
use tillmart_database::{Dimension, Upserted, rows_of_csv};
use tillmart_model::{DataFile, Fault, FaultKind, Result};

/// What a load did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Rows that the dimension's table did not have.
    pub added: u64,
    /// Rows that it had with other values.
    pub changed: u64,
    /// Rows that it had just so, or that changed nothing about today.
    pub unchanged: u64,
}

impl From<Upserted> for Loaded {
    fn from(upserted: Upserted) -> Loaded {
        Loaded { added: upserted.added, changed: upserted.changed, unchanged: upserted.unchanged }
    }
}

impl Pipeline {
    /// Loads a dimension's CSV file: its rows hold from the day `as_of` on, which is today if none is given, until the day of a later
    /// statement about the same column of the same row. The dimension's table shows what holds today.
    ///
    /// # Errors
    /// `Settings` for a faulty file, all its faults at once, and for a day to come; `Busy` while somebody else changes the
    /// history; otherwise what database or store cannot do. A load that broke off is finished by the next run or load.
    pub async fn load_dimension(&self, dimension: Dimension, file: &Path, as_of: Option<NaiveDate>) -> Result<Loaded> {
        self.seams.schema.check().await?;
        let today = self.seams.clock.today(self.options.time_zone);
        let from = as_of.unwrap_or(today);
        if from > today {
            return Err(Fault::new(FaultKind::Settings, "a dimension cannot be loaded as of a day to come")
                .expected(format!("a day up to {today}, today in the feed's time zone"))
                .found(from)
                .hint("load it when the day has come"));
        }
        let rows = rows_of_csv(dimension, file)?;
        let held = self.hold_history().await?;
        let loaded = self.load(dimension, (file, &rows), from, from == today).await;
        drop(rows);
        if loaded.is_ok() {
            // The next run need not compare the table then. It does where this breaks off: what was loaded is kept already.
            let _ = self.look_over(dimension).await;
        }
        held.release().await?;
        loaded
    }

    /// Compares the table with its history, and marks them as equal.
    async fn look_over(&self, dimension: Dimension) -> Result<bool> {
        let table = self.seams.dimensions.read(dimension).await?;
        self.notice(dimension, &table).await
    }

    async fn load(
        &self,
        dimension: Dimension,
        (file, rows): (&Path, &RecordBatch),
        from: NaiveDate,
        is_today: bool,
    ) -> Result<Loaded> {
        // What the table shows by now was true before this file is: it is stated first.
        let table = self.seams.dimensions.read(dimension).await?;
        if self.notice(dimension, &table).await? {
            let table = self.seams.dimensions.read(dimension).await?;
            self.notice(dimension, &table).await?;
        }
        drop(table);
        let shelf = self.shelf(dimension).await?;
        let stated = self.state_file(&shelf, rows, day(from)).await?;
        let mut loaded = Loaded { added: 0, changed: 0, unchanged: rows.num_rows() as u64 };
        if is_today {
            loaded = match self.seams.dimensions.load_csv(dimension, file).await {
                Ok(upserted) => upserted.into(),
                Err(fault) => {
                    if let Some(file) = &stated {
                        let shelf = self.shelf(dimension).await?;
                        self.withdraw(&shelf, file).await?;
                        self.settle(&self.shelf(dimension).await?, Some(Put::Followed)).await?;
                    }
                    return Err(fault);
                }
            };
        }
        if stated.is_none() {
            return Ok(loaded);
        }
        let put = if is_today { Put::Followed } else { Put::All };
        let shown = self.settle(&self.shelf(dimension).await?, Some(put)).await?;
        if !is_today {
            loaded = Loaded {
                added: shown.added,
                changed: shown.changed,
                unchanged: (rows.num_rows() as u64).saturating_sub(shown.added + shown.changed),
            };
        }
        Ok(loaded)
    }

    /// Keeps what a file states. `None` when the very same was stated before, and holds.
    async fn state_file(&self, shelf: &Shelf, rows: &RecordBatch, from: i32) -> Result<Option<DataFile>> {
        let holding = holding(&self.versions(shelf).await?, from)?;
        let digest = mark::of(rows);
        let (dimension, sequence) = (shelf.dimension, shelf.stated + 1);
        let stating = Stating { dimension, sequence, valid_from: from, origin: FROM_FILE, digest: &digest };
        let stated = stating.of_file(rows, &holding).map_err(misshapen)?;
        if !stated.is_news && self.was_stated(shelf, &digest, from).await? {
            return Ok(None);
        }
        let file = self.state(shelf, &stated.rows, sequence).await?;
        self.observer.reached(Point::Stated);
        Ok(Some(file))
    }
}
