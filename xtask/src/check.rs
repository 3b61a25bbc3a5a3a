//! Format, lints, docs, and files that have grown too long to read.

use crate::Outcome;
use crate::machine::{cargo, files_below, root, shown};

/// The most lines a source file may have. Clippy watches over the length of functions.
const LINES_MAX: usize = 500;

/// Runs every check; the first that fails ends it.
pub(crate) fn run() -> Outcome {
    sizes()?;
    shown(cargo(&["fmt", "--all", "--check"]))?;
    shown(cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    shown(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    shown(docs)
}

fn sizes() -> Outcome {
    let mut long = Vec::new();
    let mut seen = 0;
    for folder in ["bench", "crates", "fuzz", "xtask"] {
        for path in files_below(&root().join(folder))? {
            if !path.extension().is_some_and(|ending| ending == "rs" || ending == "py" || ending == "sql") {
                continue;
            }
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            seen += 1;
            let lines = text.lines().count();
            if lines > LINES_MAX {
                let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                long.push(format!("  {name}: {lines} lines"));
            }
        }
    }
    println!("+ {seen} source files of at most {LINES_MAX} lines");
    if long.is_empty() {
        return Ok(());
    }
    Err(format!("source files of more than {LINES_MAX} lines; split them by what they are about:\n{}", long.join("\n")))
}
