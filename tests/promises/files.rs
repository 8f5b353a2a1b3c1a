//! Files that a run names: none is lost to another, and what is no plain file stays what it is.
use std::fs;

use testkit::{Content, Program, Registry, images::Entry};

use crate::transship;

/// A registry with `app:v1`, and a program with `mirror.yaml`, which brings that to `mirror` there.
fn scene() -> (Registry, Program) {
    let mut content = Content::new();
    let layer = content.layer(1, 5_000);
    let root = content.image(1, &[layer]);
    let registry = Registry::setup().seed_all(&content, vec![Entry::named(&root, "app:v1")]).start();
    let program = transship();
    let text = format!(
        "version: 1\nto: {}\nimages:\n  - from: {}\n",
        registry.reference("mirror"),
        registry.reference("app:v1")
    );
    fs::write(program.home().join("mirror.yaml"), text).unwrap();
    (registry, program)
}

/// The names in the directory of a program, sorted.
fn names(program: &Program) -> Vec<String> {
    let entries = fs::read_dir(program.home()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn no_file_that_a_run_names_takes_the_place_of_another() {
    let (registry, program) = scene();
    let place = registry.reference("app");
    program.run(&["inventory", &place, "--file", "have.json"]).exits(0);
    program.run(&["copy", &registry.reference("app:v1"), "oci-archive:app.tar"]).exits(0);
    let path = |name: &str| program.home().join(name);
    fs::copy(path("mirror.yaml"), path("b.tar.plan")).unwrap();
    fs::write(path("old.json"), "old").unwrap();
    fs::hard_link(path("old.json"), path("same.json")).unwrap();
    let before = names(&program);
    let read = || before.iter().filter_map(|name| fs::read(path(name)).ok()).collect::<Vec<_>>();
    let bytes = read();
    registry.ledger().clear();
    let runs: &[(&str, &str)] = &[
        ("bundle create mirror.yaml --file mirror.yaml", "--file: `mirror.yaml` is the file of CONFIG too"),
        ("bundle create mirror.yaml --file ./mirror.yaml --volume-size 1MiB", "CONFIG"),
        ("bundle create b.tar.plan --file b.tar", "--file: `b.tar.plan` is the file of CONFIG too"),
        ("bundle create mirror.yaml --have have.json --file have.json", "is the file of --have too"),
        ("inventory oci-archive:app.tar --file app.tar", "is the file of PLACE too"),
        ("mirror mirror.yaml --receipt mirror.yaml", "--receipt: `mirror.yaml` is the file of CONFIG too"),
        ("mirror mirror.yaml --lock mirror.yaml", "is the file of CONFIG too"),
        ("mirror mirror.yaml --state mirror.yaml", "is the file of CONFIG too"),
        ("mirror mirror.yaml --receipt new --lock ./new", "--lock: `./new` is the file of --receipt too"),
        ("mirror mirror.yaml --receipt old.json --lock same.json", "is the file of --receipt too"),
        ("mirror mirror.yaml --receipt new --state new", "is the file of --receipt too"),
    ];
    for (words, message) in runs {
        let words: Vec<&str> = words.split(' ').collect();
        program.run(&words).exits(2).says(message).says("name another file");
        assert_eq!((names(&program), read()), (before.clone(), bytes.clone()), "{words:?}");
    }
    assert_eq!(registry.ledger().all().len(), 0, "{}", registry.ledger());
}

#[test]
fn a_bundle_takes_the_place_of_volumes_and_of_nothing_else() {
    let (registry, program) = scene();
    let path = |name: &str| program.home().join(name);
    for name in ["other.tar", "w.2.tar"] {
        fs::write(path(name), "somebody's").unwrap();
    }
    let before = names(&program);
    registry.ledger().clear();
    for (words, name) in [(&["other.tar"][..], "other.tar"), (&["w.tar", "--volume-size", "1MiB"], "w.2.tar")]
    {
        let create = [&["bundle", "create", "mirror.yaml", "--file"], words].concat();
        program.run(&create).exits(2).says(&format!("{name} is there, and no volume")).says("name another");
        assert_eq!(fs::read(path(name)).unwrap(), b"somebody's");
    }
    assert_eq!((names(&program), registry.ledger().all().len()), (before, 0), "{}", registry.ledger());
    for _ in 0..2 {
        program.run(&["bundle", "create", "mirror.yaml", "--file", "w.tar"]).exits(0);
    }
}

#[test]
fn a_directory_that_a_bundle_needs_is_named_where_it_is_missing() {
    let (registry, program) = scene();
    registry.ledger().clear();
    let run = program.run(&["bundle", "create", "mirror.yaml", "--file", "none/w.tar"]).exits(9);
    run.says("none: open layout: there is no such directory").says("mkdir -p none");
    assert_eq!(registry.ledger().all().len(), 0, "{}", registry.ledger());
}

#[cfg(unix)]
#[test]
fn links_and_pipes_that_are_written_to_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt as _, symlink};
    let (registry, program) = scene();
    let path = |name: &str| program.home().join(name);
    let place = registry.reference("app");
    fs::write(path("old"), "old").unwrap();
    for (link, leads_to) in [("to-old", "old"), ("to-new", "new"), ("to-pipe", "pipe")] {
        symlink(leads_to, path(link)).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    for name in ["pipe", "to-pipe"] {
        let reader = std::thread::spawn({
            let pipe = path("pipe");
            move || fs::read_to_string(pipe).unwrap()
        });
        program.run(&["inventory", &place, "--file", name]).exits(0);
        assert!(fs::symlink_metadata(path("pipe")).unwrap().file_type().is_fifo(), "{name}");
        assert!(path("to-pipe").is_symlink());
        assert!(reader.join().unwrap().starts_with('{'), "{name}");
    }
    for (link, leads_to) in [("to-old", "old"), ("to-new", "new")] {
        program.run(&["inventory", &place, "--file", link]).exits(0);
        assert!(fs::read_to_string(path(leads_to)).unwrap().contains("\"inventory\""));
        program.run(&["mirror", "mirror.yaml", "--lock", link]).exits(0);
        assert!(path(link).is_symlink(), "{link}");
        assert!(fs::read_to_string(path(leads_to)).unwrap().contains("\"lock\""));
    }
    let left: Vec<String> = names(&program).into_iter().filter(|name| name.contains("new.")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_stdout_goes_to_keeps_what_was_printed() {
    let (registry, program) = scene();
    program.run(&["copy", &registry.reference("app:v1"), "oci:images:app:v1"]).exits(0);
    let log = program.home().join("log");
    fs::write(&log, "before\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_transship"));
    command.args(["inventory", "oci:images", "--file", "log"]).current_dir(program.home());
    let status = command.stdout(fs::File::options().append(true).open(&log).unwrap()).status().unwrap();
    assert!(status.success());
    let text = fs::read_to_string(&log).unwrap();
    let (inventory, told) = text.strip_prefix("before\n").unwrap().split_once("inventory of").unwrap();
    serde_json::from_str::<serde_json::Value>(inventory).unwrap();
    assert!(told.ends_with("1 manifest, 2 blobs\n"), "{told}");
}

#[test]
fn an_inventory_of_a_repository_that_is_not_there_says_so() {
    let (registry, program) = scene();
    let [there, none] = ["app", "nosuch"].map(|name| registry.reference(name));
    let run = program.run(&["inventory", &there, &none, "--file", "have.json"]).exits(0);
    assert_eq!(run.stderr.matches("warning: ").count(), 1, "{run}");
    run.says(&format!("warning: {none}: there is no such repository, or it has no tags"));
    let run = program.run(&["inventory", &registry.host(), "--file", "have.json"]).exits(0);
    assert!(!run.stderr.contains("warning: "), "{run}");
}
