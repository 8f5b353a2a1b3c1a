//! Ten processes that copy into one layout at once, and a reader that never stops looking.
use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    Content, Program, Registry,
    images::{REF_NAME, blob_path},
};

use super::{
    scene::{names, roomy},
    steps::counted,
};
use crate::transship;

/// A registry with nine images that share a layer, and their names; two processes copy the last one.
fn fleet() -> (Registry, Vec<(String, Content)>) {
    let mut setup = Registry::setup();
    let mut images = Vec::new();
    for number in 0..9 {
        let mut content = Content::new();
        let layers = [content.layer(1, 300_000), content.layer(100 + number, 30_000)];
        let root = content.image(number, &layers);
        let name = format!("app:v{number}");
        setup = setup.seed(&content, &root, &name);
        images.push((name, content));
    }
    (setup.start(), images)
}

/// Looks at `index.json` until told to stop; how often it saw one.
struct Reader<'a> {
    dir: &'a Path,
    images: &'a [(String, Content)],
    /// Whether an entry that was seen must be seen ever after.
    locked: bool,
}

impl Reader<'_> {
    fn watch(&self, stop: &AtomicBool) -> usize {
        let (mut seen, mut looks) = (BTreeSet::new(), 0);
        while !stop.load(Ordering::Relaxed) {
            let Ok(bytes) = fs::read(self.dir.join("index.json")) else { continue };
            let now = entries(&bytes);
            assert!(!self.locked || seen.is_subset(&now), "{seen:?} became {now:?}");
            for name in now.difference(&seen) {
                self.is_whole(name);
            }
            seen = now;
            looks += 1;
        }
        looks
    }

    /// An entry is not there before all that it stands for.
    fn is_whole(&self, name: &str) {
        let (_, content) = self.images.iter().find(|(known, _)| known == name).unwrap();
        for digest in content.digests() {
            let bytes = fs::read(blob_path(self.dir, digest)).unwrap();
            assert_eq!(&bytes[..], &content.get(digest).unwrap()[..], "{name}: {digest}");
        }
    }
}

/// The names in an index, which must be whole.
fn entries(index: &[u8]) -> BTreeSet<String> {
    let index: Value = serde_json::from_slice(index).unwrap();
    let name_of = |entry: &Value| entry["annotations"][REF_NAME].as_str().unwrap().to_owned();
    let list = index["manifests"].as_array().unwrap();
    let names: BTreeSet<String> = list.iter().map(name_of).collect();
    assert_eq!(names.len(), list.len(), "{index}");
    names
}

/// Copies all images into `dir` at once while a reader looks.
fn copy_at_once(
    registry: &Registry,
    images: &[(String, Content)],
    dir: &Path,
    program: fn(&Path) -> Program,
) {
    let twice = images.iter().chain(images.last());
    thread::scope(|scope| {
        let copies = twice.map(|(name, _)| {
            let (from, to) = (registry.reference(name), format!("oci:{}:{name}", dir.display()));
            scope.spawn(move || program(dir).run(&["copy", &from, &to]).exits(0))
        });
        for copy in copies.collect::<Vec<_>>() {
            copy.join().unwrap();
        }
    });
}

/// What is left once all images have been copied at once, in the directory `images`.
fn watched(program: fn(&Path) -> Program, locked: bool) -> (Registry, Vec<(String, Content)>, TempDir) {
    let (registry, images) = fleet();
    let home = roomy();
    let dir = home.path().join("images");
    let (stop, view) = (AtomicBool::new(false), Reader { dir: &dir, images: &images, locked });
    thread::scope(|scope| {
        let watching = scope.spawn(|| view.watch(&stop));
        // The reader stops whatever becomes of the copies.
        let copy = || copy_at_once(&registry, &images, &dir, program);
        let copied = catch_unwind(AssertUnwindSafe(copy));
        stop.store(true, Ordering::Relaxed);
        assert!(watching.join().unwrap() > 0, "it never saw an index");
        copied.unwrap();
    });
    (registry, images, home)
}

#[test]
fn ten_processes_that_write_one_layout_lose_nothing_and_it_is_whole_whenever_it_is_read() {
    for _ in 0..3 {
        let (_registry, images, home) = watched(|_| transship(), true);
        let dir = home.path().join("images");
        let all: BTreeSet<String> = images.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(entries(&fs::read(dir.join("index.json")).unwrap()), all);
        assert_eq!(names(&dir.join(".transship")), ["lock"]);
    }
}

/// As `flock` answers on a file system that has none.
const ENOLCK: &str = "37";

fn without_locks(dir: &Path) -> Program {
    let mut program = counted(dir);
    program.set("STEPS_ONLY", "flock").set("STEPS_AT", "1").set("STEPS_DO", ENOLCK).set("STEPS_ON", "all");
    program
}

#[test]
fn without_locks_an_entry_may_be_lost_but_whatever_is_read_is_whole() {
    let (registry, images, home) = watched(without_locks, false);
    let dir = home.path().join("images");
    for (name, _) in &images {
        let to = format!("oci:{}:{name}", dir.display());
        without_locks(&dir).run(&["copy", &registry.reference(name), &to]).exits(0);
    }
    assert_eq!(entries(&fs::read(dir.join("index.json")).unwrap()).len(), images.len());
    assert_eq!(names(&dir.join(".transship")), ["lock"]);
}
