//! Clients of other makes, as witnesses.
use std::{
    path::Path,
    process::{Command, Output},
};

use content::Hasher;
use reference::{Algorithm, Digest};

/// Runs skopeo over plain HTTP.
pub(crate) fn skopeo(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    testkit::run(Command::new("skopeo").arg("--insecure-policy").args(arguments).env("HOME", home.path()))
}

/// A program that `.ci/install` built, or the one on the path.
pub(crate) fn tool(name: &str) -> Command {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools/bin").join(name);
    if built.exists() { Command::new(built) } else { Command::new(name) }
}

/// Runs oras.
pub(crate) fn oras(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    testkit::run(tool("oras").args(arguments).env("HOME", home.path()))
}

/// The digest of the manifest at a location, as skopeo reads it: its bytes, hashed.
pub(crate) fn digest_of(location: &str) -> Digest {
    let mut arguments = vec!["inspect", "--raw"];
    if location.starts_with("docker:") {
        arguments.push("--tls-verify=false");
    }
    arguments.push(location);
    Hasher::digest(Algorithm::Sha256, &skopeo(&arguments).stdout)
}
