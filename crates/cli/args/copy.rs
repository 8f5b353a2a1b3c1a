//! `transship copy`: any location to any others.
use clap::Args;
use copier::{Platforms, Referrers};

use super::Common;

/// Copies an image from any location to any others: every platform, digests kept
#[derive(Debug, Args)]
#[command(
    long_about = "Copies an image from any location to any others: every platform, digests kept, unless \
--platform chooses.

A location is HOST/REPO[:TAG][@DIGEST], with Docker's short names; a layout, oci:DIR[:REF]; or a layout in a tar \
file, oci-archive:FILE[:REF]. A tag that exists is moved; a destination that holds the same digest already is left as \
it is, unless --repair doubts that all of it is there."
)]
#[command(after_help = "Examples:
  transship copy alpine:3 registry.example/base/alpine
  transship copy registry.example/app@sha256:DIGEST other.example/app:v1
  transship copy registry.example/app:v1 oci:images
  transship copy registry.example/app:v1 oci-archive:images.tar
  transship copy oci:images:app:v1 localhost:5000/app localhost:5001/app:latest")]
pub(crate) struct CopyArgs {
    /// Where the image is read
    #[arg(value_name = "SRC")]
    pub(crate) source: String,
    /// Where it is written; without a tag, under the source's
    #[arg(value_name = "DST", required = true, num_args = 1..)]
    pub(crate) destinations: Vec<String>,
    /// Refuses to move tags that exist
    #[arg(short, long)]
    pub(crate) no_clobber: bool,
    /// With --no-clobber: counts a tag that is at the source's digest already as done
    #[arg(long, requires = "no_clobber")]
    pub(crate) allow_same: bool,
    /// Asks for every part of an image that is there already, by its root's digest, and sends what is missing; with
    /// --no-clobber, --allow-same is needed too
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) extent: Extent,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// How much of an image is copied, and what beside it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Extent {
    /// Copies what is about the image too, before its tag: referrers of it and of what is below it, referrers of those,
    /// and what cosign keeps under tags. Where the image is already, they are looked for all the same
    #[arg(long)]
    referrers: bool,
    /// Copies these platforms only, each of which has to be there: an index that has others too is made anew of the
    /// entries that are left, and has another digest. An image that is no index has to be for one of them
    #[arg(long, value_name = "OS/ARCH[/VARIANT],...")]
    platform: Option<Platforms>,
}

impl Extent {
    /// Whether what is about the image goes along.
    pub(crate) fn referrers(&self) -> Referrers {
        if self.referrers { Referrers::Follow } else { Referrers::Leave }
    }

    /// Which platforms are copied.
    pub(crate) fn platforms(&self) -> Platforms {
        self.platform.clone().unwrap_or_default()
    }
}
