//! Bundles: what a destination lacks goes there in files, and tags come last.
use std::{
    fs,
    path::{Path, PathBuf},
};

use content::Descriptor;
use http::Method;
use layout::{ArchiveWriter, Index};
use testkit::{
    Content, Program, Registry, Rule, Run, Running,
    images::{Entry, blob_path},
};

use crate::{
    referrers::{Signed, old, written},
    transship,
};

/// Two images that share a base layer, in two repositories; and a third, that comes later.
struct Fleet {
    content: Content,
    entries: Vec<Entry>,
    later: Entry,
}

fn fleet() -> Fleet {
    let mut content = Content::new();
    let base = content.layer(1000, 300_000);
    let mut image = |seed: u64, name: &str| {
        let own = content.layer(seed, 200_000);
        let root = content.image(seed, &[base.clone(), own]);
        Entry::named(&root, name)
    };
    let entries = vec![image(1, "team/one:v1"), image(2, "two:v1")];
    let later = image(3, "three:v1");
    Fleet { content, entries, later }
}

impl Fleet {
    fn source(&self) -> Registry {
        let entries = self.entries.iter().cloned().chain([self.later.clone()]);
        Registry::setup().seed_all(&self.content, entries.collect()).start()
    }
}

/// Writes a configuration of these images.
fn config(program: &Program, name: &str, source: &Registry, images: &[&str]) {
    let lines: Vec<String> =
        images.iter().map(|image| format!("  - from: {}\n", source.reference(image))).collect();
    let text = format!("version: 1\nto: inside.example/{{repository}}:{{tag}}\nimages:\n{}", lines.concat());
    fs::write(program.home().join(name), text).unwrap();
}

/// The digest that a tag has at a registry.
fn digest(registry: &Registry, repository: &str, tag: &str) -> Option<String> {
    let program = transship();
    let place = registry.reference(&format!("{repository}:{tag}"));
    let run = program.run(&["copy", "-o", "json", &place, "oci:look"]);
    (run.code == 0).then(|| run.json()["root"]["digest"].as_str().unwrap().to_owned())
}

fn writes(registry: &Registry) -> usize {
    registry.ledger().writes().len()
}

/// What a run prints, where others look at what it says beside.
trait Prints {
    fn prints(self, text: &str) -> Self;
}

impl Prints for Run {
    fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no {text:?} in {self}");
        self
    }
}

fn root(entry: &Entry) -> &Descriptor {
    &entry.root
}

#[test]
fn two_bundles_in_a_row_bring_what_is_new_and_the_second_needs_the_first() {
    let (fleet, program, inside) = (fleet(), transship(), Registry::start());
    let source = fleet.source();
    config(&program, "first.yaml", &source, &["team/one:v1", "two:v1"]);
    config(&program, "second.yaml", &source, &["team/one:v1", "two:v1", "three:v1"]);
    program.run(&["bundle", "create", "first.yaml", "--file", "first.tar"]).exits(0);
    program.run(&["bundle", "show", "first.tar", "--deep"]).exits(0).prints("2 images");
    program.run(&["bundle", "apply", "first.tar", &inside.host()]).exits(0).prints("applied 2 images");
    assert_eq!(digest(&inside, "team/one", "v1"), Some(root(&fleet.entries[0]).digest.to_string()));

    let [one, two, three] = ["team/one", "two", "three"].map(|name| inside.reference(name));
    program.run(&["inventory", &one, &two, "--file", "have.json"]).exits(0).prints("2 repositories");
    let second = ["bundle", "create", "second.yaml", "--have", "have.json", "--file", "second.tar"];
    let run = program.run(&second).exits(0).prints("bundled 1 image");
    assert!(run.stdout.contains("2 blobs of its own, 1 of the base"), "{run}");
    let size = fs::metadata(program.home().join("second.tar")).unwrap().len();
    assert!(size < 200_000 + 200_000 / 50 + 3000 + 6 * 1024, "{size} bytes");

    let elsewhere = Registry::start();
    let refused = program.run(&["bundle", "apply", "second.tar", &elsewhere.host()]).exits(4);
    let have: serde_json::Value =
        serde_json::from_slice(&fs::read(program.home().join("have.json")).unwrap()).unwrap();
    assert!(refused.stderr.contains(have["id"].as_str().unwrap()), "{refused}");
    assert_eq!(writes(&elsewhere), 0);

    program.run(&["bundle", "apply", "second.tar", &inside.host()]).exits(0).prints("applied 1 image");
    assert_eq!(digest(&inside, "three", "v1"), Some(root(&fleet.later).digest.to_string()));
    assert!(inside.holds(&fleet.content));
    let before = writes(&inside);
    program.run(&["bundle", "apply", "second.tar", &inside.host()]).exits(0).prints("was there");
    assert_eq!(writes(&inside), before, "nothing is written again");
    program.run(&["inventory", &one, &two, &three, "--file", "have.json"]).exits(0);
    program.run(&second).exits(0).prints("nothing to bring");
}

#[test]
fn volumes_wait_for_each_other_and_a_registry_sees_them_when_all_have_come() {
    let (fleet, program) = (fleet(), transship());
    let source = fleet.source();
    config(&program, "all.yaml", &source, &["team/one:v1", "two:v1", "three:v1"]);
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar", "--volume-size", "350KiB"];
    program.run(&create).exits(0);
    let volumes = ["all.1.tar", "all.2.tar", "all.3.tar"];
    assert!(program.home().join("all.3.tar").exists() && !program.home().join("all.4.tar").exists());
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let inside = Registry::start();
        program.run(&["bundle", "apply", volumes[order[0]], &inside.host()]).exits(2).says("--staging");
        for (step, number) in order.iter().enumerate() {
            let to = format!("{}/mirror", inside.host());
            let run =
                program.run(&["bundle", "apply", volumes[*number], &to, "--staging", "waiting"]).exits(0);
            assert_eq!(run.stdout.contains("still to come"), step < 2, "{run}");
            assert!(step == 2 || writes(&inside) == 0);
        }
        assert!(inside.holds(&fleet.content));
        assert_eq!(digest(&inside, "mirror/two", "v1"), Some(root(&fleet.entries[1]).digest.to_string()));
        assert_eq!(fs::read_dir(program.home().join("waiting")).unwrap().count(), 0, "nothing is left");
    }
    let inside = Registry::start();
    let host = inside.host();
    let all = [&["bundle", "apply"], &volumes[..], &[host.as_str()]].concat();
    program.run(&all).exits(0).prints("applied 3 images");
    assert!(inside.holds(&fleet.content));
}

#[test]
fn what_waits_is_removed_also_when_all_volumes_come_at_once_in_the_end() {
    let (fleet, program, inside) = (fleet(), transship(), Registry::start());
    let source = fleet.source();
    config(&program, "all.yaml", &source, &["team/one:v1", "two:v1"]);
    program
        .run(&["bundle", "show", "all.1.tar"])
        .exits(4)
        .says("oci-archive:all.1.tar: open layout: cannot open the archive");
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar", "--volume-size", "400KiB"];
    program.run(&create).exits(0);
    let host = inside.host();
    let staging = ["--staging", "waiting"];
    let one = [&["bundle", "apply", "all.1.tar", host.as_str()], &staging[..]].concat();
    program.run(&one).exits(0).prints("still to come: volume 2 of 2");
    let all = [&["bundle", "apply", "all.1.tar", "all.2.tar", host.as_str()], &staging[..]].concat();
    program.run(&all).exits(0).prints("applied 2 images");
    let left = || fs::read_dir(program.home().join("waiting")).unwrap().count();
    assert_eq!(left(), 0, "something is left");
    let before = writes(&inside);
    program.run(&one).exits(0).prints("was there");
    assert_eq!((left(), writes(&inside)), (0, before), "what has arrived waits for nothing");
}

#[test]
fn processes_that_bring_volumes_of_one_bundle_at_once_wait_for_each_other() {
    let (fleet, program) = (fleet(), transship());
    let source = fleet.source();
    config(&program, "all.yaml", &source, &["team/one:v1", "two:v1"]);
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar", "--volume-size", "200KiB"];
    program.run(&create).exits(0);
    let volumes = ["all.1.tar", "all.2.tar", "all.3.tar", "all.4.tar"];
    assert!(program.home().join("all.4.tar").exists() && !program.home().join("all.5.tar").exists());
    for round in 0..3 {
        let inside = Registry::start();
        let (host, layout) = (inside.host(), format!("oci:inside-{round}"));
        let staged =
            volumes.map(|volume| program.start(&["bundle", "apply", volume, &host, "--staging", "waiting"]));
        let stored = volumes.map(|volume| program.start(&["bundle", "apply", volume, &layout]));
        let arrived = |runs: [Running; 4]| {
            let runs = runs.map(|run| run.wait().exits(0));
            assert_eq!(runs.iter().filter(|run| run.stdout.contains("applied 2 images")).count(), 1);
        };
        arrived(staged);
        arrived(stored);
        assert_eq!(fs::read_dir(program.home().join("waiting")).unwrap().count(), 0, "something waits");
        for name in ["team/one:v1", "two:v1"] {
            program.run(&["verify", "--deep", &format!("{layout}:{name}"), &inside.reference(name)]).exits(0);
        }
    }
}

#[test]
fn one_image_that_cannot_be_read_is_left_out_and_named_and_comes_with_the_next_bundle() {
    let (fleet, program, inside) = (fleet(), transship(), Registry::start());
    let source = fleet.source();
    config(&program, "all.yaml", &source, &["team/one:v1", "late:v1"]);
    // The first run ends between its plan and its volume: whoever goes on tells of the image as well.
    let in_the_way = program.home().join(".all.tar.transship");
    fs::create_dir(&in_the_way).unwrap();
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar"];
    program.run(&create).exits(9);
    fs::remove_dir(in_the_way).unwrap();
    let run = program.run(&create).exits(10).says("going on").prints("bundled 1 image");
    assert!(run.stdout.contains(&format!("left out: {} -> late:v1", source.reference("late"))), "{run}");
    program.run(&["bundle", "apply", "all.tar", &inside.host()]).exits(0).prints("applied 1 image");
    let run = program.run(&[&create[..4], &["again.tar", "-o", "json"]].concat()).exits(10).json();
    assert_eq!((&run["error"]["kind"], &run["images"]), (&"partly".into(), &1.into()), "{run}");
    assert_eq!(run["leftOut"][0]["destination"], "late:v1");
    program.run(&["copy", &source.reference("two:v1"), &source.reference("late:v1")]).exits(0);
    program.run(&["inventory", &inside.reference("team/one"), "--file", "have.json"]).exits(0);
    let next = ["bundle", "create", "all.yaml", "--have", "have.json", "--file", "next.tar"];
    program.run(&next).exits(0).prints("bundled 1 image");
    program.run(&["bundle", "apply", "next.tar", &inside.host()]).exits(0).prints("late:v1");
}

#[test]
fn where_nothing_is_left_or_one_is_to_be_the_end_no_bundle_is_made() {
    let (fleet, program) = (fleet(), transship());
    let source = fleet.source();
    config(&program, "all.yaml", &source, &["team/one:v1", "none:v1"]);
    config(&program, "none.yaml", &source, &["none:v1"]);
    let fast = ["bundle", "create", "all.yaml", "--file", "all.tar", "--fail-fast"];
    program.run(&fast).exits(4).says("none");
    program.run(&["bundle", "create", "none.yaml", "--file", "all.tar"]).exits(4).says("none");
    let files: Vec<PathBuf> =
        fs::read_dir(program.home()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().all(|path| !path.to_string_lossy().contains("all.tar")), "{files:?}");
}

#[test]
fn a_foreign_layer_that_a_registry_does_not_hold_is_not_left_to_it() {
    let mut content = Content::new();
    let own = content.layer(1, 1000);
    let foreign = content.add("application/vnd.oci.image.layer.nondistributable.v1.tar", vec![7; 2000]);
    let images = [1, 2].map(|seed| content.image(seed, &[own.clone(), foreign.clone()]));
    let entries = images.iter().zip(["one:v1", "two:v1"]).map(|(root, name)| Entry::named(root, name));
    let source = Registry::setup().seed_all(&content, entries.collect()).start();
    let (program, inside) = (transship(), Registry::start());
    program.run(&["copy", &source.reference("one:v1"), &inside.reference("one:v1")]).exits(0);
    program.run(&["inventory", &inside.reference("one"), "--file", "have.json"]).exits(0);
    config(&program, "all.yaml", &source, &["two:v1"]);
    let create =
        ["bundle", "create", "all.yaml", "--have", "have.json", "--file", "all.tar", "--include-foreign"];
    program.run(&create).exits(0);
    program.run(&["bundle", "apply", "all.tar", &inside.host()]).exits(0);
    let there = inside.reference("two:v1");
    program.run(&["verify", "--deep", "--include-foreign", &there]).exits(0);
}

#[test]
fn foreign_layers_wait_for_each_other_also_where_their_image_is_there_without_them() {
    let mut content = Content::new();
    let foreign = [1, 2].map(|fill| {
        content.add("application/vnd.oci.image.layer.nondistributable.v1.tar", vec![fill; 100_000])
    });
    let root = content.image(1, &foreign);
    let source = Registry::with(&content, &root, "one:v1");
    let (program, inside) = (transship(), Registry::start());
    let there = inside.reference("one:v1");
    program.run(&["copy", &source.reference("one:v1"), &there]).exits(0);
    config(&program, "all.yaml", &source, &["one:v1"]);
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar", "--include-foreign"];
    program.run(&[&create[..], &["--volume-size", "150KiB"]].concat()).exits(0);
    for volume in ["all.1.tar", "all.2.tar"] {
        program.run(&["bundle", "apply", volume, &inside.host(), "--staging", "waiting"]).exits(0);
    }
    program.run(&["verify", "--deep", "--include-foreign", &there]).exits(0);
}

/// A bundle of a signed image, `all.tar`, and what else it is made by.
fn bundle_signed(program: &Program, source: &Registry) {
    config(program, "all.yaml", source, &["app:v1\n    referrers: true"]);
    program.run(&["bundle", "create", "all.yaml", "--file", "all.tar"]).exits(0);
}

#[test]
fn a_signature_that_a_run_wrote_and_did_not_list_is_listed_by_the_next() {
    let signed = Signed::new();
    let (source, inside, program) = (signed.at(true), old(Registry::setup()), transship());
    bundle_signed(&program, &source);
    let fallback = format!("/manifests/sha256-{}", signed.root.digest.hex());
    inside.rule(Rule::on(Method::PUT, &fallback).status(403).times(1));
    let apply = ["bundle", "apply", "all.tar", &inside.host()];
    program.run(&apply).exits(3);
    let signature = format!("/v2/app/manifests/{}", signed.by_subject[0].digest);
    assert!(written(&inside).contains(&signature), "{}", inside.ledger());
    inside.ledger().clear();
    program.run(&apply).exits(0);
    assert!(written(&inside).contains(&format!("/v2/app{fallback}")), "{}", inside.ledger());
    let before = writes(&inside);
    program.run(&apply).exits(0).prints("was there");
    assert_eq!(writes(&inside), before, "{}", inside.ledger());
}

#[test]
fn a_signature_of_which_a_layout_has_lost_a_part_comes_again_with_that() {
    let signed = Signed::new();
    let (source, program) = (signed.at(true), transship());
    bundle_signed(&program, &source);
    program.run(&["bundle", "apply", "all.tar", "oci:inside"]).exits(0);
    let signature = signed.content.get(&signed.by_subject[0].digest).unwrap();
    let signature: serde_json::Value = serde_json::from_slice(signature).unwrap();
    let layer = signature["layers"][0]["digest"].as_str().unwrap().parse().unwrap();
    let lost = blob_path(&program.home().join("inside"), &layer);
    fs::remove_file(&lost).unwrap();
    program.run(&["inventory", "oci:inside", "--file", "have.json"]).exits(0);
    let next = ["bundle", "create", "all.yaml", "--have", "have.json", "--file", "next.tar"];
    program.run(&next).exits(0).prints("bundled 1 image");
    program.run(&["bundle", "apply", "next.tar", "oci:inside"]).exits(0);
    assert_eq!(fs::read(&lost).unwrap(), &signed.content.get(&layer).unwrap()[..]);
    program.run(&["inventory", "oci:inside", "--file", "have.json"]).exits(0);
    program.run(&next).exits(0).prints("nothing to bring");
}

#[test]
fn a_blob_that_only_another_repository_holds_is_mounted_from_there() {
    let (fleet, program, inside) = (fleet(), transship(), Registry::start());
    let source = fleet.source();
    config(&program, "first.yaml", &source, &["team/one:v1"]);
    config(&program, "second.yaml", &source, &["two:v1"]);
    program.run(&["bundle", "create", "first.yaml", "--file", "first.tar"]).exits(0);
    program.run(&["bundle", "apply", "first.tar", &inside.host()]).exits(0);
    program.run(&["inventory", &inside.reference("team/one"), "--file", "have.json"]).exits(0);
    let second = ["bundle", "create", "second.yaml", "--have", "have.json", "--file", "second.tar"];
    program.run(&second).exits(0);
    program.run(&["bundle", "apply", "second.tar", &inside.host()]).exits(0).prints("1 mounted");
    assert_eq!(digest(&inside, "two", "v1"), Some(root(&fleet.entries[1]).digest.to_string()));
}

/// Writes a volume that says this of itself.
fn write_volume(path: &Path, said: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let writing = async {
        let archive = ArchiveWriter::create(path).unwrap();
        archive.put("index.json", Index::default().to_bytes().into()).await.unwrap();
        archive.put("transship-bundle.json", said.into()).await.unwrap();
        archive.finish().await.unwrap();
    };
    runtime.block_on(writing);
}

/// What a volume may say of itself, with these lists in it.
fn saying(repositories: &str, sizes: &str, held: &str, sources: &str) -> String {
    let set = format!("sha256:{}", "0".repeat(64));
    format!(
        r#"{{"volume":1,"ranges":[],"bundle":1,"set":"{set}","volumeSize":null,"volumes":1,"foreign":false,"#
    ) + &format!(
        r#""base":{{"inventories":[],"repositories":[{repositories}],"blobs":{{}},"sizes":[{sizes}],"held":[{held}]}},"#
    ) + &format!(r#""sources":[{sources}],"images":[],"contents":[]}}"#)
}

#[test]
fn what_a_volume_says_of_itself_takes_little_memory_whatever_it_is() {
    const MOST: usize = 64 << 20;
    // As many as are read of a list, and one more.
    const LISTED: usize = 1_400_000;
    let list = |entry: &str, number: usize| vec![entry; number].join(",");
    let program = transship();
    let path = program.home().join("hostile.tar");
    // The rest of the text is positions: as many in each list as there is room for.
    let held = format!("[{}]", list("0", (MOST - LISTED * 10) / LISTED / 2 - 1));
    let [names, sizes] = ["\"a\"", "0"].map(|entry| list(entry, LISTED));
    let fullest = saying(&names, &sizes, &list(&held, LISTED), &names);
    assert!(fullest.len() <= MOST && fullest.len() > MOST / 10 * 9, "{} bytes", fullest.len());
    let longest = saying("", "", &list("[0]", MOST / 4 - 100), "");
    for (said, code, why, most) in [
        (fullest, 5, "not what it was made with", 640 * 1024),
        (longest, 5, "1400001", 256 * 1024),
        (" ".repeat(MOST + 1), 6, "bytes, and 67108864 are read", 64 * 1024),
    ] {
        write_volume(&path, said);
        let apply = ["bundle", "apply", "hostile.tar", "oci:inside"];
        let run = program.watch(&apply).exits(code).says(why);
        println!("{why}: {} KiB", run.peak);
        assert!(run.peak > 0 && run.peak < most, "{} KiB: {run}", run.peak);
        assert!(!program.home().join("inside").exists());
    }
}
