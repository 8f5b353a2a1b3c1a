//! Flags of mirrors that are done by several processes, that keep running, and that remove.
use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};
use mirror::Shard;

use super::Hidden;

/// A mirror that is done by several processes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Several processes")]
pub(crate) struct Together {
    /// Does only the share I of N: whole repositories of the destination, always the same ones. `auto/N` takes the
    /// share from `JOB_COMPLETION_INDEX`, as an Indexed Job of Kubernetes sets it
    #[arg(long, value_name = "I/N", conflicts_with = "queue")]
    pub(crate) shard: Option<Share>,
    /// Divides the work through a server of NATS: `nats://[USER:PASSWORD@]HOST[:PORT]`, or `tls://`. One process plans,
    /// any number work; what a process that died was at goes to another
    #[arg(long, value_name = "URL", env = "TRANSSHIP_QUEUE", hide_env_values = true)]
    #[arg(conflicts_with = "fail_fast")]
    pub(crate) queue: Option<Hidden>,
    /// What this process does for the queue
    #[arg(long, value_enum, default_value_t = Role::Both, requires = "queue")]
    pub(crate) role: Role,
    /// What the queue is called; without it, after what is in CONFIG, so that other configurations are not in the way
    #[arg(long, value_name = "NAME", requires = "queue")]
    pub(crate) queue_name: Option<String>,
    /// Shows the queue's server these credentials: a file as `nsc` writes it
    #[arg(long, value_name = "FILE", requires = "queue")]
    pub(crate) queue_creds: Option<PathBuf>,
    /// How long a worker need not be heard of before its images go to others
    #[arg(long, value_name = "TIME", default_value = "30s", requires = "queue")]
    pub(crate) redeliver_after: Period,
    /// How many workers may die of an image before it counts as failed
    #[arg(long, value_name = "N", default_value_t = 5, requires = "queue")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) deliveries: u32,
}

/// A mirror that keeps running.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Keeping on")]
pub(crate) struct Watching {
    /// Runs again and again, with so much time from the start of a run to the next, give or take a tenth; a run that
    /// takes longer is followed at once. Reads CONFIG and credentials anew each time. A worker of a queue waits for the
    /// next plan instead
    #[arg(long, value_name = "TIME", conflicts_with_all = ["dry_run", "schema"])]
    pub(crate) watch: Option<Period>,
    /// With --watch: answers `/healthz`, `/readyz` and `/metrics` (for Prometheus) at this address
    #[arg(long, value_name = "IP:PORT", requires = "watch")]
    pub(crate) listen: Option<SocketAddr>,
}

/// A mirror that removes.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Removing")]
pub(crate) struct Pruning {
    /// Removes tags that CONFIG no longer means, from the repositories that it fills: only where nothing failed or
    /// was left, never more than half of a repository's tags, and never signatures. With --dry-run, says which
    #[arg(long)]
    pub(crate) prune: bool,
    /// With --prune: more than half of a repository's tags may go
    #[arg(long, requires = "prune")]
    pub(crate) prune_most: bool,
}

/// What a process does for a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Plans, and copies too
    Both,
    /// Plans, waits for the others, and writes the receipt
    Plan,
    /// Copies what others have planned, until there is nothing left
    Work,
}

/// Which share of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// This one.
    Given(Shard),
    /// That of this pod, of so many.
    OfPod(u32),
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(of) = text.strip_prefix("auto/") else {
            return text.parse().map(Self::Given).map_err(|why: mirror::NoShard| why.to_string());
        };
        let of = of.parse().map_err(|_| format!("{text:?} is no share; of four it is auto/4"))?;
        // Whether there can be so many.
        Shard::new(0, of).map_err(|why| why.to_string())?;
        Ok(Self::OfPod(of))
    }
}

/// A time, such as 10m.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period(pub(crate) Duration);

/// Its units, in seconds.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
/// The longest: a year.
const LONGEST: u64 = 366 * 86_400;

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |unit: &(&str, u64)| {
            let number: u64 = text.strip_suffix(unit.0)?.parse().ok()?;
            number.checked_mul(unit.1)
        };
        match UNITS.iter().find_map(number) {
            Some(seconds @ 1..=LONGEST) => Ok(Self(Duration::from_secs(seconds))),
            _ => Err("a time is a number of s, m, h or d, a year at most: 30s, 10m, 6h, 1d"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_its_unit() {
        for (text, seconds) in [("1s", 1), ("10m", 600), ("6h", 21_600), ("366d", LONGEST)] {
            assert_eq!(text.parse(), Ok(Period(Duration::from_secs(seconds))));
        }
        for bad in ["", "10", "m", "0s", "-1s", "1.5h", "10 m", "367d", "99999999999999999999s", "1w"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_given_or_the_pods() {
        assert_eq!("2/4".parse(), Ok(Share::Given(Shard::new(1, 4).unwrap())));
        assert_eq!("auto/4".parse(), Ok(Share::OfPod(4)));
        for bad in ["auto/0", "auto/", "auto", "auto/x", "0/4", "5/4"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }
}
