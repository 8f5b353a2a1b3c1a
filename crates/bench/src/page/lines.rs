//! Throughput over what was swept: a line through the medians of each series, a dot for each run.
use super::{
    bars::finding,
    markup::{Element, el},
    scale::{CHARACTER, Linear, Tick},
    svg::{Size, class, dot, line, mark, plot, text},
    unit::{Unit, count, size as units, whole},
    view::{THROUGHPUT, View},
};
use crate::results::Cell;

const LEFT: f64 = 44.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 40.0;
/// Before the names of the lines.
const LEADER: f64 = 34.0;
/// Between two names.
const NAME: f64 = 16.0;

/// Half of what `123.4 MiB/s` takes.
const NEAR: f64 = 48.0;

/// The two ways to sweep: what is along the page, and what has a line of its own.
#[derive(Debug, Clone, Copy)]
struct Sweep {
    along: (&'static str, fn(&Cell) -> usize),
    each: (&'static str, fn(&Cell) -> usize),
}

const JOBS: (&str, fn(&Cell) -> usize) = ("job", |cell| cell.jobs);
const RANGES: (&str, fn(&Cell) -> usize) = ("range", |cell| cell.ranges);

/// The plot and all that places something on it.
struct Plot<'a> {
    view: &'a View<'a>,
    sweep: Sweep,
    unit: Unit,
    size: Size,
    axis: Linear,
    columns: Vec<usize>,
    series: Vec<usize>,
    /// Where the columns end, and the names of the lines begin.
    right: f64,
}

/// The plot; none where nothing was swept, or nothing is known.
pub(super) fn lines(view: &View<'_>, size: Size) -> Option<Element> {
    let (jobs, ranges) = (view.values(JOBS.1), view.values(RANGES.1));
    let (sweep, columns, series) = match (jobs.len(), ranges.len()) {
        (0..=1, 0..=1) => return None,
        (0..=1, _) => (Sweep { along: RANGES, each: JOBS }, ranges, jobs),
        _ => (Sweep { along: JOBS, each: RANGES }, jobs, ranges),
    };
    let most = THROUGHPUT.most(view.cells.iter().copied());
    if most <= 0.0 {
        return None;
    }
    let unit = (THROUGHPUT.unit)(most);
    let axis = Linear::new(unit.scale(most), 5, (size.height - BOTTOM, TOP));
    let names = series.iter().map(|value| units(count(whole(*value), sweep.each.0).chars().count()));
    let right = size.width - LEADER - names.fold(0.0, f64::max) * CHARACTER;
    Some(Plot { view, sweep, unit, size, axis, columns, series, right }.draw())
}

impl Plot<'_> {
    fn draw(&self) -> Element {
        let title = format!("Throughput over {}s", self.sweep.along.0);
        let drawing =
            plot(&format!("lines-{}", self.size.width), self.size, &title, &finding(self.view, THROUGHPUT));
        let ids = 0..self.series.len();
        let lines = ids.zip(&self.series).map(|(id, value)| self.line(id, *value));
        drawing.with(self.frame()).all(lines).all(self.names()).all(self.best())
    }

    fn frame(&self) -> Element {
        let (left, right) = (LEFT, self.right);
        let grid = self.axis.ticks().into_iter().map(|(y, word): Tick| {
            let rule = line("grid", (left, y), (right, y));
            el("g").with(rule).with(text("end", left - 6.0, y + 4.0, word).class("quiet"))
        });
        let foot = self.size.height - BOTTOM + 18.0;
        let widest =
            self.columns.last().map_or(0.0, |value| units(value.to_string().len()) * CHARACTER + 6.0);
        let every = (1..self.columns.len()).find(|every| units(*every) * self.room() >= widest);
        let columns = (0..self.columns.len()).zip(&self.columns).step_by(every.unwrap_or(1));
        let words = columns
            .map(|(at, value)| text("middle", self.column(at), foot, value.to_string()).class("quiet"));
        let along = format!("{}s", self.sweep.along.0);
        let middle = f64::midpoint(left, right);
        el("g")
            .all(grid)
            .all(words)
            .with(text("middle", middle, self.size.height - 4.0, along).class("quiet"))
            .with(text("start", 0.0, 12.0, self.unit.name).class("quiet"))
    }

    /// The middle of a column: those that were swept have the same room, whatever their values.
    fn column(&self, at: usize) -> f64 {
        let room = self.room();
        LEFT + room * (units(at) + 0.5)
    }

    fn room(&self) -> f64 {
        (self.right - LEFT) / units(self.columns.len()).max(1.0)
    }

    /// Where a cell of a series stands: beside those of the others, so that none hides another's runs.
    fn place(&self, series: usize, cell: &Cell) -> f64 {
        let column = self.columns.iter().position(|value| *value == (self.sweep.along.1)(cell)).unwrap_or(0);
        let all = units(self.series.len());
        let apart = (self.room() * 0.6 / all).min(9.0);
        self.column(column) + (units(series) - (all - 1.0) / 2.0) * apart
    }

    fn height(&self, value: f64) -> f64 {
        self.axis.place(self.unit.scale(value))
    }

    /// The medians of a series, in the order of its columns.
    fn medians(&self, series: usize, value: usize) -> Vec<(f64, f64)> {
        let mut cells = self.of(value);
        cells.sort_by_key(|cell| (self.sweep.along.1)(cell));
        let medians = cells.into_iter().filter_map(|cell| {
            let median = (THROUGHPUT.of)(&cell.median)?;
            Some((self.place(series, cell), self.height(median)))
        });
        medians.collect()
    }

    fn of(&self, value: usize) -> Vec<&Cell> {
        self.view.cells.iter().copied().filter(|cell| (self.sweep.each.1)(cell) == value).collect()
    }

    fn line(&self, series: usize, value: usize) -> Element {
        let medians = self.medians(series, value);
        let points = medians.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
        let line = el("polyline").class("line").attr("points", points);
        let marks = medians.into_iter().map(|place| mark(series, place, 4.5));
        el("g").class(&class(series)).with(line).all(self.runs(series, value)).all(marks)
    }

    fn runs(&self, series: usize, value: usize) -> Vec<Element> {
        let mut dots = Vec::new();
        for cell in self.of(value) {
            for (at, run) in cell.runs.iter().enumerate() {
                let Some(value) = (THROUGHPUT.of)(run) else { continue };
                let words = format!("run {}: {}", at.saturating_add(1), self.unit.words(value));
                dots.push(dot("run", (self.place(series, cell), self.height(value)), 2.6, words));
            }
        }
        dots
    }

    /// Each line's name at its end, moved apart where lines end close together.
    fn names(&self) -> Vec<Element> {
        let series = (0..self.series.len()).zip(&self.series);
        let ends = series.filter_map(|(id, value)| Some((id, *value, *self.medians(id, *value).last()?)));
        let mut ends: Vec<_> = ends.collect();
        ends.sort_by(|a, b| b.2.1.total_cmp(&a.2.1));
        let x = self.right + 10.0;
        // From the bottom up, each as low as the one below it lets it; closer together where they are very many.
        let room = (self.size.height - BOTTOM) / units(ends.len()).max(1.0);
        let apart = NAME.min(room);
        let mut ceiling = self.size.height - BOTTOM + apart;
        let names = ends.into_iter().map(|(id, value, end)| {
            let y = end.1.min(ceiling - apart);
            ceiling = y;
            let words = count(whole(value), self.sweep.each.0);
            el("g")
                .class(&class(id))
                .with(line("leader", end, (x - 2.0, y)))
                .with(mark(id, (x + 4.0, y), 4.0))
                .with(text("start", x + 13.0, y + 4.0, words))
        });
        names.collect()
    }

    /// The best median, in numbers, above all dots near it.
    fn best(&self) -> Option<Element> {
        let best = self.view.best?;
        let value = (THROUGHPUT.of)(&best.median)?;
        let x = self.place(self.id(best), best);
        let near = self.view.cells.iter().filter(|cell| (self.place(self.id(cell), cell) - x).abs() < NEAR);
        let most = THROUGHPUT.most(near.copied());
        Some(text("middle", x, self.height(most) - 10.0, self.unit.words(value)).class("best"))
    }

    /// Which of the series a cell belongs to.
    fn id(&self, cell: &Cell) -> usize {
        self.series.iter().position(|value| *value == (self.sweep.each.1)(cell)).unwrap_or(0)
    }
}
