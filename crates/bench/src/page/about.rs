//! What was measured, how, and what stayed behind.
use super::{
    markup::{Element, el},
    unit::{bytes, count, number, rate, whole},
    view::View,
};
use crate::results::{Link, Machine, Results, Workload};

const EMBEDDED: &str = "embedded";

/// From where to where.
pub(super) fn route(results: &Results) -> String {
    match (results.source.as_str(), results.target.as_str()) {
        (EMBEDDED, EMBEDDED) => "Between two embedded registries".to_owned(),
        (source, target) => format!("From {source} to {target}"),
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
    let Some(link) = link else { return "no link between: the registries as they are".to_owned() };
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
    let (work, machine) = (&results.workload, &results.machine);
    let mut facts = vec![
        (
            "Runs",
            format!("{} of each cell, taken in turn; a process of its own for each", whole(view.runs())),
        ),
        ("Source", results.source.clone()),
        ("Target", results.target.clone()),
        ("Link", link(results.link)),
        (
            "Layers",
            format!(
                "{} of {} in each image, {} shared by all images",
                work.layers,
                bytes(work.layer_bytes),
                work.shared
            ),
        ),
        ("Blobs", format!("{} in {}", bytes(work.bytes), count(whole(work.blobs), "distinct blob"))),
        ("Manifests", work.manifests.to_string()),
        ("Seed", work.seed.to_string()),
        ("Processor", format!("{}, {}", count(whole(machine.cpus), "core"), known(&machine.cpu))),
        ("System", format!("{} {}", machine.os, machine.arch)),
        ("Version", format!("transship {}", results.version)),
    ];
    if let Some(storage) = &results.storage {
        facts.push(("Storage", format!("{storage}, of embedded registries")));
    }
    if machine.memory > 0 {
        facts.push(("Memory", bytes(machine.memory)));
    }
    let rows =
        facts.into_iter().map(|(name, words)| el("div").with(el("dt").text(name)).with(el("dd").text(words)));
    el("div").all(caution(results)).with(el("dl").class("details").all(rows))
}

fn known(name: &str) -> &str {
    if name.is_empty() { "of a make that the system does not tell" } else { name }
}

/// What a reader could take these numbers for, and should not.
fn caution(results: &Results) -> Option<Element> {
    if results.source != EMBEDDED && results.target != EMBEDDED {
        return None;
    }
    let words = "Embedded registries share this machine’s cores with the copy: compare these numbers with each other, \
                 not with those of a network.";
    Some(el("p").class("note").text(words))
}

/// What the benchmark wrote and could not remove.
pub(super) fn left(results: &Results) -> Option<Element> {
    if results.left.is_empty() {
        return None;
    }
    let items = results.left.iter().map(|words| el("li").text(words));
    let head = el("h2").text("What was left");
    let note = el("p").class("note").text("It was written for this benchmark and could not be removed.");
    Some(el("section").class("left").with(head).with(note).with(el("ul").all(items)))
}
