//! Migrations, and a look at the tables.

use super::link::Link;
use super::rows::{number_at, take, text_at};
use super::tables::{Described, describe, no_transactions};
use super::trouble::{Tried, Trouble};
use super::{MySql, statements};
use crate::columns::{DecimalForm, Frame, join};
use crate::records::moment_text;
use crate::refusal::{database, missing_table};
use crate::steps::{Applied, Step, complete, refuse_newer};
use crate::{Migration, Schema};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use async_trait::async_trait;
use std::sync::Arc;
use tillmart_model::{Clock, Result};

/// Every step, in order.
const STEPS: [Step; 5] = [
    Step { number: 1, name: "ledger", sql: include_str!("../../../../sql/ledger/mysql/migrations/0001_ledger.sql") },
    Step {
        number: 2,
        name: "dimensions",
        sql: include_str!("../../../../sql/ledger/mysql/migrations/0002_dimensions.sql"),
    },
    Step { number: 3, name: "coupons", sql: include_str!("../../../../sql/ledger/mysql/migrations/0003_coupons.sql") },
    Step {
        number: 4,
        name: "report months",
        sql: include_str!("../../../../sql/ledger/mysql/migrations/0004_report_months.sql"),
    },
    Step {
        number: 5,
        name: "mart standing",
        sql: include_str!("../../../../sql/ledger/mysql/migrations/0005_mart_standing.sql"),
    },
];

/// How long a migration waits for another that is under way.
const WAIT_SECONDS: u32 = 300;

/// The statements of a step. Each ends with `;` at the end of a line; a line `-- once: CODE CODE …` before one names the
/// errors that say it was done by an attempt that was killed: servers differ in which they find first.
fn split(sql: &str) -> Vec<(String, Vec<u16>)> {
    let (mut statements, mut text, mut once) = (Vec::new(), String::new(), Vec::new());
    for line in sql.lines() {
        if let Some(codes) = line.strip_prefix("-- once: ") {
            once = codes.split_whitespace().filter_map(|code| code.parse().ok()).collect();
        }
        text.push_str(line);
        text.push('\n');
        if line.trim_end().ends_with(';') {
            statements.push((std::mem::take(&mut text), std::mem::take(&mut once)));
        }
    }
    statements
}

/// Runs every statement of a script; each may have been run before.
fn run_all(link: &mut Link, sql: &str) -> Tried<()> {
    for (statement, once) in split(sql) {
        match link.run(&statement) {
            Err(Trouble::Server(error)) if once.contains(&error.code) => {}
            done => {
                done?;
            }
        }
    }
    Ok(())
}

fn applied(link: &mut Link) -> Tried<Applied> {
    let mut applied = Applied::new();
    link.select("SELECT number, name, checksum FROM tillmart_migration", Vec::new(), |row| {
        let number = number_at(row, 0).and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
        applied.insert(number, (text_at(row, 1), text_at(row, 2)));
        Ok(())
    })?;
    Ok(applied)
}

fn migrate(link: &mut Link) -> Tried<Vec<Migration>> {
    // Named after the database: the server's locks are one space for all of them.
    let lock = "CONCAT('tillmart.', MD5(DATABASE()))";
    if link.number(&format!("SELECT GET_LOCK({lock}, {WAIT_SECONDS})"), Vec::new())? != Some(1) {
        let fault = database("another migration of this database does not come to its end");
        return Err(fault.hint("look for it with `SHOW FULL PROCESSLIST`, and run `tillmart db migrate` again").into());
    }
    let done = migrate_alone(link);
    if !matches!(done, Err(Trouble::Lost(_))) {
        link.run(&format!("DO RELEASE_LOCK({lock})"))?;
    }
    done
}

fn migrate_alone(link: &mut Link) -> Tried<Vec<Migration>> {
    run_all(link, statements::MIGRATION_TABLE)?;
    let applied = applied(link)?;
    refuse_newer(&STEPS, &applied)?;
    transactional(link)?;
    let mut done = Vec::new();
    for step in &STEPS {
        let before = step.is_applied(&applied)?;
        if !before {
            run_all(link, step.sql)?;
            whole_ledger(link)?;
            let sql = "INSERT INTO tillmart_migration (number, name, checksum, applied) VALUES (?, ?, ?, ?)";
            let now = moment_text(Clock::System.now());
            link.execute(sql, vec![step.number.into(), step.name.into(), step.checksum().into(), now.into()])?;
        }
        done.push(Migration { number: step.number, name: step.name.to_owned(), applied: before });
    }
    Ok(done)
}

/// A table that is taken over must be able to take part in a transaction.
fn transactional(link: &mut Link) -> Tried<()> {
    let mut wrong = Vec::new();
    link.select(statements::ENGINES, Vec::new(), |row| {
        wrong.push((text_at(row, 0), text_at(row, 1)));
        Ok(())
    })?;
    match wrong.first() {
        None => Ok(()),
        Some((table, engine)) => Err(no_transactions(table, engine).into()),
    }
}

/// A staging table that had a column of one of our names got none of ours.
fn whole_ledger(link: &mut Link) -> Tried<()> {
    let found = describe(link, "product_staging_table")?;
    let lacks = ["feed", "path_hash", "landed_digest", "header"];
    match lacks.into_iter().find(|name| !found.iter().any(|column| column.name == *name)) {
        None => Ok(()),
        Some(_) => {
            let words: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
            let fault = database("`product_staging_table` has a column of a name that Tillmart needs for its own")
                .found(format!("columns {}; ours were not added", words.join(", ")))
                .hint(
                    "rename that column of yours, delete the row of migration 1 in `tillmart_migration`, migrate again",
                );
            Err(fault.into())
        }
    }
}

fn check(link: &mut Link) -> Tried<()> {
    let applied = if describe(link, "tillmart_migration")?.is_empty() { Applied::new() } else { applied(link)? };
    Ok(complete(&STEPS, &applied)?)
}

/// The Arrow type that a column is read as, for `query`: numbers that are exact in 64 bits, bytes, and text for the rest.
fn read_as(data_type: &str, column_type: &str) -> DataType {
    match data_type {
        "bigint" if column_type.contains("unsigned") => DataType::Utf8,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => DataType::Int64,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "bit" => DataType::Binary,
        _ => DataType::Utf8,
    }
}

/// The columns of a table as they are read, and as the server tells them.
fn columns(link: &mut Link, table: &str) -> Tried<(SchemaRef, Vec<Described>)> {
    let columns = describe(link, table)?;
    if columns.is_empty() {
        return Err(missing_table(table).into());
    }
    let fields: Vec<Field> = columns
        .iter()
        .map(|column| Field::new(&column.name, read_as(&column.data_type, &column.column_type), true))
        .collect();
    Ok((Arc::new(arrow::datatypes::Schema::new(fields)), columns))
}

fn read_table(link: &mut Link, table: &str) -> Tried<RecordBatch> {
    let (schema, columns) = columns(link, table)?;
    let types: Vec<DataType> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    // Any table may be asked for, so names are quoted rather than held to what Tillmart itself would use.
    let escaped = |name: &str| format!("`{}`", name.replace('`', "``"));
    let names: Vec<String> = columns
        .iter()
        .map(|column| match column.data_type.as_str() {
            "year" | "float" | "double" => format!("CAST({} AS CHAR)", escaped(&column.name)),
            _ => escaped(&column.name),
        })
        .collect();
    let mut frame = Frame::new(table, Arc::clone(&schema), 0, DecimalForm::Published)?;
    let sql = format!("SELECT {} FROM {}", names.join(", "), escaped(table));
    link.select(&sql, Vec::new(), |row| take(&mut frame, &types, row))?;
    Ok(join(table, &schema, frame.finish()?)?)
}

#[async_trait]
impl Schema for MySql {
    async fn migrate(&self) -> Result<Vec<Migration>> {
        self.read(migrate).await
    }

    async fn check(&self) -> Result<()> {
        self.read(check).await
    }

    async fn tables(&self) -> Result<Vec<String>> {
        self.read(|link| {
            let mut names = Vec::new();
            link.select(statements::TABLES, Vec::new(), |row| {
                names.push(text_at(row, 0));
                Ok(())
            })?;
            Ok(names)
        })
        .await
    }

    async fn columns(&self, table: &str) -> Result<SchemaRef> {
        let table = table.to_owned();
        self.read(move |link| Ok(columns(link, &table)?.0)).await
    }

    async fn read_table(&self, table: &str) -> Result<RecordBatch> {
        let table = table.to_owned();
        self.read(move |link| read_table(link, &table)).await
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

    #[test]
    fn statements_are_split_at_the_ends_of_lines() {
        let found = split("-- a comment\nSELECT 1,\n  ';';\n-- once: 1060 3822\nALTER x;\nSELECT 2;\n");
        let codes: Vec<Vec<u16>> = found.iter().map(|(_, once)| once.clone()).collect();
        let named: [Vec<u16>; 3] = [Vec::new(), vec![1060, 3822], Vec::new()];
        assert_eq!(codes, named);
        assert!(found[0].0.contains("SELECT 1"), "{found:?}");
    }
}
