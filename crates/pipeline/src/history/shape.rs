//! The tables that the history of a dimension is kept in: what they are called, and their columns.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::sync::Arc;
use tillmart_database::Dimension;
use tillmart_lake::TableSpec;

/// The open beginning: 0001-01-01, in days from 1970-01-01. What is known of a key before its first statement is its first version.
pub(crate) const BEGINNING: i32 = -719_162;

/// Columns of a statement before those of the dimension.
pub(super) const OF_STATEMENT: usize = 8;

/// Where a statement came from: the dimension table as a run found it.
pub(super) const FROM_TABLE: &str = "table";

/// Where a statement came from: a file that was loaded.
pub(super) const FROM_FILE: &str = "file";

/// The Delta table of a dimension's versions.
pub(crate) fn versions_table(dimension: Dimension) -> String {
    format!("dim_{}", dimension.name())
}

/// The Delta table of what was stated of a dimension.
pub(crate) fn statements_table(dimension: Dimension) -> String {
    format!("dim_{}_statements", dimension.name())
}

/// Columns of a dimension's versions: its own, then from when until when a row holds. `valid_to` is the first day on which it does
/// not, NULL while it holds.
pub(crate) fn versions_schema(dimension: Dimension) -> SchemaRef {
    let own = dimension.columns().into_iter().map(|column| Field::new(column.name, column.data_type, true));
    let more = [
        Field::new("valid_from", DataType::Date32, true),
        Field::new("valid_to", DataType::Date32, true),
        Field::new("is_current", DataType::Boolean, true),
    ];
    Arc::new(Schema::new(own.chain(more).collect::<Vec<_>>()))
}

/// Columns of a dimension's statements. A row states the columns that `stated` names, from `valid_from` on: with the values in it, of
/// one key; or, where `as_it_was` is true, that they are what they were, of every key between the two that was known by then.
pub(crate) fn statements_schema(dimension: Dimension) -> SchemaRef {
    let of_statement = [
        Field::new("sequence", DataType::Int64, true),
        Field::new("valid_from", DataType::Date32, true),
        Field::new("first_key", DataType::Int64, true),
        Field::new("last_key", DataType::Int64, true),
        Field::new("stated", DataType::Utf8, true),
        Field::new("as_it_was", DataType::Boolean, true),
        Field::new("origin", DataType::Utf8, true),
        Field::new("digest", DataType::Utf8, true),
    ];
    let own = dimension.columns().into_iter().skip(1);
    let own = own.map(|column| Field::new(column.name, column.data_type, true));
    Arc::new(Schema::new(of_statement.into_iter().chain(own).collect::<Vec<_>>()))
}

/// Both tables as the lake makes them.
pub(crate) fn specs(dimension: Dimension) -> [TableSpec; 2] {
    let spec = |name: String, comment: String, schema: SchemaRef| TableSpec {
        name,
        comment,
        schema,
        partition_columns: Vec::new(),
        properties: BTreeMap::new(),
    };
    let name = dimension.name();
    [
        spec(
            statements_table(dimension),
            format!("What was stated of {name}, and from which day on: the versions are made of it."),
            statements_schema(dimension),
        ),
        spec(
            versions_table(dimension),
            format!("Every version of {name}: valid from a day until before another."),
            versions_schema(dimension),
        ),
    ]
}

/// The columns of a set of columns, as `stated` names them. Bit 0 is the column after the key.
pub(super) fn names_of(dimension: Dimension, set: u32) -> String {
    let columns = dimension.columns().into_iter().skip(1).enumerate();
    let names: Vec<&str> = columns.filter(|(at, _)| set >> at & 1 == 1).map(|(_, column)| column.name).collect();
    names.join(",")
}

/// The set of columns that `stated` names.
pub(super) fn set_of(dimension: Dimension, names: &str) -> u32 {
    let columns = dimension.columns();
    let place = |name: &str| columns.iter().skip(1).position(|column| column.name == name);
    names.split(',').filter_map(place).fold(0, |set, at| set | 1 << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_columns_is_told_by_their_names() {
        for dimension in Dimension::ALL {
            let all = (1 << (dimension.columns().len() - 1)) - 1;
            for set in 0..=all {
                assert_eq!(set_of(dimension, &names_of(dimension, set)), set, "{dimension:?}");
            }
        }
    }
}
