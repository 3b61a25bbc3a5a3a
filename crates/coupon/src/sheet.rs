//! Lines of CSV (RFC 4180) that spreadsheets open without harm.

use std::borrow::Cow;

/// A text that no spreadsheet takes for a formula: one that begins with a sign of a formula gets an apostrophe before it, which
/// spreadsheets take for "this is text". Signs count behind blanks and in their full-width form too.
pub fn harmless(text: &str) -> Cow<'_, str> {
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let begins_badly = text.starts_with(|first: char| first.is_control())
        || text.trim_start().starts_with(|first: char| SIGNS.contains(&first) || first.is_control());
    if begins_badly { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Appends a line of these cells, with the line end that the format asks for.
pub fn push_line<'c>(text: &mut String, cells: impl IntoIterator<Item = &'c str>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        // A semicolon too: many spreadsheets part cells by it.
        if cell.contains([',', ';', '"', '\r', '\n', '\t']) || cell.starts_with(' ') || cell.ends_with(' ') {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        for bad in ["=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "\u{a0}=1", "\0=1"] {
            assert_eq!(harmless(bad), format!("'{bad}"));
        }
        for good in ["", "Ada", "1-2", "a=b", "12.50", " Ada", "'tis", "ÿ"] {
            assert_eq!(harmless(good), good);
        }
    }

    #[test]
    fn cells_come_back_as_they_were() {
        let cells = ["plain", "", "a,b", "a;b", "say \"so\"", "two\r\nlines", " blanks ", "'=1", "\"", "ünï"];
        let mut text = String::new();
        push_line(&mut text, cells);
        push_line(&mut text, cells);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("CSV");
        assert_eq!(read.len(), 2);
        assert!(read.iter().all(|record| record.iter().eq(cells)), "{text}");
        assert!(text.ends_with("\r\n"));
    }
}
