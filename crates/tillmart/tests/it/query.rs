//! Questions in SQL: forms of the answer, and what is refused.

use crate::shop::{Shop, Told};
use crate::transcripts::Transcript;
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Decimal128Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

fn loaded() -> Shop {
    let shop = Shop::new();
    shop.deliver_rows(
        "day.csv",
        &[
            "1,1,Tea,2024-05-03,11,2.50,2,5.00",
            ",2,Coffee,2024-05-04,21,4.00,1000,4000.00",
            "2,1,Tea,2024-06-04,12,2.50,-1,-2.50",
            "77,1,Tea,2024-06-04,12,2.50,1,2.50",
        ],
    );
    shop.run(1);
    shop
}

fn with_stdin(shop: &Shop, arguments: &[&str], text: &str) -> Told {
    let mut command = shop.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Told::of(child.wait_with_output().unwrap())
}

const SPEND: &str =
    "SELECT customer_id, full_name, sales_date_month, total_sales FROM customers_data_mart ORDER BY 1, 3";

#[test]
fn answers_in_every_form() {
    let shop = loaded();
    let mut transcript = Transcript::new(&shop);
    for format in ["table", "csv", "json", "jsonl"] {
        transcript.call(&["query", "--format", format, SPEND]).ended(0);
    }
    transcript.call(&["query", "DESCRIBE customers_data_mart"]).ended(0);
    transcript.call(&["query", "SHOW COLUMNS FROM product_staging_table"]).ended(0);
    transcript.call(&["query", "SELECT line, code, raw FROM sales_rejects"]).ended(0);
    transcript.call(&["query", "--csv", "SELECT line, code, raw FROM sales_rejects"]).ended(0);
    transcript.call(&["query", "SELECT file_name, status FROM product_staging_table"]).ended(0);
    transcript.call(&["query", "--format", "csv", "SELECT customer_id FROM customer WHERE customer_id > 99"]).ended(0);
    transcript.is("answers_in_every_form");

    let table = shop.tillmart(&["query", SPEND]).ended(0).out;
    assert_eq!(with_stdin(&shop, &["query"], &format!("-- spend\n{SPEND};\n")).ended(0).out, table, "from stdin");
    for (flag, format) in [("--csv", "csv"), ("--json", "json")] {
        let short = shop.tillmart(&["query", flag, SPEND]).ended(0).out;
        assert_eq!(short, shop.tillmart(&["query", "--format", format, SPEND]).ended(0).out);
    }
}

#[test]
fn a_file_is_whole_or_not_there() {
    let shop = loaded();
    let file = |name: &str| shop.folder().join(name).to_str().unwrap().to_owned();
    let to = |name: &str, sql: &str| shop.tillmart(&["query", "--out", &file(name), sql]);
    for (name, format) in [("a.csv", "csv"), ("a.json", "json"), ("a.jsonl", "jsonl"), ("a.txt", "table")] {
        let told = to(name, SPEND).ended(0);
        assert_eq!((told.out.as_str(), told.err.as_str()), ("", format!("2 rows in {}\n", file(name)).as_str()));
        let printed = shop.tillmart(&["query", "--format", format, SPEND]).ended(0).out;
        assert_eq!(fs::read_to_string(file(name)).unwrap(), printed);
    }

    to("a.parquet", SPEND).ended(0);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file("a.parquet")).unwrap()).unwrap();
    assert_eq!(reader.schema().field(3).data_type(), &DataType::Decimal128(16, 2), "money is exact");
    let rows: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let money: Vec<i128> =
        rows.iter().flat_map(|rows| rows.column(3).as_primitive::<Decimal128Type>().values().to_vec()).collect();
    assert_eq!(money, [500, -250]);

    // It breaks off while rows are being made: the old file stays, and nothing lies beside it.
    let before = fs::read(file("a.csv")).unwrap();
    to("a.csv", "SELECT 1 / (quantity - 2) FROM sales_data_mart").ended(2);
    assert_eq!(fs::read(file("a.csv")).unwrap(), before);
    to("new.csv", "SELECT 1 / (quantity - 2) FROM sales_data_mart").ended(2);
    let names: Vec<String> =
        fs::read_dir(shop.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name == "new.csv" || name.contains(".part")), "{names:?}");
    to("no/such/folder.csv", SPEND).ended(2);
}

#[test]
fn what_cannot_be_asked_is_told_where_it_stands() {
    let shop = loaded();
    let mut transcript = Transcript::new(&shop);
    for sql in [
        "SELECT * FROM customer_mart",
        "SELECT 1\nFROM salesteam",
        "SELECT store, sum(total_cost)\nFROM sales_data_mart\nGROUP BY store",
        "SELECT s.total FROM sales_data_mart AS s",
        "SELECT summe(total_cost) FROM sales_data_mart",
        "SELECT id FORM store",
        "SELECT 1 / 0",
        "SELECT CAST('a' AS INT)",
        "DESCRIBE stor",
        "DELETE FROM sales_data_mart",
        "INSERT INTO customer VALUES (9)",
        "CREATE TABLE mine AS SELECT 1",
        "COPY customer TO 'customer.csv'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
    ] {
        transcript.call(&["query", sql]).ended(2);
    }
    transcript.call(&["query"]).ended(2);
    transcript.call(&["query", "--json", "SELECT * FROM custmer"]).ended(2).json();
    transcript.call(&["query", "--csv", "--json", "SELECT 1"]).ended(2);
    transcript.is("what_cannot_be_asked");
    assert!(!shop.folder().join("customer.csv").exists());
}

/// A reader that has seen enough is no failure, and does not wait for the rest.
#[test]
fn a_reader_may_go_away() {
    let shop = loaded();
    let endless = "SELECT value AS number FROM generate_series(1, 1000000000000)";
    for format in ["csv", "jsonl", "json", "table"] {
        let mut command = shop.command(&["query", "--format", format, endless]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.contains("number"), "{format}: {line}");
        drop(out);
        let told = Told::of(child.wait_with_output().unwrap());
        assert_eq!((told.code, told.err.as_str()), (0, ""), "{format}");
    }
}
