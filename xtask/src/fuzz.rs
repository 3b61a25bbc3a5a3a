//! Arbitrary bytes against the decoder, with libFuzzer and the project's own compiler: no nightly one, and no clang.

use crate::Outcome;
use crate::machine::{cargo, files_below, root, shown, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Zeros before a file are the settings under which it is read as it stands; with a 1 in the third place, behind a header
/// of ours (crates/feed/tests/support/scenario.rs).
const SETTINGS: [[u8; 16]; 2] = [[0; 16], [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]];

/// Longer seeds only make each try slower.
const SEED_BYTES_MAX: usize = 4096;

/// Inputs that are kept, one a file.
const CORPUS: &str = "fuzz/corpus/decode";

/// Fuzzes with these options.
pub(crate) fn run(options: &[&str]) -> Outcome {
    let (mut minutes, mut seeds, mut keep) = (10_u64, None, false);
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        match *option {
            "--minutes" => {
                let number = rest.next().and_then(|number| number.parse().ok()).filter(|minutes| *minutes > 0);
                minutes = number.ok_or("--minutes needs a whole number above 0")?;
            }
            "--seeds" => seeds = Some(*rest.next().ok_or("--seeds needs a folder")?),
            "--keep" => keep = true,
            other => return Err(format!("fuzz does not know {other}; expected --minutes N, --seeds FOLDER or --keep")),
        }
    }
    let folder = target().join("fuzz");
    let program = build(&folder)?;
    let (found, extra, broken) = (folder.join("found"), folder.join("seeds"), folder.join("broken"));
    for folder in [&found, &extra, &broken] {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    for files in [Some("crates/feed/tests/fixtures"), seeds].into_iter().flatten() {
        plant(&root().join(files), &extra)?;
    }
    let mut fuzzer = Command::new(&program);
    fuzzer.current_dir(root()).arg(&found).arg(&extra).arg(CORPUS);
    fuzzer.arg("-dict=fuzz/decode.dict").arg(format!("-max_total_time={}", minutes * 60));
    fuzzer.args(["-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    fuzzer.arg(format!("-artifact_prefix={}/", broken.display()));
    shown(fuzzer).map_err(|failure| {
        format!("{failure}\nthe input lies in {}; `{} FILE` tries it again", broken.display(), program.display())
    })?;
    if keep { keep_what_reaches_further(&program, &found) } else { Ok(()) }
}

/// Builds the fuzzer and returns its path.
fn build(folder: &Path) -> Outcome<PathBuf> {
    let mut build = cargo(&["build", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
    build.env("RUSTC_WRAPPER", root().join("fuzz/rustc.sh")).env("CARGO_TARGET_DIR", folder);
    shown(build)?;
    Ok(folder.join("release/decode"))
}

/// Makes seeds of every file below `files`.
fn plant(files: &Path, seeds: &Path) -> Outcome {
    for path in files_below(files)? {
        let bytes = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path.strip_prefix(files).unwrap_or(&path).to_string_lossy().replace('/', "-");
        for (number, settings) in SETTINGS.iter().enumerate() {
            let seed = [settings.as_slice(), &bytes[..bytes.len().min(SEED_BYTES_MAX)]].concat();
            let path = seeds.join(format!("{name}-{number}"));
            fs::write(&path, seed).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// Adds to the kept inputs those found ones that reach code which the kept ones do not.
fn keep_what_reaches_further(program: &Path, found: &Path) -> Outcome {
    let mut merge = Command::new(program);
    // Without counters: how often code was reached would keep ten times as many.
    merge.current_dir(root()).args(["-merge=1", "-use_counters=0", "-max_len=4096", CORPUS]).arg(found);
    shown(merge)
}
