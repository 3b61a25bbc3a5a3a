//! The short ways through the decoder against the exact one: the same rows, rejects and counts, whatever the file.

mod support;

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use support::compare::{Read, decode, decode_in_stretches, difference};
use support::{CSV, Chance, JSONL, decoder};
use tillmart_model::{BlankCustomer, Column, Contract, Encoding, ExtraColumns, Kind, Orphans, SalesColumn};

const CASES: usize = 1500;

fn compare(contract: &Contract, bytes: &[u8], cuts: &[usize], told: &dyn Fn() -> String) -> Read {
    let exact = decode(decoder(contract, CSV).exactly(), bytes, &[], 100);
    let short = decode(decoder(contract, CSV), bytes, cuts, 100);
    if let Some(difference) = difference(&short, &exact) {
        panic!("{difference}; {}", told());
    }
    exact
}

/// The file in stretches comes to the same as the whole, or is not decoded so. Returns whether it was.
fn compare_stretches(
    contract: &Contract,
    kind: Kind,
    bytes: &[u8],
    whole: &Read,
    rng: &mut Xoshiro256PlusPlus,
) -> bool {
    if !contract.key.is_empty() || bytes.is_empty() {
        return false;
    }
    let mut cuts: Vec<usize> = (0..rng.random_range(1..6)).map(|_| rng.random_range(0..bytes.len())).collect();
    cuts.sort_unstable();
    let (look_back, piece) = (*[0, 30, 1000].choose(rng).unwrap(), *[7, 1000, usize::MAX].choose(rng).unwrap());
    let Some(stretched) = decode_in_stretches(contract, kind, bytes, &cuts, look_back, piece) else { return false };
    let told = || format!("cut at {cuts:?}, {look_back} back, {contract:?}: {}", bytes.escape_ascii());
    if stretched.tally.rows_read == 0 {
        return false;
    }
    if let Some(difference) = difference(&Ok(stretched), whole) {
        panic!("{difference}; {}", told());
    }
    true
}

/// What a file holds and how it is written.
struct Style {
    contract: Contract,
    columns: Vec<&'static str>,
    line_end: &'static [u8],
    /// Of a hundred cells, how many are odd.
    odd_cells: u32,
    /// Of a hundred rows, how many are mutated.
    odd_rows: u32,
    /// Of a hundred cells, how many are quoted without need.
    quoted: u32,
}

impl Style {
    fn random(rng: &mut Xoshiro256PlusPlus) -> Style {
        let mut contract = Contract::default();
        contract.delimiter = *b",;\t|".choose(rng).unwrap();
        contract.quote = *b"\"\"\"'".choose(rng).unwrap();
        contract.decimal_comma = contract.delimiter != b',' && rng.random();
        contract.record_bytes_max = *[1 << 20, 300, 90].choose(rng).unwrap();
        contract.total_tolerance_cents = *[0, 0, 1].choose(rng).unwrap();
        contract.orphans = *[Orphans::Reject, Orphans::Keep].choose(rng).unwrap();
        contract.blank_customer = *[BlankCustomer::Anonymous, BlankCustomer::Reject].choose(rng).unwrap();
        contract.extra_columns = *[ExtraColumns::Json, ExtraColumns::Concat].choose(rng).unwrap();
        contract.encoding = *[Encoding::Utf8, Encoding::Utf8, Encoding::Latin1].choose(rng).unwrap();
        if rng.random_ratio(1, 8) {
            contract.key = vec![SalesColumn::CustomerId, SalesColumn::SalesDate];
        }
        // Else a `transaction_id` in the file is one more column.
        if rng.random() {
            contract.columns.push(Column::new(SalesColumn::TransactionId));
        }
        for column in &mut contract.columns {
            if column.column == SalesColumn::SalesDate {
                let formats: &[&[&str]] = &[&["%Y-%m-%d"], &["%Y-%m-%d", "%d/%m/%Y"], &["%d/%m/%Y", "%Y-%m-%d"]];
                column.date_formats = formats.choose(rng).unwrap().iter().map(|name| (*name).to_owned()).collect();
            }
        }
        let mut columns: Vec<&str> = SalesColumn::ALL[..8].iter().map(|column| column.name()).collect();
        for (name, share) in [("transaction_id", 3), ("till", 3), ("note", 5)] {
            if rng.random_ratio(1, share) {
                columns.push(name);
            }
        }
        if rng.random() {
            for at in 0..columns.len() {
                let other = rng.random_range(0..columns.len());
                columns.swap(at, other);
            }
        }
        Style {
            contract,
            columns,
            line_end: if rng.random_ratio(1, 3) { b"\r\n" } else { b"\n" },
            odd_cells: *[0, 0, 1, 5].choose(rng).unwrap(),
            odd_rows: *[0, 1, 5, 30].choose(rng).unwrap(),
            quoted: *[0, 1, 20, 100].choose(rng).unwrap(),
        }
    }

    fn money(&self, rng: &mut Xoshiro256PlusPlus, units: i64, scale: usize) -> String {
        let sign = if units < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", units.unsigned_abs(), width = scale + 1);
        let (whole, rest) = digits.split_at(digits.len() - scale);
        let point = if self.contract.decimal_comma { ',' } else { '.' };
        // Zeros at the end may be left out.
        let least = rest.trim_end_matches('0').len();
        let rest = &rest[..rng.random_range(least..=scale)];
        if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{point}{rest}") }
    }

    fn row(&self, rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
        let (price, quantity) = match rng.random_range(0..20) {
            0 => (rng.random_range(0..10_000_000_000), rng.random_range(-30_000..30_000)),
            1..5 => (rng.random_range(0..500_000), rng.random_range(-3..9)),
            _ => (rng.random_range(0..50_000) * 100, rng.random_range(1..9)),
        };
        let total = tillmart_model::money::total_cents(price, quantity);
        let near = rng.random_ratio(1, 60);
        let cells: Vec<Vec<u8>> = self
            .columns
            .iter()
            .map(|column| {
                let odd = rng.random_ratio(self.odd_cells, 100).then(|| odd_cell(rng));
                let good = self.cell(rng, column, price as i64, quantity as i64, total as i64 + i64::from(near));
                self.written(rng, odd.unwrap_or(good))
            })
            .collect();
        let mut row = cells.join(&self.contract.delimiter);
        row.extend(if rng.random_ratio(1, 60) { b"\r\n" } else { self.line_end });
        if rng.random_ratio(self.odd_rows, 100) {
            self.mutate(rng, &mut row);
        }
        row
    }

    fn cell(&self, rng: &mut Xoshiro256PlusPlus, column: &str, price: i64, quantity: i64, total: i64) -> Vec<u8> {
        let text = match column {
            "customer_id" if rng.random_ratio(1, 12) => String::new(),
            "customer_id" => rng.random_range(1..101).to_string(),
            "store_id" => rng.random_range(1..6).to_string(),
            "product_name" => {
                (*["tea", "coffee", "cake", "té", "tea, green", "10\" box", "x'y"].choose(rng).unwrap()).to_owned()
            }
            "sales_date" if rng.random_ratio(1, 30) => "03/06/2024".to_owned(),
            "sales_date" => format!("2024-{:02}-{:02}", rng.random_range(1..8), rng.random_range(1..31)),
            "sales_person_id" => rng.random_range(11..16).to_string(),
            "price" => self.money(rng, price, 4),
            "quantity" => quantity.to_string(),
            "total_cost" => self.money(rng, total, 2),
            _ => (*["", "a", "two words", "\"q\"", "é", "x,y;z"].choose(rng).unwrap()).to_owned(),
        };
        text.into_bytes()
    }

    /// The value as it stands in the file: in quotes where it must be, or by chance.
    fn written(&self, rng: &mut Xoshiro256PlusPlus, value: Vec<u8>) -> Vec<u8> {
        let Contract { delimiter, quote, .. } = self.contract;
        let must = value.iter().any(|byte| [delimiter, quote, b'\n', b'\r'].contains(byte));
        if !must && !rng.random_ratio(self.quoted, 100) {
            return value;
        }
        let doubled = value.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == quote { 2 } else { 1 }));
        [quote].into_iter().chain(doubled).chain([quote]).collect()
    }

    /// Flips, inserts or deletes a byte.
    fn mutate(&self, rng: &mut Xoshiro256PlusPlus, row: &mut Vec<u8>) {
        let place = rng.random_range(0..row.len());
        let byte = match rng.random_range(0..8) {
            0..3 => self.contract.quote,
            3 => self.contract.delimiter,
            4 => b'\n',
            5 => b' ',
            _ => rng.random(),
        };
        match rng.random_range(0..3) {
            0 => row[place] = byte,
            1 => row.insert(place, byte),
            _ => {
                row.remove(place);
            }
        }
    }
}

fn odd_cell(rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let long = "é".repeat(701);
    let cells: &[&[u8]] = &[
        b"",
        b" ",
        b"-",
        b".",
        b"+3",
        b" 7 ",
        b"-1",
        b"007",
        b"1.0",
        b"123456789",
        b"12345678901234567890",
        b"1234567.5",
        b"99999999.99",
        b"0.00001",
        b"1.2.3",
        b"2024-02-30",
        b"2024-07-02",
        b"2024-6-1",
        b"\xff",
        b"a\"b\"c",
        b"two\nlines",
        b"tea\r",
        long.as_bytes(),
        "٣".as_bytes(),
    ];
    cells.choose(rng).unwrap().to_vec()
}

#[test]
fn sales_of_every_make_are_read_the_same() {
    let mut chance = Chance::new();
    let (mut landed, mut rejected, mut faults, mut stretched, mut stretched_lines) = (0, 0, 0, 0, 0);
    for case in 0..CASES {
        let rng = &mut chance.rng;
        let style = Style::random(rng);
        let delimiter = [style.contract.delimiter];
        let mut text = if rng.random_ratio(1, 8) { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        text.extend(style.columns.iter().map(|name| name.as_bytes()).collect::<Vec<_>>().join(&delimiter[..]));
        text.extend(style.line_end);
        for _ in 0..*[3, 40, 700].choose(rng).unwrap() {
            text.extend(style.row(rng));
            if rng.random_ratio(1, 100) {
                text.extend(style.line_end);
            }
        }
        if rng.random_ratio(1, 4) {
            text.truncate(text.len() - rng.random_range(0..20.min(text.len())));
        }
        let largest = *[3, 100, 30_000].choose(rng).unwrap();
        let cuts: Vec<usize> = (0..rng.random_range(0..60)).map(|_| rng.random_range(0..largest)).collect();
        let told = || format!("case {case}, {:?}: {}", style.contract, text[..text.len().min(2000)].escape_ascii());
        let whole = compare(&style.contract, &text, &cuts, &told);
        stretched += u32::from(compare_stretches(&style.contract, CSV, &text, &whole, &mut chance.rng));
        let lines = decode(decoder(&style.contract, JSONL), &text, &[], 100);
        stretched_lines += u32::from(compare_stretches(&style.contract, JSONL, &text, &lines, &mut chance.rng));
        match whole {
            Ok(outcome) => {
                landed += outcome.tally.rows_landed;
                rejected += outcome.tally.rows_rejected();
            }
            Err(_) => faults += 1,
        }
    }
    assert!(landed > 1000 && rejected > 1000 && faults > 5, "{landed} landed, {rejected} rejected, {faults} faults");
    assert!(stretched > 500 && stretched_lines > 500, "{stretched} and {stretched_lines} in stretches");
}

#[test]
fn any_bytes_behind_a_header_are_read_the_same() {
    let mut chance = Chance::new();
    for _ in 0..CASES {
        let rng = &mut chance.rng;
        let contract = Contract::default();
        let mut text = support::HEADER.as_bytes().to_vec();
        for _ in 0..rng.random_range(0..40) {
            let pieces: &[&[u8]] =
                &[b",,,,,,,", b",", b"\"", b"\n", b"\r\n", b"\"\"", b"1,2,tea,2024-06-30,11,2.50,2,5.00", b"\xff"];
            text.extend(*pieces.choose(rng).unwrap());
        }
        let cuts: Vec<usize> = (0..rng.random_range(0..30)).map(|_| rng.random_range(0..40)).collect();
        let whole = compare(&contract, &text, &cuts, &|| text.escape_ascii().to_string());
        let _ = compare_stretches(&contract, CSV, &text, &whole, rng);
    }
}

/// Files that others test their readers with, behind a header of ours and as they are. More of them: TILLMART_CSV_FILES, a folder.
#[test]
fn files_of_others_are_read_the_same() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))];
    folders.extend(std::env::var_os("TILLMART_CSV_FILES").map(Into::into));
    let (mut files, mut chance) = (0, Chance::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            files += 1;
            for header in ["", support::HEADER] {
                let text = [header.as_bytes(), &bytes].concat();
                let cuts: Vec<usize> = (1..60).map(|cut| cut * 7 % 31).collect();
                for contract in [Contract::default(), Contract { orphans: Orphans::Keep, ..Contract::default() }] {
                    let whole = compare(&contract, &text, &cuts, &|| path.display().to_string());
                    let _ = compare_stretches(&contract, CSV, &text, &whole, &mut chance.rng);
                }
            }
        }
    }
    assert!(files > 10, "{files} files");
}
