//! The text format of Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.
use std::fmt::{Display, Write as _};

use crate::board::{Figures, Images};

/// All figures.
pub(crate) fn write(figures: &Figures) -> String {
    let mut page = Page(String::new());
    page.head("runs_total", "counter", "Runs of the mirror, by how they ended.");
    for (result, number) in [("done", figures.done), ("partly", figures.partly), ("failed", figures.failed)] {
        page.labelled("runs_total", "result", result, number);
    }
    page.head("in_progress", "gauge", "Whether a run is under way.");
    page.plain("in_progress", u8::from(figures.under_way));
    page.head("images_total", "counter", "Images, by what came of them in all runs.");
    page.images("images_total", figures.images);
    page.head("last_run_images", "gauge", "Images, by what came of them in the last run that is over.");
    page.images("last_run_images", figures.last_images);
    page.head("bytes_total", "counter", "Bytes of blobs that were sent.");
    page.plain("bytes_total", figures.bytes);
    page.head("requests_total", "counter", "Requests, by whom they were made to.");
    page.labelled("requests_total", "side", "source", figures.source);
    page.labelled("requests_total", "side", "target", figures.target);
    page.head("last_run_duration_seconds", "gauge", "How long the last run took.");
    page.plain("last_run_duration_seconds", format_args!("{:.3}", figures.took.as_secs_f64()));
    if let Some(success) = figures.success {
        let what = "When the last run ended that left everything as it should be.";
        page.head("last_success_timestamp_seconds", "gauge", what);
        page.plain("last_success_timestamp_seconds", success);
    }
    page.0
}

struct Page(String);

// Writing to a string does not fail.
impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let name = format_args!("transship_mirror_{name}");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn plain(&mut self, name: &str, number: impl Display) {
        let _ = writeln!(self.0, "transship_mirror_{name} {number}");
    }

    fn labelled(&mut self, name: &str, label: &str, value: &str, number: u64) {
        let _ = writeln!(self.0, "transship_mirror_{name}{{{label}=\"{value}\"}} {number}");
    }

    fn images(&mut self, name: &str, images: Images) {
        for (result, number) in [
            ("copied", images.copied),
            ("unchanged", images.unchanged),
            ("failed", images.failed),
            ("pruned", images.pruned),
        ] {
            self.labelled(name, "result", result, number);
        }
    }
}
