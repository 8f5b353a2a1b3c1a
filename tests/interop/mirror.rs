//! A mirror of a hundred images between real registries, by their own access logs: each blob crosses once, a run with
//! nothing to do pulls nothing, and one broken image stops no other.
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::Value;
use testkit::{Content, Entry, Program, Run, images::blob_path};

use crate::{
    registries::{Registry, distribution},
    shared::{count, each},
    transship_quiet,
};

const REPOSITORIES: u64 = 20;
const TAGS: u64 = 5;
/// The distinct blobs: 4 bases of 3 layers; of each image 2 layers and a config.
const BLOBS: usize = 12 + 300;
/// The most requests to both sides together.
const REQUESTS: usize = 1400;
/// The most memory, in KiB. A program that is not optimised has some 20 MiB of code more in memory.
const PEAK: u64 = if cfg!(debug_assertions) { 52 } else { 40 } * 1024;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Two registries, the first of which holds a hundred images, and who mirrors them.
struct Scene {
    source: Registry,
    target: Registry,
    program: Program,
    content: Content,
    /// How many lines of each log belong to what was done before.
    seen: [usize; 2],
}

/// The images, as a layout; manifests are no blobs, and are left out of the digests.
fn images(dir: &Path) -> (Content, Vec<String>) {
    let mut content = Content::new();
    let bases: Vec<Vec<_>> = (0..4)
        .map(|base| (0..3).map(|layer| content.layer(1 + base * 3 + layer, 700_000)).collect())
        .collect();
    let (mut entries, mut roots) = (Vec::new(), Vec::new());
    for repository in 0..REPOSITORIES {
        for tag in 0..TAGS {
            let seed = 1000 + repository * 10 + tag;
            let mut layers = bases[usize::try_from(repository % 4).unwrap()].clone();
            layers.extend([content.layer(seed, 60_000), content.layer(10 * seed, 3_000)]);
            let root = content.image(seed, &layers);
            entries.push(Entry::named(&root, &format!("team/r{repository}:v{tag}")));
            roots.push(root.digest);
        }
    }
    content.write_layout(dir, &entries).unwrap();
    let blobs = content.digests().filter(|digest| !roots.contains(digest)).map(ToString::to_string);
    let blobs: Vec<String> = blobs.collect();
    assert_eq!(blobs.len(), BLOBS);
    (content, blobs)
}

impl Scene {
    fn set() -> (Self, Vec<String>) {
        let (source, target, program) = (distribution().start(), distribution().start(), transship_quiet());
        let (content, blobs) = images(&program.home().join("images"));
        let mut scene = Self { source, target, program, content, seen: [0; 2] };
        let fill = format!("version: 1\nto: {}\nimages: [{{from: \"oci:images\"}}]\n", scene.source.host());
        scene.write("fill.yaml", &fill);
        let filled = scene.run("fill.yaml", &[]).exits(0);
        assert!(filled.stdout.contains("mirrored 100 images: 100 copied"), "{filled}");
        scene.config("");
        scene.seen();
        (scene, blobs)
    }

    /// A configuration that names every tag, with `more` for each repository.
    fn config(&self, more: &str) {
        let mut text = format!("version: 1\nto: {}/mirror\nimages:\n", self.target.host());
        for repository in 0..REPOSITORIES {
            let from = self.source.reference(&format!("team/r{repository}"));
            writeln!(text, "  - from: {from}\n    tags: [v0, v1, v2, v3, v4]").unwrap();
            text.push_str(more);
        }
        self.write("mirror.yaml", &text);
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.program.home().join(name), text).unwrap();
    }

    fn run(&self, config: &str, more: &[&str]) -> Run {
        let arguments: Vec<&str> = ["mirror", config].iter().chain(more).copied().collect();
        self.program.watch(&arguments)
    }

    /// Mirrors, and gives the receipt's images and its end.
    fn mirror(&self, code: i32) -> (Run, Vec<Value>, Value) {
        let run = self.run("mirror.yaml", &["--receipt", "receipt.jsonl", "--lock", "lock.json"]).exits(code);
        let text = fs::read_to_string(self.program.home().join("receipt.jsonl")).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let end = lines.pop().unwrap();
        assert_eq!((&lines[0]["kind"], &end["kind"]), (&"run".into(), &"end".into()));
        lines.remove(0);
        (run, lines, end)
    }

    /// The requests to both sides since they were last looked at.
    fn seen(&mut self) -> [Vec<String>; 2] {
        let mut new = [self.source.requests(&METHODS), self.target.requests(&METHODS)];
        for (lines, seen) in new.iter_mut().zip(&mut self.seen) {
            let all = lines.len();
            lines.drain(..*seen);
            *seen = all;
        }
        new
    }

    /// The digests of both sides' tags.
    fn is_whole(&self) {
        for repository in [0, 7, 19] {
            let digest = |registry: &Registry, name: &str| {
                let name = registry.reference(name);
                let back = self.program.run(&["copy", "-o", "json", &name, "oci:back"]).exits(0);
                back.json()["root"]["digest"].clone()
            };
            let (from, to) = (format!("team/r{repository}:v3"), format!("mirror/team/r{repository}:v3"));
            assert_eq!(digest(&self.source, &from), digest(&self.target, &to));
        }
    }
}

fn sum(images: &[Value], side: &str) -> u64 {
    images.iter().map(|image| image["requests"][side].as_u64().unwrap()).sum()
}

/// How many images ended so.
fn ended(images: &[Value], how: &str) -> usize {
    images.iter().filter(|image| image["result"] == how).count()
}

#[test]
fn a_hundred_images_cross_with_each_blob_once_and_a_second_run_pulls_nothing() {
    let (mut scene, blobs) = Scene::set();
    let (run, images, end) = scene.mirror(0);
    let [read, written] = scene.seen();
    println!("{} requests, peak {} KiB", read.len() + written.len(), run.peak);
    assert_eq!(count(&read, "/blobs/", 200), each(&blobs, 1));
    assert_eq!(count(&written, "digest=", 201), each(&blobs, 1));
    // A base is on five repositories: it is sent to one, and mounted to four.
    let mounts: BTreeMap<_, _> = count(&written, "mount=", 201).into_iter().collect();
    assert_eq!((mounts.len(), mounts.values().all(|times| *times == 4)), (12, true), "{mounts:?}");
    assert!(read.len() + written.len() <= REQUESTS, "{} and {}", read.len(), written.len());
    assert!(run.peak > 0 && run.peak <= PEAK, "{} KiB", run.peak);
    // The receipt says what the access logs say.
    assert_eq!(ended(&images, "copied"), 100);
    assert_eq!((sum(&images, "source"), sum(&images, "target")), (read.len() as u64, written.len() as u64));
    assert_eq!(end["requests"], serde_json::json!({"source": read.len(), "target": written.len()}));
    let copied: u64 = images.iter().map(|image| image["blobs"]["copied"].as_u64().unwrap()).sum();
    assert_eq!(copied, BLOBS as u64);
    let lock: Value =
        serde_json::from_slice(&fs::read(scene.program.home().join("lock.json")).unwrap()).unwrap();
    assert_eq!(lock["images"].as_array().unwrap().len(), 100);
    scene.is_whole();
    scene.seen();

    // The same again: a HEAD for each tag on either side, and nothing else.
    let (_, images, _) = scene.mirror(0);
    for side in scene.seen() {
        assert_eq!(side.len(), 100);
        assert!(side.iter().all(|line| line.contains("\"HEAD /v2/")), "{side:#?}");
    }
    assert_eq!(ended(&images, "unchanged"), 100);

    // One tag moved: one image moves.
    let (from, to) = (scene.source.reference("team/r3:v1"), scene.source.reference("team/r3:v2"));
    scene.program.run(&["copy", &from, &to]).exits(0);
    scene.seen();
    let (_, images, _) = scene.mirror(0);
    let moved: Vec<_> = images.iter().filter(|image| image["result"] == "copied").collect();
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert!(moved[0]["source"].as_str().unwrap().ends_with("team/r3:v2"));
    // Its blobs are there: the tag's own manifest is all that is written.
    let [_, written] = scene.seen();
    assert_eq!(written.iter().filter(|line| line.contains("\"PUT /v2/")).count(), 1, "{written:#?}");
}

#[test]
fn immutable_tags_are_not_asked_for_again_and_a_wiped_target_gets_everything() {
    let (mut scene, blobs) = Scene::set();
    scene.config("    immutable: true\n");
    assert_eq!(ended(&scene.mirror(0).1, "copied"), 100);
    scene.seen();
    // One witness for each repository, and nothing at the source.
    let (_, images, _) = scene.mirror(0);
    let [read, asked] = scene.seen();
    assert_eq!((read.len(), asked.len()), (0, 20), "{asked:#?}");
    assert_eq!(ended(&images, "unchanged"), 100);
    // A tag that may move is its repository's witness.
    scene.config("    immutable: [v0, v1, v2, v3]\n");
    assert_eq!(ended(&scene.mirror(0).1, "unchanged"), 100);
    let [read, asked] = scene.seen();
    assert_eq!((read.len(), asked.len()), (20, 20), "{read:#?} {asked:#?}");

    fs::remove_dir_all(scene.target.storage()).unwrap();
    scene.target.kill_and_restart();
    assert_eq!(ended(&scene.mirror(0).1, "copied"), 100);
    let [_, written] = scene.seen();
    assert_eq!(count(&written, "digest=", 201), each(&blobs, 1));
    scene.is_whole();
}

#[test]
fn one_broken_image_stops_no_other_and_the_next_run_does_that_one() {
    let (mut scene, _) = Scene::set();
    let broken = scene.content.layer(1000 + 70 + 2, 60_000);
    let hex = broken.digest.hex();
    let stored =
        scene.source.storage().join(format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]));
    fs::remove_file(&stored).unwrap();

    let (run, images, end) = scene.mirror(10);
    assert!(run.stderr.contains("failed: ") && run.stderr.contains("1 of 100 images failed"), "{run}");
    let failed: Vec<_> = images.iter().filter(|image| image["result"] == "failed").collect();
    assert_eq!((failed.len(), ended(&images, "copied")), (1, 99));
    assert!(failed[0]["source"].as_str().unwrap().ends_with("team/r7:v2"), "{failed:?}");
    assert_eq!(failed[0]["error"]["side"], "source");
    assert_eq!((&end["copied"], &end["failed"]), (&99.into(), &1.into()));
    scene.seen();

    fs::copy(blob_path(&scene.program.home().join("images"), &broken.digest), &stored).unwrap();
    let (_, images, _) = scene.mirror(0);
    assert_eq!((ended(&images, "copied"), ended(&images, "unchanged")), (1, 99));
    // Of the one, what had not come yet.
    let [read, _] = scene.seen();
    assert!(count(&read, "/blobs/", 200).len() <= 3, "{read:#?}");
    scene.is_whole();
}

#[test]
fn a_dry_run_says_what_would_move_and_writes_nothing_anywhere() {
    let (mut scene, _) = Scene::set();
    let before = fs::read_dir(scene.program.home()).unwrap().count();
    let run = scene.run("mirror.yaml", &["--dry-run", "-o", "json"]).exits(0);
    let [_, asked] = scene.seen();
    let wrote =
        asked.iter().filter(|line| !line.contains("\"HEAD /v2/") && !line.contains("\"GET /v2/")).count();
    assert_eq!(wrote, 0, "{asked:#?}");
    assert_eq!(fs::read_dir(scene.program.home()).unwrap().count(), before);
    let foreseen = run.json();
    assert_eq!((&foreseen["blobs"], &foreseen["dryRun"]), (&BLOBS.into(), &true.into()));
    let (_, _, end) = scene.mirror(0);
    assert_eq!(foreseen["bytes"], end["bytes"], "as much was sent as was foreseen");
    let again = scene.run("mirror.yaml", &["--dry-run"]).exits(0);
    assert!(again.stdout.contains("would copy 0 of 100 images"), "{again}");
}
