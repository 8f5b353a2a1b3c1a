//! A disk that fails: at each single step, and one that is really full.
use std::{fs, process::Command};

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

/// Mounts a disk of 4 MB in a name space of its own, puts the old layout there, copies, tells the exit code, and takes
/// away what is there; then with a larger disk.
const SCRIPT: &str = r#"
set -eu
mkdir -p "$DIR"
mount -t tmpfs -o size=4m tmpfs "$DIR"
cp -a "$OLD/." "$DIR"
"$PROGRAM" copy "$FROM" "oci:$DIR:app:v1" 2> "$OUT/stderr" && echo 0 > "$OUT/first" || echo $? > "$OUT/first"
cp -a "$DIR/." "$OUT/full"
mount -o remount,size=20m "$DIR"
"$PROGRAM" copy "$FROM" "oci:$DIR:app:v1"
cp -a "$DIR/." "$OUT/roomy"
"#;

#[test]
fn a_disk_that_is_really_full_is_exit_9_and_the_next_run_with_room_completes() {
    let scene = Scene::over_an_old_one();
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    for name in ["out", "out/full", "out/roomy"] {
        fs::create_dir(at(name)).unwrap();
    }
    scene.reset();
    // As root no name space of users is needed, and may not be allowed.
    let own = if fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0) {
        "-m"
    } else {
        "-rm"
    };
    let mut command = Command::new("unshare");
    command.args([own, "sh", "-c", SCRIPT]).env("HOME", home.path()).env("FROM", &scene.from);
    command.env("PROGRAM", env!("CARGO_BIN_EXE_transship")).env("DIR", at("disk"));
    command.env("OLD", scene.dir()).env("OUT", at("out"));
    testkit::run(&mut command);
    let read = |name: &str| fs::read_to_string(at("out").join(name)).unwrap();
    assert_eq!(read("first").trim(), "9", "{}", read("stderr"));
    assert!(read("stderr").contains("No space left on device"), "{}", read("stderr"));
    assert!(read("stderr").contains("hint: free some space"), "{}", read("stderr"));
    scene.put(&at("out/full"));
    scene.holds("full");
    scene.is_swept("full");
    assert!(!scene.is_new());
    scene.put(&at("out/roomy"));
    scene.is_done("with room");
}
