//! What a run did, for people.
use copier::{Delivered, Narrowed, Outcome, Report};
use reference::Digest;

use super::{
    Done,
    clean::{bytes, clean, count},
};
use crate::failure::Partly;

/// What was done, line by line.
pub(crate) fn done(done: &Done) -> String {
    let mut lines = heading(done);
    for outcome in &done.report.outcomes {
        lines.push(format!("  {}", destination(outcome, &done.report.root.digest)));
    }
    lines.extend(left_out(&done.report));
    lines.join("\n") + "\n"
}

/// What was done although something failed; empty when nothing was.
pub(crate) fn partly(partly: &Partly) -> String {
    let report = &partly.done.report;
    let arrived: Vec<String> =
        report.outcomes.iter().filter_map(|outcome| arrived(partly, outcome)).collect();
    if arrived.is_empty() {
        return String::new();
    }
    let mut lines = heading(&partly.done);
    lines.extend(arrived.into_iter().map(|line| format!("  {line}")));
    lines.extend(left_out(report));
    lines.join("\n") + "\n"
}

fn arrived(partly: &Partly, outcome: &Outcome) -> Option<String> {
    if partly.is_published(outcome) {
        return Some(destination(outcome, &partly.done.report.root.digest));
    }
    let place = clean(&outcome.place.to_string());
    let written: Vec<String> =
        outcome.written.iter().map(|name| format!("{place}:{}", clean(name.as_str()))).collect();
    (!written.is_empty()).then(|| format!("-> {}: written before the rest failed", written.join(", ")))
}

fn heading(done: &Done) -> Vec<String> {
    let report = &done.report;
    let mut lines =
        vec![format!("{} {}", done.verb, clean(&done.source)), format!("  {}", report.root.digest)];
    if let Some(Narrowed { from, kept, left_out }) = &report.narrowed {
        let kept: Vec<String> = kept.iter().map(|platform| clean(&platform.to_string())).collect();
        let left_out = if *left_out == 1 { "1 entry".to_owned() } else { format!("{left_out} entries") };
        lines.push(format!("  a new index, of {} in {from}; {left_out} left out", kept.join(", ")));
    }
    if let Some(extent) = report.extent {
        let mut parts = vec![count(extent.manifests, "manifest"), count(extent.blobs, "blob")];
        parts.extend(extent.referrers.map(|referrers| count(referrers, "referrer")));
        lines.push(format!("  {}", parts.join(", ")));
    }
    lines
}

fn left_out(report: &Report) -> impl Iterator<Item = String> {
    report
        .skipped
        .iter()
        .map(|layer| format!("  left out: {} ({}, foreign)", layer.digest, bytes(layer.size)))
}

/// The line of a destination that has the image.
pub(crate) fn destination(outcome: &Outcome, root: &Digest) -> String {
    let how = match &outcome.result {
        Ok(delivered) => how(delivered),
        Err(error) => format!("failed: {}", clean(&error.to_string())),
    };
    format!("-> {}: {how}", names(outcome, root))
}

/// Every destination's line, in the words that it was given in where it failed.
pub(crate) fn destinations(partly: &Partly) -> Vec<String> {
    let Done { asked, report, .. } = &partly.done;
    let asked = asked.iter().map(Some).chain(std::iter::repeat(None));
    let line = |(outcome, asked): (&Outcome, Option<&String>)| match (&outcome.result, asked) {
        (Err(error), Some(asked)) => {
            let said = error.to_string();
            let before = format!("{} {asked}: ", error.side());
            format!("-> {}: failed: {}", clean(asked), clean(said.strip_prefix(&before).unwrap_or(&said)))
        }
        (Ok(_), _) if !partly.is_published(outcome) => {
            format!("-> {}: not published, because another failed", names(outcome, &report.root.digest))
        }
        _ => destination(outcome, &report.root.digest),
    };
    report.outcomes.iter().zip(asked).map(line).collect()
}

fn names(outcome: &Outcome, root: &Digest) -> String {
    let place = clean(&outcome.place.to_string());
    if !outcome.names.is_empty() {
        let names = outcome.names.iter().map(|name| format!("{place}:{}", clean(name.as_str())));
        return names.collect::<Vec<_>>().join(", ");
    }
    match outcome.place.repository() {
        Some(repository) if is_layout(outcome.place.origin()) => {
            format!("{place}, for {repository}, by digest")
        }
        _ => format!("{place}@{root}"),
    }
}

/// Whether an origin is a directory or an archive, whose repositories are told apart by names alone.
fn is_layout(origin: &str) -> bool {
    origin.starts_with("oci:") || origin.starts_with("oci-archive:")
}

fn how(delivered: &Delivered) -> String {
    if delivered.already_there {
        return "was there already".to_owned();
    }
    let mut parts = Vec::new();
    if delivered.copied > 0 {
        parts.push(format!("{} copied ({})", count(delivered.copied, "blob"), bytes(delivered.bytes)));
    }
    for (number, what) in [(delivered.mounted, "mounted"), (delivered.present, "there already")] {
        if number > 0 {
            parts.push(format!("{} {what}", count(number, "blob")));
        }
    }
    if delivered.referrers > 0 {
        parts.push(format!("{} written", count(delivered.referrers, "referrer")));
    }
    if parts.is_empty() { "manifests written".to_owned() } else { parts.join(", ") }
}
