//! `transship serve` to the daemons that most images are pulled by: docker's and containerd's own.
use std::{fs, path::Path, process::Command};

use testkit::{Program, Running, run};

use crate::{
    clients::digest_of,
    serve::{HELLO, images, serve, stop},
    transship,
};

/// What other names for the registry are resolved to, as an operator writes it for containerd.
const MIRROR: &str = "registry.example";
/// One whose images lie below a name of their own.
const BELOW: &str = "below.example";

/// A containerd of the test's own, without services that this machine may lack.
struct Containerd {
    program: Program,
    running: Running,
}

impl Containerd {
    fn start() -> Self {
        let program = Program::new("containerd");
        let at = |name: &str| program.home().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.internal.v1.opt\"]\n\
             [grpc]\naddress = {:?}\n",
            at("root"),
            at("state"),
            at("socket"),
        );
        fs::write(at("config.toml"), config).unwrap();
        let running = program.start(&["--config", &at("config.toml")]);
        running.says("containerd successfully booted");
        Self { program, running }
    }

    fn socket(&self) -> String {
        self.program.home().join("socket").display().to_string()
    }

    /// Runs containerd's own client; what it prints.
    fn ctr(&self, words: &[&str]) -> String {
        let output = run(Command::new("ctr").args(["--address", &self.socket()]).args(words));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// A docker of the test's own: it makes no networks, and runs nothing.
struct Docker {
    program: Program,
    running: Running,
    containerd: Containerd,
}

impl Docker {
    fn start() -> Self {
        let (program, containerd) = (Program::new("dockerd"), Containerd::start());
        let at = |name: &str| program.home().join(name).display().to_string();
        let running = program.start(&[
            &format!("--host=unix://{}", at("socket")),
            &format!("--data-root={}", at("data")),
            &format!("--exec-root={}", at("exec")),
            &format!("--pidfile={}", at("pid")),
            &format!("--containerd={}", containerd.socket()),
            "--storage-driver=vfs",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]);
        running.says("API listen on");
        Self { program, running, containerd }
    }

    /// Runs docker's own client; what it prints.
    fn docker(&self, words: &[&str]) -> String {
        let host = format!("unix://{}", self.program.home().join("socket").display());
        let output = run(Command::new("docker").args(["--host", &host]).args(words));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn stop(self) {
        stop(self.running);
        stop(self.containerd.running);
    }
}

/// An archive of the image for two platforms, as `team/hello:v1`.
fn archive(program: &Program) -> String {
    let archive = program.home().join("images.tar").display().to_string();
    program
        .run(&["copy", &format!("{}:hello:v1", images()), &format!("oci-archive:{archive}:team/hello:v1")])
        .exits(0);
    archive
}

#[test]
fn docker_pulls_from_an_archive_by_tag_and_by_digest_and_pushes_to_a_directory() {
    let (program, docker) = (transship(), Docker::start());
    let (running, host) = serve(&program, &[&archive(&program)]);
    let image = format!("{host}/team/hello");
    docker.docker(&["pull", &format!("{image}:v1")]);
    let digests =
        docker.docker(&["inspect", "--format", "{{join .RepoDigests \" \"}}", &format!("{image}:v1")]);
    assert_eq!(digests.trim(), format!("{image}@{HELLO}"));
    docker.docker(&["pull", &format!("{image}@{HELLO}")]);
    let (store, to) = serve(&program, &["--writable", "store"]);
    let pushed = format!("{to}/pushed/hello:v9");
    docker.docker(&["tag", &format!("{image}:v1"), &pushed]);
    docker.docker(&["push", "--quiet", &pushed]);
    program.run(&["verify", "--deep", &pushed]).exits(0);
    docker.stop();
    stop(running);
    stop(store);
}

#[test]
fn containerd_pulls_from_an_archive_by_its_address_and_as_the_mirror_of_another_registry() {
    let (program, containerd) = (transship(), Containerd::start());
    let (running, host) = serve(&program, &[&archive(&program)]);
    let image = format!("{host}/team/hello:v1");
    containerd.ctr(&["images", "pull", "--plain-http", "--all-platforms", &image]);
    let mirrors = hosts(containerd.program.home(), MIRROR, &host, "");
    hosts(containerd.program.home(), BELOW, &format!("{host}/v2/team"), "override_path = true\n");
    let (mirrored, below) = (format!("{MIRROR}/team/hello:v1"), format!("{BELOW}/hello:v1"));
    for name in [&mirrored, &below] {
        containerd.ctr(&["images", "pull", "--hosts-dir", &mirrors, name]);
    }
    let listed = containerd.ctr(&["images", "ls"]);
    for name in [&image, &mirrored, &below] {
        assert!(listed.lines().any(|line| line.starts_with(name) && line.contains(HELLO)), "{listed}");
    }
    let exported = containerd.program.home().join("exported.tar").display().to_string();
    containerd.ctr(&["images", "export", "--all-platforms", &exported, &image]);
    assert_eq!(digest_of(&format!("oci-archive:{exported}")).to_string(), HELLO);
    stop(containerd.running);
    stop(running);
}

/// A directory that tells containerd to ask `host` for what is of the registry `name`.
fn hosts(dir: &Path, name: &str, host: &str, more: &str) -> String {
    let of = dir.join("hosts").join(name);
    fs::create_dir_all(&of).unwrap();
    let text = format!(
        "server = \"http://{name}\"\n[host.\"http://{host}\"]\ncapabilities = [\"pull\", \"resolve\"]\n{more}"
    );
    fs::write(of.join("hosts.toml"), text).unwrap();
    dir.join("hosts").display().to_string()
}
