//! Results as text, for a terminal.
use std::fmt::Write as _;

use crate::{
    results::{Cell, Link, Results, Run, SideTotals, Workload},
    words::{bytes, count, grouped, mib},
};

/// A column: its head in two lines, and what stands below it.
struct Column {
    head: [&'static str; 2],
    of: fn(&Cell) -> String,
}

const fn column(above: &'static str, below: &'static str, of: fn(&Cell) -> String) -> Column {
    Column { head: [above, below], of }
}

/// The first four say what was measured and how fast it was; then what it cost; then each side.
const COLUMNS: [Column; 15] = [
    column("jobs", "", |cell| cell.jobs.to_string()),
    column("ranges", "", |cell| cell.ranges.to_string()),
    column("rate", "MiB/s", |cell| format!("{:.1}", rate(&cell.median))),
    column("wall", "s", |cell| format!("{:.3}", cell.median.wall_s)),
    column("from", "s", |cell| format!("{:.3}", walls(cell).fold(f64::INFINITY, f64::min))),
    column("to", "s", |cell| format!("{:.3}", walls(cell).fold(0.0, f64::max))),
    column("CPU", "s", |cell| told(cell.median.cpu_s > 0.0, format!("{:.3}", cell.median.cpu_s))),
    column("memory", "MiB", |cell| {
        told(cell.median.peak_bytes > 0, format!("{:.1}", mib(cell.median.peak_bytes)))
    }),
    column("source", "requests", |cell| grouped(cell.median.source.requests)),
    column("", "conns", |cell| grouped(cell.median.source.connections)),
    column("", "p50 ms", |cell| format!("{:.1}", cell.median.source.to_head_ms.p50)),
    column("", "p99 ms", |cell| format!("{:.1}", cell.median.source.to_head_ms.p99)),
    column("target", "requests", |cell| grouped(cell.median.target.requests)),
    column("", "conns", |cell| grouped(cell.median.target.connections)),
    column("", "p50 ms", |cell| format!("{:.1}", cell.median.target.to_head_ms.p50)),
];

impl Results {
    /// The results as a table, with what was measured above and what is left below.
    pub fn text(&self) -> String {
        let mut text = heading(self);
        if !self.cells.is_empty() {
            text.push('\n');
            text.push_str(&table(&self.cells));
            text.push('\n');
            text.extend(fastest(&self.cells));
        }
        let side = |name: &str, side: SideTotals| {
            format!(
                "in all, {name}: {}, {}, {} sent, {} received\n",
                count(usize::try_from(side.requests).unwrap_or(usize::MAX), "request"),
                count(usize::try_from(side.connections).unwrap_or(usize::MAX), "connection"),
                bytes(side.sent),
                bytes(side.received),
            )
        };
        text.push_str(&side("source", self.totals.source));
        text.push_str(&side("target", self.totals.target));
        for left in &self.left {
            text.extend(["left behind in ", left, "\n"]);
        }
        text
    }
}

fn heading(results: &Results) -> String {
    let Results { machine, workload, .. } = results;
    let storage = match results.storage.as_deref() {
        Some("memory") => ", with files in memory",
        Some(_) => ", with files on disk",
        None => "",
    };
    let runs = results.cells.first().map(|cell| format!("; medians of {}", count(cell.runs.len(), "run")));
    let cpu = if machine.cpu.is_empty() { &machine.arch } else { &machine.cpu };
    let mut text = String::new();
    // Writing into text does not fail.
    let _ = writeln!(text, "from    {} to {}{storage}{}", results.source, results.target, link(results.link));
    let what = what(workload);
    let (blobs, all) = (count(workload.blobs, "blob"), bytes(workload.bytes));
    let _ = writeln!(text, "moved   {what}: {blobs}, {all} a run{}", runs.unwrap_or_default());
    let memory = if machine.memory > 0 { format!(", {}", bytes(machine.memory)) } else { String::new() };
    let _ = writeln!(
        text,
        "machine {} x {cpu}{memory}, {}; transship {}",
        machine.cpus, machine.os, results.version
    );
    text
}

/// The images of a run.
fn what(workload: &Workload) -> String {
    let (images, size) = (count(workload.images, "image"), bytes(workload.layer_bytes));
    match workload.seed {
        None => format!("{images}, the largest blob of {size}"),
        Some(seed) => {
            let layers = count(workload.layers, "layer");
            format!("{images} of {layers} of {size}, {} in common, seed {seed}", workload.shared)
        }
    }
}

fn link(link: Option<Link>) -> String {
    let Some(Link { rtt_ms, rate }) = link else { return String::new() };
    let rtt = if rtt_ms > 0.0 { format!(", {rtt_ms} ms away") } else { String::new() };
    let rate = rate.map(|rate| format!(", {} a second on each connection to the source", bytes(rate)));
    rtt + &rate.unwrap_or_default()
}

fn table(cells: &[Cell]) -> String {
    let mut lines = vec![String::new(); cells.len().saturating_add(2)];
    for Column { head, of } in &COLUMNS {
        let words = head.iter().map(|word| (*word).to_owned()).chain(cells.iter().map(of));
        let words: Vec<String> = words.collect();
        let width = words.iter().map(String::len).max().unwrap_or_default();
        for (line, word) in lines.iter_mut().zip(words) {
            let gap = if line.is_empty() { "" } else { "  " };
            // Writing into text does not fail.
            let _ = write!(line, "{gap}{word:>width$}");
        }
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn fastest(cells: &[Cell]) -> Option<String> {
    let best = cells.iter().max_by(|a, b| rate(&a.median).total_cmp(&rate(&b.median)))?;
    let (jobs, ranges) = (best.jobs, best.ranges);
    Some(format!("fastest: --jobs {jobs} --ranges {ranges}, {:.1} MiB/s\n", rate(&best.median)))
}

/// MiB a second; 0 where no time passed.
fn rate(run: &Run) -> f64 {
    if run.wall_s > 0.0 { mib(run.bytes) / run.wall_s } else { 0.0 }
}

fn walls(cell: &Cell) -> impl Iterator<Item = f64> {
    cell.runs.iter().map(|run| run.wall_s)
}

/// What is not known is not 0.
fn told(known: bool, text: String) -> String {
    if known { text } else { "-".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Latencies, Machine, SideCounts, Totals};

    fn results() -> Results {
        let side = |requests| SideCounts {
            requests,
            connections: 4,
            sent: 0,
            received: 0,
            to_head_ms: Latencies { p50: 0.25, p90: 1.0, p99: 12.5, max: 13.0 },
        };
        let run = |wall_s| Run {
            wall_s,
            cpu_s: 0.125,
            peak_bytes: 9 << 20,
            bytes: 100 << 20,
            source: side(21),
            target: side(1_042),
        };
        let cell = |jobs, wall| Cell {
            jobs,
            ranges: 8,
            runs: vec![run(wall - 0.1), run(wall), run(wall + 0.1)],
            median: run(wall),
        };
        let sum = SideTotals { requests: 1_234, connections: 1, sent: 0, received: 3 << 30 };
        Results {
            version: "0.1.0".to_owned(),
            machine: Machine {
                os: "linux".to_owned(),
                arch: "x86_64".to_owned(),
                cpus: 2,
                cpu: "A Processor".to_owned(),
                memory: 8 << 30,
            },
            source: "embedded".to_owned(),
            target: "embedded".to_owned(),
            link: Some(Link { rtt_ms: 50.0, rate: Some(5 << 20) }),
            storage: Some("memory".to_owned()),
            workload: Workload {
                images: 4,
                layers: 4,
                layer_bytes: 8 << 20,
                shared: 1,
                seed: Some(1),
                blobs: 17,
                manifests: 4,
                bytes: 100 << 20,
            },
            cells: vec![cell(1, 2.0), cell(18, 0.5)],
            totals: Totals { source: sum, target: sum },
            left: vec!["b.example/app: 1 manifest and 2 blobs, 3 B".to_owned()],
            warnings: Vec::new(),
        }
    }

    #[test]
    fn columns_stand_below_their_heads_with_their_units() {
        let expected = "\
from    embedded to embedded, with files in memory, 50 ms away, 5.0 MiB a second on each connection to the source
moved   4 images of 4 layers of 8.0 MiB, 1 in common, seed 1: 17 blobs, 100.0 MiB a run; medians of 3 runs
machine 2 x A Processor, 8.0 GiB, linux; transship 0.1.0

jobs  ranges   rate   wall   from     to    CPU  memory    source                           target
               MiB/s      s      s      s      s     MiB  requests  conns  p50 ms  p99 ms  requests  conns  p50 ms
";
        let text = results().text();
        println!("{text}");
        assert!(text.contains(expected.lines().next().unwrap()), "{text}");
        assert!(text.lines().all(|line| line.len() <= 120), "{text}");
    }
}
