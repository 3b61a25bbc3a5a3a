//! Migrations, and a look at the tables.

use super::rows::take;
use super::tables::describe;
use super::trouble::Tried;
use super::{Sqlite, statements};
use crate::columns::{DecimalForm, Frame, join};
use crate::records::moment_text;
use crate::refusal::missing_table;
use crate::steps::{Applied, Step, complete, refuse_newer};
use crate::{Migration, Schema};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior, params};
use std::sync::Arc;
use tillmart_model::{Clock, Result};

/// Every step, in order. A step that was released is never edited; what is to change is a new step.
const STEPS: [Step; 6] = [
    Step { number: 1, name: "ledger", sql: include_str!("../../../../sql/ledger/sqlite/migrations/0001_ledger.sql") },
    Step {
        number: 2,
        name: "dimensions",
        sql: include_str!("../../../../sql/ledger/sqlite/migrations/0002_dimensions.sql"),
    },
    Step {
        number: 3,
        name: "batch kinds",
        sql: include_str!("../../../../sql/ledger/sqlite/migrations/0003_batch_kinds.sql"),
    },
    Step { number: 4, name: "coupons", sql: include_str!("../../../../sql/ledger/sqlite/migrations/0004_coupons.sql") },
    Step {
        number: 5,
        name: "report months",
        sql: include_str!("../../../../sql/ledger/sqlite/migrations/0005_report_months.sql"),
    },
    Step {
        number: 6,
        name: "mart standing",
        sql: include_str!("../../../../sql/ledger/sqlite/migrations/0006_mart_standing.sql"),
    },
];

fn applied(connection: &Connection) -> Tried<Applied> {
    let mut statement = connection.prepare("SELECT number, name, checksum FROM tillmart_migration")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn migrate(connection: &mut Connection) -> Tried<Vec<Migration>> {
    let mut done = Vec::new();
    for step in &STEPS {
        // The lock is taken before looking: of two that start at once the second finds the step applied.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(statements::MIGRATION_TABLE)?;
        let applied = applied(&transaction)?;
        refuse_newer(&STEPS, &applied)?;
        let before = step.is_applied(&applied)?;
        if !before {
            transaction.execute_batch(step.sql)?;
            transaction.execute(
                "INSERT INTO tillmart_migration (number, name, checksum, applied) VALUES (?1, ?2, ?3, ?4)",
                params![step.number, step.name, step.checksum(), moment_text(Clock::System.now())],
            )?;
        }
        transaction.commit()?;
        done.push(Migration { number: step.number, name: step.name.to_owned(), applied: before });
    }
    Ok(done)
}

fn check(connection: &Connection) -> Tried<()> {
    let applied =
        if describe(connection, "tillmart_migration")?.is_empty() { Applied::new() } else { applied(connection)? };
    Ok(complete(&STEPS, &applied)?)
}

/// The Arrow type that a declared type is read as (SQLite's own rules of affinity).
fn read_as(declared: &str) -> DataType {
    if declared.contains("INT") {
        DataType::Int64
    } else if declared.is_empty() || declared.contains("BLOB") {
        DataType::Binary
    } else {
        DataType::Utf8
    }
}

fn columns(connection: &Connection, table: &str) -> Tried<SchemaRef> {
    let columns = describe(connection, table)?;
    if columns.is_empty() {
        return Err(missing_table(table).into());
    }
    let fields: Vec<Field> =
        columns.iter().map(|column| Field::new(&column.name, read_as(&column.declared), true)).collect();
    Ok(Arc::new(arrow::datatypes::Schema::new(fields)))
}

fn read_table(connection: &Connection, table: &str) -> Tried<RecordBatch> {
    let schema = columns(connection, table)?;
    // Any table may be asked for, so names are quoted rather than held to what Tillmart itself would use.
    let escaped = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let names: Vec<String> = schema.fields().iter().map(|field| escaped(field.name())).collect();
    let mut statement = connection.prepare(&format!("SELECT {} FROM main.{}", names.join(", "), escaped(table)))?;
    let mut rows = statement.query([])?;
    let mut frame = Frame::new(table, Arc::clone(&schema), 0, DecimalForm::Published)?;
    while let Some(row) = rows.next()? {
        take(&mut frame, row)?;
    }
    Ok(join(table, &schema, frame.finish()?)?)
}

#[async_trait]
impl Schema for Sqlite {
    async fn migrate(&self) -> Result<Vec<Migration>> {
        self.ledger(migrate).await
    }

    async fn check(&self) -> Result<()> {
        self.ledger(|connection| check(connection)).await
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.ledger(|connection| {
            let mut statement = connection.prepare_cached(statements::TABLES)?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn columns(&self, table: &str) -> Result<SchemaRef> {
        let table = table.to_owned();
        self.apart(move |connection| columns(connection, &table)).await
    }

    async fn read_table(&self, table: &str) -> Result<RecordBatch> {
        let table = table.to_owned();
        self.apart(move |connection| read_table(connection, &table)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_without_a_gap() {
        let numbers: Vec<usize> = STEPS.iter().map(|step| step.number as usize).collect();
        assert_eq!(numbers, (1..=STEPS.len()).collect::<Vec<_>>());
    }
}
