//! A real NATS server, as Debian has it.
use std::{fmt::Write as _, process::Command};

use tempfile::TempDir;
use testkit::{Authority, Process, free_port};

/// A running server, and the directory that its streams live in.
pub(crate) struct Nats {
    process: Process,
    dir: TempDir,
    port: u16,
    secure: bool,
}

/// A server that lets everybody in.
pub(crate) fn nats() -> Nats {
    Nats::with("", false)
}

impl Nats {
    /// A server with these lines in its configuration beside where it listens and stores.
    pub(crate) fn with(lines: &str, secure: bool) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let mut config = format!("host: 127.0.0.1\nport: {port}\n");
        if !lines.contains("jetstream") {
            writeln!(config, "jetstream {{ store_dir: \"{}\" }}", dir.path().join("streams").display())
                .unwrap();
        }
        config.push_str(lines);
        std::fs::write(dir.path().join("nats.conf"), config).unwrap();
        let process = start(&dir, port);
        Self { process, dir, port, secure }
    }

    /// A server that speaks TLS alone.
    pub(crate) fn tls(authority: &Authority) -> Self {
        let keys = tempfile::tempdir().unwrap().keep();
        let write = |name: &str, text: &str| {
            let path = keys.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (cert, key) =
            (write("server.pem", authority.certificate_pem()), write("server.key", authority.key_pem()));
        let nats = Self::with(&format!("tls {{ cert_file: \"{cert}\", key_file: \"{key}\" }}\n"), true);
        std::fs::remove_dir_all(keys).unwrap();
        nats
    }

    /// `nats://127.0.0.1:PORT`, or `tls://` the same.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.secure { "tls" } else { "nats" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The same with somebody's name and password.
    pub(crate) fn url_of(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again over what it stored.
    pub(crate) fn restart(&mut self) {
        self.process = start(&self.dir, self.port);
    }

    /// Ends it as `kill -9` does, and starts it again over what it stored.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }
}

fn start(dir: &TempDir, port: u16) -> Process {
    let mut command = Command::new("nats-server");
    command.arg("-c").arg(dir.path().join("nats.conf"));
    Process::serve(command, port, &dir.path().join("log"))
}
