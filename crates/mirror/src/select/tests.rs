//! What configurations select, asked of a world of fakes that writes down what it was asked.
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex},
};

use content::{
    Catalog, Descriptor, Fault, FaultKind, Incoming, Manifest, Place, Source, Step, Target, Version,
};
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use reference::{Digest, RefName, Registry, RepositoryName};

use super::*;
use crate::Site;

/// Registries and layouts, as lists of names; every tag of the form `YYYY-MM-DD-...` was made that day.
#[derive(Default)]
struct Fakes {
    names: BTreeMap<String, Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
}

impl Fakes {
    fn with(mut self, site: &str, names: &[&'static str]) -> Self {
        self.names.insert(site.to_owned(), names.to_vec());
        self
    }

    fn ask(&self, what: &impl ToString) {
        self.asked.lock().unwrap().push(what.to_string());
    }
}

fn absent() -> Fault {
    Fault::new(FaultKind::Absent, Step::Resolve, "it is not there")
}

struct FakeSource(Place);

impl Source for FakeSource {
    fn place(&self) -> &Place {
        &self.0
    }

    fn resolve<'a>(&'a self, _: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        async { Err(absent()) }.boxed()
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        _: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        let said = version.to_string();
        if said.starts_with("broken") {
            return async { Err(absent()) }.boxed();
        }
        if said == "nested" || said.starts_with("sha256:") {
            let level = said.strip_prefix("sha256:").map_or(0, |hex| u64::from_str_radix(hex, 16).unwrap());
            return async move { Manifest::read(nested(level).into(), None, None, None) }.boxed();
        }
        let day: String = said.chars().take(10).collect();
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],
            "annotations":{{"org.opencontainers.image.created":"{day}T00:00:00Z"}}}}"#
        );
        async move { Manifest::read(text.into_bytes().into(), None, None, None) }.boxed()
    }

    fn referrers<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn open<'a>(&'a self, _: &'a Descriptor, _: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        async { Err(absent()) }.boxed()
    }
}

/// An index that holds an index, and so on for twenty levels; the last one has a date.
fn nested(level: u64) -> Vec<u8> {
    let entry = format!(
        r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:{:064x}","size":1}}"#,
        level + 1
    );
    let (entry, made) = if level < 20 { (entry.as_str(), "") } else { ("", "2026-02-01T00:00:00Z") };
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{entry}],
        "annotations":{{"org.opencontainers.image.created":"{made}"}}}}"#
    );
    text.into_bytes()
}

impl World for Fakes {
    fn source(&self, site: &Site) -> Result<Arc<dyn Source>, Fault> {
        self.ask(&format!("dates of {site}"));
        Ok(Arc::new(FakeSource(Place::new("fake", site.to_string(), None))))
    }

    fn catalog(&self, _: &Site) -> Result<Arc<dyn Catalog>, Fault> {
        Err(absent())
    }

    fn target(&self, _: &Site) -> Result<Arc<dyn Target>, Fault> {
        Err(absent())
    }

    fn names<'a>(&'a self, site: &'a Site) -> BoxFuture<'a, Result<Vec<RefName>, Fault>> {
        self.ask(site);
        let names = self.names.get(&site.to_string());
        let names = names.map(|names| names.iter().map(|name| RefName::new(*name)).collect());
        async move { names.ok_or_else(absent) }.boxed()
    }

    fn repositories<'a>(
        &'a self,
        registry: &'a Registry,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Fault>> {
        self.ask(registry);
        let below = format!("{registry}/");
        let names = self.names.keys().filter_map(|name| name.strip_prefix(&below)?.parse().ok());
        let names: Vec<RepositoryName> = names.collect();
        async move { if names.is_empty() { Err(absent()) } else { Ok(names) } }.boxed()
    }
}

fn config(images: &str) -> Config {
    Config::read(&format!("version: 1\nto: inside.example\nimages:\n{images}"), "mirror.yaml").unwrap()
}

fn selected(images: &str, fakes: &Fakes) -> Selection {
    block_on(select(&config(images), fakes, None)).unwrap()
}

/// The destinations of all that is selected, without the registry.
fn names(selection: &Selection) -> Vec<String> {
    let name = |item: &Item| item.destination.to_string().replace("inside.example/", "");
    selection.items.iter().map(name).collect()
}

#[test]
fn a_literal_tag_costs_no_list_of_tags() {
    let fakes = Fakes::default();
    let found = selected("  - {from: a.example/x, tags: [v1, \"3.20\"]}\n  - from: a.example/y:v2\n", &fakes);
    assert_eq!(names(&found), ["x:v1", "x:3.20", "y:v2"]);
    assert_eq!(fakes.asked.lock().unwrap().len(), 0);
}

#[test]
fn tags_are_found_by_their_looks_and_each_once() {
    let fakes = Fakes::default().with("a.example/x", &["3.21", "3.22", "3.22-rc1", "edge", "v9", "2.9"]);
    let entry = "  - {from: a.example/x, tags: [edge, \"3.*\", {regex: \"^v\"}, {semver: \"<3\"}], exclude: [\"*-rc*\"]}\n";
    let found = selected(entry, &fakes);
    assert_eq!(names(&found), ["x:edge", "x:v9", "x:3.22", "x:3.21", "x:2.9"]);
    assert_eq!(*fakes.asked.lock().unwrap(), ["a.example/x"]);
}

#[test]
fn what_belongs_to_another_image_is_no_image_of_its_own() {
    let signature: &'static str = format!("sha256-{}.sig", "0".repeat(64)).leak();
    let fakes = Fakes::default().with("a.example/x", &["v1", signature, "sha256-short"]);
    let found = selected("  - {from: a.example/x, tags: [\"*\"]}\n", &fakes);
    assert_eq!(names(&found), ["x:v1", "x:sha256-short"]);
}

#[test]
fn the_newest_are_told_by_version_and_nobody_is_asked_for_dates() {
    let fakes = Fakes::default().with("a.example/x", &["1.9", "1.10", "v1.2", "1.10-rc1", "latest"]);
    let found = selected("  - {from: a.example/x, tags: [latest, \"*1.*\"], newest: 2}\n", &fakes);
    assert_eq!(names(&found), ["x:latest", "x:1.10", "x:1.10-rc1"], "a literal is not counted");
    assert_eq!(*fakes.asked.lock().unwrap(), ["a.example/x"]);
}

#[test]
fn the_newest_of_what_is_no_version_are_told_by_date() {
    let days = ["2026-01-03-a", "2026-03-01-b", "2025-12-31-c", "2026-02-01-d"];
    let fakes = Fakes::default().with("a.example/x", &days);
    let found = selected("  - {from: a.example/x, tags: [\"*\"], newest: 2}\n", &fakes);
    assert_eq!(names(&found), ["x:2026-03-01-b", "x:2026-02-01-d"]);
    let found = selected("  - {from: a.example/x, tags: [\"*\"], since: 2026-01-03}\n", &fakes);
    assert_eq!(names(&found), ["x:2026-03-01-b", "x:2026-02-01-d", "x:2026-01-03-a"]);
}

#[test]
fn repositories_of_a_registry_and_entries_of_a_layout_keep_their_names() {
    let fakes = Fakes::default()
        .with("a.example/team/x", &["v1"])
        .with("a.example/team/deep/y", &["v1", "v2"])
        .with("a.example/other", &["v1"])
        .with("oci:dir", &["library/alpine:3.22", "plain", "team/z:v1"]);
    let found = selected("  - {from: a.example, repositories: [\"team/**\"], tags: [\"v*\"]}\n", &fakes);
    assert_eq!(names(&found), ["team/deep/y:v2", "team/deep/y:v1", "team/x:v1"]);
    let found = selected("  - {from: \"oci:dir\"}\n", &fakes);
    assert_eq!(names(&found), ["library/alpine:3.22", "team/z:v1"]);
    // Nothing says which repository it is for.
    assert_eq!((found.failures.len(), found.failures[0].source.as_str()), (1, "oci:dir:plain"));
    let found = selected("  - {from: \"oci:dir\", repositories: [\"team/*\"]}\n", &fakes);
    assert_eq!(names(&found), ["team/z:v1"]);
}

#[test]
fn an_entry_that_cannot_be_asked_does_not_stop_the_rest() {
    let fakes = Fakes::default().with("a.example/x", &["v1"]);
    let images = "  - {from: gone.example/x, tags: [\"*\"]}\n  - {from: gone.example, repositories: [\"**\"], tags: [v1]}\n  \
                  - {from: a.example/x, tags: [\"v*\", w]}\n  - {from: a.example/x, tags: [\"q*\"]}\n";
    let found = selected(images, &fakes);
    assert_eq!(names(&found), ["x:w", "x:v1"]);
    let failed: Vec<_> = found.failures.iter().map(|one| (one.source.as_str(), one.spot.line)).collect();
    assert_eq!(failed, [("gone.example/x", 4), ("gone.example", 5)]);
    assert_eq!(found.empty, ["a.example/x has no tag that the patterns of line 7 mean"]);
}

#[test]
fn two_images_that_patterns_bring_to_one_destination_are_refused() {
    let fakes = Fakes::default().with("a.example/x", &["v1"]).with("b.example/x", &["v1"]);
    let images = "  - {from: a.example/x, tags: [\"v*\"]}\n  - {from: b.example/x, tags: [\"v*\"]}\n";
    let why = block_on(select(&config(images), &fakes, None)).unwrap_err();
    assert!(why.to_string().starts_with("mirror.yaml:5:5: two images"), "{why}");
    let images =
        "  - {from: a.example/x, tags: [\"v*\"]}\n  - {from: a.example/x, tags: [v1], immutable: true}\n";
    let found = selected(images, &fakes);
    assert_eq!(names(&found), ["x:v1"]);
    assert!(found.items[0].immutable);
}

#[test]
fn patterns_that_find_nothing_are_told_though_a_literal_stands_beside_them() {
    let fakes = Fakes::default().with("a.example/x", &[]).with("a.example/y", &["2026-01-01-a"]);
    let images = "  - {from: a.example/x, tags: [latest, \"v*\"]}\n  - {from: a.example/y, tags: [w, \"2*\"], since: 2026-02-01}\n";
    let found = selected(images, &fakes);
    assert_eq!(names(&found), ["x:latest", "y:w"]);
    assert_eq!(found.empty.len(), 2, "{:?}", found.empty);
}

#[test]
fn patterns_that_find_only_what_a_literal_names_too_have_found_something() {
    let fakes = Fakes::default().with("a.example/x", &["v1", "latest"]);
    let found = selected("  - {from: a.example/x, tags: [v1, \"v*\"]}\n", &fakes);
    assert_eq!((names(&found), found.empty), (vec!["x:v1".to_owned()], Vec::new()));
    let found = selected("  - {from: a.example/x, tags: [latest, \"v2*\"]}\n", &fakes);
    assert_eq!(found.empty.len(), 1, "the pattern means none");
}

#[test]
fn an_image_whose_date_cannot_be_read_does_not_stop_the_rest() {
    let fakes = Fakes::default().with("a.example/x", &["2026-01-01-a", "broken-b", "2026-03-01-c"]);
    let found = selected("  - {from: a.example/x, tags: [\"*\"], newest: 1}\n", &fakes);
    assert_eq!(names(&found), ["x:2026-03-01-c"]);
    let failed: Vec<_> = found.failures.iter().map(|one| one.source.as_str()).collect();
    assert_eq!(failed, ["a.example/x:broken-b"]);
}

#[test]
fn signatures_in_a_layout_are_images_only_where_all_of_it_is_meant() {
    let signature: &'static str = format!("team/x:sha256-{}.sig", "0".repeat(64)).leak();
    let fakes = Fakes::default().with("oci:dir", &["team/x:v1", signature]);
    assert_eq!(names(&selected("  - {from: \"oci:dir\", tags: [\"*\"]}\n", &fakes)), ["team/x:v1"]);
    assert_eq!(names(&selected("  - {from: \"oci:dir\"}\n", &fakes)).len(), 2);
}

#[test]
fn two_names_of_one_layout_are_one_destination() {
    let fakes = Fakes::default().with("a.example/x", &["v1"]).with("b.example/x", &["v1"]);
    let text = "version: 1\nimages:\n  - {from: a.example/x, tags: [\"v*\"], to: \"oci:to\"}\n  - {from: b.example/x, tags: [\"v*\"], to: \"oci:./to\"}\n";
    let config = Config::read(text, "mirror.yaml").unwrap();
    assert!(block_on(select(&config, &fakes, None)).unwrap_err().to_string().contains("two images"));
    let literal = text.replace("\"v*\"", "v1");
    assert!(Config::read(&literal, "mirror.yaml").unwrap_err().to_string().contains("two images"));
}

#[test]
fn an_index_of_indexes_is_looked_into_only_so_deep() {
    let fakes = Fakes::default().with("a.example/x", &["nested"]);
    let found = selected("  - {from: a.example/x, tags: [\"*\"], since: 2026-01-01}\n", &fakes);
    assert!(names(&found).is_empty() && found.failures.is_empty(), "{:?}", found.failures);
    assert!(found.warnings[0].contains("does not say when"), "{:?}", found.warnings);
}
