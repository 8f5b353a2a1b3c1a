//! Credential helpers: `docker-credential-NAME get`, the server on stdin, JSON on stdout.
//!
//! docker-credential-helpers, "Development". No shell, a time limit, a bounded answer, and its stderr is not shown.
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use super::{Environment, entry::of_login};
use crate::{AuthError, Credential, Secret, text::shown};

/// One question to one helper.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Helper {
    /// The part of the program's name after `docker-credential-`.
    pub(crate) name: String,
    /// The server asked for.
    pub(crate) server: String,
}

#[derive(Deserialize)]
struct Output {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: Secret,
}

/// How a helper ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) code: Option<i32>,
    pub(crate) output: Secret,
}

impl Helper {
    /// The program's name.
    pub(crate) fn program(&self) -> String {
        format!("docker-credential-{}", self.name)
    }

    /// Runs the helper. `None` when it knows no credential for the server.
    pub(crate) async fn run(&self, environment: &Environment) -> Result<Option<Credential>, AuthError> {
        let path = self.find(environment)?;
        let talk = async {
            let child = start(&path, environment)?;
            self.talk(child).await
        };
        let ended = match timeout(TIME_LIMIT, talk).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => return Err(self.failed(error.to_string())),
            Err(_) => return Err(self.failed(format!("no answer within {} seconds", TIME_LIMIT.as_secs()))),
        };
        self.judge(&ended)
    }

    /// Where the program is: in a directory that `PATH` names absolutely.
    fn find(&self, environment: &Environment) -> Result<PathBuf, AuthError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if self.name.is_empty() || !self.name.bytes().all(plain) {
            return Err(self.failed("not the name of a helper".to_owned()));
        }
        let program = format!("{}{}", self.program(), std::env::consts::EXE_SUFFIX);
        let path = environment.variable("PATH").unwrap_or_default();
        let places = std::env::split_paths(path).filter(|place| place.is_absolute());
        let found = places.map(|place| place.join(&program)).find(|program| is_program(program));
        found.ok_or_else(|| self.failed("not found on PATH".to_owned()))
    }

    async fn talk(&self, mut child: Child) -> io::Result<Ended> {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(io::Error::other("no pipes to it"));
        };
        let ask = async move {
            // A helper that does not read its input may still answer.
            let _ = stdin.write_all(self.server.as_bytes()).await;
        };
        let mut output = Vec::new();
        let mut stdout = stdout.take(MAX_OUTPUT.saturating_add(1));
        let listen = stdout.read_to_end(&mut output);
        let ((), read) = futures::future::join(ask, listen).await;
        if read? as u64 > MAX_OUTPUT {
            return Err(io::Error::other(format!("an answer of more than {MAX_OUTPUT} bytes")));
        }
        let status = child.wait().await?;
        let output = String::from_utf8(output).map_err(|_| io::Error::other("an answer that is not text"))?;
        Ok(Ended { success: status.success(), code: status.code(), output: Secret::new(output) })
    }

    pub(crate) fn judge(&self, ended: &Ended) -> Result<Option<Credential>, AuthError> {
        let text = ended.output.expose().trim();
        if !ended.success {
            // The protocol puts the reason on stdout.
            if text.contains(NOT_FOUND) {
                return Ok(None);
            }
            let code = ended.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            let said = if text.is_empty() || text.contains('{') {
                String::new()
            } else {
                format!(": {}", shown(text))
            };
            return Err(self.failed(format!("failed with {code}{said}")));
        }
        let output: Output =
            serde_json::from_str(text).map_err(|_| self.failed("its answer is not JSON".to_owned()))?;
        if output.username.is_empty() && output.secret.is_empty() {
            return Ok(None);
        }
        if output.username.contains(':') {
            return Err(self.failed("its user name holds a colon".to_owned()));
        }
        Ok(Some(of_login(output.username, output.secret)))
    }

    fn failed(&self, what: String) -> AuthError {
        AuthError::Helper { name: shown(&self.program()), server: self.server.clone(), what }
    }
}

fn start(path: &Path, environment: &Environment) -> io::Result<Child> {
    Command::new(path)
        .arg("get")
        .env_clear()
        .envs(environment.variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

const NOT_FOUND: &str = "credentials not found in native keychain";
const TIME_LIMIT: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 64 * 1024;
