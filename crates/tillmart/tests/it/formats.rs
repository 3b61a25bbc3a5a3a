//! The same rows in every format give the same marts.

use crate::shop::Shop;
use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use std::io::Write;
use std::sync::Arc;

const ROWS: [&str; 4] = [
    "1,1,\"Tea, green\",2024-05-03,11,2.50,2,5.00",
    ",2,Coffee,2024-05-31,21,4.0125,3,12.04",
    "3,1,Tee für zwei,2024-06-01,12,2.50,-1,-2.50",
    "2,2,Coffee,2024-06-02,21,4.00,1,4.00",
];

fn jsonl() -> Vec<u8> {
    br#"{"customer_id":1,"store_id":1,"product_name":"Tea, green","sales_date":"2024-05-03","sales_person_id":11,"price":2.50,"quantity":2,"total_cost":5.00}
{"store_id":"2","customer_id":null,"product_name":"Coffee","sales_date":"2024-05-31","sales_person_id":21,"price":"4.0125","quantity":3,"total_cost":12.04}
{"customer_id":3,"store_id":1,"product_name":"Tee f\u00fcr zwei","sales_date":"2024-06-01","sales_person_id":12,"price":2.50,"quantity":-1,"total_cost":-2.50}
{"customer_id":2,"store_id":2,"product_name":"Coffee","sales_date":"2024-06-02","sales_person_id":21,"price":4.00,"quantity":1,"total_cost":4.00}
"#
    .to_vec()
}

fn parquet() -> Vec<u8> {
    let decimal = |values: [i128; 4], precision, scale| -> ArrayRef {
        Arc::new(Decimal128Array::from_iter_values(values).with_precision_and_scale(precision, scale).unwrap())
    };
    // Days since 1970-01-01 of the four dates.
    let dates = Date32Array::from(vec![19_846, 19_874, 19_875, 19_876]);
    let columns: [(&str, ArrayRef); 8] = [
        ("customer_id", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(2)]))),
        ("store_id", Arc::new(Int32Array::from(vec![1, 2, 1, 2]))),
        ("product_name", Arc::new(StringArray::from(vec!["Tea, green", "Coffee", "Tee für zwei", "Coffee"]))),
        ("sales_date", Arc::new(dates)),
        ("sales_person_id", Arc::new(Int64Array::from(vec![11, 21, 12, 21]))),
        ("price", decimal([25_000, 40_125, 25_000, 40_000], 14, 4)),
        ("quantity", Arc::new(Int32Array::from(vec![2, 3, -1, 1]))),
        ("total_cost", decimal([500, 1_204, -250, 400], 14, 2)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn the_same_rows_in_each_format_give_the_same_marts() {
    let csv = crate::shop::csv(&ROWS).into_bytes();
    let latin = ["\u{feff}", &crate::shop::csv(&ROWS).replace('\n', "\r\n")].concat().into_bytes();
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let deliveries = [
        ("day.csv", csv.clone()),
        ("marked.csv", latin),
        ("day.csv.gz", gzip(&csv)),
        ("day.csv.zst", zstd(&csv)),
        ("day.jsonl", jsonl()),
        ("day.jsonl.gz", gzip(&jsonl())),
        ("day.jsonl.zst", zstd(&jsonl())),
        ("day.parquet", parquet()),
    ];
    let template = Shop::new();
    let mut first = None;
    for (name, bytes) in deliveries {
        let shop = template.copy();
        shop.deliver(name, bytes);
        let told = shop.tillmart(&["run", "--json"]);
        assert_eq!(told.code, 0, "{name}: {told:?} {:?}", shop.tillmart(&["rejects", "list"]));
        let rows: Vec<String> = shop.lake().iter().map(|row| format!("{} {}", row["which"], row["said"])).collect();
        let picture = (shop.marts(), rows);
        let expected = first.get_or_insert_with(|| picture.clone());
        assert_eq!(&picture, expected, "{name}");
    }
    let (marts, rows) = first.unwrap();
    assert_eq!(rows.len(), 4 + 3, "four sales, three of known customers");
    assert_eq!(marts["customers_data_mart"].len(), 3);
}

#[test]
fn a_german_till_writes_the_same_sales() {
    let template = Shop::new();
    let english = template.copy();
    english.deliver_rows("day.csv", &ROWS);
    english.run(0);
    let german = template.copy();
    german.settings(
        "[env.german.feed]\ndelimiter = \";\"\ndecimal_comma = true\nencoding = \"latin-1\"\n\
         [env.german.feed.columns.sales_date]\nsource = \"Datum\"\ndate_formats = [\"%d.%m.%Y\"]\n",
    );
    let mut bytes = b"Datum;total_cost;price;quantity; store_id ;customer_id;sales_person_id;product_name\r\n".to_vec();
    bytes.extend(b"03.05.2024;5,00;2,50;2;1;1;11;Tea, green\r\n31.05.2024;12,04;4,0125;3;2;;21;Coffee\r\n\r\n");
    bytes.extend(b"01.06.2024;-2,50;2,50;-1;1;3;12;Tee f\xfcr zwei\r\n02.06.2024;4,00;4,00;1;2;2;21;Coffee");
    german.deliver("tag.csv", bytes);
    german.tillmart(&["--env", "german", "run"]).ended(0);
    assert_eq!(german.marts(), english.marts());
}
