//! Mounts: what one repository of the target holds need not cross again for another.
use testkit::{Content, Fake, Image, Mishap, Registry, Rule};

use crate::{import, transship};

const NAMES: [&str; 8] = ["-t", "a:1", "-t", "a:2", "--repository", "b", "--repository", "c/d"];

#[test]
fn several_repositories_cost_one_read_a_blob_and_mounts_for_the_rest() {
    let (content, root) = Content::fleet(2, 3, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &NAMES)).exits(0);
    let (blobs, ledger) = (2 * 4, target.ledger());
    assert_eq!(source.ledger().blob_reads().len(), blobs, "{}", source.ledger());
    let mounted = |repository: &str| {
        let door = format!("/v2/{repository}/blobs/uploads/");
        ledger.count(|r| r.path == door && r.query.contains("from=a") && r.status == Some(201))
    };
    assert_eq!((mounted("b"), mounted("c/d")), (blobs, blobs), "{ledger}");
    let sent: u64 = ledger.pick(testkit::Request::is_blob).iter().map(|request| request.received).sum();
    let size: u64 = source.ledger().blob_reads().iter().map(|read| read.sent).sum();
    assert_eq!(sent, size, "{ledger}");
    let tagged = |path: &str| ledger.count(|r| r.method == "PUT" && r.path == path && r.status == Some(201));
    let digest = &root.digest;
    assert_eq!([tagged("/v2/a/manifests/1"), tagged("/v2/a/manifests/2")], [1, 1], "{ledger}");
    for repository in ["b", "c/d"] {
        assert_eq!(tagged(&format!("/v2/{repository}/manifests/{digest}")), 1, "{ledger}");
        assert_eq!(
            ledger.count(|r| r.method == "PUT"
                && r.path.starts_with(&format!("/v2/{repository}/manifests/"))
                && !r.path.contains("sha256:")),
            0
        );
    }
}

#[test]
fn a_refused_mount_is_streamed_from_the_source_again() {
    for status in [401, 403, 405, 500] {
        let (content, root) = Content::fleet(1, 2, 1000);
        let source = Registry::with(&content, &root, "app:v1");
        let refuse = Rule::on(http::Method::POST, "/v2/b/blobs/uploads/*from=a").status(status);
        let target = Registry::setup().rule(refuse).start();
        let names = ["-t", "a:1", "--repository", "b"];
        transship().run(&import(&source.reference("app:v1"), &target.host(), &names)).exits(0);
        assert_eq!(source.ledger().blob_reads().len(), 2 * 3, "{status}: {}", source.ledger());
        let put = |r: &testkit::Request| r.method == "PUT" && r.path.starts_with("/v2/b/manifests/");
        assert_eq!(target.ledger().count(put), 2, "{}", target.ledger());
    }
}

#[test]
fn an_image_of_the_same_registry_is_mounted_and_not_moved() {
    let (content, root) = Content::fleet(2, 2, 1000);
    let registry = Registry::with(&content, &root, "app:v1");
    let names = ["-t", "copy:v1"];
    transship().run(&import(&registry.reference("app:v1"), &registry.host(), &names)).exits(0);
    assert_eq!(registry.ledger().blob_reads().len(), 0, "{}", registry.ledger());
    let mounts = registry.ledger().count(|r| r.query.contains("from=app") && r.status == Some(201));
    assert_eq!(mounts, 2 * 3, "{}", registry.ledger());
}

#[test]
fn several_destinations_read_the_source_once_a_registry() {
    let (content, root) = Content::fleet(1, 3, 1000);
    let (source, one, other) =
        (Registry::with(&content, &root, "app:v1"), Registry::start(), Registry::start());
    let names = [one.reference("a:1"), one.reference("b:1"), one.reference("a:2"), other.reference("c:1")];
    let from = source.reference("app:v1");
    let mut arguments = vec!["copy", &from];
    arguments.extend(names.iter().map(String::as_str));
    transship().run(&arguments).exits(0);
    assert!(one.holds(&content) && other.holds(&content));
    // Twice: once for each registry, whatever the number of repositories there.
    assert_eq!(source.ledger().blob_reads().len(), 2 * 4, "{}", source.ledger());
}

#[test]
fn a_blob_that_the_target_has_lost_is_sent_again_and_told_of() {
    let Image { content, root, layer } = Image::of(1000);
    let lost = Mishap::on(http::Method::PUT, "/manifests/").nth(1).forget(&layer.digest);
    let source = Fake::setup().seed(&content, &root, "app:v1").on_a_thread();
    let target = Fake::setup().seed(&content, &root, "app:old").mishap(lost).on_a_thread();
    let run = transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds("app", &content), "{}", target.ledger());
    let done = |line: &&str| line.contains("a blob is done") && line.contains(layer.digest.hex());
    let told: Vec<&str> = run.log.lines().filter(done).collect();
    assert_eq!(told.len(), 2, "{run}");
    assert!(told[0].contains("there already") && told[1].contains("copied"), "{run}");
}
