//! The page of a benchmark: one HTML file that needs nothing else, readable at a glance, by day and by night.
//!
//! Reading order: `view` (what is shown), `sections`, then `facts`, `about` and `command` (words), `lines`, `bars`,
//! `latency`, `traffic` (plots) and `tables`; below them `rows`, `svg`, `scale`, `unit` and `markup`.
mod about;
mod bars;
mod command;
mod facts;
mod latency;
mod lines;
mod markup;
mod rows;
mod scale;
mod sections;
mod svg;
mod tables;
mod traffic;
mod unit;
mod view;

use markup::el;
use view::View;

use crate::results::Results;

/// The results as one HTML document, without scripts, and without anything that a browser would have to fetch.
pub fn page(results: &Results) -> String {
    let view = View::new(results);
    let head = el("head")
        .with(el("meta").attr("charset", "utf-8"))
        .with(el("meta").attr("name", "viewport").attr("content", "width=device-width, initial-scale=1"))
        .with(el("meta").attr("name", "color-scheme").attr("content", "light dark"))
        .with(el("title").text(format!("transship bench: {}", about::route(results))))
        .with(el("style").style(include_str!("style.css")));
    let body = el("body").with(sections::header(&view)).with(el("main").all(sections::all(&view)));
    format!("<!DOCTYPE html>\n{}\n", el("html").attr("lang", "en").with(head).with(body))
}
