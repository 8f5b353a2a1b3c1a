//! The log: what the rooms trace, on stderr. No room traces a secret. What others trace is not ours to judge: below
//! `INFO` they may show headers and URLs, and stay off whatever `RUST_LOG` asks for.
use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{MakeWriter, format::FmtSpan},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::Progress;
use crate::args::Show;

/// Starts logging: what the flags ask for, or `RUST_LOG`. Of a daemon, nobody sees an exit code for long: without
/// either it says what is wrong. Others say only what they wait for, which would look as if they hung.
pub(crate) fn start(show: Show, daemon: bool, progress: Arc<Progress>) {
    let verbose = show.verbose;
    let asked = directives(verbose, std::env::var("RUST_LOG").ok());
    let trouble = if show.quiet { "error" } else { "warn" };
    let unasked = if daemon { Some(rooms(trouble)) } else { (!show.quiet).then(|| WAITS.to_owned()) };
    let Some(directives) = asked.or(unasked) else { return };
    let filter = EnvFilter::new(directives).and(filter_fn(|event| may_show(event.target(), *event.level())));
    // A step at a registry is a span: its end says how long it took.
    let spans = if verbose > 1 { FmtSpan::CLOSE } else { FmtSpan::NONE };
    let log = tracing_subscriber::fmt::layer().compact().with_span_events(spans);
    let log = log.with_ansi(io::stderr().is_terminal()).with_writer(Beside(progress));
    // Only a second call could fail.
    drop(tracing_subscriber::registry().with(log.with_filter(filter)).try_init());
}

/// The rooms of this house.
const ROOMS: [&str; 17] = [
    "transship",
    "reference",
    "content",
    "auth",
    "pace",
    "registry",
    "layout",
    "journal",
    "copier",
    "server",
    "link",
    "bench",
    "mirror",
    "bundle",
    "verify",
    "queue",
    "status",
];

/// Whether a log may hold what `target` traces at this level: all of ours, little of others'.
fn may_show(target: &str, level: Level) -> bool {
    let room = target.split("::").next().unwrap_or_default();
    level <= Level::INFO || ROOMS.contains(&room)
}

/// Where requests are sent again and blobs resumed: that is done, not asked.
const RETRIES: &str = "registry::client=debug,copier::steady=debug";

/// Where other processes are waited for.
const WAITS: &str = "layout::lock=warn";

/// The directives: what `RUST_LOG` says, else what the flags ask for.
fn directives(verbose: u8, rust_log: Option<String>) -> Option<String> {
    let ours = |others: &str, level: &str| format!("{others},{}", rooms(level));
    Some(match (rust_log.filter(|text| !text.is_empty()), verbose) {
        (Some(text), _) => text,
        (None, 0) => return None,
        (None, 1) => format!("{},{RETRIES}", ours("warn", "info")),
        (None, 2) => ours("warn", "debug"),
        (None, _) => ours("info", "trace"),
    })
}

fn rooms(level: &str) -> String {
    let rooms: Vec<String> = ROOMS.iter().map(|room| format!("{room}={level}")).collect();
    rooms.join(",")
}

/// Writes beside the bars.
struct Beside(Arc<Progress>);

impl<'a> MakeWriter<'a> for Beside {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

struct Line<'a>(&'a Progress);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.around(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_logged_unless_asked() {
        assert_eq!(directives(0, None), None);
        assert_eq!(directives(0, Some(String::new())), None);
    }

    #[test]
    fn what_others_trace_stays_off_whatever_is_asked_for() {
        for target in ["h2::codec::framed_write", "hyper_util::client", "rustls", "registry_of_others"] {
            assert!(may_show(target, Level::INFO) && may_show(target, Level::ERROR));
            assert!(!may_show(target, Level::DEBUG) && !may_show(target, Level::TRACE), "{target}");
        }
        assert!(may_show("registry::client", Level::TRACE) && may_show("transship", Level::DEBUG));
    }
}
