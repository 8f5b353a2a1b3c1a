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

    /// Whether it goes on until somebody ends it, or waits for others: it tells of trouble meanwhile.
    pub(crate) fn is_daemon(&self) -> bool {
        match self {
            Self::Serve(_) => true,
            Self::Mirror(args) => args.watching.watch.is_some() || args.together.queue.is_some(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stays_or_waits_for_others_tells_of_trouble_meanwhile() {
        let daemon = |words: &str| {
            let words = words.split(' ').filter(|word| !word.is_empty());
            Cli::try_parse_from(["transship"].into_iter().chain(words)).unwrap().command.is_daemon()
        };
        for stays in [
            "serve oci:dir",
            "mirror m.yaml --watch 10m",
            "mirror m.yaml --queue nats://queue.example",
            "mirror m.yaml --queue nats://queue.example --role work --watch 10m",
        ] {
            assert!(daemon(stays), "{stays}");
        }
        for ends in ["mirror m.yaml", "mirror m.yaml --dry-run", "copy oci:a oci:b"] {
            assert!(!daemon(ends), "{ends}");
        }
    }
}

#[cfg(test)]
mod deploy_tests;
