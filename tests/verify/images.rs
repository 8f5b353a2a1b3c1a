//! Single images: what is said of them, and by which exit code.
use http::Method;
use reference::Digest;
use testkit::{
    Content, Image, Registry, Rule,
    images::{DOCKER_FOREIGN, blob_path},
};

use crate::transship;

/// A registry that holds `app:v1`, and an empty one.
fn sides() -> (Registry, Registry) {
    let Image { content, root, .. } = Image::of(4096);
    (Registry::with(&content, &root, "app:v1"), Registry::start())
}

#[test]
fn a_copy_is_proven_at_every_depth_and_nothing_is_written() {
    let (source, target) = sides();
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    transship(&["copy", &from, &to]).exits(0);
    target.ledger().clear();
    for (depth, said) in
        [(None, "asked for"), (Some("--quick"), "roots alone"), (Some("--deep"), "to the last byte")]
    {
        let words: Vec<&str> = ["verify", &from, &to].into_iter().chain(depth).collect();
        let ran = transship(&words).exits(0);
        assert!(ran.stdout.contains(&format!("verified {to}\n")) && ran.stdout.contains(said), "{ran}");
    }
    // Without a tag, the source's.
    transship(&["verify", &from, &target.reference("app")]).exits(0);
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

#[test]
fn a_blob_that_is_gone_is_4_and_what_the_finding_says_helps() {
    let (source, target) = sides();
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    transship(&["copy", &from, &to]).exits(0);
    let ran = transship(&["verify", &to, "-o", "json"]).exits(0).json();
    let layer = layer_of(&source);
    std::fs::remove_file(target.blob(&layer)).unwrap();

    let ran_again = transship(&["verify", &from, &to, "-o", "json"]).exits(4).json();
    assert_eq!((&ran["whole"], &ran_again["notWhole"]), (&1.into(), &1.into()));
    assert_eq!(ran_again["error"]["kind"], "absent");
    let finding = &ran_again["images"][0]["findings"][0];
    assert_eq!((&finding["kind"], &finding["piece"]), (&"absent".into(), &"layer".into()));
    assert_eq!(finding["subject"], layer.to_string());
    let remedy = finding["remedy"].as_str().unwrap();
    assert_eq!(remedy, format!("transship copy --repair {from} {to}"));

    // A copy trusts the root; a repair does not.
    transship(&["copy", &from, &to]).exits(0);
    transship(&["verify", &from, &to]).exits(4).says("is not as it should be: 1 finding");
    let words: Vec<&str> = remedy.split(' ').skip(1).collect();
    transship(&words).exits(0);
    transship(&["verify", "--deep", &from, &to]).exits(0);
}

#[test]
fn a_foreign_layer_that_was_left_out_is_brought_by_what_the_finding_says() {
    let mut content = Content::new();
    let foreign = content.add(DOCKER_FOREIGN, testkit::noise(2, 100));
    let root = content.image(1, &[foreign]);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    transship(&["copy", &from, &to]).exits(0);
    transship(&["verify", &from, &to]).exits(0);
    let verify = ["verify", "--include-foreign", "--deep", &from, &to];
    let ran = transship(&[&verify[..], &["-o", "json"]].concat()).exits(4).json();
    let remedy = ran["images"][0]["findings"][0]["remedy"].as_str().unwrap();
    transship(&remedy.split(' ').skip(1).collect::<Vec<_>>()).exits(0);
    transship(&verify).exits(0);
}

/// The digest of the layer of `app:v1`, by what its registry serves.
fn layer_of(registry: &Registry) -> Digest {
    let index = std::fs::read_dir(registry.dir().join("blobs/sha256")).unwrap();
    let largest =
        index.map(|entry| entry.unwrap()).max_by_key(|entry| entry.metadata().unwrap().len()).unwrap();
    format!("sha256:{}", largest.file_name().to_str().unwrap()).parse().unwrap()
}

#[test]
fn a_flipped_byte_is_5_and_only_deep_finds_it() {
    let (_, target) = sides();
    let to = target.reference("app:v1");
    let (source, _) = sides();
    transship(&["copy", &source.reference("app:v1"), &to]).exits(0);
    let path = target.blob(&layer_of(&target));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    transship(&["verify", &to]).exits(0);
    let ran = transship(&["verify", "--deep", &to]).exits(5);
    assert!(ran.stdout.contains("wrong: layer sha256:") && ran.stdout.contains("hint: "), "{ran}");
}

#[test]
fn a_tag_that_stands_elsewhere_is_5_and_one_that_is_gone_4() {
    let (source, target) = sides();
    let mut content = Content::new();
    let layer = content.layer(9, 10);
    let other = content.image(9, &[layer]);
    let moved = Registry::with(&content, &other, "app:v1");
    let from = source.reference("app:v1");
    let ran = transship(&["verify", "--quick", &from, &moved.reference("app")]).exits(5);
    assert!(ran.stdout.contains(&format!("found {}", other.digest)), "{ran}");
    transship(&["verify", &from, &target.reference("app:v1")]).exits(4);
    let pinned = format!("{}@{}", moved.reference("app:v1"), other.digest);
    transship(&["verify", &pinned]).exits(0);
    let wrong = format!("{}@sha256:{}", moved.reference("app:v1"), "0".repeat(64));
    transship(&["verify", &wrong]).exits(5);
}

#[test]
fn what_cannot_be_looked_at_has_the_code_of_what_kept_us_from_it() {
    let (source, _) = sides();
    source.rule(Rule::on(Method::HEAD, "/blobs/").status(403));
    transship(&["verify", &source.reference("app:v1")]).exits(3);
    transship(&["verify", "127.0.0.1:1/app:v1"]).exits(7);
    transship(&["verify", "oci:fixtures/images:none"]).exits(4);
    transship(&["verify", "oci:fixtures/images:hello:v1"]).exits(0);
    transship(&["verify", "--quick", "--deep", "oci:fixtures/images:hello:v1"]).exits(2);
}

#[test]
fn what_a_layout_lost_or_damaged_a_repair_brings_back() {
    let (content, root) = Content::fleet(2, 2, 3000);
    let source = Registry::with(&content, &root, "app:v1");
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (source.reference("app:v1"), format!("oci:{}:app:v1", dir.path().display()));
    let digests: Vec<&Digest> = content.digests().collect();
    for (number, digest) in digests.iter().enumerate() {
        transship(&["copy", "--repair", &from, &to]).exits(0);
        transship(&["verify", "--deep", &to]).exits(0);
        let path = blob_path(dir.path(), digest);
        let mut bytes = std::fs::read(&path).unwrap();
        if number % 2 == 0 {
            std::fs::remove_file(&path).unwrap();
            transship(&["verify", &to]).exits(4);
        } else {
            *bytes.first_mut().unwrap() ^= 1;
            std::fs::write(&path, bytes).unwrap();
            transship(&["verify", "--deep", &to]).exits(5);
        }
    }
    transship(&["copy", "--repair", &from, &to]).exits(0);
    transship(&["verify", "--deep", &from, &to]).exits(0);
}

#[test]
fn a_copy_of_chosen_platforms_is_what_such_a_copy_would_be() {
    let target = Registry::start();
    let (from, to) = ("oci:fixtures/images:hello:v1", target.reference("app:v1"));
    let platform = ["--platform", "linux/arm64"];
    transship(&[&["copy", from, &to], &platform[..]].concat()).exits(0);
    let ran = transship(&["verify", from, &to]).exits(5);
    assert!(ran.stdout.contains("hint: transship copy oci:"), "{ran}");
    transship(&[&["verify", "--deep", from, &to], &platform[..]].concat()).exits(0);
    let ran = transship(&["verify", from, &to, "--platform", "linux/amd64"]).exits(5);
    assert!(ran.stdout.contains("copy --platform linux/amd64 "), "{ran}");
    transship(&["verify", from, &to, "--platform", "plan9/mips"]).exits(4);
}
