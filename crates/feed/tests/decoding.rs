//! Whole files through the decoder: formats, packings, line ends, contracts, faults.

mod support;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use std::io::Write;
use support::{CSV, Chance, HEADER, JSONL, cell, collect, decode, decode_in_pieces, decoder, kind};
use tillmart_model::{
    BlankCustomer, Column, Compression, Contract, Encoding, ExtraColumns, FileReason, Format, Orphans, SalesColumn,
};

const GOOD: &str = "1,2,tea,2024-06-30,11,2.50,2,5.00";

fn csv(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}{}\n", rows.join("\n")).into_bytes()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zst(text: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(text, 1).unwrap()
}

#[test]
fn a_good_row_lands_with_every_value() {
    let text = csv(&[GOOD, ",3,coffee,2024-07-01,12,0.0050,-1,-0.01"]);
    let outcome = decode(&Contract::default(), CSV, &text).unwrap();
    let row = |row| {
        outcome.rows.schema().fields().iter().map(|field| cell(&outcome.rows, field.name(), row)).collect::<Vec<_>>()
    };
    assert_eq!(row(0), ["1", "2", "tea", "2024-06-30", "11", "2.5000", "2", "5.00", "", "", "2"]);
    assert_eq!(row(1), ["", "3", "coffee", "2024-07-01", "12", "0.0050", "-1", "-0.01", "", "", "3"]);
    assert_eq!((outcome.tally.rows_anonymous, outcome.tally.money_cents), (1, 499));
    assert_eq!(outcome.header.as_deref(), Some(HEADER.trim_end().as_bytes()));
}

#[test]
fn one_bad_row_among_good_ones_leaves_them_alone() {
    let outcome =
        decode(&Contract::default(), CSV, &csv(&[GOOD, "1,2,\"tea,2024-06-30,11,2.50,2,5.00", GOOD])).unwrap();
    assert_eq!((outcome.rows.num_rows(), outcome.codes()), (2, vec!["bad_quoting"]));
    assert_eq!(outcome.rejects[0].line, Some(3));
}

#[test]
fn a_row_with_several_faults_has_the_first_and_names_the_others() {
    let outcome = decode(&Contract::default(), CSV, &csv(&["x,9,,2030-01-01,11,-2.50,2,5.00"])).unwrap();
    let reject = &outcome.rejects[0];
    assert_eq!((reject.reason.code(), reject.column.as_deref()), ("missing_value", Some("product_name")));
    assert_eq!(
        reject.message,
        "product_name is blank; expected a value (also bad_integer in customer_id, negative_price in price, \
         total_mismatch in total_cost, future_date in sales_date, unknown_store in store_id)"
    );
}

#[test]
fn line_ends_blank_lines_and_a_missing_last_line_end_do_not_matter() {
    let plain = decode(&Contract::default(), CSV, &csv(&[GOOD, GOOD])).unwrap();
    for text in [
        format!("{HEADER}{GOOD}\n{GOOD}"),
        format!("{}\r\n{GOOD}\r\n{GOOD}\r\n", HEADER.trim_end()),
        format!("{}\r\n{GOOD}\n{GOOD}\r", HEADER.trim_end()),
        format!("\u{feff}{HEADER}{GOOD}\n{GOOD}\n\n\r\n\n"),
    ] {
        let outcome = decode(&Contract::default(), CSV, text.as_bytes()).unwrap();
        assert_eq!((&outcome.rows, &outcome.tally), (&plain.rows, &plain.tally), "{text:?}");
        assert_eq!(outcome.header, plain.header);
    }
    let spaced = format!("\n{HEADER}\r\n{GOOD}\n\n\n{GOOD}\n");
    let outcome = decode(&Contract::default(), CSV, spaced.as_bytes()).unwrap();
    assert_eq!(
        (cell(&outcome.rows, "source_line", 0), cell(&outcome.rows, "source_line", 1)),
        ("4".into(), "7".into())
    );
}

#[test]
fn columns_come_in_any_order_with_others_between() {
    let text = "till, total_cost ,quantity,price,sales_person_id,\"sales_date\",note,product_name,store_id,customer_id\n\
                T1, 5.00 , 2,2.50 ,11,2024-06-30,\"a \"\"b\"\"\",\" tea\nleaf\",2,1\n";
    let outcome = decode(&Contract::default(), CSV, text.as_bytes()).unwrap();
    assert_eq!(cell(&outcome.rows, "product_name", 0), " tea\nleaf", "texts are kept as they came");
    assert_eq!(cell(&outcome.rows, "additional_column", 0), r#"{"till":"T1","note":"a \"b\""}"#);
    let concat = Contract { extra_columns: ExtraColumns::Concat, ..Contract::default() };
    let outcome = decode(&concat, CSV, text.as_bytes()).unwrap();
    assert_eq!(cell(&outcome.rows, "additional_column", 0), "T1, a \"b\"");
}

#[test]
fn additional_columns_are_proper_json_with_unique_names() {
    let text = format!("{},\"a\"\"\\\",x,x\n{GOOD},\"1\t\u{1}\n\",\\,\n", HEADER.trim_end());
    let outcome = decode(&Contract::default(), CSV, text.as_bytes()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&cell(&outcome.rows, "additional_column", 0)).unwrap();
    assert_eq!(json, serde_json::json!({"a\"\\": "1\t\u{1}\n", "x": "\\", "x_2": ""}));
}

#[test]
fn a_contract_renames_sets_formats_and_constants() {
    let mut contract = Contract { delimiter: b';', quote: b'\'', decimal_comma: true, ..Contract::default() };
    for column in &mut contract.columns {
        match column.column {
            SalesColumn::Price => column.source = "Preis".into(),
            SalesColumn::SalesDate => column.date_formats = vec!["%d.%m.%Y".into(), "%Y-%m-%dT%H:%M:%S".into()],
            SalesColumn::StoreId => column.constant = Some("4".into()),
            _ => {}
        }
    }
    contract.columns.push(Column::new(SalesColumn::TransactionId));
    let text = "customer_id;product_name;sales_date;sales_person_id;Preis;quantity;total_cost;transaction_id\n\
                1;'tea; green';30.06.2024;11;2,50;2;5,00;\n1;coffee;2024-06-30T23:59:59;11;2,50;2;5,00;B-7\n\
                1;coffee;2024-06-30;11;2.50;2;5,00;\n";
    let outcome = decode(&contract, CSV, text.as_bytes()).unwrap();
    assert_eq!(cell(&outcome.rows, "store_id", 0), "4");
    assert_eq!(cell(&outcome.rows, "product_name", 0), "tea; green");
    assert_eq!(
        (cell(&outcome.rows, "sales_date", 0), cell(&outcome.rows, "sales_date", 1)),
        ("2024-06-30".into(), "2024-06-30".into())
    );
    assert_eq!(
        (cell(&outcome.rows, "transaction_id", 0), cell(&outcome.rows, "transaction_id", 1)),
        (String::new(), "B-7".into())
    );
    assert_eq!(outcome.codes(), ["bad_decimal"]);
    assert_eq!(
        outcome.rejects[0].message,
        "price is \"2.50\"; expected a decimal such as 12,50 (also bad_date in sales_date)"
    );
}

#[test]
fn latin_1_becomes_utf_8() {
    let contract = Contract { encoding: Encoding::Latin1, ..Contract::default() };
    let mut text = format!("{},caf", HEADER.trim_end()).into_bytes();
    text.extend(b"\xe9\n1,2,th\xe9,2024-06-30,11,2.50,2,5.00,\"\xa7\"\n");
    let outcome = decode(&contract, CSV, &text).unwrap();
    assert_eq!(cell(&outcome.rows, "product_name", 0), "thé");
    assert_eq!(cell(&outcome.rows, "additional_column", 0), "{\"café\":\"§\"}");
    let fault = decode(&Contract::default(), CSV, &text).unwrap_err();
    assert_eq!(fault.reason, FileReason::Unreadable);
}

#[test]
fn blank_customers_and_orphans_follow_the_contract() {
    let rows = csv(&[",2,tea,2024-06-30,11,2.50,2,5.00", "100,9,cake,2024-06-30,99,2.50,2,5.00"]);
    let strict = Contract { blank_customer: BlankCustomer::Reject, ..Contract::default() };
    assert_eq!(decode(&strict, CSV, &rows).unwrap().codes(), ["missing_value", "unknown_customer"]);
    let keep = Contract { orphans: Orphans::Keep, ..Contract::default() };
    let outcome = decode(&keep, CSV, &rows).unwrap();
    assert_eq!((outcome.rows.num_rows(), outcome.tally.rows_unknown_product), (2, 1));
}

#[test]
fn numbers_are_exact_or_out_of_range() {
    let contract = Contract { orphans: Orphans::Keep, ..Contract::default() };
    let outcome = decode(
        &contract,
        CSV,
        &csv(&[
            "-9223372036854775808,-2147483648,tea,2024-06-30,+007,9999999999.9999,0,0",
            "9223372036854775808,2,tea,2024-06-30,11,2.50,2,5.00",
            "1,2147483648,tea,2024-06-30,11,2.50,2,5.00",
            "1,2,tea,2024-06-30,11,10000000000,2,5.00",
            "1,2,tea,2024-06-30,11,0.00001,2,0.00",
            "1,2,tea,2024-06-30,11,0.1250000,2,0.25000000000000000000",
            "1,2,tea,2024-06-30,11,1e2,2,200",
            "1,2,tea,2024-06-30,11,2.50,1e2,250",
        ]),
    );
    let outcome = outcome.unwrap();
    assert_eq!(outcome.rows.num_rows(), 2);
    let expected = ["out_of_range", "out_of_range", "out_of_range", "out_of_range", "bad_decimal", "bad_integer"];
    assert_eq!(outcome.codes(), expected);
}

#[test]
fn the_first_line_of_a_key_wins() {
    let mut contract = Contract { key: vec![SalesColumn::StoreId, SalesColumn::ProductName], ..Contract::default() };
    let rows = csv(&[
        GOOD,
        "1,02,tea,2024-06-30,11,2.50,2,5.00",
        "1,2,teapot,2024-06-30,11,-2.50,2,-5.00",
        "1,2,teapot,2024-06-30,11,2.50,2,5.00",
    ]);
    assert_eq!(decode(&contract, CSV, &rows).unwrap().codes(), ["duplicate_key", "negative_price", "duplicate_key"]);
    contract.key.clear();
    assert_eq!(
        decode(&contract, CSV, &csv(&[GOOD, GOOD])).unwrap().rows.num_rows(),
        2,
        "identical lines are legal sales"
    );
}

#[test]
fn faults_of_the_header_reject_the_file() {
    let fault = |text: &[u8]| decode(&Contract::default(), CSV, text).unwrap_err();
    assert_eq!(fault(b"").reason, FileReason::Empty);
    assert_eq!(fault(b"\xef\xbb\xbf\n\r\n").reason, FileReason::Empty);
    let only_cr = fault(HEADER.replace('\n', &format!("\r{GOOD}\r")).as_bytes());
    assert_eq!(only_cr.reason, FileReason::MissingColumn);
    assert!(only_cr.message.contains("line ends look like CR only"), "{}", only_cr.message);
    let quoted = fault(b"\"a\",\"b\"\r\"1\",\"2\"\r");
    assert_eq!(quoted.reason, FileReason::Unreadable);
    assert!(quoted.message.contains("line ends look like CR only"), "{}", quoted.message);
    assert_eq!(fault(b"a,\"b\nc\n").reason, FileReason::Unreadable);
    assert_eq!(fault(&gzip(b"a\n")).reason, FileReason::Unreadable);
    assert_eq!(fault(b"c\0u\0s\0\n\0").reason, FileReason::Unreadable);
    assert_eq!(
        decode(&Contract::default(), CSV, HEADER.as_bytes()).unwrap().tally.rows_read,
        0,
        "no sales are no fault"
    );
}

#[test]
fn an_endless_line_is_refused_and_an_endless_quote_costs_one_line() {
    let contract = Contract { record_bytes_max: 200, ..Contract::default() };
    let open = csv(&[GOOD, "1,2,\"tea,2024-06-30,11,2.50,2,5.00", GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD]);
    let long = csv(&[GOOD, &"x".repeat(201), GOOD]);
    for piece in [1, 7, 64, usize::MAX] {
        let outcome = decode_in_pieces(&contract, CSV, &open, piece).unwrap();
        assert_eq!((outcome.rows.num_rows(), outcome.codes()), (9, vec!["bad_quoting"]));
        let fault = decode_in_pieces(&contract, CSV, &long, piece).unwrap_err();
        assert_eq!((fault.reason, fault.line), (FileReason::Unreadable, Some(3)));
    }
}

#[test]
fn packed_files_are_those_of_their_text() {
    let text = csv(&[GOOD, "1,2,,2024-06-30,11,2.50,2,5.00", GOOD]);
    let plain = decode(&Contract::default(), CSV, &text).unwrap();
    let (head, tail) = text.split_at(text.len() / 2);
    for (compression, packed) in [
        (Compression::Gzip, [gzip(head), gzip(tail)].concat()),
        (Compression::Gzip, gzip(&text)),
        (Compression::Zstd, [zst(head), zst(tail)].concat()),
        (Compression::Zstd, zst(&text)),
    ] {
        let kind = kind(Format::Csv, compression);
        for piece in [1, 10, usize::MAX] {
            assert_eq!(decode_in_pieces(&Contract::default(), kind, &packed, piece).unwrap(), plain);
        }
        for cut in 1..packed.len() {
            // A cut between members or frames is a sound, shorter file.
            match decode(&Contract::default(), kind, &packed[..cut]) {
                Err(fault) => assert_eq!(fault.reason, FileReason::Unreadable, "cut at {cut}"),
                Ok(_) => {
                    assert!([gzip(head).len(), zst(head).len()].contains(&cut), "cut at {cut} of {}", packed.len())
                }
            }
        }
        assert_eq!(decode(&Contract::default(), kind, b"").unwrap_err().reason, FileReason::Empty);
        assert_eq!(decode(&Contract::default(), kind, &text).unwrap_err().reason, FileReason::Unreadable);
        let mut damaged = packed.clone();
        damaged[packed.len() / 3] ^= 0x55;
        // Zstandard without checksum may decode to other text; neither may panic, and gzip must notice.
        let outcome = decode(&Contract::default(), kind, &damaged);
        assert!(compression == Compression::Zstd || outcome.is_err());
    }
}

#[test]
fn a_small_file_that_unpacks_to_a_huge_one_is_taken_in_parts() {
    let mut text = HEADER.as_bytes().to_vec();
    for _ in 0..400_000 {
        text.extend(GOOD.as_bytes());
        text.push(b'\n');
    }
    for (compression, packed) in [(Compression::Gzip, gzip(&text)), (Compression::Zstd, zst(&text))] {
        let mut decoder = decoder(&Contract::default(), kind(Format::Csv, compression));
        decoder.push(&packed).unwrap();
        assert!(decoder.tally().rows_read < 200_000, "unpacking pauses: {}", decoder.tally().rows_read);
        let (mut batches, mut rejects) = (Vec::new(), Vec::new());
        collect(&mut decoder, &mut batches, &mut rejects, 8192);
        assert!(batches.iter().all(|batch| batch.num_rows() < 200_000));
        decoder.finish().unwrap();
        collect(&mut decoder, &mut batches, &mut rejects, 0);
        assert_eq!(decoder.tally().rows_landed, 400_000);
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 400_000);
    }
}

#[test]
fn json_lines_take_numbers_and_strings_exactly() {
    let mut contract = Contract::default();
    contract.columns.push(Column::new(SalesColumn::TransactionId));
    let rest = r#""store_id":2,"sales_date":"2024-06-30","sales_person_id":11,"quantity":2"#;
    let text = [
        format!(r#"{{"customer_id":"1",{rest},"product_name":"t\u00e9a","price":2.50,"total_cost":5.00,"transaction_id":7}}"#),
        format!(r#" {{"customer_id":null,{rest},"product_name":"tea","price":"2.50","total_cost":"5","n":{{"a":[1.10]}},"s":"x\n"}} "#),
        String::new(),
        format!(r#"{{{rest},"price":1e2,"total_cost":200,"product_name":"tea"}}"#),
        format!(r#"{{{rest},"total_cost":200,"product_name":"tea"}}"#),
        format!(r#"{{{rest},"price":2.5,"price":2.5,"total_cost":5,"product_name":"tea"}}"#),
        "[1]".to_owned(),
        r#"{"a":1"#.to_owned(),
        format!(r#"{{{rest},"product_name":"\ud800","price":2.5,"total_cost":5}}"#),
    ]
    .join("\n");
    for piece in [1, 13, usize::MAX] {
        let outcome = decode_in_pieces(&contract, JSONL, format!("\u{feff}{text}").as_bytes(), piece).unwrap();
        assert_eq!(cell(&outcome.rows, "product_name", 0), "téa");
        assert_eq!(cell(&outcome.rows, "transaction_id", 0), "7");
        assert_eq!(cell(&outcome.rows, "additional_column", 0), "");
        assert_eq!(cell(&outcome.rows, "additional_column", 1), r#"{"n":{"a":[1.10]},"s":"x\n"}"#);
        assert_eq!(outcome.tally.money_cents, 1000);
        let expected = ["bad_decimal", "missing_value", "bad_quoting", "bad_quoting", "bad_quoting", "bad_encoding"];
        assert_eq!(outcome.codes(), expected);
        let places: Vec<Option<u64>> = outcome.rejects.iter().map(|reject| reject.line).collect();
        assert_eq!(places, [4, 5, 6, 7, 8, 9].map(Some));
        assert_eq!(outcome.rejects[3].byte_offset, Some(3 + text.find("\n[1]").unwrap() as u64 + 1));
        assert!(outcome.rejects.iter().all(|reject| text.contains(std::str::from_utf8(&reject.raw).unwrap())));
    }
    assert_eq!(decode(&contract, JSONL, b"\n \n").unwrap_err().reason, FileReason::Empty);
    let strict = Contract { decimal_comma: true, ..contract };
    let comma = format!(r#"{{{rest},"price":2.5,"total_cost":"5,00","product_name":"tea"}}"#);
    assert_eq!(decode(&strict, JSONL, comma.as_bytes()).unwrap().tally.money_cents, 500, "a JSON number has a point");
}

#[test]
fn pieces_of_any_size_give_the_same() {
    let mut chance = Chance::new();
    let bits: [&str; 12] = [
        GOOD,
        "\n",
        "\r\n",
        "\"",
        "1,2,\"te\na\",2024-06-30,11,2.50,2,5.00\n",
        ",",
        "x",
        "é",
        "\r",
        "\n\n",
        GOOD,
        "\n",
    ];
    for _ in 0..300 {
        let body: String =
            (0..40).map(|_| *rand::seq::IndexedRandom::choose(bits.as_slice(), &mut chance.rng).unwrap()).collect();
        let text = format!("{HEADER}{body}");
        let contract = Contract { record_bytes_max: 300, ..Contract::default() };
        let whole = decode(&contract, CSV, text.as_bytes());
        for piece in [1, 2, 33] {
            assert_eq!(decode_in_pieces(&contract, CSV, text.as_bytes(), piece), whole, "{text:?}");
        }
    }
}

#[test]
fn keys_of_json_lines_come_in_any_order_from_line_to_line() {
    let members = [
        r#""customer_id":7"#,
        r#""store_id":2"#,
        r#""product_name":"tea""#,
        r#""sales_date":"2024-06-30""#,
        r#""sales_person_id":11"#,
        r#""price":2.50"#,
        r#""quantity":2"#,
        r#""total_cost":5.00"#,
    ];
    let mut text = String::new();
    for turn in 0..members.len() {
        let mut members = members;
        members.rotate_left(turn);
        let till = if turn % 2 == 0 { r#""till":"A","# } else { "" };
        text.push_str(&format!("{{{till}{}}}\n", members.join(",")));
    }
    let outcome = decode(&Contract::default(), JSONL, text.as_bytes()).unwrap();
    assert_eq!((outcome.rows.num_rows(), outcome.rejects), (8, Vec::new()));
    for row in 0..8 {
        let expected = if row % 2 == 0 { r#"{"till":"A"}"# } else { "" };
        assert_eq!(cell(&outcome.rows, "additional_column", row), expected);
        assert_eq!(
            (cell(&outcome.rows, "store_id", row), cell(&outcome.rows, "quantity", row)),
            ("2".into(), "2".into())
        );
    }
}
