//! The page from top to bottom.
use super::{
    about, bars, facts, latency, lines,
    markup::{Element, el},
    svg::Size,
    tables, traffic,
    unit::{count, whole},
    view::{CPU, PEAK, THROUGHPUT, View, WALL},
};

/// The widths that plots are drawn for, in pixels of a page on which they are as large as drawn.
const PHONE: f64 = 350.0;
const HALF: f64 = 500.0;
const FULL: Size = Size { width: 1040.0, height: 340.0 };
const FULL_ON_PHONE: Size = Size { width: PHONE, height: 290.0 };

/// What was measured, and the numbers that a reader wants first.
pub(super) fn header(view: &View<'_>) -> Element {
    let results = view.results;
    let what =
        [about::workload(&results.workload), about::link(results.link), about::machine(&results.machine)];
    el("header")
        .with(el("p").class("program").text(format!("transship {} bench", results.version)))
        .with(el("h1").text(about::route(results)))
        .with(el("ul").class("what").all(what.map(|words| el("li").text(words))))
        .with(el("p").class("verdict").text(facts::verdict(view)))
        .with(facts::headline(view))
}

/// Everything below it.
pub(super) fn all(view: &View<'_>) -> Vec<Element> {
    let about = el("section").with(el("h2").text("How it was measured")).with(about::details(view));
    let plots = [throughput(view), Some(cost(view)), Some(latencies(view)), Some(requests(view))];
    let plots = plots.into_iter().flatten().filter(|_| !view.cells.is_empty());
    // What is owed to the user's registries comes first.
    let told = [about::left(view.results), about::warnings(view.results)].into_iter().flatten();
    told.chain(plots).chain([numbers(view), about]).collect()
}

/// None where there is nothing to compare.
fn throughput(view: &View<'_>) -> Option<Element> {
    let drawings = [lines::lines(view, FULL)?, lines::lines(view, FULL_ON_PHONE)?];
    let words =
        format!("Small dots are runs; lines join the medians of {}.", count(whole(view.runs()), "run"));
    let figure = el("figure").all(sizes(drawings));
    Some(section("Throughput", &bars::finding(view, THROUGHPUT)).with(note(&words)).with(figure))
}

fn cost(view: &View<'_>) -> Element {
    let words = "Of the copying process alone: registries are not in it. Bars are medians, dots are runs.";
    if view.cells.len() > 1 {
        let panels = [WALL, CPU, PEAK].map(|metric| {
            let drawing = bars::bars(view, metric, PHONE);
            figure(metric.name, &bars::finding(view, metric), drawing)
        });
        return section("Time, CPU and memory", words).with(el("div").class("panels thirds").all(panels));
    }
    let panels = [THROUGHPUT, WALL, CPU, PEAK].map(|metric| {
        let drawings = bars::bars(view, metric, HALF).zip(bars::bars(view, metric, PHONE));
        let drawings = drawings.map(|(wide, narrow)| sizes([wide, narrow]));
        figure(metric.name, &bars::finding(view, metric), drawings.into_iter().flatten())
    });
    let name = "Throughput, time, CPU and memory";
    section(name, words).with(el("div").class("panels halves").all(panels))
}

fn latencies(view: &View<'_>) -> Element {
    let panels = latency::SIDES.map(|side| {
        let drawings = [HALF, PHONE].map(|width| latency::latency(view, side, width));
        figure(side.title, &latency::finding(view, side), sizes(drawings))
    });
    let words = "From a request’s beginning to the head of its answer; medians of the runs’ percentiles.";
    section("Latency", words).with(latency::key()).with(el("div").class("panels halves").all(panels))
}

fn requests(view: &View<'_>) -> Element {
    let panels = traffic::COUNTED.map(|counted| {
        let drawings = [HALF, PHONE].map(|width| traffic::traffic(view, counted, width));
        figure(counted.name, &traffic::finding(view, counted), sizes(drawings))
    });
    let words = "What one run says to each registry, token servers included.";
    section("Requests and connections", words).with(el("div").class("panels halves").all(panels))
}

fn numbers(view: &View<'_>) -> Element {
    let words = "p50 and p99 are times to the head of an answer. The totals are all that was said to both registries, \
                 preparation and cleaning included.";
    section("All numbers", words).with(tables::cells(view)).with(tables::totals(view.results))
}

fn section(name: &str, words: &str) -> Element {
    el("section").with(el("h2").text(name)).with(note(words))
}

fn note(words: &str) -> Element {
    el("p").class("note").text(words)
}

fn figure(name: &str, words: &str, drawings: impl IntoIterator<Item = Element>) -> Element {
    let caption = el("figcaption").with(el("h3").text(name)).text(words);
    el("figure").with(caption).all(drawings)
}

/// The same plot twice, wide and for a phone: the style sheet shows one of them.
fn sizes([wide, narrow]: [Element; 2]) -> [Element; 2] {
    let shown = |class: &str, drawing| el("div").class(class).with(drawing);
    [shown("wide", wide), shown("narrow", narrow)]
}
