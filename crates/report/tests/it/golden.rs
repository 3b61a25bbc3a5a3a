//! Each format to the letter: `tests/golden`. With TILLMART_WRITE_TRANSCRIPTS=1 the tests write the files anew.

use crate::rich;
use std::path::Path;
use tillmart_report::{Format, Look, render};

#[track_caller]
fn holds(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("TILLMART_WRITE_TRANSCRIPTS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let line = expected.lines().zip(text.lines()).position(|(old, new)| old != new);
    assert!(
        expected == text,
        "{name} reads otherwise, first in line {:?}. If it is meant, set TILLMART_WRITE_TRANSCRIPTS=1 and look at the difference.",
        line.map(|line| line + 1)
    );
}

#[test]
fn every_format_is_as_it_was() {
    for format in Format::ALL {
        let text = render(&rich::document(), format, &Look::default());
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format} ends its last line");
        holds(&format!("rich.{}", format.extension()), &text);
    }
}

#[test]
fn a_small_terminal_and_one_with_colour_are_as_they_were() {
    holds("rich-80.txt", &render(&rich::document(), Format::Terminal, &Look { width: 80, colour: false }));
    holds("rich-colour.txt", &render(&rich::document(), Format::Terminal, &Look { width: 120, colour: true }));
}
