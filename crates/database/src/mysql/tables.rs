//! The tables of a mart: names, columns, keys, and whether a table that is there is the one that was meant.

use super::link::Link;
use super::rows::{number_at, text_at};
use super::statements;
use super::trouble::Tried;
use crate::marts::{another_table, check_index, check_target, plain, state_key, state_name};
use crate::refusal::database;
use crate::{StateTable, TargetTable};
use arrow::datatypes::{DataType, Field};
use std::collections::BTreeMap;
use tillmart_model::Fault;

/// Bytes that the columns of a key may have in all.
const KEY_BYTES: usize = 3_072;

/// Most letters of a text in a key.
const KEY_LETTERS: usize = 700;

/// The index that finds the rows of a finished scope.
const SCOPE_INDEX: &str = "tillmart_scope";

/// A quoted identifier.
pub(super) fn quoted(name: &str) -> Tried<String> {
    Ok(format!("`{}`", plain(name)?))
}

/// Quoted identifiers, joined by commas.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Tried<String> {
    let names: Vec<String> = names.into_iter().map(quoted).collect::<Tried<_>>()?;
    Ok(names.join(", "))
}

/// A column as `sql/ledger/mysql/columns.sql` tells it.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) column_type: String,
    pub(super) data_type: String,
    precision: i64,
    scale: i64,
    collation: String,
    generated: bool,
}

/// The columns of a table, none if there is no such table.
pub(super) fn describe(link: &mut Link, table: &str) -> Tried<Vec<Described>> {
    let mut columns = Vec::new();
    link.select(statements::COLUMNS, vec![table.into()], |row| {
        columns.push(Described {
            name: text_at(row, 0),
            column_type: text_at(row, 1).to_lowercase(),
            data_type: text_at(row, 2).to_lowercase(),
            precision: number_at(row, 3).unwrap_or_default(),
            scale: number_at(row, 4).unwrap_or_default(),
            collation: text_at(row, 5),
            generated: number_at(row, 6) == Some(1),
        });
        Ok(())
    })?;
    Ok(columns)
}

/// The columns of each unique key of a table; `None` in the place of a column of which only a part counts.
fn unique_keys(link: &mut Link, table: &str) -> Tried<BTreeMap<String, Vec<Option<String>>>> {
    let mut keys: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    link.select(statements::UNIQUE_KEYS, vec![table.into()], |row| {
        let whole = number_at(row, 2).is_none();
        keys.entry(text_at(row, 0)).or_default().push(whole.then(|| text_at(row, 1)));
        Ok(())
    })?;
    Ok(keys)
}

/// What is said of a table that no rollback can undo.
pub(super) fn no_transactions(table: &str, engine: &str) -> Fault {
    database(format!("table `{table}` cannot take part in a transaction"))
        .expected("engine InnoDB")
        .found(engine)
        .hint(format!("run: ALTER TABLE `{table}` ENGINE = InnoDB"))
}

fn check_engine(link: &mut Link, table: &str) -> Tried<()> {
    let mut wrong = None;
    link.select(statements::OTHER_ENGINE, vec![table.into()], |row| {
        wrong = Some(text_at(row, 0));
        Ok(())
    })?;
    match wrong {
        None => Ok(()),
        Some(engine) => Err(no_transactions(table, &engine).into()),
    }
}

/// The collation under which texts are equal only when their bytes are: the plain `utf8mb4_bin` ignores blanks at the end.
fn exact_collation(link: &mut Link) -> Tried<&'static str> {
    let mut version = String::new();
    link.select("SELECT VERSION()", Vec::new(), |row| {
        version = text_at(row, 0);
        Ok(())
    })?;
    Ok(if version.contains("MariaDB") { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" })
}

/// Makes an index that readers ask by.
pub(super) fn make_index(link: &mut Link, target: &TargetTable, columns: &[String]) -> Tried<()> {
    check_index(target, columns)?;
    ensure_index(link, &target.name, &format!("tillmart_by_{}", columns.join("_")), columns)
}

fn ensure_index(link: &mut Link, table: &str, index: &str, columns: &[String]) -> Tried<()> {
    let asked = "SELECT COUNT(*) FROM information_schema.statistics \
                 WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?";
    if link.number(asked, vec![table.into(), index.into()])? == Some(0) {
        let columns = list(columns.iter().map(String::as_str))?;
        link.run(&format!("CREATE INDEX {} ON {} ({columns})", quoted(index)?, quoted(table)?))?;
    }
    Ok(())
}

/// A table of a mart, as it should be.
pub(super) struct Layout {
    name: String,
    fields: Vec<Field>,
    key: Vec<String>,
    scope: Vec<String>,
    /// A table that Tillmart alone writes: its key must stand in this very order.
    own: bool,
}

impl Layout {
    /// A state table. The scope leads the primary key, so that a scope's rows lie together.
    pub(super) fn state(state: &StateTable) -> Tried<Self> {
        let key = state_key(state)?;
        let fields = state.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(false)).collect();
        Ok(Layout { name: state_name(state), fields, key, scope: state.scope.clone(), own: true })
    }

    /// A published table.
    pub(super) fn target(target: &TargetTable) -> Tried<Self> {
        check_target(target)?;
        let of_key = |field: &Field| target.key.contains(field.name());
        let fields = target.schema.fields().iter();
        let fields = fields.map(|field| field.as_ref().clone().with_nullable(!of_key(field))).collect();
        let (name, key, scope) = (target.name.clone(), target.key.clone(), target.scope.clone());
        Ok(Layout { name, fields, key, scope, own: false })
    }

    /// Makes the table, or holds the one that is there against this layout.
    pub(super) fn make(&self, link: &mut Link) -> Tried<()> {
        let mut found = describe(link, &self.name)?;
        if found.is_empty() {
            let collation = exact_collation(link)?;
            link.run(&self.ddl(collation)?)?;
            found = describe(link, &self.name)?;
        }
        check_engine(link, &self.name)?;
        found.retain(|column| !column.generated);
        self.check_columns(&found)?;
        let mut keys = unique_keys(link, &self.name)?;
        if self.rekey(link, &keys)? {
            keys = unique_keys(link, &self.name)?;
        }
        self.check_keys(&keys)?;
        self.make_scope_index(link)
    }

    /// Puts the rows of a state table into the order of its mart's key, if they lie in another; the server does it in one step. A published
    /// table may be somebody's own, and stays as it is: any order of the key finds the same rows.
    fn rekey(&self, link: &mut Link, keys: &BTreeMap<String, Vec<Option<String>>>) -> Tried<bool> {
        let Some(primary) = keys.get("PRIMARY").filter(|_| self.own) else { return Ok(false) };
        let found: Vec<&String> = primary.iter().flatten().collect();
        let same = found.len() == self.key.len() && self.key.iter().all(|key| found.contains(&key));
        if !same || found.into_iter().eq(self.key.iter()) {
            return Ok(false);
        }
        let (table, key) = (quoted(&self.name)?, list(self.key.iter().map(String::as_str))?);
        link.run(&format!("ALTER TABLE {table} DROP PRIMARY KEY, ADD PRIMARY KEY ({key})"))?;
        Ok(true)
    }

    fn check_columns(&self, found: &[Described]) -> Tried<()> {
        let fits = |field: &Field| {
            let column = found.iter().find(|column| column.name == *field.name());
            column.is_some_and(|column| holds(column, field.data_type(), self.key.contains(field.name())))
        };
        if found.len() == self.fields.len() && self.fields.iter().all(fits) {
            return Ok(());
        }
        let words = |column: &Described| format!("{} {} {}", column.name, column.column_type, column.collation);
        let found: Vec<String> = found.iter().map(|column| words(column).trim_end().to_owned()).collect();
        Err(another_table(&self.name, self.words(), found.join(", ")).into())
    }

    /// Upserts find the row they mean by a unique key; by another one they would hit another row.
    fn check_keys(&self, found: &BTreeMap<String, Vec<Option<String>>>) -> Tried<()> {
        let is_key = |columns: &[Option<String>]| {
            columns.len() == self.key.len()
                && self.key.iter().all(|key| columns.iter().flatten().any(|name| name == key))
        };
        let told = |columns: &[Option<String>]| {
            let names: Vec<&str> = columns.iter().map(|name| name.as_deref().unwrap_or("a part of a column")).collect();
            format!("({})", names.join(", "))
        };
        let all: Vec<String> = found.iter().map(|(name, columns)| format!("{name} {}", told(columns))).collect();
        let in_order = |columns: &[Option<String>]| columns.iter().flatten().eq(self.key.iter());
        let primary = found.get("PRIMARY");
        if self.own && !primary.is_some_and(|columns| in_order(columns)) {
            return Err(another_table(&self.name, self.words(), all.join("; ")).into());
        }
        if !found.values().any(|columns| is_key(columns)) {
            let kind = if primary.is_some() { "UNIQUE" } else { "PRIMARY" };
            let key = list(self.key.iter().map(String::as_str))?;
            let fault = database(format!("table `{}` lacks the unique key of its mart", self.name))
                .expected(self.words())
                .found(if all.is_empty() { "no unique key".to_owned() } else { all.join("; ") })
                .hint(format!("run: ALTER TABLE `{}` ADD {kind} KEY ({key})", self.name));
            return Err(fault.into());
        }
        let covers =
            |columns: &[Option<String>]| self.key.iter().all(|key| columns.iter().flatten().any(|name| name == key));
        match found.iter().find(|(_, columns)| !covers(columns)) {
            None => Ok(()),
            Some((name, columns)) => {
                let fault = database(format!("table `{}` has another unique key than its mart", self.name))
                    .expected(self.words())
                    .found(format!("{name} {}", told(columns)))
                    .hint(format!("run: ALTER TABLE `{}` DROP INDEX `{name}`", self.name));
                Err(fault.into())
            }
        }
    }

    fn make_scope_index(&self, link: &mut Link) -> Tried<()> {
        if self.needs_scope_index() {
            ensure_index(link, &self.name, SCOPE_INDEX, &self.scope)?;
        }
        Ok(())
    }

    fn needs_scope_index(&self) -> bool {
        !self.scope.is_empty() && !self.key.starts_with(&self.scope)
    }

    fn ddl(&self, exact: &str) -> Tried<String> {
        let indexed = |field: &Field| self.key.contains(field.name()) || self.scope.contains(field.name());
        let texts = self.fields.iter().filter(|field| indexed(field) && field.data_type() == &DataType::Utf8).count();
        let numbers = 16 * (self.key.len() + self.scope.len());
        // Four bytes a letter; what numbers and dates leave is shared by the texts.
        let letters = (KEY_BYTES.saturating_sub(numbers) / 4 / texts.max(1)).min(KEY_LETTERS);
        let mut parts = Vec::new();
        for field in &self.fields {
            let declared = match field.data_type() {
                DataType::Utf8 if indexed(field) => format!("VARCHAR({letters}) COLLATE {exact}"),
                DataType::Utf8 => "TEXT".to_owned(),
                data_type => declared(data_type),
            };
            let null = if field.is_nullable() { "" } else { " NOT NULL" };
            parts.push(format!("{} {declared}{null}", quoted(field.name())?));
        }
        parts.push(format!("PRIMARY KEY ({})", list(self.key.iter().map(String::as_str))?));
        if self.needs_scope_index() {
            parts.push(format!("KEY {SCOPE_INDEX} ({})", list(self.scope.iter().map(String::as_str))?));
        }
        Ok(format!(
            "CREATE TABLE IF NOT EXISTS {} (\n    {}\n) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            quoted(&self.name)?,
            parts.join(",\n    ")
        ))
    }

    fn words(&self) -> String {
        let columns: Vec<String> = self
            .fields
            .iter()
            .map(|field| match field.data_type() {
                DataType::Utf8 if self.key.contains(field.name()) => {
                    format!("{} varchar (collated _bin)", field.name())
                }
                DataType::Utf8 => format!("{} text", field.name()),
                data_type => format!("{} {}", field.name(), declared(data_type).to_lowercase()),
            })
            .collect();
        format!("{}; primary key ({})", columns.join(", "), self.key.join(", "))
    }
}

/// The type of a column that is no text.
fn declared(data_type: &DataType) -> String {
    match data_type {
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        _ => "TEXT".to_owned(),
    }
}

/// Whether a column holds every value of a type just so, or refuses it: integers may be narrower, because the session's
/// mode refuses what does not fit, but a decimal of another scale would be rounded in silence.
fn holds(column: &Described, data_type: &DataType, key: bool) -> bool {
    match data_type {
        DataType::Int32 | DataType::Int64 => {
            matches!(column.data_type.as_str(), "tinyint" | "smallint" | "mediumint" | "int" | "bigint")
        }
        DataType::Utf8 => {
            let text = matches!(
                column.data_type.as_str(),
                "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext"
            );
            // Under any other collation two keys could be one.
            text && (!key || column.collation.ends_with("_bin"))
        }
        DataType::Date32 => column.data_type == "date",
        DataType::Decimal128(precision, scale) => {
            column.data_type == "decimal"
                && column.precision >= i64::from(*precision)
                && column.scale == i64::from(*scale)
        }
        _ => false,
    }
}
