//! `transship inventory`: what a destination holds.
use std::path::PathBuf;

use clap::Args;

use super::{Reach, Show, SourceLogin};

/// Says what a registry or a layout holds, for a bundle that leaves it out
#[derive(Debug, Args)]
#[command(long_about = "Says what a registry or a layout holds, for a bundle that leaves it out.

A place is a repository HOST/REPO, a registry HOST (then all repositories that its catalog lists), a layout oci:DIR or \
an archive. Several repositories are of one registry. All tags are walked, with what refers to their images. The \
inventory is a small file: `transship bundle create --have FILE` reads it.")]
#[command(after_help = "Examples:
  transship inventory registry.inside.example --file have.json
  transship inventory localhost:5000/base/alpine localhost:5000/app
  transship inventory oci:images --file have.json")]
pub(crate) struct InventoryArgs {
    /// What is looked at: HOST, HOST/REPO..., oci:DIR or oci-archive:FILE
    #[arg(value_name = "PLACE", required = true)]
    pub(crate) places: Vec<String>,
    /// Writes the inventory there, and not to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) login: SourceLogin,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) show: Show,
}
