//! Classes of sales: kinds that no measure tells apart are summed up together.

use crate::mart::{Kinds, Measure};

/// Which class the sales of each kind are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Classes {
    of_kind: [u8; Kinds::COUNT],
    /// Kinds of each class.
    kinds: Vec<Kinds>,
}

impl Classes {
    /// As few as these measures need. `all` are the kinds that there are.
    pub(super) fn of<'a>(measures: impl Iterator<Item = &'a Measure>, all: Kinds) -> Classes {
        let mut kinds = vec![all];
        for measure in measures {
            kinds = kinds
                .into_iter()
                .flat_map(|class| [class.and(measure.over), class.and(measure.over.others())])
                .filter(|class| !class.is_empty())
                .collect();
        }
        let class_of = |kind: usize| kinds.iter().position(|class| class.has(kind)).unwrap_or(0);
        // Most sales are of the first kind: theirs is the class that is added up first.
        let first = class_of(0);
        kinds.swap(0, first);
        let class_of = |kind: usize| kinds.iter().position(|class| class.has(kind)).unwrap_or(0) as u8;
        Classes { of_kind: std::array::from_fn(class_of), kinds }
    }

    pub(super) fn count(&self) -> usize {
        self.kinds.len()
    }

    /// The class of a sale's kind.
    #[inline]
    pub(super) fn class(&self, kind: u8) -> u8 {
        self.of_kind[kind as usize % Kinds::COUNT]
    }

    /// The classes that a measure is over.
    pub(super) fn over(&self, measure: &Measure) -> Vec<usize> {
        (0..self.kinds.len()).filter(|class| !self.kinds[*class].and(measure.over).is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mart::SumOf;

    #[test]
    fn kinds_that_nothing_tells_apart_are_one_class() {
        let measure = |over| Measure { of: SumOf::TotalCost, over };
        let (all, returns, anonymous) = (measure(Kinds::ALL), measure(Kinds::RETURNS), measure(Kinds::ANONYMOUS));
        let classes = Classes::of([&all].into_iter(), Kinds::ALL);
        assert_eq!((classes.count(), classes.of_kind), (1, [0, 0, 0, 0]));
        let classes = Classes::of([&all, &returns].into_iter(), Kinds::ALL);
        assert_eq!((classes.count(), classes.of_kind), (2, [0, 1, 0, 1]));
        assert_eq!((classes.over(&all), classes.over(&returns)), (vec![0, 1], vec![1]));
        let classes = Classes::of([&returns, &anonymous].into_iter(), Kinds::ALL);
        assert_eq!(classes.count(), 4);
        assert_eq!(classes.over(&anonymous).len(), 2);
        assert_eq!(classes.class(Kinds::of(1, false)), 0);
        assert_ne!(classes.class(Kinds::of(-1, false)), classes.class(Kinds::of(-1, true)));
        let classes = Classes::of([&returns, &anonymous].into_iter(), Kinds::ANONYMOUS.others());
        assert_eq!(classes.count(), 2, "sales without a customer do not count");
    }
}
