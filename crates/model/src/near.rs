//! "Did you mean": the known word that is nearest to a mistyped one.

/// The nearest candidate, if it is near enough to have been meant: at most a third of it mistyped.
pub fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(&found.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Candidates that may have been meant, the likeliest first and at most `most`: those that are near, and those that hold what was
/// typed as a part.
pub fn near<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    const PART_MIN: usize = 4;
    let found = found.to_lowercase();
    let mut meant: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let (lower, letters) = (candidate.to_lowercase(), candidate.chars().count());
            let distance = distance(&found, &lower);
            let is_part = found.chars().count() >= PART_MIN && lower.contains(&found);
            (is_part || distance <= letters.div_ceil(3)).then_some((distance, candidate))
        })
        .collect();
    meant.sort();
    meant.dedup();
    meant.into_iter().map(|(_, candidate)| candidate).take(most).collect()
}

/// Letters to insert, delete, replace or swap with their neighbour to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_near() {
        let words = ["append", "replace"];
        assert_eq!(nearest("repalce", words), Some("replace"), "two letters swapped");
        assert_eq!(nearest("Append", words), Some("append"), "case does not count");
        assert_eq!(nearest("delete", words), None, "too far to guess");
        let tables = ["customer", "customers_data_mart", "customer_data_mart", "store"];
        assert_eq!(near("custmer", tables, 3), ["customer"]);
        assert_eq!(near("customer_mart", tables, 3), ["customer_data_mart", "customers_data_mart"]);
        assert_eq!(near("data_mart", tables, 1), ["customer_data_mart"], "a part of it, and no more than asked for");
        assert!(near("xyz", tables, 3).is_empty());
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
