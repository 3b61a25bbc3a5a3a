//! A dimension's CSV file: read in one pass, every fault of it told with its place.

mod place;
mod rows;

pub use rows::rows_of_csv;

use crate::bind::Datum;
use crate::day;
use crate::{Dimension, DimensionColumn};
use arrow::datatypes::DataType;
use csv::ByteRecord;
use place::Spot;
use std::fs::File;
use std::path::Path;
use tillmart_model::{Fault, FaultKind, money};

/// As many faults of one file as a person reads.
const FAULTS_MAX: usize = 20;

/// The file being read, and what is wrong with it so far.
pub(crate) struct Intake<'a> {
    pub(crate) dimension: Dimension,
    path: &'a Path,
    reader: csv::Reader<File>,
    /// Where the last record began.
    last: Option<csv::Position>,
    /// The table's columns that the file has, in table order, each with its field's number.
    pub(crate) columns: Vec<(DimensionColumn, usize)>,
    /// How many fields the header has.
    fields: usize,
    faults: Vec<Fault>,
}

/// A row of the file that has no fault of its own.
pub(crate) struct Row<'r> {
    /// A value for each of the file's columns, in table order.
    pub(crate) values: Vec<Datum<'r>>,
    /// Line of its first byte, from 1.
    pub(crate) line: u64,
    /// Offset of its first byte.
    pub(crate) byte: u64,
}

impl<'a> Intake<'a> {
    /// Opens the file and reads its header; a fault of the header ends it.
    pub(crate) fn open(dimension: Dimension, path: &'a Path) -> Result<Self, Box<Fault>> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let (columns, faults) = (Vec::new(), Vec::new());
        let mut intake = Intake { dimension, path, reader, last: None, columns, fields: 0, faults };
        let mut record = ByteRecord::new();
        if intake.reader.read_byte_record(&mut record).map_err(|error| unreadable(path, &error))? {
            intake.last = record.position().cloned();
            intake.read_header(&record);
        } else {
            intake.fault(Fault::new(FaultKind::Settings, "the file is empty").expected("a header line"), None);
        }
        match Fault::join(std::mem::take(&mut intake.faults)) {
            Some(fault) => Err(fault.into()),
            None => Ok(intake),
        }
    }

    /// Reads the next record into `record`; `false` at the end, and when there are as many faults as a person reads.
    pub(crate) fn next(&mut self, record: &mut ByteRecord) -> Result<bool, Box<Fault>> {
        if self.faults.len() >= FAULTS_MAX {
            return Ok(false);
        }
        let more = self.reader.read_byte_record(record).map_err(|error| unreadable(self.path, &error))?;
        if more {
            self.last = record.position().cloned();
        }
        Ok(more)
    }

    /// Ends the reading: all faults of the file, or none.
    pub(crate) fn close(mut self) -> Result<(), Box<Fault>> {
        self.check_end();
        // A database may tell of a double key later than of the lines after it.
        self.faults.sort_by_key(|fault| fault.place.as_ref().map(|place| (place.line, place.column)));
        match Fault::join(self.faults) {
            Some(fault) => Err(fault.into()),
            None => Ok(()),
        }
    }

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

    /// Checks one record; `None` if it has faults.
    pub(crate) fn check<'r>(&mut self, record: &'r ByteRecord) -> Option<Row<'r>> {
        let at = record.position().cloned();
        if record.len() != self.fields {
            let what = if record.len() < self.fields { "too few fields" } else { "too many fields" };
            let fault = Fault::new(FaultKind::Settings, what)
                .expected(format!("{} fields, as in the header", self.fields))
                .found(record.len());
            self.fault(fault, at.as_ref().map(|at| (at, record.len().min(self.fields))));
            return None;
        }
        let (mut values, mut faults) = (Vec::with_capacity(self.columns.len()), Vec::new());
        for (column, field) in &self.columns {
            match value(column, &record[*field]) {
                Ok(value) => values.push(value),
                Err(expected) => faults.push((column.name, expected, *field)),
            }
        }
        if faults.is_empty() {
            let (line, byte) = at.map_or((0, 0), |at| (at.line(), at.byte()));
            return Some(Row { values, line, byte });
        }
        for (name, expected, field) in faults {
            let fault = Fault::new(FaultKind::Settings, format!("bad value in column `{name}`"))
                .expected(expected)
                .found(self.shown(&record[field]));
            self.fault(fault, at.as_ref().map(|at| (at, field)));
        }
        None
    }

    /// The key of a record stood in an earlier one, which begins on `line` at `byte`.
    pub(crate) fn doubled(&mut self, record: &ByteRecord, line: u64, byte: u64) {
        let field = self.columns.first().map_or(0, |(_, field)| *field);
        let key = String::from_utf8_lossy(record[field].trim_ascii()).into_owned();
        let first = place::look(self.path, byte, line, field).map_or(line, |found| found.spot.line);
        let name = self.dimension.key();
        let fault = Fault::new(FaultKind::Settings, format!("`{name}` {key} stands twice in the file"))
            .expected("each key once")
            .found(format!("it stands on line {first} already"));
        let at = record.position().cloned();
        self.fault(fault, at.as_ref().map(|at| (at, field)));
    }

    /// A quote that is never closed swallows the rest of the file without a sound: it must be in the last record.
    fn check_end(&mut self) {
        let Some(last) = self.last.clone().filter(|_| self.faults.len() < FAULTS_MAX) else { return };
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
fn value<'a>(column: &DimensionColumn, field: &'a [u8]) -> Result<Datum<'a>, String> {
    let trimmed = field.trim_ascii();
    if trimmed.is_empty() {
        return if column.nullable { Ok(Datum::Null) } else { Err("a value".to_owned()) };
    }
    let text = std::str::from_utf8(trimmed).map_err(|_| "text in UTF-8".to_owned())?;
    match &column.data_type {
        DataType::Int32 => match text.parse::<i32>() {
            Ok(value) => Ok(Datum::Integer(i64::from(value))),
            Err(_) => Err(format!("a whole number from {} to {}", i32::MIN, i32::MAX)),
        },
        DataType::Int64 => match text.parse::<i64>() {
            Ok(value) => Ok(Datum::Integer(value)),
            Err(_) => Err("a whole number of 64 bits".to_owned()),
        },
        DataType::Date32 if day::parse(trimmed).is_some() => Ok(Datum::Text(text)),
        DataType::Date32 if day::has_shape(trimmed) => Err("a day that is in the calendar".to_owned()),
        DataType::Date32 => Err("a date, YYYY-MM-DD".to_owned()),
        DataType::Decimal128(precision, scale) => {
            let scale = u32::from(scale.unsigned_abs());
            match money::parse_decimal(trimmed, b'.', u32::from(*precision), scale) {
                Ok(unscaled) => Ok(Datum::Decimal(money::Decimal { unscaled, scale })),
                Err(money::DecimalFault::Malformed) => Err("a decimal such as 12.50".to_owned()),
                Err(money::DecimalFault::OutOfRange) => {
                    Err(format!("a decimal of at most {precision} digits, {scale} of them after the point"))
                }
            }
        }
        _ => std::str::from_utf8(field).map(Datum::Text).map_err(|_| "text in UTF-8".to_owned()),
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Settings, "the file cannot be read").at(path.display().to_string()).found(error)
}
