//! What every plot is made of: a frame with a finding in words, lines, labels and marks.
use super::markup::{Element, el};

/// A plot's size; the text in it is as large as the page's own where it is shown at this size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A plot: its name, and its finding for those who do not see it.
pub(super) fn plot(id: &str, size: Size, title: &str, finding: &str) -> Element {
    let (title_id, text_id) = (format!("{id}-title"), format!("{id}-text"));
    el("svg")
        .attr("viewBox", format!("0 0 {} {}", size.width.round(), size.height.round()))
        .attr("role", "img")
        .attr("aria-labelledby", format!("{title_id} {text_id}"))
        .with(el("title").attr("id", title_id).text(title))
        .with(el("desc").attr("id", text_id).text(finding))
}

/// Text that begins, ends or is centred (`start`, `end`, `middle`) at a place.
pub(super) fn text(anchor: &'static str, x: f64, y: f64, text: impl Into<String>) -> Element {
    el("text").at("x", x).at("y", y).attr("text-anchor", anchor).text(text)
}

/// A straight line of a class.
pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Element {
    el("line").class(class).at("x1", from.0).at("y1", from.1).at("x2", to.0).at("y2", to.1)
}

/// A bar from one place to another, never thinner than a reader can see.
pub(super) fn bar(class: &str, from: (f64, f64), to: f64, thickness: f64) -> Element {
    let y = from.1 - thickness / 2.0;
    let width = (to - from.0).max(1.0);
    el("rect").class(class).at("x", from.0).at("y", y).at("width", width).at("height", thickness)
}

/// A dot, with words for a pointer that rests on it.
pub(super) fn dot(class: &str, at: (f64, f64), radius: f64, words: String) -> Element {
    let circle = el("circle").class(class).at("cx", at.0).at("cy", at.1).at("r", radius);
    circle.with(el("title").text(words))
}

/// A mark of the series' own shape: colour alone tells nobody anything.
pub(super) fn mark(series: usize, (x, y): (f64, f64), radius: f64) -> Element {
    let r = radius;
    let corners: Vec<(f64, f64)> = match series % SHAPES {
        0 => return el("circle").class(&class(series)).at("cx", x).at("cy", y).at("r", r),
        1 => vec![(-r, -r), (r, -r), (r, r), (-r, r)],
        2 => vec![(0.0, -1.3 * r), (1.2 * r, r), (-1.2 * r, r)],
        3 => vec![(0.0, -1.4 * r), (1.4 * r, 0.0), (0.0, 1.4 * r), (-1.4 * r, 0.0)],
        4 => vec![(0.0, 1.3 * r), (1.2 * r, -r), (-1.2 * r, -r)],
        _ => vec![(-1.5 * r, -0.6 * r), (1.5 * r, -0.6 * r), (1.5 * r, 0.6 * r), (-1.5 * r, 0.6 * r)],
    };
    let points = corners.into_iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy));
    el("polygon").class(&class(series)).attr("points", points.collect::<Vec<_>>().join(" "))
}

/// As many shapes as colours.
const SHAPES: usize = 6;

/// The class that gives a series its colour.
pub(super) fn class(series: usize) -> String {
    format!("s{}", series % SHAPES)
}
