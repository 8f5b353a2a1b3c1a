//! `transship bench`: how fast blobs move between two registries, measured run by run.
//!
//! ```text
//! Plan -> Course: content is made, settings take turns, what was written is removed -> Results
//!            |  an Errand each, to a process of its own        ^
//!            +-----------------> measure() -> Measured --------+
//! ```
//!
//! Reading order: [`Plan`] is what was asked for, [`Course`] what happens, [`measure`](measure()) one run, and
//! [`Results`] what comes out, as JSON has it. Between the user's own registries nothing is written but to the two
//! repositories that they name, and all of it is removed again, as far as those registries let us.
//!
//! Embedded registries run on threads of the process that waits for the runs. On a machine with few processors they
//! take what a run could have used: they hash what they are sent, as every registry does.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking"))]
mod counter;
mod course;
mod ends;
mod errand;
mod host;
mod images;
mod inventory;
mod leftovers;
mod leg;
mod machine;
mod measure;
mod noise;
mod page;
mod plan;
mod results;
mod site;
mod stats;
mod table;
mod words;

pub use counter::Counter;
pub use course::Course;
pub use ends::{Crew, End, Ends, Trouble};
pub use errand::{Errand, Measured, Spot, Told};
pub use host::{Embedded, Host, Storage};
pub use images::Recipe;
pub use measure::measure;
pub use page::page;
pub use plan::{Plan, Subject};
pub use results::{
    Cell, Latencies, Link, Machine, Results, Run, SideCounts, SideTotals, Sides, Totals, Workload,
};
