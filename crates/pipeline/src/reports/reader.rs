//! What reports read: published rows of some days or months, and small dimension tables.

use super::answer::Answer;
use crate::marts::Marts;
use crate::shop::Pipeline;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::{Dimension, TargetRange, TargetTable};
use tillmart_engine::{DimensionTables, Relation};
use tillmart_model::{BatchState, Fault, FaultKind, Result};

/// Batches that are looked at first for the version of a table that the last published one left: of those that wrote none (they completed
/// or filled other tables) there are never many in a row.
const BATCHES_LOOKED_AT: u32 = 32;

/// The published tables of some marts, known without reading anything of them.
pub(crate) struct Reader<'a> {
    pipeline: &'a Pipeline,
    /// The sales mart, and the rollups that were asked for.
    pub(crate) marts: Marts,
    targets: BTreeMap<String, TargetTable>,
}

impl Pipeline {
    /// A reader of these rollups.
    ///
    /// # Errors
    /// A mart whose SQL is wrong, that is no rollup, or that no run has made yet.
    pub(crate) async fn reader(&self, marts: &[&str]) -> Result<Reader<'_>> {
        self.seams.schema.check().await?;
        // Only the columns of dimensions are asked here: a million customers are not read for a report about stores.
        let empty = |dimension: Dimension| (dimension.name().to_owned(), RecordBatch::new_empty(dimension.schema()));
        let dimensions = DimensionTables::new(Dimension::ALL.into_iter().map(empty).collect())?;
        let marts = Marts::of_names(&self.options, &dimensions, marts).await?;
        let made = self.seams.schema.tables().await?;
        let mut targets = BTreeMap::new();
        for rollup in &marts.rollups {
            if !made.contains(&rollup.name) {
                return Err(Fault::new(FaultKind::Table, format!("the mart {} has no rows yet", rollup.name))
                    .expected("a table of the database that a run has made")
                    .hint("`tillmart run` makes it, and fills it with everything that has landed"));
            }
            self.is_not_behind(&rollup.name).await?;
            let (_, target) = Marts::database_tables(rollup);
            targets.insert(rollup.name.clone(), target);
        }
        Ok(Reader { pipeline: self, marts, targets })
    }

    /// The version of a Delta table to read: the newest (`None`), unless a batch has landed and is not published yet; then what the last
    /// published batch that wrote the table left, so that it belongs to what the database holds.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub(crate) async fn published_version(&self, table: &str) -> Result<Option<u64>> {
        if self.standing().await?.half_way.is_none() {
            return Ok(None);
        }
        for newest in [BATCHES_LOOKED_AT, u32::MAX] {
            for batch in self.seams.ledger.batches(&self.options.feed, newest).await? {
                if let BatchState::Published { versions } | BatchState::Finished { versions } = batch.state
                    && let Some(version) = versions.get(table)
                {
                    return Ok(Some(*version));
                }
            }
        }
        // No published batch has written it: it is as it was made.
        Ok(Some(0))
    }

    /// Runs a report's SQL over what was read for it.
    ///
    /// # Errors
    /// `Mart`, where a mart does not have the columns that the report asks for.
    pub(crate) async fn answer(&self, relations: &[&Relation], sql: &str) -> Result<Answer> {
        let relations = relations.iter().map(|relation| (*relation).clone()).collect();
        let answered = self.seams.engine.select(relations, sql).await;
        answered.map(|(_, batches)| Answer(batches)).map_err(unlike)
    }

    /// The same, as a relation of its own for further questions.
    ///
    /// # Errors
    /// As [`Pipeline::answer`].
    pub(crate) async fn answer_as(&self, name: &str, relations: &[&Relation], sql: &str) -> Result<Relation> {
        let relations = relations.iter().map(|relation| (*relation).clone()).collect();
        let (schema, batches) = self.seams.engine.select(relations, sql).await.map_err(unlike)?;
        Relation::rows(name, schema, batches).map_err(unlike)
    }
}

impl Reader<'_> {
    /// The rows of a mart in these ranges, which do not overlap, under a name.
    ///
    /// # Errors
    /// The database that cannot be read, or a mart without the ranges' columns.
    pub(crate) async fn rows(&self, mart: &str, name: &str, ranges: &[TargetRange]) -> Result<Relation> {
        let Some(target) = self.targets.get(mart) else {
            return Err(Fault::new(FaultKind::Promise, format!("the report did not ask for the mart {mart}")));
        };
        let mut rows = Vec::new();
        for range in ranges {
            rows.extend(self.pipeline.seams.publisher.read_range(target, range).await?);
        }
        Relation::rows(name, Arc::clone(&target.schema), rows).map_err(unlike)
    }

    /// A dimension table, under its name.
    ///
    /// # Errors
    /// The database that cannot be read.
    pub(crate) async fn dimension(&self, dimension: Dimension) -> Result<Relation> {
        let rows = self.pipeline.seams.dimensions.read(dimension).await?;
        Relation::rows(dimension.name(), rows.schema(), vec![rows]).map_err(unlike)
    }
}

/// Rows that a report has at hand, as a relation: columns with their names.
pub(crate) fn at_hand(name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<Relation> {
    let fields = columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, values)| values).collect();
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| unlike(error.into()))?;
    Relation::rows(name, schema, vec![rows]).map_err(unlike)
}

pub(crate) fn unlike(error: tillmart_engine::PlanError) -> Fault {
    Fault::new(FaultKind::Mart, "the report cannot be made of the marts that are there")
        .found(error.strip_backtrace())
        .hint(
            "a file in the marts folder that takes a built-in mart's place must keep its columns: give it another name",
        )
}
