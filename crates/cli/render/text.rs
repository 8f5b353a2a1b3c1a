//! What a run did, for people.
use copier::{Delivered, Outcome};
use reference::Digest;

use super::{
    Done,
    clean::{bytes, clean, count},
};

/// What was done, line by line.
pub(crate) fn done(done: &Done) -> String {
    let report = &done.report;
    let mut lines =
        vec![format!("{} {}", done.verb, clean(&done.source)), format!("  {}", report.root.digest)];
    if let Some(extent) = report.extent {
        lines.push(format!("  {}, {}", count(extent.manifests, "manifest"), count(extent.blobs, "blob")));
    }
    for outcome in &report.outcomes {
        lines.push(format!("  {}", destination(outcome, &report.root.digest)));
    }
    for layer in &report.skipped {
        lines.push(format!("  left out: {} ({}, foreign)", layer.digest, bytes(layer.size)));
    }
    lines.join("\n") + "\n"
}

/// One destination's line of the result.
pub(crate) fn destination(outcome: &Outcome, root: &Digest) -> String {
    let how = match &outcome.result {
        Ok(delivered) => how(delivered),
        Err(error) => format!("failed: {}", clean(&error.to_string())),
    };
    format!("-> {}: {how}", names(outcome, root))
}

fn names(outcome: &Outcome, root: &Digest) -> String {
    let place = clean(&outcome.place.to_string());
    if !outcome.names.is_empty() {
        let names = outcome.names.iter().map(|name| format!("{place}:{}", clean(name.as_str())));
        return names.collect::<Vec<_>>().join(", ");
    }
    match outcome.place.repository() {
        Some(repository) if outcome.place.origin().starts_with("oci:") => {
            format!("{place}, for {repository}, by digest")
        }
        _ => format!("{place}@{root}"),
    }
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
    if parts.is_empty() { "manifests written".to_owned() } else { parts.join(", ") }
}
