//! What a chart's axis runs from and to, in whole numbers.

use crate::document::{Chart, Value};
use tillmart_model::money::Decimal;

/// Figures beyond this are drawn at the edge: no sum of a shop comes near, and no arithmetic overflows.
const FAR: i128 = 10_i128.pow(27);
/// Fraction digits that a chart can tell apart.
const SCALE_MAX: u32 = 9;

/// The figures of a chart as whole numbers of one unit.
pub(super) struct Levels {
    /// For each series, for each label: the level, or none where the figure is missing or no number.
    pub(super) series: Vec<Vec<Option<i128>>>,
    /// How many digits of a level are fraction digits.
    pub(super) scale: u32,
    /// Whether they are told in per cent.
    pub(super) percent: bool,
}

impl Levels {
    pub(super) fn of(chart: &Chart) -> Self {
        let numbers = || chart.series.iter().flat_map(|series| &series.values).filter_map(Value::scaled);
        let scale = numbers().map(|(_, scale)| scale).max().unwrap_or(0).min(SCALE_MAX);
        let level = |value: &Value| {
            let (unscaled, own) = value.scaled()?;
            let near = unscaled.clamp(-FAR, FAR);
            Some(if own <= scale {
                near * 10_i128.pow(scale - own)
            } else {
                near / 10_i128.checked_pow(own - scale)?
            })
        };
        let series = chart.series.iter().map(|series| {
            let values = series.values.iter().map(level).chain(std::iter::repeat(None));
            values.take(chart.labels.len()).collect()
        });
        let first = chart.series.iter().flat_map(|series| &series.values).find(|value| value.scaled().is_some());
        let percent = matches!(first, Some(Value::Share(_) | Value::Change(_)));
        Self { series: series.collect(), scale, percent }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = i128> + '_ {
        self.series.iter().flatten().copied().flatten()
    }
}

/// An axis that holds zero and every level, with ticks at round numbers.
pub(super) struct Axis {
    pub(super) low: i128,
    pub(super) high: i128,
    step: i128,
    scale: u32,
    percent: bool,
}

impl Axis {
    /// An axis of at most `spans` spans and, where the figures go below zero, one more.
    pub(super) fn of(levels: &Levels, spans: i128) -> Self {
        let low = levels.all().min().unwrap_or(0).min(0);
        let high = levels.all().max().unwrap_or(0).max(0);
        let (scale, percent) = (levels.scale, levels.percent);
        let one = 10_i128.pow(scale);
        if low == high {
            return Self { low: 0, high: one, step: one, scale, percent };
        }
        let step = round_up((high - low + spans - 1) / spans);
        let down = |level: i128| level.div_euclid(step) * step;
        Self { low: down(low), high: -down(-high), step, scale, percent }
    }

    /// Where a level lies between the axis's ends, in `length`ths from its low end.
    pub(super) fn at(&self, level: i128, length: i64) -> i64 {
        let along = (level.clamp(self.low, self.high) - self.low) * i128::from(length) / (self.high - self.low);
        // Between 0 and `length`, because the level lies between the ends.
        i64::try_from(along).unwrap_or(length)
    }

    /// Its ticks with their labels, from low to high.
    pub(super) fn ticks(&self) -> Vec<(i128, String)> {
        let mut ticks = Vec::new();
        let mut level = self.low;
        while level <= self.high {
            ticks.push((level, self.label(level)));
            level += self.step;
        }
        ticks
    }

    /// A tick as short as it can be told: `500`, `20k`, `1.5M`, `2.5 %`.
    fn label(&self, level: i128) -> String {
        let far = self.high.max(-self.low) / 10_i128.pow(self.scale);
        let (fraction, unit) = match (self.percent, far) {
            (true, _) => (self.scale.saturating_sub(2), " %"),
            (false, ..10_000) => (self.scale, ""),
            (false, 10_000..1_000_000) => (self.scale + 3, "k"),
            (false, 1_000_000..1_000_000_000) => (self.scale + 6, "M"),
            (false, _) => (self.scale + 9, "bn"),
        };
        let level = if self.percent && self.scale < 2 { level * 10_i128.pow(2 - self.scale) } else { level };
        let mut zeros = 0;
        while zeros < fraction && self.step % 10_i128.pow(zeros + 1) == 0 {
            zeros += 1;
        }
        // Cents are told in two digits, or not at all.
        if unit.is_empty() && zeros < fraction && fraction <= 2 {
            zeros = 0;
        }
        let text = Decimal { unscaled: level / 10_i128.pow(zeros), scale: fraction - zeros }.to_string();
        let whole = if fraction == zeros { crate::render::words::grouped(&text) } else { text };
        if level == 0 { "0".to_owned() + unit.trim_end_matches(['k', 'M', 'b', 'n']) } else { whole + unit }
    }
}

/// The smallest of 1, 2, 5, 10, 20, 50, … that is no less.
fn round_up(least: i128) -> i128 {
    let mut power = 1;
    loop {
        for digit in [1, 2, 5] {
            if digit * power >= least {
                return digit * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{ChartKind, Series};

    fn axis(values: Vec<Value>) -> Axis {
        let labels = values.iter().map(|_| String::new()).collect();
        let chart = Chart {
            name: "c".to_owned(),
            title: String::new(),
            alternative: String::new(),
            kind: ChartKind::Lines,
            labels,
            series: vec![Series::new("s", "S", values)],
        };
        Axis::of(&Levels::of(&chart), 5)
    }

    fn labels(values: Vec<Value>) -> Vec<String> {
        axis(values).ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_hold_zero_and_every_figure() {
        assert_eq!(labels(vec![Value::Money(123_456)]), ["0", "500", "1,000", "1,500"]);
        assert_eq!(labels(vec![Value::Money(976_167_286)]), ["0", "2M", "4M", "6M", "8M", "10M"]);
        assert_eq!(labels(vec![Value::Money(7_000_000)]), ["0", "20k", "40k", "60k", "80k"]);
        assert_eq!(labels(vec![Value::Money(120_000_000)]), ["0", "0.5M", "1.0M", "1.5M"]);
        assert_eq!(labels(vec![Value::Count(3)]), ["0", "1", "2", "3"]);
        assert_eq!(labels(vec![Value::Money(3)]), ["0", "0.01", "0.02", "0.03"]);
        assert_eq!(labels(vec![Value::Share(123_456)]), ["0 %", "5 %", "10 %", "15 %"]);
        assert_eq!(labels(vec![Value::Money(-150), Value::Money(300)]), ["-2", "-1", "0", "1", "2", "3"]);
        assert_eq!(labels(vec![Value::Money(-150)]), ["-1.50", "-1.00", "-0.50", "0"]);
    }

    #[test]
    fn there_is_an_axis_whatever_is_missing() {
        assert_eq!(labels(vec![Value::Money(0)]), ["0", "1"]);
        assert_eq!(labels(vec![Value::Missing]), ["0", "1"]);
        assert_eq!(labels(Vec::new()), ["0", "1"]);
        assert_eq!(labels(vec![Value::text("x")]), ["0", "1"]);
    }

    #[test]
    fn no_figure_is_too_far() {
        for value in
            [Value::Money(i128::MAX), Value::Money(i128::MIN), Value::Decimal(i128::MAX, 255), Value::Count(i64::MIN)]
        {
            let axis = axis(vec![value.clone(), Value::Share(1)]);
            assert!(axis.ticks().len() <= 8, "{value:?}");
            assert_eq!(axis.at(axis.high, 1_000), 1_000);
            assert_eq!(axis.at(axis.low, 1_000), 0);
        }
    }
}
