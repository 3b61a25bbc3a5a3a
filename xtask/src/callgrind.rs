//! What callgrind writes: instructions by function.
//!
//! What counts are the program's own functions, and what their calls for memory cost. All else of the C library copies and
//! compares bytes, in ways that it picks by the machine.

use std::collections::HashMap;
use std::path::Path;

/// Functions of the C library that have to do with memory; those below them have no names everywhere. Not `realloc`, which copies.
const MEMORY: [&str; 5] = ["malloc", "calloc", "posix_memalign", "aligned_alloc", "free"];

/// What was counted in one program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) instructions: u64,
    /// The functions in which they were, that with most of them first.
    pub(crate) functions: Vec<(String, u64)>,
}

/// Names, which are written out once and then go by number: `(12) name`, later `(12)`.
#[derive(Default)]
struct Names<'a>(HashMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    fn of(&mut self, told: &'a str) -> &'a str {
        match told.split_once(") ") {
            Some((number, name)) => {
                self.0.insert(number, name);
                name
            }
            None => self.0.get(told.trim_end_matches(')')).copied().unwrap_or(told),
        }
    }
}

/// Reads callgrind's output of `program`.
pub(crate) fn read(text: &str, program: &Path) -> Counted {
    let program = program.to_string_lossy();
    let (mut objects, mut functions) = (Names::default(), Names::default());
    let (mut is_ours, mut function, mut called, mut of_call) = (false, "", "", false);
    let mut counted = Counted::default();
    let mut by_function: HashMap<&str, u64> = HashMap::new();
    for line in text.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            is_ours = objects.of(object) == program;
        } else if let Some(object) = line.strip_prefix("cob=") {
            objects.of(object);
        } else if let Some(name) = line.strip_prefix("fn=") {
            function = functions.of(name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            called = functions.of(name);
        } else if line.starts_with("calls=") {
            // The next line is what the called function cost, which is told there, too.
            of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            let spent_in = if !of_call {
                Some(function)
            } else if MEMORY.contains(&called) {
                Some(called)
            } else {
                None
            };
            if let Some(spent_in) = spent_in.filter(|_| is_ours && cost > 0) {
                counted.instructions += cost;
                *by_function.entry(spent_in).or_default() += cost;
            }
            of_call = false;
        }
    }
    counted.functions = by_function.into_iter().map(|(name, cost)| (name.to_owned(), cost)).collect();
    counted.functions.sort_by(|(one, cost), (other, than)| than.cmp(cost).then_with(|| one.cmp(other)));
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_of_the_program_and_for_its_memory_count_and_nothing_else() {
        let text = "events: Ir\n\nob=(1) /there/program\nfl=(1) ???\nfn=(1) decode\n0 100\n+3 20\n\
                    cob=(2) /lib/libc.so.6\ncfl=(2) malloc.c\ncfn=(2) malloc\ncalls=7 0\n0 7000\n* 5\n\
                    cfn=(3) helper\ncalls=2 0\n0 40\n\nob=(2)\nfl=(2)\nfn=(2)\n0 6900\n\
                    cfn=(4) realloc\ncalls=1 0\n0 100\n\nob=(1)\nfn=(3)\n0 40\n\nfn=(1)\n0 1\n\ntotals: 7166\n";
        let counted = read(text, Path::new("/there/program"));
        assert_eq!(counted.instructions, 7166);
        let functions = [("malloc", 7000), ("decode", 126), ("helper", 40)];
        assert_eq!(counted.functions, functions.map(|(name, cost)| (name.to_owned(), cost)));
    }
}
