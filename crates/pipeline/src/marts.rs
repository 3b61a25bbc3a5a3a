//! The marts of a project: the built-in ones and the `.sql` files of its own folder.

use crate::shop::Options;
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tillmart_database::{StateTable, TargetTable};
use tillmart_engine::mart::{MartFile, Rollup, RowMart, WhichMart};
use tillmart_engine::{DimensionTables, land};
use tillmart_lake::TableSpec;
use tillmart_model::{Fault, FaultKind, Result};

/// The row-level mart that every rollup is derived from.
pub const SALES_MART: &str = "sales_data_mart";

/// The row-level mart of customers.
pub(crate) const CUSTOMER_MART: &str = "customer_data_mart";

/// The table of rejects.
pub const REJECTS: &str = "sales_rejects";

/// The built-in marts: file name and text.
pub const BUILT_IN: [(&str, &str); 9] = [
    ("sales_data_mart.sql", include_str!("../../../sql/marts/sales_data_mart.sql")),
    ("customer_data_mart.sql", include_str!("../../../sql/marts/customer_data_mart.sql")),
    ("customers_data_mart.sql", include_str!("../../../sql/marts/customers_data_mart.sql")),
    ("sales_team_data_mart.sql", include_str!("../../../sql/marts/sales_team_data_mart.sql")),
    ("incentive_data_mart.sql", include_str!("../../../sql/marts/incentive_data_mart.sql")),
    ("store_day_data_mart.sql", include_str!("../../../sql/marts/store_day_data_mart.sql")),
    ("sales_person_day_data_mart.sql", include_str!("../../../sql/marts/sales_person_day_data_mart.sql")),
    ("product_day_data_mart.sql", include_str!("../../../sql/marts/product_day_data_mart.sql")),
    ("off_list_day_data_mart.sql", include_str!("../../../sql/marts/off_list_day_data_mart.sql")),
];

/// The mart of sales off the list price.
pub(crate) const OFF_LIST: &str = "off_list_day_data_mart";

/// The column of the sales mart that it needs. Sales marts that somebody wrote before there was this column do without both.
const LIST_PRICE: &str = "list_price";

/// The built-in mart of baskets, which a project has whose contract names what a basket is known by: for all others it would be a table
/// of nothing.
const BASKETS: (&str, &str) = ("basket_day_data_mart.sql", include_str!("../../../sql/marts/basket_day_data_mart.sql"));

/// The built-in marts that a project may do without: those of days, which nothing but reports read.
pub const MAY_BE_LEFT_OUT: [&str; 5] =
    ["store_day_data_mart", "sales_person_day_data_mart", "product_day_data_mart", OFF_LIST, "basket_day_data_mart"];

/// What the paths of built-in marts begin with, in messages.
const BUILT_IN_PATH: &str = "built-in ";

/// Names a mart may not take: they are other things' tables.
const TAKEN: [&str; 9] =
    ["customer", "store", "product", "sales_team", "product_staging_table", "sales", "merged", "payments", REJECTS];

fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name) || name.starts_with("tillmart_") || crate::history::specs().any(|spec| spec.name == name)
}

/// Every mart, planned.
#[derive(Debug, Clone, Default)]
pub struct Marts {
    /// Row-level marts, the sales mart first.
    pub rows: Vec<Arc<RowMart>>,
    /// Rollups by name, those over the state of another behind all others.
    pub rollups: Vec<Rollup>,
}

impl Marts {
    /// Reads and plans the built-in marts that the contract allows and those of the folder; a file of the folder with the name of a
    /// built-in mart takes its place.
    ///
    /// # Errors
    /// `Mart`, with file and line, all wrong files told at once.
    pub async fn load(options: &Options, dimensions: &DimensionTables) -> Result<Marts> {
        let (marts, faults) = Marts::plan(&files(options)?, dimensions, options.buckets).await;
        match Fault::join(faults) {
            Some(fault) => Err(fault),
            None => Ok(marts),
        }
    }

    /// The same for whoever only looks: what is wrong is left out, and told beside what is there.
    pub(crate) async fn load_usable(options: &Options, dimensions: &DimensionTables) -> (Marts, Option<Fault>) {
        let (files, mut faults) = read_files(options);
        let (marts, more) = Marts::plan(&files, dimensions, options.buckets).await;
        faults.extend(more);
        (marts, Fault::join(faults))
    }

    async fn plan(
        files: &BTreeMap<String, MartFile>,
        dimensions: &DimensionTables,
        buckets: u32,
    ) -> (Marts, Vec<Fault>) {
        let mut rows = Vec::new();
        let mut faults = Vec::new();
        for file in files.values().filter(|file| matches!(file.which, WhichMart::Rows { .. })) {
            match RowMart::plan(file, dimensions, buckets).await {
                Ok(mart) => rows.push(Arc::new(mart)),
                Err(fault) => faults.push(fault),
            }
        }
        rows.sort_by_key(|mart| (mart.name != SALES_MART, mart.name.clone()));
        let mut rollups = Vec::new();
        if let Some(sales) = rows.iter().find(|mart| mart.name == SALES_MART) {
            for file in files.values().filter(|file| matches!(file.which, WhichMart::Rollup { .. })) {
                match Rollup::plan(file, &sales.schema, dimensions).await {
                    Ok(mut rollup) => {
                        rollup.sum_in_passing(sales).await;
                        rollups.push(rollup);
                    }
                    Err(fault) => faults.push(fault),
                }
            }
        }
        let (over, more) = plan_over(files, &rollups, dimensions).await;
        rollups.extend(over);
        if faults.is_empty() {
            // Else they may only follow from those.
            faults = more;
        }
        (Marts { rows, rollups }, faults)
    }

    /// The sales mart and the rollups of these names alone, planned.
    ///
    /// # Errors
    /// `Mart`, with file and line, also for a mart of such a name that is no rollup.
    pub(crate) async fn of_names(options: &Options, dimensions: &DimensionTables, names: &[&str]) -> Result<Marts> {
        let (files, buckets) = (files(options)?, options.buckets);
        let named = |name: &str| files.get(name).ok_or_else(|| missing(options, name));
        let sales = RowMart::plan(named(SALES_MART)?, dimensions, buckets).await?;
        let mut rollups = Vec::with_capacity(names.len());
        for name in names {
            let file = named(name)?;
            rollups.push(match &file.which {
                WhichMart::Over { of, .. } => {
                    let base = Rollup::plan(named(of)?, &sales.schema, dimensions).await?;
                    Rollup::plan_over(file, &base, dimensions).await?
                }
                _ => Rollup::plan(file, &sales.schema, dimensions).await?,
            });
        }
        Ok(Marts { rows: vec![Arc::new(sales)], rollups })
    }

    /// The marts of these names, and the others.
    pub(crate) fn apart(self, names: &[String]) -> (Marts, Marts) {
        let (rows, other_rows) = self.rows.into_iter().partition(|mart| names.contains(&mart.name));
        let (rollups, other_rollups) = self.rollups.into_iter().partition(|rollup| names.contains(&rollup.name));
        (Marts { rows, rollups }, Marts { rows: other_rows, rollups: other_rollups })
    }

    /// Names of all of them.
    pub(crate) fn names(&self) -> Vec<String> {
        let rollups = self.rollups.iter().map(|rollup| &rollup.name);
        self.rows.iter().map(|mart| &mart.name).chain(rollups).cloned().collect()
    }

    /// Columns of the sales mart.
    pub fn sales_schema(&self) -> SchemaRef {
        self.rows.first().map_or_else(|| Arc::new(Schema::empty()), |mart| Arc::clone(&mart.schema))
    }

    /// Partition columns of the sales mart.
    pub fn sales_partitions(&self) -> &[String] {
        self.rows.first().map_or(&[], |mart| mart.partition_by.as_slice())
    }

    /// The Delta tables: row-level marts, then the rejects.
    pub fn table_specs(&self) -> Vec<TableSpec> {
        let mut specs: Vec<TableSpec> = self
            .rows
            .iter()
            .map(|mart| TableSpec {
                name: mart.name.clone(),
                comment: mart.about.clone(),
                schema: Arc::clone(&mart.schema),
                partition_columns: mart.partition_by.clone(),
                properties: mart
                    .bucket
                    .iter()
                    .map(|bucket| ("tillmart.buckets".to_owned(), bucket.count.to_string()))
                    .collect(),
            })
            .collect();
        specs.push(TableSpec {
            name: REJECTS.to_owned(),
            comment: "Rows and files that broke the contract, as they came.".to_owned(),
            schema: land::rejects_schema(),
            partition_columns: Vec::new(),
            properties: BTreeMap::new(),
        });
        specs
    }

    /// State and published table of a rollup.
    pub fn database_tables(rollup: &Rollup) -> (StateTable, TargetTable) {
        let keys = rollup.state_keys;
        let not_null = |schema: &SchemaRef, is_key: &dyn Fn(usize, &str) -> bool| -> SchemaRef {
            let fields: Vec<Field> = schema
                .fields()
                .iter()
                .enumerate()
                .map(|(at, field)| Field::new(field.name(), field.data_type().clone(), !is_key(at, field.name())))
                .collect();
            Arc::new(Schema::new(fields))
        };
        let state = StateTable {
            mart: rollup.of.clone(),
            schema: not_null(&rollup.state_schema, &|_, _| true),
            keys,
            scope: rollup.scope.clone(),
        };
        let target = TargetTable {
            name: rollup.name.clone(),
            schema: not_null(&rollup.target_schema, &|_, name| rollup.key.iter().any(|key| key == name)),
            key: rollup.key.clone(),
            scope: rollup.scope.clone(),
        };
        (state, target)
    }
}

/// Names of the marts, built-in and of the folder.
pub(crate) struct Names {
    /// Row-level marts.
    pub(crate) rows: Vec<String>,
    /// Rollups, each with the rollup whose state it is made from: mostly itself.
    pub(crate) rollups: Vec<(String, String)>,
}

/// Names of all marts, without planning them.
pub(crate) fn names(options: &Options) -> Result<Names> {
    let mut names = Names { rows: Vec::new(), rollups: Vec::new() };
    for file in files(options)?.into_values() {
        match file.which {
            WhichMart::Rows { .. } => names.rows.push(file.name),
            WhichMart::Rollup { .. } => names.rollups.push((file.name.clone(), file.name)),
            WhichMart::Over { of, .. } => names.rollups.push((file.name, of)),
        }
    }
    Ok(names)
}

/// Plans the marts that are second tables of rollups. A built-in one is left out where somebody's own rollup took the place of the
/// built-in one that it was written for, and does not have what it needs.
async fn plan_over(
    files: &BTreeMap<String, MartFile>,
    rollups: &[Rollup],
    dimensions: &DimensionTables,
) -> (Vec<Rollup>, Vec<Fault>) {
    let (mut over, mut faults) = (Vec::new(), Vec::new());
    for file in files.values() {
        let WhichMart::Over { of, .. } = &file.which else { continue };
        let Some(base) = rollups.iter().find(|rollup| rollup.name == *of) else {
            faults.push(
                Fault::new(FaultKind::Mart, format!("there is no rollup {of} that {} could be over", file.name))
                    .at(&file.path)
                    .expected("the name of a mart with `-- merge:` in the line `-- of:`"),
            );
            continue;
        };
        match Rollup::plan_over(file, base, dimensions).await {
            Ok(rollup) => over.push(rollup),
            Err(_) if is_built_in(&file.path) && !is_built_in(&base.path) => {}
            Err(fault) => faults.push(fault),
        }
    }
    (over, faults)
}

fn missing(options: &Options, name: &str) -> Fault {
    if !options.leave_out.iter().any(|left| left == name) {
        return Fault::new(FaultKind::Promise, format!("there is no mart {name}"));
    }
    Fault::new(FaultKind::Settings, format!("the mart {name}, which is asked for, is left out"))
        .found("its name in the setting marts.leave_out")
        .hint("take it out of the list: the next run makes the mart, and fills it with everything that has landed")
}

fn is_built_in(path: &str) -> bool {
    path.starts_with(BUILT_IN_PATH)
}

fn files(options: &Options) -> Result<BTreeMap<String, MartFile>> {
    let (files, faults) = read_files(options);
    match Fault::join(faults) {
        Some(fault) => Err(fault),
        None => Ok(files),
    }
}

/// The files that can be read, and what is wrong with the others.
fn read_files(options: &Options) -> (BTreeMap<String, MartFile>, Vec<Fault>) {
    let (mut files, mut faults) = (BTreeMap::new(), Vec::new());
    let baskets = options.contract.names_baskets().then_some(BASKETS);
    for (name, text) in BUILT_IN.into_iter().chain(baskets) {
        match MartFile::parse(&format!("{BUILT_IN_PATH}{name}"), text) {
            Ok(file) => {
                files.insert(file.name.clone(), file);
            }
            Err(fault) => faults.push(fault),
        }
    }
    files.retain(|name, _| !options.leave_out.contains(name));
    let mut own = BTreeSet::new();
    let paths = sql_files(&options.marts_folder).unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    for path in paths {
        let shown = path.display().to_string();
        let parsed = std::fs::read_to_string(&path)
            .map_err(|error| Fault::new(FaultKind::Mart, "a mart's file cannot be read").at(&shown).found(error))
            .and_then(|text| MartFile::parse(&shown, &text));
        match parsed {
            Ok(file) if is_taken(&file.name) => {
                faults.push(
                    Fault::new(FaultKind::Mart, format!("a mart cannot be called {}", file.name))
                        .at(&shown)
                        .hint("another table has this name: choose one of your own in the line `-- mart:`"),
                );
            }
            Ok(file) if !own.insert(file.name.clone()) => {
                faults.push(
                    Fault::new(FaultKind::Mart, format!("two files declare the mart {}", file.name))
                        .at(&shown)
                        .hint("rename one in its line `-- mart:`"),
                );
            }
            Ok(file) => {
                files.insert(file.name.clone(), file);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if files.get(SALES_MART).is_some_and(|sales| !is_built_in(&sales.path) && !names_list_price(sales)) {
        files.retain(|name, file| name != OFF_LIST || !is_built_in(&file.path));
    }
    (files, faults)
}

fn names_list_price(sales: &MartFile) -> bool {
    matches!(&sales.which, WhichMart::Rows { select, .. } if select.sql.contains(LIST_PRICE))
}

fn sql_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Fault::new(FaultKind::Mart, "the folder of marts cannot be read")
                .at(folder.display().to_string())
                .found(error));
        }
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    paths.sort();
    Ok(paths)
}
