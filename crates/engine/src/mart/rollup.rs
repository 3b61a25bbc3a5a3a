//! Rollups: sums by key that batches are merged into, and the rows published from them.

use super::fault::{output_fault, sql_fault};
use super::file::fault;
use super::place::{Sought, refused_at, words_of};
use super::{MartFile, RowMart, Section, Summing, WhichMart, payments};
use crate::dimensions::DimensionTables;
use crate::question::tables_of;
use crate::session::session;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result as PlanResult};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use std::sync::Arc;
use tillmart_model::Result;

/// The column that counts the landed rows behind a state row; the last of every `merge`.
pub const LANDED_ROWS: &str = "landed_rows";

/// A planned rollup: its SQL is known to be right, and its shapes are known.
#[derive(Debug, Clone)]
pub struct Rollup {
    /// Name of the mart and of its table.
    pub name: String,
    /// A sentence for people.
    pub about: String,
    /// The file, for messages.
    pub path: String,
    /// The rollup whose state it is made from: its own, or that of another that it is a second table of.
    pub of: String,
    /// `merge`: sums and counts over `sales`.
    pub merge: Section,
    /// `finish`: the published rows, over `merged`.
    pub finish: Section,
    /// Keys, sums and `landed_rows`: what `merge` makes and `merged` has.
    pub state_schema: SchemaRef,
    /// How many of the state's first columns are keys.
    pub state_keys: usize,
    /// What `finish` makes.
    pub target_schema: SchemaRef,
    /// Primary key of the published table.
    pub key: Vec<String>,
    /// Columns that `finish` treats independently of each other.
    pub scope: Vec<String>,
    /// Columns of an index for readers; none if empty.
    pub index: Vec<String>,
    /// How its sums are made in the landing pass, if they are ([`Rollup::sum_in_passing`]).
    pub summing: Option<Arc<Summing>>,
    /// Whether its sums hang on what the sales mart shows of dimensions, so that they move when landed rows are completed
    /// ([`Rollup::sum_in_passing`]).
    pub sums_attributes: bool,
    /// Whether its `finish` reads `payments`: what the incentive plan pays for the sums.
    pub reads_payments: bool,
    /// Its `finish`, where that does no more than look things up.
    by_row: Option<Arc<RowMart>>,
}

impl Rollup {
    /// Plans both parts against `sales` (the columns of the sales mart), the dimensions and the settings' relation `incentive`.
    ///
    /// # Errors
    /// `Mart`, with file and line: wrong SQL, or a `merge` that cannot be taken back.
    pub async fn plan(file: &MartFile, sales: &SchemaRef, dimensions: &DimensionTables) -> Result<Rollup> {
        let WhichMart::Rollup { merge, finish, state, key, scope, index } = &file.which else {
            return Err(fault(&file.path, 1, "the mart is no rollup"));
        };
        // With the dimensions: a merge that joins one is told that it may not, and not that there is none.
        let context = relations(dimensions)?;
        register(&context, "sales", sales)?;
        let state_schema = plan_merge(&context, &file.path, merge, state).await?;
        let (state_schema, state_keys) = (&state_schema, state.len());
        let sums = Sums { of: &file.name, merge, state_schema, state_keys, scope, key, index };
        Rollup::finished(file, finish, &sums, dimensions).await
    }

    /// Plans another table over the sums of `base`.
    ///
    /// # Errors
    /// `Mart`, with file and line: wrong SQL, or a key without the scope of `base`.
    pub async fn plan_over(file: &MartFile, base: &Rollup, dimensions: &DimensionTables) -> Result<Rollup> {
        let WhichMart::Over { finish, key, index, .. } = &file.which else {
            return Err(fault(&file.path, 1, "the mart is none over another"));
        };
        if let Some(column) = base.scope.iter().find(|column| !key.contains(column)) {
            return Err(fault(&file.path, finish.first_line, "the mart's key lacks a scope column of its rollup")
                .expected(column)
                .found(key.join(", ")));
        }
        let sums = Sums {
            of: &base.name,
            merge: &base.merge,
            state_schema: &base.state_schema,
            state_keys: base.state_keys,
            scope: &base.scope,
            key,
            index,
        };
        let rollup = Rollup::finished(file, finish, &sums, dimensions).await?;
        Ok(Rollup { sums_attributes: base.sums_attributes, ..rollup })
    }

    async fn finished(
        file: &MartFile,
        finish: &Section,
        sums: &Sums<'_>,
        dimensions: &DimensionTables,
    ) -> Result<Rollup> {
        let context = relations(dimensions)?;
        register(&context, payments::NAME, &payments::schema())?;
        register(&context, "merged", sums.state_schema)?;
        let at = |error: DataFusionError| sql_fault(&file.path, finish, &error);
        let reads_payments = tables_of(&finish.sql).map_err(at)?.iter().any(|table| table == payments::NAME);
        if reads_payments {
            payments::check(&file.path, finish, sums.state_schema, sums.scope)?;
        }
        let plan = context.state().create_logical_plan(&finish.sql).await.map_err(at)?;
        super::finish::check(&plan).map_err(at)?;
        context.state().optimize(&plan).map_err(at)?;
        let target_schema = super::finish::columns(&file.path, finish, plan.schema().as_arrow())?;
        for (column, of) in
            sums.key.iter().map(|column| (column, "a key")).chain(sums.index.iter().map(|column| (column, "an index")))
        {
            if target_schema.field_with_name(column).is_err() {
                let what = format!("the mart's finish lacks {of} column");
                return Err(fault(&file.path, finish.first_line, &what).expected(column));
            }
        }
        let by_row = RowMart::of_finish(file, (finish, &plan), &context, dimensions, sums.state_schema).map(Arc::new);
        Ok(Rollup {
            name: file.name.clone(),
            about: file.about.clone(),
            path: file.path.clone(),
            of: sums.of.to_owned(),
            merge: sums.merge.clone(),
            finish: finish.clone(),
            state_schema: Arc::clone(sums.state_schema),
            state_keys: sums.state_keys,
            target_schema,
            key: sums.key.to_vec(),
            scope: sums.scope.to_vec(),
            index: sums.index.to_vec(),
            summing: None,
            sums_attributes: false,
            reads_payments,
            by_row,
        })
    }

    /// `finish` over state rows, where it does no more than look things up for each of them in these tables; `None` where it does
    /// more, or was planned against other tables: then SQL must run.
    pub fn finish_by_row(&self, dimensions: &DimensionTables) -> Option<Arc<RowMart>> {
        self.by_row.as_ref().filter(|plan| plan.is_bound_to(dimensions)).map(Arc::clone)
    }

    /// Whether it is a second table over the state of another rollup, which alone merges into it.
    pub fn is_over_another(&self) -> bool {
        self.of != self.name
    }

    /// A fault of this mart's SQL that shows only when it runs.
    pub fn fault(&self, section: &Section, error: &DataFusionError) -> tillmart_model::Fault {
        sql_fault(&self.path, section, error)
    }
}

/// What a `finish` is planned over, and what of its rows is promised.
struct Sums<'a> {
    of: &'a str,
    merge: &'a Section,
    state_schema: &'a SchemaRef,
    state_keys: usize,
    scope: &'a [String],
    /// Of the published table.
    key: &'a [String],
    /// Of the published table.
    index: &'a [String],
}

/// The relation `incentive`: the settings that the sales team's mart reads, in one row.
pub(crate) fn incentive_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("rate", DataType::Decimal128(9, 6), false),
        Field::new("ties", DataType::Utf8, false),
        Field::new("top", DataType::Int64, false),
    ]))
}

/// A session that knows the dimensions and the settings' relation.
fn relations(dimensions: &DimensionTables) -> Result<SessionContext> {
    let context = session(1, 64 << 20)?;
    register(&context, "incentive", &incentive_schema())?;
    for (name, rows) in dimensions.tables() {
        register(&context, name, &rows.schema())?;
    }
    Ok(context)
}

fn register(context: &SessionContext, name: &str, schema: &SchemaRef) -> Result<()> {
    let table = Arc::new(EmptyTable::new(Arc::clone(schema)));
    context.register_table(name, table).map(|_| ()).map_err(|error| fault(name, 1, &error.to_string()))
}

fn plain(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> =
        schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true)).collect();
    Arc::new(Schema::new(fields))
}

async fn plan_merge(context: &SessionContext, path: &str, merge: &Section, state: &[String]) -> Result<SchemaRef> {
    let at = |error: DataFusionError| sql_fault(path, merge, &error);
    let plan = context.state().create_logical_plan(&merge.sql).await.map_err(at)?;
    only_sums(&plan).map_err(at)?;
    context.state().optimize(&plan).map_err(at)?;
    let schema = plain(plan.schema().as_arrow());
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let keys: Vec<&str> = names.iter().copied().take(state.len()).collect();
    if keys != state.iter().map(String::as_str).collect::<Vec<_>>() {
        return Err(fault(path, merge.first_line, "merge must begin with the state's keys, in their order")
            .expected(state.join(", "))
            .found(names.join(", ")));
    }
    if names.last() != Some(&LANDED_ROWS) || !counts_rows(&plan, names.len() - 1) {
        return Err(fault(path, merge.first_line, "merge must end with the number of landed rows")
            .expected(format!("COUNT(*) AS {LANDED_ROWS} as the last column"))
            .found(names.join(", ")));
    }
    for (position, field) in schema.fields().iter().enumerate() {
        let fits = match field.data_type() {
            DataType::Int64 => true,
            DataType::Int32 | DataType::Utf8 | DataType::Date32 => position < state.len(),
            DataType::Decimal128(_, _) => position >= state.len(),
            _ => false,
        };
        if !fits {
            let output = (position, field.name().as_str());
            return Err(output_fault(path, merge, output, "a column of merge has a type that a state cannot keep")
                .expected("keys: int32, int64, text or date; sums: int64 or decimal")
                .found(format!("{} {}", field.name(), field.data_type())));
        }
    }
    Ok(schema)
}

/// `merge` may sum and count, because that can be taken back; anything else cannot be merged batch by batch. Above the sums
/// columns are only picked and named: a quotient of two sums, or a HAVING, does not add up over batches.
fn only_sums(plan: &LogicalPlan) -> PlanResult<()> {
    match plan {
        LogicalPlan::Projection(projection) => {
            for expr in &projection.expr {
                let bare = expr.clone().unalias_nested().data;
                if !matches!(bare, Expr::Column(_)) {
                    let name = expr.schema_name();
                    return refused(format!(
                        "merge makes '{name}' from sums; keep the sums here and compute it in finish"
                    ));
                }
            }
            only_sums(&projection.input)
        }
        LogicalPlan::SubqueryAlias(aliased) => only_sums(&aliased.input),
        LogicalPlan::Aggregate(aggregate) => {
            if let Some(Expr::GroupingSet(_)) = aggregate.group_expr.first() {
                return refused("merge groups by plain columns, not by 'ROLLUP', 'CUBE' or 'GROUPING SETS'");
            }
            aggregate.aggr_expr.iter().try_for_each(is_sum)?;
            only_sales(&aggregate.input)
        }
        LogicalPlan::Filter(_) => refused("merge takes no 'HAVING': a later batch may move a sum across the line"),
        LogicalPlan::TableScan(_) => refused("merge has no GROUP BY"),
        other => not_mergeable(other),
    }
}

/// Below the sums: the rows of `sales`, some or all of them.
fn only_sales(plan: &LogicalPlan) -> PlanResult<()> {
    super::finish::steady(plan)?;
    plan.apply_expressions(|expr| match expr.exists(|part| Ok(is_subquery(part)))? {
        true => refused_at(
            Sought::Phrases(&[&["(", "SELECT"], &["EXISTS"]]),
            "merge looks at one sale at a time: a subquery would see other sales in every batch",
        ),
        false => Ok(TreeNodeRecursion::Continue),
    })?;
    match plan {
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => {
            plan.inputs().into_iter().try_for_each(only_sales)
        }
        LogicalPlan::TableScan(scan) if scan.table_name.table() == "sales" => Ok(()),
        LogicalPlan::TableScan(scan) => {
            refused(format!("merge reads FROM sales alone, not from '{}'", scan.table_name.table()))
        }
        LogicalPlan::Join(_) => refused_at(
            Sought::Join,
            "merge reads FROM sales alone; join dimensions in finish, where no sale can get lost",
        ),
        other => not_mergeable(other),
    }
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
}

fn not_mergeable<T>(plan: &LogicalPlan) -> PlanResult<T> {
    let message =
        format!("merge takes only sums and counts by key; {} cannot be merged batch by batch", plan.display());
    refused_at(words_of(plan), message)
}

fn refused<T>(message: impl Into<String>) -> PlanResult<T> {
    Err(DataFusionError::Plan(message.into()))
}

fn is_sum(expr: &Expr) -> PlanResult<()> {
    let Expr::AggregateFunction(call) = expr.clone().unalias_nested().data else {
        return refused(format!("merge takes only SUM and COUNT, not {expr}"));
    };
    let name = if call.params.distinct { "DISTINCT" } else { call.func.name() };
    if !matches!(name, "sum" | "count") {
        return refused(format!("merge takes only SUM and COUNT, which can be taken back; not '{name}'"));
    }
    Ok(())
}

/// Whether a column counts every row: only then does a state row go when its last sale is taken back.
fn counts_rows(plan: &LogicalPlan, at: usize) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            match projection.expr.get(at).map(|expr| expr.clone().unalias_nested().data) {
                Some(Expr::Column(column)) => projection
                    .input
                    .schema()
                    .maybe_index_of_column(&column)
                    .is_some_and(|at| counts_rows(&projection.input, at)),
                _ => false,
            }
        }
        LogicalPlan::SubqueryAlias(aliased) => counts_rows(&aliased.input, at),
        LogicalPlan::Aggregate(aggregate) => {
            let call = at.checked_sub(aggregate.group_expr.len()).and_then(|at| aggregate.aggr_expr.get(at));
            matches!(call.map(|call| call.clone().unalias_nested().data), Some(Expr::AggregateFunction(call))
                if call.func.name() == "count"
                    && call.params.filter.is_none()
                    && call.params.args.iter().all(|arg| matches!(arg, Expr::Literal(value, _) if !value.is_null())))
        }
        _ => false,
    }
}
