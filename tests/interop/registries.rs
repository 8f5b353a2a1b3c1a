//! Registries of other makes: Debian's `docker-registry` (distribution 2.8), and olareg.
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use testkit::{Authority, ISSUER, Process, SERVICE, TokenServer, free_port};

use crate::clients::tool;

/// A running registry, and the directory that all of it lives in.
pub(crate) struct Registry {
    process: Process,
    dir: TempDir,
}

impl Registry {
    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.process.address().to_string()
    }

    /// `127.0.0.1:PORT/name`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }

    /// The requests that it logged, of any of these methods.
    pub(crate) fn requests(&self, methods: &[&str]) -> Vec<String> {
        let log = self.process.log();
        let asked = |line: &&str| methods.iter().any(|method| line.contains(&format!("\"{method} /v2/")));
        log.lines().filter(asked).map(str::to_owned).collect()
    }

    /// The requests that write.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.requests(&["POST", "PUT", "PATCH", "DELETE"])
    }

    /// Stops it, and gives what it stored to the next.
    pub(crate) fn stop(self) -> TempDir {
        self.dir
    }
}

/// `docker-registry`, to be configured.
pub(crate) struct Distribution {
    dir: TempDir,
    port: u16,
    auth: String,
    tls: String,
}

/// `docker-registry` that lets everybody in.
pub(crate) fn distribution() -> Distribution {
    Distribution {
        dir: tempfile::tempdir().unwrap(),
        port: free_port(),
        auth: String::new(),
        tls: String::new(),
    }
}

impl Distribution {
    /// Over what another one stored.
    pub(crate) fn over(mut self, dir: TempDir) -> Self {
        self.dir = dir;
        self
    }

    /// Lets in whom this password belongs to, by a password file.
    pub(crate) fn htpasswd(mut self, user: &str, password: &str) -> Self {
        let line = testkit::run(Command::new("htpasswd").args(["-Bbn", user, password]));
        let file = self.write("htpasswd", &line.stdout);
        self.auth = format!("auth:\n  htpasswd: {{realm: test, path: {}}}\n", file.display());
        self
    }

    /// Lets in who holds a token of this server.
    pub(crate) fn tokens(mut self, server: &TokenServer) -> Self {
        let file = self.write("tokens.pem", server.tokens().certificate_pem().as_bytes());
        let realm = server.realm();
        self.auth = format!(
            "auth:\n  token: {{realm: \"{realm}\", service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {}}}\n",
            file.display()
        );
        self
    }

    /// Speaks TLS with a certificate of this authority.
    pub(crate) fn tls(mut self, authority: &Authority) -> Self {
        let certificate = self.write("server.pem", authority.certificate_pem().as_bytes());
        let key = self.write("server.key", authority.key_pem().as_bytes());
        self.tls = format!("  tls: {{certificate: {}, key: {}}}\n", certificate.display(), key.display());
        self
    }

    pub(crate) fn start(self) -> Registry {
        let mut config = "version: 0.1\nlog: {level: warn}\n".to_owned();
        let storage = self.dir.path().join("storage");
        writeln!(config, "storage:\n  filesystem: {{rootdirectory: {}}}", storage.display()).unwrap();
        config.push_str(&self.auth);
        writeln!(config, "http:\n  addr: 127.0.0.1:{}\n  secret: test", self.port).unwrap();
        config.push_str(&self.tls);
        let config = self.write("config.yml", config.as_bytes());
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).env("OTEL_TRACES_EXPORTER", "none");
        let process = Process::serve(command, self.port, &self.dir.path().join("log"));
        Registry { process, dir: self.dir }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// olareg, over a directory of its own.
pub(crate) fn olareg() -> Registry {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut command = tool("olareg");
    command.args(["serve", "--addr", "127.0.0.1", "--port", &port.to_string(), "--dir"]);
    command.arg(dir.path().join("storage"));
    std::fs::create_dir(dir.path().join("storage")).unwrap();
    let process = Process::serve(command, port, &dir.path().join("log"));
    Registry { process, dir }
}

/// Where a file is to be found in a home.
pub(crate) fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}
