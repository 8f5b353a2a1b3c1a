//! `transship mirror`: many images, as a file says.
use std::path::PathBuf;

use clap::Args;
use copier::Foreign;

use super::{
    common::{Means, lanes},
    scale::{Pruning, Role, Together, Watching},
};

/// Brings many images to where they are to be, as a file says, and again whenever they change
#[derive(Debug, Args)]
#[command(
    long_about = "Brings many images to where they are to be, as a file says, and again whenever they change.

CONFIG is YAML (or JSON): where images come from, which tags are meant, and where they go. What several images share \
crosses once. One image that fails does not stop the others; the next run does only what is missing. A run with \
nothing to do asks each side once for each tag, and pulls nothing, unless CONFIG asks for referrers, or \
for platforms with a queue. Of tags that are declared immutable and have arrived, at most one in each repository is \
asked for at the destination, and none at the source. Where CONFIG selects by date, each tag that patterns find is asked \
for at the source once more. Credentials are those that docker and podman have stored."
)]
#[command(after_help = "Example:
  version: 1
  to: registry.inside.example/mirror
  images:
    - from: docker.io/library/alpine
      tags: [latest, \"3.2*\"]
    - from: quay.io/team/app
      tags: [{semver: \">=1.4, <2\"}]
      newest: 3
      immutable: true

Exit codes: 10 when some images failed; when all did for one reason, that reason's code. docs/mirror.md says more.")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct MirrorArgs {
    /// What is to be where: a file of YAML
    #[arg(value_name = "CONFIG", required_unless_present = "schema")]
    pub(crate) config: Option<PathBuf>,
    /// Prints the JSON Schema of CONFIG, for editors, and does nothing else
    #[arg(long, conflicts_with_all = ["config", "dry_run", "repair", "receipt", "lock", "state"])]
    pub(crate) schema: bool,
    /// Says what would be copied, with sizes, and writes nothing anywhere
    #[arg(long, conflicts_with_all = ["receipt", "lock"])]
    pub(crate) dry_run: bool,
    /// Asks for every part of images that are there already, by their roots' digests, and sends what is missing
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) repair: bool,
    /// Goes on after an image that failed, which is the default
    #[arg(long, conflicts_with = "fail_fast")]
    pub(crate) keep_going: bool,
    /// Begins no image any more after one that failed; those under way are ended
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Writes a receipt there: JSON lines, one as soon as an image is done
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    /// Writes there, at the end, which digest each image has at its destination
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Where runs note what later ones need not ask for: which immutable tags have arrived, what became of indexes,
    /// when images were made. Without it, a file of CONFIG's own below `$XDG_STATE_HOME/transship`. Losing it costs
    /// requests, and nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Notes nothing, and believes no earlier note; those of repositories that this run may write to are taken back, so
    /// that no later run believes them either
    #[arg(long)]
    pub(crate) no_state: bool,
    /// How many images may be under way at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = lanes)]
    pub(crate) images_at_once: usize,
    /// Copies foreign layers too: from the source, else from their urls without credentials
    #[arg(long)]
    include_foreign: bool,
    /// Writes nothing down of uploads under way: large blobs begin again in the next run, whatever ended this one
    #[arg(long)]
    pub(crate) no_journal: bool,
    #[command(flatten)]
    pub(crate) together: Together,
    #[command(flatten)]
    pub(crate) watching: Watching,
    #[command(flatten)]
    pub(crate) pruning: Pruning,
    #[command(flatten)]
    pub(crate) means: Means,
}

impl MirrorArgs {
    /// Whether this process only works for a queue.
    pub(crate) fn works(&self) -> bool {
        self.together.queue.is_some() && self.together.role == Role::Work
    }

    /// What happens to foreign layers.
    pub(crate) fn foreign(&self) -> Foreign {
        if self.include_foreign { Foreign::Include } else { Foreign::Skip }
    }
}
