//! Layouts: what goes into a directory and out again is the same to the byte.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use testkit::{Content, Registry};

use crate::{import, transship};

fn fixtures() -> String {
    format!("oci:{}/fixtures/images", env!("CARGO_MANIFEST_DIR"))
}

/// The blobs of a layout by name.
fn blobs(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir.join("blobs/sha256")).unwrap().map(Result::unwrap);
    let files = files.filter(|file| file.file_type().unwrap().is_file());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn every_fixture_goes_through_registries_and_layouts_unchanged() {
    for name in ["hello:v1", "hello-docker:v1", "note:v1"] {
        let (first, second, program) = (Registry::start(), Registry::start(), transship());
        let from = format!("{}:{name}", fixtures());
        program.run(&["copy", &from, &first.reference(name)]).exits(0);
        program.run(&["copy", &first.reference(name), &format!("oci:between:{name}")]).exits(0);
        program.run(&["copy", &format!("oci:between:{name}"), &second.reference(name)]).exits(0);
        let (one, two) = (blobs(first.dir()), blobs(second.dir()));
        assert!(one.len() > 2, "{name}");
        assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>(), "{name}");
        assert_eq!(one, two, "{name}");
        assert_eq!(one, blobs(&program.home().join("between")), "{name}");
        let kept = blobs(Path::new(&fixtures()["oci:".len()..]));
        assert!(one.iter().all(|(digest, bytes)| kept.get(digest) == Some(bytes)), "{name}");
    }
}

#[test]
fn many_repositories_live_in_one_layout() {
    let (content, root) = Content::fleet(2, 2, 100);
    let (source, program) = (Registry::with(&content, &root, "app:v1"), transship());
    let names = ["-t", "one:v1", "-t", "two/deep:v2", "--repository", "three"];
    program.run(&import(&source.reference("app:v1"), "oci:images", &names)).exits(0);
    let index = fs::read_to_string(program.home().join("images/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let names: Vec<&str> = entries
        .iter()
        .filter_map(|e| e["annotations"]["org.opencontainers.image.ref.name"].as_str())
        .collect();
    assert_eq!(entries.len(), 3, "{index}");
    assert!(names.len() == 2 && names.contains(&"one:v1") && names.contains(&"two/deep:v2"), "{index}");
    assert!(entries.iter().all(|entry| entry["digest"] == root.digest.to_string()));
    let target = Registry::start();
    program.run(&import("oci:images:two/deep:v2", &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    // A name that is there is a tag that exists.
    program.run(&import(&source.reference("app:v1"), "oci:images", &["-t", "one:v1"])).exits(8);
}

#[test]
fn a_layout_entry_that_does_not_exist_is_absent() {
    let target = Registry::start();
    let from = format!("{}:hello:v2", fixtures());
    let run = transship().run(&["copy", &from, &target.reference("hello:v2")]).exits(4);
    assert!(run.stderr.contains("hello:v1"), "it lists what is there: {run}");
    assert!(target.ledger().writes().is_empty());
}

#[test]
fn a_layout_is_read_without_being_written() {
    let target = Registry::start();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images");
    let names = || -> Vec<_> {
        let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    transship().run(&["copy", &format!("{}:hello:v1", fixtures()), &target.reference("hello:v1")]).exits(0);
    assert_eq!(names(), before);
}

/// What stands where something of a layout is due, and must be neither followed nor opened.
fn traps() -> Vec<(&'static str, &'static str)> {
    let below = ["oci-layout", "index.json", "blobs", "blobs/sha256", "blobs/sha256/BLOB"];
    let plain = ["oci-layout", "index.json", "blobs/sha256/BLOB"];
    let linked = below.iter().chain(&[".transship", ".transship/lock"]).map(|path| (*path, "link"));
    let piped = plain.iter().flat_map(|path| [(*path, "pipe"), (*path, "directory")]);
    linked.chain(piped).collect()
}

/// Puts a trap in the place of what is at `path`; a link goes to the same thing elsewhere.
fn set(trap: &str, path: &Path, elsewhere: &Path) {
    let moved = elsewhere.join("moved");
    fs::rename(path, &moved).unwrap();
    match trap {
        "link" => std::os::unix::fs::symlink(&moved, path).unwrap(),
        "pipe" => drop(testkit::run(Command::new("mkfifo").arg(path))),
        _ => fs::create_dir(path).unwrap(),
    }
}

/// Every file below a directory, with its bytes.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(
            |path| if path.is_dir() { tree(&path) } else { [(path.clone(), fs::read(path).unwrap())].into() },
        )
        .collect()
}

#[test]
fn nothing_below_a_layouts_root_is_followed_or_opened_that_is_no_plain_file() {
    let (content, root) = Content::fleet(1, 1, 100);
    let source = Registry::with(&content, &root, "app:v1");
    let blob = content.digests().find(|digest| content.get(digest).unwrap().len() == 100).unwrap();
    for (path, trap) in traps() {
        let (target, program) = (Registry::start(), transship());
        program.run(&["copy", &source.reference("app:v1"), "oci:images:app:v1"]).exits(0);
        let images = program.home().join("images");
        let elsewhere = program.home().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        set(trap, &images.join(path.replace("BLOB", blob.hex())), &elsewhere);
        let before = tree(&elsewhere);
        let ours = path.starts_with(".transship");
        let read = program.run(&["copy", "oci:images:app:v1", &target.reference("app:v1")]);
        // What is ours in a layout is no reader's business.
        assert_eq!(read.code, if ours { 0 } else { 9 }, "{path}, a {trap}: {read}");
        let written = program.run(&["copy", &source.reference("app:v1"), "oci:images:app:v2"]);
        assert_eq!(written.code, 9, "{path}, a {trap}: {written}");
        for run in [&read, &written].into_iter().filter(|run| run.code == 9) {
            assert!(run.stderr.contains("hint: take it away"), "{path}, a {trap}: {run}");
        }
        assert_eq!(tree(&elsewhere), before, "{path}, a {trap}");
        // Other blobs may have arrived before the trap was met, but nothing that it stood for, and no tag.
        let index = fs::read_to_string(target.dir().join("index.json")).unwrap();
        assert!(ours || !target.blob(blob).exists(), "{path}, a {trap}");
        assert!(ours || !index.contains("sha256:"), "{path}, a {trap}: {index}");
    }
}

/// What a directory holds that another program serves, in the place of a layout's index.
const FOREIGN: [&str; 6] =
    [r#"{"name":"x"}"#, "no JSON", "[]", r#"{"manifests":[]}"#, r#"{"schemaVersion":2,"manifests":{}}"#, ""];

#[test]
fn an_index_that_is_another_programs_is_refused_before_anything_is_written_or_asked_for() {
    let (content, root) = Content::fleet(1, 1, 100);
    let (source, program) = (Registry::with(&content, &root, "app:v1"), transship());
    let (from, home) = (source.reference("app:v1"), program.home());
    let config = |to: &str| format!("version: 1\nto: \"{to}\"\nimages:\n  - from: {from}\n");
    fs::write(home.join("bundle.yaml"), config("inside.example/{repository}:{tag}")).unwrap();
    program.run(&["bundle", "create", "bundle.yaml", "--file", "bundle.tar"]).exits(0);
    fs::write(home.join("mirror.yaml"), config("oci:web:{repository}:{tag}")).unwrap();
    for foreign in FOREIGN {
        let web = home.join("web");
        fs::create_dir_all(&web).unwrap();
        fs::write(web.join("index.json"), foreign).unwrap();
        source.ledger().clear();
        for words in [
            &["copy", &from, "oci:web"][..],
            &import(&from, "oci:web", &["-t", "app:v1"]),
            &["mirror", "mirror.yaml"],
            &["bundle", "apply", "bundle.tar", "oci:web"],
            &["serve", "--writable", "--listen", "127.0.0.1:0", "oci:web"],
        ] {
            let run = program.run(words).exits(9);
            assert!(run.stderr.contains("index.json is another program's"), "{foreign}: {run}");
            assert!(run.stderr.contains("oci:web/images"), "{foreign}: {run}");
            let left: Vec<_> = fs::read_dir(&web).unwrap().map(|file| file.unwrap().file_name()).collect();
            assert_eq!(left, ["index.json"], "{foreign}: {words:?}");
            assert!(source.ledger().all().is_empty(), "{foreign}: {words:?}");
            assert_eq!(fs::read_to_string(web.join("index.json")).unwrap(), foreign, "{words:?}");
        }
    }
    fs::create_dir_all(home.join("odd/index.json")).unwrap();
    program.run(&["copy", &from, "oci:odd"]).exits(9).says("cannot read index.json");
    assert_eq!(fs::read_dir(home.join("odd")).unwrap().count(), 1);
    // Only it is in the way: what one finds on a mounted disk is not, nor what a writer left that died.
    fs::create_dir_all(home.join("disk/lost+found")).unwrap();
    fs::write(home.join("disk/notes.txt"), "x").unwrap();
    program.run(&["copy", &from, "oci:disk"]).exits(0);
    fs::remove_file(home.join("disk/oci-layout")).unwrap();
    program.run(&["copy", &from, "oci:disk:app:v2"]).exits(0);
    program.run(&["verify", "oci:disk:app:v1"]).exits(0);
}

#[test]
fn what_is_no_layout_is_named_for_what_it_is() {
    let (content, root) = Content::fleet(1, 1, 100);
    let (source, program) = (Registry::with(&content, &root, "app:v1"), transship());
    let from = source.reference("app:v1");
    fs::write(program.home().join("a.tar"), "some lines of text").unwrap();
    let file = program.run(&["copy", &from, "oci:a.tar"]).exits(9).says("it is a file, and no directory");
    file.says("oci-archive:a.tar");
    let text = program.run(&["copy", &from, "oci-archive:a.tar"]).exits(5).says("it is no tar file");
    assert!(!text.stderr.contains("and no end"), "{text}");
    program.run(&["serve", "nope.tar"]).exits(4).says("there is no such file or directory");
    program.run(&["copy", "oci-layout://d:x", &from]).exits(2).says("oci:DIR");
}
