//! Layouts when things go wrong: the real binary is killed, and its disk fails, at every step that changes a file.
mod archives;
mod disk;
mod kills;
mod order;
mod scene;
mod steps;
mod writers;

use scene::Scene;
use steps::{On, Steps, Wrong};
