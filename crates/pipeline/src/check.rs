//! Check: the manifest is held against the files before anything becomes visible.

use crate::marts::{REJECTS, SALES_MART};
use crate::stretches;
use std::collections::BTreeMap;
use tillmart_model::{Batch, BatchKind, Fault, FaultKind, FileOutcome, Manifest, Result, SourceFile, Tally, money};

/// Every split once; rows read = landed + rejected for each file; what the writers counted equals what the decoder did.
pub(crate) fn manifest(batch: &Batch, files: &[SourceFile], manifest: &Manifest) -> Result<()> {
    let mut faults = Vec::new();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for report in &manifest.splits {
        *seen.entry(&report.split).or_default() += 1;
    }
    for (split, times) in seen.iter().filter(|(_, times)| **times > 1) {
        faults.push(broken(batch, "a split was done more than once", "1", format!("{times} times {split}")));
    }
    let mut decoded = Tally::default();
    match batch.kind {
        BatchKind::Load => {
            for file in files {
                match &file.outcome {
                    FileOutcome::Landed => {
                        decoded.add(&file.tally);
                        let stretches = || manifest.splits.iter().filter(|report| report.file_id == Some(file.id));
                        if !seen.contains_key(format!("source:{}", file.id).as_str())
                            && !stretches::do_meet(stretches(), file.found.size)
                        {
                            faults.push(broken(batch, "a landed file is in no manifest", "1", file.found.path.clone()));
                        }
                        let rows = file.tally.rows_landed + file.tally.rows_rejected();
                        if file.tally.rows_read != rows {
                            faults.push(broken(
                                batch,
                                &format!("rows of {} got lost", file.found.path),
                                file.tally.rows_read,
                                rows,
                            ));
                        }
                    }
                    FileOutcome::Pending => {
                        faults.push(broken(batch, "a file was not decided", "an outcome", file.found.path.clone()));
                    }
                    _ => {}
                }
            }
        }
        BatchKind::Replay { .. } => manifest.splits.iter().for_each(|report| decoded.add(&report.tally)),
        BatchKind::Revoke { .. } | BatchKind::Complete { .. } | BatchKind::Fill { .. } => {}
    }
    let written =
        |table: &'static str| manifest.files.iter().filter(move |file| file.table == table && !file.rewritten);
    let rows: u64 = written(SALES_MART).map(|file| file.rows).sum();
    if rows != decoded.rows_landed {
        faults.push(broken(batch, "decoded and written rows differ", decoded.rows_landed, rows));
    }
    let cents: i128 = written(SALES_MART).filter_map(|file| file.money_cents).sum();
    if cents != decoded.money_cents {
        let (expected, found) = (money::cents_text(decoded.money_cents), money::cents_text(cents));
        faults.push(broken(batch, "decoded and written money differ", expected, found));
    }
    if batch.kind == BatchKind::Load {
        let whole = files.iter().filter(|file| is_kept_whole(file)).count() as u64;
        let rejects: u64 = written(REJECTS).map(|file| file.rows).sum();
        if rejects != decoded.rows_rejected() + whole {
            faults.push(broken(batch, "rejected and kept rows differ", decoded.rows_rejected() + whole, rejects));
        }
    }
    match Fault::join(faults) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn is_kept_whole(file: &SourceFile) -> bool {
    matches!(&file.outcome, FileOutcome::Rejected(fault) if fault.reason != tillmart_model::FileReason::Overwritten)
}

fn broken(batch: &Batch, what: &str, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Promise, format!("batch {}: {what}", batch.id))
        .expected(expected.to_string())
        .found(found)
        .hint("nothing was committed; please report this with the batch's files")
}
