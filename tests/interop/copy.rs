//! A real image between real registries: all of it, to the byte, and nothing twice.
use std::process::Command;

use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol},
    manifest::{OciDescriptor, OciImageIndex, OciImageManifest},
    secrets::RegistryAuth,
};
use testkit::run;

use crate::{
    clients::digest_of,
    debian,
    registries::{Registry, distribution, olareg},
    transship,
};

fn docker(registry: &Registry, name: &str) -> String {
    format!("docker://{}", registry.reference(name))
}

#[test]
fn debian_goes_from_registry_to_registry_and_podman_pulls_it() {
    let (source, target) = (distribution().start(), distribution().start());
    debian::push(&source.reference("debian"));
    let (from, host) = (source.reference("debian:12"), target.host());
    let import = ["import", "--source", &from, "--target", &host];
    transship().run(&import).exits(0);
    assert_eq!(digest_of(&docker(&source, "debian:12")), digest_of(&docker(&target, "debian:12")));
    for architecture in ["amd64", "arm64"] {
        assert_eq!(architecture_of(&docker(&target, "debian:12"), architecture), architecture);
    }
    podman_pulls(&target.reference("debian:12"));

    let before = target.writes().len();
    transship().run(&import).exits(8);
    assert_eq!(target.writes().len(), before, "NoForce wrote: {:?}", target.writes());

    let blobs = |registry: &Registry| {
        let asked = registry.requests(&["GET", "POST", "PUT", "PATCH"]);
        asked.into_iter().filter(|line| line.contains("/blobs/")).count()
    };
    let before = (blobs(&source), blobs(&target));
    transship().run(&[&import[..], &["--force"]].concat()).exits(0);
    assert_eq!((blobs(&source), blobs(&target)), before, "--force moved a blob");
}

/// What skopeo finds when it chooses one platform of an index.
fn architecture_of(location: &str, architecture: &str) -> String {
    let mut command = Command::new("skopeo");
    command.args(["--override-os", "linux", "--override-arch", architecture]);
    command.args(["inspect", "--config", "--tls-verify=false", location]);
    let config: serde_json::Value = serde_json::from_slice(&run(&mut command).stdout).unwrap();
    config["architecture"].as_str().unwrap().to_owned()
}

fn podman_pulls(reference: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("podman");
    command.args(["--storage-driver", "vfs", "--root"]).arg(dir.path().join("root"));
    command.arg("--runroot").arg(dir.path().join("run"));
    run(command.args(["pull", "-q", "--tls-verify=false", reference]));
}

#[test]
fn registries_of_two_makes_exchange_an_image() {
    let (one, other, third) = (distribution().start(), olareg(), distribution().start());
    debian::push(&one.reference("debian"));
    transship().run(&["copy", &one.reference("debian:12"), &other.reference("base/debian:12")]).exits(0);
    transship().run(&["copy", &other.reference("base/debian:12"), &third.reference("debian:12")]).exits(0);
    assert_eq!(digest_of(&docker(&one, "debian:12")), digest_of(&docker(&other, "base/debian:12")));
    assert_eq!(digest_of(&docker(&one, "debian:12")), digest_of(&docker(&third, "debian:12")));
}

#[test]
fn an_artifact_and_its_referrer_reach_registries_with_and_without_a_referrers_api() {
    for registry in [distribution().start(), olareg()] {
        let fixtures = format!("oci:{}/fixtures/images", env!("CARGO_MANIFEST_DIR"));
        let note = registry.reference("note:v1");
        transship().run(&["copy", &format!("{fixtures}:note:v1"), &note]).exits(0);
        let index = std::fs::read(format!("{}/index.json", &fixtures["oci:".len()..])).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        let entries = index["manifests"].as_array().unwrap();
        let unnamed =
            entries.iter().find(|e| e["annotations"]["org.opencontainers.image.ref.name"].is_null()).unwrap();
        let digest = unnamed["digest"].as_str().unwrap();
        let from = format!("ocidir://{}@{digest}", &fixtures["oci:".len()..]);
        transship().run(&["copy", &from, &registry.reference("note")]).exits(0);
        let found = crate::clients::oras(&["discover", "--plain-http", "--format", "json", &note]);
        let found = String::from_utf8(found.stdout).unwrap();
        assert!(found.contains(digest), "{found}");
    }
}

#[tokio::test]
async fn oci_client_reads_back_what_was_copied() {
    let (source, target) = (distribution().start(), distribution().start());
    debian::push(&source.reference("debian"));
    transship().run(&["copy", &source.reference("debian:12"), &target.reference("debian:12")]).exits(0);
    testkit::Authority::bring_cryptography();
    let client = Client::new(ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() });
    let pull = async |registry: &Registry| {
        let tag: Reference = registry.reference("debian:12").parse().unwrap();
        let mut pieces = Vec::new();
        let index = manifest(&client, &tag).await;
        let parsed: OciImageIndex = serde_json::from_slice(&index).unwrap();
        pieces.push(index);
        for entry in parsed.manifests {
            let image: Reference = registry.reference(&format!("debian@{}", entry.digest)).parse().unwrap();
            let bytes = manifest(&client, &image).await;
            let parsed: OciImageManifest = serde_json::from_slice(&bytes).unwrap();
            pieces.push(bytes);
            for blob in parsed.layers.iter().chain([&parsed.config]) {
                pieces.push(pulled(&client, &tag, blob).await);
            }
        }
        pieces
    };
    let (sent, arrived) = (pull(&source).await, pull(&target).await);
    assert_eq!(sent.len(), 1 + 2 * 5);
    assert!(sent == arrived);
}

async fn manifest(client: &Client, reference: &Reference) -> Vec<u8> {
    let accepted = content::MediaType::accepted().collect::<Vec<_>>();
    let pulled = client.pull_manifest_raw(reference, &RegistryAuth::Anonymous, &accepted).await;
    pulled.unwrap().0.to_vec()
}

async fn pulled(client: &Client, reference: &Reference, blob: &OciDescriptor) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.pull_blob(reference, blob, &mut bytes).await.unwrap();
    bytes
}
