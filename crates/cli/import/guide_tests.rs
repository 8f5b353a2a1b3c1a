//! Every command of Azure's import guide, and every example body of the REST documentation: where they read, what
//! they write, and which credential they use.
use auth::Credential;
use clap::Parser;
use reference::Reference;

use super::{ACR_SUFFIX, Request, Source, body, target::Place};
use crate::{
    args::{Cli, Command, ImportArgs},
    credential::{Door, Password, Side, Words, of_flags},
};

const RESOURCE_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sourceResourceGroup/providers/Microsoft.ContainerRegistry/registries/mySourceRegistry";
const DIGEST: &str = "sha256:92c7f9c92844bbbb5d0a101b22f7c2a7949e40f8ea90c8b3bc396879d95e899a";

/// What a command or body means.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    source: String,
    targets: Vec<String>,
    credential_key: String,
    credential: &'static str,
}

fn meaning(request: &Request, words: Option<Words>) -> Meaning {
    let Source::Registry { reference, acr } = &request.source else { panic!("a registry") };
    let origin = request.origin().unwrap();
    let targets = request.settle(&origin, &mut Vec::new()).unwrap();
    let names = targets.iter().flat_map(|target| match target.tags.as_slice() {
        [] => vec![format!("{} without a tag", target.repository)],
        tags => tags.iter().map(|tag| format!("{}:{tag}", target.repository)).collect(),
    });
    Meaning {
        source: reference.to_string(),
        targets: names.collect(),
        credential_key: reference.registry.credential_key(),
        credential: credential(words, reference, *acr),
    }
}

fn credential(words: Option<Words>, reference: &Reference, acr: bool) -> &'static str {
    let Some(words) = words else { return "configured" };
    let door = Door { registry: &reference.registry, acr, tls: true };
    match words.found(door).unwrap().map(|found| found.credential) {
        Some(Credential::Basic { .. }) => "user name and password",
        Some(Credential::EntraToken(_)) => "access token",
        other => panic!("{other:?}"),
    }
}

/// `az acr import ...` with our name in front.
fn command(words: &[&str]) -> ImportArgs {
    let line = ["transship", "import", "--name", "myregistry"].iter().chain(words);
    match Cli::try_parse_from(line).unwrap().command {
        Command::Import(args) => *args,
        _ => panic!("not an import"),
    }
}

fn import(words: &[&str]) -> Meaning {
    let args = command(words);
    let Place::Registry { registry, acr: true } = args.target.place().unwrap() else {
        panic!("an Azure registry")
    };
    assert_eq!(registry.to_string(), "myregistry.azurecr.io");
    let request = Request::read(&args.what.texts(), ACR_SUFFIX).unwrap();
    let password = args.common.source_login.password;
    let password = password.map(|hidden| Password { flag: "--password", secret: hidden.0 });
    let words = of_flags(Side::Source, args.common.source_login.username, password, &|_| None);
    meaning(&request, words)
}

fn expect(source: &str, targets: &[&str], credential_key: &str, credential: &'static str) -> Meaning {
    Meaning {
        source: source.to_owned(),
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        credential_key: credential_key.to_owned(),
        credential,
    }
}

const HUB_KEY: &str = "https://index.docker.io/v1/";

#[test]
fn guide_docker_hub_official_image() {
    assert_eq!(
        import(&["--source", "docker.io/library/hello-world:latest", "--image", "hello-world:latest"]),
        expect("docker.io/library/hello-world:latest", &["hello-world:latest"], HUB_KEY, "configured")
    );
}

#[test]
fn guide_docker_hub_with_user_name_and_token() {
    assert_eq!(
        import(&[
            "--source",
            "docker.io/tensorflow/tensorflow:latest-gpu",
            "--image",
            "tensorflow:latest-gpu",
            "--username",
            "someone",
            "--password",
            "token",
        ]),
        expect(
            "docker.io/tensorflow/tensorflow:latest-gpu",
            &["tensorflow:latest-gpu"],
            HUB_KEY,
            "user name and password"
        )
    );
}

#[test]
fn guide_microsoft_container_registry() {
    assert_eq!(
        import(&[
            "--source",
            "mcr.microsoft.com/windows/servercore:ltsc2022",
            "--image",
            "servercore:ltsc2022"
        ]),
        expect(
            "mcr.microsoft.com/windows/servercore:ltsc2022",
            &["servercore:ltsc2022"],
            "mcr.microsoft.com",
            "configured"
        )
    );
}

#[test]
fn guide_same_tenant_by_login_server() {
    assert_eq!(
        import(&[
            "--source",
            "mysourceregistry.azurecr.io/aci-helloworld:latest",
            "--image",
            "aci-helloworld:latest"
        ]),
        expect(
            "mysourceregistry.azurecr.io/aci-helloworld:latest",
            &["aci-helloworld:latest"],
            "mysourceregistry.azurecr.io",
            "configured"
        )
    );
}

#[test]
fn guide_same_tenant_by_digest_into_a_repository_without_a_tag() {
    let source = format!("mysourceregistry.azurecr.io/aci-helloworld@{DIGEST}");
    assert_eq!(
        import(&["--source", &source, "--repository", "aci-helloworld"]),
        expect(&source, &["aci-helloworld without a tag"], "mysourceregistry.azurecr.io", "configured")
    );
}

#[test]
fn guide_by_digest_without_a_target() {
    let source = format!("mysourceregistry.azurecr.io/aci-helloworld@{DIGEST}");
    assert_eq!(
        import(&["--source", &source]),
        expect(&source, &["aci-helloworld:latest"], "mysourceregistry.azurecr.io", "configured")
    );
}

#[test]
fn guide_other_subscription_by_resource_id() {
    assert_eq!(
        import(&[
            "--source",
            "samples/aci-helloworld:latest",
            "--image",
            "aci-hello-world:latest",
            "--registry",
            RESOURCE_ID,
        ]),
        expect(
            "mysourceregistry.azurecr.io/samples/aci-helloworld:latest",
            &["aci-hello-world:latest"],
            "mysourceregistry.azurecr.io",
            "configured"
        )
    );
}

#[test]
fn guide_service_principal() {
    assert_eq!(
        import(&[
            "--source",
            "sourceregistry.azurecr.io/sourcerepo:tag",
            "--image",
            "targetimage:tag",
            "--username",
            "11111111-1111-1111-1111-111111111111",
            "--password",
            "secret",
        ]),
        expect(
            "sourceregistry.azurecr.io/sourcerepo:tag",
            &["targetimage:tag"],
            "sourceregistry.azurecr.io",
            "user name and password"
        )
    );
}

#[test]
fn guide_other_tenant_by_access_token() {
    assert_eq!(
        import(&[
            "--source",
            "sourceregistry.azurecr.io/sourcerepo:tag",
            "--image",
            "targetimage:tag",
            "--password",
            "token",
        ]),
        expect(
            "sourceregistry.azurecr.io/sourcerepo:tag",
            &["targetimage:tag"],
            "sourceregistry.azurecr.io",
            "access token"
        )
    );
}

#[test]
fn guide_private_registry_with_user_name_and_password() {
    assert_eq!(
        import(&[
            "--source",
            "registry.example/sourcerepo/sourceimage:tag",
            "--image",
            "sourceimage:tag",
            "-u",
            "someone",
            "-p",
            "secret",
        ]),
        expect(
            "registry.example/sourcerepo/sourceimage:tag",
            &["sourceimage:tag"],
            "registry.example",
            "user name and password"
        )
    );
}

#[test]
fn guide_two_tags_and_a_second_repository() {
    let meaning = import(&[
        "--source",
        "docker.io/library/alpine:3",
        "-t",
        "alpine",
        "-t",
        "alpine:stable",
        "-t",
        "base/alpine",
        "--repository",
        "pinned/alpine",
    ]);
    assert_eq!(
        meaning.targets,
        ["alpine:3", "alpine:stable", "base/alpine:3", "pinned/alpine without a tag"]
    );
}

fn example(text: &str) -> Meaning {
    let request = body::read(text.as_bytes(), ACR_SUFFIX).unwrap();
    assert!(request.force);
    meaning(&request, request.credentials.clone())
}

/// The documentation's repositories have capitals, which no registry allows.
const TARGETS: [&str; 2] = ["targetrepository:targetTag", "targetrepository1 without a tag"];

#[test]
fn example_body_import_by_tag() {
    assert_eq!(
        example(include_str!("../../../fixtures/import/by-tag.json")),
        expect(
            "sourceregistry.azurecr.io/sourcerepository:sourceTag",
            &TARGETS,
            "sourceregistry.azurecr.io",
            "configured"
        )
    );
}

#[test]
fn example_body_import_by_digest() {
    let digest = format!("sha256:{}", "0".repeat(64));
    assert_eq!(
        example(include_str!("../../../fixtures/import/by-digest.json")),
        expect(
            &format!("sourceregistry.azurecr.io/sourcerepository@{digest}"),
            &TARGETS,
            "sourceregistry.azurecr.io",
            "configured"
        )
    );
}

#[test]
fn example_body_import_from_a_public_registry() {
    assert_eq!(
        example(include_str!("../../../fixtures/import/from-public-registry.json")),
        expect("docker.io/library/hello-world", &TARGETS, HUB_KEY, "configured")
    );
}
