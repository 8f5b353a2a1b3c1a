//! Destinations that lost what was noted of them, and tags that were removed: everything that is meant arrives again.
use super::*;

impl Scene {
    /// The same place, with nothing in it.
    fn wiped(self) -> Self {
        let before = self.target.host();
        let wiped = Self { target: Fake::setup().on_a_thread(), ..self };
        for file in ["mirror.yaml", "state.jsonl"] {
            let text = fs::read_to_string(wiped.path(file)).unwrap();
            fs::write(wiped.path(file), text.replace(&before, &wiped.target.host())).unwrap();
        }
        wiped
    }

    fn has_all(&self, tags: &[&str]) {
        for tag in tags {
            assert!(self.target.tag("mirror/app", tag).is_some(), "{tag}: {}", self.notes());
        }
    }

    /// Entries of one layout, each its tags, in a repository of its own.
    fn config_of_layout(&self, entries: &[(&str, &str)]) {
        let from = self.source.reference("app");
        let entry = |(to, tags): &(&str, &str)| {
            format!(
                "  - from: {from}\n    tags: [{tags}]\n    immutable: true\n    to: \"oci:images:{to}:{{tag}}\"\n"
            )
        };
        let text: String = entries.iter().map(entry).collect();
        fs::write(self.path("mirror.yaml"), format!("version: 1\nimages:\n{text}")).unwrap();
    }

    /// The names in the layout.
    fn layout(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path("images/index.json")).unwrap()).unwrap()
    }

    fn layout_has(&self, name: &str) -> bool {
        self.layout().to_string().contains(&format!("\"{name}\""))
    }
}

const SOME_MOVE: &str = "tags: [v0, \"v*\"]\n    immutable: [v1, v2, v3]";

#[test]
fn a_wiped_repository_that_is_filled_only_in_part_before_a_kill_is_filled_by_the_next_run() {
    let scene = Scene::with(4);
    scene.to_target(SOME_MOVE);
    scene.mirror(&[]).exits(0);
    let wiped = scene.wiped();
    // The tag that may move arrives, and then nobody answers any more.
    wiped.target.mishap(Mishap::any("/v2/").nth(10).times(999).cut_head(0, Cut::Stall));
    let running =
        wiped.program.start(&["mirror", "mirror.yaml", "--state", "state.jsonl", "--images-at-once", "1"]);
    until("nobody answers", || wiped.target.struck() > 0);
    running.kill();
    wiped.target.behave();
    wiped.mirror(&[]).exits(0);
    wiped.has_all(&["v0", "v1", "v2", "v3"]);
}

#[test]
fn a_wiped_repository_is_filled_though_the_first_run_after_it_could_not_list_the_tags() {
    let scene = Scene::with(4);
    scene.to_target(SOME_MOVE);
    scene.mirror(&[]).exits(0);
    let wiped = scene.wiped();
    wiped.source.mishap(Mishap::any("tags/list").times(99).status(404));
    wiped.mirror(&[]).exits(10);
    wiped.has_all(&["v0"]);
    wiped.source.behave();
    wiped.mirror(&[]).exits(0);
    wiped.has_all(&["v0", "v1", "v2", "v3"]);
}

#[test]
fn what_was_not_selected_when_a_wiped_repository_was_filled_is_brought_when_it_is() {
    let scene = Scene::with(3);
    scene.to_target("tags: [\"v*\"]\n    immutable: true");
    scene.mirror(&[]).exits(0);
    let wiped = scene.wiped();
    wiped.to_target("tags: [\"v*\"]\n    newest: 2\n    immutable: true");
    wiped.mirror(&[]).exits(0);
    assert_eq!(wiped.target.tag("mirror/app", "v0"), None);
    wiped.to_target("tags: [\"v*\"]\n    immutable: true");
    wiped.mirror(&[]).exits(0);
    wiped.has_all(&["v0", "v1", "v2"]);
}

#[test]
fn a_repair_or_a_run_under_other_rules_that_fills_a_wiped_repository_in_part_leaves_no_note_standing() {
    for flag in ["--repair", "--include-foreign"] {
        let scene = Scene::with(4);
        scene.to_target(SOME_MOVE);
        scene.mirror(&[]).exits(0);
        let wiped = scene.wiped();
        wiped.source.mishap(Mishap::any("manifests/v3").times(99).status(404));
        let run = wiped.mirror(&[flag, "--fail-fast", "--images-at-once", "1"]).exits(10);
        assert_eq!(wiped.target.tag("mirror/app", "v2"), None, "it comes after v3: {run}");
        wiped.source.behave();
        wiped.mirror(&[]).exits(0);
        wiped.has_all(&["v0", "v1", "v2", "v3"]);
    }
}

#[test]
fn a_repair_that_is_killed_in_a_wiped_repository_leaves_no_note_standing() {
    let scene = Scene::with(4);
    scene.to_target(SOME_MOVE);
    scene.mirror(&[]).exits(0);
    let wiped = scene.wiped();
    wiped.source.mishap(Mishap::any("manifests/v3").times(999).cut_head(0, Cut::Stall));
    let words = ["mirror", "mirror.yaml", "--state", "state.jsonl", "--repair", "--images-at-once", "1"];
    let running = wiped.program.start(&words);
    until("nobody answers", || wiped.source.struck() > 0);
    running.kill();
    wiped.has_all(&["v0"]);
    wiped.source.behave();
    wiped.mirror(&[]).exits(0);
    wiped.has_all(&["v0", "v1", "v2", "v3"]);
}

#[test]
fn a_run_without_state_that_fills_a_wiped_repository_in_part_leaves_no_note_standing_and_makes_none() {
    let scene = Scene::with(3);
    scene.to_target("tags: [v0, v1, v2]\n    immutable: true");
    scene.mirror(&[]).exits(0);
    let wiped = scene.wiped();
    wiped.to_target("tags: [v0]\n    immutable: true");
    wiped.mirror(&["--no-state"]).exits(0);
    wiped.has_all(&["v0"]);
    let notes = wiped.notes();
    assert_eq!((notes.lines().count(), notes.matches("\"arrived\"").count()), (5, 3), "{notes}");
    wiped.to_target("tags: [v0, v1, v2]\n    immutable: true");
    wiped.mirror(&[]).exits(0);
    wiped.has_all(&["v0", "v1", "v2"]);
}

#[test]
fn each_repository_of_a_layout_has_a_witness_of_its_own() {
    let scene = Scene::with(4);
    scene.config_of_layout(&[("a", "v0, v1"), ("b", "v2, v3")]);
    scene.mirror(&[]).exits(0);
    let mut index = scene.layout();
    index["manifests"].as_array_mut().unwrap().retain(|entry| !entry.to_string().contains("\"b:v"));
    fs::write(scene.path("images/index.json"), index.to_string()).unwrap();
    assert!(scene.layout_has("a:v0") && !scene.layout_has("b:v2"));
    scene.mirror(&[]).exits(0);
    assert!(scene.layout_has("b:v2") && scene.layout_has("b:v3"), "{}", scene.notes());
    let asked = |tag: &str| scene.source.ledger().count(|request| request.path.ends_with(tag));
    assert_eq!([asked("/v0"), asked("/v1")], [0, 0], "what is in the other one is believed");
}

#[test]
fn a_tag_that_was_pruned_is_brought_when_it_is_meant_again() {
    let scene = Scene::with(3);
    scene.config_of_layout(&[("a", "v0, v1, v2")]);
    scene.mirror(&[]).exits(0);
    scene.config_of_layout(&[("a", "v0, v1")]);
    scene.mirror(&["--prune"]).exits(0);
    assert!(scene.layout_has("a:v1") && !scene.layout_has("a:v2"));
    scene.config_of_layout(&[("a", "v0, v1, v2")]);
    scene.mirror(&[]).exits(0);
    assert!(scene.layout_has("a:v2"), "{}", scene.notes());
    let (images, _) = scene.receipt();
    let copied = images.iter().filter(|image| image.result == Outcome::Copied).count();
    assert_eq!(copied, 1, "the others are believed");
}

#[test]
fn a_tag_that_was_pruned_under_another_spelling_of_its_layout_is_brought_when_it_is_meant_again() {
    let scene = Scene::with(3);
    let config = |second: &str| {
        scene.config_of_layout(&[("a", "v0"), ("SECOND", second)]);
        let text = fs::read_to_string(scene.path("mirror.yaml")).unwrap();
        fs::write(scene.path("mirror.yaml"), text.replace("oci:images:SECOND", "oci:./images:a")).unwrap();
    };
    config("v1, v2");
    scene.mirror(&[]).exits(0);
    config("v1");
    scene.mirror(&["--prune"]).exits(0);
    assert!(scene.layout_has("a:v1") && !scene.layout_has("a:v2"));
    config("v1, v2");
    scene.mirror(&[]).exits(0);
    assert!(scene.layout_has("a:v2"), "{}", scene.notes());
}

#[test]
fn nothing_is_removed_in_a_run_that_did_not_begin_all_images() {
    let scene = Scene::with(5);
    scene.config_of_layout(&[("a", "v0"), ("b", "v1, v2, v3")]);
    scene.mirror(&[]).exits(0);
    // Another one fails before the new tag of the second repository is begun.
    scene.config_of_layout(&[("a", "v0, v9"), ("b", "v1, v2, v4")]);
    let run = scene.mirror(&["--prune", "--fail-fast", "--images-at-once", "1"]).exits(10);
    assert!(run.stderr.contains("nothing is removed") && run.stderr.contains("not begun"), "{run}");
    assert!(scene.layout_has("b:v3") && !scene.layout_has("b:v4"));
}
