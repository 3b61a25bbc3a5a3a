//! Rows of Parquet files, and rejects that are decoded once more.

mod support;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMillisecondArray,
};
use std::sync::Arc;
use support::{CSV, HEADER, JSONL, SmallShop, batch, cell, collect, decode, decoder, kind, today};
use tillmart_feed::{Landed, ReplayDecoder};
use tillmart_model::{Compression, Contract, FileReason, Format};

fn of_columns(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn decimals(values: Vec<i128>, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

fn sales(customers: Vec<Option<i64>>, stores: Vec<i64>, date: ArrayRef) -> RecordBatch {
    let rows = stores.len();
    of_columns(vec![
        ("customer_id", Arc::new(Int64Array::from(customers))),
        ("store_id", Arc::new(Int64Array::from(stores))),
        ("product_name", Arc::new(StringViewArray::from(vec!["té\"a"; rows]))),
        ("sales_date", date),
        ("sales_person_id", Arc::new(StringArray::from(vec!["11"; rows]))),
        ("price", decimals(vec![25_000_000; rows], 20, 7)),
        ("quantity", Arc::new(Int64Array::from(vec![2; rows]))),
        ("total_cost", decimals(vec![500; rows], 14, 2)),
        ("till", Arc::new(BinaryArray::from(vec![b"A".as_slice(); rows]))),
        ("n", decimals(vec![-15; rows], 5, 1)),
    ])
}

fn days(days: Vec<i32>) -> ArrayRef {
    Arc::new(Date32Array::from(days))
}

#[test]
fn parquet_rows_pass_the_same_checks() {
    let mut decoder = decoder(&Contract::default(), kind(Format::Parquet, Compression::None));
    // 2024-06-30, a moment on it, and 2024-07-02.
    decoder.push_batch(&sales(vec![Some(1), None], vec![2, 9], days(vec![19_904, 19_904]))).unwrap();
    let moments = Arc::new(TimestampMillisecondArray::from(vec![19_904 * 86_400_000 + 7]));
    decoder.push_batch(&sales(vec![Some(1)], vec![2], moments)).unwrap();
    decoder.push_batch(&sales(vec![Some(1)], vec![2], days(vec![19_906]))).unwrap();
    decoder.finish().unwrap();
    let (mut batches, mut rejects) = (Vec::new(), Vec::new());
    collect(&mut decoder, &mut batches, &mut rejects, 0);
    let rows = &batches[0];
    assert_eq!(cell(rows, "product_name", 0), "té\"a");
    assert_eq!((cell(rows, "sales_date", 1), cell(rows, "price", 1)), ("2024-06-30".into(), "2.5000".into()));
    assert_eq!(cell(rows, "additional_column", 0), r#"{"till":"A","n":-1.5}"#);
    assert_eq!((cell(rows, "source_line", 0), cell(rows, "source_line", 1)), ("1".into(), "3".into()));
    let found: Vec<_> = rejects.iter().map(|reject| (reject.reason.code(), reject.line, reject.byte_offset)).collect();
    assert_eq!(found, [("unknown_store", Some(2), None), ("future_date", Some(4), None)]);
    assert_eq!(
        String::from_utf8_lossy(&rejects[0].raw),
        r#"{"customer_id":null,"store_id":9,"product_name":"té\"a","sales_date":"2024-06-30","sales_person_id":"11","price":2.5000000,"quantity":2,"total_cost":5.00,"till":"A","n":-1.5}"#
    );
}

#[test]
fn a_parquet_schema_is_judged_once_and_money_must_be_exact() {
    let parquet = kind(Format::Parquet, Compression::None);
    let mut money = decoder(&Contract::default(), parquet);
    let good = sales(vec![Some(1)], vec![2], days(vec![19_904]));
    let mut columns = good.columns().to_vec();
    columns[5] = Arc::new(Float64Array::from(vec![2.5]));
    let names: Vec<String> = good.schema().fields().iter().map(|field| field.name().clone()).collect();
    let float = of_columns(names.iter().map(String::as_str).zip(columns).collect());
    let fault = money.push_batch(&float).unwrap_err();
    assert_eq!(fault.reason, FileReason::Unreadable);
    assert!(fault.message.contains("money needs DECIMAL"), "{}", fault.message);
    assert_eq!(money.push_batch(&good).unwrap_err(), fault, "a fault stays");
    let mut missing = decoder(&Contract::default(), parquet);
    let fault = missing.expect_schema(&good.project(&[0, 1, 2]).unwrap().schema()).unwrap_err();
    assert_eq!(fault.reason, FileReason::MissingColumn);
    assert!(decoder(&Contract::default(), parquet).push(b"PAR1").is_err());
    assert!(decoder(&Contract::default(), CSV).push_batch(&good).is_err());
}

fn replay(
    contract: &Contract,
    format: Format,
    header: Option<&[u8]>,
) -> Result<ReplayDecoder, tillmart_model::FileFault> {
    ReplayDecoder::new(Arc::new(contract.clone()), format, header, Arc::new(SmallShop), today())
}

#[test]
fn a_rejected_row_lands_once_its_fault_is_mended() {
    let text = format!(
        "{}\r\n,2,\"cake, \"\"big\"\"\n12 pieces\",2024-06-30,11,\"2,50\",2,5.00\r\n1,2\r\n",
        HEADER.trim_end()
    );
    let strict = Contract::default();
    let outcome = decode(&strict, CSV, text.as_bytes()).unwrap();
    assert_eq!(outcome.codes(), ["bad_decimal", "too_few_fields"]);
    let mended = Contract { decimal_comma: true, ..Contract::default() };
    let mut again = replay(&mended, Format::Csv, outcome.header.as_deref()).unwrap();
    let first = again.try_record(&outcome.rejects[0].raw, outcome.rejects[0].line).unwrap_err();
    assert_eq!((first.reason.code(), first.column.as_deref()), ("bad_decimal", Some("total_cost")));
    let raw = String::from_utf8(outcome.rejects[0].raw.clone()).unwrap().replace("5.00", "\"5,00\"");
    let landed = again.try_record(raw.as_bytes(), Some(2)).unwrap();
    assert_eq!(landed, Landed { money_cents: 500, anonymous: true, unknown_product: true });
    let still = again.try_record(&outcome.rejects[1].raw, Some(4)).unwrap_err();
    assert_eq!((still.reason.code(), still.line, still.raw), ("too_few_fields", Some(4), b"1,2".to_vec()));
    let rows = batch(&again.take());
    assert_eq!((rows.num_rows(), cell(&rows, "source_line", 0)), (1, "2".into()));
    assert_eq!(cell(&rows, "product_name", 0), "cake, \"big\"\n12 pieces");
    assert_eq!(again.take().rows(), 0);
}

#[test]
fn every_reject_of_a_file_is_the_same_reject_at_replay() {
    let rows = "x,2,tea,2024-06-30,11,2.50,2,5.00\n1,2,\"tea,2024-06-30,11,2.50,2,5.00\n1,2,te\"a,2024-06-30,11,2.50,2,5.00\n\
                1,2,tea,2024-06-30,11,2.50,2,5.01\n\"1\",2,tea,2024-06-30,11,2.50,2\n100,2,\"te\r\na\",2024-06-30,11,2.50,2,5.00\n";
    let outcome = decode(&Contract::default(), CSV, format!("{HEADER}{rows}").as_bytes()).unwrap();
    assert_eq!(outcome.rejects.len(), 6);
    let mut again = replay(&Contract::default(), Format::Csv, outcome.header.as_deref()).unwrap();
    for mut reject in outcome.rejects {
        reject.byte_offset = None;
        let kept = again.try_record(&reject.raw, reject.line).unwrap_err();
        // Alone, an open quote is never closed, whatever ended it in the file.
        if reject.reason.code() == "bad_quoting" {
            reject.message.clone_from(&kept.message);
        }
        assert_eq!(kept, reject);
    }
}

#[test]
fn rejects_of_json_lines_and_parquet_are_replayed_as_objects() {
    let line = br#"{"customer_id":100,"store_id":2,"product_name":"tea","sales_date":"30/06/2024","sales_person_id":11,"price":2.5,"quantity":2,"total_cost":5}"#;
    let mut contract = Contract::default();
    assert_eq!(decode(&contract, JSONL, line).unwrap().codes(), ["bad_date"]);
    for column in &mut contract.columns {
        if !column.date_formats.is_empty() {
            column.date_formats = vec!["%d/%m/%Y".to_owned()];
        }
    }
    let reject = replay(&contract, Format::Jsonl, None).unwrap().try_record(line, Some(1)).unwrap_err();
    assert_eq!(reject.reason.code(), "unknown_customer");
    let known = String::from_utf8_lossy(line).replace("100", "10");
    let mut jsonl = replay(&contract, Format::Jsonl, None).unwrap();
    jsonl.try_record(known.as_bytes(), Some(1)).unwrap();
    // A Parquet day is typed: it needs none of the contract's formats.
    let typed = known.replace("30/06/2024", "2024-06-30");
    assert!(jsonl.try_record(typed.as_bytes(), None).is_err());
    let mut parquet = replay(&contract, Format::Parquet, None).unwrap();
    parquet.try_record(typed.as_bytes(), None).unwrap();
    assert_eq!(cell(&batch(&parquet.take()), "sales_date", 0), "2024-06-30");
    assert_eq!(replay(&contract, Format::Csv, None).err().unwrap().reason, FileReason::Unreadable);
}
