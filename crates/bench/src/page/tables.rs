//! Every number of the page, as numbers.
use super::{
    latency::SIDES,
    markup::{Element, el},
    unit::{Unit, bytes, digits, number, real},
    view::{CPU, CPU_PER_GIB, Metric, PEAK, THROUGHPUT, View, WALL},
};
use crate::results::{Cell, Results, SideTotals};

const METRICS: [Metric; 5] = [THROUGHPUT, WALL, CPU, CPU_PER_GIB, PEAK];

/// The medians of all cells.
pub(super) fn cells(view: &View<'_>) -> Element {
    let columns = METRICS.map(|metric| (metric, (metric.unit)(metric.most(view.cells.iter().copied()))));
    let rows = view.cells.iter().map(|cell| {
        let row = row(cell, &columns);
        if view.is_best(cell) { row.class("best") } else { row }
    });
    let table = el("table")
        .with(el("caption").text("Medians of every cell"))
        .with(el("thead").with(groups()).with(head(&columns)))
        .with(el("tbody").all(rows));
    scrolling("Medians of every cell", table)
}

/// What the columns below belong to.
fn groups() -> Element {
    let group =
        |name: &str, columns: usize| el("th").attr("scope", "colgroup").attr("colspan", columns).text(name);
    let sides = SIDES.map(|side| group(side.title, 4).class("apart"));
    el("tr")
        .class("groups")
        .with(group("Cell", 2))
        .with(group("Run", METRICS.len()).class("apart"))
        .all(sides)
}

fn head(columns: &[(Metric, Unit)]) -> Element {
    let metrics = columns.iter().map(|(metric, unit)| column(metric.name, unit.name));
    let side = || {
        [column("Requests", ""), column("Connec\u{ad}tions", ""), column("p50", "ms"), column("p99", "ms")]
    };
    let names = [column("Jobs", "").class("name"), column("Ranges", "").class("name second")];
    el("tr").all(names).all(apart(metrics)).all(SIDES.into_iter().flat_map(|_| apart(side())))
}

fn column(name: &str, unit: &str) -> Element {
    let head = el("th").attr("scope", "col").text(name);
    if unit.is_empty() { head } else { head.with(el("br")).with(el("span").class("unit").text(unit)) }
}

fn row(cell: &Cell, columns: &[(Metric, Unit)]) -> Element {
    let value = |words: String| el("td").text(words);
    let metrics = columns.iter().map(|(metric, unit)| {
        value((metric.of)(&cell.median).map_or_else(|| "–".to_owned(), |value| unit.number(value)))
    });
    let sides = SIDES.into_iter().flat_map(|side| {
        let counts = (side.of)(&cell.median);
        let times = counts.to_head_ms;
        let counts = [counts.requests, counts.connections].map(|count| number(real(count)));
        let times = [times.p50, times.p99].map(digits);
        apart(counts.into_iter().chain(times).map(value))
    });
    let name = |number: usize| el("th").attr("scope", "row").text(number.to_string());
    let names = [name(cell.jobs).class("name"), name(cell.ranges).class("name second")];
    el("tr").all(names).all(apart(metrics)).all(sides)
}

/// Cells of one group, set apart from those before.
fn apart(cells: impl IntoIterator<Item = Element>) -> Vec<Element> {
    let cells = cells.into_iter().enumerate();
    cells.map(|(at, cell)| if at == 0 { cell.class("apart") } else { cell }).collect()
}

/// What all runs together said: what the access logs of both registries should show.
pub(super) fn totals(results: &Results) -> Element {
    let heads = ["Registry", "Requests", "Connections", "Sent", "Received"];
    let row = |name: &str, totals: &SideTotals| {
        let counts = [totals.requests, totals.connections].map(|count| number(real(count)));
        let volumes = [totals.sent, totals.received].map(bytes);
        let cells = counts.into_iter().chain(volumes).map(|words| el("td").text(words));
        el("tr").with(el("th").attr("scope", "row").text(name)).all(cells)
    };
    let rows = [row("Source", &results.totals.source), row("Target", &results.totals.target)];
    let table = el("table")
        .with(el("caption").text("Totals of all runs"))
        .with(el("thead").with(el("tr").all(heads.map(|head| column(head, "")))))
        .with(el("tbody").all(rows));
    scrolling("Totals of all runs", table)
}

/// A table may be wider than a phone: it scrolls by itself, also by keyboard, and the page does not.
fn scrolling(name: &str, table: Element) -> Element {
    el("div")
        .class("scroll")
        .attr("role", "region")
        .attr("aria-label", name)
        .attr("tabindex", "0")
        .with(table)
}
