//! What was typed.
mod bench;
mod bundle;
mod common;
mod copy;
mod import;
mod inventory;
mod mirror;
mod scale;
mod serve;
mod verify;

use clap::{Parser, Subcommand};

pub(crate) use bench::{BenchArgs, BenchRunArgs, ContentArgs};
pub(crate) use bundle::{ApplyArgs, BundleArgs, BundleCommand, CreateArgs, ShowArgs};
pub(crate) use common::engine;
pub(crate) use common::{Access, Common, Output, Reach, Show, SourceLogin, TargetLogin};
use common::{Hidden, lanes, ranges};
pub(crate) use copy::CopyArgs;
pub(crate) use import::ImportArgs;
pub(crate) use inventory::InventoryArgs;
pub(crate) use mirror::MirrorArgs;
pub(crate) use scale::{Role, Share};
pub(crate) use serve::ServeArgs;
pub(crate) use verify::VerifyArgs;

/// Copies container images and OCI artifacts between registries and directories, and proves that what arrived is
/// what was sent.
#[derive(Debug, Parser)]
#[command(name = "transship", version, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done · 1 protocol broken or a bug · 2 usage · 3 authentication · 4 absent · \
                        5 content is not what its name says · 6 refused by a limit or rule · 7 not reachable · \
                        8 tag exists · 9 local file or disk · 10 some of several failed · 129/130/143 interrupted"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // What help says about each stands with its flags.
    Import(Box<ImportArgs>),
    Copy(Box<CopyArgs>),
    Verify(Box<VerifyArgs>),
    Serve(Box<ServeArgs>),
    Mirror(Box<MirrorArgs>),
    Inventory(Box<InventoryArgs>),
    Bundle(Box<BundleArgs>),
    Bench(Box<BenchArgs>),
    #[command(hide = true)]
    BenchRun(BenchRunArgs),
}

impl Command {
    /// How results and messages are shown.
    pub(crate) fn show(&self) -> Show {
        match self {
            Self::Import(args) => args.common.means.show,
            Self::Copy(args) => args.common.means.show,
            Self::Verify(args) => args.show,
            Self::Serve(args) => args.show,
            Self::Mirror(args) => args.means.show,
            Self::Inventory(args) => args.show,
            Self::Bundle(args) => args.show(),
            Self::Bench(args) => args.show,
            Self::BenchRun(args) => args.show,
        }
    }

    /// Whether it goes on until somebody ends it, and tells of trouble meanwhile.
    pub(crate) fn is_daemon(&self) -> bool {
        matches!(self, Self::Serve(_))
    }
}

#[cfg(test)]
mod deploy_tests;
