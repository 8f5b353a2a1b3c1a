//! The log: what the rooms trace, on stderr. No room traces a secret; the HTTP stack's own traces, which would show
//! headers, stay off unless `RUST_LOG` asks for them by name.
use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use tracing_subscriber::{
    EnvFilter,
    fmt::{MakeWriter, format::FmtSpan},
    util::SubscriberInitExt,
};

use super::Progress;

/// Starts logging: `verbose` flags, or what `RUST_LOG` says.
pub(crate) fn start(verbose: u8, progress: Arc<Progress>) {
    let Some(directives) = directives(verbose, std::env::var("RUST_LOG").ok()) else { return };
    let filter = EnvFilter::new(directives);
    // A step at a registry is a span: its end says how long it took.
    let spans = if verbose > 1 { FmtSpan::CLOSE } else { FmtSpan::NONE };
    let log = tracing_subscriber::fmt().compact().with_env_filter(filter).with_span_events(spans);
    let subscriber = log.with_ansi(io::stderr().is_terminal()).with_writer(Beside(progress)).finish();
    // Only a second call could fail.
    drop(subscriber.try_init());
}

/// The HTTP stack. Its traces show more of a request than a log should hold.
const STACK: [&str; 6] = ["hyper", "hyper_util", "h2", "reqwest", "rustls", "tower"];

/// Where requests are sent again and blobs resumed: that is done, not asked.
const RETRIES: &str = "registry::client=debug,copier::steady=debug";

/// The directives: what `RUST_LOG` says, else what the flags ask for.
fn directives(verbose: u8, rust_log: Option<String>) -> Option<String> {
    let ours = |others: &str, level: &str| {
        let rooms = ["transship", "registry", "auth", "layout", "copier", "pace"];
        let rooms: Vec<String> = rooms.iter().map(|room| format!("{room}={level}")).collect();
        format!("{others},{}", rooms.join(","))
    };
    let mut text = match (rust_log.filter(|text| !text.is_empty()), verbose) {
        (Some(text), _) => text,
        (None, 0) => return None,
        (None, 1) => format!("{},{RETRIES}", ours("warn", "info")),
        (None, 2) => ours("warn", "debug"),
        (None, _) => ours("info", "trace"),
    };
    let named: Vec<String> =
        text.split(',').filter_map(|one| one.split(['=', ':', '[']).next()).map(str::to_owned).collect();
    for target in STACK {
        if !named.iter().any(|name| name == target) {
            text = format!("{text},{target}=info");
        }
    }
    Some(text)
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
    fn the_http_stack_is_held_back_unless_it_is_named() {
        let all = directives(0, Some("trace".to_owned())).unwrap();
        assert!(all.starts_with("trace,") && all.contains(",hyper=info") && all.contains(",reqwest=info"));
        let named = directives(3, Some("hyper=trace,registry=debug".to_owned())).unwrap();
        assert!(
            named.contains("hyper=trace") && !named.contains(",hyper=info") && named.contains(",h2=info")
        );
    }
}
