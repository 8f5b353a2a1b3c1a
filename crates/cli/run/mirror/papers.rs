//! The papers of a run: its configuration, its state, and what it leaves for others.
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use content::Hasher;
use reference::Algorithm;

use crate::{args::MirrorArgs, failure::Failure, render::Console, run::apart::apart, usage::Usage};

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

/// Where it is noted what has arrived and never moves.
pub(super) struct State(Option<PathBuf>);

impl State {
    /// As the flags say, else a file of the configuration's own below `$XDG_STATE_HOME`.
    pub(super) fn of(args: &MirrorArgs) -> Self {
        let own = || {
            let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
            let state =
                variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
            // As it is named: where links lead may change, as in a volume that Kubernetes makes anew for each pod.
            let config = std::path::absolute(args.config.as_deref()?).ok()?;
            // Paths have characters that no file name has.
            let name = Hasher::digest(Algorithm::Sha256, config.as_os_str().as_encoded_bytes());
            Some(state.join("transship/mirrors").join(format!("{}.json", name.hex())))
        };
        Self(args.state.clone().or_else(own).filter(|_| !args.no_state))
    }

    /// What earlier runs noted; nothing where there is nothing to be read.
    pub(super) fn read(&self) -> mirror::State {
        let text = self.0.as_ref().and_then(|path| fs::read_to_string(path).ok());
        text.map(|text| mirror::State::read(&text)).unwrap_or_default()
    }

    /// For the next run. It can do without.
    pub(super) fn write(&self, state: &mirror::State, console: &Console) {
        let Some(path) = &self.0 else { return };
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(why) = made.and_then(|()| replace(path, &state.text())) {
            console.warn(&format!(
                "cannot write {}: {why}; the next run asks for immutable tags again",
                path.display()
            ));
        }
    }
}

/// Writes a file that others read.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, text).map_err(|why| Failure::Paper { path: path.display().to_string(), why })
}

/// Replaces a file, so that nobody finds half of it. What is no plain file, such as a pipe, is written to.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        return fs::write(path, text);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Tells this run from others.
pub(super) fn run_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", now.as_nanos(), std::process::id())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    #[cfg(unix)]
    fn a_configuration_that_is_reached_by_links_has_one_state_wherever_they_lead() {
        let home = tempfile::tempdir().unwrap();
        let (link, config) = (home.path().join("data"), home.path().join("data/mirror.yaml"));
        let states = ["monday", "tuesday"].map(|day| {
            fs::create_dir(home.path().join(day)).unwrap();
            drop(fs::remove_file(&link));
            std::os::unix::fs::symlink(day, &link).unwrap();
            fs::write(&config, "version: 1").unwrap();
            let words = ["transship", "mirror", config.to_str().unwrap()];
            let Command::Mirror(args) = Cli::try_parse_from(words).unwrap().command else {
                panic!("{words:?}")
            };
            State::of(&args).0.unwrap()
        });
        assert_eq!(states[0], states[1]);
    }
}
