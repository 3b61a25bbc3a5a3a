//! A dimension's CSV file into its table: every fault of the file is told, or every row is loaded.

use super::bulk::Bulk;
use super::link::Link;
use super::rows::number_at;
use super::tables::{list, quoted};
use super::trouble::{Tried, Trouble, column};
use crate::bind::{Datum, key_words, sources};
use crate::dimension_file::Intake;
use crate::marts::names;
use crate::refusal::{Checked, database};
use crate::{Dimension, Upserted};
use arrow::array::RecordBatch;
use csv::ByteRecord;
use std::path::Path;

/// The file's rows in a temporary table, which finds double keys and is compared with the real one in two statements.
const INCOMING: &str = "tillmart_incoming";

/// Loads the file in one transaction. May be done again from the start.
pub(super) fn load(link: &mut Link, dimension: Dimension, path: &Path) -> Tried<Upserted> {
    let mut intake = Intake::open(dimension, path)?;
    let columns: Vec<&'static str> = intake.columns.iter().map(|(column, _)| column.name).collect();
    make(link, dimension, &columns)?;
    link.run("START TRANSACTION")?;
    gather(link, &mut intake, dimension, &list(columns.iter().copied())?)?;
    intake.close()?;
    let upserted = upsert(link, dimension, &columns)?;
    link.run("COMMIT")?;
    link.run(&format!("DROP TEMPORARY TABLE {INCOMING}"))?;
    Ok(upserted)
}

/// Puts rows in one transaction. May be done again from the start.
pub(super) fn put(link: &mut Link, dimension: Dimension, rows: &RecordBatch) -> Tried<Upserted> {
    let schema = rows.schema();
    let columns = names(&schema);
    make(link, dimension, &columns)?;
    link.run("START TRANSACTION")?;
    let sources = sources(rows.columns())?;
    let mut bulk = Bulk::new(format!("INSERT INTO {INCOMING} ({}) VALUES", list(columns.iter().copied())?), "");
    let mut refused = |row: usize, trouble: Trouble| {
        let Some(error) = trouble.misfit() else { return Err(trouble) };
        let name = column(error).unwrap_or("?");
        let fault = database(format!("column `{name}` of table `{}` cannot hold a value", dimension.name()))
            .found(format!("{}, error {} of the database", key_words(&columns[..1], &sources[..1], row), error.code))
            .hint(format!("widen column `{name}` in the database; nothing was loaded"));
        Err(fault.into())
    };
    for row in 0..rows.num_rows() {
        let values = sources.iter().map(|source| source.value(row)).collect::<Checked<Vec<_>>>()?;
        bulk.push(link, values, row, &mut refused)?;
    }
    bulk.flush(link, &mut refused)?;
    let upserted = upsert(link, dimension, &columns)?;
    link.run("COMMIT")?;
    link.run(&format!("DROP TEMPORARY TABLE {INCOMING}"))?;
    Ok(upserted)
}

/// Makes the temporary table anew. Its types are the real table's: what does not fit there is refused here.
fn make(link: &mut Link, dimension: Dimension, columns: &[&str]) -> Tried<()> {
    let (table, key, names) = (quoted(dimension.name())?, quoted(dimension.key())?, list(columns.iter().copied())?);
    link.run(&format!("DROP TEMPORARY TABLE IF EXISTS {INCOMING}"))?;
    link.run(&format!(
        "CREATE TEMPORARY TABLE {INCOMING} (line_in_file BIGINT, byte_in_file BIGINT, PRIMARY KEY ({key})) \
         ENGINE = InnoDB AS SELECT {names} FROM {table} LIMIT 0"
    ))?;
    Ok(())
}

/// A record that waits for the server's verdict.
struct Sent {
    record: ByteRecord,
    line: u64,
}

fn gather(link: &mut Link, intake: &mut Intake<'_>, dimension: Dimension, names: &str) -> Tried<()> {
    let mut bulk = Bulk::new(format!("INSERT INTO {INCOMING} ({names}, line_in_file, byte_in_file) VALUES"), "");
    let mut record = ByteRecord::new();
    let (mut sent, mut doubled): (Vec<Sent>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut more = true;
    while more {
        more = intake.next(&mut record)?;
        if more && let Some(row) = intake.check(&record) {
            let place = [row.line, row.byte].map(|number| Datum::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
            let (values, line, mark) = (row.values.into_iter().chain(place), row.line, sent.len());
            sent.push(Sent { record: record.clone(), line });
            let mut refused = |mark: usize, trouble: Trouble| refuse(&mut doubled, &sent, dimension, mark, trouble);
            bulk.push(link, values, mark, &mut refused)?;
        } else if !more {
            let mut refused = |mark: usize, trouble: Trouble| refuse(&mut doubled, &sent, dimension, mark, trouble);
            bulk.flush(link, &mut refused)?;
        }
        for mark in doubled.drain(..) {
            let (line, byte) = place_of(link, dimension, intake, &sent[mark].record)?;
            intake.doubled(&sent[mark].record, line, byte);
        }
        if bulk.is_empty() {
            sent.clear();
        }
    }
    Ok(())
}

/// What the server refused: a key that stood on an earlier line is told with the others, a value ends the load.
fn refuse(doubled: &mut Vec<usize>, sent: &[Sent], dimension: Dimension, mark: usize, trouble: Trouble) -> Tried<()> {
    if trouble.doubled().is_some() {
        doubled.push(mark);
        return Ok(());
    }
    let Some(error) = trouble.misfit() else { return Err(trouble) };
    let name = column(error).unwrap_or("?");
    let line = sent.get(mark).map_or(0, |sent| sent.line);
    let fault = database(format!("column `{name}` of table `{}` cannot hold a value of the file", dimension.name()))
        .found(format!("line {line}, error {} of the database", error.code))
        .hint(format!("widen column `{name}` in the database, or mend the file; nothing was loaded"));
    Err(fault.into())
}

/// Where the record of the same key stands.
fn place_of(link: &mut Link, dimension: Dimension, intake: &Intake<'_>, record: &ByteRecord) -> Tried<(u64, u64)> {
    let field = intake.columns.first().map_or(0, |(_, field)| *field);
    let key = String::from_utf8_lossy(record[field].trim_ascii()).into_owned();
    let sql = format!(
        "SELECT line_in_file, byte_in_file FROM {INCOMING} WHERE {} = CAST(? AS SIGNED)",
        quoted(dimension.key())?
    );
    let mut place = (0, 0);
    link.select(&sql, vec![key.into()], |row| {
        let number = |at| number_at(row, at).unwrap_or_default().unsigned_abs();
        place = (number(0), number(1));
        Ok(())
    })?;
    Ok(place)
}

/// Columns that the file does not have stay as they are.
fn upsert(link: &mut Link, dimension: Dimension, columns: &[&str]) -> Tried<Upserted> {
    let (table, key, names) = (quoted(dimension.name())?, quoted(dimension.key())?, list(columns.iter().copied())?);
    let rows = link.number(&format!("SELECT COUNT(*) FROM {INCOMING}"), Vec::new())?.unwrap_or_default().unsigned_abs();
    let mut sets = Vec::new();
    for column in columns.iter().filter(|column| **column != dimension.key()) {
        let column = quoted(column)?;
        sets.push(format!("t.{column} = i.{column}"));
    }
    // The server counts the rows that it really changed.
    let changed = match sets.is_empty() {
        true => 0,
        false => {
            link.run(&format!("UPDATE {table} AS t JOIN {INCOMING} AS i ON t.{key} = i.{key} SET {}", sets.join(", ")))?
        }
    };
    let fresh: Vec<String> =
        columns.iter().map(|column| quoted(column).map(|name| format!("i.{name}"))).collect::<Tried<_>>()?;
    let added = link.run(&format!(
        "INSERT INTO {table} ({names}) SELECT {} FROM {INCOMING} AS i LEFT JOIN {table} AS t ON t.{key} = i.{key} \
         WHERE t.{key} IS NULL",
        fresh.join(", ")
    ))?;
    Ok(Upserted { added, changed, unchanged: rows.saturating_sub(added + changed) })
}
