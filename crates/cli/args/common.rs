//! Flags that all commands share.
use std::{convert::Infallible, path::PathBuf, str::FromStr, sync::Arc};

use auth::Secret;
use clap::{ArgAction, Args, ValueEnum};
use copier::{Engine, Foreign, Limits, Observer, Ranges};
use journal::FileJournal;
use pace::{Level, Traffic};
use reference::Registry;
use serde::{Deserialize, Serialize};

use crate::limits::{Cap, Size, of_copy, of_import, range_memory};

/// What every command that copies an image has.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Copies foreign layers too: from the source, else from their urls without credentials
    #[arg(long)]
    include_foreign: bool,
    /// Writes nothing down of uploads under way: large blobs begin again in the next run, whatever ended this one
    #[arg(long)]
    no_journal: bool,
    #[command(flatten)]
    pub(crate) source_login: SourceLogin,
    #[command(flatten)]
    pub(crate) target_login: TargetLogin,
    #[command(flatten)]
    pub(crate) means: Means,
}

impl Common {
    /// What happens to foreign layers.
    pub(crate) fn foreign(&self) -> Foreign {
        if self.include_foreign { Foreign::Include } else { Foreign::Skip }
    }

    /// The engine that does the work, in the traffic that the registries belong to.
    pub(crate) fn engine(&self, observer: Arc<dyn Observer>, traffic: Traffic) -> Engine {
        engine(&self.means.ahead, !self.no_journal, observer, traffic)
    }
}

/// What every command has that brings images from registries, whoever says where to.
#[derive(Debug, Clone, Args)]
pub(crate) struct Means {
    #[command(flatten)]
    pub(crate) caps: Caps,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) ahead: Ahead,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// An engine that reads ahead as `ahead` says, and writes down how far uploads have come where `journal` says so.
pub(crate) fn engine(ahead: &Ahead, journal: bool, observer: Arc<dyn Observer>, traffic: Traffic) -> Engine {
    let engine = Engine::new(observer, traffic).with_ranges(ahead.ranges());
    match FileJournal::of_user().filter(|_| journal) {
        Some(journal) => engine.with_journal(Arc::new(journal)),
        None => engine,
    }
}

/// How results and messages are shown.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Show {
    /// What is printed to stdout: text, or one JSON document, also for failures
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Prints no progress and no warnings
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Logs to stderr what is done with each blob and manifest; given twice, every step at a registry too, and three
    /// times, all there is. `RUST_LOG` chooses finer
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How registries are reached, and how many requests they get at a time.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct Reach {
    #[command(flatten)]
    pub(crate) access: Access,
    /// How many transfers may be under way at each registry; without it 20 to begin with, and up to 32 as long as that
    /// goes well. A registry that answers 429 or 503, or takes no connections, gets fewer, whatever is said here
    #[arg(short, long, value_name = "N", value_parser = lanes)]
    jobs: Option<usize>,
    /// The same for one registry. Repeatable
    #[arg(long, value_name = "HOST[:PORT]=N", value_parser = lanes_at, action = ArgAction::Append)]
    pub(crate) jobs_at: Vec<(Registry, usize)>,
}

/// How large blobs are read ahead.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct Ahead {
    /// How many ranges of one large blob may be read at a time, where a source is slow and more of them help; 1 never
    /// asks for a part
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = ranges)]
    ranges: usize,
    /// How much memory all such ranges together may take: bytes, 64MiB and the like
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = range_memory)]
    range_memory: Size,
}

impl Reach {
    /// The lanes of registries that have none of their own.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic::new(self.jobs.map_or_else(Level::default, Level::exactly))
    }
}

impl Ahead {
    /// When a blob is read in several ranges, and what that may cost.
    pub(crate) fn ranges(&self) -> Ranges {
        Ranges { most: self.ranges, memory: self.range_memory.0, ..Ranges::default() }
    }
}

/// How registries are reached.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Registries")]
pub(crate) struct Access {
    /// Speaks plain HTTP to this registry; loopback needs no telling. Repeatable
    #[arg(long, value_name = "HOST[:PORT]", env = "TRANSSHIP_PLAIN_HTTP", value_delimiter = ',')]
    #[arg(action = ArgAction::Append)]
    pub(crate) plain_http: Vec<String>,
    /// Speaks TLS to this registry on loopback. Repeatable
    #[arg(long, value_name = "HOST[:PORT]", env = "TRANSSHIP_TLS", value_delimiter = ',')]
    #[arg(action = ArgAction::Append)]
    pub(crate) tls: Vec<String>,
    /// Says that this host is an Azure registry, where its name does not show it. Repeatable
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',', action = ArgAction::Append)]
    pub(crate) acr: Vec<String>,
    /// Trusts the certificates in this PEM file too. Repeatable
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    pub(crate) ca_file: Vec<PathBuf>,
    /// Offers HTTP/2; several connections of HTTP/1.1 are faster for large layers
    #[arg(long)]
    pub(crate) http2: bool,
}

/// Limits on what is copied.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Caps {
    /// The most manifests an image may hold below its root: a number, or none
    #[arg(long, value_name = "N", env = "TRANSSHIP_MAX_MANIFESTS")]
    max_manifests: Option<Cap<usize>>,
    /// The largest layer: bytes, 4GiB and the like, or none
    #[arg(long, value_name = "SIZE", env = "TRANSSHIP_MAX_LAYER_SIZE")]
    max_layer_size: Option<Cap<Size>>,
}

impl Caps {
    /// The limits of an import; `public` says why its source counts as public.
    pub(crate) fn of_import(self, public: Option<String>) -> Limits {
        of_import(self.max_manifests, self.max_layer_size, public)
    }

    /// The limits of a copy.
    pub(crate) fn of_copy(self) -> Limits {
        of_copy(self.max_manifests, self.max_layer_size)
    }
}

/// Credentials for the source.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct SourceLogin {
    /// The user name at the source; else `TRANSSHIP_SOURCE_USERNAME` and `TRANSSHIP_SOURCE_PASSWORD`, else what
    /// docker and podman have stored
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// The password at the source; others on this machine can see it. Alone, it is an Entra access token
    #[arg(short, long, value_name = "PASSWORD", group = "source_password")]
    pub(crate) password: Option<Hidden>,
    /// Reads the source's password from stdin
    #[arg(long, group = "source_password")]
    pub(crate) password_stdin: bool,
    /// Reads the source's password from a file
    #[arg(long, value_name = "FILE", group = "source_password")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Credentials for the target.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct TargetLogin {
    /// The user name at the target; else `TRANSSHIP_TARGET_USERNAME` and `TRANSSHIP_TARGET_PASSWORD`, else what
    /// docker and podman have stored
    #[arg(long, value_name = "NAME")]
    pub(crate) target_username: Option<String>,
    /// Reads the target's password from a file
    #[arg(long, value_name = "FILE")]
    pub(crate) target_password_file: Option<PathBuf>,
}

/// A password from the command line, which no message repeats.
#[derive(Debug, Clone)]
pub(crate) struct Hidden(pub(crate) Secret);

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Secret::new(text.to_owned())))
    }
}

/// `HOST[:PORT]=N`.
fn lanes_at(text: &str) -> Result<(Registry, usize), String> {
    let (host, number) = text.rsplit_once('=').ok_or("a registry and its number: registry.example=8")?;
    let registry = host.parse().map_err(|why: reference::ParseError| why.to_string())?;
    Ok((registry, lanes(number)?))
}

/// A number of requests that may be under way.
pub(crate) fn lanes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(lanes @ 1..=1000) => Ok(lanes),
        _ => Err("a number from 1 to 1000".to_owned()),
    }
}

/// As many ranges as one blob may be read in.
pub(crate) fn ranges(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(ranges @ 1..=64) => Ok(ranges),
        _ => Err("a number from 1 to 64".to_owned()),
    }
}
