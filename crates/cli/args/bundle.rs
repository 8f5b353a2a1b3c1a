//! `transship bundle`: what a destination lacks, carried there.
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Reach, Show, TargetLogin, common::Means, copy::Extent};
use crate::limits::{Size, volume_size};

/// Packs what a destination lacks into files, and brings it there from them
#[derive(Debug, Args)]
#[command(long_about = "Packs what a destination lacks into files, and brings it there from them.

A bundle is made where the sources can be reached, against an inventory of the destination, and applied where the \
destination is. Its volumes are OCI archives; docs/bundle.md says what else is in them.")]
pub(crate) struct BundleArgs {
    #[command(subcommand)]
    pub(crate) command: BundleCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    // What help says about each stands with its flags.
    Create(Box<CreateArgs>),
    Apply(Box<ApplyArgs>),
    Show(ShowArgs),
}

impl BundleArgs {
    /// How results and messages are shown.
    pub(crate) fn show(&self) -> Show {
        match &self.command {
            BundleCommand::Create(args) => args.means.show,
            BundleCommand::Apply(args) => args.show,
            BundleCommand::Show(args) => args.show,
        }
    }
}

/// Packs what a destination lacks of the images that a file selects
#[derive(Debug, Args)]
#[command(long_about = "Packs what a destination lacks of the images that a file selects.

CONFIG is that of `transship mirror`: the bundle brings its images to the repositories and tags that it says, at \
whichever registry or layout the bundle is applied to. Each blob is read once and checked on the way. A run that was \
cut off goes on with the volumes that are whole: its plan waits in FILE.plan. An image that cannot be read is left out \
and named, and the exit code is 10 then; the next bundle against the same inventory brings it. Credentials are those \
that docker and podman have stored.")]
#[command(after_help = "Examples:
  transship bundle create mirror.yaml --file first.tar
  transship bundle create mirror.yaml --have have.json --file week2.tar --volume-size 4GiB
  transship bundle create --volume 2 --file week2.tar")]
pub(crate) struct CreateArgs {
    /// Which images, and where they are to be: the file of `transship mirror`
    #[arg(value_name = "CONFIG", required_unless_present = "volume")]
    pub(crate) config: Option<PathBuf>,
    /// What the destination holds, from `transship inventory`. Repeatable; without it, everything is packed
    #[arg(long, value_name = "INVENTORY", num_args = 1.., conflicts_with = "volume")]
    pub(crate) have: Vec<PathBuf>,
    /// The file of the bundle: FILE.tar; with --volume-size FILE.1.tar, FILE.2.tar and so on
    #[arg(short, long, value_name = "FILE.tar")]
    pub(crate) file: PathBuf,
    /// The most bytes of one file: bytes, 4GiB and the like. A blob that does not fit goes on in the next
    #[arg(long, value_name = "SIZE", value_parser = volume_size, conflicts_with = "volume")]
    pub(crate) volume_size: Option<Size>,
    /// Makes only this volume, as it was: with any other volume of the bundle beside FILE, or FILE.plan
    #[arg(long, value_name = "N", conflicts_with = "config")]
    pub(crate) volume: Option<u32>,
    /// Leaves out images that cannot be read, names them and makes a bundle of the rest, which is the default
    #[arg(long, conflicts_with_all = ["fail_fast", "volume"])]
    pub(crate) keep_going: bool,
    /// Makes no bundle when an image cannot be read
    #[arg(long, conflicts_with = "volume")]
    pub(crate) fail_fast: bool,
    #[command(flatten)]
    pub(crate) extent: Extent,
    /// Packs foreign layers too
    #[arg(long, conflicts_with = "volume")]
    pub(crate) include_foreign: bool,
    #[command(flatten)]
    pub(crate) means: Means,
}

/// Brings a bundle to a registry or into a layout
#[derive(Debug, Args)]
#[command(long_about = "Brings a bundle to a registry or into a layout.

Volumes come in any order, together or one by one. A layout keeps what has come until the rest does. A registry is \
filled when all volumes are there: given together, or collected in the directory that --staging names. Tags are \
written last, when everything is there, and existing ones are moved. A bundle whose base is not at the destination is \
refused before anything is written.")]
#[command(after_help = "Examples:
  transship bundle apply week2.*.tar registry.inside.example/mirror
  transship bundle apply week2.1.tar oci:images
  transship bundle apply week2.1.tar registry.inside.example --staging /var/spool/bundles")]
pub(crate) struct ApplyArgs {
    /// The files of one bundle, and then the destination: HOST, HOST/PREFIX or oci:DIR
    #[arg(value_name = "VOLUME... DEST", required = true, num_args = 2..)]
    pub(crate) words: Vec<String>,
    /// Refuses to move tags that exist
    #[arg(short, long)]
    pub(crate) no_clobber: bool,
    /// Where volumes wait for a registry until all have come
    #[arg(long, value_name = "DIR")]
    pub(crate) staging: Option<PathBuf>,
    /// Leaves there what the registry has taken
    #[arg(long, requires = "staging")]
    pub(crate) keep_staging: bool,
    /// Writes nothing down of uploads under way: large blobs begin again in the next run, whatever ended this one
    #[arg(long)]
    pub(crate) no_journal: bool,
    #[command(flatten)]
    pub(crate) login: TargetLogin,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// Says what is in volumes of a bundle, and whether they are whole
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Files of one bundle
    #[arg(value_name = "VOLUME", required = true)]
    pub(crate) volumes: Vec<PathBuf>,
    /// Reads every byte, and checks it
    #[arg(long)]
    pub(crate) deep: bool,
    #[command(flatten)]
    pub(crate) show: Show,
}
