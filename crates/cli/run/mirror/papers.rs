//! The papers of a run: its configuration, its state, and what it leaves for others.
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    args::MirrorArgs,
    failure::Failure,
    run::{apart::apart, files},
    usage::Usage,
};

/// The largest configuration that is read: some hundred thousand images.
const MAX_CONFIG: u64 = 16 << 20;

/// The text of the configuration, and what its file is called in messages.
pub(super) async fn config(args: &MirrorArgs) -> Result<(String, String), Failure> {
    // clap asks for one.
    let path = args.config.clone().unwrap_or_default();
    let file = path.clone();
    let text = apart(move || read(&file)).await.map_err(|why| Failure::file(&path, why))?;
    let name = path.display().to_string();
    match text {
        Some(text) => Ok((text, name)),
        None => Err(Usage::about(name, format!("a configuration has at most {MAX_CONFIG} bytes")).into()),
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    File::open(path)?.take(MAX_CONFIG.saturating_add(1)).read_to_string(&mut text)?;
    Ok((text.len() as u64 <= MAX_CONFIG).then_some(text))
}

/// Refuses papers of which one would take the place of another.
pub(super) fn distinct(args: &MirrorArgs) -> Result<(), Usage> {
    let MirrorArgs { config, receipt, lock, state, .. } = args;
    let writes = [("--receipt", receipt), ("--lock", lock), ("--state", state)];
    files::distinct(&[("CONFIG", config.as_deref())], &writes.map(|(flag, path)| (flag, path.as_deref())))
}

/// Writes a file that others read.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = files::write(path, text.as_bytes());
    written.map_err(|why| Failure::Paper { path: path.display().to_string(), why })
}

/// Tells this run from others.
pub(super) fn run_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", now.as_nanos(), std::process::id())
}
