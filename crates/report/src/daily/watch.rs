//! What is wrong with a day: what should be in its figures and is not.

use super::periods::day_label;
use super::{Daily, OddFile, Rejected, WEEKS_EXPECTED};
use crate::render::shown;
use crate::{Column, Note, Row, Section, Table, Value};

/// `1 store`, `3 stores`.
fn many(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn rows_of(rejected: &[Rejected]) -> (usize, i128) {
    let rows: i64 = rejected.iter().map(|reason| reason.rows).sum();
    (usize::try_from(rows).unwrap_or(usize::MAX), rejected.iter().map(|reason| reason.cents).sum())
}

/// What a reader must know before the first figure.
pub(super) fn in_short(report: &Daily) -> Vec<Note> {
    let watch = &report.watch;
    let mut notes = Vec::new();
    if report.all.day.is_none() {
        notes.push(Note::warning(format!("No sale of {} has landed.", day_label(report.periods.day))));
    }
    if !watch.missing.is_empty() {
        let stores: Vec<String> = watch.missing.iter().take(12).map(|store| store.store.to_string()).collect();
        let rest = watch.missing.len().saturating_sub(stores.len());
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        notes.push(Note::warning(format!(
            "{} on a {} sent nothing: {}{rest}.",
            match watch.missing.len() {
                1 => "1 store that usually sells".to_owned(),
                stores => format!("{stores} stores that usually sell"),
            },
            report.periods.day.format("%A"),
            stores.join(", ")
        )));
    }
    let (rows, cents) = rows_of(&watch.rejected);
    if rows > 0 {
        notes.push(Note::warning(format!(
            "{} of the day worth {} rejected and not in the figures.",
            many(rows, "row"),
            shown(&Value::Money(cents)) + if rows == 1 { " is" } else { " are" }
        )));
    }
    if !watch.rejected_files.is_empty() {
        notes.push(Note::warning(format!("{} rejected whole.", files_were(watch.rejected_files.len()))));
    }
    if let Some(batch) = &watch.unfinished {
        notes.push(Note::warning(format!("{batch} is not published yet: its sales are in no figure.")));
    }
    if watch.files_waiting > 0 {
        let files = usize::try_from(watch.files_waiting).unwrap_or(usize::MAX);
        notes.push(Note::warning(format!(
            "{} in the incoming area for the next run.",
            if files == 1 { "1 file waits".to_owned() } else { format!("{files} files wait") }
        )));
    }
    notes
}

fn files_were(count: usize) -> String {
    if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") }
}

/// The same at length.
pub(super) fn section(report: &Daily) -> Section {
    let watch = &report.watch;
    let day = day_label(report.periods.day);
    let mut section = Section::new("watch", "What is wrong with the day");
    let is_good = watch.missing.is_empty()
        && watch.rejected.is_empty()
        && watch.undated.is_empty()
        && watch.rejected_files.is_empty()
        && watch.files_waiting == 0
        && watch.unfinished.is_none()
        && report.all.day.is_some();
    if is_good {
        section = section.with(Note::good(
            "Every store that usually sells has sold, nothing of the day is rejected, and no file waits.",
        ));
    }
    let undated = "Rejected rows that came with the day and do not say which day they are of".to_owned();
    let mut tables = vec![
        missing(report),
        rejects("rejects", format!("Rejected rows of {day}"), &watch.rejected),
        rejects("undated_rejects", undated, &watch.undated),
    ];
    if let Some(rows) = watch.looked_through {
        section = section.with(Note::plain(format!(
            "More rejects are open than can be looked through here: these are of the newest {rows}."
        )));
    }
    let rejected = "Files that came with the day and were rejected whole";
    tables.push(files("rejected_files", rejected, "Reason", &watch.rejected_files));
    let duplicates = "Files that came with the day and were skipped: their bytes had landed before";
    tables.push(files("duplicates", duplicates, "Landed as", &watch.duplicates));
    // What there is nothing of is not told five times: one sentence says that all is well.
    if report.all.day.is_none() {
        section = section.with(Note::warning(format!("No sale of {day} has landed.")));
    }
    section = tables.into_iter().filter(|table| !table.rows.is_empty()).fold(section, Section::with);
    if watch.files_waiting > 0 {
        section = section.with(Note::warning(format!(
            "{} wait in the incoming area ({} bytes); `tillmart run` loads them.",
            many(usize::try_from(watch.files_waiting).unwrap_or(usize::MAX), "file"),
            watch.bytes_waiting
        )));
    }
    section
}

fn missing(report: &Daily) -> Table {
    let weekday = report.periods.day.format("%A");
    let mut table = Table::new(
        "missing_stores",
        format!("Stores that usually sell on a {weekday} and sent nothing"),
        vec![
            Column::numbers("store", "Store"),
            Column::words("manager", "Manager"),
            Column::numbers("weekdays_sold", format!("Of the last {WEEKS_EXPECTED} sold on")),
            Column::numbers("usual_net_sales", "Usual net sales"),
            Column::words("last_sold", "Last sale on"),
        ],
        "None.",
    );
    for store in &report.watch.missing {
        table.rows.push(Row::new(vec![
            Value::Id(i64::from(store.store)),
            store.manager.clone().map_or(Value::Missing, Value::Text),
            Value::Count(store.weekdays_sold),
            Value::Money(store.usual_cents),
            store.last_sold.map_or(Value::Missing, Value::Day),
        ]));
    }
    table
}

fn rejects(name: &str, title: String, rejected: &[Rejected]) -> Table {
    let columns = vec![
        Column::words("reason", "Reason"),
        Column::numbers("rows", "Rows"),
        Column::numbers("money_at_stake", "Money at stake"),
        Column::numbers("rows_without_money", "Rows without a total"),
    ];
    let mut table = Table::new(name, title, columns, "None.");
    let line = |reason: Value, rows: i64, with_money: i64, cents: i128| {
        let money = if with_money > 0 { Value::Money(cents) } else { Value::Missing };
        vec![reason, Value::Count(rows), money, Value::Count(rows - with_money)]
    };
    for reason in rejected {
        let code = Value::text(&reason.code);
        table.rows.push(Row::new(line(code, reason.rows, reason.rows_with_money, reason.cents)));
    }
    if rejected.len() > 1 {
        let sum = |of: fn(&Rejected) -> i64| rejected.iter().map(of).sum::<i64>();
        let cents = rejected.iter().map(|reason| reason.cents).sum();
        let all = line(Value::text("All"), sum(|reason| reason.rows), sum(|reason| reason.rows_with_money), cents);
        table.rows.push(Row::total(all));
    }
    table
}

fn files(name: &str, title: &str, why: &str, files: &[OddFile]) -> Table {
    let columns = vec![Column::numbers("file", "File"), Column::words("path", "Path"), Column::words("why", why)];
    let mut table = Table::new(name, title, columns, "None.");
    for file in files {
        table.rows.push(Row::new(vec![Value::Id(file.id), Value::text(&file.path), Value::text(&file.why)]));
    }
    table
}
