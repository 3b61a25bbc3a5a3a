//! The records of a text, piece by piece.

use super::{Piece, QuotingFault, Records};

/// One word a piece: fields between bars with line and offset, or the fault.
fn pieces(text: &str, record_bytes_max: u64) -> Vec<String> {
    let mut records = Records::new(b',', b'"', record_bytes_max);
    let mut words = Vec::new();
    let mut sink = |piece: Piece<'_>| {
        words.push(match piece {
            Piece::Record(record) => {
                let fields: Vec<_> = record.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
                format!("{}@{}: {}", record.line, record.offset, fields.join("|"))
            }
            Piece::Broken(broken) => format!("{}@{}! {:?}", broken.line, broken.offset, broken.fault),
        });
        Ok(())
    };
    let done = records.push(text.as_bytes(), &mut sink).and_then(|()| records.finish(&mut sink));
    if let Err(fault) = done {
        words.push(fault.reason.to_string());
    }
    words
}

#[test]
fn lines_and_offsets_are_those_of_the_text() {
    let found = pieces("\u{feff}a,b\r\n\r\n1,\"x\r\n\"\"y\"\"\"\n\n2,\r3\n", 100);
    assert_eq!(found, ["1@3: a|b", "3@10: 1|x\r\n\"y\"", "6@24: 2|\r3"]);
}

#[test]
fn a_record_of_several_lines_must_be_well_formed() {
    let fault = |fault: QuotingFault| format!("{fault:?}");
    let never = fault(QuotingFault::NeverClosed { field: 2 });
    assert_eq!(pieces("a,b\n1,\"x\n2,y\n", 100)[1..], [format!("2@4! {never}"), "3@9: 2|y".into()]);
    let count = fault(QuotingFault::WrongCount { found: 3, expected: 2 });
    assert_eq!(
        pieces("a,b\n1,\"x\n2\",y\n3,z\n", 100)[1..],
        [
            format!("2@4! {count}"),
            format!("3@9! {}", fault(QuotingFault::QuoteInside { field: 1 })),
            "4@14: 3|z".into()
        ]
    );
    let after = fault(QuotingFault::TextAfterQuote { field: 1 });
    assert_eq!(pieces("a,b\n\"1\"x,2\n3,z\n", 100)[1..], [format!("2@4! {after}"), "3@11: 3|z".into()]);
    assert_eq!(pieces("a,b\n1,\"x\ny\",z\n", 100).len(), 3, "three fields for two: two broken lines");
}

#[test]
fn the_longest_record_is_just_allowed() {
    assert_eq!(pieces("a,b\r\n1,2345678\r\n", 9).len(), 2);
    assert_eq!(pieces("a,b\r\n1,23456789\r\n", 9)[1], "unreadable");
    assert_eq!(pieces("a,b\n1,\"345\n78\"\n", 10)[1], "2@4: 1|345\n78");
    assert!(pieces("a,b\n1,\"345\n789\"\n", 10)[1].contains("NeverClosed"));
    assert_eq!(pieces("a,b\n1,\"345678\n", 9)[1..], ["2@4! NeverClosed { field: 2 }"]);
}

#[test]
fn plain_lines_split_at_every_delimiter() {
    for width in 0..40 {
        for size in 0..4 {
            let line = vec!["x".repeat(size); width + 1].join(",");
            let expected: Vec<String> =
                if line.is_empty() { Vec::new() } else { vec![format!("1@0: {}", line.replace(',', "|"))] };
            assert_eq!(pieces(&line, 1000), expected);
        }
    }
    // Bytes just above the delimiter must not be taken for it by the wide comparison.
    assert_eq!(pieces("a,-,,,-,-,,---,\n", 100), ["1@0: a|-|||-|-||---|"]);
}
