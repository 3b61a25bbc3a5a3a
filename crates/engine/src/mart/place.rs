//! Where in a section's SQL something stands: for refusals of what is right SQL and no mart.

use datafusion::common::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use std::fmt;

/// A refusal that knows by which words the refused thing is found.
#[derive(Debug)]
pub(super) struct Refusal {
    message: String,
    place: Sought,
}

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// The first of these phrases that stands there.
    Phrases(&'static [&'static [&'static str]]),
    /// A join that is no left join.
    OtherJoin,
    /// Any join.
    Join,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// Line and column in the section's SQL, both from 1.
    pub(super) fn find(&self, sql: &str) -> Option<(u64, u64)> {
        Tokens::of(sql).find(self.place)
    }
}

/// Refuses what stands at `place`.
pub(super) fn refused_at<T>(place: Sought, message: impl Into<String>) -> Result<T, DataFusionError> {
    Err(DataFusionError::External(Box::new(Refusal { message: message.into(), place })))
}

/// The words that bring a node into a plan.
pub(super) fn words_of(plan: &LogicalPlan) -> Sought {
    Sought::Phrases(match plan {
        LogicalPlan::Sort(_) => &[&["ORDER", "BY"]],
        LogicalPlan::Limit(_) => &[&["LIMIT"], &["OFFSET"], &["FETCH"]],
        LogicalPlan::Distinct(_) => &[&["DISTINCT"]],
        LogicalPlan::Union(_) => &[&["UNION"], &["INTERSECT"], &["EXCEPT"]],
        LogicalPlan::Aggregate(_) => &[&["GROUP", "BY"], &["SELECT"]],
        LogicalPlan::Window(_) => &[&["OVER"]],
        LogicalPlan::Values(_) => &[&["VALUES"]],
        LogicalPlan::Join(_) => return Sought::Join,
        _ => &[&["(", "SELECT"], &["SELECT"]],
    })
}

struct Word {
    /// Keywords and names in capitals; marks as they are.
    text: String,
    /// A name as it is written.
    name: String,
    line: u64,
    column: u64,
    /// Open brackets before it.
    depth: usize,
}

/// A section's SQL as words.
pub(super) struct Tokens(Vec<Word>);

impl Tokens {
    /// SQL that cannot be cut into words has none: the parser tells of it.
    pub(super) fn of(sql: &str) -> Tokens {
        let dialect = GenericDialect {};
        let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().unwrap_or_default();
        let mut depth = 0_usize;
        let mut words = Vec::with_capacity(tokens.len());
        for token in tokens {
            let (line, column) = (token.span.start.line, token.span.start.column);
            let (text, name) = match &token.token {
                Token::Whitespace(_) | Token::EOF => continue,
                Token::Word(word) => (word.value.to_ascii_uppercase(), word.value.clone()),
                other => (other.to_string(), String::new()),
            };
            if token.token == Token::RParen {
                depth = depth.saturating_sub(1);
            }
            words.push(Word { text, name, line, column, depth });
            if token.token == Token::LParen {
                depth += 1;
            }
        }
        Tokens(words)
    }

    fn find(&self, sought: Sought) -> Option<(u64, u64)> {
        match sought {
            Sought::Phrases(phrases) => phrases.iter().find_map(|phrase| self.phrase(phrase)),
            Sought::OtherJoin => self.join(true),
            Sought::Join => self.join(false),
        }
    }

    fn phrase(&self, phrase: &[&str]) -> Option<(u64, u64)> {
        let is_it = |words: &&[Word]| words.iter().zip(phrase).all(|(word, sought)| word.text == *sought);
        self.0.windows(phrase.len()).find(is_it).and_then(|words| words.first()).map(place)
    }

    /// The first join; with `no_left`, the first that is no left join. A comma between tables is one, too.
    fn join(&self, no_left: bool) -> Option<(u64, u64)> {
        const KINDS: [&str; 9] = ["LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER", "SEMI", "ANTI"];
        for (at, _) in self.0.iter().enumerate().filter(|(_, word)| word.text == "JOIN") {
            let kinds = self.0[..at].iter().rev().take_while(|word| KINDS.contains(&word.text.as_str())).count();
            let phrase: Vec<&str> = self.0[at - kinds..at].iter().map(|word| word.text.as_str()).collect();
            if !(no_left && matches!(phrase.as_slice(), ["LEFT"] | ["LEFT", "OUTER"])) {
                return self.0.get(at - kinds).map(place);
            }
        }
        let from = self.0.iter().position(|word| word.text == "FROM")?;
        let is_table = |word: &&Word| {
            word.depth >= self.0[from].depth && !matches!(word.text.as_str(), "WHERE" | "GROUP" | "ORDER" | "LIMIT")
        };
        self.0[from..].iter().take_while(is_table).find(|word| word.text == ",").map(place)
    }

    /// Where the expression of an output column stands: the item at this place of the outermost `SELECT`, or, where a `*` brings
    /// several columns, the item of this name or the `*`.
    pub(super) fn output(&self, at: usize, name: &str) -> Option<(u64, u64)> {
        let select = self.0.iter().position(|word| word.depth == 0 && word.text == "SELECT")?;
        let body: Vec<&Word> = self.0[select + 1..]
            .iter()
            .skip_while(|word| matches!(word.text.as_str(), "DISTINCT" | "ALL"))
            .take_while(|word| word.depth > 0 || word.text != "FROM")
            .collect();
        let items: Vec<&[&Word]> = body.split(|word| word.depth == 0 && word.text == ",").collect();
        let is_wildcard = |item: &&&[&Word]| item.last().is_some_and(|word| word.depth == 0 && word.text == "*");
        let is_named = |item: &&&[&Word]| item.last().is_some_and(|word| word.name == name);
        let item = if items.iter().any(|item| is_wildcard(&item)) {
            items.iter().find(is_named).or_else(|| items.iter().find(is_wildcard))
        } else {
            items.get(at)
        };
        item.and_then(|item| item.first()).map(|word| place(word))
    }
}

fn place(word: &Word) -> (u64, u64) {
    (word.line, word.column)
}

#[cfg(test)]
mod tests {
    use super::{Sought, Tokens};

    const SQL: &str = "WITH a AS (SELECT x, y FROM t LEFT JOIN u ON t.i = u.i)\nSELECT m.*, f(x, 2) AS z,\n  y\nFROM a";

    #[test]
    fn an_output_is_found_by_its_place_or_its_name() {
        let tokens = Tokens::of(SQL);
        assert_eq!(tokens.output(7, "z"), Some((2, 13)));
        assert_eq!(tokens.output(7, "y"), Some((3, 3)));
        assert_eq!(tokens.output(1, "of_the_star"), Some((2, 8)));
        let plain = Tokens::of("SELECT DISTINCT a,\n  (b, c) AS d, 'e, f' FROM t");
        assert_eq!(plain.output(0, "a"), Some((1, 17)));
        assert_eq!(plain.output(1, "d"), Some((2, 3)));
        assert_eq!(plain.output(2, "?"), Some((2, 16)));
        assert_eq!(Tokens::of("no select").output(0, "a"), None);
    }

    #[test]
    fn joins_are_told_apart() {
        let of = |sql: &str, sought| Tokens::of(sql).find(sought);
        assert_eq!(of(SQL, Sought::OtherJoin), None);
        assert_eq!(of(SQL, Sought::Join), Some((1, 31)));
        assert_eq!(of("SELECT 1 FROM a LEFT OUTER JOIN b ON 1 JOIN c ON 2", Sought::OtherJoin), Some((1, 40)));
        assert_eq!(of("SELECT 1 FROM a\nRIGHT OUTER JOIN b ON 1", Sought::OtherJoin), Some((2, 1)));
        assert_eq!(of("SELECT 1, 2 FROM a, b", Sought::OtherJoin), Some((1, 19)));
        assert_eq!(of("SELECT 1 FROM a LEFT SEMI JOIN b ON 1", Sought::OtherJoin), Some((1, 17)));
    }
}
