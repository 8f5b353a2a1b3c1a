//! `transship serve`: a registry straight from layouts.
use std::path::PathBuf;

use clap::{ArgAction, Args};
use reference::RepositoryName;

use super::Show;

/// Serves layouts and archives as a registry, straight from where they are
#[derive(Debug, Args)]
#[command(
    long_about = "Serves layouts and archives as a registry, straight from where they are: nothing is unpacked or copied.

What is served is read-only unless --writable says otherwise. A repository is found under the name that its entries \
have (repository:tag); entries that are a tag alone are in a repository named after the directory or archive, unless \
docker or containerd wrote down what the image is called. Several layouts are one registry: their repositories and \
tags are put together, and of a tag that stands for different images the first layout's counts. What others write to a \
layout meanwhile, or an archive that is replaced, is seen at once.

It listens until a signal comes (SIGINT, SIGTERM, SIGHUP). Requests under way then have 10 seconds, and the exit code \
is 0; a second signal does not wait."
)]
#[command(after_help = "Examples:
  transship serve images.tar
  transship serve oci:images oci-archive:more.tar --listen 0.0.0.0:5000 --tls-cert server.pem --tls-key server.key
  transship serve --writable oci:store --htpasswd users --listen 127.0.0.1:0 --output json")]
pub(crate) struct ServeArgs {
    /// What is served: oci:DIR, oci-archive:FILE, or the path of either
    #[arg(value_name = "LAYOUT", required = true, num_args = 1..)]
    pub(crate) layouts: Vec<String>,
    /// Where to listen; port 0 takes one that is free
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5000")]
    pub(crate) listen: String,
    /// Takes pushes and deletions too, into the one layout that is named, which is made if it does not exist. What is
    /// deleted is hidden; no blob is removed from disk
    #[arg(long)]
    pub(crate) writable: bool,
    /// The repository of entries that name none, instead of one named after their directory or
    /// archive
    #[arg(long, value_name = "REPO")]
    pub(crate) repository: Option<RepositoryName>,
    /// Speaks TLS with the certificates in this PEM file, the server's own first. A renewed one is taken without a
    /// restart
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of the first certificate, in PEM, not encrypted
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// How many connections may be open at once; whoever comes then waits until one ends
    #[arg(long, value_name = "N", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) max_connections: u32,
    /// Lets in only users of this file, as `htpasswd -B` writes it: bcrypt alone
    #[arg(long, value_name = "FILE", action = ArgAction::Set)]
    pub(crate) htpasswd: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) show: Show,
}
