//! What is said of a mart's tables, and of rows that do not fit them.

use crate::bind::{self, Source};
use crate::refusal::{Checked, promise};
use crate::{Dimension, StateTable, TargetTable};
use arrow::datatypes::{DataType, Schema};
use tillmart_model::{Fault, FaultKind};

/// The names of a schema's columns.
pub(crate) fn names(schema: &Schema) -> Vec<&str> {
    schema.fields().iter().map(|field| field.name().as_str()).collect()
}

/// The name of a mart's state table.
pub(crate) fn state_name(state: &StateTable) -> String {
    StateTable::name_of(&state.mart)
}

pub(crate) fn wrong_mart(mart: &str, expected: &str, found: &str) -> Fault {
    let fault = Fault::new(FaultKind::Mart, format!("mart `{mart}` cannot be kept in the database"));
    fault.expected(expected).found(found)
}

/// Refuses an index over columns that the table does not have: SQLite would index the word instead.
pub(crate) fn check_index(target: &TargetTable, columns: &[String]) -> Checked<()> {
    match columns.iter().find(|column| target.schema.field_with_name(column).is_err()) {
        None if columns.is_empty() => Err(wrong_mart(&target.name, "an index over columns", "none").into()),
        None => Ok(()),
        Some(column) => Err(wrong_mart(&target.name, "an index over columns of its table", column).into()),
    }
}

/// Holds a name from a mart file to letters, digits and `_`, so that it may enter a statement.
pub(crate) fn plain(name: &str) -> Checked<&str> {
    let mut letters = name.bytes();
    let first = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if first && name.len() <= 64 && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(name);
    }
    let fault = Fault::new(FaultKind::Mart, "a table or column of a mart has a name that cannot be used")
        .expected("a letter or `_`, then letters, digits and `_`, at most 64 in all")
        .found(name);
    Err(fault.into())
}

/// The primary key of a state table: the scope leads, so that a scope's rows lie together. Refuses a table that is none.
pub(crate) fn state_key(state: &StateTable) -> Checked<Vec<String>> {
    let all = names(&state.schema);
    if state.keys == 0 || state.keys + 2 > all.len() || all.last() != Some(&"landed_rows") {
        return Err(wrong_mart(&state.mart, "keys, then sums, then landed_rows", &all.join(", ")).into());
    }
    let keys = &all[..state.keys];
    if let Some(stranger) = state.scope.iter().find(|scope| !keys.contains(&scope.as_str())) {
        let expected = format!("a scope of key columns ({})", keys.join(", "));
        return Err(wrong_mart(&state.mart, &expected, stranger).into());
    }
    for (at, field) in state.schema.fields().iter().enumerate() {
        let fits = match field.data_type() {
            DataType::Int64 => true,
            DataType::Int32 | DataType::Utf8 | DataType::Date32 => at < state.keys,
            DataType::Decimal128(_, scale) => at >= state.keys && *scale >= 0,
            _ => false,
        };
        if !fits {
            let expected = "int32, int64, utf8 or date32 keys, int64 or decimal sums";
            let found = format!("{} {}", field.name(), field.data_type());
            return Err(wrong_mart(&state.mart, expected, &found).into());
        }
    }
    let rest = keys.iter().filter(|key| !state.scope.iter().any(|scope| scope == *key));
    Ok(state.scope.iter().map(String::as_str).chain(rest.copied()).map(str::to_owned).collect())
}

/// Refuses a target that would take one of Tillmart's own tables, or whose key or scope is none of its columns.
pub(crate) fn check_target(target: &TargetTable) -> Checked<()> {
    let reserved = target.name.starts_with("tillmart_") || target.name.starts_with("sqlite_");
    let taken = target.name == "product_staging_table" || Dimension::ALL.iter().any(|d| d.name() == target.name);
    if reserved || taken {
        let expected = "a target table that is not one of Tillmart's own";
        return Err(wrong_mart(&target.name, expected, &target.name).into());
    }
    let all = names(&target.schema);
    if let Some(stranger) = target.key.iter().chain(&target.scope).find(|name| !all.contains(&name.as_str())) {
        let expected = format!("a key and a scope of its columns ({})", all.join(", "));
        return Err(wrong_mart(&target.name, &expected, stranger).into());
    }
    if target.key.is_empty() {
        return Err(wrong_mart(&target.name, "a key: the mart's grain", "none").into());
    }
    for field in target.schema.fields() {
        match field.data_type() {
            DataType::Int32 | DataType::Int64 | DataType::Utf8 | DataType::Date32 => {}
            DataType::Decimal128(_, scale) if *scale >= 0 => {}
            other => {
                let found = format!("{} {other}", field.name());
                let expected = "int32, int64, utf8, date32 or decimal columns";
                return Err(wrong_mart(&target.name, expected, &found).into());
            }
        }
    }
    Ok(())
}

/// A promise fault about a mart's rows.
pub(crate) fn broken(mart: &str, what: &str) -> Fault {
    promise(format!("{what} in mart `{mart}`"))
}

pub(crate) fn out_of_range(state: &StateTable, all: &[&str], sources: &[Source<'_>], row: usize) -> Fault {
    let sums: Vec<String> = state.schema.fields()[state.keys..]
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect();
    broken(&state.mart, "a sum leaves its range")
        .expected(format!("{}, each within 64 bits", sums.join(", ")))
        .found(bind::key_words(&all[..state.keys], sources, row))
        .hint("look for a mistyped amount with `tillmart query`; nothing of this batch was published")
}

pub(crate) fn outside(target: &TargetTable) -> Fault {
    broken(&target.name, "`finish` yields rows of a scope that the batch did not touch")
        .expected(format!("rows whose ({}) come from the state rows it was given", target.scope.join(", ")))
}

/// Two rows of one key, or a key that is NULL, among what is to be published.
pub(crate) fn doubled(target: &TargetTable, sources: &[Source<'_>], row: usize) -> Fault {
    let key: Vec<&str> = target.key.iter().map(String::as_str).collect();
    let all = names(&target.schema);
    let values: Vec<String> = key
        .iter()
        .filter_map(|name| all.iter().position(|other| other == name).map(|at| (name, at)))
        .map(|(name, at)| format!("{name} {}", sources[at].value(row).unwrap_or(bind::Datum::Null)))
        .collect();
    broken(&target.name, "two rows of one key, or a key that is NULL,")
        .expected(format!("one row for each ({})", key.join(", ")))
        .found(values.join(", "))
}

/// A state row that holds something behind which nothing is landed; `key` names it.
pub(crate) fn taken_back_too_much(mart: &str, key: &str) -> Fault {
    broken(mart, "more was taken back than had been merged")
        .expected("landed_rows of 0 or more, and sums of zero where nothing is landed")
        .found(format!("the state of {key}"))
        .hint("run `tillmart verify`; nothing of this batch was published")
}

/// A target whose scope has other columns than the state's.
pub(crate) fn unlike_scopes(state: &StateTable) -> Fault {
    broken(&state.mart, "the target's scope does not match the state's")
}

/// A table that is there, and is not the one that the mart writes.
pub(crate) fn another_table(name: &str, expected: String, found: String) -> Fault {
    Fault::new(FaultKind::Database, format!("table `{name}` is not the one that this mart writes"))
        .expected(expected)
        .found(found)
        .hint("rename one of the two, or drop the table if nothing in it is needed any more")
}
