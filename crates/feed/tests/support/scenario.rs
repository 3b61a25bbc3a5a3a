//! Arbitrary bytes as a file, the contract it is read by, and the pushes that it comes in.
//!
//! The first [`SETTINGS_BYTES`] are settings, all others are the file, or what stands behind a header and plain rows
//! that the settings ask for. Every sequence of bytes is a scenario, so that a fuzzer may make them.

use super::compare::{Read, decode, decode_in_stretches, difference};
use super::{CSV, JSONL, decoder, oracle};
use tillmart_model::{BlankCustomer, Column, Contract, Encoding, ExtraColumns, Kind, Orphans, SalesColumn};

/// Settings at the beginning of a scenario's bytes. All of them 0: the file is CSV by the default contract, in one push.
pub const SETTINGS_BYTES: usize = 16;

/// No file is longer, so that a scenario is checked in a moment.
const FILE_BYTES_MAX: usize = 64 << 10;

const COLUMNS: [&str; 8] =
    ["customer_id", "store_id", "product_name", "sales_date", "sales_person_id", "price", "quantity", "total_cost"];
const MORE_COLUMNS: [&str; 11] = [
    "customer_id",
    "store_id",
    "product_name",
    "sales_date",
    "sales_person_id",
    "price",
    "quantity",
    "total_cost",
    "transaction_id",
    "till",
    "note",
];
const OTHER_ORDER: [&str; 10] = [
    "note",
    "total_cost",
    "product_name",
    "quantity",
    "price",
    "note",
    "sales_person_id",
    "sales_date",
    "store_id",
    "customer_id",
];

/// One file, and how it is read.
#[derive(Debug)]
pub struct Scenario {
    pub contract: Contract,
    pub kind: Kind,
    pub text: Vec<u8>,
    /// Lines of a header of ours and plain rows behind it, before what is arbitrary begins.
    pub lines_before: u64,
    /// How long each push is; a last one takes the rest.
    pub cuts: Vec<usize>,
    /// Rows are taken once there are so many.
    pub min_rows: usize,
}

impl Scenario {
    /// `None` where there are not even settings.
    pub fn of(bytes: &[u8]) -> Option<Scenario> {
        let (settings, file) = bytes.split_first_chunk::<SETTINGS_BYTES>()?;
        let [style, more, shape, padding @ .., _, _, _, _, _, _, _, _, _, _] = settings;
        let contract = contract(*style, *more);
        let kind = if more & 0xc0 == 0xc0 { JSONL } else { CSV };
        let mut text = if shape & 4 == 0 { Vec::new() } else { b"\xef\xbb\xbf".to_vec() };
        let line_end: &[u8] = if shape & 8 == 0 { b"\n" } else { b"\r\n" };
        let columns: &[&str] = [&[][..], &COLUMNS, &MORE_COLUMNS, &OTHER_ORDER][usize::from(shape & 3)];
        if !columns.is_empty() {
            text.extend(columns.join(char::from(contract.delimiter).encode_utf8(&mut [0; 4])).bytes());
            text.extend(line_end);
            if let [how @ 128..=255, low, high] = padding {
                let until = usize::from(u16::from_le_bytes([*low, *high])) % (40 << 10);
                let name = if *how < 192 { "tea ".repeat(150) } else { "tea".to_owned() };
                pad(&mut text, columns, &contract, line_end, until, &name);
            }
        }
        let lines_before = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        text.extend(file);
        text.truncate(FILE_BYTES_MAX);
        let cuts = cuts(&settings[6..], text.len());
        Some(Scenario { contract, kind, text, lines_before, cuts, min_rows: [0, 1, 7, 100][usize::from(shape >> 6)] })
    }

    /// Holds every way to read the file against every other, and against what the file says.
    ///
    /// # Panics
    /// They differ, or a promise is broken.
    pub fn check(&self) -> Read {
        let short = || decoder(&self.contract, self.kind);
        let exact = decode(short().exactly(), &self.text, &[], 100);
        let others = [
            ("the short ways", decode(short(), &self.text, &[], 100)),
            ("the short ways, in pushes", decode(short(), &self.text, &self.cuts, self.min_rows)),
            ("the exact way, in pushes", decode(short().exactly(), &self.text, &self.cuts, self.min_rows)),
        ];
        for (name, other) in &others {
            if let Some(difference) = difference(other, &exact) {
                panic!("{name} and the exact way: {difference}; {self}");
            }
        }
        if let Some(stretched) = self.in_stretches()
            && let Some(difference) = difference(&stretched, &exact)
        {
            panic!("in stretches, and the exact way: {difference}; {self}");
        }
        if let Err(broken) = oracle::check(self, &exact) {
            panic!("{broken}; {self}");
        }
        exact
    }

    /// The file cut where pushes end, at most in six; `None` where it would be decoded whole.
    fn in_stretches(&self) -> Option<Read> {
        let length = self.text.len();
        if !self.contract.key.is_empty() || length == 0 {
            return None;
        }
        let ends = self.cuts.iter().scan(0, |end, cut| {
            *end += cut;
            Some(*end).filter(|end| *end < length)
        });
        let ends: Vec<usize> = ends.collect();
        let mut cuts: Vec<usize> = ends.iter().copied().step_by(ends.len() / 5 + 1).collect();
        if cuts.is_empty() {
            cuts = vec![length / 3, length / 3 * 2];
        }
        let (look_back, piece) = (self.min_rows * 10, if self.min_rows == 7 { 700 } else { usize::MAX });
        let stretched = decode_in_stretches(&self.contract, self.kind, &self.text, &cuts, look_back, piece)?;
        // A file without rows is decoded whole, too.
        (stretched.tally.rows_read > 0).then_some(Ok(stretched))
    }
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Scenario { contract, text, cuts, .. } = self;
        let shown_cuts = &cuts[..cuts.len().min(20)];
        write!(f, "{contract:?}, pushes of {shown_cuts:?} …, {} bytes: {}", text.len(), text.escape_ascii())
    }
}

fn contract(style: u8, more: u8) -> Contract {
    let is = |byte: u8, bit: u8| byte >> bit & 1 == 1;
    let delimiter = b",;\t|"[usize::from(style & 3)];
    let mut contract = Contract {
        delimiter,
        quote: if is(style, 2) { b'\'' } else { b'"' },
        encoding: if is(style, 3) { Encoding::Latin1 } else { Encoding::Utf8 },
        decimal_comma: is(style, 4) && delimiter != b',',
        extra_columns: if is(style, 5) { ExtraColumns::Concat } else { ExtraColumns::Json },
        orphans: if is(style, 6) { Orphans::Keep } else { Orphans::Reject },
        blank_customer: if is(style, 7) { BlankCustomer::Reject } else { BlankCustomer::Anonymous },
        record_bytes_max: [1 << 20, 300, 90, 20_000][usize::from(more & 3)],
        total_tolerance_cents: i64::from(is(more, 2)),
        ..Contract::default()
    };
    let formats: &[&str] = if is(more, 3) { &["%d/%m/%Y", "%Y-%m-%d"] } else { &["%Y-%m-%d", "%d/%m/%Y"] };
    for column in contract.columns.iter_mut().filter(|column| column.column == SalesColumn::SalesDate) {
        column.date_formats = formats.iter().map(|format| (*format).to_owned()).collect();
    }
    if is(more, 4) {
        contract.columns.push(Column::new(SalesColumn::TransactionId));
    }
    if is(more, 5) {
        contract.key = vec![SalesColumn::CustomerId, SalesColumn::SalesDate];
    }
    contract
}

/// Plain rows of the product `name` up to byte `until`, so that what follows lies wherever a block of the decoder ends.
fn pad(text: &mut Vec<u8>, columns: &[&str], contract: &Contract, line_end: &[u8], until: usize, name: &str) {
    let point = if contract.decimal_comma { "," } else { "." };
    let row = |name: &str| {
        let cell = |column: &&str| match *column {
            "customer_id" => "7".to_owned(),
            "store_id" => "3".to_owned(),
            "product_name" => name.to_owned(),
            "sales_date" => "2024-06-30".to_owned(),
            "sales_person_id" => "12".to_owned(),
            "price" => format!("2{point}50"),
            "quantity" => "2".to_owned(),
            "total_cost" => format!("5{point}00"),
            _ => String::new(),
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        cells.join(char::from(contract.delimiter).encode_utf8(&mut [0; 4]))
    };
    let common = row(name);
    let length = common.len() + line_end.len();
    while text.len() + length <= until {
        text.extend(common.bytes());
        text.extend(line_end);
    }
    // The last one is as long as it takes.
    let spare = until.saturating_sub(text.len()).checked_sub(row("").len() + line_end.len());
    if let Some(spare) = spare.filter(|spare| *spare > 0) {
        text.extend(row(&"s".repeat(spare)).bytes());
        text.extend(line_end);
    }
}

/// Push after push as the settings tell, again and again; none where they are all 0.
fn cuts(settings: &[u8], length: usize) -> Vec<usize> {
    let cut = |byte: u8| if byte <= 200 { usize::from(byte) } else { usize::from(byte - 200) * 256 };
    let round: Vec<usize> = settings.iter().filter(|byte| **byte > 0).map(|byte| cut(*byte)).collect();
    let mut cuts = Vec::new();
    let mut left = length;
    for cut in round.iter().cycle() {
        if left == 0 {
            break;
        }
        cuts.push(*cut);
        left = left.saturating_sub(*cut);
    }
    cuts
}
