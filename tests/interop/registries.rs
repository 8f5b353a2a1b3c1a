//! Registries of other makes: distribution, as Debian's `docker-registry` (2.8) and as version 3; and olareg.
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use testkit::{Authority, ISSUER, Process, SERVICE, TokenServer, free_port};

use crate::{clients::tool, large::Image, watching::bytes_below};

/// A running registry, and the directory that all of it lives in.
pub(crate) struct Registry {
    process: Process,
    dir: TempDir,
    start: Start,
}

/// How to start it, now and after it was killed.
type Start = Box<dyn Fn() -> Command>;

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

    /// Where it stores.
    pub(crate) fn storage(&self) -> PathBuf {
        self.dir.path().join("storage")
    }

    /// How many bytes it holds of uploads that are not done.
    pub(crate) fn unfinished(&self) -> u64 {
        bytes_below(&self.storage(), "_uploads")
    }

    /// Drops the uploads of a repository that are not done, as an operator would.
    pub(crate) fn sweep(&self, repository: &str) {
        let uploads =
            self.storage().join("docker/registry/v2/repositories").join(repository).join("_uploads");
        drop(std::fs::remove_dir_all(uploads));
    }

    /// Ends it as `kill -9` does, and starts it again where it was.
    pub(crate) fn kill_and_restart(&mut self) {
        self.process.kill();
        let (port, log) = (self.process.address().port(), self.dir.path().join("log"));
        self.process = Process::serve((self.start)(), port, &log);
    }

    /// Stops it, and gives what it stored to the next.
    pub(crate) fn stop(self) -> TempDir {
        self.dir
    }
}

/// Where storages lie that may grow large: on a disk, even where temporary files live in memory.
fn roomy() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// distribution, to be configured.
pub(crate) struct Distribution {
    program: &'static str,
    read_only: bool,
    removable: bool,
    dir: TempDir,
    port: u16,
    auth: String,
    tls: String,
}

/// `docker-registry` that lets everybody in.
pub(crate) fn distribution() -> Distribution {
    Distribution {
        program: "docker-registry",
        read_only: false,
        removable: false,
        dir: roomy(),
        port: free_port(),
        auth: String::new(),
        tls: String::new(),
    }
}

/// distribution 3 that lets everybody in.
pub(crate) fn distribution_3() -> Distribution {
    Distribution { program: "distribution", ..distribution() }
}

impl Distribution {
    /// Holds this image, as `large:v1`.
    pub(crate) fn holding(self, image: &Image) -> Self {
        image.plant(&self.dir.path().join("storage"));
        self
    }

    /// Its storage is mounted so that nobody can write there, root included.
    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// What it holds may be removed, which is not so by default.
    pub(crate) fn removable(mut self) -> Self {
        self.removable = true;
        self
    }

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
        if self.removable {
            config.push_str("  delete: {enabled: true}\n");
        }
        config.push_str(&self.auth);
        writeln!(config, "http:\n  addr: 127.0.0.1:{}\n  secret: test", self.port).unwrap();
        config.push_str(&self.tls);
        let config = self.write("config.yml", config.as_bytes());
        let (program, read_only) = (self.program, self.read_only);
        let start = move || {
            let mut command = if read_only { mounted(&storage, program) } else { tool(program) };
            command.arg("serve").arg(&config).env("OTEL_TRACES_EXPORTER", "none");
            command
        };
        let process = Process::serve(start(), self.port, &self.dir.path().join("log"));
        Registry { process, dir: self.dir, start: Box::new(start) }
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
    let storage = dir.path().join("storage");
    std::fs::create_dir(&storage).unwrap();
    let start = move || {
        let mut command = tool("olareg");
        command.args(["serve", "--addr", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(&storage);
        command
    };
    let process = Process::serve(start(), port, &dir.path().join("log"));
    Registry { process, dir, start: Box::new(start) }
}

/// A program that sees `storage` read-only. The mount is its own, and ends with it.
fn mounted(storage: &Path, program: &str) -> Command {
    std::fs::create_dir_all(storage).unwrap();
    let mut command = Command::new("unshare");
    let script = r#"mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@""#;
    command.args(["--mount", "--map-root-user", "sh", "-c", script]);
    command.arg(storage).arg(tool(program).get_program());
    command
}

/// Where a file is to be found in a home.
pub(crate) fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}
