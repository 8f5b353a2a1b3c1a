//! How long a registry's answers took to begin: a row for each cell, from the median to the slowest.
use super::{
    markup::{Element, el},
    rows::Rows,
    scale::Logarithmic,
    svg::{bar, dot, line, plot, text},
    unit::digits,
    view::{UNKNOWN, View, name},
};
use crate::results::{Cell, Latencies, Run, SideCounts};

const ROW: f64 = 22.0;
/// Characters of `12.6 · 1234`.
const NUMBERS: f64 = 12.0;

/// The room of `round trip`.
const LABEL: f64 = 72.0;

/// A side of a copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) of: fn(&Run) -> &SideCounts,
}

/// Source and target.
pub(super) const SIDES: [Side; 2] = [
    Side { name: "source", title: "Source", of: |run| &run.source },
    Side { name: "target", title: "Target", of: |run| &run.target },
];

/// The plot of one side. Both sides have the same axis.
pub(super) fn latency(view: &View<'_>, side: Side, width: f64) -> Element {
    let rows = Rows::new(view, width, ROW, NUMBERS);
    let all = view.cells.iter().flat_map(|cell| SIDES.map(|side| (side.of)(&cell.median).to_head_ms));
    let axis = Logarithmic::new(all.flat_map(|spread| [spread.p50, spread.max]), rows.span);
    let title = format!("Time to the head of an answer, {}", side.name);
    let mut drawing =
        plot(&format!("latency-{}-{width}", side.name), rows.size, &title, &finding(view, side));
    drawing = drawing.with(rows.frame(view, &axis.ticks(), "p50 · p99 ms"));
    drawing = drawing.all(round_trip(view, &rows, &axis));
    for (cell, y) in &rows.cells {
        let spread = (side.of)(&cell.median).to_head_ms;
        let numbers = format!("{} · {}", digits(spread.p50), digits(spread.p99));
        drawing = drawing.with(row(&spread, &axis, *y).class("row").with(rows.number(*y, numbers)));
    }
    drawing
}

/// From the median on, thinner the fewer answers took so long.
fn row(spread: &Latencies, axis: &Logarithmic, y: f64) -> Element {
    let place = |value: f64| axis.place(value);
    let [p50, p90, p99, max] = [spread.p50, spread.p90, spread.p99, spread.max].map(place);
    let words = format!(
        "p50 {} ms, p90 {} ms, p99 {} ms, max {} ms",
        digits(spread.p50),
        digits(spread.p90),
        digits(spread.p99),
        digits(spread.max)
    );
    el("g")
        .with(line("whisker", (p50, y), (max, y)))
        .with(line("whisker", (max, y - 4.0), (max, y + 4.0)))
        .with(bar("soft", (p50, y), p99, 5.0))
        .with(bar("bar", (p50, y), p90, 10.0))
        .with(dot("median", (p50, y), 4.5, words))
}

/// What the link alone takes, where there is one.
fn round_trip(view: &View<'_>, rows: &Rows<'_>, axis: &Logarithmic) -> Option<Element> {
    let rtt = view.results.link.map(|link| link.rtt_ms).filter(|rtt| *rtt > 0.0)?;
    let x = axis.place(rtt);
    let (top, bottom) = rows.extent();
    let rule = el("g").with(line("rule", (x, top), (x, bottom)));
    // Its name stays between the headings; where there is no room, the page's head has the number.
    let (left, right) = (rows.span.0 + LABEL / 2.0, rows.span.1 - LABEL / 2.0);
    let label =
        (left <= right).then(|| text("middle", x.clamp(left, right), 12.0, "round trip").class("quiet"));
    Some(rule.all(label))
}

/// The plot in words.
pub(super) fn finding(view: &View<'_>, side: Side) -> String {
    let of = |cell: &Cell| (side.of)(&cell.median).to_head_ms;
    let most = view.cells.iter().max_by(|a, b| of(a).p99.total_cmp(&of(b).p99));
    let (Some(best), Some(most)) = (view.best, most) else { return UNKNOWN.to_owned() };
    if of(most).max <= 0.0 {
        return UNKNOWN.to_owned();
    }
    let ms = |value| format!("{}\u{a0}ms", digits(value));
    let words = format!(
        "Half of the answers began within {}, 99 of 100 within {}",
        ms(of(best).p50),
        ms(of(best).p99)
    );
    match view.cells.len() {
        1 => format!("{words}."),
        _ if view.is_best(most) => format!("{words}, in the fastest cell."),
        _ => format!(
            "{words}, in the fastest cell. The slowest to answer: {}, with {}.",
            ms(of(most).p99),
            name(most)
        ),
    }
}

/// How to read a row.
pub(super) fn key() -> Element {
    let row = Latencies { p50: 1.0, p90: 10.0, p99: 100.0, max: 1000.0 };
    let axis = Logarithmic::new([1.0, 1000.0].into_iter(), (14.0, 244.0));
    let marks = [(1.0, "p50"), (10.0, "p90"), (100.0, "p99"), (1000.0, "max")];
    let words = marks.map(|(value, word)| text("middle", axis.place(value), 12.0, word).class("quiet"));
    el("svg")
        .class("key")
        .attr("viewBox", "0 0 260 34")
        .attr("aria-hidden", "true")
        .all(words)
        .with(self::row(&row, &axis, 24.0).class("row"))
}
