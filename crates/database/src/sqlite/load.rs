//! A dimension's CSV file into its table: every fault of the file is told, or every row is loaded.

use super::day;
use super::place::{self, Spot};
use super::tables::quoted;
use super::trouble::{Tried, is_constraint};
use crate::{Dimension, DimensionColumn, Upserted};
use arrow::datatypes::DataType;
use csv::ByteRecord;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};
use std::fs::File;
use std::path::Path;
use tillmart_model::{Fault, FaultKind, money};

/// As many faults of one file as a person reads.
const FAULTS_MAX: usize = 20;

/// Loads the file in one transaction.
pub(super) fn load(connection: &mut Connection, dimension: Dimension, path: &Path) -> Tried<Upserted> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut intake = Intake { dimension, path, columns: Vec::new(), fields: 0, faults: Vec::new() };
    let mut record = ByteRecord::new();
    let header = reader.read_byte_record(&mut record).map_err(|error| unreadable(path, &error))?;
    if header {
        intake.read_header(&record);
    } else {
        intake.fault(Fault::new(FaultKind::Settings, "the file is empty").expected("a header line"), None);
    }
    if let Some(fault) = Fault::join(std::mem::take(&mut intake.faults)) {
        return Err(fault.into());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let incoming = Incoming::make(&transaction, &intake)?;
    {
        let mut insert = incoming.insert(&transaction)?;
        let mut last = record.position().cloned();
        while intake.faults.len() < FAULTS_MAX
            && reader.read_byte_record(&mut record).map_err(|error| unreadable(path, &error))?
        {
            intake.take(&transaction, &incoming, &mut insert, &record)?;
            last = record.position().cloned();
        }
        intake.check_end(last.as_ref());
    }
    if let Some(fault) = Fault::join(intake.faults) {
        return Err(fault.into());
    }
    let upserted = incoming.upsert(&transaction)?;
    incoming.drop(&transaction)?;
    transaction.commit()?;
    Ok(upserted)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Settings, "the file cannot be read").at(path.display().to_string()).found(error)
}

/// The file being read, and what is wrong with it so far.
struct Intake<'a> {
    dimension: Dimension,
    path: &'a Path,
    /// The table's columns that the file has, in table order, each with its field's number.
    columns: Vec<(DimensionColumn, usize)>,
    /// How many fields the header has.
    fields: usize,
    faults: Vec<Fault>,
}

impl Intake<'_> {
    fn read_header(&mut self, header: &ByteRecord) {
        let at = header.position().cloned();
        let names: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned()).collect();
        self.fields = names.len();
        let known = self.dimension.columns();
        let all: Vec<&str> = known.iter().map(|column| column.name).collect();
        for (field, name) in names.iter().enumerate() {
            let what = if !all.contains(&name.as_str()) {
                format!("table `{}` has no column of this name", self.dimension.name())
            } else if names[..field].contains(name) {
                "a column stands twice in the header".to_owned()
            } else {
                continue;
            };
            let fault = Fault::new(FaultKind::Settings, what).expected(all.join(", ")).found(format!("`{name}`"));
            self.fault(fault, at.as_ref().map(|at| (at, field)));
        }
        for column in known {
            match names.iter().position(|name| name == column.name) {
                Some(field) => self.columns.push((column, field)),
                None if column.nullable => {}
                None => {
                    let fault = Fault::new(FaultKind::Settings, format!("column `{}` is missing", column.name))
                        .expected(format!(
                            "a header with at least the columns that cannot be blank, of {}",
                            all.join(", ")
                        ))
                        .found(names.join(", "));
                    self.fault(fault, at.as_ref().map(|at| (at, 0)));
                }
            }
        }
    }

    /// Checks one record and puts it into the incoming table.
    fn take(
        &mut self,
        transaction: &Transaction<'_>,
        incoming: &Incoming,
        insert: &mut Statement<'_>,
        record: &ByteRecord,
    ) -> Tried<()> {
        let at = record.position().cloned();
        if record.len() != self.fields {
            let what = if record.len() < self.fields { "too few fields" } else { "too many fields" };
            let fault = Fault::new(FaultKind::Settings, what)
                .expected(format!("{} fields, as in the header", self.fields))
                .found(record.len());
            self.fault(fault, at.as_ref().map(|at| (at, record.len().min(self.fields))));
            return Ok(());
        }
        let mut faults = Vec::new();
        for (place, (column, field)) in self.columns.iter().enumerate() {
            match value(column, &record[*field]) {
                Ok(value) => insert.raw_bind_parameter(place + 1, value)?,
                Err(expected) => faults.push((column.name, expected, *field)),
            }
        }
        let line = at.as_ref().map_or(0, csv::Position::line);
        if faults.is_empty() {
            insert.raw_bind_parameter(self.columns.len() + 1, i64::try_from(line).unwrap_or(i64::MAX))?;
            insert.raw_bind_parameter(self.columns.len() + 2, at.as_ref().map_or(0, |at| at.byte() as i64))?;
            return match insert.raw_execute() {
                Ok(_) => Ok(()),
                Err(error) if is_constraint(&error) => self.duplicate(transaction, incoming, record),
                Err(error) => Err(error.into()),
            };
        }
        for (name, expected, field) in faults {
            let fault = Fault::new(FaultKind::Settings, format!("bad value in column `{name}`"))
                .expected(expected)
                .found(self.shown(&record[field]));
            self.fault(fault, at.as_ref().map(|at| (at, field)));
        }
        Ok(())
    }

    /// The key stood on an earlier line.
    fn duplicate(&mut self, transaction: &Transaction<'_>, incoming: &Incoming, record: &ByteRecord) -> Tried<()> {
        let field = self.columns.first().map_or(0, |(_, field)| *field);
        let key = String::from_utf8_lossy(record[field].trim_ascii()).into_owned();
        let (line, byte) = incoming.place_of(transaction, &key)?;
        let first = place::look(self.path, byte, line, field).map_or(line, |found| found.spot.line);
        let name = self.dimension.key();
        let fault = Fault::new(FaultKind::Settings, format!("`{name}` {key} stands twice in the file"))
            .expected("each key once")
            .found(format!("it stands on line {first} already"));
        let at = record.position().cloned();
        self.fault(fault, at.as_ref().map(|at| (at, field)));
        Ok(())
    }

    /// A quote that is never closed swallows the rest of the file without a sound: it must be in the last record.
    fn check_end(&mut self, last: Option<&csv::Position>) {
        let Some(last) = last.filter(|_| self.faults.len() < FAULTS_MAX) else { return };
        // Asked for a field that no record has, the look ends at the last that begins: the open one.
        if let Ok(record) = place::look(self.path, last.byte(), last.line(), usize::MAX)
            && record.quote_open
        {
            let fault = Fault::new(FaultKind::Settings, "a quote is opened and never closed")
                .expected("a closing quote before the end of the file; a quote within quotes is doubled");
            self.faults.push(self.placed(fault, record.spot));
        }
    }

    /// A value as it may be shown. Of people only its shape: a shifted column may hold a name or a phone number.
    fn shown(&self, value: &[u8]) -> String {
        let text = String::from_utf8_lossy(value);
        let personal = matches!(self.dimension, Dimension::Customer | Dimension::SalesTeam);
        let shape = |letter: char| match letter {
            letter if letter.is_ascii_digit() => '9',
            letter if letter.is_alphabetic() => 'a',
            letter => letter,
        };
        let more = if text.chars().count() > 40 { "…" } else { "" };
        if personal {
            let shape: String = text.chars().take(40).map(shape).collect();
            format!("a value of the shape `{shape}{more}`")
        } else {
            let text: String = text.chars().take(40).collect();
            format!("`{text}{more}`")
        }
    }

    fn fault(&mut self, fault: Fault, at: Option<(&csv::Position, usize)>) {
        if self.faults.len() >= FAULTS_MAX {
            return;
        }
        let fault = match at {
            None => fault.at(self.path.display().to_string()),
            Some((position, field)) => {
                let found = place::look(self.path, position.byte(), position.line(), field);
                let spot = found.map_or(Spot { line: position.line(), column: 1 }, |found| found.spot);
                self.placed(fault, spot)
            }
        };
        self.faults.push(fault);
    }

    fn placed(&self, fault: Fault, spot: Spot) -> Fault {
        fault.at_column(self.path.display().to_string(), spot.line, spot.column)
    }
}

/// A field as the table keeps it, or what was expected. Texts stay as they came, the rest is trimmed.
fn value<'a>(column: &DimensionColumn, field: &'a [u8]) -> Result<ToSqlOutput<'a>, String> {
    let trimmed = field.trim_ascii();
    if trimmed.is_empty() {
        return if column.nullable { Ok(ToSqlOutput::Owned(Value::Null)) } else { Err("a value".to_owned()) };
    }
    let text = std::str::from_utf8(trimmed).map_err(|_| "text in UTF-8".to_owned())?;
    match &column.data_type {
        DataType::Int32 => match text.parse::<i32>() {
            Ok(value) => Ok(ToSqlOutput::Owned(Value::Integer(i64::from(value)))),
            Err(_) => Err(format!("a whole number from {} to {}", i32::MIN, i32::MAX)),
        },
        DataType::Int64 => match text.parse::<i64>() {
            Ok(value) => Ok(ToSqlOutput::Owned(Value::Integer(value))),
            Err(_) => Err("a whole number of 64 bits".to_owned()),
        },
        DataType::Date32 if day::parse(trimmed).is_some() => Ok(ToSqlOutput::Borrowed(ValueRef::Text(trimmed))),
        DataType::Date32 if day::has_shape(trimmed) => Err("a day that is in the calendar".to_owned()),
        DataType::Date32 => Err("a date, YYYY-MM-DD".to_owned()),
        DataType::Decimal128(precision, scale) => {
            let scale = u32::from(scale.unsigned_abs());
            match money::parse_decimal(trimmed, b'.', u32::from(*precision), scale) {
                Ok(unscaled) => Ok(ToSqlOutput::Owned(Value::Text(money::Decimal { unscaled, scale }.to_string()))),
                Err(money::DecimalFault::Malformed) => Err("a decimal such as 12.50".to_owned()),
                Err(money::DecimalFault::OutOfRange) => {
                    Err(format!("a decimal of at most {precision} digits, {scale} of them after the point"))
                }
            }
        }
        _ => Ok(ToSqlOutput::Borrowed(ValueRef::Text(field))),
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
    fn make(transaction: &Transaction<'_>, intake: &Intake<'_>) -> Tried<Self> {
        let columns = intake.columns.iter().map(|(column, _)| quoted(column.name)).collect::<Tried<Vec<_>>>()?;
        let incoming =
            Incoming { table: quoted(intake.dimension.name())?, key: quoted(intake.dimension.key())?, columns };
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
