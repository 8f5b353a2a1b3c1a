//! `transship serve` to clients of other makes: what they pull from it, over TLS, with passwords, in parts.
use std::{fs, path::Path, process::Command};

use content::Hasher;
use reference::Algorithm;
use serde_json::Value;
use testkit::{Archive, Authority, Program, Running, run};

use crate::{
    clients::{digest_of, oras, skopeo},
    registries::write,
    transship, transship_quiet,
};

/// What a server may hold, in KiB. A program that is not optimised has some 20 MiB of code more in memory.
const HELD: u64 = if cfg!(debug_assertions) { 96 } else { 64 } * 1024;

pub(crate) const HELLO: &str = "sha256:f2b0b16a597e33d6aa601c9e0c91c118633e1277271608e656fab719c640634c";
const GIB: u64 = 1024 * 1024 * 1024;

pub(crate) fn images() -> String {
    format!("oci:{}/fixtures/images", env!("CARGO_MANIFEST_DIR"))
}

/// A registry of ours; the address that it listens on.
pub(crate) fn serve(program: &Program, words: &[&str]) -> (Running, String) {
    let words = [&["serve", "--listen", "127.0.0.1:0", "--output", "json"], words].concat();
    let (running, _) = program.start_reading(&words);
    let said: Value = serde_json::from_str(&running.first_line()).unwrap();
    let host = said["listening"].as_str().unwrap().to_owned();
    (running, host)
}

pub(crate) fn stop(running: Running) {
    running.signal("TERM");
    running.wait().exits(0);
}

/// podman, with a storage and credentials of its own in `dir`.
fn podman(dir: &Path) -> Command {
    let auth = dir.join("auth.json");
    if !auth.exists() {
        fs::create_dir_all(dir).unwrap();
        fs::write(&auth, "{}").unwrap();
    }
    let mut command = Command::new("podman");
    command.args(["--storage-driver", "vfs", "--root"]).arg(dir.join("root"));
    command.arg("--runroot").arg(dir.join("run")).env("REGISTRY_AUTH_FILE", auth);
    command
}

#[test]
fn podman_skopeo_and_oras_pull_from_a_directory_and_from_archives_of_others() {
    let (program, dir) = (transship(), tempfile::tempdir().unwrap());
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let archive = format!("oci-archive:{}:hello:v1", path("hello.tar"));
    skopeo(&["copy", "-q", "--all", &format!("{}:hello:v1", images()), &archive]);
    // A bare tag, as oras writes it.
    skopeo(&["copy", "-q", "--all", &format!("{}:hello:v1", images()), &format!("oci:{}:v1", path("plain"))]);
    let plain = format!("{}:v1", path("plain"));
    oras(&["copy", "--from-oci-layout", &plain, "--to-oci-layout", &path("bare:v1")]);
    for (served, name) in [(images(), "hello:v1"), (path("hello.tar"), "hello:v1"), (path("bare"), "bare:v1")]
    {
        let (running, host) = serve(&program, &[&served]);
        let image = format!("{host}/{name}");
        assert_eq!(digest_of(&format!("docker://{image}")).to_string(), HELLO, "{served}");
        let to = tempfile::tempdir().unwrap();
        let at = |name: &str| to.path().join(name).to_str().unwrap().to_owned();
        let copied = format!("oci:{}:v1", at("skopeo"));
        skopeo(&["copy", "-q", "--all", "--src-tls-verify=false", &format!("docker://{image}"), &copied]);
        assert_eq!(digest_of(&copied).to_string(), HELLO);
        oras(&["copy", "--from-plain-http", &image, "--to-oci-layout", &at("oras:v1")]);
        assert_eq!(digest_of(&format!("oci:{}:v1", at("oras"))).to_string(), HELLO);
        run(podman(to.path()).args(["pull", "-q", "--tls-verify=false", &image]));
        let listed = oras(&["repo", "ls", "--plain-http", &host]);
        assert!(String::from_utf8_lossy(&listed.stdout).contains(name.trim_end_matches(":v1")));
        stop(running);
    }
}

#[test]
fn oras_finds_what_is_about_an_artifact() {
    let program = transship();
    let (running, host) = serve(&program, &[&images()]);
    let found = oras(&["discover", "--plain-http", "--format", "json", &format!("{host}/note:v1")]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let listed = found["referrers"].as_array().or_else(|| found["manifests"].as_array());
    assert!(listed.is_some_and(|listed| !listed.is_empty()), "{found}");
    stop(running);
}

#[test]
fn podman_logs_in_and_pulls_over_tls_and_strangers_do_not() {
    let (program, dir) = (transship(), tempfile::tempdir().unwrap());
    let authority = Authority::new();
    let certificate = write(program.home(), "server.pem", authority.certificate_pem());
    let key = write(program.home(), "server.key", authority.key_pem());
    let line = run(Command::new("htpasswd").args(["-Bbn", "ann", "canary-secret"]));
    let users = write(program.home(), "users", &String::from_utf8_lossy(&line.stdout));
    let guarded = ["--tls-cert", &certificate, "--tls-key", &key, "--htpasswd", &users, &images()];
    let (running, host) = serve(&program, &guarded);
    let certs = dir.path().join("certs");
    fs::create_dir(&certs).unwrap();
    fs::write(certs.join("ca.crt"), authority.root_pem()).unwrap();
    let certs = certs.to_str().unwrap();
    let image = format!("{host}/hello:v1");

    let pull = |dir: &Path| podman(dir).args(["pull", "-q", "--cert-dir", certs, &image]).output().unwrap();
    assert!(!pull(dir.path()).status.success());
    let login = ["login", "--cert-dir", certs, "-u", "ann", "-p", "canary-secret", &host];
    run(podman(dir.path()).args(login));
    let pulled = pull(dir.path());
    assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    let wrong = ["login", "--cert-dir", certs, "-u", "ann", "-p", "canary-wrong", &host];
    assert!(!podman(&dir.path().join("other")).args(wrong).output().unwrap().status.success());

    let to = format!("oci:{}:v1", dir.path().join("copied").display());
    let copy = ["copy", "-q", "--all", "--src-creds", "ann:canary-secret", "--src-cert-dir", certs];
    skopeo(&[&copy[..], &[&format!("docker://{image}"), &to]].concat());
    assert_eq!(digest_of(&to).to_string(), HELLO);
    stop(running);
}

#[test]
fn skopeo_and_podman_push_to_a_directory_that_is_writable() {
    let (program, dir) = (transship(), tempfile::tempdir().unwrap());
    let (running, host) = serve(&program, &["--writable", "store"]);
    let to = format!("docker://{host}/pushed:v1");
    skopeo(&["copy", "-q", "--all", "--dest-tls-verify=false", &format!("{}:hello:v1", images()), &to]);
    assert_eq!(digest_of(&to).to_string(), HELLO);
    let image = format!("{host}/pushed:v1");
    run(podman(dir.path()).args(["pull", "-q", "--tls-verify=false", &image]));
    run(podman(dir.path()).args(["push", "-q", "--tls-verify=false", &image, &format!("{host}/again:v2")]));
    stop(running);
    let (running, host) = serve(&program, &["store"]);
    skopeo(&["inspect", "--tls-verify=false", "--raw", &format!("docker://{host}/again:v2")]);
    stop(running);
}

/// The digest of so many zeros.
fn zeros(size: u64) -> reference::Digest {
    let (mut hasher, chunk) = (Hasher::new(Algorithm::Sha256), vec![0; 1024 * 1024]);
    (0..size / chunk.len() as u64).for_each(|_| hasher.update(&chunk));
    hasher.finish()
}

#[test]
fn an_archive_of_5_gib_is_pulled_whole_and_in_parts_and_takes_at_most_64_mib() {
    let program = transship_quiet();
    let path = program.home().join("large.tar");
    let mut archive = Archive::create(&path);
    let image = archive.image("large:v1", 5 * GIB, zeros(5 * GIB));
    archive.finish();
    let (running, host) = serve(&program, &["large.tar"]);
    let url = format!("http://{host}/v2/large/blobs/{}", image.layer);
    let part = program.home().join("part");
    let range = format!("{}-{}", 4 * GIB + 10, 4 * GIB + 1_000_009);
    let curl =
        ["-fsS", "--noproxy", "*", "-r", &range, "-o", part.to_str().unwrap(), "-w", "%{http_code}", &url];
    assert_eq!(run(Command::new("curl").args(curl)).stdout, b"206");
    assert_eq!(fs::read(&part).unwrap(), vec![0; 1_000_000]);
    program.run(&["verify", "--deep", &format!("{host}/large:v1")]).exits(0);
    let peak = running.peak();
    println!("5 GiB read whole from an archive: the server held {peak} KiB");
    assert!(peak > 0 && peak <= HELD, "{peak} KiB");
    stop(running);
}
