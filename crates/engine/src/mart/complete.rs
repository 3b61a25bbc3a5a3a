//! Completing landed rows: attributes whose dimension row was unknown when a sale landed, and is known now.
//!
//! A row is completed from itself and today's dimension tables: its keys are among its columns. What it had found when it landed
//! stays as it was found then, and no row comes or goes.

use super::RowMart;
use super::row::Source;
use crate::dimensions::DimensionTables;
use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::kernels::cmp::{distinct, not_distinct};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and, is_not_null, or};
use datafusion::common::Result as PlanResult;
use std::sync::Arc;

impl RowMart {
    /// Whether rows of this mart can be completed from themselves; else why not, in words.
    ///
    /// # Errors
    /// A filter or a partition that looks at an attribute (rows would come, go or move), and a key or column of a computed
    /// attribute that is not among the mart's columns.
    pub fn completable(&self) -> Result<(), String> {
        if self.filtered_by.iter().any(|source| self.is_looked(*source)) {
            return Err("its WHERE looks at an attribute of a dimension, so rows may come and go".to_owned());
        }
        let of = self.bucket.iter().map(|bucket| bucket.of.as_str());
        for name in self.partition_by.iter().map(String::as_str).chain(of) {
            let output = self.schema.index_of(name).unwrap_or(usize::MAX);
            if self.made_from.get(output).is_some_and(|sources| sources.iter().any(|source| self.is_looked(*source))) {
                return Err(format!("it is partitioned by {name}, an attribute of a dimension, so rows may move"));
            }
        }
        for column in self.needed() {
            if self.carried(column).is_none() {
                let landing = super::landing_schema();
                let name = landing.field(column).name();
                return Err(format!("{name} is not among its columns, by which its rows would be completed"));
            }
        }
        Ok(())
    }

    /// Whether a data file may hold rows to be completed, told by how many NULLs its columns have.
    pub fn may_be_incomplete(&self, nulls: &dyn Fn(&str) -> Option<u64>) -> bool {
        (0..self.lookups.len()).any(|lookup| {
            let shown = self.shown(lookup);
            let is_plain = |output: &usize| self.plain[*output].is_some();
            !shown.is_empty()
                && shown
                    .iter()
                    .filter(|output| is_plain(output))
                    .all(|output| nulls(self.schema.field(*output).name()) != Some(0))
        })
    }

    /// The same rows with what is known by now, and how many rows that changed; `None` where nothing did.
    ///
    /// A look-up is completed where all that the row shows of it is as if its dimension row were unknown.
    ///
    /// # Errors
    /// An expression that fails on these rows.
    pub fn complete(&self, rows: &RecordBatch, dimensions: &DimensionTables) -> PlanResult<Option<(RecordBatch, u64)>> {
        let found = self.found(rows, dimensions, true)?;
        let today = self.wide(rows, |lookup, column| self.looked(lookup, column, dimensions, &found[lookup]))?;
        let nowhere = UInt32Array::new_null(rows.num_rows());
        let blank = self.wide(rows, |lookup, column| self.looked(lookup, column, dimensions, &nowhere))?;
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        let mut changed = BooleanArray::from(vec![false; rows.num_rows()]);
        for (lookup, found) in found.iter().enumerate() {
            let mut unknown = is_not_null(found)?;
            let mut differs = BooleanArray::from(vec![false; rows.num_rows()]);
            for output in self.shown(lookup) {
                let stored = rows.column(output);
                unknown = and(&unknown, &not_distinct(stored, &self.output(output, &blank)?)?)?;
                differs = or(&differs, &distinct(stored, &self.output(output, &today)?)?)?;
            }
            let completed = and(&unknown, &differs)?;
            if completed.true_count() == 0 {
                continue;
            }
            for output in self.showing(lookup) {
                columns[output] = zip(&completed, &self.output(output, &today)?, &columns[output])?;
            }
            changed = or(&changed, &completed)?;
        }
        match changed.true_count() as u64 {
            0 => Ok(None),
            count => Ok(Some((RecordBatch::try_new(rows.schema(), columns)?, count))),
        }
    }

    /// The column of the sale ([`super::landing_schema`]) that this mart does not carry under its own name and as it is, if there
    /// is one: marts that are added later are filled from a mart that carries them all.
    pub fn lacks(&self) -> Option<String> {
        let landing = super::landing_schema();
        let is_carried = |column: usize| {
            let output = self.schema.index_of(landing.field(column).name()).ok();
            let source = output.and_then(|output| self.plain.get(output).copied().flatten());
            source.is_some_and(|source| self.sources[source] == Source::Sale(column))
        };
        (0..landing.fields().len())
            .find(|column| !is_carried(*column))
            .map(|column| landing.field(column).name().clone())
    }

    /// Columns that show what was looked up as it is. One that is added to a mart is NULL in rows that had landed, as if nothing had been
    /// found, until they are completed.
    pub fn attributes(&self) -> Vec<String> {
        let is_one = |output: &usize| self.plain[*output].is_some_and(|source| self.is_looked(source));
        (0..self.plain.len()).filter(is_one).map(|output| self.schema.field(output).name().clone()).collect()
    }

    fn is_looked(&self, source: usize) -> bool {
        matches!(self.sources[source], Source::Looked { .. })
    }

    /// Outputs that are made from a look-up's columns.
    fn showing(&self, lookup: usize) -> Vec<usize> {
        let is_of = |source: &usize| matches!(self.sources[*source], Source::Looked { lookup: of, .. } if of == lookup);
        (0..self.made_from.len()).filter(|output| self.made_from[*output].iter().any(is_of)).collect()
    }

    /// Outputs that tell whether a look-up found something: its columns as they are, or, where the mart has none, what is
    /// computed from them.
    fn shown(&self, lookup: usize) -> Vec<usize> {
        let showing = self.showing(lookup);
        let plain: Vec<usize> = showing.iter().copied().filter(|output| self.plain[*output].is_some()).collect();
        if plain.is_empty() { showing } else { plain }
    }

    /// The output that carries a column of the sale as it is.
    pub(super) fn carried(&self, column: usize) -> Option<usize> {
        let is_it = |source: &Option<usize>| source.is_some_and(|source| self.sources[source] == Source::Sale(column));
        self.plain.iter().position(is_it)
    }

    /// Columns of the sale without which rows cannot be completed.
    fn needed(&self) -> Vec<usize> {
        let keys = self.lookups.iter().map(|lookup| &lookup.key);
        let computed = (0..self.lookups.len()).flat_map(|lookup| self.showing(lookup));
        let sources = computed.flat_map(|output| &self.made_from[output]).map(|source| &self.sources[*source]);
        keys.chain(sources)
            .filter_map(|source| match source {
                Source::Sale(column) => Some(*column),
                Source::Looked { .. } => None,
            })
            .collect()
    }

    /// What every look-up finds today. A key that is itself an attribute is the one that the row has, where it has one and it is to stay.
    pub(super) fn found(
        &self,
        rows: &RecordBatch,
        dimensions: &DimensionTables,
        stays: bool,
    ) -> PlanResult<Vec<UInt32Array>> {
        let mut found: Vec<UInt32Array> = Vec::with_capacity(self.lookups.len());
        for lookup in &self.lookups {
            let keys = match &lookup.key {
                Source::Sale(column) => self.sale(rows, *column),
                key @ Source::Looked { lookup, column } => {
                    let today = self.looked(*lookup, *column, dimensions, &found[*lookup])?;
                    let is_it = |source: &Option<usize>| source.is_some_and(|source| self.sources[source] == *key);
                    match self.plain.iter().position(is_it) {
                        Some(output) if stays => {
                            let stored = rows.column(output);
                            zip(&is_not_null(stored)?, stored, &today)?
                        }
                        _ => today,
                    }
                }
            };
            // A mart without the day of the sale is completed with what holds today.
            let days = self.as_of.and_then(|column| self.carried(column)).map(|output| rows.column(output));
            found.push(dimensions.held_on(&lookup.table, lookup.index.rows(keys.as_ref()), days));
        }
        Ok(found)
    }

    /// A column of the sale, from the rows themselves.
    fn sale(&self, rows: &RecordBatch, column: usize) -> ArrayRef {
        match self.carried(column) {
            Some(output) => Arc::clone(rows.column(output)),
            None => new_null_array(super::landing_schema().field(column).data_type(), rows.num_rows()),
        }
    }

    /// Wide rows, as the mart's expressions take them. A column of the sale that the mart does not carry is NULL: nothing that
    /// is completed looks at it ([`RowMart::completable`]).
    pub(super) fn wide(
        &self,
        rows: &RecordBatch,
        looked: impl Fn(usize, usize) -> PlanResult<ArrayRef>,
    ) -> PlanResult<RecordBatch> {
        let columns = self
            .sources
            .iter()
            .map(|source| match source {
                Source::Sale(column) => Ok(self.sale(rows, *column)),
                Source::Looked { lookup, column } => looked(*lookup, *column),
            })
            .collect::<PlanResult<Vec<_>>>()?;
        let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.wide), columns, &count)?)
    }
}
