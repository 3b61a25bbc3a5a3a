//! Reading a mart's header.

use tillmart_model::{Fault, FaultKind, Result};

/// A piece of SQL and the line of the file it starts at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// 1-based line of the file where the text starts.
    pub first_line: u64,
    /// The SQL.
    pub sql: String,
}

/// What a mart's SQL makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichMart {
    /// One row a sale, in a Delta table.
    Rows {
        /// The projection over `sales` and the dimensions.
        select: Section,
        /// Partition columns in order; the bucket column is the last.
        partition_by: Vec<String>,
        /// `bucket: NAME of COLUMN`: a partition column that is a fixed hash of another column.
        bucket: Option<(String, String)>,
    },
    /// Sums by key, in the relational database.
    Rollup {
        /// Sums and counts over `sales`.
        merge: Section,
        /// The published rows, over `merged` and the dimensions.
        finish: Section,
        /// Key columns of the state: the first columns of `merge`.
        state: Vec<String>,
        /// Primary key of the published table.
        key: Vec<String>,
        /// State keys that `finish` treats independently of each other.
        scope: Vec<String>,
        /// Columns of an index of the published table, for readers that ask by others than the key's first; none if empty.
        index: Vec<String>,
    },
    /// Other rows of the same sums: a second table over the state of a rollup.
    Over {
        /// The rollup whose `merge` and scope it shares.
        of: String,
        /// The published rows, over `merged` and the dimensions.
        finish: Section,
        /// Primary key of the published table.
        key: Vec<String>,
        /// As of a rollup.
        index: Vec<String>,
    },
}

/// A mart's file, its header understood and its SQL not yet planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MartFile {
    /// Path as a person finds it.
    pub path: String,
    /// Name of the mart and of its table.
    pub name: String,
    /// A sentence for people.
    pub about: String,
    /// What it makes.
    pub which: WhichMart,
}

#[derive(Default)]
struct Header {
    entries: Vec<(String, String, u64)>,
}

const WORDS: [&str; 9] = ["mart", "about", "partition by", "bucket", "of", "state", "key", "scope", "index"];

impl MartFile {
    /// Reads a mart from the text of its file.
    ///
    /// # Errors
    /// `Mart`, with file and line: a missing or unknown header word, a section without its partner.
    pub fn parse(path: &str, text: &str) -> Result<MartFile> {
        let (header, sections) = split(path, text)?;
        let name = header.required(path, "mart")?;
        if !name.starts_with(|first: char| first.is_ascii_lowercase())
            || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        {
            return Err(fault(path, header.line("mart"), "a mart's name becomes the name of its table")
                .expected("a small letter, then small letters, digits and _")
                .found(format!("{name:?}")));
        }
        let about = header.required(path, "about")?;
        let section = |word: &str| sections.iter().find(|(name, _)| name == word).map(|(_, section)| section.clone());
        let which = match (section("select"), section("merge"), section("finish")) {
            (Some(select), None, None) => header.rows(path, select)?,
            (None, Some(merge), Some(finish)) => header.rollup(path, merge, finish)?,
            (None, None, Some(finish)) if header.get("of").is_some() => header.over(path, finish)?,
            _ => {
                return Err(fault(path, 1, "the mart has no complete SQL").expected(
                    "one SELECT below the header, or the two sections `-- merge:` and `-- finish:`, \
                     or `-- of: ROLLUP` and `-- finish:`",
                ));
            }
        };
        Ok(MartFile { path: path.to_owned(), name, about, which })
    }
}

impl Header {
    fn get(&self, word: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _, _)| name == word).map(|(_, value, _)| value.as_str())
    }

    fn line(&self, word: &str) -> u64 {
        self.entries.iter().find(|(name, _, _)| name == word).map_or(1, |(_, _, line)| *line)
    }

    fn required(&self, path: &str, word: &str) -> Result<String> {
        self.get(word).map(str::to_owned).ok_or_else(|| {
            fault(path, 1, "the mart's header is not complete").expected(format!("a line `-- {word}: …` at the top"))
        })
    }

    fn list(&self, word: &str) -> Vec<String> {
        let value = self.get(word).unwrap_or_default();
        value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    fn required_list(&self, path: &str, word: &str) -> Result<Vec<String>> {
        self.required(path, word)?;
        match self.list(word) {
            names if names.is_empty() => {
                Err(fault(path, self.line(word), "the header names no column")
                    .expected(format!("`-- {word}: column, …`")))
            }
            names => Ok(names),
        }
    }

    fn rows(&self, path: &str, select: Section) -> Result<WhichMart> {
        let mut partition_by = self.list("partition by");
        let bucket = match self.get("bucket") {
            None => None,
            Some(value) => match value.split_once(" of ") {
                Some((name, column)) => Some((name.trim().to_owned(), column.trim().to_owned())),
                None => {
                    return Err(fault(path, self.line("bucket"), "the bucket is not understood")
                        .expected("`-- bucket: NEW_COLUMN of COLUMN`")
                        .found(format!("{value:?}")));
                }
            },
        };
        partition_by.extend(bucket.iter().map(|(name, _)| name.clone()));
        Ok(WhichMart::Rows { select, partition_by, bucket })
    }

    fn rollup(&self, path: &str, merge: Section, finish: Section) -> Result<WhichMart> {
        let state = self.required_list(path, "state")?;
        let key = self.required_list(path, "key")?;
        let scope = self.required_list(path, "scope")?;
        for column in &scope {
            if !state.contains(column) || !key.contains(column) {
                return Err(fault(path, self.line("scope"), "a scope column must be a state column and a key column")
                    .expected(format!("one of {}", state.join(", ")))
                    .found(column));
            }
        }
        Ok(WhichMart::Rollup { merge, finish, state, key, scope, index: self.list("index") })
    }

    fn over(&self, path: &str, finish: Section) -> Result<WhichMart> {
        let of = self.required(path, "of")?;
        for word in ["state", "scope", "partition by", "bucket"] {
            if self.get(word).is_some() {
                return Err(fault(path, self.line(word), "a mart over a rollup has that rollup's state and scope")
                    .expected("`-- mart:`, `-- about:`, `-- of:` and `-- key:`")
                    .found(format!("`-- {word}:`")));
            }
        }
        Ok(WhichMart::Over { of, finish, key: self.required_list(path, "key")?, index: self.list("index") })
    }
}

type Sections = Vec<(String, Section)>;

/// Cuts the text into header entries and SQL sections. Comments within SQL stay where they are.
fn split(path: &str, text: &str) -> Result<(Header, Sections)> {
    let mut header = Header::default();
    let mut sections: Sections = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index as u64 + 1;
        let entry = line
            .strip_prefix("--")
            .and_then(|rest| rest.split_once(':'))
            .map(|(word, value)| (word.trim(), value.trim()));
        match entry {
            Some((word @ ("merge" | "finish"), "")) => {
                sections.push((word.to_owned(), Section { first_line: number + 1, sql: String::new() }));
            }
            Some((word, value)) if sections.is_empty() && WORDS.contains(&word) => {
                header.entries.push((word.to_owned(), value.to_owned(), number));
            }
            Some((word, _)) if sections.is_empty() && word.split(' ').count() <= 2 => {
                return Err(fault(path, number, "unknown word in the mart's header")
                    .expected(format!("one of {}", WORDS.join(", ")))
                    .found(word));
            }
            _ => match sections.last_mut() {
                Some((_, section)) => {
                    section.sql.push_str(line);
                    section.sql.push('\n');
                }
                None if line.trim().is_empty() || line.trim_start().starts_with("--") => {}
                None => sections.push(("select".to_owned(), Section { first_line: number, sql: format!("{line}\n") })),
            },
        }
    }
    Ok((header, sections))
}

pub(super) fn fault(path: &str, line: u64, what: &str) -> Fault {
    Fault::new(FaultKind::Mart, what)
        .at_line(path, line)
        .hint("mend the mart's file and run again: nothing was changed")
}
