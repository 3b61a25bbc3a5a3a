//! The tables of a mart: names, columns, keys, and whether a table that is there is the one that was meant.

use super::rekey::rekey;
use super::statements;
use super::trouble::Tried;
use crate::marts::{another_table, check_index, check_target, plain, state_key, state_name};
use crate::{StateTable, TargetTable};
use arrow::datatypes::DataType;
use rusqlite::Connection;
use tillmart_model::money;

/// Most digits that a 64-bit integer holds whatever they are.
pub(super) const INTEGER_DIGITS: u8 = 18;

/// A quoted identifier.
pub(super) fn quoted(name: &str) -> Tried<String> {
    Ok(format!("\"{}\"", plain(name)?))
}

/// Quoted identifiers, joined by commas.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Tried<String> {
    let names: Vec<String> = names.into_iter().map(quoted).collect::<Tried<_>>()?;
    Ok(names.join(", "))
}

/// A condition on a key whose leading columns are given, so many, and whose others compare so with what is given.
///
/// Only where none is given it compares rows: SQLite walks an index by them as well, and then checks each row once more, column by column.
pub(super) fn key_compares(key: &[&str], given: usize, comparison: &str) -> Tried<String> {
    let mut terms = Vec::with_capacity(given + 1);
    for column in &key[..given] {
        terms.push(format!("{} = ?", quoted(column)?));
    }
    let rest = &key[given..];
    terms.push(format!("({}) {comparison} ({})", list(rest.iter().copied())?, vec!["?"; rest.len()].join(", ")));
    Ok(terms.join(" AND "))
}

/// A column as `sql/ledger/sqlite/columns.sql` tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) declared: String,
    /// Place in the primary key, 0 for none.
    pub(super) key: i64,
    pub(super) generated: bool,
}

/// The columns of a table, none if there is no such table.
pub(super) fn describe(connection: &Connection, table: &str) -> Tried<Vec<Described>> {
    let mut statement = connection.prepare_cached(statements::COLUMNS)?;
    let columns = statement.query_map([table], |row| {
        let hidden: i64 = row.get("hidden")?;
        Ok(Described {
            name: row.get("name")?,
            declared: row.get("type")?,
            key: row.get("pk")?,
            generated: hidden == 2 || hidden == 3,
        })
    })?;
    Ok(columns.collect::<rusqlite::Result<_>>()?)
}

/// A table of a mart, as it should be.
pub(super) struct Layout {
    pub(super) name: String,
    /// Name, declared type, and what follows in the DDL.
    columns: Vec<(String, &'static str, String)>,
    /// Virtual columns, likewise.
    generated: Vec<(String, &'static str, String)>,
    key: Vec<String>,
}

impl Layout {
    /// A state table. The scope leads the primary key, so that a scope's rows lie together.
    pub(super) fn state(state: &StateTable) -> Tried<Self> {
        let key = state_key(state)?;
        let mut columns = Vec::new();
        for (at, field) in state.schema.fields().iter().enumerate() {
            let name = quoted(field.name())?;
            let column = match field.data_type() {
                DataType::Utf8 | DataType::Date32 => ("TEXT", "NOT NULL".to_owned()),
                _ if at < state.keys => ("INTEGER", "NOT NULL".to_owned()),
                // A strict table takes no float that is no integer, which is what SQLite makes of an integer that overflows.
                data_type => ("INTEGER", format!("NOT NULL{}", range_check(&name, data_type))),
            };
            columns.push((field.name().clone(), column.0, column.1));
        }
        Ok(Layout { name: state_name(state), columns, generated: Vec::new(), key })
    }

    /// A published table.
    pub(super) fn target(target: &TargetTable) -> Tried<Self> {
        check_target(target)?;
        let (mut columns, mut generated) = (Vec::new(), Vec::new());
        for field in target.schema.fields() {
            let name = quoted(field.name())?;
            let declared = match field.data_type() {
                DataType::Decimal128(_, scale) => {
                    let unit = if *scale == 2 { "cents" } else { "unscaled" };
                    let digits = format!("GENERATED ALWAYS AS (CAST(REPLACE({name}, '.', '') AS INTEGER)) VIRTUAL");
                    generated.push((format!("{}_{unit}", field.name()), "INTEGER", digits));
                    "TEXT"
                }
                DataType::Int32 | DataType::Int64 => "INTEGER",
                _ => "TEXT",
            };
            let key = target.key.iter().any(|key| key == field.name());
            columns.push((field.name().clone(), declared, if key { "NOT NULL".to_owned() } else { String::new() }));
        }
        Ok(Layout { name: target.name.clone(), columns, generated, key: target.key.clone() })
    }

    /// Makes the table, or holds the one that is there against this layout.
    pub(super) fn make(&self, connection: &Connection) -> Tried<()> {
        let found = describe(connection, &self.name)?;
        if found.is_empty() {
            connection.execute_batch(&self.ddl(&self.name)?)?;
            return Ok(());
        }
        let mut wanted: Vec<Described> = Vec::new();
        for (generated, columns) in [(false, &self.columns), (true, &self.generated)] {
            for (name, declared, _) in columns {
                let key = self.key.iter().position(|key| key == name).map_or(0, |at| at as i64 + 1);
                wanted.push(Described { name: name.clone(), declared: (*declared).to_owned(), key, generated });
            }
        }
        let (mut sorted_found, mut sorted_wanted) = (found.clone(), wanted.clone());
        sorted_found.sort();
        sorted_wanted.sort();
        if sorted_found == sorted_wanted {
            return Ok(());
        }
        if in_any_order(sorted_found) == in_any_order(sorted_wanted) {
            return rekey(connection, self);
        }
        Err(another_table(&self.name, words(&wanted), words(&found)).into())
    }

    /// Names of the columns that hold something, quoted and joined by commas.
    pub(super) fn kept_columns(&self) -> Tried<String> {
        list(self.columns.iter().map(|(name, ..)| name.as_str()))
    }

    /// Names of the primary key's columns, likewise.
    pub(super) fn key_columns(&self) -> Tried<String> {
        list(self.key.iter().map(String::as_str))
    }

    /// The statement that makes the table, under this name.
    pub(super) fn ddl(&self, name: &str) -> Tried<String> {
        let mut parts = Vec::new();
        for (column, declared, rest) in self.columns.iter().chain(&self.generated) {
            parts.push(format!("{} {declared} {rest}", quoted(column)?).trim_end().to_owned());
        }
        parts.push(format!("PRIMARY KEY ({})", self.key_columns()?));
        let name = quoted(name)?;
        Ok(format!("CREATE TABLE {name} (\n    {}\n) STRICT, WITHOUT ROWID;", parts.join(",\n    ")))
    }
}

/// Makes the index that finds the rows of a finished scope, where the key does not begin with the scope.
pub(super) fn make_scope_index(connection: &Connection, target: &TargetTable) -> Tried<()> {
    let Some(index) = scope_index(target)? else { return Ok(()) };
    let (table, columns) = (quoted(&target.name)?, list(target.scope.iter().map(String::as_str))?);
    connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {table} ({columns});"))?;
    Ok(())
}

/// Columns without their places in the key.
fn in_any_order(mut columns: Vec<Described>) -> Vec<Described> {
    for column in &mut columns {
        column.key = column.key.min(1);
    }
    columns
}

/// Makes an index that readers ask by, or, where the key serves them as well, tells SQLite so.
pub(super) fn make_index(connection: &Connection, target: &TargetTable, columns: &[String]) -> Tried<()> {
    check_index(target, columns)?;
    if is_served_by_key(target, columns) {
        return tell_of_days(connection, target);
    }
    let index = quoted(&format!("{}_by_{}", target.name, columns.join("_")))?;
    let (table, columns) = (quoted(&target.name)?, list(columns.iter().map(String::as_str))?);
    connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {table} ({columns});"))?;
    Ok(())
}

/// Whether only a day or month stands before these columns in the key: there are few of them, and SQLite looks into each.
fn is_served_by_key(target: &TargetTable, columns: &[String]) -> bool {
    let Some((first, rest)) = target.key.split_first() else { return false };
    let first = target.schema.field_with_name(first);
    rest.starts_with(columns) && first.is_ok_and(|field| field.data_type() == &DataType::Date32)
}

/// Leaves statistics by which SQLite passes from one day or month to the next (its skip-scan) instead of reading the whole table:
/// <https://sqlite.org/optoverview.html#the_skip_scan_optimization>. Rough ones do; whoever runs ANALYZE puts real ones in their place.
fn tell_of_days(connection: &Connection, target: &TargetTable) -> Tried<()> {
    let known = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'";
    if !connection.prepare_cached(known)?.exists([])? {
        connection.execute_batch("ANALYZE main.sqlite_schema")?;
    }
    let told = "SELECT 1 FROM sqlite_stat1 WHERE tbl = ?1";
    if connection.prepare_cached(told)?.exists([&target.name])? {
        return Ok(());
    }
    // Rows in all, then rows that agree in the first column, in the first two, and so on: one in the whole key.
    let rows = (1..target.key.len()).map(|columns| 10_i64.pow(6_u32.saturating_sub(2 * (columns as u32 - 1)).max(1)));
    let words: Vec<String> = [10_i64.pow(7)].into_iter().chain(rows).chain([1]).map(|rows| rows.to_string()).collect();
    connection
        .execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?1, ?2)", [&target.name, &words.join(" ")])?;
    Ok(())
}

/// How a statement names the target where it looks for rows of a scope. Without table statistics SQLite may prefer a
/// key that shares one column with the scope, and then walks all that was ever published for it.
pub(super) fn by_scope(target: &TargetTable) -> Tried<String> {
    let table = quoted(&target.name)?;
    Ok(match scope_index(target)? {
        Some(index) => format!("main.{table} INDEXED BY {index}"),
        None => format!("main.{table}"),
    })
}

fn scope_index(target: &TargetTable) -> Tried<Option<String>> {
    if target.scope.is_empty() || target.key.starts_with(&target.scope) {
        return Ok(None);
    }
    Ok(Some(quoted(&format!("{}_scope", target.name))?))
}

/// The declared range of a sum, where it is narrower than 64 bits.
fn range_check(name: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Decimal128(precision, _) if *precision <= INTEGER_DIGITS => {
            let most = money::power_of_ten(u32::from(*precision)) - 1;
            format!(" CHECK ({name} BETWEEN -{most} AND {most})")
        }
        _ => String::new(),
    }
}

fn words(columns: &[Described]) -> String {
    let mut key: Vec<&Described> = columns.iter().filter(|column| column.key > 0).collect();
    key.sort_by_key(|column| column.key);
    let key: Vec<&str> = key.iter().map(|column| column.name.as_str()).collect();
    let columns: Vec<String> = columns.iter().map(|column| format!("{} {}", column.name, column.declared)).collect();
    format!("{}; primary key ({})", columns.join(", "), key.join(", "))
}
