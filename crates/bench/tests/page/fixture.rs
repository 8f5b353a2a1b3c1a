//! Results that nobody measured, but somebody could have: the same for a seed, of any number of cells.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::arithmetic_side_effects,
    reason = "numbers that nobody measured are small"
)]
use bench::{Cell, Latencies, Link, Machine, Results, Run, SideCounts, SideTotals, Sides, Totals, Workload};

const BYTES: u64 = 120 * 65_536;

/// One cell for each of these jobs and ranges, five runs each, over a link of 50 ms and 5 MiB/s.
pub(crate) fn results(jobs: &[usize], ranges: &[usize]) -> Results {
    let pairs = ranges.iter().flat_map(|ranges| jobs.iter().map(move |jobs| (*jobs, *ranges)));
    let cells = pairs.map(|(jobs, ranges)| cell(jobs, ranges)).collect();
    let total = |requests| SideTotals { requests, connections: 180, sent: 4 * BYTES, received: 9 * BYTES };
    Results {
        version: "0.1.0".to_owned(),
        machine: Machine {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
            cpu: "A processor with a name of its own, 2.10 GHz".to_owned(),
            memory: 25_000_000_000,
        },
        source: "embedded".to_owned(),
        target: "embedded".to_owned(),
        storage: Some("memory".to_owned()),
        link: Some(Link { rtt_ms: 50.0, rate: Some(5 << 20) }),
        workload: Workload {
            images: 20,
            layers: 5,
            layer_bytes: 65_536,
            shared: 0,
            seed: Some(1),
            blobs: 120,
            manifests: 20,
            bytes: BYTES,
        },
        cells,
        totals: Totals { source: total(14_520), target: total(31_000) },
        left: Vec::new(),
        warnings: Vec::new(),
    }
}

fn cell(jobs: usize, ranges: usize) -> Cell {
    let runs: Vec<Run> =
        [0.0, 0.06, -0.04, 0.02, 0.11].iter().map(|noise| run(jobs, ranges, *noise)).collect();
    Cell { jobs, ranges, median: run(jobs, ranges, 0.02), runs }
}

/// More jobs help until they do not; ranges help a little, and cost memory.
fn run(jobs: usize, ranges: usize, noise: f64) -> Run {
    let noise = 1.0 + noise * (1.0 + (jobs * ranges % 7) as f64 / 5.0);
    let lanes = (jobs as f64).min(24.0) * (1.0 + (ranges as f64).log2() / 12.0);
    let wall_s = (0.25 + 12.0 / lanes + (jobs as f64) / 80.0) * noise;
    Run {
        wall_s,
        cpu_s: 0.05 * noise + 0.002 * jobs as f64,
        peak_bytes: ((8.0 + 0.1 * jobs as f64 + 0.9 * ranges as f64) * noise * 1_048_576.0) as u64,
        bytes: BYTES,
        source: side(jobs, 141, 50.6 * noise),
        target: side(jobs, 261, 51.9 * noise),
    }
}

fn side(jobs: usize, requests: u64, typical: f64) -> SideCounts {
    let crowd = 1.0 + jobs as f64 / 40.0;
    let to_head_ms = Latencies {
        p50: typical,
        p90: typical * 1.1 * crowd,
        p99: typical * 1.6 * crowd,
        max: typical * 2.9 * crowd,
    };
    SideCounts { requests, connections: jobs as u64, sent: 30_000, received: BYTES, to_head_ms }
}

/// What a first try looks like: a few jobs, with and without ranges.
pub(crate) fn typical() -> Results {
    results(&[1, 4, 18, 32], &[1, 8])
}

/// One cell, without a link.
pub(crate) fn one() -> Results {
    Results { link: None, ..results(&[18], &[1]) }
}

/// Thirty cells.
pub(crate) fn many() -> Results {
    results(&[1, 2, 4, 8, 16, 32], &[1, 2, 4, 8, 16])
}

/// Jobs left alone, ranges swept.
pub(crate) fn ranges_only() -> Results {
    results(&[18], &[1, 2, 4, 8])
}

/// Every number of jobs, one by one.
pub(crate) fn steps() -> Results {
    results(&(1..=32).collect::<Vec<_>>(), &[4])
}

/// Nothing that can be told, and nothing that took any time.
pub(crate) fn zeros() -> Results {
    let run = Run {
        wall_s: 0.0,
        cpu_s: 0.0,
        peak_bytes: 0,
        bytes: 0,
        source: SideCounts::default(),
        target: SideCounts::default(),
    };
    let cells = [1, 2].map(|jobs| Cell { jobs, ranges: 1, runs: vec![run; 3], median: run }).to_vec();
    Results {
        machine: Machine {
            os: "linux".into(),
            arch: "x86_64".into(),
            cpus: 1,
            cpu: String::new(),
            memory: 0,
        },
        link: Some(Link { rtt_ms: 0.0, rate: None }),
        cells,
        totals: Sides::default(),
        workload: Workload { blobs: 0, manifests: 0, bytes: 0, ..typical().workload },
        ..typical()
    }
}

/// No cell at all.
pub(crate) fn nothing() -> Results {
    Results { cells: Vec::new(), ..typical() }
}

/// Long names, some of which would rather be markup, and something that was left.
pub(crate) fn hostile() -> Results {
    let long = "registry.".to_owned() + &"very-long-name.".repeat(12) + "example.com:5000/a/repository";
    let script =
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">".to_owned();
    let mut results = results(&[1, 1_000_000], &[1, 100_000]);
    results.storage = None;
    results.source.clone_from(&long);
    results.target = format!("{script}&\u{202e}");
    results.machine.cpu.clone_from(&script);
    results.left = vec![format!("{long}@sha256:{}", "0123456789abcdef".repeat(4)), script.clone()];
    results.warnings = vec![script];
    results
}

/// An image of somebody's own, between registries of their own.
pub(crate) fn named() -> Results {
    let typical = typical();
    Results {
        source: "registry.example.com/team/app:v1".to_owned(),
        target: "mirror.example.org/scratch/bench".to_owned(),
        storage: None,
        link: None,
        workload: Workload { images: 1, seed: None, ..typical.workload },
        left: vec!["mirror.example.org/scratch/bench: 24 blobs, 7.5 MiB".to_owned()],
        ..typical
    }
}

/// All of them, with names.
pub(crate) fn all() -> [(&'static str, Results); 9] {
    [
        ("typical", typical()),
        ("one", one()),
        ("many", many()),
        ("ranges", ranges_only()),
        ("steps", steps()),
        ("named", named()),
        ("zeros", zeros()),
        ("nothing", nothing()),
        ("hostile", hostile()),
    ]
}
