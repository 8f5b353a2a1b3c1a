//! Credential stores: the files and helpers of Docker and podman, in the order those tools read them.
mod entry;
mod environment;
pub(crate) mod file;
pub(crate) mod helper;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use reference::{Registry, RepositoryName};
use tokio::time::Instant;

use crate::{
    AuthError, Credential, CredentialSource, Found,
    flight::{self, Flight, Lasting},
};
pub use environment::Environment;
use file::{Answer, File};
use helper::Helper;

/// The credential files and helpers of Docker and podman. Files are read once, at the first question; a helper is
/// asked once for each server, however many tasks want to know.
#[derive(Debug)]
pub struct Stores {
    environment: Environment,
    files: OnceLock<Vec<Result<File, AuthError>>>,
    helpers: Mutex<HashMap<Helper, Arc<Flight<Known>>>>,
}

/// What a helper said.
#[derive(Debug, Clone)]
struct Known {
    credential: Option<Credential>,
    end: Instant,
}

impl Lasting for Known {
    fn renew(&self) -> Instant {
        self.end
    }

    fn end(&self) -> Instant {
        self.end
    }
}

impl Stores {
    /// The stores that this process's environment names.
    pub fn from_environment() -> Self {
        Self::new(Environment::current())
    }

    /// The stores that `environment` names.
    pub fn new(environment: Environment) -> Self {
        Self { environment, files: OnceLock::new(), helpers: Mutex::default() }
    }

    async fn look_up(
        &self,
        registry: &Registry,
        repository: Option<&RepositoryName>,
    ) -> Result<Option<Found>, AuthError> {
        let files = self.files.get_or_init(|| self.read());
        for file in files {
            let file = file.as_ref().map_err(Clone::clone)?;
            let found = match file.look_up(registry, repository)? {
                Answer::Credential(credential) => Some(Found { credential, from: file.name.clone() }),
                Answer::Helper(name) => self.ask(Helper { name, server: registry.credential_key() }).await?,
                Answer::Nothing => None,
            };
            if let Some(found) = found {
                tracing::debug!(%registry, from = found.from, "found a credential");
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn ask(&self, helper: Helper) -> Result<Option<Found>, AuthError> {
        let flight = {
            // Nothing panics while it is held.
            let mut helpers = self.helpers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(helpers.entry(helper.clone()).or_default())
        };
        let run = || async {
            let credential = helper.run(&self.environment).await?;
            Ok(Known { credential, end: flight::after(HELPER_LIFE) })
        };
        let (known, _) = flight.get(None, run).await?;
        Ok(known.credential.map(|credential| Found { credential, from: helper.program() }))
    }

    fn read(&self) -> Vec<Result<File, AuthError>> {
        let (mut files, environment) = (Vec::new(), &self.environment);
        let explicit = environment.variable("REGISTRY_AUTH_FILE").map(PathBuf::from);
        if let Some(path) = &explicit {
            files.push(self.read_explicit(path));
        }
        if let Some(text) = self.in_variable() {
            files.push(File::parse(text.as_bytes(), "$DOCKER_AUTH_CONFIG".to_owned(), false));
        }
        if explicit.is_none() {
            let read = |(path, legacy): (PathBuf, bool)| {
                File::read(&path, environment.shown(&path), legacy).transpose()
            };
            files.extend(default_files(environment).into_iter().filter_map(read));
        }
        files
    }

    /// A file that the user named must be there.
    fn read_explicit(&self, path: &Path) -> Result<File, AuthError> {
        let name = self.environment.shown(path);
        let absent = AuthError::File {
            file: name.clone(),
            what: "not found (named by REGISTRY_AUTH_FILE)".to_owned(),
        };
        File::read(path, name, false)?.ok_or(absent)
    }

    /// `DOCKER_AUTH_CONFIG` holds the text of a file. GitLab's runner has set it for longer, with another meaning:
    /// there Docker's command line reads it only when `DOCKER_AUTH_ORDER` says so (docker/cli#6171).
    fn in_variable(&self) -> Option<&str> {
        let environment = &self.environment;
        let asked = environment.variable("DOCKER_AUTH_ORDER").is_some_and(|order| order == "env,config");
        if environment.variable("GITLAB_CI").is_some() && !asked {
            return None;
        }
        environment.variable("DOCKER_AUTH_CONFIG")?.to_str()
    }
}

/// The files that are read when none is named, and whether each is the legacy one.
///
/// A set `DOCKER_CONFIG` makes its file the only one: people use it to isolate jobs, and podman does the same.
fn default_files(environment: &Environment) -> Vec<(PathBuf, bool)> {
    if let Some(directory) = environment.variable("DOCKER_CONFIG") {
        return vec![(Path::new(directory).join("config.json"), false)];
    }
    let home = environment.home();
    let configuration = environment.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let configuration = configuration.or_else(|| home.map(|home| home.join(".config")));
    let paths = [
        environment.runtime().map(|directory| (directory.join("auth.json"), false)),
        configuration.map(|directory| (directory.join("containers/auth.json"), false)),
        home.map(|home| (home.join(".docker/config.json"), false)),
        home.map(|home| (home.join(".dockercfg"), true)),
    ];
    paths.into_iter().flatten().collect()
}

impl CredentialSource for Stores {
    fn find<'a>(
        &'a self,
        registry: &'a Registry,
        repository: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>> {
        Box::pin(self.look_up(registry, repository))
    }
}

/// How long a helper's word is taken: the tokens of cloud helpers live for hours.
const HELPER_LIFE: Duration = Duration::from_secs(3600);
