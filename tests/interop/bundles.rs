//! Bundles between real registries: two in a row, volumes in every order, and kills at random instants.
use std::{cell::RefCell, fs, path::Path, thread, time::Duration};

use testkit::{Content, Program, images::Entry};

use crate::{
    kills::Chance,
    registries::{Registry, distribution},
    transship,
};

/// How often a command is killed.
const KILLS: usize = 20;
const MIB: usize = 1 << 20;

/// A registry of images that share a base layer, as `transship copy` brings them there.
fn source(program: &Program, images: &[(u64, &str)]) -> Registry {
    let registry = distribution().start();
    let mut content = Content::new();
    let base = content.layer(1000, 5 * MIB);
    let entries: Vec<Entry> = images
        .iter()
        .map(|(seed, name)| {
            let own = content.layer(*seed, 4 * MIB);
            let root = content.image(*seed, &[base.clone(), own]);
            Entry::named(&root, name)
        })
        .collect();
    content.write_layout(&program.home().join("made"), &entries).unwrap();
    for (_, name) in images {
        program.run(&["copy", &format!("oci:made:{name}"), &registry.reference(name)]).exits(0);
    }
    registry
}

const IMAGES: [(u64, &str); 3] = [(1, "team/one:v1"), (2, "two:v1"), (3, "three:v1")];

fn config(program: &Program, name: &str, source: &Registry, images: &[(u64, &str)]) {
    let lines: Vec<String> =
        images.iter().map(|(_, image)| format!("  - from: {}\n", source.reference(image))).collect();
    let text = format!("version: 1\nto: inside.example/{{repository}}:{{tag}}\nimages:\n{}", lines.concat());
    fs::write(program.home().join(name), text).unwrap();
}

/// Whether all images are at the destination, byte for byte.
fn is_whole(program: &Program, source: &Registry, inside: &Registry, images: &[(u64, &str)]) {
    for (_, name) in images {
        program.run(&["verify", "--deep", &source.reference(name), &inside.reference(name)]).exits(0);
    }
}

fn size(program: &Program, file: &str) -> u64 {
    fs::metadata(program.home().join(file)).unwrap().len()
}

#[test]
fn two_bundles_in_a_row_fill_a_registry_behind_an_air_gap() {
    let program = transship();
    let source = source(&program, &IMAGES);
    let (inside, elsewhere) = (distribution().start(), distribution().start());
    config(&program, "first.yaml", &source, &IMAGES[..2]);
    config(&program, "second.yaml", &source, &IMAGES);
    program.run(&["bundle", "create", "first.yaml", "--file", "first.tar"]).exits(0);
    program.run(&["bundle", "apply", "first.tar", &inside.host()]).exits(0);
    program.run(&["inventory", &inside.host(), "--file", "have.json"]).exits(0);
    let second = ["bundle", "create", "second.yaml", "--have", "have.json", "--file", "second.tar"];
    program.run(&second).exits(0);
    // What is new: a layer and a config; with the manifest and the three members that every volume has, six entries.
    let new = 4 * MIB as u64 + 97;
    assert!(size(&program, "second.tar") <= new + new / 50 + 1024 + 6 * 1024);
    program.run(&["bundle", "apply", "second.tar", &elsewhere.host()]).exits(4);
    assert_eq!(elsewhere.writes(), Vec::<String>::new());
    program.run(&["bundle", "apply", "second.tar", &inside.host()]).exits(0);
    is_whole(&program, &source, &inside, &IMAGES);
}

#[test]
fn three_volumes_with_blobs_that_span_them_are_applied_in_every_order() {
    let program = transship();
    let source = source(&program, &IMAGES);
    config(&program, "all.yaml", &source, &IMAGES);
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar", "--volume-size", "6MiB"];
    program.run(&create).exits(0);
    assert!(!program.home().join("all.4.tar").exists());
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let inside = distribution().start();
        for number in order {
            let volume = format!("all.{number}.tar");
            program.run(&["bundle", "apply", &volume, &inside.host(), "--staging", "waiting"]).exits(0);
        }
        is_whole(&program, &source, &inside, &IMAGES);
    }
}

/// Runs commands and kills each at random instants, before the undisturbed run would have ended, until they were killed
/// often enough. `begin` gives the command, in a world that is new; `look` sees what each kill left, and what there is
/// when the command was run once more to its end.
fn kill_often(
    program: &Program,
    whole: Duration,
    begin: impl Fn() -> Vec<String>,
    look: impl Fn(&[String], bool),
) {
    let (mut chance, mut killed) = (Chance::new(), 0);
    while killed < KILLS {
        let arguments = begin();
        for _ in 0..3 {
            let running = program.start(&arguments);
            thread::sleep(Duration::from_micros(chance.part_of(u64::try_from(whole.as_micros()).unwrap())));
            let run = running.kill();
            look(&arguments, false);
            if run.code == 0 {
                break;
            }
            assert_eq!(run.code, -1, "{run}");
            killed += 1;
        }
        program.run(&arguments).exits(0);
        look(&arguments, true);
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether each image is there whole or not at all: by the time the bundle has been applied, whole.
fn holds_no_part(program: &Program, place: impl Fn(&str) -> String, is_done: bool) {
    for (_, name) in IMAGES {
        let run = program.run(&["verify", "--deep", &place(name)]);
        assert!(run.code == 0 || run.code == 4 && !is_done, "{run}");
        // What is missing is the image as such, never a part of it.
        let part = ["missing: manifest", "missing: config", "missing: layer", "wrong:"];
        assert!(part.iter().all(|part| !run.stdout.contains(part)), "{run}");
    }
}

fn took(work: impl FnOnce()) -> Duration {
    let begun = std::time::Instant::now();
    work();
    begun.elapsed()
}

#[test]
fn a_bundle_that_is_killed_while_it_is_made_is_gone_on_with_and_no_volume_is_torn() {
    let program = transship();
    let source = source(&program, &IMAGES);
    config(&program, "all.yaml", &source, &IMAGES);
    let volumes = |stem: &str| [1, 2, 3].map(|number| format!("{stem}.{number}.tar"));
    let read = |path: &Path| fs::read(path).ok();
    let made = ["bundle", "create", "all.yaml", "--file", "all.tar", "--volume-size", "6MiB"];
    let whole = took(|| drop(program.run(&made).exits(0)));
    let due: Vec<_> =
        volumes("all").iter().map(|name| fs::read(program.home().join(name)).unwrap()).collect();
    let begin = || {
        for name in volumes("all") {
            fs::remove_file(program.home().join(name)).unwrap();
        }
        words(&made)
    };
    kill_often(&program, whole, begin, |_, _| {
        for (name, due) in volumes("all").iter().zip(&due) {
            let found = read(&program.home().join(name));
            assert!(found.is_none() || found.as_ref() == Some(due), "{name} is torn");
        }
    });
    for (name, due) in volumes("all").iter().zip(&due) {
        assert_eq!(read(&program.home().join(name)).as_ref(), Some(due), "{name}");
    }
    let left = fs::read_dir(program.home()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("all.")).collect();
    assert_eq!(left.len(), 4, "nothing but the configuration and three volumes: {left:?}");
}

#[test]
fn a_bundle_that_is_killed_while_it_is_applied_leaves_no_tag_in_part_and_the_next_run_completes_it() {
    let program = transship();
    let source = source(&program, &IMAGES);
    config(&program, "all.yaml", &source, &IMAGES);
    program.run(&["bundle", "create", "all.yaml", "--file", "all.tar"]).exits(0);
    let first = distribution().start();
    let whole = took(|| drop(program.run(&["bundle", "apply", "all.tar", &first.host()]).exits(0)));
    // Of a registry that is started anew each time, and ends with the next.
    let inside = RefCell::new(first);
    let begin = || {
        inside.replace(distribution().start());
        words(&["bundle", "apply", "all.tar", &inside.borrow().host()])
    };
    kill_often(&program, whole, begin, |_, is_done| {
        holds_no_part(&program, |name| inside.borrow().reference(name), is_done);
        if is_done {
            is_whole(&program, &source, &inside.borrow(), &IMAGES);
        }
    });
}

/// A program that has three volumes of a bundle, with blobs that span them.
fn in_three_volumes() -> (Program, Registry) {
    let program = transship();
    let source = source(&program, &IMAGES);
    config(&program, "all.yaml", &source, &IMAGES);
    let create = ["bundle", "create", "all.yaml", "--file", "all.tar", "--volume-size", "6MiB"];
    program.run(&create).exits(0);
    (program, source)
}

#[test]
fn a_bundle_that_is_killed_on_its_way_into_a_layout_is_named_when_it_is_whole_and_leaves_nothing_beside() {
    let (program, source) = in_three_volumes();
    let apply = ["bundle", "apply", "all.2.tar", "all.3.tar", "all.1.tar", "oci:inside"];
    let whole = took(|| drop(program.run(&apply).exits(0)));
    let inside = program.home().join("inside");
    let begin = || {
        fs::remove_dir_all(&inside).unwrap();
        words(&apply)
    };
    kill_often(&program, whole, begin, |_, is_done| {
        holds_no_part(&program, |name| format!("oci:inside:{name}"), is_done);
        if is_done {
            for (_, name) in IMAGES {
                let there = format!("oci:inside:{name}");
                program.run(&["verify", "--deep", &source.reference(name), &there]).exits(0);
            }
            let left = fs::read_dir(inside.join(".transship")).unwrap().map(|it| it.unwrap().file_name());
            assert_eq!(left.collect::<Vec<_>>(), ["lock"]);
        }
    });
}

#[test]
fn a_bundle_that_is_killed_while_it_waits_or_leaves_is_brought_by_the_next_run_and_waits_no_more() {
    let (program, source) = in_three_volumes();
    let waiting = program.home().join("waiting");
    let apply = |inside: &Registry, volumes: &[&str]| {
        let host = inside.host();
        words(&[&["bundle", "apply"], volumes, &[host.as_str(), "--staging", "waiting"]].concat())
    };
    let first = distribution().start();
    program.run(&apply(&first, &["all.2.tar"])).exits(0);
    let rest = ["all.1.tar", "all.3.tar"];
    let whole = took(|| drop(program.run(&apply(&first, &rest)).exits(0)));
    let inside = RefCell::new(first);
    let begin = || {
        inside.replace(distribution().start());
        program.run(&apply(&inside.borrow(), &["all.2.tar"])).exits(0);
        apply(&inside.borrow(), &rest)
    };
    kill_often(&program, whole, begin, |_, is_done| {
        holds_no_part(&program, |name| inside.borrow().reference(name), is_done);
        if is_done {
            is_whole(&program, &source, &inside.borrow(), &IMAGES);
            assert_eq!(fs::read_dir(&waiting).unwrap().count(), 0, "something waits");
        }
    });
}
