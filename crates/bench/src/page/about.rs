//! What was measured, how, and what stayed behind.
use super::{
    command::{command, named},
    markup::{Element, el},
    unit::{bytes, count, number, rate, whole},
    view::View,
};
use crate::results::{Link, Machine, Results, Workload};

/// From where to where.
pub(super) fn route(results: &Results) -> String {
    if named(results) {
        format!("From {} to {}", results.source, results.target)
    } else {
        "Between two embedded registries".to_owned()
    }
}

/// What one run moves.
pub(super) fn workload(workload: &Workload) -> String {
    let of = |number: usize, what| count(whole(number), what);
    let (images, layers) = (of(workload.images, "image"), of(workload.layers, "layer"));
    let blobs = of(workload.blobs, "blob");
    format!("{images} of {layers}: {} in {blobs}", bytes(workload.bytes))
}

/// The conditions of the link.
pub(super) fn link(link: Option<Link>) -> String {
    let Some(link) = link else { return "no link before them".to_owned() };
    let rtt = (link.rtt_ms > 0.0).then(|| format!("a round trip of {}\u{a0}ms to both", number(link.rtt_ms)));
    let rate = link.rate.map(|limit| format!("at most {} a connection to the source", rate(limit)));
    let parts: Vec<String> = rtt.into_iter().chain(rate).collect();
    if parts.is_empty() { "a link without delay or limit".to_owned() } else { parts.join(", ") }
}

/// The machine, in a few words.
pub(super) fn machine(machine: &Machine) -> String {
    let name = if machine.cpu.is_empty() { &machine.arch } else { &machine.cpu };
    format!("{} of {name}, {}", count(whole(machine.cpus), "core"), machine.os)
}

/// Everything that somebody needs who wants the same numbers.
pub(super) fn details(view: &View<'_>) -> Element {
    let results = view.results;
    let facts = measured(view).into_iter().chain(content(results)).chain(host(results));
    let rows = facts.map(|(name, words)| el("div").with(el("dt").text(name)).with(el("dd").text(words)));
    let caution = (!named(results)).then(|| el("p").class("note").text(CAUTION));
    let again = if named(results) { "To repeat it, with the same credentials:" } else { "To repeat it:" };
    el("div")
        .all(caution)
        .with(el("dl").class("details").all(rows))
        .with(el("p").class("again").text(again))
        .with(el("pre").with(el("code").text(command(view))))
}

/// What a reader could take these numbers for, and should not.
const CAUTION: &str = "The embedded registries share this machine’s cores with the copy: compare these numbers with \
                       each other, not with those of a network.";

type Fact = (&'static str, String);

fn measured(view: &View<'_>) -> Vec<Fact> {
    let results = view.results;
    let mut facts = vec![
        ("Runs", format!("{} of each cell, in turn, each in a process of its own", view.runs())),
        ("Source", results.source.clone()),
        ("Target", results.target.clone()),
        ("Link", link(results.link)),
    ];
    match results.storage.as_deref() {
        Some("memory") => facts.push(("Storage", "the registries’ files are in memory".to_owned())),
        Some(_) => facts.push(("Storage", "the registries’ files are on disk".to_owned())),
        None => {}
    }
    facts
}

fn content(results: &Results) -> Vec<Fact> {
    let work = &results.workload;
    let size = bytes(work.layer_bytes);
    let blobs = format!("{} in {}", bytes(work.bytes), count(whole(work.blobs), "distinct blob"));
    let layers = match work.seed {
        None => format!("{}, the largest blob has {size}", work.layers),
        Some(_) => format!("{} of {size} in each image, {} common to all images", work.layers, work.shared),
    };
    let mut facts = vec![("Layers", layers), ("Blobs", blobs), ("Manifests", work.manifests.to_string())];
    facts.extend(work.seed.map(|seed| ("Seed", seed.to_string())));
    facts
}

fn host(results: &Results) -> Vec<Fact> {
    let machine = &results.machine;
    let make = if machine.cpu.is_empty() { "make unknown" } else { &machine.cpu };
    let mut facts = vec![
        ("Processor", format!("{}, {make}", count(whole(machine.cpus), "core"))),
        ("System", format!("{} {}", machine.os, machine.arch)),
    ];
    if machine.memory > 0 {
        facts.push(("Memory", bytes(machine.memory)));
    }
    facts
}

/// What the benchmark wrote and could not remove.
pub(super) fn left(results: &Results) -> Option<Element> {
    let note = "It was written for this benchmark and could not be removed.";
    told("What was left", note, &results.left)
}

/// What it warned of.
pub(super) fn warnings(results: &Results) -> Option<Element> {
    told("Warnings", "Whoever reads these numbers should know:", &results.warnings)
}

/// A list that no reader is to miss; none where there is nothing in it.
fn told(head: &str, note: &str, list: &[String]) -> Option<Element> {
    if list.is_empty() {
        return None;
    }
    let items = list.iter().map(|words| el("li").text(words));
    let (head, note) = (el("h2").text(head), el("p").class("note").text(note));
    Some(el("section").class("left").with(head).with(note).with(el("ul").all(items)))
}
