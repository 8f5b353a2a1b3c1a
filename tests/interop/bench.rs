//! Benchmarks between registries of another make: what they report is what stands in both access logs.
use serde_json::Value;

use crate::{
    registries::{Registry, distribution, distribution_3},
    transship,
};

/// A line of an access log, in the combined form.
struct Line {
    method: String,
    status: u16,
    /// Bytes of the answer's body. Of a HEAD, those that it would have: they are not sent.
    bytes: u64,
}

/// `127.0.0.1 - - [22/Nov/2026:08:30:28 +0000] "GET /v2/a/blobs/sha256:24... HTTP/1.1" 200 65536 "" "transship/0.1.0"`
fn line(text: &str) -> Option<Line> {
    let (request, rest) = text.split_once("] \"")?.1.split_once("\" ")?;
    let mut numbers = rest.split(' ');
    Some(Line {
        method: request.split(' ').next()?.to_owned(),
        status: numbers.next()?.parse().ok()?,
        bytes: numbers.next()?.parse().ok()?,
    })
}

/// Everything in a registry's access log.
fn log(registry: &Registry) -> Vec<Line> {
    let all = registry.requests(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    all.iter().map(|text| line(text).unwrap()).collect()
}

fn sum(lines: &[Line], counts: impl Fn(&Line) -> bool) -> u64 {
    lines.iter().filter(|line| counts(line)).map(|line| line.bytes).sum()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// What a side has in all runs together.
fn in_runs(results: &Value, side: &str, key: &str) -> u64 {
    let cells = results["cells"].as_array().unwrap().iter();
    let runs = cells.flat_map(|cell| cell["runs"].as_array().unwrap());
    runs.map(|run| number(&run[side][key])).sum()
}

/// Measures between both, and compares every figure that their logs have.
fn compare(source: &Registry, target: &Registry, more: &[&str]) -> Value {
    let (from, to) = (source.reference("bench/source"), target.reference("bench/target"));
    let line =
        ["bench", &from, &to, "--layer-size", "1MiB", "--jobs", "1,8", "--repeat", "2", "--output", "json"];
    let results = transship().run(&[&line, more].concat()).exits(0).json();
    let logs = (log(source), log(target));
    for (side, log) in [("source", &logs.0), ("target", &logs.1)] {
        let total = &results["totals"][side];
        assert_eq!(number(&total["requests"]), log.len() as u64, "requests to the {side}");
        assert_eq!(
            number(&total["received"]),
            sum(log, |line| line.method != "HEAD"),
            "bytes from the {side}"
        );
    }
    // Nothing but the runs reads content; and what they read is what they write. The logs do not have the bytes of
    // requests.
    let read = sum(&logs.0, |line| line.method == "GET" && line.status == 200);
    assert_eq!(in_runs(&results, "source", "received"), read);
    assert_eq!(in_runs(&results, "target", "sent"), read);
    assert_eq!(number(&results["totals"]["target"]["sent"]), read);
    let gets = logs.0.iter().filter(|line| line.method == "GET").count() as u64;
    let images = number(&results["workload"]["images"]);
    let runs: u64 = 2 * 2 * 2;
    assert_eq!(in_runs(&results, "source", "requests"), gets + runs * images, "a HEAD for each image");
    results
}

#[test]
fn what_a_benchmark_reports_stands_in_both_access_logs() {
    for make in [distribution, distribution_3] {
        let (source, target) = (make().removable().start(), make().removable().start());
        let results = compare(&source, &target, &[]);
        assert_eq!(results["left"], Value::Array(Vec::new()));
        // It is gone: the same content can be measured again.
        let seed = results["workload"]["seed"].to_string();
        let (from, to) = (source.reference("bench/source"), target.reference("bench/target"));
        let again =
            ["bench", &from, &to, "--layer-size", "1MiB", "--jobs", "8", "--repeat", "1", "--seed", &seed];
        transship().run(&again).exits(0);
    }
}

#[test]
fn a_benchmark_between_registries_that_remove_nothing_reports_what_stands_in_their_logs_too() {
    let (source, target) = (distribution().start(), distribution().start());
    let results = compare(&source, &target, &["--images", "2"]);
    let left = results["left"].as_array().unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    let runs = 2 * 2 * 2;
    let blobs = runs * number(&results["workload"]["blobs"]);
    for (words, place) in
        left.iter().zip([source.reference("bench/source"), target.reference("bench/target")])
    {
        let expected = format!("{place}: {} manifests and {blobs} blobs, ", runs * 2);
        assert!(words.as_str().unwrap().starts_with(&expected), "{words}");
    }
}

#[test]
fn a_link_is_counted_with_what_passes_it() {
    let (source, target) = (distribution().removable().start(), distribution().removable().start());
    compare(&source, &target, &["--rtt", "2ms", "--rate", "50MiB", "--images", "1"]);
}
