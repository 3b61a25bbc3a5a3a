//! Dirty rows: each breaks the default contract in exactly one way, and is one whole line.

use crate::OutputFormat;
use crate::chance::{Chance, Use, scramble};
use crate::layout::SalesFile;
use crate::row::{EXTRA_COLUMN, PAYMENT_MODES, Sale, cents, integer, price};
use crate::shop::Shop;
use tillmart_model::RowReason;

/// The reasons that dirty CSV rows have, in turn. `duplicate_key` is missing: it needs a key that the default
/// contract does not name.
pub const ROW_REASONS: [RowReason; 15] = [
    RowReason::MissingValue,
    RowReason::BadInteger,
    RowReason::BadDecimal,
    RowReason::BadDate,
    RowReason::OutOfRange,
    RowReason::TooFewFields,
    RowReason::TooManyFields,
    RowReason::BadQuoting,
    RowReason::BadEncoding,
    RowReason::NegativePrice,
    RowReason::TotalMismatch,
    RowReason::FutureDate,
    RowReason::UnknownCustomer,
    RowReason::UnknownStore,
    RowReason::UnknownSalesPerson,
];

/// The reasons that dirty JSON lines have, in turn: fields have names there, so none is too many or too few,
/// and quotes are the JSON syntax's own business.
pub const JSONL_REASONS: [RowReason; 12] = [
    RowReason::MissingValue,
    RowReason::BadInteger,
    RowReason::BadDecimal,
    RowReason::BadDate,
    RowReason::OutOfRange,
    RowReason::BadEncoding,
    RowReason::NegativePrice,
    RowReason::TotalMismatch,
    RowReason::FutureDate,
    RowReason::UnknownCustomer,
    RowReason::UnknownStore,
    RowReason::UnknownSalesPerson,
];

/// The reasons of a format, in turn.
pub(crate) const fn reasons(format: OutputFormat) -> &'static [RowReason] {
    match format {
        OutputFormat::Csv => &ROW_REASONS,
        OutputFormat::Jsonl => &JSONL_REASONS,
    }
}

/// Where the dirty rows are: all rows are divided into `dirty_ppm` blocks a million, and each block has one at a
/// place of chance. So the rate is exact, the reasons come in turn, and any chunk can find its own.
pub(crate) struct DirtyRows<'a> {
    shop: &'a Shop,
    block: u64,
}

const MILLION: u128 = 1_000_000;

impl<'a> DirtyRows<'a> {
    /// The dirty rows from `row` on.
    pub(crate) fn from(shop: &'a Shop, row: u64) -> Self {
        let block = (u128::from(row) * u128::from(shop.plan.dirty_ppm) / MILLION) as u64;
        DirtyRows { shop, block }
    }

    /// The first dirty row at or after `row`, with its number among all dirty rows. `row` must never go back.
    pub(crate) fn next(&mut self, row: u64) -> Option<(u64, u64)> {
        let ppm = u128::from(self.shop.plan.dirty_ppm);
        if ppm == 0 {
            return None;
        }
        loop {
            let start = (u128::from(self.block) * MILLION).div_ceil(ppm) as u64;
            let end = (u128::from(self.block + 1) * MILLION).div_ceil(ppm) as u64;
            let mut chance = Chance::of(self.shop.sales_seed, Use::Dirt, self.block);
            let dirty = start + u64::from(chance.below((end - start) as u32));
            if dirty >= row {
                return Some((dirty, self.block));
            }
            self.block += 1;
        }
    }
}

/// A value as it stands in the file, delimiters not included; for JSON lines with its quotes, and with its name.
struct Cell {
    name: &'static str,
    raw: Vec<u8>,
}

/// The values of one row, to be spoilt.
struct Cells {
    format: OutputFormat,
    cells: Vec<Cell>,
}

const CUSTOMER: usize = 0;
const STORE: usize = 1;
const PRODUCT: usize = 2;
const DATE: usize = 3;
const SALES_PERSON: usize = 4;
const PRICE: usize = 5;
const QUANTITY: usize = 6;
const TOTAL: usize = 7;

impl Cells {
    fn of(sale: &Sale, shop: &Shop, file: &SalesFile) -> Cells {
        let seller = &shop.sellers[sale.seller as usize];
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut raw = Vec::new();
            write(&mut raw);
            raw
        };
        let mut cells = Cells { format: shop.plan.format, cells: Vec::new() };
        let mut put = |name, raw| cells.cells.push(Cell { name, raw });
        put("customer_id", Vec::new());
        put("store_id", written(&|raw| integer(seller.store.into(), raw)));
        put("product_name", shop.products[sale.product as usize].value.to_vec());
        put("sales_date", Vec::new());
        put("sales_person_id", written(&|raw| integer(seller.id.into(), raw)));
        put("price", written(&|raw| price(sale.price, raw)));
        put("quantity", sale.quantity.to_string().into_bytes());
        put("total_cost", written(&|raw| cents(sale.total_cents, raw)));
        match sale.customer {
            Some(customer) => cells.number(CUSTOMER, customer),
            None => cells.blank(CUSTOMER),
        }
        cells.text(DATE, &String::from_utf8_lossy(&shop.days[sale.day as usize]));
        if file.extra {
            cells.cells.push(Cell { name: EXTRA_COLUMN, raw: Vec::new() });
            cells.text(TOTAL + 1, PAYMENT_MODES[sale.payment as usize]);
        }
        cells
    }

    fn number(&mut self, at: usize, value: impl ToString) {
        self.cells[at].raw = value.to_string().into_bytes();
    }

    /// A text that needs no escapes.
    fn text(&mut self, at: usize, value: &str) {
        self.cells[at].raw = match self.format {
            OutputFormat::Csv => value.as_bytes().to_vec(),
            OutputFormat::Jsonl => format!("\"{value}\"").into_bytes(),
        };
    }

    fn blank(&mut self, at: usize) {
        self.cells[at].raw = match self.format {
            OutputFormat::Csv => Vec::new(),
            OutputFormat::Jsonl => b"null".to_vec(),
        };
    }

    fn write(&self, out: &mut Vec<u8>) {
        let json = self.format == OutputFormat::Jsonl;
        for (at, cell) in self.cells.iter().enumerate() {
            match (json, at) {
                (true, 0) => out.push(b'{'),
                (false, 0) => {}
                _ => out.push(b','),
            }
            if json {
                out.extend_from_slice(format!("\"{}\":", cell.name).as_bytes());
            }
            out.extend_from_slice(&cell.raw);
        }
        out.extend_from_slice(if json { b"}\n" } else { b"\n" });
    }
}

/// Writes a sale so that it is rejected with `reason` and no other. `turn` counts the rows of this reason: the ways
/// to break a rule take turns too.
pub(crate) fn write(sale: &Sale, shop: &Shop, file: &SalesFile, reason: RowReason, turn: u64, out: &mut Vec<u8>) {
    let mut cells = Cells::of(sale, shop, file);
    spoil(&mut cells, sale, reason, turn);
    cells.write(out);
}

fn spoil(cells: &mut Cells, sale: &Sale, reason: RowReason, turn: u64) {
    let way = |ways: usize| (turn % ways as u64) as usize;
    // Ids that no dimension table of any plan has; different ones, as a typing error would be.
    let nobody = scramble(turn) % 1_000_000;
    match reason {
        RowReason::MissingValue => {
            let columns = [STORE, PRODUCT, DATE, SALES_PERSON, PRICE, QUANTITY, TOTAL];
            cells.blank(columns[way(columns.len())]);
        }
        RowReason::BadInteger => match way(4) {
            0 => cells.text(QUANTITY, "two"),
            1 => cells.text(STORE, "S-121"),
            2 => cells.text(CUSTOMER, "n/a"),
            _ => cells.text(SALES_PERSON, "12a"),
        },
        RowReason::BadDecimal => match way(3) {
            0 => cells.text(PRICE, "$12.50"),
            1 => cells.text(TOTAL, "12.50.1"),
            _ => cells.text(PRICE, "free"),
        },
        RowReason::BadDate => match way(4) {
            0 => cells.text(DATE, "2023-02-30"),
            1 => cells.text(DATE, "31/12/2023"),
            2 => cells.text(DATE, "yesterday"),
            _ => cells.text(DATE, "2023-13-01"),
        },
        RowReason::OutOfRange => match way(4) {
            0 => cells.number(QUANTITY, 3_000_000_000_u64),
            1 => cells.number(PRICE, "123456789012.00"),
            2 => cells.number(PRICE, "1.23456"),
            _ => cells.number(STORE, 99_999_999_999_u64),
        },
        RowReason::TooFewFields => {
            cells.cells.pop();
        }
        RowReason::TooManyFields => cells.cells.push(Cell { name: "", raw: b"surplus".to_vec() }),
        RowReason::BadQuoting => cells.cells[PRODUCT].raw = b"\"Green Tea\" 500 g".to_vec(),
        // Latin-1 in a UTF-8 file: the usual way in which it happens.
        RowReason::BadEncoding => {
            cells.text(PRODUCT, "Caf# Roast Coffee 1 kg");
            for byte in &mut cells.cells[PRODUCT].raw {
                *byte = if *byte == b'#' { 0xE9 } else { *byte };
            }
        }
        RowReason::NegativePrice => spoil_price(cells, sale),
        RowReason::TotalMismatch => {
            let wrong = if way(2) == 0 { sale.total_cents + 1 } else { sale.total_cents + 10_000 };
            cells.cells[TOTAL].raw.clear();
            cents(wrong, &mut cells.cells[TOTAL].raw);
        }
        RowReason::FutureDate => cells.text(DATE, "2999-12-31"),
        RowReason::UnknownCustomer => cells.number(CUSTOMER, 9_000_000_000 + nobody),
        RowReason::UnknownStore => cells.number(STORE, 2_000_000_000 + nobody),
        RowReason::UnknownSalesPerson => cells.number(SALES_PERSON, 9_000_000_000 + nobody),
        // Never in turn: see ROW_REASONS.
        RowReason::DuplicateKey => {}
    }
}

/// Price and total turn their sign together, so that the total still is price × quantity.
fn spoil_price(cells: &mut Cells, sale: &Sale) {
    cells.cells[PRICE].raw = b"-".to_vec();
    price(sale.price, &mut cells.cells[PRICE].raw);
    cells.cells[TOTAL].raw.clear();
    cents(-sale.total_cents, &mut cells.cells[TOTAL].raw);
}
