//! Where statements begin and end, and the words in them: enough of SQL to know when to send it and what may come next.

/// A piece of SQL that matters to whoever completes it. Positions are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A name or keyword; in double quotes, without them.
    Word(&'a str),
    /// Any other character outside of texts and comments.
    Mark(char),
    /// A text, a comment or a quoted name that is not closed.
    Open,
    /// A comment that the end of the text closes.
    Remark,
}

/// Cuts SQL into tokens, each with the byte it begins at. Texts and comments that are closed leave none.
pub(crate) fn tokens(sql: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let length = match letter {
            '\'' => closed(rest, '\''),
            '"' => closed(rest, '"').inspect(|length| tokens.push((at, Token::Word(&rest[1..length - 1])))),
            '-' if rest.starts_with("--") => Some(rest.find('\n').map_or_else(
                || {
                    tokens.push((at, Token::Remark));
                    rest.len()
                },
                |end| end + 1,
            )),
            '/' if rest.starts_with("/*") => rest.find("*/").map(|end| end + 2),
            letter if is_of_a_word(letter) => {
                let length = rest.find(|letter| !is_of_a_word(letter)).unwrap_or(rest.len());
                tokens.push((at, Token::Word(&rest[..length])));
                Some(length)
            }
            letter => {
                if !letter.is_whitespace() {
                    tokens.push((at, Token::Mark(letter)));
                }
                Some(letter.len_utf8())
            }
        };
        match length {
            Some(length) => at += length,
            None => {
                tokens.push((at, Token::Open));
                break;
            }
        }
    }
    tokens
}

/// What a name may hold, and what a word that is being typed is made of.
pub(crate) fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Bytes of a text that begins and ends with this quote; a doubled quote within it is a letter of it.
fn closed(rest: &str, quote: char) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// Whether what was typed can be sent: it ends with a semicolon, or nothing but blanks and comments was typed.
pub(crate) fn is_complete(sql: &str) -> bool {
    let tokens = tokens(sql);
    matches!(tokens.iter().rfind(|(_, token)| *token != Token::Remark), None | Some((_, Token::Mark(';'))))
}

/// The statements of what was typed, without their semicolons.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let tokens = tokens(sql);
    let ends = tokens.iter().filter(|(_, token)| *token == Token::Mark(';')).map(|(at, _)| *at);
    let mut statements = Vec::new();
    let mut from = 0;
    for end in ends.chain([sql.len()]) {
        let is_said = |token: &Token<'_>| !matches!(token, Token::Mark(';') | Token::Remark);
        let says_something = tokens.iter().any(|(at, token)| (from..end).contains(at) && is_said(token));
        if says_something {
            statements.push(sql[from..end].trim());
        }
        from = (end + 1).min(sql.len());
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_complete_at_its_semicolon() {
        for sql in
            ["SELECT 1;", "SELECT ';';", "SELECT 1; -- done", "SELECT 1; /* done */ ", "", "  ", "-- nothing", "a;\n;"]
        {
            assert!(is_complete(sql), "{sql}");
        }
        for sql in ["SELECT 1", "SELECT ';", "SELECT 'it''s;", "SELECT \"a;", "SELECT 1 -- ;", "SELECT 1 /* ; ", "a; b"]
        {
            assert!(!is_complete(sql), "{sql}");
        }
    }

    #[test]
    fn statements_are_cut_outside_of_texts_and_comments() {
        assert_eq!(statements("SELECT ';' ; SELECT 'it''s' -- a;b\n;"), ["SELECT ';'", "SELECT 'it''s' -- a;b"]);
        assert_eq!(statements(" ;; /* a; */ ;"), Vec::<&str>::new());
        assert_eq!(statements("SELECT 'é;'"), ["SELECT 'é;'"]);
    }

    #[test]
    fn words_and_marks_are_told_with_their_place() {
        let found = tokens("SELECT s.\"a b\", 'x y' FROM t--c\n/*d*/'open");
        let words: Vec<Token<'_>> = found.iter().map(|(_, token)| token.clone()).collect();
        use Token::{Mark, Open, Word};
        assert_eq!(
            words,
            [Word("SELECT"), Word("s"), Mark('.'), Word("a b"), Mark(','), Word("FROM"), Word("t"), Open]
        );
        assert_eq!(found[3].0, 9);
    }
}
