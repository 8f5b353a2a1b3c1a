//! Results: what a benchmark found out, in the form that its JSON document has.
use serde::{Deserialize, Serialize};

/// Everything that one benchmark found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The version of transship that measured.
    pub version: String,
    /// The machine that it ran on.
    pub machine: Machine,
    /// Where blobs were read: `HOST/REPO`, `HOST/REPO:TAG`, or `embedded`.
    pub source: String,
    /// Where they were written: `HOST/REPO`, or `embedded`.
    pub target: String,
    /// The link before both registries; none when they were reached as they are.
    pub link: Option<Link>,
    /// Where embedded registries kept their content: `memory` or `disk`; none when both registries were named.
    #[serde(default)]
    pub storage: Option<String>,
    /// What one run moves.
    pub workload: Workload,
    /// One for each combination of jobs and ranges, in the order that they were asked for.
    pub cells: Vec<Cell>,
    /// Everything that was said to both registries, preparation and cleaning included.
    pub totals: Totals,
    /// What was written and could not be removed, in words; empty when nothing was left.
    pub left: Vec<String>,
    /// What else a reader of the numbers should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A machine, as far as a reader has to know it to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `linux`, `macos` and so on.
    pub os: String,
    /// `x86_64`, `aarch64` and so on.
    pub arch: String,
    /// How many processors this program may use.
    pub cpus: usize,
    /// The processor's own name; empty where the system does not tell.
    pub cpu: String,
    /// Bytes of main memory; 0 where the system does not tell.
    pub memory: u64,
}

/// The conditions of a link between this program and the registries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Milliseconds that a round trip takes longer, at both registries.
    pub rtt_ms: f64,
    /// Bytes a second that one connection to the source moves at most; none when there is no limit.
    pub rate: Option<u64>,
}

/// What one run moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Images.
    pub images: usize,
    /// Layers of each image.
    pub layers: usize,
    /// Bytes of each layer; of an image that the user named, the largest layer's.
    pub layer_bytes: u64,
    /// How many of the layers all images have in common.
    pub shared: usize,
    /// What the content was made from; none for an image that the user named.
    pub seed: Option<u64>,
    /// Distinct blobs, configurations included.
    pub blobs: usize,
    /// Manifests.
    pub manifests: usize,
    /// Bytes of all distinct blobs.
    pub bytes: u64,
}

/// The runs with one setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Transfers at a time at one registry.
    pub jobs: usize,
    /// Ranges of one blob that are read at a time; 1 when it is read in one piece.
    pub ranges: usize,
    /// Every run, in the order in which they were made.
    pub runs: Vec<Run>,
    /// The median of every number by itself: it need not be any one run.
    pub median: Run,
}

/// One run, in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Seconds from the first request to the last answer.
    pub wall_s: f64,
    /// Seconds of processor time in that while, the system's included; 0 where it cannot be told.
    pub cpu_s: f64,
    /// The most bytes of memory that the process had; 0 where it cannot be told.
    pub peak_bytes: u64,
    /// Bytes of blobs that were moved.
    pub bytes: u64,
    /// What was said to the source.
    pub source: SideCounts,
    /// What was said to the target.
    pub target: SideCounts,
}

/// What was said to one registry during a run, its token server included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SideCounts {
    /// Requests that went out.
    pub requests: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Bytes of the requests' bodies.
    pub sent: u64,
    /// Bytes of the answers' bodies.
    pub received: u64,
    /// How long answers took to begin.
    pub to_head_ms: Latencies,
}

/// Percentiles of durations, in milliseconds; all 0 when there was nothing to measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// Half of them took no longer.
    pub p50: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
    /// Ninety-nine of a hundred took no longer.
    pub p99: f64,
    /// None took longer.
    pub max: f64,
}

/// Both registries' sums.
pub type Totals = Sides<SideTotals>;

/// Something of both registries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides<T> {
    /// The source's.
    pub source: T,
    /// The target's.
    pub target: T,
}

/// Everything that was said to one registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideTotals {
    /// Requests that went out.
    pub requests: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Bytes of the requests' bodies.
    pub sent: u64,
    /// Bytes of the answers' bodies.
    pub received: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What others read is the document, not the types.
    #[test]
    fn the_document_has_the_names_that_its_readers_know() {
        let text = r#"{
          "version":"0.1.0",
          "machine":{"os":"linux","arch":"x86_64","cpus":2,"cpu":"a name","memory":25000000000},
          "source":"embedded","target":"embedded","link":{"rtt_ms":50.0,"rate":5242880},
          "storage":"memory","workload":{"images":20,"layers":5,"layer_bytes":65536,"shared":0,"seed":1,"blobs":120,"manifests":20,
            "bytes":6600000},
          "cells":[{"jobs":18,"ranges":8,"runs":[],
            "median":{"wall_s":0.5,"cpu_s":0.06,"peak_bytes":9500000,"bytes":6600000,
              "source":{"requests":121,"connections":18,"sent":0,"received":6700000,
                "to_head_ms":{"p50":1.0,"p90":2.0,"p99":4.0,"max":5.0}},
              "target":{"requests":121,"connections":18,"sent":6700000,"received":0,
                "to_head_ms":{"p50":1.0,"p90":2.0,"p99":4.0,"max":5.0}}}}],
          "totals":{"source":{"requests":1,"connections":2,"sent":3,"received":4},
            "target":{"requests":5,"connections":6,"sent":7,"received":8}},
          "left":["a repository"],"warnings":["a warning"]}"#;
        let read: Results = serde_json::from_str(text).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }
}
