//! Proxies of other makes, in the way between us and a registry: toxiproxy, which cuts, and nginx, which limits.
use std::{fs, process::Command};

use tempfile::TempDir;
use testkit::{Process, free_port};

use crate::{clients::tool, http::ask};

/// Which way bytes go that are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// From the registry to us.
    Down,
    /// From us to the registry.
    Up,
}

/// toxiproxy in front of one registry: cuts every connection once so many bytes went one way.
#[derive(Debug)]
pub(crate) struct Cutter {
    _process: Process,
    _dir: TempDir,
    port: u16,
}

impl Cutter {
    pub(crate) fn of(host: &str, way: Way, bytes: u64) -> Self {
        let (dir, port, control) = (tempfile::tempdir().unwrap(), free_port(), free_port());
        let mut command = tool("toxiproxy");
        command.args(["-host", "127.0.0.1", "-port", &control.to_string()]);
        let process = Process::serve(command, control, &dir.path().join("log"));
        let proxy = format!(
            r#"{{"name": "cutter", "listen": "127.0.0.1:{port}", "upstream": "{host}", "enabled": true}}"#
        );
        let stream = match way {
            Way::Down => "downstream",
            Way::Up => "upstream",
        };
        let toxic =
            format!(r#"{{"type": "limit_data", "stream": "{stream}", "attributes": {{"bytes": {bytes}}}}}"#);
        let control = process.address().to_string();
        for (path, body) in [("/proxies", proxy), ("/proxies/cutter/toxics", toxic)] {
            let answer = ask("POST", &control, path, &body);
            assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
        }
        Self { _process: process, _dir: dir, port }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `127.0.0.1:PORT/name`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.host())
    }
}

/// nginx in front of one registry, which takes no large bodies.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Process,
    dir: TempDir,
}

/// A line of nginx's access log.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) method: String,
    pub(crate) status: u16,
    /// The size of the whole request as it was read.
    pub(crate) size: u64,
}

impl Nginx {
    /// With this `client_max_body_size`.
    pub(crate) fn of(host: &str, most: &str) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = dir.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|kind| format!("{kind}_temp_path {path}/{kind};\n")).concat();
        let config = format!(
            "daemon off;\npid {path}/pid;\nerror_log {path}/errors;\nevents {{}}\nhttp {{\n\
             log_format seen '$request_method $status $request_length';\naccess_log {path}/access seen;\n{temporary}\
             server {{\nlisten 127.0.0.1:{port};\nclient_max_body_size {most};\nlocation / {{\n\
             proxy_pass http://{host};\nproxy_set_header Host $http_host;\n}}\n}}\n}}\n"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-e")
            .arg(dir.path().join("errors"))
            .arg("-c")
            .arg(file)
            .args(["-g", "master_process off;"]);
        let process = Process::serve(command, port, &dir.path().join("log"));
        Self { process, dir }
    }

    /// `127.0.0.1:PORT/name`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.process.address())
    }

    /// What it was asked.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        let log = fs::read_to_string(self.dir.path().join("access")).unwrap();
        let parse = |line: &str| {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap();
            let (method, status, size) = (word().to_owned(), word(), word());
            Logged { method, status: status.parse().unwrap(), size: size.parse().unwrap() }
        };
        log.lines().map(parse).collect()
    }
}
