//! Makes a published table equal to what `finish` yields, by sending only what differs.
//!
//! A batch touches some customers of a month; `finish` yields them all. Reading and comparing a row costs less than half of
//! writing it (BENCHMARKS.md), so the touched scopes are read, and only the difference is written.

use super::bulk::{Bulk, literal};
use super::link::Link;
use super::merge::{Session, Touched};
use super::tables::{list, quoted};
use super::trouble::{Tried, Trouble};
use crate::bind::{self, Datum, Source};
use crate::day;
use crate::marts::{broken, doubled, names, outside};
use crate::refusal::database;
use crate::{StateTable, TargetTable};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use mysql_async::{Row, Value};
use std::collections::HashMap;
use tillmart_model::money;

/// Rows deleted by one statement.
const GONE_MOST: usize = 500;

/// What is known of a row that shall be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Missing,
    Different,
    Same,
}

/// The rows that shall be there, by key.
struct Wanted<'a> {
    target: &'a TargetTable,
    batches: Vec<Vec<Source<'a>>>,
    /// Batch, row and standing by encoded key.
    rows: HashMap<Vec<u8>, (u32, u32, Standing)>,
    /// Where the key's columns stand.
    key: Vec<usize>,
    /// Where the scope's columns stand, if the server may find rows of a scope that only looks like a touched one: a table
    /// that was there before may compare texts in its own way.
    scope: Vec<usize>,
    touched: &'a Touched,
    /// Keys of rows that shall go, as SQL.
    gone: Vec<String>,
}

/// Replaces the target's rows of the touched scopes; returns how many rows changed.
pub(super) fn replace(
    session: &mut Session,
    state: &StateTable,
    target: &TargetTable,
    rows: &[RecordBatch],
) -> Tried<u64> {
    let Some((touched, link)) = session.parts(&state.mart)? else {
        return if rows.iter().all(|batch| batch.num_rows() == 0) { Ok(0) } else { Err(outside(target).into()) };
    };
    let conditions = touched.conditions(&target.scope)?;
    let columns: Vec<Vec<ArrayRef>> = rows
        .iter()
        .map(|batch| bind::conform(&target.name, &target.schema, batch))
        .collect::<crate::refusal::Checked<_>>()?;
    let mut wanted = Wanted::gather(target, touched, &columns)?;
    let (all, table) = (list(names(&target.schema))?, quoted(&target.name)?);
    for condition in conditions {
        link.select_text(&format!("SELECT {all} FROM {table} WHERE {condition}"), |row| wanted.meet(row))?;
    }
    Ok(wanted.delete(link)? + wanted.write(link, Standing::Missing)? + wanted.write(link, Standing::Different)?)
}

impl<'a> Wanted<'a> {
    fn gather(target: &'a TargetTable, touched: &'a Touched, columns: &'a [Vec<ArrayRef>]) -> Tried<Self> {
        let all = names(&target.schema);
        let at = |wanted: &[String]| -> Vec<usize> {
            wanted.iter().filter_map(|name| all.iter().position(|other| other == name)).collect()
        };
        let (key, scope) = (at(&target.key), at(&target.scope));
        let batches =
            columns.iter().map(|columns| bind::sources(columns)).collect::<crate::refusal::Checked<Vec<_>>>()?;
        let mut rows = HashMap::with_capacity(columns.iter().filter_map(|batch| batch.first()).map(|c| c.len()).sum());
        let mut last_scope = None;
        for (number, (sources, columns)) in batches.iter().zip(columns).enumerate() {
            let length = columns.first().map_or(0, |column| column.len());
            for (source, field) in sources.iter().zip(target.schema.fields()) {
                bind::check_precision(&target.name, field, source)?;
            }
            for row in 0..length {
                if key.iter().any(|at| sources[*at].is_null(row)) {
                    return Err(doubled(target, sources, row).into());
                }
                // Rows of a scope mostly come together.
                let this_scope = Some(encoded(&scope, sources, row));
                if this_scope != last_scope {
                    check_scope(target, touched, &scope, sources, row)?;
                    last_scope = this_scope;
                }
                let place = (number as u32, row as u32, Standing::Missing);
                if rows.insert(encoded(&key, sources, row), place).is_some() {
                    return Err(doubled(target, sources, row).into());
                }
            }
        }
        let by_text = scope.iter().any(|at| target.schema.field(*at).data_type() == &DataType::Utf8);
        let scope = if by_text { scope } else { Vec::new() };
        Ok(Wanted { target, batches, rows, key, scope, touched, gone: Vec::new() })
    }

    /// Takes note of a row that is there.
    fn meet(&mut self, row: &Row) -> Tried<()> {
        let scope: Vec<String> = self.scope.iter().map(|at| super::rows::text_at(row, *at)).collect();
        if !scope.is_empty() && !self.touched.has(&scope) {
            return Ok(());
        }
        let mut encoded = Vec::with_capacity(32);
        for at in &self.key {
            let data_type = self.target.schema.field(*at).data_type();
            let found = text_of(row.as_ref(*at)).is_some_and(|text| encode_found(&mut encoded, data_type, text));
            if !found {
                return Err(odd_key(self.target).into());
            }
        }
        let Some((batch, at, standing)) = self.rows.get_mut(&encoded) else {
            let condition = self.condition(row)?;
            self.gone.push(condition);
            return Ok(());
        };
        let sources = &self.batches[*batch as usize];
        let mut same = true;
        for (column, source) in sources.iter().enumerate() {
            same &= equal(row.as_ref(column), source, *at as usize);
        }
        *standing = if same { Standing::Same } else { Standing::Different };
        Ok(())
    }

    /// The condition that finds just this row.
    fn condition(&self, row: &Row) -> Tried<String> {
        let mut terms = Vec::new();
        for (at, name) in self.key.iter().zip(&self.target.key) {
            let text = super::rows::text_at(row, *at);
            let mut value = String::new();
            match self.target.schema.field(*at).data_type() {
                DataType::Int32 | DataType::Int64 | DataType::Decimal128(..) => value.push_str(&text),
                _ => literal(&mut value, &Datum::Text(&text)),
            }
            terms.push(format!("{} = {value}", quoted(name)?));
        }
        Ok(format!("({})", terms.join(" AND ")))
    }

    fn delete(&self, link: &mut Link) -> Tried<u64> {
        let table = quoted(&self.target.name)?;
        for part in self.gone.chunks(GONE_MOST) {
            let deleted = link.run(&format!("DELETE FROM {table} WHERE {}", part.join(" OR ")))?;
            if deleted != part.len() as u64 {
                let fault = broken(&self.target.name, "a key names other rows than one")
                    .expected(format!("{} rows to delete", part.len()))
                    .found(deleted)
                    .hint("nothing was published; give the table's key columns a collation that ends in _bin");
                return Err(fault.into());
            }
        }
        Ok(self.gone.len() as u64)
    }

    /// Writes the rows of a standing; returns how many.
    fn write(&self, link: &mut Link, standing: Standing) -> Tried<u64> {
        let all = names(&self.target.schema);
        let head = format!("INSERT INTO {} ({}) VALUES", quoted(&self.target.name)?, list(all.iter().copied())?);
        let mut sets = Vec::new();
        for name in all.iter().filter(|name| !self.target.key.iter().any(|key| key == **name)) {
            let name = quoted(name)?;
            sets.push(format!("{name} = VALUES({name})"));
        }
        // A missing row is inserted plainly: if its key is there after all, the server and we differ on what a key is.
        let tail = match standing {
            Standing::Different => format!("ON DUPLICATE KEY UPDATE {}", sets.join(", ")),
            _ => String::new(),
        };
        let mut places: Vec<(u32, u32)> =
            self.rows.values().filter(|place| place.2 == standing).map(|place| (place.0, place.1)).collect();
        // In the order they came, which is mostly that of the key: the server's tree grows at its end.
        places.sort_unstable();
        let mut bulk = Bulk::new(head, tail);
        let mut refused = |mark: usize, trouble: Trouble| {
            let (batch, row) = places[mark];
            Err(refused_row(self.target, &self.batches[batch as usize], row as usize, trouble))
        };
        for (mark, (batch, row)) in places.iter().enumerate() {
            let sources = &self.batches[*batch as usize];
            let values = sources.iter().map(|source| source.value(*row as usize));
            let values = values.collect::<crate::refusal::Checked<Vec<_>>>()?;
            bulk.push(link, values, mark, &mut refused)?;
        }
        bulk.flush(link, &mut refused)?;
        Ok(places.len() as u64)
    }
}

fn check_scope(
    target: &TargetTable,
    touched: &Touched,
    scope: &[usize],
    sources: &[Source<'_>],
    row: usize,
) -> Tried<()> {
    let of = |at: &usize| sources[*at].value(row).map(|datum| datum.to_string());
    let named = scope.iter().map(of).collect::<crate::refusal::Checked<Vec<_>>>()?;
    if named.is_empty() || touched.has(&named) { Ok(()) } else { Err(outside(target).into()) }
}

/// Some of a row's values, so that equal bytes are equal values; NULL is like nothing else.
fn encoded(columns: &[usize], sources: &[Source<'_>], row: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    for at in columns {
        match &sources[*at] {
            source if source.is_null(row) => bytes.push(0),
            Source::Int32(array) => bytes.extend(i64::from(array.value(row)).to_le_bytes()),
            Source::Int64(array) => bytes.extend(array.value(row).to_le_bytes()),
            Source::Date(array) => bytes.extend(array.value(row).to_le_bytes()),
            Source::Decimal(array, _) => bytes.extend(array.value(row).to_le_bytes()),
            Source::Text(array) => encode_text(&mut bytes, array.value(row).as_bytes()),
        }
    }
    bytes
}

fn encode_text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text);
}

/// The same of a value as the server writes it; `false` if it is none of its column's type.
fn encode_found(bytes: &mut Vec<u8>, data_type: &DataType, text: &[u8]) -> bool {
    match data_type {
        DataType::Int32 | DataType::Int64 => integer(text).map(|value| bytes.extend(value.to_le_bytes())).is_some(),
        DataType::Date32 => day::parse(text).map(|value| bytes.extend(value.to_le_bytes())).is_some(),
        DataType::Decimal128(_, scale) => {
            decimal(text, u32::from(scale.unsigned_abs())).map(|value| bytes.extend(value.to_le_bytes())).is_some()
        }
        _ => {
            encode_text(bytes, text);
            true
        }
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The unscaled value of a decimal that has just the digits of its scale.
fn decimal(text: &[u8], scale: u32) -> Option<i128> {
    money::parse_decimal(text, b'.', 38, scale).ok()
}

fn text_of(value: Option<&Value>) -> Option<&[u8]> {
    match value {
        Some(Value::Bytes(text)) => Some(text),
        _ => None,
    }
}

/// Whether a value stands in the table as it should.
fn equal(found: Option<&Value>, wanted: &Source<'_>, row: usize) -> bool {
    let Some(text) = text_of(found) else { return wanted.is_null(row) };
    if wanted.is_null(row) {
        return false;
    }
    match wanted {
        Source::Int32(array) => integer(text) == Some(i64::from(array.value(row))),
        Source::Int64(array) => integer(text) == Some(array.value(row)),
        Source::Text(array) => text == array.value(row).as_bytes(),
        Source::Date(array) => day::parse(text) == Some(array.value(row)),
        Source::Decimal(array, scale) => decimal(text, *scale) == Some(array.value(row)),
    }
}

fn odd_key(target: &TargetTable) -> tillmart_model::Fault {
    database(format!("table `{}` holds a row whose key cannot be read", target.name))
        .expected(format!("values for {}", target.key.join(", ")))
        .hint("delete that row, and make the key's columns NOT NULL")
}

fn refused_row(target: &TargetTable, sources: &[Source<'_>], row: usize, trouble: Trouble) -> Trouble {
    if trouble.doubled().is_some() {
        return doubled(target, sources, row).into();
    }
    match trouble.misfit() {
        Some(error) => {
            let column = super::trouble::column(error).unwrap_or("?").to_owned();
            broken(&target.name, &format!("a value does not fit column `{column}`"))
                .expected("a column as wide as the mart's values")
                .found(format!("error {} of the database", error.code))
                .hint(format!(
                    "widen column `{column}` of table `{}`; nothing of this batch was published",
                    target.name
                ))
                .into()
        }
        None => trouble,
    }
}
