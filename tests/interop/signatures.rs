//! Signatures between real registries: docker-registry 2.8, which lists no referrers, and olareg, which does.
use std::sync::Arc;

use auth::Given;
use content::{Catalog, Source, Untagged};
use reference::{Digest, RefName};
use registry::{Options, Registries, Repository};

use crate::{
    clients::oras,
    registries::{Registry, distribution, olareg},
    transship,
};

const NOTE: &str = "sha256:c7b2b410c31905657afbf5582b4912bc3abf35db65ae2904195585cf3d7cbd88";
const ABOUT: &str = "sha256:98668ff478316811875ec5c194a064fbea3a4db8f0f268ad99ae94552e4261c5";

fn fixture(name: &str) -> String {
    format!("oci:{}/fixtures/images:{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The tag under which cosign keeps the note's signature.
fn signature() -> String {
    NOTE.replace(':', "-") + ".sig"
}

fn repository(registry: &Registry, name: &str) -> Repository {
    let registries = Registries::new(Options::default()).unwrap();
    registries.repository(&registry.host().parse().unwrap(), name.parse().unwrap(), Arc::new(Given(None)))
}

/// Whether oras finds what is about the note, and the signature is at its tag.
async fn is_signed(repository: Repository, reference: String) {
    let found = oras(&["discover", "--plain-http", "--format", "json", &reference]);
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.contains(ABOUT), "{found}");
    let note: Digest = NOTE.parse().unwrap();
    let listed = repository.referrers(&note).await.unwrap();
    assert!(listed.iter().any(|one| one.digest.to_string() == ABOUT), "{listed:?}");
    let names = repository.names().await.unwrap();
    assert!(names.contains(&RefName::new(signature())), "{names:?}");
}

/// The manifests that were written to a `docker-registry`, in order, as far as its log tells.
fn written(registry: &Registry) -> Vec<String> {
    let puts = registry.requests(&["PUT"]).into_iter().filter(|line| line.contains("/manifests/"));
    let reference =
        |line: &String| line.split("/manifests/").nth(1)?.split([' ', '"']).next().map(str::to_owned);
    puts.filter_map(|line| reference(&line)).collect()
}

#[tokio::test]
async fn signatures_cross_between_registries_with_and_without_a_referrers_api() {
    let (first, second, third) = (distribution().start(), olareg(), distribution().start());
    let signature = first.reference(&format!("note:{}", signature()));
    transship().run(&["copy", &fixture("hello:v1"), &signature]).exits(0);
    transship().run(&["copy", "--referrers", &fixture("note:v1"), &first.reference("note:v1")]).exits(0);
    is_signed(repository(&first, "note"), first.reference("note:v1")).await;
    for (from, to) in [(&first, &second), (&second, &third)] {
        let run = ["copy", "--referrers", &from.reference("note:v1"), &to.reference("note:v1")];
        let said = transship().run(&run).exits(0);
        assert!(said.stdout.contains("2 referrers written"), "{said}");
        is_signed(repository(to, "note"), to.reference("note:v1")).await;
        let again = transship().run(&run).exits(0);
        assert!(again.stdout.contains("was there already"), "{again}");
    }
    for registry in [&first, &third] {
        let puts = written(registry);
        let place = |name: &str| puts.iter().position(|put| put == name);
        assert_eq!(puts.last().map(String::as_str), Some("v1"), "{puts:?}");
        assert!(place(ABOUT) < place("v1") && place(&NOTE.replace(':', "-")) < place("v1"), "{puts:?}");
        assert!(place(ABOUT).is_some(), "{puts:?}");
    }
}

#[tokio::test]
async fn a_registry_that_removes_nothing_and_lists_no_repositories_says_so() {
    let registry = olareg();
    transship().run(&["copy", &fixture("hello:v1"), &registry.reference("app:v1")]).exits(0);
    let outcome = repository(&registry, "app").untag(&RefName::new("v1"), &[]).await.unwrap();
    assert!(matches!(&outcome, Untagged::Refused(words) if words.contains("405")), "{outcome:?}");
    let all = Registries::new(Options::default()).unwrap();
    let all = all.repositories(&registry.host().parse().unwrap(), Arc::new(Given(None))).await;
    assert!(all.is_err_and(|fault| fault.kind() == content::FaultKind::Absent));
}

#[tokio::test]
async fn docker_registry_lists_its_names_and_lets_go_of_one() {
    let registry = distribution().removable().start();
    for name in ["app:v1", "app:v2", "other/deep:v1"] {
        transship().run(&["copy", &fixture("hello:v1"), &registry.reference(name)]).exits(0);
    }
    transship().run(&["copy", &fixture("hello-docker:v1"), &registry.reference("app:v3")]).exits(0);
    let app = repository(&registry, "app");
    let names = async || {
        let names = app.names().await.unwrap();
        names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["v1", "v2", "v3"]);
    let all = Registries::new(Options::default()).unwrap();
    let all = all.repositories(&registry.host().parse().unwrap(), Arc::new(Given(None))).await.unwrap();
    assert_eq!(all, ["app".parse().unwrap(), "other/deep".parse().unwrap()]);
    // One that shares its manifest with another: it goes alone, or it stays.
    let shared = app.untag(&RefName::new("v1"), &[]).await.unwrap();
    let left = names().await;
    match &shared {
        Untagged::Done => assert_eq!(left, ["v2", "v3"]),
        Untagged::Refused(words) => {
            assert!(words.contains("the tag v2 needs"), "{words}");
            assert_eq!(left, ["v1", "v2", "v3"]);
        }
        Untagged::Absent => panic!("{left:?}"),
    }
    assert_eq!(app.untag(&RefName::new("v3"), &[]).await.unwrap(), Untagged::Done);
    assert!(!names().await.contains(&"v3".to_owned()));
    assert_eq!(app.untag(&RefName::new("v9"), &[]).await.unwrap(), Untagged::Absent);
    let gone = repository(&registry, "gone").names().await;
    assert!(gone.is_err_and(|fault| fault.kind() == content::FaultKind::Absent));
}
