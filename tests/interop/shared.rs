//! Shared: what crosses between real registries when many repositories want one image, by their own access logs.
use std::collections::BTreeMap;

use testkit::{Content, Entry};

use crate::{
    registries::{Distribution, Registry, distribution, distribution_3},
    transship,
};

const REPOSITORIES: usize = 20;

/// How often each blob was asked for so, and answered with this status: lines of an access log, by digest.
pub(crate) fn count(lines: &[String], mark: &str, status: u16) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines.iter().filter(|line| line.contains(&format!(" HTTP/1.1\" {status} "))) {
        let Some((_, rest)) = line.split_once(mark) else { continue };
        let digest = rest.split([' ', '&', '"']).next().unwrap().replace("%3A", ":");
        *counts.entry(digest).or_default() += 1;
    }
    counts
}

/// Every blob of `content` but its manifests, so many times.
pub(crate) fn each(blobs: &[String], times: usize) -> BTreeMap<String, usize> {
    blobs.iter().map(|blob| (blob.clone(), times)).collect()
}

/// A registry that holds an image as large as Debian's for two platforms, and the digests of its blobs.
fn source(distribution: Distribution) -> (Registry, Vec<String>) {
    let mut content = Content::new();
    let base = content.layer(1, 30 << 20);
    let images: Vec<_> = (2..4)
        .map(|seed| {
            let layers = [base.clone(), content.layer(seed, 8 << 20), content.layer(10 * seed, 300)];
            content.image(seed, &layers)
        })
        .collect();
    let root = content.index(&images);
    let registry = distribution.start();
    let dir = tempfile::tempdir().unwrap();
    content.write_layout(dir.path(), &[Entry::named(&root, "app:v1")]).unwrap();
    transship()
        .run(&["copy", &format!("oci:{}:app:v1", dir.path().display()), &registry.reference("app:v1")])
        .exits(0);
    let manifests: Vec<_> = images.iter().chain([&root]).map(|one| &one.digest).collect();
    let blobs = content.digests().filter(|digest| !manifests.contains(digest)).map(ToString::to_string);
    (registry, blobs.collect())
}

#[test]
fn one_image_to_twenty_repositories_is_read_and_sent_once_and_mounted_for_the_rest() {
    for make in [distribution as fn() -> Distribution, distribution_3] {
        let ((source, blobs), target) = (source(make()), make().start());
        let from = source.reference("app:v1");
        let names: Vec<String> =
            (0..REPOSITORIES).map(|number| target.reference(&format!("team/{number}:v1"))).collect();
        let arguments: Vec<&str> =
            ["copy", &from].into_iter().chain(names.iter().map(String::as_str)).collect();
        transship().run(&arguments).exits(0);

        let (read, written) = (source.requests(&["GET"]), target.writes());
        assert_eq!(count(&read, "/blobs/", 200), each(&blobs, 1), "{read:#?}");
        assert_eq!(count(&written, "digest=", 201), each(&blobs, 1), "{written:#?}");
        assert_eq!(count(&written, "mount=", 201), each(&blobs, REPOSITORIES - 1), "{written:#?}");
        // The first copy of each had to ask too: that is where its session came from.
        assert_eq!(count(&written, "mount=", 202), each(&blobs, 1), "{written:#?}");
        for name in names {
            let back = transship().run(&["copy", &name, "oci:back:app:v1"]).exits(0);
            assert!(back.stdout.contains("3 manifests, 7 blobs"), "{back}");
        }
    }
}
