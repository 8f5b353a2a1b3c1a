//! From numbers to places on a page, with ticks at round numbers.
use super::unit;

/// A straight axis from zero.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    /// Where zero and the last tick are.
    span: (f64, f64),
    step: f64,
    steps: u32,
}

/// An axis on which every factor of ten takes the same room.
#[derive(Debug, Clone)]
pub(super) struct Logarithmic {
    span: (f64, f64),
    /// Where it begins and ends, in steps: three of them are a factor of ten.
    steps: (i32, i32),
}

/// A tick: its place, and what stands beside it.
pub(super) type Tick = (f64, String);

impl Linear {
    /// An axis that holds `most` in at most so many steps; in fewer where there is no room for so many numbers.
    pub(super) fn new(most: f64, steps: u32, span: (f64, f64)) -> Self {
        let room = (span.1 - span.0).abs();
        let steps = (2..steps).find(|count| f64::from(*count) * TICK > room).unwrap_or(steps);
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let step = round_step(most / f64::from(steps.max(1)));
        // What is a hair above a tick, by rounding alone, needs no further one.
        let needed = (most / step - 1e-9).ceil().max(1.0);
        let steps = (1..steps.max(1)).find(|count| f64::from(*count) >= needed).unwrap_or(steps.max(1));
        Self { span, step, steps }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let share = value / (self.step * f64::from(self.steps));
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.span.0 + (self.span.1 - self.span.0) * share
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        let decimals = decimals(self.step);
        let values = (0..=self.steps).map(|count| f64::from(count) * self.step);
        values.map(|value| (self.place(value), format!("{value:.decimals$}"))).collect()
    }
}

impl Logarithmic {
    /// An axis that holds all values. Zero has no place on it, and stands where it begins.
    pub(super) fn new(values: impl Iterator<Item = f64>, span: (f64, f64)) -> Self {
        let known = values.filter(|value| value.is_finite() && *value > 0.0);
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let (least, most) = known.fold((f64::MAX, 0.0), ends);
        if most <= 0.0 {
            return Self { span, steps: (0, 3) };
        }
        let lowest = exponent(least.log10().floor()).saturating_mul(3);
        let from = (lowest..lowest.saturating_add(3)).rev().find(|step| value_of(*step) <= least * CLOSE);
        let from = from.unwrap_or(lowest);
        let highest = exponent(most.log10().ceil()).saturating_mul(3);
        let to = (highest.saturating_sub(3)..highest).find(|step| value_of(*step) * CLOSE >= most);
        let to = to.unwrap_or(highest);
        Self { span, steps: (from, to.max(from.saturating_add(2))) }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let (from, to) = (value_of(self.steps.0).log10(), value_of(self.steps.1).log10());
        let share = (value.log10() - from) / (to - from);
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.span.0 + (self.span.1 - self.span.0) * share
    }

    /// A tick at every 1, 2 and 5 where there is room for so many, at powers of ten or fewer where there is not.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let room = (self.span.1 - self.span.0).abs();
        let chosen = [1, 3, 6, 9, 18].map(|every| self.every(every));
        let fits = |ticks: &Vec<Tick>| ticks.len() > 1 && width(ticks) <= room;
        let ends = || [self.steps.0, self.steps.1].map(|step| self.tick(step)).to_vec();
        chosen.into_iter().find(fits).unwrap_or_else(ends)
    }

    fn every(&self, every: i32) -> Vec<Tick> {
        let steps = (self.steps.0..=self.steps.1).filter(|step| step.checked_rem_euclid(every) == Some(0));
        steps.map(|step| self.tick(step)).collect()
    }

    fn tick(&self, step: i32) -> Tick {
        let value = value_of(step);
        let decimals = decimals(value);
        (self.place(value), format!("{value:.decimals$}"))
    }
}

/// The room that ticks need beside each other, their numbers as wide as the widest of them.
fn width(ticks: &[Tick]) -> f64 {
    let longest = ticks.iter().map(|(_, word)| unit::size(word.len())).fold(0.0, f64::max);
    unit::size(ticks.len()) * (longest * CHARACTER + 12.0)
}

/// What is a hair beyond a tick, by rounding alone, is on it.
const CLOSE: f64 = 1.0 + 1e-9;
/// The room that a tick's number needs on a straight axis.
const TICK: f64 = 44.0;
/// What a character takes at most, at the size of a plot's text.
pub(super) const CHARACTER: f64 = 7.4;

/// 1, 2, 5, 10, 20, 50 ..
fn value_of(step: i32) -> f64 {
    let digit = match step.rem_euclid(3) {
        0 => 1.0,
        1 => 2.0,
        _ => 5.0,
    };
    digit * 10_f64.powi(step.div_euclid(3))
}

/// The least of 1, 2, 5, 10, 20, 50 ... that is no smaller.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powi(exponent(least.log10().floor()));
    let round = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power);
    round.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// How many decimals a multiple of this step needs.
fn decimals(step: f64) -> usize {
    usize::try_from(exponent(-step.log10().floor())).unwrap_or(0)
}

#[allow(clippy::cast_possible_truncation, reason = "it is a whole number, and clamped")]
fn exponent(whole: f64) -> i32 {
    whole.clamp(-300.0, 300.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_the_most() {
        for (most, expected) in [
            (12.6, vec!["0", "5", "10", "15"]),
            (100.0, vec!["0", "20", "40", "60", "80", "100"]),
            (0.07, vec!["0.00", "0.02", "0.04", "0.06", "0.08"]),
            (1.0, vec!["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (2_049.0, vec!["0", "500", "1000", "1500", "2000", "2500"]),
        ] {
            let axis = Linear::new(most, 5, (0.0, 500.0));
            assert_eq!(words(&axis.ticks()), expected, "{most}");
            assert!(axis.place(most) <= 500.0 && axis.place(most) > 250.0, "{most}");
        }
    }

    #[test]
    fn every_magnitude_has_an_axis_and_no_value_leaves_it() {
        for power in -12..15 {
            for digit in [1.0, 1.9, 3.3, 7.7, 9.999] {
                let most = digit * 10_f64.powi(power);
                let axis = Linear::new(most, 5, (0.0, 500.0));
                let ticks = axis.ticks();
                assert!((2..=6).contains(&ticks.len()), "{most}: {ticks:?}");
                assert!(axis.step * f64::from(axis.steps) >= most * 0.999_999, "{most}: {axis:?}");
            }
        }
    }

    #[test]
    fn nothing_to_show_is_still_an_axis() {
        for most in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let axis = Linear::new(most, 5, (10.0, 510.0));
            assert_eq!(words(&axis.ticks()), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
            assert!((axis.place(f64::NAN) - 10.0).abs() < 1e-9);
        }
        let axis = Logarithmic::new([0.0, f64::NAN].into_iter(), (0.0, 200.0));
        assert_eq!(words(&axis.ticks()), ["1", "2", "5", "10"]);
    }

    #[test]
    fn a_logarithmic_axis_holds_all_values_and_zero_stands_at_its_beginning() {
        let axis = Logarithmic::new([0.0, 0.4, 3.0, 120.0].into_iter(), (100.0, 500.0));
        assert_eq!(words(&axis.ticks()), ["0.2", "0.5", "1", "2", "5", "10", "20", "50", "100", "200"]);
        assert!((axis.place(0.0) - 100.0).abs() < 1e-9);
        let one = Logarithmic::new([10.0].into_iter(), (0.0, 200.0));
        assert_eq!(words(&one.ticks()), ["10", "20", "50"]);
    }

    #[test]
    fn ticks_have_room_for_their_numbers() {
        for (most, expected) in
            [(80.0, vec!["1", "2", "5", "10", "20", "50", "100"]), (900.0, vec!["1", "10", "100", "1000"])]
        {
            let axis = Logarithmic::new([1.0, most].into_iter(), (0.0, 320.0));
            assert_eq!(words(&axis.ticks()), expected);
        }
        let axis = Linear::new(80.0, 5, (0.0, 110.0));
        assert_eq!(words(&axis.ticks()), ["0", "50", "100"]);
    }
}
