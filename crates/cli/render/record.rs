//! The record: what a copy does, step by step, in the log.
use std::sync::Arc;

use copier::{Delivery, Event, Observer, Report};
use tracing::info;

use super::{Progress, clean::clean};

/// Logs what happens and passes it on.
#[derive(Debug)]
pub(crate) struct Record(pub(crate) Arc<Progress>);

/// The same, of many copies at once: of what goes by, only warnings are shown.
#[derive(Debug)]
pub(crate) struct Many(pub(crate) Arc<Progress>);

impl Observer for Many {
    fn event(&self, event: &Event<'_>) {
        log(event);
        if matches!(event, Event::Warning(_)) {
            self.0.event(event);
        }
    }
}

impl Observer for Record {
    fn event(&self, event: &Event<'_>) {
        log(event);
        self.0.event(event);
    }
}

fn log(event: &Event<'_>) {
    match event {
        Event::Planned { root, manifests, blobs, bytes } => {
            info!(root = %root.digest, manifests, blobs, bytes, "planned");
        }
        Event::Finished { blob, place, how } => {
            let to = clean(&place.to_string());
            info!(blob = %blob.digest, bytes = blob.size, %to, how = in_words(*how), "a blob is done");
        }
        Event::Retrying { blob, fault } => {
            info!(blob = %blob.digest, why = %clean(&fault.to_string()), "a blob is retried");
        }
        Event::Published { place, digest, name } => {
            let to = clean(&place.to_string());
            let name = name.map_or_else(|| "its digest".to_owned(), |name| clean(name.as_str()));
            info!(manifest = %digest, %to, %name, "a manifest is published");
        }
        _ => {}
    }
}

/// Logs what is about to be copied.
pub(crate) fn begin(source: &str) {
    info!(source = %clean(source), "reading");
}

/// Logs what the source was found to be, and how each destination ended.
pub(crate) fn end(report: &Report) {
    info!(root = %report.root.digest, "the source's digest");
    for outcome in &report.outcomes {
        let to = clean(&outcome.place.to_string());
        match &outcome.result {
            Ok(delivered) if delivered.already_there => info!(%to, "was there already"),
            Ok(_) => info!(%to, "done"),
            Err(why) => info!(%to, why = %clean(&why.to_string()), "failed"),
        }
    }
}

fn in_words(how: Delivery) -> &'static str {
    match how {
        Delivery::Present => "there already",
        Delivery::Mounted => "mounted",
        Delivery::Copied => "copied",
    }
}
