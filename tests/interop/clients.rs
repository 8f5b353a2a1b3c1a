//! Clients of other makes, as witnesses.
use std::process::{Command, Output};

use content::Hasher;
use reference::{Algorithm, Digest};

/// Runs skopeo over plain HTTP.
pub(crate) fn skopeo(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    testkit::run(Command::new("skopeo").arg("--insecure-policy").args(arguments).env("HOME", home.path()))
}

/// Runs oras.
pub(crate) fn oras(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    testkit::run(Command::new("oras").args(arguments).env("HOME", home.path()))
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
