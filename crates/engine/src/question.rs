//! What a person asks in SQL, before it is run: one statement that asks and changes nothing. And why it cannot be run,
//! told at its line.

use crate::place::{position_in_message, position_of_diagnostic, position_of_name};
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use tillmart_model::{Fault, FaultKind, Result, near};

/// What a fault's place is called: there is no file.
const PLACE: &str = "query";

/// A message names at most so many of a relation's columns.
const NAMES_MAX: usize = 30;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A SELECT, or the plan of one, over the tables that it names.
    Select {
        /// The tables, each once.
        tables: Vec<String>,
    },
    /// Which tables there are.
    Tables,
    /// Which columns a table has.
    Columns {
        /// The table.
        table: String,
    },
}

/// Understands one statement.
///
/// # Errors
/// `Settings` with line and column for SQL that does not parse, for several statements, and for one that does anything else than ask.
pub fn question(sql: &str) -> Result<Question> {
    let parsed = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| query_fault(sql, &error))?;
    let mut statements = parsed.into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(refused(sql, if first_word(sql).is_some() { "several statements" } else { "nothing" }));
    };
    if !asks(&statement) {
        let word = first_word(sql).map_or_else(|| "another statement".to_owned(), |word| word.to_uppercase());
        return Err(refused(sql, &word));
    }
    if let Some(listing) = listing(&statement) {
        return Ok(listing);
    }
    let state = SessionContext::new().state();
    let named = state.resolve_table_references(&statement).map_err(|error| query_fault(sql, &error))?;
    // `generate_series` and the like stand where tables do.
    let is_function = |name: &str| state.table_functions().contains_key(name);
    let mut tables: Vec<String> =
        named.iter().map(|table| table.table().to_owned()).filter(|name| !is_function(name)).collect();
    tables.dedup();
    Ok(Question::Select { tables })
}

/// The list of tables, or a table's columns.
fn listing(statement: &Parsed) -> Option<Question> {
    let Parsed::Statement(statement) = statement else { return None };
    let table = match &**statement {
        Statement::ShowTables { .. } => return Some(Question::Tables),
        Statement::ShowColumns { show_options, .. } => show_options.show_in.as_ref()?.parent_name.as_ref()?,
        Statement::ExplainTable { table_name, .. } => table_name,
        _ => return None,
    };
    let name = table.0.last()?.as_ident()?;
    // As everywhere: a name without quotes is in small letters.
    let name = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() };
    Some(Question::Columns { table: name })
}

/// Names of all functions that SQL may call, in order.
pub fn functions() -> Vec<String> {
    let state = SessionContext::new().state();
    let mut names: Vec<String> = state.scalar_functions().keys().cloned().collect();
    names.extend(state.aggregate_functions().keys().cloned());
    names.extend(state.window_functions().keys().cloned());
    names.sort();
    names.dedup();
    names
}

/// The tables that a SELECT names, so that only those are read.
///
/// # Errors
/// SQL that does not parse.
pub fn tables_of(sql: &str) -> std::result::Result<Vec<String>, DataFusionError> {
    let context = SessionContext::new();
    let state = context.state();
    let statement = state.sql_to_statement(sql, &state.config_options().sql_parser.dialect)?;
    Ok(state.resolve_table_references(&statement)?.iter().map(|table| table.table().to_owned()).collect())
}

fn asks(statement: &Parsed) -> bool {
    match statement {
        Parsed::Statement(statement) => matches!(
            **statement,
            Statement::Query(_)
                | Statement::ShowTables { .. }
                | Statement::ShowColumns { .. }
                | Statement::ExplainTable { .. }
        ),
        Parsed::Explain(explained) => match &*explained.statement {
            Parsed::Statement(statement) => matches!(**statement, Statement::Query(_)),
            _ => false,
        },
        Parsed::CreateExternalTable(_) | Parsed::CopyTo(_) | Parsed::Reset(_) => false,
    }
}

fn refused(sql: &str, found: &str) -> Fault {
    let (line, column) = first_place(sql).unwrap_or((1, 1));
    Fault::new(FaultKind::Settings, "a query is one SELECT")
        .at_column(PLACE, line, column)
        .expected("SELECT, WITH, VALUES, EXPLAIN of one of these, SHOW TABLES or DESCRIBE TABLE_NAME")
        .found(found)
        .hint("nothing is written by a query: to change what is there, see `tillmart --help`")
}

fn first_token(sql: &str) -> Option<(Token, (u64, u64))> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().ok()?;
    let first = tokens.into_iter().find(|token| !matches!(token.token, Token::Whitespace(_) | Token::SemiColon))?;
    Some((first.token, (first.span.start.line, first.span.start.column)))
}

fn first_word(sql: &str) -> Option<String> {
    first_token(sql).map(|(token, _)| token.to_string())
}

fn first_place(sql: &str) -> Option<(u64, u64)> {
    first_token(sql).map(|(_, place)| place)
}

/// The fault of a table that is not there; `known` are those that are.
pub fn unknown_table<'a>(sql: &str, table: &str, known: impl IntoIterator<Item = &'a str>) -> Fault {
    const ALL: &str = "SHOW TABLES lists what there is";
    let hint = match meant(table, known) {
        Some(meant) => format!("did you mean {meant}? {ALL}"),
        None => ALL.to_owned(),
    };
    let fault = Fault::new(FaultKind::Settings, format!("there is no table `{table}`"));
    placed(fault, position_of_name(sql, &format!("`{table}`"))).hint(hint)
}

/// Why a query cannot be run, or broke off.
pub fn query_fault(sql: &str, error: &DataFusionError) -> Fault {
    let root = error.find_root();
    if let DataFusionError::External(inner) = root
        && let Some(fault) = inner.downcast_ref::<Fault>()
    {
        return fault.clone();
    }
    let position = position_of_diagnostic(error);
    if let DataFusionError::SchemaError(wrong, _) = root
        && let SchemaError::FieldNotFound { field, valid_fields } = &**wrong
    {
        let name = field.name();
        let position = position.or_else(|| position_of_name(sql, &format!("`{name}`")));
        let mut known: Vec<&str> = valid_fields.iter().map(|column| column.name()).collect();
        known.dedup();
        let mut fault = placed(Fault::new(FaultKind::Settings, format!("there is no column `{name}`")), position);
        if !known.is_empty() {
            let more = if known.len() > NAMES_MAX { ", …" } else { "" };
            let told = known.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
            fault = fault.expected(format!("one of {told}{more}"));
        }
        return match meant(name, known) {
            Some(meant) => fault.hint(format!("did you mean {meant}?")),
            None => fault,
        };
    }
    let message = root.message();
    let message = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let position = position.or_else(|| position_in_message(&message));
    let fault = placed(Fault::new(FaultKind::Settings, "the query cannot be run"), position);
    match root {
        DataFusionError::ResourcesExhausted(_) => fault.found(message).hint(
            "it needs more memory than `run.memory_mib` allows: ask for less at once, or allow more in tillmart.toml",
        ),
        DataFusionError::SQL(error, _) => {
            let (ParserError::ParserError(message) | ParserError::TokenizerError(message)) = &**error else {
                return fault.found(message);
            };
            fault.found(message.split(" at Line: ").next().unwrap_or(message))
        }
        _ => fault.found(message),
    }
}

fn placed(fault: Fault, position: Option<(u64, u64)>) -> Fault {
    match position {
        Some((line, column)) => fault.at_column(PLACE, line, column.max(1)),
        None => fault,
    }
}

fn meant<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = near(found, known, 3).into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [most @ .., last] => Some(format!("{} or {last}", most.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_is_told_apart() {
        let tables = |sql: &str| match question(sql) {
            Ok(Question::Select { tables }) => tables.join(" "),
            other => format!("{other:?}"),
        };
        assert_eq!(tables("SELECT 1;"), "");
        assert_eq!(tables("-- of stores\nSELECT * FROM Store AS s JOIN customer ON true;\n"), "customer store");
        assert_eq!(tables("WITH a AS (SELECT * FROM store) SELECT * FROM a"), "store");
        assert_eq!(tables("EXPLAIN SELECT * FROM store"), "store");
        assert_eq!(tables("VALUES (1)"), "");
        assert_eq!(tables("SELECT value FROM generate_series(1, 3)"), "");
        for sql in ["show tables", "SHOW TABLES;"] {
            assert_eq!(question(sql).unwrap(), Question::Tables, "{sql}");
        }
        for sql in
            ["DESCRIBE store", "DESC store", "SHOW COLUMNS FROM store", "show columns in Store;", "DESCRIBE \"store\""]
        {
            assert_eq!(question(sql).unwrap(), Question::Columns { table: "store".to_owned() }, "{sql}");
        }
    }

    #[test]
    fn what_does_not_ask_is_refused_by_its_word() {
        for (sql, found) in [
            ("INSERT INTO store VALUES (1)", "INSERT"),
            ("update store set id = 1", "UPDATE"),
            ("\n DELETE FROM store", "DELETE"),
            ("CREATE TABLE a AS SELECT 1", "CREATE"),
            ("CREATE EXTERNAL TABLE a STORED AS CSV LOCATION '/etc/passwd'", "CREATE"),
            ("CREATE VIEW a AS SELECT 1", "CREATE"),
            ("DROP TABLE store", "DROP"),
            ("COPY store TO 'out.csv'", "COPY"),
            ("COPY (SELECT 1) TO 'out.csv'", "COPY"),
            ("SET datafusion.execution.batch_size = 1", "SET"),
            ("RESET datafusion.execution.batch_size", "RESET"),
            ("SHOW ALL", "SHOW"),
            ("EXPLAIN INSERT INTO store VALUES (1)", "EXPLAIN"),
            ("EXPLAIN ANALYZE COPY store TO 'out.csv'", "EXPLAIN"),
            ("TRUNCATE TABLE store", "TRUNCATE"),
            ("BEGIN", "BEGIN"),
            ("PREPARE a AS SELECT 1", "PREPARE"),
            ("SELECT 1; DROP TABLE store", "several statements"),
            ("SELECT 1; SELECT 2", "several statements"),
            ("  ; ", "nothing"),
            ("-- nothing", "nothing"),
        ] {
            let fault = question(sql).unwrap_err();
            assert_eq!((fault.what.as_str(), fault.found.as_deref()), ("a query is one SELECT", Some(found)), "{sql}");
        }
        let fault = question("\n  DELETE FROM store").unwrap_err();
        assert_eq!(fault.place.unwrap().to_string(), "query:2:3");
    }

    #[test]
    fn a_mistake_is_told_where_it_stands() {
        let fault = question("SELECT id\nFORM store").unwrap_err();
        assert_eq!(fault.place.unwrap().to_string(), "query:2:6");
        let fault = unknown_table("SELECT 1\nFROM stor", "stor", ["store", "customer"]);
        assert_eq!(fault.place.unwrap().to_string(), "query:2:6");
        assert_eq!(fault.hint.as_deref(), Some("did you mean `store`? SHOW TABLES lists what there is"));
    }
}
