//! Percentiles and medians.
use std::time::Duration;

use crate::results::{Latencies, Run, SideCounts};

/// Percentiles of durations, which it sorts.
pub(crate) fn latencies(durations: &mut [Duration]) -> Latencies {
    durations.sort_unstable();
    let at = |percent| percentile(durations, percent).as_secs_f64() * 1000.0;
    Latencies { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
}

/// The least duration that `percent` of all, which are sorted, do not exceed (nearest rank).
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The median of every number of the runs by itself.
pub(crate) fn median(runs: &[Run]) -> Run {
    let real = |of: &dyn Fn(&Run) -> f64| middle_real(runs.iter().map(of).collect());
    let whole = |of: &dyn Fn(&Run) -> u64| middle(runs.iter().map(of).collect());
    let side = |of: &dyn Fn(&Run) -> SideCounts| {
        let time = |part: fn(&Latencies) -> f64| real(&|run| part(&of(run).to_head_ms));
        SideCounts {
            requests: whole(&|run| of(run).requests),
            connections: whole(&|run| of(run).connections),
            sent: whole(&|run| of(run).sent),
            received: whole(&|run| of(run).received),
            to_head_ms: Latencies {
                p50: time(|times| times.p50),
                p90: time(|times| times.p90),
                p99: time(|times| times.p99),
                max: time(|times| times.max),
            },
        }
    };
    Run {
        wall_s: real(&|run| run.wall_s),
        cpu_s: real(&|run| run.cpu_s),
        peak_bytes: whole(&|run| run.peak_bytes),
        bytes: whole(&|run| run.bytes),
        source: side(&|run| run.source),
        target: side(&|run| run.target),
    }
}

/// The middle one, or what is half-way between the two in the middle; 0 of none.
fn middle_real(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let (low, high) = middles(&numbers);
    low.midpoint(high)
}

fn middle(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    let (low, high) = middles(&numbers);
    low.midpoint(high)
}

fn middles<T: Copy + Default>(sorted: &[T]) -> (T, T) {
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    (at(sorted.len().saturating_sub(1) / 2), at(sorted.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn percentiles_are_durations_that_were_measured() {
        let mut hundred: Vec<_> = (1..=100).rev().map(ms).collect();
        let expected = Latencies { p50: 50.0, p90: 90.0, p99: 99.0, max: 100.0 };
        assert_eq!(latencies(&mut hundred), expected);
        let all = |time| Latencies { p50: time, p90: time, p99: time, max: time };
        assert_eq!(latencies(&mut [ms(7)]), all(7.0));
        assert_eq!(latencies(&mut [ms(2), ms(1)]), Latencies { p50: 1.0, ..all(2.0) });
        assert_eq!(latencies(&mut []), all(0.0));
    }

    #[test]
    fn a_median_is_in_the_middle_of_each_number_by_itself() {
        let run = |wall_s, bytes| Run { wall_s, bytes, ..median(&[]) };
        let middle = median(&[run(1.0, 9), run(3.0, 1), run(2.0, 5)]);
        assert_eq!((middle.wall_s, middle.bytes), (2.0, 5));
        let between = median(&[run(1.0, 10), run(4.0, 20)]);
        assert_eq!((between.wall_s, between.bytes), (2.5, 15));
    }
}
