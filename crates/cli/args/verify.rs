//! `transship verify`: what is to be proven, and how closely.
use std::path::PathBuf;

use clap::Args;
use copier::{Foreign, Platforms, Referrers};
use verify::Depth;

use super::{Reach, Show, SourceLogin, TargetLogin};

/// Proves that a destination holds what it should, and writes nothing
#[derive(Debug, Args)]
#[command(
    override_usage = "transship verify [OPTIONS] SRC DST
       transship verify [OPTIONS] LOCATION
       transship verify [OPTIONS] <--config CONFIG | --receipt FILE | --lock FILE>",
    long_about = "Proves that a destination holds what it should, and writes nothing.

Of two locations, DST is to have what SRC has now: the same root by its digest, and below it all that it leads to. One \
LOCATION is to be whole in itself; with a tag and a digest, the tag is to be at that digest. A location is what \
`transship copy` takes. A whole mirror is proven by its CONFIG, or, without its sources, by the receipt or the lock file \
of `transship mirror`; credentials are then those that docker and podman have stored.

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
  transship verify --config mirror.yaml
  transship verify --deep --receipt receipt.jsonl
  transship verify --deep oci:images:app:v1 --output json")]
pub(crate) struct VerifyArgs {
    /// Where the image should have come from, or the only place that is looked at
    #[arg(value_name = "SRC | LOCATION", required_unless_present_any = ["config", "receipt", "lock"])]
    pub(crate) source: Option<String>,
    /// Where it should be; without a tag, under the source's
    #[arg(value_name = "DST")]
    pub(crate) destination: Option<String>,
    /// A whole mirror: each destination of CONFIG is to have what its source has now
    #[arg(long, value_name = "CONFIG", conflicts_with_all = ["source", "receipt", "lock"])]
    pub(crate) config: Option<PathBuf>,
    /// What a receipt says: each destination is to have the digest that arrived
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "lock"])]
    pub(crate) receipt: Option<PathBuf>,
    /// What a lock file says: each destination is to have its digest
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    pub(crate) lock: Option<PathBuf>,
    #[command(flatten)]
    closely: Closely,
    /// Of SRC, these platforms only: DST is to be what `copy --platform` makes of them. SRC is read to know that
    #[arg(long, value_name = "OS/ARCH[/VARIANT],...", requires = "destination")]
    pub(crate) platform: Option<Platforms>,
    /// Looks for foreign layers too, which a copy leaves where they are
    #[arg(long)]
    include_foreign: bool,
    /// Looks at what is about images too, by referrers and by cosign's tags: what a source has is to be there, and what
    /// is there is to be whole
    #[arg(long, conflicts_with = "quick")]
    referrers: bool,
    #[command(flatten)]
    pub(crate) source_login: SourceLogin,
    #[command(flatten)]
    pub(crate) target_login: TargetLogin,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// How closely is looked.
#[derive(Debug, Clone, Copy, Args)]
struct Closely {
    /// Compares the digests of roots alone, and looks at nothing below them
    #[arg(long, conflicts_with = "deep")]
    quick: bool,
    /// Reads every byte of every blob
    #[arg(long)]
    deep: bool,
}

impl VerifyArgs {
    /// How closely is looked.
    pub(crate) fn depth(&self) -> Depth {
        match (self.closely.quick, self.closely.deep) {
            (true, _) => Depth::Quick,
            (_, true) => Depth::Deep,
            _ => Depth::Graph,
        }
    }

    /// Which platforms were copied.
    pub(crate) fn platforms(&self) -> Platforms {
        self.platform.clone().unwrap_or_default()
    }

    /// What happens to all that is about images.
    pub(crate) fn referrers(&self) -> Referrers {
        if self.referrers { Referrers::Follow } else { Referrers::Leave }
    }

    /// What happens to foreign layers.
    pub(crate) fn foreign(&self) -> Foreign {
        if self.include_foreign { Foreign::Include } else { Foreign::Skip }
    }
}
