//! Results as the page shows them: cells in an order that can be read, the best one, and what is measured of a run.
use super::unit::{GIB, Unit, count, real};
use crate::results::{Cell, Results, Run};

/// Something measured of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    /// For ids in the document.
    pub(super) slug: &'static str,
    /// None where it is not known.
    pub(super) of: fn(&Run) -> Option<f64>,
    /// The unit for values up to the largest.
    pub(super) unit: fn(f64) -> Unit,
}

pub(super) const THROUGHPUT: Metric =
    Metric { name: "Throughput", slug: "throughput", of: throughput, unit: Unit::of_rate };
pub(super) const WALL: Metric =
    Metric { name: "Wall time", slug: "wall", of: |run| known(run.wall_s), unit: Unit::of_seconds };
pub(super) const CPU: Metric =
    Metric { name: "CPU time", slug: "cpu", of: |run| known(run.cpu_s), unit: Unit::of_seconds };
pub(super) const CPU_PER_GIB: Metric =
    Metric { name: "CPU per GiB", slug: "cpu-per-gib", of: cpu_per_gib, unit: Unit::of_seconds };
pub(super) const PEAK: Metric =
    Metric { name: "Peak memory", slug: "peak", of: |run| known(real(run.peak_bytes)), unit: Unit::of_bytes };

/// What stands where a number should.
pub(super) const UNKNOWN: &str = "Not known.";

/// Zero is how a run says that it does not know.
fn known(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then_some(value)
}

fn throughput(run: &Run) -> Option<f64> {
    known(run.wall_s).map(|seconds| real(run.bytes) / seconds)
}

fn cpu_per_gib(run: &Run) -> Option<f64> {
    let gibs = known(real(run.bytes) / GIB)?;
    known(run.cpu_s).map(|seconds| seconds / gibs)
}

impl Metric {
    /// The largest that any run of these cells shows.
    pub(super) fn most<'a>(self, cells: impl IntoIterator<Item = &'a Cell>) -> f64 {
        let runs = cells.into_iter().flat_map(|cell| cell.runs.iter().chain([&cell.median]));
        runs.filter_map(|run| (self.of)(run)).fold(0.0, f64::max)
    }

    /// The least and the most of a cell's runs.
    pub(super) fn spread(self, cell: &Cell) -> Option<(f64, f64)> {
        let values = cell.runs.iter().filter_map(|run| (self.of)(run));
        values.fold(None, |spread, value| {
            let (least, most) = spread.unwrap_or((value, value));
            Some((value.min(least), value.max(most)))
        })
    }
}

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    pub(super) results: &'a Results,
    /// By ranges, then by jobs.
    pub(super) cells: Vec<&'a Cell>,
    /// The one with the most throughput, the least jobs and ranges where several have it.
    pub(super) best: Option<&'a Cell>,
    /// One cell stands for all of them.
    merged: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(results: &'a Results) -> Self {
        let mut cells: Vec<&Cell> = results.cells.iter().collect();
        cells.sort_by_key(|cell| (cell.ranges, cell.jobs));
        let rate = |cell: &Cell| throughput(&cell.median).unwrap_or(0.0);
        // Of equals `max_by` takes the last.
        let best = cells.iter().rev().copied().max_by(|a, b| rate(a).total_cmp(&rate(b)));
        Self { results, cells, best, merged: false }
    }

    /// The same, where all cells are alike.
    pub(super) fn merged(&self) -> Self {
        let merged = self.cells.len() > 1;
        Self { cells: self.best.into_iter().collect(), merged, ..self.clone() }
    }

    pub(super) fn is_best(&self, cell: &Cell) -> bool {
        !self.merged && self.best.is_some_and(|best| (best.jobs, best.ranges) == (cell.jobs, cell.ranges))
    }

    /// The different values that cells have, least first.
    pub(super) fn values(&self, of: fn(&Cell) -> usize) -> Vec<usize> {
        let mut values: Vec<usize> = self.cells.iter().map(|cell| of(cell)).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// How many runs a cell has, at most.
    pub(super) fn runs(&self) -> usize {
        self.cells.iter().map(|cell| cell.runs.len()).max().unwrap_or(0)
    }

    /// What tells cells apart: the heading of their names.
    pub(super) fn heading(&self) -> &'static str {
        if self.merged {
            return "";
        }
        match (self.values(|cell| cell.jobs).len(), self.values(|cell| cell.ranges).len()) {
            (2.., 0..=1) => "jobs",
            (0..=1, 2..) => "ranges",
            _ => "jobs × ranges",
        }
    }

    /// A cell's name below that heading.
    pub(super) fn label(&self, cell: &Cell) -> String {
        if self.merged {
            return "every cell".to_owned();
        }
        match self.heading() {
            "jobs" => cell.jobs.to_string(),
            "ranges" => cell.ranges.to_string(),
            _ => format!("{} × {}", cell.jobs, cell.ranges),
        }
    }
}

/// A cell in words: `18 jobs and 8 ranges`.
pub(super) fn name(cell: &Cell) -> String {
    let of = |number: usize, what| count(u64::try_from(number).unwrap_or(u64::MAX), what);
    format!("{} and {}", of(cell.jobs, "job"), of(cell.ranges, "range"))
}
