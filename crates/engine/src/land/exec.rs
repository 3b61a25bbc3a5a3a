//! The landing operator. Its input is split descriptors (one JSON list a task), its output one manifest a task.
//!
//! Its leaf is a memory source, which a scheduler can slice; the operator itself names no file after the partition it
//! runs as, because on a cluster that number is local to the task.

use super::{LandJob, task};
use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PhysicalExpr, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use std::fmt;
use std::sync::Arc;
use tillmart_model::{Fault, Manifest, Split};

/// Decodes, checks, looks up and writes the splits it is given.
#[derive(Debug)]
pub struct LandExec {
    job: Arc<LandJob>,
    splits: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

fn column(name: &str) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(name, DataType::Utf8, false)]))
}

impl LandExec {
    /// The operator over these tasks, one partition each.
    ///
    /// # Errors
    /// A split that cannot be written as JSON; none can at present.
    pub fn over(job: Arc<LandJob>, tasks: &[Vec<Split>]) -> Result<LandExec> {
        let schema = column("splits");
        let partitions = tasks
            .iter()
            .map(|splits| {
                let json = serde_json::to_string(splits).map_err(|error| DataFusionError::External(Box::new(error)))?;
                Ok(vec![RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(StringArray::from(vec![json]))])?])
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(LandExec::new(job, MemorySourceConfig::try_new_exec(&partitions, schema, None)?))
    }

    fn new(job: Arc<LandJob>, splits: Arc<dyn ExecutionPlan>) -> LandExec {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(column("manifest")),
            splits.output_partitioning().clone(),
            EmissionType::Final,
            Boundedness::Bounded,
        ));
        LandExec { job, splits, properties }
    }
}

impl DisplayAs for LandExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LandExec: batch={}", self.job.batch_id)
    }
}

impl ExecutionPlan for LandExec {
    fn name(&self) -> &str {
        "LandExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.splits]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(splits), true) => Ok(Arc::new(LandExec::new(Arc::clone(&self.job), splits))),
            _ => Err(DataFusionError::Internal("LandExec has one child".to_owned())),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.splits.execute(partition, context)?;
        let job = Arc::clone(&self.job);
        let manifests = input
            .map_err(DataFusionError::from)
            .and_then(move |descriptors| land(Arc::clone(&job), descriptors))
            .boxed();
        Ok(Box::pin(RecordBatchStreamAdapter::new(column("manifest"), manifests)))
    }
}

async fn land(job: Arc<LandJob>, descriptors: RecordBatch) -> Result<RecordBatch> {
    let mut manifests = Vec::with_capacity(descriptors.num_rows());
    let texts: Vec<String> =
        descriptors.column(0).as_string::<i32>().iter().map(|text| text.unwrap_or("[]").to_owned()).collect();
    for text in texts {
        let splits: Vec<Split> =
            serde_json::from_str(&text).map_err(|error| DataFusionError::External(Box::new(error)))?;
        // A task of its own, so that tasks run beside each other and not as one stream's turns.
        let manifest = tokio::spawn(task::run(Arc::clone(&job), splits))
            .await
            .map_err(|error| DataFusionError::External(Box::new(error)))?
            .map_err(|fault| DataFusionError::External(Box::new(fault)))?;
        manifests.push(serde_json::to_string(&manifest).map_err(|error| DataFusionError::External(Box::new(error)))?);
    }
    Ok(RecordBatch::try_new(column("manifest"), vec![Arc::new(StringArray::from(manifests))])?)
}

/// The manifests in the operator's output.
///
/// # Errors
/// `Promise` for an output that is no manifest.
pub(crate) fn manifests(batches: &[RecordBatch]) -> tillmart_model::Result<Vec<Manifest>> {
    batches
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>())
        .map(|text| {
            serde_json::from_str(&text).map_err(|error| {
                Fault::new(tillmart_model::FaultKind::Promise, "a task returned no manifest").found(error)
            })
        })
        .collect()
}
