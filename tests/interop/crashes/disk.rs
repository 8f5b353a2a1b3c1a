//! A disk that fails: at each single step, and one that is really full.
use super::{On, Scene, Steps, Wrong};
use crate::transship;

/// The errors of a disk, and what the message says of them.
const ERRORS: [(i32, On, &str); 4] = [
    (28, On::All, "No space left on device"),
    (5, On::One, "Input/output error"),
    (122, On::All, "Disk quota exceeded"),
    (30, On::All, "Read-only file system"),
];

/// Whether a step may fail without harm: a lock that cannot be had on a temporary file leaves its age to tell.
fn is_harmless(step: &str) -> bool {
    step.starts_with("flock") && step.contains("ingest-") || step.starts_with("unlink")
}

/// Fails one step after the other until none is left, and completes the copy each time.
fn fail_at_every_step(scene: &Scene, (number, on, words): (i32, On, &str)) {
    for at in 1.. {
        scene.reset();
        let failed = Steps::copy(&scene.from, &scene.to(), &scene.dir(), at, Wrong::Fails(number, on));
        let when = format!("{words} at step {at}, {}", failed.step(at));
        if failed.taken.len() < at {
            failed.run.exits(0);
            return;
        }
        scene.holds(&when);
        scene.is_swept(&when);
        if failed.run.code == 0 {
            assert!(is_harmless(failed.step(at)), "{when}: {}", failed.run);
            scene.is_done(&when);
            continue;
        }
        let stderr = &failed.run.stderr;
        assert_eq!(failed.run.code, 9, "{when}: {}", failed.run);
        assert!(stderr.contains(&scene.shown()) && stderr.contains(words), "{when}: {}", failed.run);
        assert!(stderr.contains("hint"), "{when}: {}", failed.run);
        transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
        scene.is_done(&when);
    }
}

#[test]
fn a_disk_that_fails_at_any_step_is_exit_9_and_leaves_what_was_there() {
    let (fresh, old) = (Scene::into_nothing(), Scene::over_an_old_one());
    for (number, error) in ERRORS.into_iter().enumerate() {
        fail_at_every_step(if number % 2 == 0 { &old } else { &fresh }, error);
    }
}
