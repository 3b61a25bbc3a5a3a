//! The stage table of `run --profile`.

use super::table;
use std::time::Duration;
use tillmart_model::Profile;

/// Stages with their time, time a row, and share of all thread time. Stages of a step that run in threads beside each other add up to more than
/// the step's own time.
pub(crate) fn table(profile: &Profile, rows: u64) -> String {
    let stages = profile.stages();
    let (steps, parts): (Vec<_>, Vec<_>) = stages.iter().partition(|(stage, _)| stage.starts_with("step: "));
    let all: Duration = parts.iter().map(|(_, took)| *took).sum();
    let lines = |stages: &[&(String, Duration)], whole: Duration| -> Vec<Vec<String>> {
        stages
            .iter()
            .map(|(stage, took)| {
                let per_row =
                    took.as_nanos().checked_div(u128::from(rows)).map_or_else(String::new, |nanos| nanos.to_string());
                let share = (took.as_nanos() * 1000).checked_div(whole.as_nanos()).unwrap_or(0);
                vec![
                    stage.trim_start_matches("step: ").to_owned(),
                    format!("{}.{:03}", took.as_secs(), took.subsec_millis()),
                    per_row,
                    format!("{}.{} %", share / 10, share % 10),
                ]
            })
            .collect()
    };
    let steps_all: Duration = steps.iter().map(|(_, took)| *took).sum();
    let right = ["seconds", "ns/row", "share"];
    format!(
        "{}\n\n{}",
        table::table(&["step", "seconds", "ns/row", "share"], &right, &lines(&steps, steps_all)),
        table::table(&["stage (all threads)", "seconds", "ns/row", "share"], &right, &lines(&parts, all)),
    )
}
