//! The four numbers that a reader wants first, and the sentence above them.
use super::{
    latency::SIDES,
    markup::{Element, el},
    unit::{number, real, whole},
    view::{CPU_PER_GIB, Metric, PEAK, THROUGHPUT, View, name},
};
use crate::results::{Cell, Workload};

/// The numbers of the fastest cell.
pub(super) fn headline(view: &View<'_>) -> Element {
    let list = el("dl").class("facts");
    let Some(best) = view.best else { return list };
    let metrics = [THROUGHPUT, CPU_PER_GIB, PEAK].map(|metric| measured(best, metric));
    list.all(metrics).with(per_blob(best, &view.results.workload))
}

/// One number, with what its runs were between.
fn measured(cell: &Cell, metric: Metric) -> Element {
    let Some(value) = (metric.of)(&cell.median) else {
        return fact(metric.name, "–", "", "not known");
    };
    let unit = (metric.unit)(value);
    let spread = metric.spread(cell).filter(|(least, most)| unit.number(*least) != unit.number(*most));
    let note = spread.map(|(least, most)| format!("runs: {} to {}", unit.number(least), unit.number(most)));
    fact(metric.name, &unit.number(value), unit.name, &note.unwrap_or_default())
}

fn per_blob(cell: &Cell, workload: &Workload) -> Element {
    let blobs = real(whole(workload.blobs));
    let [source, target] = SIDES.map(|side| real((side.of)(&cell.median).requests) / blobs);
    if workload.blobs == 0 {
        return fact("Requests per blob", "–", "", "no blobs");
    }
    let note = format!("source {}, target {}", number(source), number(target));
    fact("Requests per blob", &number(source + target), "", &note)
}

fn fact(name: &str, number: &str, unit: &str, note: &str) -> Element {
    let value = el("dd").class("value").text(number);
    let value = if unit.is_empty() { value } else { value.text("\u{a0}").with(el("small").text(unit)) };
    el("div").with(el("dt").text(name)).with(value).with(el("dd").class("note").text(note))
}

/// The first sentence: what won, and whether it won for certain.
pub(super) fn verdict(view: &View<'_>) -> String {
    let Some(best) = view.best else { return "Nothing was measured.".to_owned() };
    if view.cells.len() == 1 {
        return format!("Measured with {}.", name(best));
    }
    let Some((floor, _)) = THROUGHPUT.spread(best) else { return "No throughput is known.".to_owned() };
    let overlaps = |cell: &Cell| THROUGHPUT.spread(cell).is_some_and(|(_, most)| most >= floor);
    let rivals = view.cells.iter().filter(|cell| !view.is_best(cell) && overlaps(cell)).count();
    let certain = match rivals {
        0 => "every run of it was faster than every run of the others".to_owned(),
        1 => "one other cell has runs as fast as its slowest".to_owned(),
        more => format!("{more} other cells have runs as fast as its slowest"),
    };
    format!("Fastest with {}; {certain}.", name(best))
}
