//! Row-level marts: a projection over `sales` with left joins on dimension keys, evaluated batch by batch
//! in the pass that lands the sales.
//!
//! The SQL is planned once by DataFusion; its joins become index look-ups and its expressions physical expressions.
//! Whatever could drop or multiply a sale (inner joins, joins on other columns, aggregates) is refused with its line.

use super::bucket::{Bucket, buckets};
use super::fault::{output_fault, sql_fault};
use super::file::fault;
use super::place::{Sought, refused_at, words_of};
use super::{MartFile, Section, WhichMart, landing_schema};
use crate::dimensions::{DimensionTables, KeyIndex};
use crate::session::session;
use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, filter_record_batch, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema, DataFusionError, JoinType, Result as PlanResult, TableReference};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use std::collections::BTreeSet;
use std::sync::Arc;
use tillmart_model::Result;

/// Lineage that every row-level mart must carry: without it a file could not be taken back.
const LINEAGE: [&str; 2] = ["source_file_id", "batch_id"];

/// A planned row-level mart, bound to the dimension tables of one batch.
#[derive(Debug)]
pub struct RowMart {
    /// Name of the mart and of its Delta table.
    pub name: String,
    /// A sentence for people.
    pub about: String,
    /// The file, for messages.
    pub path: String,
    /// The SQL.
    pub select: Section,
    /// Columns of the table, the bucket column last.
    pub schema: SchemaRef,
    /// Partition columns in order.
    pub partition_by: Vec<String>,
    /// The bucket column, what it is a hash of, and how many buckets there are.
    pub bucket: Option<Bucket>,
    pub(crate) lookups: Vec<Lookup>,
    pub(super) wide: SchemaRef,
    pub(crate) sources: Vec<Source>,
    pub(crate) filter: Option<Arc<dyn PhysicalExpr>>,
    outputs: Vec<Arc<dyn PhysicalExpr>>,
    /// Sources that each output is made from.
    pub(super) made_from: Vec<Vec<usize>>,
    /// Outputs that are a source as it is.
    pub(crate) plain: Vec<Option<usize>>,
    /// Sources that the filter looks at.
    pub(super) filtered_by: Vec<usize>,
    /// The column of the base whose day look-ups are as of; a rollup's `finish` looks at what holds today.
    pub(super) as_of: Option<usize>,
}

/// One left join on a dimension's key.
#[derive(Debug)]
pub(crate) struct Lookup {
    alias: String,
    pub(crate) table: String,
    /// The table's key.
    column: String,
    pub(crate) index: Arc<KeyIndex>,
    pub(crate) key: Source,
}

/// Where a column of the wide row comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of `sales`, or of `merged` in a rollup's `finish`.
    Sale(usize),
    /// A column of the table that a look-up found a row of.
    Looked { lookup: usize, column: usize },
}

impl RowMart {
    /// Plans the mart. `buckets` is the number of buckets where the header asks for them.
    ///
    /// # Errors
    /// `Mart`, with file and line.
    pub async fn plan(file: &MartFile, dimensions: &DimensionTables, buckets: u32) -> Result<RowMart> {
        let WhichMart::Rows { select, partition_by, bucket } = &file.which else {
            return Err(fault(&file.path, 1, "the mart is no row-level mart"));
        };
        let context = empty_tables(dimensions)?;
        let planned = context.state().create_logical_plan(&select.sql).await;
        let plan = planned.map_err(|error| sql_fault(&file.path, select, &error))?;
        let shape = Shape::of(&plan, dimensions, "sales", landing_schema());
        let shape = shape.map_err(|error| sql_fault(&file.path, select, &error))?;
        let mut mart = shape.bind(file, &context, dimensions, select)?;
        mart.as_of = landing_schema().index_of("sales_date").ok();
        mart.partition_by.clone_from(partition_by);
        if let Some((name, of)) = bucket {
            mart.add_bucket(Bucket { name: name.clone(), of: of.clone(), count: buckets });
        }
        mart.check(&file.path, select)?;
        Ok(mart)
    }

    /// A rollup's `finish` as such a projection over `merged`, whose columns are `state`, if it is one: it looks things up for each state
    /// row, and does nothing else.
    pub(super) fn of_finish(
        file: &MartFile,
        (finish, plan): (&Section, &LogicalPlan),
        context: &SessionContext,
        dimensions: &DimensionTables,
        state: &SchemaRef,
    ) -> Option<RowMart> {
        let shape = Shape::of(plan, dimensions, "merged", Arc::clone(state)).ok()?;
        shape.bind(file, context, dimensions, finish).ok()
    }

    /// Whether look-ups of this plan find the rows of these tables: of any others it knows nothing.
    pub(super) fn is_bound_to(&self, dimensions: &DimensionTables) -> bool {
        let is_same = |lookup: &Lookup| {
            let index = dimensions.index(&lookup.table, &lookup.column);
            index.is_some_and(|index| Arc::ptr_eq(index, &lookup.index))
        };
        self.lookups.iter().all(is_same)
    }

    fn add_bucket(&mut self, bucket: Bucket) {
        let mut fields: Vec<Field> = self.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new(&bucket.name, DataType::Int32, true));
        self.schema = Arc::new(Schema::new(fields));
        self.bucket = Some(bucket);
    }

    fn check(&self, path: &str, select: &Section) -> Result<()> {
        let names: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let of = self.bucket.iter().map(|bucket| bucket.of.as_str());
        let needed = LINEAGE.into_iter().chain(self.partition_by.iter().map(String::as_str)).chain(of);
        for column in needed {
            if !names.contains(&column) {
                return Err(fault(path, select.first_line, "the mart's SELECT lacks a column")
                    .expected(format!(
                        "a column {column}: every row-level mart carries its lineage and what its header names"
                    ))
                    .found(names.join(", ")));
            }
        }
        let mut fields = self.schema.fields().iter().enumerate();
        if let Some((at, float)) = fields.find(|(_, field)| field.data_type().is_floating()) {
            return Err(output_fault(path, select, (at, float.name()), "a column of the mart is a float")
                .expected("a decimal or an integer: no float touches money")
                .found(float.name()));
        }
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        if distinct.len() != names.len() {
            return Err(fault(path, select.first_line, "two columns of the mart have one name").found(names.join(", ")));
        }
        Ok(())
    }

    /// Whether every sale has a row in this mart: it has no `WHERE`.
    pub fn takes_every_sale(&self) -> bool {
        self.filter.is_none()
    }

    /// Whether a column is that of the sale of the same name, as it is.
    pub(crate) fn is_sale_column(&self, name: &str) -> bool {
        let Ok(at) = self.schema.index_of(name) else { return false };
        let source = self.plain.get(at).copied().flatten().and_then(|source| self.sources.get(source));
        matches!(source, Some(Source::Sale(column)) if landing_schema().field(*column).name() == name)
    }

    /// The column of the product table that a column shows as it is, of the product that the sale names; `None` where it shows anything
    /// else, or no price of the sale's scale.
    pub(super) fn price_of_product(&self, name: &str) -> Option<usize> {
        let at = self.schema.index_of(name).ok()?;
        let Source::Looked { lookup, column } = self.sources.get(self.plain.get(at).copied().flatten()?)? else {
            return None;
        };
        let lookup = self.lookups.get(*lookup)?;
        let landing = landing_schema();
        let is_of_sale = lookup.key == Source::Sale(landing.index_of("product_name").ok()?);
        let price = landing.field_with_name("price").ok()?.data_type().clone();
        let is_price = self.schema.field(at).data_type() == &price && self.as_of.is_some();
        (lookup.table == "product" && is_of_sale && is_price).then_some(*column)
    }

    /// The mart's rows of a batch of sales ([`landing_schema`]).
    ///
    /// # Errors
    /// An expression that fails on these rows, e.g. a cast of the user's own.
    pub fn evaluate(&self, sales: &RecordBatch, dimensions: &DimensionTables) -> PlanResult<RecordBatch> {
        let mut found: Vec<UInt32Array> = Vec::with_capacity(self.lookups.len());
        for lookup in &self.lookups {
            let keys = self.column(&lookup.key, sales, dimensions, &found)?;
            let days = self.as_of.map(|column| sales.column(column));
            found.push(dimensions.held_on(&lookup.table, lookup.index.rows(keys.as_ref()), days));
        }
        let columns = self
            .sources
            .iter()
            .map(|source| self.column(source, sales, dimensions, &found))
            .collect::<PlanResult<Vec<_>>>()?;
        let mut wide = RecordBatch::try_new_with_options(
            Arc::clone(&self.wide),
            columns,
            &arrow::array::RecordBatchOptions::new().with_row_count(Some(sales.num_rows())),
        )?;
        if let Some(filter) = &self.filter {
            let mask = filter.evaluate(&wide)?.into_array(wide.num_rows())?;
            let mask: &BooleanArray = mask.as_boolean();
            if mask.true_count() < wide.num_rows() {
                wide = filter_record_batch(&wide, mask)?;
            }
        }
        let mut columns =
            (0..self.outputs.len()).map(|output| self.output(output, &wide)).collect::<PlanResult<Vec<ArrayRef>>>()?;
        if let Some(bucket) = &self.bucket {
            let of = columns[self.schema.index_of(&bucket.of)?].clone();
            columns.push(Arc::new(buckets(of.as_ref(), bucket.count)?));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// One output of wide rows.
    pub(super) fn output(&self, output: usize, wide: &RecordBatch) -> PlanResult<ArrayRef> {
        let array = self.outputs[output].evaluate(wide)?.into_array(wide.num_rows())?;
        let data_type = self.schema.field(output).data_type();
        if array.data_type() == data_type { Ok(array) } else { Ok(cast(&array, data_type)?) }
    }

    fn column(
        &self,
        source: &Source,
        sales: &RecordBatch,
        dimensions: &DimensionTables,
        found: &[UInt32Array],
    ) -> PlanResult<ArrayRef> {
        match source {
            Source::Sale(column) => Ok(Arc::clone(sales.column(*column))),
            Source::Looked { lookup, column } => self.looked(*lookup, *column, dimensions, &found[*lookup]),
        }
    }

    /// A column of the table that a look-up found rows of.
    pub(super) fn looked(
        &self,
        lookup: usize,
        column: usize,
        dimensions: &DimensionTables,
        found: &UInt32Array,
    ) -> PlanResult<ArrayRef> {
        let name = &self.lookups[lookup].table;
        let table = dimensions.all_rows(name);
        let table = table.ok_or_else(|| DataFusionError::Internal(format!("no dimension {name}")))?;
        Ok(take(table.column(column), found, None)?)
    }
}

fn empty_tables(dimensions: &DimensionTables) -> Result<SessionContext> {
    let context = session(1, 64 << 20)?;
    let mut tables = vec![("sales", landing_schema())];
    tables.extend(dimensions.tables().map(|(name, rows)| (name, rows.schema())));
    for (name, schema) in tables {
        // Registering into a new in-memory catalog does not fail; a name given twice would.
        context
            .register_table(name, Arc::new(EmptyTable::new(schema)))
            .map_err(|error| fault(name, 1, &error.to_string()))?;
    }
    Ok(context)
}

/// What is left of the SQL once it is known to be a projection over left joins.
struct Shape<'a> {
    outputs: Vec<Expr>,
    schema: SchemaRef,
    filters: Vec<Expr>,
    /// The columns of the table that the joins hang on, and the name that it goes by.
    base: SchemaRef,
    base_alias: String,
    joins: Vec<JoinedTable>,
    joined: &'a DFSchema,
}

struct JoinedTable {
    alias: String,
    table: String,
    key: String,
    from: Column,
}

fn refused<T>(message: impl Into<String>) -> PlanResult<T> {
    Err(DataFusionError::Plan(message.into()))
}

impl<'a> Shape<'a> {
    fn of(plan: &'a LogicalPlan, dimensions: &DimensionTables, table: &str, base: SchemaRef) -> PlanResult<Shape<'a>> {
        let LogicalPlan::Projection(projection) = plan else {
            let message = format!(
                "a row-level mart is one SELECT without GROUP BY, DISTINCT, ORDER BY, LIMIT or UNION, not {}",
                plan.display()
            );
            return refused_at(words_of(plan), message);
        };
        super::finish::steady(plan)?;
        let mut filters = Vec::new();
        let mut input = projection.input.as_ref();
        while let LogicalPlan::Filter(filter) = input {
            super::finish::steady(input)?;
            filters.push(filter.predicate.clone());
            input = filter.input.as_ref();
        }
        let mut joins = Vec::new();
        let base_alias = walk(input, table, dimensions, &mut joins)?;
        let fields: Vec<Field> = projection
            .schema
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), field.data_type().clone(), true))
            .collect();
        Ok(Shape {
            outputs: projection.expr.clone(),
            schema: Arc::new(Schema::new(fields)),
            filters,
            base,
            base_alias,
            joins,
            joined: input.schema(),
        })
    }

    fn bind(
        self,
        file: &MartFile,
        context: &SessionContext,
        dimensions: &DimensionTables,
        select: &Section,
    ) -> Result<RowMart> {
        let at = |error: DataFusionError| sql_fault(&file.path, select, &error);
        let mut lookups: Vec<Lookup> = Vec::new();
        for join in &self.joins {
            let key = self.source(&join.from, dimensions, &lookups).map_err(at)?;
            let Some(index) = dimensions.index(&join.table, &join.key) else {
                return Err(at(DataFusionError::Plan(format!(
                    "\"{}\" is joined on \"{}\", which is not its key: the join could multiply sales",
                    join.table, join.key
                ))));
            };
            let index = Arc::clone(index);
            let (alias, table, column) = (join.alias.clone(), join.table.clone(), join.key.clone());
            lookups.push(Lookup { alias, table, column, index, key });
        }
        let mut columns: BTreeSet<Column> = BTreeSet::new();
        for expr in self.outputs.iter().chain(&self.filters) {
            columns.extend(expr.column_refs().into_iter().cloned());
        }
        let sources = columns
            .iter()
            .map(|column| self.source(column, dimensions, &lookups))
            .collect::<PlanResult<Vec<_>>>()
            .map_err(at)?;
        let qualified: Vec<(Option<TableReference>, Arc<Field>)> = columns
            .iter()
            .map(|column| {
                let (qualifier, field) = self.joined.qualified_field_from_column(column)?;
                Ok((qualifier.cloned(), Arc::new(field.as_ref().clone().with_nullable(true))))
            })
            .collect::<PlanResult<_>>()
            .map_err(at)?;
        let wide = DFSchema::new_with_metadata(qualified, Default::default()).map_err(at)?;
        let state = context.state();
        let simplifier = ExprSimplifier::new(
            SimplifyContext::builder()
                .with_schema(Arc::new(wide.clone()))
                .with_config_options(Arc::clone(state.config_options()))
                .build(),
        );
        // Some functions, COALESCE among them, exist only until they are simplified.
        let physical = |expr: &Expr| {
            let coerced = simplifier.coerce(expr.clone().unalias(), &wide);
            let simple = coerced.and_then(|expr| simplifier.simplify(expr));
            simple.and_then(|expr| state.create_physical_expr(expr, &wide)).map_err(at)
        };
        let filter = self.filters.iter().cloned().reduce(Expr::and);
        let place = |column: &Column| columns.iter().position(|known| known == column);
        let refs = |expr: &Expr| expr.column_refs().into_iter().filter_map(place).collect::<Vec<usize>>();
        let as_it_is = |expr: &Expr| match expr.clone().unalias() {
            Expr::Column(column) => place(&column),
            _ => None,
        };
        Ok(RowMart {
            made_from: self.outputs.iter().map(refs).collect(),
            plain: self.outputs.iter().map(as_it_is).collect(),
            filtered_by: self.filters.iter().flat_map(refs).collect(),
            name: file.name.clone(),
            about: file.about.clone(),
            path: file.path.clone(),
            select: select.clone(),
            outputs: self.outputs.iter().map(physical).collect::<Result<_>>()?,
            filter: filter.as_ref().map(physical).transpose()?,
            schema: self.schema,
            partition_by: Vec::new(),
            bucket: None,
            lookups,
            wide: Arc::clone(wide.inner()),
            sources,
            as_of: None,
        })
    }

    fn source(&self, column: &Column, dimensions: &DimensionTables, lookups: &[Lookup]) -> PlanResult<Source> {
        let alias = column.relation.as_ref().map(TableReference::table).unwrap_or_default();
        if alias == self.base_alias {
            return Ok(Source::Sale(self.base.index_of(&column.name)?));
        }
        let Some(lookup) = lookups.iter().position(|lookup| lookup.alias == alias) else {
            return refused(format!("the column \"{column}\" is used before its table is joined"));
        };
        let table = dimensions.table(&lookups[lookup].table).map(RecordBatch::schema);
        let Some(table) = table else { return refused(format!("no table \"{alias}\"")) };
        Ok(Source::Looked { lookup, column: table.index_of(&column.name)? })
    }
}

/// Walks a left-deep tree of left joins down to the table `base`; returns the name that it goes by.
fn walk(
    plan: &LogicalPlan,
    base: &str,
    dimensions: &DimensionTables,
    joins: &mut Vec<JoinedTable>,
) -> PlanResult<String> {
    match plan {
        LogicalPlan::Join(join) if join.join_type == JoinType::Left => {
            let alias = walk(&join.left, base, dimensions, joins)?;
            joins.push(joined_table(join, dimensions)?);
            Ok(alias)
        }
        LogicalPlan::Join(join) => {
            let kind = join.join_type.to_string().to_uppercase();
            let message =
                format!("a row-level mart takes only LEFT JOIN, not {kind} JOIN, which could drop or multiply sales");
            refused_at(Sought::OtherJoin, message)
        }
        other => match table_of(other) {
            Some((alias, table)) if table == base => Ok(alias),
            Some((_, table)) => refused(format!("a row-level mart reads FROM sales, not from \"{table}\"")),
            None => {
                refused_at(words_of(other), "a row-level mart reads FROM sales and LEFT JOINs dimensions; nothing else")
            }
        },
    }
}

fn joined_table(join: &Join, dimensions: &DimensionTables) -> PlanResult<JoinedTable> {
    let Some((alias, table)) = table_of(&join.right) else {
        return refused("only dimension tables can be joined");
    };
    if dimensions.table(&table).is_none() {
        return refused(format!("\"{table}\" is no dimension table"));
    }
    let mut pairs: Vec<(Expr, Expr)> = join.on.clone();
    if let Some(filter) = &join.filter {
        for condition in split_conjunction(filter) {
            match condition {
                Expr::BinaryExpr(equal) if equal.op == Operator::Eq => {
                    pairs.push((equal.left.as_ref().clone(), equal.right.as_ref().clone()));
                }
                other => return refused(format!("\"{table}\" must be joined by its key alone, not by {other}")),
            }
        }
    }
    let [(Expr::Column(one), Expr::Column(other))] = pairs.as_slice() else {
        return refused(format!("\"{table}\" must be joined by one equality with its key"));
    };
    let is_right = |column: &Column| column.relation.as_ref().is_some_and(|relation| relation.table() == alias);
    let (key, from) = if is_right(one) { (one, other) } else { (other, one) };
    Ok(JoinedTable { alias, table, key: key.name.clone(), from: from.clone() })
}

fn table_of(plan: &LogicalPlan) -> Option<(String, String)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = scan.table_name.table().to_owned();
            Some((table.clone(), table))
        }
        LogicalPlan::SubqueryAlias(aliased) => {
            let (_, table) = table_of(&aliased.input)?;
            Some((aliased.alias.table().to_owned(), table))
        }
        _ => None,
    }
}
