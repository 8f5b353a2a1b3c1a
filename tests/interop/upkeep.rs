//! Mirrors that keep running, and mirrors that remove, at real registries.
use std::fs;

use mirror::receipt::{Image, Line, Outcome};
use testkit::{Program, Run, free_port, until};

use crate::{
    http::ask,
    registries::{Registry, distribution, distribution_3},
    transship,
};

/// A mirror of one repository, of whatever tags it has.
struct Scene {
    source: Registry,
    target: Registry,
    program: Program,
}

impl Scene {
    fn set(target: Registry, tags: &[&str]) -> Self {
        let scene = Self { source: distribution().removable().start(), target, program: transship() };
        for tag in tags {
            scene.push(tag);
        }
        scene.config("tags: [\"v*\"]");
        scene
    }

    /// An image of its own under this tag, at the source.
    fn push(&self, tag: &str) {
        let mut content = testkit::Content::new();
        let seed = tag.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte));
        let layer = content.layer(seed, 1000);
        let root = content.image(seed, &[layer]);
        let dir = self.program.home().join("images");
        content.write_layout(&dir, &[testkit::Entry::named(&root, "app:v1")]).unwrap();
        self.program
            .run(&["copy", "-q", "oci:images:app:v1", &self.source.reference(&format!("app:{tag}"))])
            .exits(0);
        fs::remove_dir_all(dir).unwrap();
    }

    fn config(&self, selection: &str) {
        let (from, to) = (self.source.reference("app"), self.target.reference("mirror/app:{tag}"));
        let text = format!("version: 1\nimages:\n  - from: {from}\n    to: {to}\n    {selection}\n");
        fs::write(self.program.home().join("mirror.yaml"), text).unwrap();
    }

    fn mirror(&self, more: &[&str]) -> Run {
        self.program.run(&[&["mirror", "mirror.yaml", "--receipt", "receipt.jsonl"], more].concat())
    }

    fn receipt(&self) -> Vec<Image> {
        let text = fs::read_to_string(self.program.home().join("receipt.jsonl")).unwrap();
        let lines = Line::read(&text).unwrap().into_iter();
        lines.filter_map(|line| if let Line::Image(image) = line { Some(*image) } else { None }).collect()
    }

    fn has(&self, tag: &str) -> bool {
        ask("GET", &self.target.host(), &format!("/v2/mirror/app/manifests/{tag}"), "").status == 200
    }
}

#[test]
fn a_tag_that_is_no_longer_meant_goes_only_when_that_is_asked_for() {
    for target in [distribution().removable().start(), distribution_3().removable().start()] {
        let scene = Scene::set(target, &["v1", "v2", "v3"]);
        scene.mirror(&[]).exits(0);
        scene.config("tags: [v1, v2]");
        scene.mirror(&[]).exits(0);
        assert!(scene.has("v3"), "nobody asked for it");
        let dry = scene.program.run(&["mirror", "mirror.yaml", "--prune", "--dry-run"]).exits(0);
        assert!(
            dry.stdout.contains(&format!("would prune   {}", scene.target.reference("mirror/app:v3"))),
            "{dry}"
        );
        assert!(scene.has("v3"), "a dry run removes nothing");
        let run = scene.mirror(&["--prune"]).exits(0);
        assert!(run.stdout.contains("1 pruned"), "{run}");
        assert!(scene.has("v1") && scene.has("v2") && !scene.has("v3"));
        let pruned: Vec<_> =
            scene.receipt().into_iter().filter(|image| image.result == Outcome::Pruned).collect();
        assert_eq!(pruned.len(), 1);
        assert_eq!(pruned[0].destination, scene.target.reference("mirror/app:v3"));
        // There is nothing left to remove.
        assert!(!scene.mirror(&["--prune"]).exits(0).stdout.contains("pruned"));
    }
}

#[test]
fn more_than_half_of_a_repository_stays_unless_that_is_asked_for() {
    let scene = Scene::set(distribution().removable().start(), &["v1", "v2", "v3"]);
    scene.mirror(&[]).exits(0);
    scene.config("tags: [v1]");
    let run = scene.mirror(&["--prune"]).exits(10);
    assert!(run.stderr.contains("2 of 3 tags") && run.stderr.contains("--prune-most"), "{run}");
    assert!(scene.has("v2") && scene.has("v3"));
    scene.mirror(&["--prune", "--prune-most"]).exits(0);
    assert!(scene.has("v1") && !scene.has("v2") && !scene.has("v3"));
}

#[test]
fn two_tags_of_one_image_that_are_no_longer_meant_both_go() {
    let scene = Scene::set(distribution().removable().start(), &["v1", "v2", "v3"]);
    let (from, to) = (scene.source.reference("app:v3"), scene.source.reference("app:v4"));
    scene.program.run(&["copy", "-q", &from, &to]).exits(0);
    scene.mirror(&[]).exits(0);
    scene.config("tags: [v1, v2]");
    let run = scene.mirror(&["--prune"]).exits(0);
    assert!(run.stdout.contains("2 pruned"), "{run}");
    assert!(scene.has("v1") && scene.has("v2") && !scene.has("v3") && !scene.has("v4"));
}

#[test]
fn a_source_that_lists_nothing_or_fails_removes_nothing() {
    let scene = Scene::set(distribution().removable().start(), &["v1", "v2", "v3"]);
    scene.mirror(&[]).exits(0);
    scene.config("tags: [\"w*\"]");
    let run = scene.mirror(&["--prune", "--prune-most"]).exits(0);
    assert!(run.stderr.contains("has no tag that the patterns of line 3 mean"), "{run}");
    scene.config("tags: [v1, absent]");
    let run = scene.mirror(&["--prune", "--prune-most"]).exits(10);
    assert!(run.stderr.contains("some of its images failed"), "{run}");
    let gone = format!("127.0.0.1:{}/app", free_port());
    let text = format!(
        "version: 1\nimages: [{{from: {gone}, tags: [\"v*\"], to: \"{}\"}}]\n",
        scene.target.reference("mirror/app:{tag}")
    );
    fs::write(scene.program.home().join("mirror.yaml"), text).unwrap();
    let run = scene.mirror(&["--prune", "--prune-most"]).exits(7);
    assert!(run.stderr.contains("nothing is removed"), "{run}");
    assert!(["v1", "v2", "v3"].into_iter().all(|tag| scene.has(tag)));
}

#[test]
fn a_registry_that_removes_nothing_is_a_failure_that_is_named() {
    let scene = Scene::set(distribution().start(), &["v1", "v2", "v3"]);
    scene.mirror(&[]).exits(0);
    scene.config("tags: [v1, v2]");
    let run = scene.mirror(&["--prune"]).exits(10);
    assert!(run.stderr.contains("it is not removed"), "{run}");
    assert!(scene.has("v3"));
}

#[test]
fn a_mirror_that_keeps_running_brings_what_is_new_and_tells_how_it_goes() {
    let scene = Scene::set(distribution().start(), &["v1"]);
    let port = free_port();
    let (status, listen) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{port}"));
    let watch = ["mirror", "mirror.yaml", "--watch", "1s", "--listen", &listen, "--receipt", "receipt.jsonl"];
    let running = scene.program.start(&watch);
    let told = |path: &str| {
        std::net::TcpStream::connect(&status).ok()?;
        let answer = ask("GET", &status, path, "");
        Some((answer.status, String::from_utf8(answer.body).unwrap()))
    };
    until("health", || told("/healthz").is_some_and(|(status, _)| status == 200));
    until("readiness", || told("/readyz").is_some_and(|(status, _)| status == 200));
    assert!(scene.has("v1"));
    scene.push("v2");
    until("the new tag", || scene.has("v2"));
    let figure = |name: &str| -> u64 {
        let (_, text) = told("/metrics").unwrap();
        let line =
            text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or("0 0").to_owned();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    until("figures", || figure("transship_mirror_images_total{result=\"copied\"}") == 2);
    assert!(figure("transship_mirror_runs_total{result=\"done\"}") >= 1);
    assert!(figure("transship_mirror_last_success_timestamp_seconds") > 1_700_000_000);
    // A configuration that is broken meanwhile is a run that failed, and the next one may be better.
    fs::write(scene.program.home().join("mirror.yaml"), "version: 1\nimages: nonsense\n").unwrap();
    until("not ready", || told("/readyz").is_some_and(|(status, _)| status == 503));
    scene.config("tags: [\"v*\"]");
    until("readiness again", || told("/readyz").is_some_and(|(status, _)| status == 200));
    running.signal("TERM");
    let run = running.wait();
    assert_eq!(run.code, 143, "{run}");
}

#[test]
fn a_first_run_that_makes_no_sense_or_an_address_that_is_taken_is_said_at_once() {
    let scene = Scene::set(distribution().start(), &["v1"]);
    let taken = scene.target.host();
    scene.program.run(&["mirror", "mirror.yaml", "--watch", "1h", "--listen", &taken]).exits(9).says(&taken);
    fs::write(scene.program.home().join("mirror.yaml"), "nonsense: true\n").unwrap();
    scene.program.run(&["mirror", "mirror.yaml", "--watch", "1h"]).exits(2);
    scene.program.run(&["mirror", "mirror.yaml", "--listen", "127.0.0.1:0"]).exits(2);
    scene.program.run(&["mirror", "mirror.yaml", "--watch", "1"]).exits(2).says("30s, 10m, 6h, 1d");
}

#[test]
fn a_worker_that_stays_works_for_one_run_after_the_other() {
    let (scene, queue) = (Scene::set(distribution().start(), &["v1"]), crate::nats::nats());
    let url = queue.url();
    let work =
        ["mirror", "mirror.yaml", "--queue", &url, "--queue-name", "ours", "--role", "work", "--watch", "1m"];
    let working = scene.program.start(&work);
    let plan = ["--queue", &url, "--queue-name", "ours", "--role", "plan"];
    scene.mirror(&plan).exits(0);
    assert!(scene.has("v1"));
    scene.push("v2");
    scene.mirror(&plan).exits(0);
    assert!(scene.has("v2"));
    assert_eq!(scene.receipt().iter().filter(|image| image.result == Outcome::Copied).count(), 1);
    working.signal("TERM");
    assert_eq!(working.wait().code, 143);
}

#[test]
fn a_worker_whose_images_failed_tells_of_no_success() {
    let (scene, queue) = (Scene::set(distribution().read_only().start(), &["v1"]), crate::nats::nats());
    let (url, status) = (queue.url(), format!("127.0.0.1:{}", free_port()));
    let ours = ["--queue", &url, "--queue-name", "ours"];
    let stays = ["--role", "work", "--watch", "1m", "--listen", &status];
    let working = scene.program.start(&[&["mirror", "mirror.yaml"][..], &ours, &stays].concat());
    assert_ne!(scene.mirror(&[&ours[..], &["--role", "plan"]].concat()).code, 0);
    let told = || String::from_utf8(ask("GET", &status, "/metrics", "").body).unwrap();
    until("the end of its run", || told().contains("_in_progress 0\n") && told().contains("\"failed\"} 1\n"));
    let figures = told();
    assert!(figures.contains("runs_total{result=\"failed\"} 1\n"), "{figures}");
    assert!(!figures.contains("last_success_timestamp"), "{figures}");
    working.signal("TERM");
    assert_eq!(working.wait().code, 143);
}

#[test]
fn what_a_worker_that_stays_has_learnt_in_one_run_it_does_not_believe_in_the_next() {
    let (scene, queue) = (Scene::set(distribution().start(), &["v1"]), crate::nats::nats());
    let url = queue.url();
    let ours = ["--queue", &url, "--queue-name", "ours"];
    let stays = ["--role", "work", "--watch", "1m"];
    let working = scene.program.start(&[&["mirror", "mirror.yaml"][..], &ours, &stays].concat());
    let plan = [&ours[..], &["--role", "plan"]].concat();
    scene.mirror(&plan).exits(0);
    fs::remove_dir_all(scene.target.storage().join("docker")).unwrap();
    scene.mirror(&plan).exits(0);
    assert!(scene.has("v1"));
    let refused = |line: &String| line.contains("/manifests/") && !line.contains(" 201 ");
    let refused: Vec<_> = scene.target.requests(&["PUT"]).into_iter().filter(refused).collect();
    assert!(refused.is_empty(), "a manifest before its parts: {refused:?}");
    working.signal("TERM");
    assert_eq!(working.wait().code, 143);
}
