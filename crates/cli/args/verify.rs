//! `transship verify`: what is to be proven, and how closely.
use clap::Args;
use copier::Foreign;
use verify::Depth;

use super::{Reach, Show, SourceLogin, TargetLogin};

/// Proves that a destination holds what it should, and writes nothing
#[derive(Debug, Args)]
#[command(
    override_usage = "transship verify [OPTIONS] SRC DST
       transship verify [OPTIONS] LOCATION",
    long_about = "Proves that a destination holds what it should, and writes nothing.

Of two locations, DST is to have what SRC has now: the same root by its digest, and below it all that it leads to. One \
LOCATION is to be whole in itself; with a tag and a digest, the tag is to be at that digest. A location is what \
`transship copy` takes.

Every manifest is read and held against its digest, and every blob is asked for, once in each repository, and has to \
have its size. --quick compares the roots' digests alone, by one request a side. --deep reads every byte of every blob. \
All that is wrong is listed, with what helps; one image that is not whole stops no other.

Exit codes: 0 all of it is proven · 4 something is missing · 5 something is wrong: a digest, a size, bytes, a tag that \
stands elsewhere · 10 some of several images are not as they should be · others where something kept us from looking."
)]
#[command(after_help = "Examples:
  transship verify alpine:3 registry.example/base/alpine
  transship verify --deep registry.example/app:v1
  transship verify registry.example/app:v1@sha256:DIGEST
  transship verify --deep oci:images:app:v1 --output json")]
pub(crate) struct VerifyArgs {
    /// Where the image should have come from, or the only place that is looked at
    #[arg(value_name = "SRC | LOCATION")]
    pub(crate) source: String,
    /// Where it should be; without a tag, under the source's
    #[arg(value_name = "DST")]
    pub(crate) destination: Option<String>,
    /// Compares the digests of roots alone, and looks at nothing below them
    #[arg(long, conflicts_with = "deep")]
    quick: bool,
    /// Reads every byte of every blob
    #[arg(long)]
    deep: bool,
    /// Looks for foreign layers too, which a copy leaves where they are
    #[arg(long)]
    include_foreign: bool,
    #[command(flatten)]
    pub(crate) source_login: SourceLogin,
    #[command(flatten)]
    pub(crate) target_login: TargetLogin,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) show: Show,
}

impl VerifyArgs {
    /// How closely is looked.
    pub(crate) fn depth(&self) -> Depth {
        match (self.quick, self.deep) {
            (true, _) => Depth::Quick,
            (_, true) => Depth::Deep,
            _ => Depth::Graph,
        }
    }

    /// What happens to foreign layers.
    pub(crate) fn foreign(&self) -> Foreign {
        if self.include_foreign { Foreign::Include } else { Foreign::Skip }
    }
}
