//! `transship bench`: what is measured, between which registries.
use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{Access, Show, SourceLogin, TargetLogin};
use crate::limits::{self, Size};

/// Measures how fast blobs move between two registries
#[derive(Debug, Args)]
#[command(
    override_usage = "transship bench [OPTIONS]
       transship bench HOST/REPO HOST/REPO [OPTIONS]
       transship bench HOST/REPO:TAG HOST/REPO [OPTIONS]",
    long_about = "Measures how fast blobs move between two registries: throughput, requests, connections, latencies, \
CPU time and peak memory.

Without SOURCE and TARGET it moves content of its own between two registries of its own, on loopback, with their files \
in memory where there is room for them. Each run is a process of its own that does what `copy` does, without a \
journal; the settings take turns, and what is shown of each is the median of its runs.

Between your own registries it writes to the two repositories that you name, and to nothing else: content of its own \
to SOURCE, unless that has a tag or a digest, and all that is moved to TARGET, by digest, without a tag. It says \
beforehand how much that is. After each run the target is emptied again, and at the end the source; it says what it \
could not remove. Where a target removes nothing, each run moves other content, which stays there. Registries keep the \
bytes of what was removed until they collect their garbage."
)]
#[command(after_help = "Examples:
  transship bench
  transship bench --rtt 50ms --rate 5MiB --jobs 4,18 --html bench.html
  transship bench --jobs 8 --ranges 1,2,4,8 --layers 1 --layer-size 256MiB --images 1 --shared 0 --rate 5MiB
  transship bench a.example/scratch/bench b.example/scratch/bench --dry-run
  transship bench a.example/app:v1 b.example/scratch/bench --output json")]
pub(crate) struct BenchArgs {
    /// Where blobs are read: a repository that gets content of its own first, or an image that is only read
    #[arg(value_name = "SOURCE", requires = "target")]
    pub(crate) source: Option<String>,
    /// Where they are written: a repository that holds none of it
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// How many requests may be under way at one registry: numbers, each of which is measured
    #[arg(short, long, value_name = "N,...", default_value = "1,4,18", value_delimiter = ',')]
    #[arg(value_parser = super::lanes)]
    pub(crate) jobs: Vec<usize>,
    /// How many ranges of one large blob may be read at a time: numbers, each of which is measured with each of --jobs
    #[arg(long, value_name = "N,...", default_value = "1,8", value_delimiter = ',')]
    #[arg(value_parser = super::ranges)]
    pub(crate) ranges: Vec<usize>,
    /// How many runs each setting gets
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeat: u16,
    /// Puts both registries this far away: what a round trip takes longer, as in 50ms or 0.2s. Their names stay theirs;
    /// proxies are passed by
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) rtt: Option<Duration>,
    /// Lets each connection to the source carry so many bytes a second at most, as in 5MiB
    #[arg(long, value_name = "SIZE", value_parser = limits::some_bytes)]
    pub(crate) rate: Option<Size>,
    /// Writes a page with plots to this file, too: one that needs nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) html: Option<PathBuf>,
    /// Only says what would be written to which registry
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    #[command(flatten)]
    pub(crate) source_login: SourceLogin,
    #[command(flatten)]
    pub(crate) target_login: TargetLogin,
    #[command(flatten)]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// Content that is made for the purpose.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Content")]
pub(crate) struct ContentArgs {
    /// How many images are made and moved; 2 if nothing is said. All of them have 100,000 layers at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) images: Option<u32>,
    /// How many layers each of them has; 3 if nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) layers: Option<u32>,
    /// How large each layer is: bytes, 64KiB and the like, 16 at least; 20MiB if nothing is said
    #[arg(long, value_name = "SIZE", value_parser = layer_size)]
    pub(crate) layer_size: Option<Size>,
    /// How many of the layers all images have in common; 1 if nothing is said, and none of a single one
    #[arg(long, value_name = "N")]
    pub(crate) shared: Option<u32>,
    /// What the content is made from: the same number makes the same digests. 1 between registries of its own, else
    /// another one each time
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl ContentArgs {
    /// The first flag that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--images", self.images.is_some()),
            ("--layers", self.layers.is_some()),
            ("--layer-size", self.layer_size.is_some()),
            ("--shared", self.shared.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

/// One run of a benchmark, as the benchmark itself starts it: what to do comes on stdin.
#[derive(Debug, Args)]
pub(crate) struct BenchRunArgs {
    #[command(flatten)]
    pub(crate) show: Show,
}

/// The size of a layer: smaller ones might be alike by chance, and be one blob.
fn layer_size(text: &str) -> Result<Size, String> {
    match limits::some_bytes(text)? {
        Size(..16) => Err("16 or more".to_owned()),
        size => Ok(size),
    }
}

/// `50ms`, `0.2s`.
fn time(text: &str) -> Result<Duration, String> {
    const TIMES: &str = "a time of at most a minute, as in 50ms or 0.2s";
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or(TIMES)?, 1.0),
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| TIMES)? * unit;
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| TIMES)?;
    if time > Duration::from_secs(60) { Err(TIMES.to_owned()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_an_end() {
        let ms = |text: &str| time(text).map(|time| time.as_millis());
        assert_eq!([ms("50ms"), ms("0.2s"), ms("2 s"), ms("0ms")], [Ok(50), Ok(200), Ok(2000), Ok(0)]);
        for text in ["50", "ms", "-1ms", "61s", "NaNs", "infs", "1m", ""] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
