//! One number of every cell as a bar, with a dot for each of its runs.
use super::{
    markup::{Element, el},
    rows::Rows,
    scale::Linear,
    svg::{bar, dot, line, plot},
    unit::Unit,
    view::{Metric, UNKNOWN, View, name},
};
use crate::results::Cell;

const ROW: f64 = 22.0;
/// Characters of a number.
const NUMBER: f64 = 6.0;

/// The plot of a metric, so wide; none where no run tells it.
pub(super) fn bars(view: &View<'_>, metric: Metric, width: f64) -> Option<Element> {
    let most = metric.most(view.cells.iter().copied());
    if most <= 0.0 {
        return None;
    }
    let unit = (metric.unit)(most);
    let rows = Rows::new(view, width, ROW, NUMBER);
    let axis = Linear::new(unit.scale(most), 5, rows.span);
    let id = format!("{}-{width}", metric.slug);
    let mut drawing = plot(&id, rows.size, metric.name, &finding(view, metric));
    drawing = drawing.with(rows.frame(view, &axis.ticks(), unit.name));
    for (cell, y) in &rows.cells {
        let row = row(cell, metric, unit, &axis, *y);
        let words = (metric.of)(&cell.median).map_or_else(|| "–".to_owned(), |value| unit.number(value));
        let class = if view.is_best(cell) { "row top" } else { "row" };
        drawing = drawing.with(row.class(class).with(rows.number(*y, words)));
    }
    Some(drawing.with(line("axis", (rows.span.0, rows.extent().0), (rows.span.0, rows.extent().1))))
}

/// A cell's bar and its runs.
fn row(cell: &Cell, metric: Metric, unit: Unit, axis: &Linear, y: f64) -> Element {
    let place = |value: f64| axis.place(unit.scale(value));
    let median = (metric.of)(&cell.median).map(|value| bar("bar", (axis.place(0.0), y), place(value), 12.0));
    let runs = cell.runs.iter().enumerate().filter_map(|(at, run)| {
        let value = (metric.of)(run)?;
        let words = format!("run {}: {}", at.saturating_add(1), unit.words(value));
        Some(dot("run", (place(value), y), 2.4, words))
    });
    el("g").all(median).all(runs)
}

/// The plot in words.
pub(super) fn finding(view: &View<'_>, metric: Metric) -> String {
    let known = view.cells.iter().filter_map(|cell| Some((*cell, (metric.of)(&cell.median)?)));
    let least = known.clone().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = known.max_by(|a, b| a.1.total_cmp(&b.1));
    let (Some((low, least)), Some((high, most))) = (least, most) else {
        return UNKNOWN.to_owned();
    };
    let unit = (metric.unit)(most);
    if view.cells.len() == 1 {
        return format!("{} in the median.", unit.words(most));
    }
    if (low.jobs, low.ranges) == (high.jobs, high.ranges) {
        return format!("{} with {}.", unit.words(most), name(high));
    }
    format!("From {} with {} to {} with {}.", unit.words(least), name(low), unit.words(most), name(high))
}
