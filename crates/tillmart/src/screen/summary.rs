//! A run's summary in words.

use super::{bytes, count, many, money};
use tillmart_pipeline::{RunPlan, Summary};

/// The summary of a run.
pub(crate) fn summary(summary: &Summary) -> String {
    let mut lines = Vec::new();
    if summary.batches_recovered > 0 {
        lines.push("An earlier run had stopped on the way; its batch was finished first.".to_owned());
    }
    if summary.batches == 0 {
        lines.push("Nothing to do: no source file waits.".to_owned());
        unsettled(summary, &mut lines);
        hidden(&summary.hidden, &mut lines);
        return lines.join("\n");
    }
    for (mart, rows) in &summary.marts_filled {
        lines.push(format!("filled   {mart}, added or put back since the last run: {}", many(*rows, "row")));
    }
    for (mart, rows) in &summary.rows_completed {
        lines.push(format!("complete {mart}: {} with what was unknown when they landed", many(*rows, "row")));
    }
    if summary.has_only_housekeeping() {
        lines.push(format!("time     {} s, {}", seconds(summary.milliseconds), batches(summary.batches)));
        lines.extend(reports(summary));
        unsettled(summary, &mut lines);
        return lines.join("\n");
    }
    files(summary, &mut lines);
    rows(summary, &mut lines);
    lines.push(format!("money    {}", money(&summary.money_landed)));
    lines.push(format!(
        "touched  {} in {}{}",
        many(summary.stores.len() as u64, "store"),
        many(summary.months.len() as u64, "month"),
        span(summary)
    ));
    lines.push(format!(
        "time     {} s, {} at {} MB/s, {}",
        seconds(summary.milliseconds),
        bytes(summary.bytes),
        count(summary.megabytes_per_second),
        batches(summary.batches)
    ));
    lines.extend(reports(summary));
    unsettled(summary, &mut lines);
    hidden(&summary.hidden, &mut lines);
    lines.join("\n")
}

/// What a run wrote into the reports area; nothing if it wrote none.
fn reports(summary: &Summary) -> Option<String> {
    let last = summary.reports.last()?;
    Some(format!("reports  {} written, the last is {last}", count(summary.reports.len() as u64)))
}

fn files(summary: &Summary, lines: &mut Vec<String>) {
    let mut files = vec![format!("{} landed", count(summary.files_landed))];
    for (number, word) in [
        (summary.files_duplicate, "duplicate"),
        (summary.files_rejected, "rejected"),
        (summary.files_overwritten, "overwritten while they were read"),
        (summary.files_revoked, "taken back"),
    ] {
        if number > 0 {
            files.push(format!("{} {word}", count(number)));
        }
    }
    lines.push(format!("files    {}", files.join(", ")));
    for (path, rejected) in &summary.rejected_files {
        lines.push(format!("         ✗ {}: {}: {}", super::table::visible(path), rejected.code, rejected.because));
    }
}

fn rows(summary: &Summary, lines: &mut Vec<String>) {
    lines.push(format!(
        "rows     {} read = {} landed + {} rejected",
        count(summary.rows_read),
        count(summary.rows_landed),
        count(summary.rows_rejected)
    ));
    for (reason, rows) in &summary.rows_rejected_by_reason {
        lines.push(format!("         ✗ {} {reason}", count(*rows)));
    }
    if summary.rows_replayed > 0 {
        lines.push(format!("         {} landed that had been rejected before", count(summary.rows_replayed)));
    }
    if summary.rows_anonymous > 0 {
        lines.push(format!("         {} of the landed are anonymous", count(summary.rows_anonymous)));
    }
    if summary.rows_orphan > 0 {
        lines.push(format!(
            "         {} of the landed name a customer, store or sales person that is not known yet",
            count(summary.rows_orphan)
        ));
    }
    if summary.rows_unknown_product > 0 {
        lines.push(format!(
            "         {} of the landed name a product that is not in the product table",
            count(summary.rows_unknown_product)
        ));
    }
}

fn batches(number: u64) -> String {
    if number == 1 { "1 batch".to_owned() } else { format!("{} batches", count(number)) }
}

fn span(summary: &Summary) -> String {
    match (summary.months.first(), summary.months.last()) {
        (Some(first), Some(last)) if first != last => format!(" ({first} to {last})"),
        (Some(only), _) => format!(" ({only})"),
        _ => String::new(),
    }
}

fn unsettled(summary: &Summary, lines: &mut Vec<String>) {
    if summary.files_unsettled > 0 {
        lines.push(format!(
            "waiting  {} still being written, left for the next run",
            many(summary.files_unsettled, "file")
        ));
    }
}

/// What lies there and cannot be loaded: it would wait for ever without anybody knowing.
fn hidden(hidden: &std::collections::BTreeMap<String, String>, lines: &mut Vec<String>) {
    for (path, because) in hidden {
        lines.push(format!("left     {}: {because}; rename it or take it away", super::table::visible(path)));
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:02}", milliseconds / 1000, milliseconds % 1000 / 10)
}

/// What a run would do.
pub(crate) fn plan(plan: &RunPlan) -> String {
    let mut lines = Vec::new();
    if let Some(unfinished) = &plan.unfinished {
        lines.push(format!("A run would first finish {unfinished}."));
    }
    if plan.files.is_empty() {
        lines.push("No source file waits.".to_owned());
        hidden(&plan.hidden, &mut lines);
        return lines.join("\n");
    }
    let rows: Vec<Vec<String>> = plan
        .files
        .iter()
        .map(|file| {
            vec![
                file.path.clone(),
                file.kind.to_owned(),
                bytes(file.bytes),
                count(file.rows_read),
                count(file.rows_rejected),
                money(&file.money),
                file.because
                    .as_ref()
                    .map_or_else(|| file.outcome.clone(), |because| format!("{} ({because})", file.outcome)),
            ]
        })
        .collect();
    let headers = ["file", "kind", "size", "rows", "rejected", "money", "would be"];
    lines.push(super::table::table(&headers, &["size", "rows", "rejected", "money"], &rows));
    let total: u64 = plan.files.iter().map(|file| file.bytes).sum();
    lines.push(format!("{} in {}, {}", many(plan.files.len() as u64, "file"), batches(plan.batches), bytes(total)));
    let months: Vec<&str> = plan.months.iter().map(String::as_str).collect();
    lines.push(format!("months touched: {}", if months.is_empty() { "none".to_owned() } else { months.join(", ") }));
    lines.push(format!("stores touched: {}", plan.stores.len()));
    hidden(&plan.hidden, &mut lines);
    lines.push("Nothing was changed.".to_owned());
    lines.join("\n")
}
