//! Mirrors, at registries that misbehave, and in layouts and archives: what they remember, and what they leave behind.
mod wiped;

use std::{fs, path::PathBuf};

use content::Descriptor;
use http::Method;
use mirror::receipt::{End, Image, Line, Outcome};
use serde_json::json;
use testkit::{Content, End as Cut, Fake, Mishap, Program, Run, images::to_json, until};

/// Images of one repository, `app:v0` and so on, each of its own layer.
struct Scene {
    program: Program,
    source: Fake,
    target: Fake,
    content: Content,
    roots: Vec<Descriptor>,
}

impl Scene {
    fn with(number: u64) -> Self {
        let mut content = Content::new();
        let roots: Vec<_> = (0..number)
            .map(|seed| {
                let layer = content.layer(100 + seed, 5_000);
                content.image(seed, &[layer])
            })
            .collect();
        Self::of(content, roots)
    }

    fn of(content: Content, roots: Vec<Descriptor>) -> Self {
        let seeded = roots
            .iter()
            .enumerate()
            .fold(Fake::setup(), |fake, (number, root)| fake.seed(&content, root, &format!("app:v{number}")));
        let (source, target) = (seeded.on_a_thread(), Fake::setup().on_a_thread());
        let program = Program::new(env!("CARGO_BIN_EXE_transship"));
        Self { program, source, target, content, roots }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.program.home().join(name)
    }

    /// Everything at the source, with `more` about it, to `to`.
    fn config(&self, to: &str, more: &str) {
        let from = self.source.reference("app");
        let text = format!("version: 1\nto: \"{to}\"\nimages:\n  - from: {from}\n    {more}\n");
        fs::write(self.path("mirror.yaml"), text).unwrap();
    }

    fn to_target(&self, more: &str) {
        self.config(&self.target.reference("mirror"), more);
    }

    fn mirror(&self, more: &[&str]) -> Run {
        self.source.ledger().clear();
        self.target.ledger().clear();
        let words =
            [&["mirror", "mirror.yaml", "--receipt", "receipt.jsonl", "--state", "state.jsonl"], more];
        self.program.run(&words.concat())
    }

    fn receipt(&self) -> (Vec<Image>, Option<End>) {
        let (mut images, mut end) = (Vec::new(), None);
        for line in Line::read(&fs::read_to_string(self.path("receipt.jsonl")).unwrap()).unwrap() {
            match line {
                Line::Run(_) => {}
                Line::Image(image) => images.push(*image),
                Line::End(last) => end = Some(last),
            }
        }
        (images, end)
    }

    /// How often each side was asked, in all and otherwise than by HEAD.
    fn asked(&self) -> [(usize, usize); 2] {
        [&self.source, &self.target].map(|side| {
            let ledger = side.ledger();
            (ledger.count(|_| true), ledger.count(|request| request.method != Method::HEAD))
        })
    }

    fn notes(&self) -> String {
        fs::read_to_string(self.path("state.jsonl")).unwrap_or_default()
    }
}

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An index of two platforms, made in 2026.
fn index(content: &mut Content, seed: u64) -> Descriptor {
    let entries = ["amd64", "arm64"].into_iter().zip(0..).map(|(architecture, number)| {
        let layer = content.layer(1000 + seed * 10 + number, 3_000);
        let mut entry = to_json(&content.image(seed * 10 + number, &[layer]));
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    });
    let entries: Vec<_> = entries.collect();
    let made = json!({"org.opencontainers.image.created": format!("2026-01-0{}T00:00:00Z", seed + 1)});
    let index =
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, "annotations": made});
    content.document(OCI_INDEX, &index)
}

#[test]
fn chosen_platforms_cost_a_run_with_nothing_to_do_one_head_on_each_side() {
    let mut content = Content::new();
    let roots: Vec<_> = (0..3).map(|seed| index(&mut content, seed)).collect();
    let scene = Scene::of(content, roots);
    scene.to_target("tags: [v0, v1, v2]\n    platforms: [linux/amd64]");
    scene.mirror(&[]).exits(0);
    assert!(scene.receipt().0.iter().all(|image| image.result == Outcome::Copied));
    let arrived = scene.target.tag("mirror/app", "v1").unwrap();
    assert_ne!(arrived, scene.roots[1].digest);
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.asked(), [(3, 0), (3, 0)], "{}", scene.source.ledger());
    let (images, _) = scene.receipt();
    assert!(images.iter().all(|image| image.result == Outcome::Unchanged));
    assert!(images.iter().any(|image| image.digest == Some(arrived.to_string())));
    // A dry run costs no more.
    scene.source.ledger().clear();
    scene.program.run(&["mirror", "mirror.yaml", "--dry-run", "--state", "state.jsonl"]).exits(0);
    assert_eq!(scene.asked()[0], (3, 0));

    // What was noted is a hint: one that is wrong costs reading, and brings what the source has.
    let wrong = scene.notes().replace(&arrived.to_string(), &scene.roots[0].digest.to_string());
    fs::write(scene.path("state.jsonl"), wrong).unwrap();
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.target.tag("mirror/app", "v1"), Some(arrived.clone()));
    assert!(scene.target.ledger().writes().is_empty());
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.asked(), [(3, 0), (3, 0)], "and it is put right");
    // A tag that moved is read again, and another choice makes another index.
    scene.source.put(&scene.content, &scene.roots[2], "app:v1");
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.target.tag("mirror/app", "v1"), scene.target.tag("mirror/app", "v2"));
    scene.to_target("tags: [v0, v1, v2]\n    platforms: [linux/arm64]");
    scene.mirror(&[]).exits(0);
    assert_ne!(scene.target.tag("mirror/app", "v1"), Some(arrived));
}

#[test]
fn a_date_is_read_once() {
    let mut content = Content::new();
    let roots: Vec<_> = (0..4).map(|seed| index(&mut content, seed)).collect();
    let scene = Scene::of(content, roots);
    scene.to_target("tags: [\"v*\"]\n    since: 2026-01-03");
    let pulls = || {
        let pull = |path: &str| path.contains("/manifests/") || path.contains("/blobs/");
        scene.source.ledger().count(|request| request.method == Method::GET && pull(&request.path))
    };
    scene.mirror(&[]).exits(0);
    assert!(pulls() >= 4);
    for _ in 0..2 {
        assert_eq!(scene.receipt().0.len(), 2, "v2 and v3");
        scene.mirror(&[]).exits(0);
        assert_eq!(pulls(), 0, "{}", scene.source.ledger());
    }
    // Another digest under the same tag has a date of its own.
    scene.source.put(&scene.content, &scene.roots[0], "app:v3");
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.receipt().0.len(), 1);
}

#[test]
fn a_run_that_is_killed_has_kept_what_it_did() {
    let scene = Scene::with(6);
    scene.to_target("tags: [\"v*\"]\n    immutable: true");
    // The fourth image is never answered for.
    scene.target.mishap(Mishap::on(Method::PUT, "manifests/").nth(4).times(99).cut_head(0, Cut::Stall));
    let words = ["mirror", "mirror.yaml", "--state", "state.jsonl", "--images-at-once", "1"];
    let running = scene.program.start(&words);
    until("the fourth image", || {
        scene
            .target
            .ledger()
            .count(|request| request.method == Method::PUT && request.path.contains("manifests/"))
            == 4
    });
    running.kill();
    assert_eq!(scene.notes().lines().count(), 1 + 3, "{}", scene.notes());
    scene.target.behave();
    scene.mirror(&[]).exits(0);
    // One of those that were noted is the witness of all.
    let asked = scene.source.ledger().count(|request| request.method == Method::HEAD);
    assert_eq!(asked, 3, "{}", scene.source.ledger());
}

#[test]
fn the_receipt_counts_what_was_asked_of_a_witness_too() {
    let scene = Scene::with(4);
    scene.to_target("tags: [\"v*\"]\n    immutable: [v1, v2, v3]");
    scene.mirror(&[]).exits(0);
    scene.source.put(&scene.content, &scene.roots[1], "app:v0");
    for state in [
        scene.notes(),
        scene.notes().replace(&scene.roots[1].digest.to_string(), &scene.roots[2].digest.to_string()),
    ] {
        fs::write(scene.path("state.jsonl"), state).unwrap();
        scene.mirror(&[]).exits(0);
        let (images, end) = scene.receipt();
        let [(source, _), (target, _)] = scene.asked();
        let sum = |side: fn(&Image) -> u64| images.iter().map(side).sum::<u64>();
        let lists = 1;
        assert_eq!(
            (sum(|image| image.requests.source) + lists, sum(|image| image.requests.target)),
            (source as u64, target as u64)
        );
        let end = end.unwrap();
        assert_eq!((end.requests.source, end.requests.target), (source as u64, target as u64));
    }
}

#[test]
fn what_comes_to_be_asked_of_an_immutable_tag_later_is_brought() {
    let mut content = Content::new();
    let root = index(&mut content, 1);
    let scene = Scene::of(content, vec![root.clone()]);
    scene.to_target("tags: [v0]\n    immutable: true\n    platforms: [linux/amd64]");
    scene.mirror(&[]).exits(0);
    // Another index is another digest, and an immutable tag is not moved: but it is not passed over in silence.
    scene.to_target("tags: [v0]\n    immutable: true");
    scene.mirror(&[]).exits(8);
}

#[test]
fn fail_fast_begins_no_image_after_one_that_failed_and_says_how_many_it_left() {
    let scene = Scene::with(6);
    scene.to_target("tags: [v0, v1, v2, v3, v4, v5]");
    scene.source.mishap(Mishap::any("manifests/v1").times(99).status(404));
    let run = scene.mirror(&["--fail-fast", "--images-at-once", "1"]).exits(10);
    assert!(run.stdout.contains("4 images not begun"), "{run}");
    let (images, end) = scene.receipt();
    let results: Vec<_> = images.iter().map(|image| image.result).collect();
    assert_eq!(results, [Outcome::Copied, Outcome::Failed]);
    assert_eq!(end.unwrap().left, 4);
    assert_eq!(scene.source.ledger().count(|request| request.path.contains("manifests/v2")), 0);
    // Where the first one fails, the rest is not known to fail for that reason.
    scene.to_target("tags: [v1, v2]");
    scene.mirror(&["--fail-fast", "--images-at-once", "1"]).exits(10);
    scene.to_target("tags: [v1]");
    scene.mirror(&["--fail-fast"]).exits(4);
    scene.to_target("tags: [v0, v1, v2, v3, v4, v5]");
    // Without it, one that fails stops no other.
    scene.mirror(&["--images-at-once", "1"]).exits(10);
    assert_eq!(scene.receipt().1.unwrap().copied, 4);
}

#[test]
fn fail_fast_holds_for_what_earlier_runs_have_noted_too() {
    let scene = Scene::with(3);
    // Two repositories, each with a tag that may move, and one that was noted.
    let entry = |tag: &str, to: &str| {
        let (from, to) = (scene.source.reference("app"), scene.target.reference(to));
        format!("  - from: {from}\n    tags: [{tag}, v2]\n    immutable: [v2]\n    to: \"{to}:{{tag}}\"\n")
    };
    let text = format!("version: 1\nimages:\n{}{}", entry("v0", "a"), entry("v1", "b"));
    fs::write(scene.path("mirror.yaml"), text).unwrap();
    scene.mirror(&[]).exits(0);
    scene.source.put(&scene.content, &scene.roots[2], "app:v1");
    scene.source.mishap(Mishap::any("manifests/v0").times(99).status(404));
    scene.mirror(&["--fail-fast", "--images-at-once", "1"]).exits(10);
    assert!(scene.target.ledger().writes().is_empty(), "{}", scene.target.ledger());
}

#[test]
fn layouts_and_archives_are_mirrored_to_and_from() {
    let scene = Scene::with(5);
    scene.config("oci:images", "tags: [\"v*\"]");
    scene.mirror(&[]).exits(0);
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.asked()[0], (6, 1), "a HEAD for each tag, and the list");
    let chain = |from: &str, to: &str| {
        fs::write(
            scene.path("mirror.yaml"),
            format!("version: 1\nto: \"{to}\"\nimages: [{{from: \"{from}\"}}]\n"),
        )
        .unwrap();
        for result in [Outcome::Copied, Outcome::Unchanged] {
            scene.mirror(&[]).exits(0);
            assert!(scene.receipt().0.iter().all(|image| image.result == result), "{from} {to}");
            assert_eq!(scene.receipt().0.len(), 5);
        }
    };
    chain("oci:images", "oci-archive:images.tar");
    chain("oci-archive:images.tar", "oci:back");
    chain("oci:back", &scene.target.host());
    for (number, root) in scene.roots.iter().enumerate() {
        assert_eq!(scene.target.tag("app", &format!("v{number}")), Some(root.digest.clone()));
    }
    for place in ["oci:images", "oci:back", "oci-archive:images.tar"] {
        for number in 0..5 {
            scene.program.run(&["verify", "--deep", &format!("{place}:app:v{number}")]).exits(0);
        }
    }
}

#[test]
fn two_runs_do_not_write_to_one_receipt_and_both_may_mirror() {
    let scene = Scene::with(3);
    scene.to_target("tags: [\"v*\"]");
    scene.target.mishap(Mishap::on(Method::PUT, "manifests/").times(99).cut_head(0, Cut::Stall));
    let first = scene.program.start(&["mirror", "mirror.yaml", "--receipt", "receipt.jsonl"]);
    until("the first run", || scene.target.struck() > 0);
    let before = fs::read_to_string(scene.path("receipt.jsonl")).unwrap();
    scene.program.run(&["mirror", "mirror.yaml", "--receipt", "receipt.jsonl"]).exits(9).says("another run");
    assert_eq!(fs::read_to_string(scene.path("receipt.jsonl")).unwrap(), before);
    scene.target.behave();
    scene.program.run(&["mirror", "mirror.yaml", "--receipt", "other.jsonl"]).exits(0);
    first.kill();
    // Whoever wrote it is gone.
    scene.program.run(&["mirror", "mirror.yaml", "--receipt", "receipt.jsonl"]).exits(0);
}

#[test]
fn a_receipt_has_its_end_though_the_lock_file_cannot_be_written() {
    let scene = Scene::with(1);
    scene.to_target("tags: [v0]");
    scene.mirror(&["--lock", "no/such/lock.json"]).exits(9).says("lock.json");
    assert_eq!(scene.receipt().1.unwrap().copied, 1);
}

#[test]
fn notes_that_cannot_be_written_are_not_believed_and_cost_no_more_than_requests() {
    let scene = Scene::with(2);
    scene.to_target("tags: [v0, v1]\n    immutable: true");
    fs::create_dir(scene.path("state.jsonl")).unwrap();
    for _ in 0..2 {
        let run = scene.mirror(&[]).exits(0);
        assert!(run.stderr.contains("the next run asks again"), "{run}");
        assert!(scene.asked()[0].0 >= 2, "{}", scene.source.ledger());
    }
}

#[test]
fn a_file_that_holds_no_notes_is_left_as_it_is() {
    let scene = Scene::with(2);
    scene.to_target("tags: [v0, v1]\n    immutable: true");
    let text = "a line of something else\n".repeat(200);
    fs::write(scene.path("state.jsonl"), &text).unwrap();
    let run = scene.mirror(&[]).exits(0);
    assert!(run.stderr.contains("something else than notes"), "{run}");
    assert_eq!(scene.notes(), text);
    // However large it is, no more is read of it than tells that.
    fs::File::create(scene.path("state.jsonl")).unwrap().set_len(1 << 42).unwrap();
    scene.mirror(&[]).exits(0).says("something else than notes");
    // One that was killed while it began is begun anew.
    fs::write(scene.path("state.jsonl"), "{\"no").unwrap();
    scene.mirror(&[]).exits(0);
    assert!(scene.notes().starts_with("{\"notes\":1}\n{\"arrived\""), "{}", scene.notes());
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.asked(), [(0, 0), (1, 0)]);
}

#[test]
fn notes_that_somebody_has_locked_are_not_waited_for_and_not_believed() {
    let scene = Scene::with(1);
    scene.to_target("tags: [v0]\n    immutable: true");
    scene.mirror(&[]).exits(0);
    let locked = fs::File::open(scene.path("state.jsonl")).unwrap();
    locked.lock().unwrap();
    scene.mirror(&[]).exits(0).says("another process has locked it");
    assert_eq!(scene.asked(), [(1, 0), (1, 0)], "{}", scene.source.ledger());
}

#[test]
fn what_is_about_an_image_that_is_there_is_looked_for_without_reading_the_images_below_it() {
    let mut content = Content::new();
    let root = index(&mut content, 1);
    let scene = Scene::of(content, vec![root.clone()]);
    let mut content = scene.content.clone();
    let layer = content.layer(7, 100);
    let signature = content.image(77, &[layer]);
    let tag = format!("app:{}.sig", root.digest.to_string().replace(':', "-"));
    scene.source.put(&content, &signature, &tag);
    scene.to_target("tags: [v0]\n    referrers: true");
    scene.mirror(&[]).exits(0);
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.receipt().0[0].result, Outcome::Unchanged);
    assert_eq!(scene.receipt().0[0].manifests, 3);
    let asked = |what: &str| scene.source.ledger().count(|request| request.path.contains(what));
    // Of manifests by digest, the index alone. Of cosign's tags, three for it, each below it, and the signature.
    assert_eq!((asked("/manifests/sha256:"), asked(".sig"), asked(".att"), asked(".sbom")), (1, 4, 4, 4));
    assert_eq!(scene.asked()[1], (2, 0), "{}", scene.target.ledger());
    // A signature of an image below the index is found all the same.
    let text = String::from_utf8(content.get(&root.digest).unwrap().to_vec()).unwrap();
    let below: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tag = format!("{}.sig", below["manifests"][1]["digest"].as_str().unwrap().replace(':', "-"));
    scene.source.put(&content, &signature, &format!("app:{tag}"));
    scene.mirror(&[]).exits(0);
    assert_eq!(scene.target.tag("mirror/app", &tag), Some(signature.digest));
}
