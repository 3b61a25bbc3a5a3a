//! Who manages whom.

use std::collections::{BTreeMap, BTreeSet};

/// The managers of sales persons, known to be free of cycles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managers {
    of: BTreeMap<i64, i64>,
}

impl Managers {
    /// From persons and their managers. A manager who is none of the persons is nobody that could be paid, and ends the chain.
    ///
    /// # Errors
    /// Every cycle, each from its lowest id on in the order person, manager, manager's manager: nobody could tell who stands above
    /// whom in it.
    pub fn new(team: impl IntoIterator<Item = (i64, Option<i64>)>) -> Result<Managers, Vec<Vec<i64>>> {
        let team: BTreeMap<i64, Option<i64>> = team.into_iter().collect();
        let of: BTreeMap<i64, i64> = team
            .iter()
            .filter_map(|(person, manager)| Some((*person, manager.filter(|manager| team.contains_key(manager))?)))
            .collect();
        let managers = Managers { of };
        let cycles = managers.cycles();
        if cycles.is_empty() { Ok(managers) } else { Err(cycles) }
    }

    /// The person's manager, the manager's manager, and so on, at most `levels` of them.
    pub fn above(&self, person: i64, levels: usize) -> Vec<i64> {
        std::iter::successors(self.of.get(&person), |manager| self.of.get(*manager)).take(levels).copied().collect()
    }

    fn cycles(&self) -> Vec<Vec<i64>> {
        let (mut cycles, mut seen) = (Vec::new(), BTreeSet::new());
        for start in self.of.keys() {
            // Ascending from a person who was seen before, nothing new is found.
            let mut way: Vec<i64> = Vec::new();
            let mut next = Some(*start);
            while let Some(person) = next.filter(|person| seen.insert(*person)) {
                way.push(person);
                next = self.of.get(&person).copied();
            }
            if let Some(at) = next.and_then(|met| way.iter().position(|person| *person == met)) {
                let mut cycle = way.split_off(at);
                let lowest = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
                cycle.rotate_left(lowest);
                cycles.push(cycle);
            }
        }
        cycles.sort_unstable();
        cycles
    }
}
