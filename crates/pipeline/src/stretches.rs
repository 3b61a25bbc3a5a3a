//! Large files of text are cut at records, so that several tasks share one ([decision 35](../../../docs/decisions/0035-stretches.md)).
//!
//! A survey looks over the file part by part: its digest, its line ends, and where the first record of each part seems to begin. Each
//! stretch of the file is then decoded on its own; that it began where a record begins is proved by where the one before it ended. A
//! file whose stretches do not meet, or that is faulty in any way, is landed once more as one split, and what was written of it is dropped.

use crate::land::spread;
use crate::shop::Pipeline;
use blake3::hazmat::{ChainingValue, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tillmart_engine::{LandJob, too_many_rejects};
use tillmart_model::{
    Compression, FileOutcome, Format, Manifest, Result, SourceFile, Split, SplitReport, Stretch, SurveyReport, Tally,
};

/// The largest part of a file that is looked over at once.
const UNIT_MAX: u64 = 64 << 20;

/// Stretches for each task, if they are all of one file: with more than one, none waits long for the last of the others.
const STRETCHES_A_TASK: u64 = 2;

impl Pipeline {
    /// Cuts what is too large for one task into stretches; the rest stays as it is.
    pub(crate) async fn cut_large(&self, job: &Arc<LandJob>, splits: Vec<Split>, tasks: usize) -> Result<Vec<Split>> {
        let bytes: u64 = splits.iter().map(Split::weight).sum();
        let least = self.options.split_bytes.max(bytes / (tasks as u64 * STRETCHES_A_TASK)).max(Split::SURVEY_UNIT_MIN);
        let can_be_cut = |split: &Split| {
            matches!(split, Split::Source { kind, size, .. }
                if kind.compression == Compression::None && kind.format != Format::Parquet && *size >= 2 * least)
        };
        // Rows with the same key are looked for in the whole file.
        if tasks < 2 || !self.options.contract.key.is_empty() || !splits.iter().any(can_be_cut) {
            return Ok(splits);
        }
        let large: Vec<&Split> = splits.iter().filter(|split| can_be_cut(split)).collect();
        self.observer.doing(&match large.len() {
            1 => "surveying 1 large file".to_owned(),
            many => format!("surveying {many} large files"),
        });
        let unit = previous_power_of_two(self.options.split_bytes.clamp(Split::SURVEY_UNIT_MIN, UNIT_MAX));
        let fronts = large.iter().filter_map(|split| survey(split, 0, unit, None)).collect();
        let mut found = self.survey(job, fronts).await?;
        let mut rest = Vec::new();
        for split in large {
            let Split::Source { size, kind, .. } = split else { continue };
            let header = found.get(&front_name(split, unit)).and_then(|report| report.header.clone());
            // Without a header that can be read, the file is rejected: by whom it is decoded.
            if kind.format != Format::Csv || header.is_some() {
                let parts = (1..size.div_ceil(unit)).map(|number| number * unit);
                rest.extend(parts.filter_map(|from| survey(split, from, unit, header.clone())));
            }
        }
        found.extend(self.survey(job, rest).await?);
        Ok(splits.iter().flat_map(|split| stretches(split, unit, least, &found)).collect())
    }

    /// Runs surveys; reports by the name of the split.
    async fn survey(&self, job: &Arc<LandJob>, surveys: Vec<Split>) -> Result<BTreeMap<String, SplitReport>> {
        let done = self.run_tasks(job, spread(surveys, self.seams.engine.tasks())).await?;
        Ok(done.into_iter().flat_map(|task| task.splits).map(|report| (report.split.clone(), report)).collect())
    }
}

/// The survey of one part of a source file.
fn survey(split: &Split, from: u64, unit: u64, header: Option<Vec<u8>>) -> Option<Split> {
    let Split::Source { file_id, path, etag, size, kind, .. } = split else { return None };
    let (path, etag) = (path.clone(), etag.clone());
    Some(Split::Survey { file_id: *file_id, path, etag, size: *size, kind: *kind, from, unit, header })
}

fn front_name(split: &Split, unit: u64) -> String {
    survey(split, 0, unit, None).map(|survey| survey.name()).unwrap_or_default()
}

/// A source file as its stretches; as it is, where there are no surveys, or they do not tell enough.
fn stretches(split: &Split, unit: u64, least: u64, found: &BTreeMap<String, SplitReport>) -> Vec<Split> {
    let Split::Source { size, .. } = split else { return vec![split.clone()] };
    let names = (0..size.div_ceil(unit)).filter_map(|number| survey(split, number * unit, unit, None));
    let parts: Option<Vec<&SplitReport>> = names.map(|survey| found.get(&survey.name())).collect();
    let looked: Option<Vec<_>> =
        parts.as_ref().and_then(|parts| parts.iter().map(|part| part.survey.as_ref()).collect());
    let (Some(parts), Some(looked)) = (parts, looked) else { return vec![split.clone()] };
    // Where each stretch begins: offset of the cut, offset and line of the first record behind it.
    let mut begins = vec![(0, 0, 1)];
    let mut line_ends = 0;
    let wanted = size / least;
    let cuts: BTreeSet<u64> = (1..wanted).map(|number| looked.len() as u64 * number / wanted).collect();
    for (number, part) in (0..).zip(&looked) {
        if let Some((offset, before)) = part.first_record.filter(|_| number > 0 && cuts.contains(&number)) {
            begins.push((number * unit, offset, line_ends + before + 1));
        }
        line_ends += part.line_ends;
    }
    let (Some(digest), true) = (digest(&looked, *size, unit), begins.len() > 1) else { return vec![split.clone()] };
    let ends = begins.iter().skip(1).map(|(cut, ..)| *cut).chain([*size]);
    let of = u32::try_from(begins.len()).unwrap_or(u32::MAX);
    let stretch = |(number, ((_, from, line), until))| Stretch {
        number,
        of,
        from,
        line,
        until,
        header: parts.first().and_then(|front| front.header.clone()),
        digest: digest.clone(),
    };
    (0..).zip(begins.iter().copied().zip(ends)).map(stretch).map(|stretch| only(split, stretch)).collect()
}

/// One stretch of a source file.
fn only(split: &Split, stretch: Stretch) -> Split {
    let mut split = split.clone();
    if let Split::Source { stretch: of, .. } = &mut split {
        *of = Some(Box::new(stretch));
    }
    split
}

/// BLAKE3 of a file of more than one part, from the chaining values of all of them.
fn digest(looked: &[&SurveyReport], size: u64, unit: u64) -> Option<String> {
    let (left, right) = halves(looked, size, unit)?;
    Some(merge_subtrees_root(&left, &right, Mode::Hash).to_hex().to_string())
}

/// The chaining values of the two subtrees that a file, or a subtree of it, is hashed from.
fn halves(looked: &[&SurveyReport], size: u64, unit: u64) -> Option<(ChainingValue, ChainingValue)> {
    if size <= unit {
        return None;
    }
    let left = left_subtree_len(size);
    let (of_left, of_right) = looked.split_at_checked(usize::try_from(left / unit).ok()?)?;
    Some((subtree(of_left, left, unit)?, subtree(of_right, size - left, unit)?))
}

fn subtree(looked: &[&SurveyReport], size: u64, unit: u64) -> Option<ChainingValue> {
    match looked {
        [part] => Some(part.chaining_value),
        _ => halves(looked, size, unit).map(|(left, right)| merge_subtrees_non_root(&left, &right, Mode::Hash)),
    }
}

fn previous_power_of_two(bytes: u64) -> u64 {
    1 << bytes.max(1).ilog2()
}

/// What the stretches of one file came to.
pub(crate) enum Together {
    /// They are all there, each began where the one before ended, and no fault was met.
    Landed {
        /// Of all of them.
        tally: Tally,
        /// The file's header.
        header: Option<Vec<u8>>,
        /// The file's digest.
        digest: Option<String>,
    },
    /// The file must be landed as one split.
    Apart,
}

/// Puts together the reports of a file's stretches.
pub(crate) fn together(reports: &[&SplitReport], file: &SourceFile, max_reject_millionths: u32) -> Together {
    let mut tally = Tally::default();
    reports.iter().for_each(|report| tally.add(&report.tally));
    let first = reports.iter().find(|report| report.stretch.as_ref().is_some_and(|stretch| stretch.number == 0));
    let is_sound = reports.iter().all(|report| report.fault.is_none())
        && do_meet(reports.iter().copied(), file.found.size)
        && tally.rows_read > 0
        && too_many_rejects(max_reject_millionths, &tally).is_none();
    match first {
        Some(first) if is_sound => {
            Together::Landed { tally, header: first.header.clone(), digest: first.digest.clone() }
        }
        _ => Together::Apart,
    }
}

/// Whether these are all stretches of a file, each once, from its first byte to its last without gap or overlap.
pub(crate) fn do_meet<'a>(reports: impl Iterator<Item = &'a SplitReport>, size: u64) -> bool {
    let mut stretches: Vec<_> = reports.filter_map(|report| report.stretch.as_ref()).collect();
    stretches.sort_by_key(|stretch| stretch.number);
    let mut end = 0;
    for (number, stretch) in (0..).zip(&stretches) {
        let (true, true, Some(ended_at)) = (stretch.number == number, stretch.from == end, stretch.ended_at) else {
            return false;
        };
        end = ended_at;
    }
    end == size && stretches.iter().all(|stretch| stretch.of as usize == stretches.len())
}

/// What a task did.
pub(crate) struct Done {
    /// What it was given.
    pub(crate) splits: Vec<Split>,
    /// What it left.
    pub(crate) manifest: Manifest,
}

/// What must be done anew.
#[derive(Default)]
pub(crate) struct Refused {
    /// Splits whose rows must not land.
    pub(crate) splits: BTreeSet<String>,
    /// Files to be landed as one split each.
    pub(crate) whole: Vec<i64>,
}

/// Decides of the files that were landed in stretches.
pub(crate) fn decide(done: &[Done], files: &mut [SourceFile], max_reject_millionths: u32) -> Refused {
    let mut by_file: BTreeMap<i64, Vec<&SplitReport>> = BTreeMap::new();
    for report in done.iter().flat_map(|done| &done.manifest.splits).filter(|report| report.stretch.is_some()) {
        by_file.entry(report.file_id.unwrap_or_default()).or_default().push(report);
    }
    let mut refused = Refused::default();
    for (file_id, reports) in by_file {
        let Some(file) = files.iter_mut().find(|file| file.id == file_id) else { continue };
        match together(&reports, file, max_reject_millionths) {
            Together::Landed { tally, header, digest } => {
                (file.tally, file.header, file.digest) = (tally, header, digest);
                file.outcome = FileOutcome::Landed;
            }
            Together::Apart => {
                file.outcome = FileOutcome::Pending;
                refused.splits.extend(reports.iter().map(|report| report.split.clone()));
                refused.whole.push(file_id);
            }
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use blake3::hazmat::HasherExt;
    use tillmart_model::StretchReport;

    #[test]
    fn the_digest_of_the_parts_is_that_of_the_file() {
        let bytes: Vec<u8> = (0..70_000u32).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect();
        for (size, unit) in [(1_025, 1_024), (2_048, 1_024), (2_049, 1_024), (65_536, 16_384), (70_000, 4_096)] {
            let file = &bytes[..size];
            let survey = |(number, part): (usize, &[u8])| {
                let mut hasher = blake3::Hasher::new();
                hasher.set_input_offset((number * unit) as u64).update(part);
                SurveyReport { chaining_value: hasher.finalize_non_root(), ..SurveyReport::default() }
            };
            let parts: Vec<SurveyReport> = file.chunks(unit).enumerate().map(survey).collect();
            let expected = blake3::hash(file).to_hex().to_string();
            assert_eq!(
                digest(&parts.iter().collect::<Vec<_>>(), size as u64, unit as u64),
                Some(expected),
                "{size}, {unit}"
            );
        }
    }

    fn report(number: u32, of: u32, from: u64, ended_at: Option<u64>) -> SplitReport {
        let json = r#"{"split":"source:1","tally":{"rows_read":0,"rows_landed":0,"rows_anonymous":0,"rejected":{},"rows_unknown_product":0,
            "money_cents":0},"landed_by_file":{},"rows_written":0,"samples":[],"months":[],"stores":[]}"#;
        let mut report: SplitReport = serde_json::from_str(json).expect("a report");
        report.stretch = Some(StretchReport { number, of, from, ended_at });
        report
    }

    #[test]
    fn stretches_meet_when_each_begins_where_the_one_before_ended() {
        let meet = |reports: &[SplitReport]| do_meet(reports.iter(), 100);
        let (first, second, third) =
            (report(0, 3, 0, Some(30)), report(1, 3, 30, Some(64)), report(2, 3, 64, Some(100)));
        assert!(meet(&[third.clone(), first.clone(), second.clone()]), "in any order");
        assert!(!meet(&[first.clone(), third.clone()]), "one is missing");
        assert!(!meet(&[first.clone(), second.clone()]), "the last is missing");
        assert!(!meet(&[first.clone(), second.clone(), second.clone(), third.clone()]), "one is there twice");
        for other in
            [report(1, 3, 31, Some(64)), report(1, 3, 29, Some(64)), report(1, 3, 30, Some(63)), report(1, 3, 30, None)]
        {
            assert!(!meet(&[first.clone(), other, third.clone()]));
        }
        assert!(!meet(&[report(0, 1, 0, Some(99))]), "a byte of the file is nobody's");
        assert!(!meet(&[]), "a file that is not in the manifest");
    }
}
