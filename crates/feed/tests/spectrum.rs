//! csv-spectrum: every well-formed file decodes to its JSON answer.

use serde_json::{Map, Value};
use std::path::Path;
use tillmart_feed::csv::{Piece, QuotingFault, Records};

/// Rows as header → text, and what was broken.
fn rows_of(text: &[u8]) -> (Vec<Value>, Vec<QuotingFault>) {
    let mut records = Records::new(b',', b'"', 1 << 20);
    let (mut header, mut rows, mut broken) = (None::<Vec<String>>, Vec::new(), Vec::new());
    let mut sink = |piece: Piece<'_>| {
        match piece {
            Piece::Record(record) => {
                let fields: Vec<String> = record.fields().map(|field| String::from_utf8_lossy(field).into()).collect();
                match &header {
                    None => header = Some(fields),
                    Some(names) => {
                        let row: Map<String, Value> =
                            names.iter().cloned().zip(fields.into_iter().map(Value::String)).collect();
                        rows.push(Value::Object(row));
                    }
                }
            }
            Piece::Broken(line) => broken.push(line.fault),
        }
        Ok(())
    };
    records.push(text, &mut sink).unwrap();
    records.finish(&mut sink).unwrap();
    (rows, broken)
}

#[test]
fn well_formed_files_decode_to_their_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/csv-spectrum");
    let mut files = 0;
    for entry in std::fs::read_dir(folder.join("csvs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (rows, broken) = rows_of(&std::fs::read(&path).unwrap());
        files += 1;
        if name == "location_coordinates" {
            assert_eq!((rows.len(), broken.as_slice()), (0, [QuotingFault::QuoteInside { field: 2 }].as_slice()));
            continue;
        }
        let answer = std::fs::read(folder.join("json").join(format!("{name}.json"))).unwrap();
        let answer: Vec<Value> = serde_json::from_slice(&answer).unwrap();
        assert_eq!((rows, broken), (answer, Vec::new()), "{name}");
    }
    assert_eq!(files, 12);
}
