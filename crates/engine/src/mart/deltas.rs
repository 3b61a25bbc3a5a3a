//! Sums that tasks left beside their manifests, put together to what a rollup's `merge` over the same sales would make.
//!
//! Each file holds its sums by key, so that the files are merged as they are read, row by row, and no more than a batch of each is in
//! memory. Where a file is not quite in order (keys that are in no dimension table are told as they were met) the order of what is made
//! is not quite right either, and a key may come twice: whoever adds the rows up comes to the same.

use super::Rollup;
use crate::land::delta_schema;
use crate::scan::{LandedFile, LandedFiles, Objects};
use crate::session::session;
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::cast;
use datafusion::prelude::{SessionContext, col};
use futures::stream::{BoxStream, TryStreamExt};
use futures::{StreamExt, stream};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Rows of a batch that is made.
const ROWS_AT_ONCE: usize = 32_768;

/// Files that are merged row by row: each is held in memory as it is in the store.
const FILES_MERGED_MOST: usize = 16;

/// Wide enough for any number of 64-bit sums: an overflow would be wrapped in silence by integers.
const SUM_TYPE: DataType = DataType::Decimal128(20, 0);

/// Batches that are made before somebody asks for them.
const BATCHES_AHEAD: usize = 1;

impl Rollup {
    /// The digest that sums of this rollup carry.
    pub fn merge_digest(&self) -> String {
        blake3::hash(self.merge.sql.as_bytes()).to_hex().to_string()
    }

    /// The state rows of these files of sums, mostly in the order of their keys, made while the ones before them are used.
    ///
    /// # Errors
    /// A file that cannot be read, or a sum beyond the state's type: as the stream's last item, or before it begins.
    pub async fn merged_deltas(
        &self,
        objects: &Objects,
        files: &[LandedFile],
        tasks: usize,
        memory_bytes: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let schema = delta_schema(&self.state_schema, self.state_keys);
        let context = session(tasks, memory_bytes).map_err(|fault| DataFusionError::External(Box::new(fault)))?;
        if files.len() > FILES_MERGED_MOST {
            return self.aggregated(&context, LandedFiles::new(objects, schema, &[], files)?).await;
        }
        let mut runs = Vec::with_capacity(files.len());
        for file in files {
            let table = LandedFiles::new(objects, Arc::clone(&schema), &[], std::slice::from_ref(file))?;
            runs.push(Run { rows: context.read_table(Arc::new(table))?.execute_stream().await?, head: None });
        }
        let mut merging = Merging::new(&self.state_schema, self.state_keys, runs)?;
        let (made, batches) = mpsc::channel(BATCHES_AHEAD);
        tokio::spawn(async move {
            loop {
                let batch = merging.next().await.transpose();
                let is_last = !matches!(batch, Some(Ok(_)));
                // Nobody waits for more: the other side has met a fault.
                if let Some(batch) = batch
                    && made.send(batch).await.is_err()
                {
                    return;
                }
                if is_last {
                    let _ = made.send(Ok(RecordBatch::new_empty(Arc::clone(&merging.state)))).await;
                    return;
                }
            }
        });
        Ok(whole(batches))
    }

    /// The same of more files than can be open at once.
    async fn aggregated(
        &self,
        context: &SessionContext,
        files: LandedFiles,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let schema = files.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (keys, sums) = names.split_at(self.state_keys);
        let quoted = |name: &&str| col(format!("\"{name}\""));
        let summed = sums.iter().map(|name| sum(cast(quoted(name), SUM_TYPE)).alias(*name)).collect();
        let frame = context
            .read_table(Arc::new(files))?
            .aggregate(keys.iter().map(quoted).collect(), summed)?
            .sort(keys.iter().map(|name| quoted(name).sort(true, false)).collect())?;
        let (state, keys) = (Arc::clone(&self.state_schema), self.state_keys);
        let as_state = move |batch: RecordBatch| {
            let mut columns = batch.columns()[..keys].to_vec();
            for (column, field) in batch.columns().iter().zip(state.fields()).skip(keys) {
                let sums = column.as_primitive::<Decimal128Type>();
                columns.push(typed(sums.values().to_vec(), field.data_type())?);
            }
            Ok(RecordBatch::try_new(Arc::clone(&state), columns)?)
        };
        Ok(frame.execute_stream().await?.map(move |batch| batch.and_then(&as_state)).boxed())
    }
}

/// What comes through the channel, up to the empty batch that ends it: a channel that falls silent before was broken.
fn whole(batches: mpsc::Receiver<Result<RecordBatch>>) -> BoxStream<'static, Result<RecordBatch>> {
    stream::unfold(Some(batches), |batches| async move {
        let mut batches = batches?;
        match batches.recv().await {
            Some(Ok(batch)) if batch.num_rows() == 0 => None,
            Some(Ok(batch)) => Some((Ok(batch), Some(batches))),
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Err(DataFusionError::Internal("the sums stopped half-way".to_owned())), None)),
        }
    })
    .boxed()
}

/// One file, read batch by batch.
struct Run {
    rows: SendableRecordBatchStream,
    head: Option<Head>,
}

/// The batch of a file that is at hand, and the next row of it.
struct Head {
    /// The keys in a form that sorts byte by byte.
    order: Rows,
    sums: Vec<Int64Array>,
    /// Which of the batches that rows are taken from it is.
    batch: usize,
    next: usize,
}

/// Files being merged.
struct Merging {
    state: SchemaRef,
    keys: usize,
    converter: RowConverter,
    /// Those that are not yet read to their end.
    runs: Vec<Run>,
    /// The keys of the batches that rows are taken from.
    batches: Vec<Vec<ArrayRef>>,
    /// Where the key of each row is that is being made: batch and row.
    places: Vec<(usize, usize)>,
    /// Its sums, column by column.
    sums: Vec<Vec<i128>>,
}

impl Merging {
    fn new(state: &SchemaRef, keys: usize, runs: Vec<Run>) -> Result<Merging> {
        let fields = state.fields()[..keys].iter().map(|field| SortField::new(field.data_type().clone()));
        Ok(Merging {
            state: Arc::clone(state),
            keys,
            converter: RowConverter::new(fields.collect())?,
            runs,
            batches: Vec::new(),
            places: Vec::new(),
            sums: vec![Vec::new(); state.fields().len() - keys],
        })
    }

    /// The next state rows, `None` after the last.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.places.len() < ROWS_AT_ONCE {
            self.refill().await?;
            if self.runs.is_empty() {
                break;
            }
            self.merge();
        }
        if self.places.is_empty() { Ok(None) } else { self.made().map(Some) }
    }

    /// Reads on where a batch is used up; a file that is used up goes.
    async fn refill(&mut self) -> Result<()> {
        let mut at = 0;
        while at < self.runs.len() {
            let run = &mut self.runs[at];
            while run.head.as_ref().is_none_or(|head| head.next == head.order.num_rows()) {
                let Some(batch) = run.rows.try_next().await? else { break };
                if let Some(column) = batch.columns().iter().position(|column| column.null_count() > 0) {
                    let name = batch.schema_ref().field(column).name().clone();
                    return Err(DataFusionError::Execution(format!("the sums hold NULL in column \"{name}\"")));
                }
                let keys = batch.columns()[..self.keys].to_vec();
                let sums = batch.columns()[self.keys..].iter().map(|sum| sum.as_primitive::<Int64Type>().clone());
                let order = self.converter.convert_columns(&keys)?;
                run.head = Some(Head { order, sums: sums.collect(), batch: self.batches.len(), next: 0 });
                self.batches.push(keys);
            }
            match run.head.as_ref().is_some_and(|head| head.next < head.order.num_rows()) {
                true => at += 1,
                false => drop(self.runs.remove(at)),
            }
        }
        Ok(())
    }

    /// Takes the least key of all files, and what they add to it, until a batch is used up or enough is made.
    fn merge(&mut self) {
        let mut heads: Vec<&mut Head> = self.runs.iter_mut().filter_map(|run| run.head.as_mut()).collect();
        while self.places.len() < ROWS_AT_ONCE {
            let least =
                (1..heads.len()).fold(0, |least, at| if heads[at].key() < heads[least].key() { at } else { least });
            self.places.push((heads[least].batch, heads[least].next));
            let row = heads[least].next;
            for (sum, column) in self.sums.iter_mut().zip(&heads[least].sums) {
                sum.push(i128::from(column.value(row)));
            }
            let mut is_used_up = false;
            let (before, rest) = heads.split_at_mut(least);
            let Some((least, after)) = rest.split_first_mut() else { return };
            // No file before it has a key as small.
            let _ = before;
            for other in after.iter_mut().filter(|other| other.key() == least.key()) {
                for (sum, column) in self.sums.iter_mut().zip(&other.sums) {
                    if let Some(sum) = sum.last_mut() {
                        *sum += i128::from(column.value(other.next));
                    }
                }
                other.next += 1;
                is_used_up |= other.next == other.order.num_rows();
            }
            least.next += 1;
            if is_used_up || least.next == least.order.num_rows() {
                return;
            }
        }
    }

    /// The rows that were merged, in the state's types.
    fn made(&mut self) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.state.fields().len());
        for key in 0..self.keys {
            let batches: Vec<&dyn Array> = self.batches.iter().map(|keys| keys[key].as_ref()).collect();
            columns.push(interleave(&batches, &self.places)?);
        }
        for (sums, field) in self.sums.iter_mut().zip(&self.state.fields()[self.keys..]) {
            columns.push(typed(std::mem::take(sums), field.data_type())?);
        }
        self.places.clear();
        // Batches that are used up go.
        let mut kept = Vec::with_capacity(self.runs.len());
        for head in self.runs.iter_mut().filter_map(|run| run.head.as_mut()) {
            kept.push(std::mem::take(&mut self.batches[head.batch]));
            head.batch = kept.len() - 1;
        }
        self.batches = kept;
        Ok(RecordBatch::try_new(Arc::clone(&self.state), columns)?)
    }
}

impl Head {
    fn key(&self) -> arrow::row::Row<'_> {
        self.order.row(self.next)
    }
}

/// Whole numbers of the smallest unit as the state's decimals and counts.
fn typed(sums: Vec<i128>, wanted: &DataType) -> Result<ArrayRef> {
    match wanted {
        DataType::Decimal128(precision, scale) => {
            let decimals = Decimal128Array::from(sums).with_precision_and_scale(*precision, *scale)?;
            decimals.validate_decimal_precision(*precision)?;
            Ok(Arc::new(decimals))
        }
        _ => {
            let counts = sums.into_iter().map(i64::try_from).collect::<std::result::Result<Vec<_>, _>>();
            let counts = counts.map_err(|_| DataFusionError::Execution("a sum is beyond 64 bits".to_owned()))?;
            Ok(Arc::new(Int64Array::from(counts)))
        }
    }
}
