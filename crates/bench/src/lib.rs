//! `transship bench`: how fast blobs move between two registries, measured run by run.
//!
//! Reading order: [`results`](Results) is what comes out, as JSON has it.
mod page;
mod results;

pub use page::page;
pub use results::{
    Cell, Latencies, Link, Machine, Results, Run, SideCounts, SideTotals, Sides, Totals, Workload,
};
