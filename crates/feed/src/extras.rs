//! `additional_column`: the columns that the contract does not name, folded into one text.

use tillmart_model::ExtraColumns;

/// Builds the text of one row after the other; the buffer is reused.
#[derive(Debug)]
pub(crate) struct Extras {
    style: ExtraColumns,
    text: String,
    any: bool,
}

impl Extras {
    pub(crate) fn new(style: ExtraColumns) -> Self {
        Extras { style, text: String::new(), any: false }
    }

    /// Starts a row.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.any = false;
    }

    /// Adds a value that is text.
    pub(crate) fn add_text(&mut self, name: &str, value: &str) {
        self.begin(name);
        match self.style {
            ExtraColumns::Json => push_json_text(&mut self.text, value),
            ExtraColumns::Concat => self.text.push_str(value),
        }
    }

    /// Adds a value that is no text in its source: `json` is its JSON.
    pub(crate) fn add_json(&mut self, name: &str, json: &str) {
        self.begin(name);
        match self.style {
            ExtraColumns::Concat if json == "null" => {}
            ExtraColumns::Json | ExtraColumns::Concat => self.text.push_str(json),
        }
    }

    fn begin(&mut self, name: &str) {
        match (self.style, self.any) {
            (ExtraColumns::Json, any) => {
                self.text.push(if any { ',' } else { '{' });
                push_json_text(&mut self.text, name);
                self.text.push(':');
            }
            (ExtraColumns::Concat, true) => self.text.push_str(", "),
            (ExtraColumns::Concat, false) => {}
        }
        self.any = true;
    }

    /// Ends the row and returns its `additional_column`; `None` when it has no such column.
    pub(crate) fn end(&mut self) -> Option<&str> {
        if !self.any {
            return None;
        }
        if self.style == ExtraColumns::Json {
            self.text.push('}');
        }
        Some(&self.text)
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn push_json_text(json: &mut String, text: &str) {
    json.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        // The byte is ASCII, so both cuts lie between characters.
        json.push_str(&text[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            b'\r' => json.push_str("\\r"),
            b'\t' => json.push_str("\\t"),
            _ => {
                json.push_str("\\u00");
                for digit in [byte >> 4, byte & 15] {
                    json.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
        }
    }
    json.push_str(&text[copied..]);
    json.push('"');
}
