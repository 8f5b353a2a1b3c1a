//! Whole mirrors, by what a configuration, a receipt or a lock file says of them.
use std::path::{Path, PathBuf};

use content::Descriptor;
use http::Method;
use serde_json::json;
use tempfile::TempDir;
use testkit::{Content, Registry, Request};

use crate::{program, transship};

/// Three images of one base, `app:1` to `app:3`, at the source; and a mirror of it below `mirror/`.
struct Scene {
    dir: TempDir,
    source: Registry,
    target: Registry,
    base: Descriptor,
    roots: Vec<Descriptor>,
}

impl Scene {
    fn new() -> Self {
        let mut content = Content::new();
        let base = content.layer(1, 500);
        let roots: Vec<_> = (1..=3).map(|seed| content.image(seed, std::slice::from_ref(&base))).collect();
        let named = |repository: &str| {
            let entry = |(number, root): (usize, &Descriptor)| {
                testkit::Entry::named(root, &format!("{repository}:{}", number + 1))
            };
            roots.iter().enumerate().map(entry).collect::<Vec<_>>()
        };
        let source = Registry::setup().seed_all(&content, named("app")).start();
        let target = Registry::setup().seed_all(&content, named("mirror/app")).start();
        Self { dir: tempfile::tempdir().unwrap(), source, target, base, roots }
    }

    /// A file of this scene's.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn config(&self) -> String {
        let (from, to) = (self.source.reference("app"), self.target.reference("mirror"));
        self.file(
            "mirror.yaml",
            &format!("version: 1\nto: {to}\nimages:\n  - from: {from}\n    tags: ['1', '2', '3']\n"),
        )
    }

    fn image(&self, number: usize) -> String {
        self.target.reference(&format!("mirror/app:{number}"))
    }

    /// A line of a receipt.
    fn line(&self, number: usize, root: &Descriptor, result: &str) -> String {
        let digest = (result != "failed").then(|| root.digest.to_string());
        let line = json!({"kind": "image", "source": self.source.reference(&format!("app:{number}")),
            "destination": self.image(number), "digest": digest, "result": result, "bytes": 0,
            "blobs": {"copied": 0, "mounted": 0, "present": 0}, "manifests": 1,
            "requests": {"source": 1, "target": 1}, "attempts": 1, "milliseconds": 1, "error": null});
        format!("{line}\n")
    }
}

const RUN: &str = concat!(
    r#"{"kind":"run","receipt":1,"run":"1","started":"2026-01-01T00:00:00Z","version":"0.1.0","#,
    r#""config":"my.yaml","shard":null}"#,
    "\n"
);
const END: &str = concat!(
    r#"{"kind":"end","images":3,"copied":3,"unchanged":0,"failed":0,"pruned":0,"bytes":0,"#,
    r#""requests":{"source":0,"target":0},"ended":"2026-01-01T00:00:00Z"}"#,
    "\n"
);

/// Lets a mirror lose a tag.
fn forget(target: &Registry, name: &str) {
    let index: PathBuf = target.dir().join("index.json");
    let mut document: serde_json::Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    let entries = document["manifests"].as_array_mut().unwrap();
    entries.retain(|entry| entry["annotations"][testkit::images::REF_NAME] != *name);
    std::fs::write(index, document.to_string()).unwrap();
}

#[test]
fn a_whole_mirror_is_proven_by_its_configuration() {
    let scene = Scene::new();
    let ran = transship(&["verify", "--config", &scene.config()]).exits(0);
    assert!(ran.stdout.contains("verified 3 of 3 images"), "{ran}");
    // The base and three configs.
    assert!(ran.stdout.contains("3 manifests read, 4 blobs asked for"), "{ran}");
    assert_eq!(scene.source.ledger().count(|request| request.method == Method::GET), 0);
    let base = |request: &Request| request.path.ends_with(&scene.base.digest.to_string());
    assert_eq!(scene.target.ledger().count(base), 1);
    assert!(scene.target.ledger().writes().is_empty());
}

#[test]
fn one_image_that_is_gone_is_10_and_the_others_are_proven() {
    let scene = Scene::new();
    forget(&scene.target, "mirror/app:2");
    let config = scene.config();
    let ran = transship(&["verify", "--config", &config, "-o", "json"]).exits(10).json();
    assert_eq!((&ran["whole"], &ran["notWhole"]), (&2.into(), &1.into()));
    assert_eq!(ran["error"]["exitCode"], 10);
    let broken: Vec<_> =
        ran["images"].as_array().unwrap().iter().filter(|image| image["whole"] == false).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0]["image"], scene.image(2));
    let finding = &broken[0]["findings"][0];
    assert_eq!(finding["kind"], "absent");
    assert_eq!(
        finding["expected"],
        format!("{}, by {}", scene.roots[1].digest, scene.source.reference("app:2"))
    );
    assert_eq!(finding["remedy"], format!("run the mirror again: transship mirror --repair {config}"));
}

#[test]
fn a_mirror_that_lost_a_blob_and_a_tag_is_made_whole_as_the_finding_says() {
    let scene = Scene::new();
    let home = program();
    let config = scene.config();
    // Tags that never move are not asked for again, once they have arrived.
    let immutable =
        std::fs::read_to_string(&config).unwrap().replace("    tags:", "    immutable: true\n    tags:");
    std::fs::write(&config, immutable).unwrap();
    home.run(&["mirror", "-q", &config]).exits(0);
    std::fs::remove_file(scene.target.blob(&scene.base.digest)).unwrap();
    forget(&scene.target, "mirror/app:2");
    home.run(&["mirror", "-q", &config]).exits(0);
    let ran = home.run(&["verify", "--config", &config]).exits(4);
    let remedy = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("hint: ")).unwrap();
    let (_, command) = remedy.split_once(": transship ").unwrap();
    home.run(&command.split(' ').collect::<Vec<_>>()).exits(0);
    home.run(&["verify", "--deep", "--config", &config]).exits(0);
    let reads = scene.source.ledger().blob_reads();
    let base = reads.iter().filter(|read| read.path.ends_with(&scene.base.digest.to_string()));
    assert_eq!(base.count(), 1, "{}", scene.source.ledger());
}

#[test]
fn a_mirror_of_which_nothing_can_be_reached_is_7() {
    let scene = Scene::new();
    let to = "127.0.0.1:1/mirror";
    let from = scene.source.reference("app");
    let text = format!("version: 1\nto: {to}\nimages:\n  - from: {from}\n    tags: ['1', '2']\n");
    transship(&["verify", "--quick", "--config", &scene.file("far.yaml", &text)]).exits(7);
}

#[test]
fn a_receipt_is_believed_line_by_line_and_the_last_word_counts() {
    let scene = Scene::new();
    let line = |number: usize, root: usize, result| scene.line(number, &scene.roots[root], result);
    // The tag moved in a later run: what was said first is over.
    let text = [
        RUN,
        &line(1, 1, "copied"),
        RUN,
        &line(1, 0, "copied"),
        &line(2, 1, "unchanged"),
        &line(3, 2, "failed"),
        END,
    ];
    let receipt = scene.file("receipt.jsonl", &text.concat());
    let ran = transship(&["verify", "--deep", "--receipt", &receipt]).exits(0).says("1 image failed");
    assert!(ran.stdout.contains("verified 2 of 2 images"), "{ran}");
    assert!(scene.source.ledger().all().is_empty(), "{}", scene.source.ledger());

    forget(&scene.target, "mirror/app:2");
    let ran = transship(&["verify", "--receipt", &receipt]).exits(10);
    assert!(ran.stdout.contains("transship mirror --repair my.yaml"), "{ran}");
}

#[test]
fn a_receipt_that_says_of_an_image_that_it_arrived_and_not_as_what_proves_nothing() {
    let scene = Scene::new();
    let mut image: serde_json::Value =
        serde_json::from_str(&scene.line(2, &scene.roots[1], "copied")).unwrap();
    image.as_object_mut().unwrap().remove("digest").unwrap();
    let text = [RUN, &scene.line(1, &scene.roots[0], "copied"), &format!("{image}\n"), END];
    let receipt = scene.file("receipt.jsonl", &text.concat());
    transship(&["verify", "--receipt", &receipt]).exits(2).says("not as what");
    // What failed once and arrived in the end has not failed.
    let lines = [scene.line(1, &scene.roots[0], "failed"), scene.line(1, &scene.roots[0], "copied")].concat();
    let receipt = scene.file("receipt.jsonl", &[RUN, &lines, END].concat());
    let ran = transship(&["verify", "--receipt", &receipt]).exits(0);
    assert!(!ran.stderr.contains("failed"), "{ran}");
}

#[test]
fn a_receipt_of_a_run_that_was_killed_is_read_up_to_its_last_whole_line() {
    let scene = Scene::new();
    let lines = [RUN.to_owned(), scene.line(1, &scene.roots[0], "copied")].concat();
    let torn = scene.file("torn.jsonl", &format!("{lines}{}", &lines[..40]));
    let ran = transship(&["verify", "--receipt", &torn]).exits(0).says("has no end");
    assert!(ran.stdout.contains("1 manifest read"), "{ran}");
    let broken = scene.file("broken.jsonl", &format!("{}\n{lines}", &lines[..40]));
    transship(&["verify", "--receipt", &broken]).exits(2).says("broken.jsonl:1: ");
    let empty = scene.file("empty.jsonl", &[RUN, END].concat());
    transship(&["verify", "--receipt", &empty]).exits(2).says("no image");
    transship(&["verify", "--receipt", "none.jsonl"]).exits(9);
}

#[test]
fn a_lock_file_is_proven_without_its_sources() {
    let scene = Scene::new();
    let lock = |roots: &[usize]| {
        let image = |(number, root): (usize, &usize)| {
            json!({"source": scene.source.reference(&format!("app:{}", number + 1)),
                "digest": scene.roots[*root].digest.to_string(), "destination": scene.image(number + 1)})
        };
        let images: Vec<_> = roots.iter().enumerate().map(image).collect();
        scene.file("mirror.lock", &json!({"lock": 1, "images": images}).to_string())
    };
    transship(&["verify", "--lock", &lock(&[0, 1, 2])]).exits(0);
    assert!(scene.source.ledger().all().is_empty());
    let ran = transship(&["verify", "--lock", &lock(&[1, 0, 2])]).exits(10);
    assert!(ran.stdout.contains("by the lock file"), "{ran}");
    transship(&["verify", "--lock", &lock(&[1, 0])]).exits(5);
    transship(&["verify", "--lock", &scene.file("bad.lock", "{")]).exits(2).says("bad.lock");
}

#[test]
fn a_layout_that_is_a_mirror_is_proven_too_and_one_that_is_missing_is_named() {
    let scene = Scene::new();
    let to = |dir: &Path| format!("oci:{}:{{repository}}:{{tag}}", dir.display());
    let text = |dir: &Path| {
        let from = scene.source.reference("app");
        format!("version: 1\nto: '{}'\nimages:\n  - from: {from}\n    tags: ['1', '2']\n", to(dir))
    };
    let dir = scene.dir.path().join("layout");
    for number in [1, 2] {
        let from = scene.source.reference(&format!("app:{number}"));
        transship(&["copy", &from, &format!("oci:{}:app:{number}", dir.display())]).exits(0);
    }
    transship(&["verify", "--deep", "--config", &scene.file("here.yaml", &text(&dir))]).exits(0);
    let none = scene.dir.path().join("none");
    let ran = transship(&["verify", "--config", &scene.file("none.yaml", &text(&none))]).exits(4);
    assert!(ran.stdout.contains("missing: image"), "{ran}");
}

#[test]
fn a_configuration_that_makes_no_sense_is_named_with_its_line() {
    let scene = Scene::new();
    let config = scene.file("odd.yaml", "version: 1\nimages:\n  - fron: a.example/app\n");
    transship(&["verify", "--config", &config]).exits(2).says("odd.yaml:3:");
    transship(&["verify"]).exits(2);
    transship(&["verify", "--config", &config, "a.example/app"]).exits(2);
    transship(&["verify", "--config", &config, "--lock", "x"]).exits(2);
}

#[test]
fn a_mirror_of_chosen_platforms_is_to_be_what_such_a_copy_makes_of_its_source() {
    let scene = Scene::new();
    let layout = scene.dir.path().join("images");
    transship(&["copy", "oci:fixtures/images:hello:v1", &format!("oci:{}:hello:v1", layout.display())])
        .exits(0);
    let text = format!(
        "version: 1\nto: {}\nimages:\n  - from: 'oci:{}'\n    tags: ['v1']\n    platforms: [linux/arm64]\n",
        scene.target.reference("mirror"),
        layout.display()
    );
    let config = scene.file("arm.yaml", &text);
    transship(&["mirror", "-q", &config]).exits(0);
    transship(&["verify", "--deep", "--config", &config]).exits(0);
    let all = scene.file("all.yaml", &text.replace("    platforms: [linux/arm64]\n", ""));
    transship(&["verify", "--config", &all]).exits(5);
}
