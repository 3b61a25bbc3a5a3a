//! The contract of a feed, from its keys: what single keys cannot judge is judged here.

use std::collections::BTreeMap;
use tillmart_model::{BlankCustomer, Column, ColumnType, Contract, Result, SalesColumn};

use super::keys;
use super::layers::Layers;
use super::values::{Complaint, judge_constant, type_name};

/// Builds the contract. Faults between keys are left with the layers.
pub(super) fn contract(layers: &mut Layers) -> Result<Contract> {
    let mut contract = Contract {
        columns: Vec::new(),
        delimiter: layers.get(&keys::DELIMITER)?,
        quote: layers.get(&keys::QUOTE)?,
        encoding: layers.get(&keys::ENCODING)?,
        decimal_comma: layers.get(&keys::DECIMAL_COMMA)?,
        extra_columns: layers.get(&keys::EXTRA_COLUMNS)?,
        blank_customer: layers.get(&keys::BLANK_CUSTOMER)?,
        orphans: layers.get(&keys::ORPHANS)?,
        total_tolerance_cents: layers.get(&keys::TOTAL_TOLERANCE)?,
        key: layers.get(&keys::KEY)?,
        record_bytes_max: layers.get(&keys::RECORD_BYTES_MAX)?,
    };
    for column in SalesColumn::ALL {
        // The basket is optional: it is part of the contract where settings speak of it.
        if column != SalesColumn::TransactionId || layers.speaks_of("feed.columns.transaction_id") {
            let column = read_column(layers, column, &contract);
            contract.columns.push(column);
        }
    }
    judge_separators(layers, &contract);
    judge_sources(layers, &contract);
    judge_key(layers, &contract);
    Ok(contract)
}

/// One column, as declared or as the reference format has it.
fn read_column(layers: &mut Layers, column: SalesColumn, contract: &Contract) -> Column {
    let path = |key: &str| format!("feed.columns.{}.{key}", column.name());
    let mut read = Column::new(column);
    if let Some(source) = layers.get_at(&keys::COLUMN_SOURCE, &path("source")) {
        read.source = source.trim().to_owned();
    }
    if let Some(stated) = layers.get_at(&keys::COLUMN_TYPE, &path("type")) {
        let right = type_name(column.kind());
        if stated.replace(' ', "") != right {
            let mut complaint = Complaint::new(format!("{right:?}, the type of {} in the sales feed", column.name()));
            complaint.hint = Some("a contract may state a type, and may not change it: leave the key out".to_owned());
            layers.refuse(&path("type"), complaint);
        }
    }
    if let Some(formats) = layers.get_at(&keys::COLUMN_DATE_FORMATS, &path("date_formats")) {
        if column.kind() == ColumnType::Date {
            read.date_formats = formats;
        } else {
            layers.refuse(&path("date_formats"), Complaint::new("no date formats: the column holds no date"));
        }
    }
    if let Some(constant) = layers.get_at(&keys::COLUMN_CONSTANT, &path("constant")) {
        let anonymous = column == SalesColumn::CustomerId
            && constant.trim().is_empty()
            && contract.blank_customer == BlankCustomer::Anonymous;
        let point = if contract.decimal_comma { b',' } else { b'.' };
        // A blank customer is a value of its own: a feed without cards has only anonymous sales.
        if !anonymous && let Err(complaint) = judge_constant(column, &constant, point, &read.date_formats) {
            layers.refuse(&path("constant"), complaint);
        }
        read.constant = Some(constant);
    }
    read
}

/// Delimiter and quote must be told apart.
fn judge_separators(layers: &mut Layers, contract: &Contract) {
    if contract.delimiter == contract.quote && layers.sound(&["feed.delimiter", "feed.quote"]) {
        layers.refuse_either(["feed.delimiter", "feed.quote"], Complaint::new("a delimiter that is not the quote"));
    }
}

/// Two columns cannot come from one column of the file.
fn judge_sources(layers: &mut Layers, contract: &Contract) {
    let mut seen: BTreeMap<&str, SalesColumn> = BTreeMap::new();
    for column in &contract.columns {
        if let Some(other) = seen.insert(&column.source, column.column) {
            let paths = [column.column, other].map(|column| format!("feed.columns.{}.source", column.name()));
            let complaint = Complaint::new(format!(
                "a column of its own: {} and {} both come from {:?}",
                other.name(),
                column.column.name(),
                column.source
            ));
            layers.refuse_either([&paths[0], &paths[1]], complaint);
        }
    }
}

/// A key can only be made of columns that the contract has.
fn judge_key(layers: &mut Layers, contract: &Contract) {
    let missing = contract.key.iter().find(|key| !contract.columns.iter().any(|column| column.column == **key));
    if let Some(missing) = missing {
        let mut complaint = Complaint::new("columns of the contract");
        complaint.hint = Some(format!("declare the optional column: [feed.columns.{}]", missing.name()));
        layers.refuse("feed.key", complaint);
    }
}
