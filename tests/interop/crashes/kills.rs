//! SIGKILL at every step, and at instants that nobody chose.
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::{Scene, Steps, Wrong, scene::NAME};
use crate::{clients::skopeo, transship};

/// Every how many kills clients of other makes look at what is left.
const WITNESSED: usize = 10;
/// How many runs are to die at a random instant; how many are begun for that at most, for some end before theirs.
const INSTANTS: usize = 200;
const MOST_ROUNDS: usize = 10 * INSTANTS;

/// Kills at one step after the other until none is left, and completes the copy each time.
fn kill_at_every_step(scene: &Scene, wrong: Wrong) -> usize {
    let mut at = 0;
    loop {
        at += 1;
        scene.reset();
        let killed = Steps::copy(&scene.from, &scene.to(), &scene.dir(), at, wrong);
        let when = format!("{wrong:?} at step {at}, {}", killed.step(at));
        if killed.run.code == 0 {
            assert!(killed.taken.len() < at, "{when}: it lived on");
            return at - 1;
        }
        assert_eq!((killed.run.code, killed.taken.len() >= at), (-1, true), "{when}: {}", killed.run);
        scene.holds(&when);
        if at % WITNESSED == 0 {
            witness(scene);
        }
        transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
        scene.is_done(&when);
    }
}

/// Others can read what is left, when there is something to read.
fn witness(scene: &Scene) {
    let dir = scene.dir();
    if dir.join("oci-layout").exists() {
        testkit::run(Command::new("umoci").args(["ls", "--layout"]).arg(&dir));
    }
    if scene.is_new() {
        skopeo(&["inspect", "--raw", &format!("oci:{}:{NAME}", dir.display())]);
    }
}

#[test]
fn killed_at_any_step_a_layout_is_whole_and_the_next_run_completes_it() {
    let (fresh, old) = (Scene::into_nothing(), Scene::over_an_old_one());
    for scene in [&fresh, &old] {
        let steps = kill_at_every_step(scene, Wrong::Kill);
        println!("killed before each of {steps} steps");
        assert!(steps > 40);
    }
    let steps = kill_at_every_step(&old, Wrong::Tear);
    println!("killed in the middle of each write of {steps} steps");
}

/// How long a copy takes that nobody kills.
fn duration(scene: &Scene) -> Duration {
    scene.reset();
    let begun = Instant::now();
    transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
    begun.elapsed()
}

/// Copies, and kills it after a while; whether it was still running.
fn killed_after(scene: &Scene, wait: Duration) -> bool {
    let program = transship();
    let running = program.start(&["copy", &scene.from, &scene.to()]);
    thread::sleep(wait);
    running.kill().code != 0
}

#[test]
fn killed_at_200_random_instants_a_layout_is_whole_and_the_next_run_completes_it() {
    let scenes = [Scene::into_nothing(), Scene::over_an_old_one()].map(|scene| (duration(&scene), scene));
    let random = RandomState::new();
    let mut died = 0;
    for (round, (took, scene)) in (0..MOST_ROUNDS).zip(scenes.iter().cycle()) {
        scene.reset();
        let part = u32::try_from(random.hash_one(round) % 1000).unwrap();
        let instant = *took * part / 1000;
        died += usize::from(killed_after(scene, instant));
        let when = format!("round {round}, killed after {instant:?}");
        scene.holds(&when);
        transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
        scene.is_done(&when);
        if died == INSTANTS {
            return;
        }
    }
    assert_eq!(died, INSTANTS, "runs end before they can be killed");
}
