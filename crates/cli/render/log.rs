//! The log: what the rooms trace, on stderr. No room traces a secret; the HTTP stack's own traces, which would show
//! headers, stay off unless `RUST_LOG` asks for them by name.
use std::{
    io::{self, Write},
    sync::Arc,
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

use super::Progress;

/// Starts logging: `verbose` flags, or what `RUST_LOG` says.
pub(crate) fn start(verbose: u8, progress: Arc<Progress>) {
    let Some(filter) = filter(verbose, std::env::var("RUST_LOG").ok()) else { return };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Beside(progress)).finish();
    // Only a second call could fail.
    drop(subscriber.try_init());
}

fn filter(verbose: u8, rust_log: Option<String>) -> Option<EnvFilter> {
    let asked = rust_log.filter(|text| !text.is_empty());
    let text = match (asked, verbose) {
        (Some(text), _) => text,
        (None, 0) => return None,
        (None, 1) => "warn,transship=info,registry=info,layout=info,auth=info,copier=info".to_owned(),
        (None, 2) => "warn,transship=debug,registry=debug,layout=debug,auth=debug,copier=debug".to_owned(),
        (None, _) => "info,transship=trace,registry=trace,layout=trace,auth=trace,copier=trace".to_owned(),
    };
    Some(EnvFilter::new(text))
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
