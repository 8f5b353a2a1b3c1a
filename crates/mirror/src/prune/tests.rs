//! What may go, asked of a destination that is a list of names.
use std::sync::Arc;

use content::{Catalog, Source, Step, Target};
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use reference::{Registry, RepositoryName};

use super::*;
use crate::{Item, Site, Unselected};

/// Destinations, as lists of names.
struct Fakes(BTreeMap<&'static str, Vec<&'static str>>);

fn absent() -> Fault {
    Fault::new(FaultKind::Absent, Step::List, "it is not there")
}

impl World for Fakes {
    fn source(&self, _: &Site) -> Result<Arc<dyn Source>, Fault> {
        Err(absent())
    }

    fn catalog(&self, _: &Site) -> Result<Arc<dyn Catalog>, Fault> {
        Err(absent())
    }

    fn target(&self, _: &Site) -> Result<Arc<dyn Target>, Fault> {
        Err(absent())
    }

    fn names<'a>(&'a self, site: &'a Site) -> BoxFuture<'a, Result<Vec<RefName>, Fault>> {
        let names = self.0.get(site.to_string().as_str());
        let names = names.map(|names| names.iter().map(|name| RefName::new(*name)).collect());
        async move { names.ok_or_else(absent) }.boxed()
    }

    fn repositories<'a>(&'a self, _: &'a Registry) -> BoxFuture<'a, Result<Vec<RepositoryName>, Fault>> {
        async { Err(absent()) }.boxed()
    }
}

const TWO: &str = "version: 1
images:
  - from: a.example/app
    tags: ['v*']
    to: b.example/app:{tag}
  - from: a.example/lib:1
    to: b.example/lib:1
";

fn config() -> Config {
    Config::read(TWO, "mirror.yaml").unwrap()
}

/// Items that the first entry yields, and the second's.
fn selected(config: &Config, tags: &[&str]) -> Selection {
    let item = |repository: &str, tag: &str, spot| Item {
        source: format!("a.example/{repository}:{tag}").parse().unwrap(),
        destination: format!("b.example/{repository}:{tag}").parse().unwrap(),
        immutable: false,
        platforms: Vec::new(),
        referrers: false,
        spot,
    };
    let [app, lib] = &config.entries[..] else { panic!("two entries") };
    let mut items: Vec<_> = tags.iter().map(|tag| item("app", tag, app.spot)).collect();
    items.push(item("lib", "1", lib.spot));
    Selection { items, ..Selection::default() }
}

fn look(
    selection: &Selection,
    failed: &[&str],
    most: bool,
    there: &[(&'static str, &[&'static str])],
) -> Pruning {
    let config = config();
    let failed = failed.iter().map(|name| name.parse().unwrap()).collect();
    let world = Fakes(there.iter().map(|(site, names)| (*site, names.to_vec())).collect());
    block_on(Prune { config: &config, selection, failed: &failed, left: 0, shard: None, most }.look(&world))
}

fn names(pruning: &Pruning) -> Vec<String> {
    pruning.stale.iter().map(ToString::to_string).collect()
}

#[test]
fn tags_that_are_no_longer_meant_may_go_and_others_repositories_are_not_looked_at() {
    let selection = selected(&config(), &["v1", "v2"]);
    let there: [(&str, &[&str]); 3] =
        [("b.example/app", &["v0", "v1", "v2"]), ("b.example/lib", &["1"]), ("b.example/other", &["v0"])];
    let pruning = look(&selection, &[], false, &there);
    assert_eq!(names(&pruning), ["b.example/app:v0"]);
    assert!(pruning.spared.is_empty(), "{pruning:?}");
}

#[test]
fn signatures_and_lists_of_referrers_stay() {
    let hex = "0".repeat(64);
    let signature: &'static str = format!("sha256-{hex}.sig").leak();
    let referrers: &'static str = format!("sha256-{hex}").leak();
    let selection = selected(&config(), &["v1", "v2"]);
    let pruning = look(&selection, &[], true, &[("b.example/app", &["v1", "v2", signature, referrers])]);
    assert!(names(&pruning).is_empty(), "{pruning:?}");
}

#[test]
fn where_an_image_failed_nothing_of_its_repository_goes() {
    let selection = selected(&config(), &["v1", "v2"]);
    let there: [(&str, &[&str]); 2] =
        [("b.example/app", &["v0", "v1", "v2"]), ("b.example/lib", &["0", "1"])];
    let pruning = look(&selection, &["b.example/app:v2"], false, &there);
    assert_eq!(names(&pruning), ["b.example/lib:0"]);
    assert!(
        matches!(&pruning.spared[..], [Spared { home, why: Why::Unknown(_) }] if home == "b.example/app")
    );
}

#[test]
fn where_an_entry_failed_or_selects_nothing_nothing_goes_anywhere() {
    let there: [(&str, &[&str]); 2] =
        [("b.example/app", &["v0", "v1", "v2"]), ("b.example/lib", &["0", "1"])];
    let config = config();
    let mut empty = selected(&config, &["v1"]);
    empty.empty.push("a.example/app has no tag that line 3 means".to_owned());
    let empty = look(&empty, &[], true, &there);
    assert!(names(&empty).is_empty());
    assert!(
        matches!(&empty.spared[..], [Spared { why: Why::Unknown(why), .. }] if why.contains("line 3")),
        "{empty:?}"
    );
    let mut selection = selected(&config, &["v1", "v2"]);
    selection.failures.push(Unselected {
        source: "a.example/app".to_owned(),
        destination: "b.example/app".to_owned(),
        spot: config.entries[0].spot,
        fault: absent(),
    });
    let failed = look(&selection, &[], true, &there);
    assert!(names(&failed).is_empty() && failed.spared.len() == 1, "{failed:?}");
}

#[test]
fn more_than_half_of_a_repository_goes_only_when_asked_for() {
    let selection = selected(&config(), &["v1"]);
    let there: [(&str, &[&str]); 1] = [("b.example/app", &["v0", "v00", "v1"])];
    let careful = look(&selection, &[], false, &there);
    assert!(names(&careful).is_empty());
    assert!(
        matches!(&careful.spared[..], [Spared { why: Why::Most { stale: 2, of: 3 }, .. }]),
        "{careful:?}"
    );
    assert_eq!(names(&look(&selection, &[], true, &there)).len(), 2);
    let half: [(&str, &[&str]); 1] = [("b.example/app", &["v0", "v1"])];
    assert_eq!(names(&look(&selection, &[], false, &half)), ["b.example/app:v0"]);
}

#[test]
fn where_images_are_kept_by_digest_alone_nothing_goes() {
    let mut selection = selected(&config(), &["v1", "v2"]);
    let digest = format!("sha256:{}", "0".repeat(64));
    let mut by_digest = selection.items[0].clone();
    by_digest.destination = format!("b.example/app@{digest}").parse().unwrap();
    selection.items.push(by_digest);
    let pruning = look(&selection, &[], true, &[("b.example/app", &["v0", "v1", "v2"])]);
    assert!(names(&pruning).is_empty() && pruning.spared.len() == 1, "{pruning:?}");
}

#[test]
fn another_shard_is_not_looked_at() {
    let (config, failed) = (config(), BTreeSet::new());
    let selection = selected(&config, &["v1", "v2"]);
    let world =
        Fakes(BTreeMap::from([("b.example/app", vec!["v0", "v1", "v2"]), ("b.example/lib", vec!["0", "1"])]));
    let mut found = Vec::new();
    for index in 0..2 {
        let shard = Shard::new(index, 2).ok();
        let prune =
            Prune { config: &config, selection: &selection, failed: &failed, left: 0, shard, most: false };
        found.extend(names(&block_on(prune.look(&world))));
    }
    found.sort();
    assert_eq!(found, ["b.example/app:v0", "b.example/lib:0"]);
}

#[test]
fn in_a_layout_only_names_of_the_same_repository_may_go() {
    let mut selection = selected(&config(), &["v1", "v2"]);
    for item in &mut selection.items {
        let name = item.source.name.clone().unwrap();
        let repository = if item.spot == config().entries[0].spot { "app" } else { "lib" };
        item.destination = format!("oci:store:{repository}:{name}").parse().unwrap();
    }
    let there: [(&str, &[&str]); 1] =
        [("oci:store", &["app:v0", "app:v1", "app:v2", "lib:1", "mine:v0", "loose"])];
    let pruning = look(&selection, &[], false, &there);
    assert_eq!(names(&pruning), ["oci:store:app:v0"]);
}

#[test]
fn a_place_that_is_spelled_in_two_ways_is_one() {
    one_place("", ["b.example/app", "b.example:443/app"]);
    one_place("app:", ["oci:store", "oci:./store"]);
}

/// Nothing goes from a place of which every tag is meant, some by the one spelling of it, some by the other.
fn one_place(before: &str, spellings: [&'static str; 2]) {
    let mut selection = selected(&config(), &["v1", "v2"]);
    for (number, item) in selection.items.iter_mut().enumerate() {
        let site = spellings[number.min(1)];
        item.destination = format!("{site}:{before}w{number}").parse().unwrap();
    }
    let all = [0, 1, 2].map(|number| format!("{before}w{number}"));
    let all: Vec<&'static str> = all.into_iter().map(|name| &*name.leak()).collect();
    let there = spellings.map(|site| (site, &all[..]));
    let pruning = look(&selection, &[], true, &there);
    assert!(names(&pruning).is_empty(), "{pruning:?}");
    // Nor by any of several processes.
    let (config, failed) = (config(), BTreeSet::new());
    let world = Fakes(there.iter().map(|(site, names)| (*site, names.to_vec())).collect());
    for (of, index) in (2..9).flat_map(|of| (0..of).map(move |index| (of, index))) {
        let shard = Shard::new(index, of).ok();
        let prune =
            Prune { config: &config, selection: &selection, failed: &failed, left: 0, shard, most: true };
        assert!(block_on(prune.look(&world)).stale.is_empty());
    }
}
