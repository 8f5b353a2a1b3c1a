//! The environment that decides which credential files are read.
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

/// Environment variables and the home directory. Held as a value, so that tests need not change the process.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    /// Where podman keeps its file when `XDG_RUNTIME_DIR` is not set.
    runtime: Option<PathBuf>,
}

impl Environment {
    /// This process's environment.
    pub fn current() -> Self {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        Self { variables: std::env::vars_os().collect(), home, runtime: runtime_directory() }
    }

    /// An environment of exactly these variables.
    pub fn new<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
        home: Option<PathBuf>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, home, runtime: None }
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The home directory, where there is one.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Podman's directory below `$XDG_RUNTIME_DIR`, or what it uses instead.
    pub(crate) fn runtime(&self) -> Option<PathBuf> {
        self.variable("XDG_RUNTIME_DIR").map(|set| Path::new(set).join("containers")).or(self.runtime.clone())
    }

    /// A path as users write it: `~` for the home directory.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let below = self.home().and_then(|home| path.strip_prefix(home).ok());
        below.map_or_else(|| path.display().to_string(), |rest| format!("~/{}", rest.display()))
    }

    /// All variables, for a child process.
    pub(crate) fn variables(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }
}

/// containers-auth.json(5): `/run/containers/$UID`.
#[cfg(target_os = "linux")]
fn runtime_directory() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    Some(PathBuf::from(format!("/run/containers/{user}")))
}

#[cfg(not(target_os = "linux"))]
fn runtime_directory() -> Option<PathBuf> {
    None
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables hold secrets.
        f.debug_struct("Environment").field("home", &self.home).finish_non_exhaustive()
    }
}
