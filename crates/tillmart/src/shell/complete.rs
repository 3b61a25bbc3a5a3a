//! What may come next: names of tables where a table stands, columns of the statement's tables, functions and keywords elsewhere.

use super::commands;
use super::statement::{Token, is_of_a_word, tokens};
use std::collections::BTreeSet;

/// Every name that can be asked for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Tables and their columns.
    pub(crate) tables: Vec<(String, Vec<String>)>,
    /// Functions.
    pub(crate) functions: Vec<String>,
}

/// Words that begin a part of a statement in which no table stands, until the next one.
const PARTS: [&str; 11] =
    ["SELECT", "WHERE", "ON", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "VALUES", "USING", "QUALIFY"];
/// Words after which a table stands.
const BEFORE_TABLES: [&str; 3] = ["FROM", "JOIN", "DESCRIBE"];
/// The other words of a question.
const KEYWORDS: [&str; 49] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COLUMNS",
    "CROSS",
    "DATE",
    "DECIMAL",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FILTER",
    "FROM",
    "FULL",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "OR",
    "OUTER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "ROWS",
    "SHOW",
    "TABLES",
    "THEN",
    "TRUE",
    "VARCHAR",
    "WHEN",
    "WITH",
];

impl Names {
    /// What the word that ends at byte `at` may become, and the byte that the word begins at.
    pub(crate) fn complete(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        let start = before
            .rfind(|letter| !is_of_a_word(letter))
            .map_or(0, |blank| blank + before[blank..].chars().next().map_or(1, char::len_utf8));
        let typed = &before[start..];
        if let Some(command) = before.trim_start().strip_prefix('\\') {
            return self.command(before, command, start, typed);
        }
        let earlier = tokens(&before[..start]);
        // The word that is being typed is no alias yet.
        let behind = line.get(at..).unwrap_or_default().trim_start_matches(is_of_a_word);
        let line = &format!("{} {behind}", &before[..start]);
        let candidates = match earlier.as_slice() {
            // Within a text or a comment nothing is known.
            [.., (_, Token::Open | Token::Remark)] => Vec::new(),
            [.., (_, Token::Word(table)), (_, Token::Mark('.'))] => self.columns_of(table, line),
            earlier if table_stands(earlier) => self.tables.iter().map(|(name, _)| name.clone()).collect(),
            earlier => self.expression(line, earlier, typed),
        };
        (start, matching(candidates, typed))
    }

    /// `\d` takes a table, `\format` a format.
    fn command(&self, before: &str, command: &str, start: usize, typed: &str) -> (usize, Vec<String>) {
        let Some((word, _)) = command.split_once(char::is_whitespace) else {
            let start = before.len() - command.len() - 1;
            let names = commands::NAMES.iter().map(|name| (*name).to_owned()).collect();
            return (start, matching(names, &before[start..]));
        };
        let candidates = match word {
            "d" => self.tables.iter().map(|(name, _)| name.clone()).collect(),
            "format" => commands::FORMATS.iter().map(|name| (*name).to_owned()).collect(),
            _ => Vec::new(),
        };
        (start, matching(candidates, typed))
    }

    /// Columns of a table, or of the table behind an alias.
    fn columns_of(&self, name: &str, line: &str) -> Vec<String> {
        let meant = self.named(line).into_iter().find(|(called, _)| called.eq_ignore_ascii_case(name));
        let table = meant.map_or(name, |(_, table)| table);
        let found = self.tables.iter().find(|(known, _)| known.eq_ignore_ascii_case(table));
        found.map_or_else(Vec::new, |(_, columns)| columns.clone())
    }

    fn expression(&self, line: &str, earlier: &[(usize, Token<'_>)], typed: &str) -> Vec<String> {
        let named = self.named(line);
        let is_named = |table: &str| named.is_empty() || named.iter().any(|(_, named)| *named == table);
        let columns = self.tables.iter().filter(|(table, _)| is_named(table)).flat_map(|(_, columns)| columns.clone());
        let called = named.iter().map(|(called, _)| (*called).to_owned());
        let in_capitals = typed.chars().next().is_none_or(char::is_uppercase);
        let keywords = KEYWORDS
            .iter()
            .chain(&PARTS)
            .map(|word| if in_capitals { (*word).to_owned() } else { word.to_lowercase() });
        if earlier.is_empty() {
            return keywords.collect();
        }
        columns.chain(called).chain(self.functions.iter().map(|name| format!("{name}("))).chain(keywords).collect()
    }

    /// Tables that the statement names, each with what it is called there.
    fn named<'a>(&'a self, line: &'a str) -> Vec<(&'a str, &'a str)> {
        let tokens = tokens(line);
        let words: Vec<&Token<'_>> = tokens.iter().map(|(_, token)| token).collect();
        let mut named = Vec::new();
        for (at, token) in words.iter().enumerate() {
            let Token::Word(word) = token else { continue };
            if !table_stands(&tokens[..at]) {
                continue;
            }
            let Some((table, _)) = self.tables.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) else {
                continue;
            };
            let next = |more: usize| match words.get(at + more) {
                Some(Token::Word(word)) => Some(*word),
                _ => None,
            };
            let alias = match next(1) {
                Some(word) if word.eq_ignore_ascii_case("AS") => next(2),
                word => word.filter(|word| !is_keyword(word)),
            };
            named.push((alias.unwrap_or(table), table.as_str()));
        }
        named
    }
}

/// Whether a table stands after these tokens: right behind FROM or JOIN, or behind a comma of the list that they begin.
fn table_stands(earlier: &[(usize, Token<'_>)]) -> bool {
    let is_one_of = |word: &str, words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    match earlier.last() {
        Some((_, Token::Word(word))) => is_one_of(word, &BEFORE_TABLES),
        Some((_, Token::Mark(','))) => {
            let mut depth = 0_i32;
            for (_, token) in earlier.iter().rev() {
                match token {
                    Token::Mark(')') => depth += 1,
                    Token::Mark('(') => depth -= 1,
                    Token::Word(word) if depth == 0 && is_one_of(word, &["FROM", "JOIN"]) => return true,
                    Token::Word(word) if depth == 0 && is_one_of(word, &PARTS) => return false,
                    _ => {}
                }
                if depth < 0 {
                    return false;
                }
            }
            false
        }
        _ => false,
    }
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().chain(&PARTS).any(|known| word.eq_ignore_ascii_case(known))
}

/// Candidates that begin with what was typed, in capitals or not, each once.
fn matching(candidates: Vec<String>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let mut seen = BTreeSet::new();
    candidates
        .into_iter()
        .filter(|candidate| candidate.to_lowercase().starts_with(&typed))
        .filter(|candidate| seen.insert(candidate.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let table = |name: &str, columns: &[&str]| {
            (name.to_owned(), columns.iter().map(|column| (*column).to_owned()).collect())
        };
        Names {
            tables: vec![
                table("sales_data_mart", &["store_id", "sales_date", "total_cost"]),
                table("store", &["id", "address"]),
                table("sales_team", &["id", "first_name"]),
            ],
            functions: vec!["sum".to_owned(), "substr".to_owned()],
        }
    }

    /// What the word before `|` may become.
    fn at(line: &str) -> String {
        let cursor = line.find('|').unwrap();
        let (start, candidates) = names().complete(&line.replace('|', ""), cursor);
        assert!(line.is_char_boundary(start), "{line}");
        candidates.join(" ")
    }

    #[test]
    fn tables_stand_behind_from_and_join() {
        assert_eq!(at("SELECT * FROM sa|"), "sales_data_mart sales_team");
        assert_eq!(at("select * from |"), "sales_data_mart store sales_team");
        assert_eq!(at("SELECT * FROM store JOIN SALES_T|"), "sales_team", "names are small, whatever is typed");
        assert_eq!(at("SELECT * FROM store s, sal|"), "sales_data_mart sales_team");
        assert_eq!(at("SELECT (SELECT 1 FROM sto|"), "store");
        assert_eq!(at("DESCRIBE st|"), "store");
    }

    #[test]
    fn columns_are_those_of_the_tables_that_are_named_anywhere() {
        assert_eq!(at("SELECT sto| FROM sales_data_mart"), "store_id");
        assert_eq!(at("SELECT * FROM store WHERE a|"), "address all and as asc");
        assert_eq!(at("SELECT f| FROM store, sales_team"), "first_name false filter from full");
        assert_eq!(at("SELECT tot|"), "total_cost", "before a table is named, of all");
        assert_eq!(at("SELECT count(*), sto| FROM sales_data_mart"), "store_id", "a comma of the select list");
    }

    #[test]
    fn behind_a_point_only_columns_of_that_table() {
        assert_eq!(at("SELECT t.| FROM store AS s JOIN sales_team t ON s.id = t.id"), "id first_name");
        assert_eq!(at("SELECT s.a| FROM store AS s"), "address");
        assert_eq!(at("SELECT store.| FROM store"), "id address");
        assert_eq!(at("SELECT nobody.| FROM store"), "");
    }

    #[test]
    fn functions_and_keywords_follow_what_is_typed() {
        assert_eq!(at("SELECT su|"), "sum( substr(");
        assert_eq!(at("sel|"), "select");
        assert_eq!(at("SEL|"), "SELECT");
        assert_eq!(at("SELECT * FROM store wh|"), "when where");
        assert_eq!(at("SELECT 'su|"), "", "in a text");
        assert_eq!(at("SELECT 1 -- su|"), "", "in a comment");
    }

    #[test]
    fn commands_take_tables_and_formats() {
        assert_eq!(at("\\d sales_d|"), "sales_data_mart");
        assert_eq!(at("\\format j|"), "json jsonl");
        assert_eq!(at("\\li|"), "\\limit");
        assert_eq!(at("\\q x|"), "");
    }

    /// Whatever is typed, wherever the cursor is: no panic, and a start that the editor can cut at.
    #[test]
    fn any_text_may_be_completed() {
        let pieces =
            ["SELECT ", "é", "'", "\"", "--", "/*", ".", ",", "(", ")", "\\d ", " FROM ", "store", "\n", "😀", ";"];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let line = format!("{first}{second}{third}");
                    for at in (0..=line.len()).filter(|at| line.is_char_boundary(*at)) {
                        let (start, _) = names().complete(&line, at);
                        assert!(start <= at && line.is_char_boundary(start), "{line:?} at {at}: {start}");
                    }
                }
            }
        }
    }
}
