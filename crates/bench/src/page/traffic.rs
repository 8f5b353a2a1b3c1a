//! What was said to both registries: two bars in each cell's row, one for each side.
use super::{
    latency::{SIDES, Side},
    markup::{Element, el},
    rows::Rows,
    scale::Linear,
    svg::{bar, line, plot, text},
    unit::{number, real},
    view::View,
};
use crate::results::{Cell, SideCounts};

const ROW: f64 = 34.0;
/// Characters of `source 1234`, which stands behind a bar.
const NUMBER: f64 = 13.0;

/// What is counted of a side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) name: &'static str,
    pub(super) of: fn(&SideCounts) -> u64,
}

/// Requests and connections.
pub(super) const COUNTED: [Counted; 2] = [
    Counted { name: "Requests", of: |side| side.requests },
    Counted { name: "Connections", of: |side| side.connections },
];

/// The plot of one count.
pub(super) fn traffic(view: &View<'_>, counted: Counted, width: f64) -> Element {
    let view = &if same(view, counted) { view.merged() } else { view.clone() };
    let rows = Rows::new(view, width, ROW, NUMBER);
    let all = view.cells.iter().flat_map(|cell| SIDES.map(|side| (counted.of)((side.of)(&cell.median))));
    let axis = Linear::new(real(all.max().unwrap_or(0)), 4, rows.span);
    let id = format!("{}-{width}", counted.name.to_lowercase());
    let mut drawing = plot(&id, rows.size, counted.name, &finding(view, counted));
    drawing = drawing.with(rows.frame(view, &axis.ticks(), ""));
    for (at, (cell, y)) in rows.cells.iter().enumerate() {
        for (series, (side, middle)) in SIDES.into_iter().zip([y - 6.5, y + 6.5]).enumerate() {
            let number = (counted.of)((side.of)(&cell.median));
            drawing = drawing.with(sided(&axis, (series, side), middle, number, at == 0));
        }
    }
    drawing.with(line("axis", (rows.span.0, rows.extent().0), (rows.span.0, rows.extent().1)))
}

/// One side's bar, its number behind it; in the first row with the side's name.
fn sided(axis: &Linear, (series, side): (usize, Side), y: f64, value: u64, named: bool) -> Element {
    let end = axis.place(real(value));
    let words = number(real(value));
    let words = if named { format!("{words} {}", side.name) } else { words };
    el("g")
        .with(bar(&super::svg::class(series), (axis.place(0.0), y), end, 9.0))
        .with(text("start", end + 5.0, y + 4.0, words).class("number small"))
}

/// Both sides' counts.
fn both(cell: &Cell, counted: Counted) -> [u64; 2] {
    SIDES.map(|side| (counted.of)((side.of)(&cell.median)))
}

/// Whether all cells are alike: then one row says it.
fn same(view: &View<'_>, counted: Counted) -> bool {
    let mut cells = view.cells.iter().map(|cell| both(cell, counted));
    let first = cells.next();
    cells.all(|next| Some(next) == first)
}

/// The plot in words.
pub(super) fn finding(view: &View<'_>, counted: Counted) -> String {
    let Some(best) = view.best else { return String::new() };
    let [source, target] = both(best, counted).map(|value| number(real(value)));
    let words = format!("{source} to the source, {target} to the target");
    match view.cells.len() {
        0 | 1 => format!("{words}."),
        _ if same(view, counted) => format!("{words}, in every cell."),
        _ => format!("{words} in the fastest cell."),
    }
}
