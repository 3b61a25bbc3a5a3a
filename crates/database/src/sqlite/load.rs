//! A dimension's CSV file into its table: every fault of the file is told, or every row is loaded.

use super::rows::output;
use super::tables::quoted;
use super::trouble::{Tried, is_constraint};
use crate::bind::sources;
use crate::dimension_file::Intake;
use crate::marts::names;
use crate::{Dimension, Upserted};
use arrow::array::RecordBatch;
use csv::ByteRecord;
use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};
use std::path::Path;

/// Loads the file in one transaction.
pub(super) fn load(connection: &mut Connection, dimension: Dimension, path: &Path) -> Tried<Upserted> {
    let mut intake = Intake::open(dimension, path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let columns: Vec<&str> = intake.columns.iter().map(|(column, _)| column.name).collect();
    let incoming = Incoming::make(&transaction, dimension, &columns)?;
    {
        let mut insert = incoming.insert(&transaction)?;
        let mut record = ByteRecord::new();
        while intake.next(&mut record)? {
            take(&mut intake, &transaction, &incoming, &mut insert, &record)?;
        }
    }
    intake.close()?;
    let upserted = incoming.upsert(&transaction)?;
    incoming.drop(&transaction)?;
    transaction.commit()?;
    Ok(upserted)
}

/// Puts rows in one transaction.
pub(super) fn put(connection: &mut Connection, dimension: Dimension, rows: &RecordBatch) -> Tried<Upserted> {
    let schema = rows.schema();
    let columns = names(&schema);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let incoming = Incoming::make(&transaction, dimension, &columns)?;
    {
        let mut insert = incoming.insert(&transaction)?;
        let sources = sources(rows.columns())?;
        for row in 0..rows.num_rows() {
            for (place, source) in sources.iter().enumerate() {
                insert.raw_bind_parameter(place + 1, output(source.value(row)?)?)?;
            }
            insert.raw_execute()?;
        }
    }
    let upserted = incoming.upsert(&transaction)?;
    incoming.drop(&transaction)?;
    transaction.commit()?;
    Ok(upserted)
}

/// Checks one record and puts it into the incoming table.
fn take(
    intake: &mut Intake<'_>,
    transaction: &Transaction<'_>,
    incoming: &Incoming,
    insert: &mut Statement<'_>,
    record: &ByteRecord,
) -> Tried<()> {
    let Some(row) = intake.check(record) else { return Ok(()) };
    let values = row.values.len();
    for (place, value) in row.values.into_iter().enumerate() {
        insert.raw_bind_parameter(place + 1, output(value)?)?;
    }
    insert.raw_bind_parameter(values + 1, i64::try_from(row.line).unwrap_or(i64::MAX))?;
    insert.raw_bind_parameter(values + 2, i64::try_from(row.byte).unwrap_or(i64::MAX))?;
    match insert.raw_execute() {
        Ok(_) => Ok(()),
        Err(error) if is_constraint(&error) => {
            let field = intake.columns.first().map_or(0, |(_, field)| *field);
            let key = String::from_utf8_lossy(record[field].trim_ascii()).into_owned();
            let (line, byte) = incoming.place_of(transaction, &key)?;
            intake.doubled(record, line, byte);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// The file's rows in a temporary table, which finds double keys and is compared with the real one in three statements.
struct Incoming {
    table: String,
    key: String,
    /// Quoted names of the columns that the file has.
    columns: Vec<String>,
}

impl Incoming {
    fn make(transaction: &Transaction<'_>, dimension: Dimension, columns: &[&str]) -> Tried<Self> {
        let columns = columns.iter().map(|column| quoted(column)).collect::<Tried<Vec<_>>>()?;
        let incoming = Incoming { table: quoted(dimension.name())?, key: quoted(dimension.key())?, columns };
        let rest: Vec<&str> =
            incoming.columns.iter().map(String::as_str).filter(|column| *column != incoming.key).collect();
        let rest = if rest.is_empty() { String::new() } else { format!("{}, ", rest.join(", ")) };
        transaction.execute_batch(&format!(
            "CREATE TEMP TABLE incoming ({} INTEGER PRIMARY KEY NOT NULL, {rest}line_in_file, byte_in_file);",
            incoming.key
        ))?;
        Ok(incoming)
    }

    fn insert<'c>(&self, transaction: &'c Transaction<'_>) -> Tried<Statement<'c>> {
        let marks = vec!["?"; self.columns.len() + 2].join(", ");
        let columns = self.columns.join(", ");
        let sql = format!("INSERT INTO temp.incoming ({columns}, line_in_file, byte_in_file) VALUES ({marks})");
        Ok(transaction.prepare(&sql)?)
    }

    fn place_of(&self, transaction: &Transaction<'_>, key: &str) -> Tried<(u64, u64)> {
        let sql =
            format!("SELECT line_in_file, byte_in_file FROM temp.incoming WHERE {} = CAST(?1 AS INTEGER)", self.key);
        let (line, byte): (i64, i64) = transaction.query_row(&sql, [key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((line.unsigned_abs(), byte.unsigned_abs()))
    }

    /// Columns that the file does not have stay as they are.
    fn upsert(&self, transaction: &Transaction<'_>) -> Tried<Upserted> {
        let (table, key, columns) = (&self.table, &self.key, self.columns.join(", "));
        let count = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
        let rows = count("SELECT count(*) FROM temp.incoming")?;
        let known =
            count(&format!("SELECT count(*) FROM temp.incoming AS i JOIN main.{table} AS t ON t.{key} = i.{key}"))?;
        let rest = || self.columns.iter().filter(|column| *column != key);
        let sets: Vec<String> = rest().map(|column| format!("{column} = excluded.{column}")).collect();
        let terms: Vec<String> = rest().map(|column| format!("t.{column} IS NOT excluded.{column}")).collect();
        let conflict = if sets.is_empty() {
            "NOTHING".to_owned()
        } else {
            format!("UPDATE SET {} WHERE {}", sets.join(", "), terms.join(" OR "))
        };
        let written = transaction.execute(
            &format!(
                "INSERT INTO main.{table} AS t ({columns}) SELECT {columns} FROM temp.incoming WHERE 1 \
                 ON CONFLICT ({key}) DO {conflict}"
            ),
            [],
        )?;
        let added = rows - known;
        let changed = written as u64 - added;
        Ok(Upserted { added, changed, unchanged: known - changed })
    }

    fn drop(&self, transaction: &Transaction<'_>) -> Tried<()> {
        transaction.execute_batch("DROP TABLE temp.incoming;")?;
        Ok(())
    }
}
