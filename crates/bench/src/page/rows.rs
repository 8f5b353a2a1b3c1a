//! Plots with a row for each cell: names on the left, an axis below, numbers on the right.
use super::{
    markup::{Element, el},
    scale::{CHARACTER, Tick},
    svg::{Size, line, text},
    unit::size,
    view::View,
};
use crate::results::Cell;

/// Above the first row: the headings.
const TOP: f64 = 22.0;
/// Below the last row: the axis.
const BOTTOM: f64 = 24.0;
/// Between two groups of cells.
const GAP: f64 = 8.0;
/// From here on cells are many.
const MANY: usize = 12;

/// Where the rows of a plot are.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    pub(super) size: Size,
    /// From where to where values stand.
    pub(super) span: (f64, f64),
    /// Cells and the middles of their rows.
    pub(super) cells: Vec<(&'a Cell, f64)>,
    /// The bottom of the last row.
    bottom: f64,
}

impl<'a> Rows<'a> {
    /// Rows of this height, lower where there are many; with room for so many characters on the right.
    pub(super) fn new(view: &View<'a>, width: f64, height: f64, characters: f64) -> Self {
        let height = if view.cells.len() > MANY { height - 4.0 } else { height };
        let names = view.cells.iter().map(|cell| view.label(cell)).chain([view.heading().to_owned()]);
        let longest = names.map(|name| size(name.chars().count())).fold(0.0, f64::max);
        let mut y = TOP;
        let mut group = None;
        let mut cells = Vec::new();
        for cell in &view.cells {
            if view.heading() == "jobs × ranges" && group.is_some_and(|ranges| ranges != cell.ranges) {
                y += GAP;
            }
            group = Some(cell.ranges);
            cells.push((*cell, y + height / 2.0));
            y += height;
        }
        let span = (longest * CHARACTER + 8.0, width - characters * CHARACTER - 6.0);
        Self { size: Size { width, height: y + BOTTOM }, span, cells, bottom: y }
    }

    /// Names and grid, for what stands on them.
    pub(super) fn frame(&self, view: &View<'_>, ticks: &[Tick], right: &str) -> Element {
        let heading = text("end", self.span.0 - 8.0, 12.0, view.heading()).class("quiet");
        let numbers = text("end", self.size.width, 12.0, right).class("quiet");
        let names = self.cells.iter().map(|(cell, y)| {
            let name = text("end", self.span.0 - 8.0, y + 4.0, view.label(cell));
            if view.is_best(cell) { name.class("best") } else { name }
        });
        let grid = ticks.iter().map(|(x, _)| line("grid", (*x, TOP - 4.0), (*x, self.bottom + 2.0)));
        let words = ticks.iter().map(|(x, word)| text("middle", *x, self.bottom + 16.0, word).class("quiet"));
        el("g").all(grid).all(words).with(heading).with(numbers).all(names)
    }

    /// A number at the right end of a row.
    pub(super) fn number(&self, y: f64, number: String) -> Element {
        text("end", self.size.width, y + 4.0, number).class("number")
    }

    /// The top and the bottom of all rows.
    pub(super) fn extent(&self) -> (f64, f64) {
        (TOP - 4.0, self.bottom + 2.0)
    }
}
