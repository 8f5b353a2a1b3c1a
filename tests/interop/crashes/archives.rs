//! An archive when the copy to it is killed: what it held is there, what it was to hold is there whole or not at all.
use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use content::{Descriptor, Hasher};
use layout::Layout;
use reference::Algorithm;
use tempfile::TempDir;
use testkit::{Content, Entry};

use super::{
    Steps, Wrong,
    scene::{NAME, image, names, roomy},
};
use crate::{kills::Chance, transship};

/// How many runs are to die at a random instant; how many are begun for that at most, for some end before theirs.
const INSTANTS: usize = 60;
const MOST_ROUNDS: usize = 10 * INSTANTS;
/// The name that an archive had before.
const OLD: &str = "old:v1";

/// A source, and an archive as it is before and after.
struct Scene {
    home: TempDir,
    from: String,
    new: Content,
    old: Option<(Content, Vec<u8>)>,
}

impl Scene {
    fn new(is_there: bool) -> Self {
        let (home, (new, root)) = (roomy(), image());
        let old = is_there.then(|| old(&home));
        new.write_layout(&home.path().join("source"), &[Entry::named(&root, NAME)]).unwrap();
        let from = format!("oci:{}:{NAME}", home.path().join("source").display());
        let scene = Self { home, from, new, old };
        scene.reset();
        scene
    }

    fn dir(&self) -> PathBuf {
        self.home.path().join("target")
    }

    fn file(&self) -> PathBuf {
        self.dir().join("images.tar")
    }

    fn to(&self) -> String {
        format!("oci-archive:{}:{NAME}", self.file().display())
    }

    fn reset(&self) {
        if self.dir().exists() {
            fs::remove_dir_all(self.dir()).unwrap();
        }
        fs::create_dir(self.dir()).unwrap();
        if let Some((_, bytes)) = &self.old {
            fs::write(self.file(), bytes).unwrap();
        }
    }

    /// What holds at every moment; whether the new image is there.
    fn holds(&self, when: &str) -> bool {
        if !self.file().exists() {
            assert!(self.old.is_none(), "{when}: the archive is gone");
            return false;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let layout = Layout::open(&self.file()).unwrap_or_else(|fault| panic!("{when}: {fault}"));
        let entries = runtime.block_on(layout.entries()).unwrap();
        let has = |name: &str| entries.iter().any(|entry| entry.name() == Some(name));
        let is_whole = |content: &Content| {
            content.digests().all(|digest| {
                let read = runtime.block_on(layout.store().read(digest, u64::MAX));
                read.is_ok_and(|bytes| Hasher::digest(Algorithm::Sha256, &bytes) == *digest)
            })
        };
        assert!(self.old.iter().all(|(old, _)| has(OLD) && is_whole(old)), "{when}: what was there is not");
        assert!(!has(NAME) || is_whole(&self.new), "{when}: the name came before what it stands for");
        has(NAME)
    }

    /// What holds after a run that ended well.
    fn is_done(&self, when: &str) {
        assert!(self.holds(when), "{when}");
        assert_eq!(names(&self.dir()), ["images.tar"], "{when}");
    }
}

/// An archive that holds another image.
fn old(home: &TempDir) -> (Content, Vec<u8>) {
    let mut content = Content::new();
    let layer = content.layer(7, 50_000);
    let root: Descriptor = content.image(8, &[layer]);
    content.write_layout(&home.path().join("old"), &[Entry::named(&root, OLD)]).unwrap();
    let (from, file) = (home.path().join("old"), home.path().join("old.tar"));
    let to = format!("oci-archive:{}", file.display());
    transship().run(&["copy", &format!("oci:{}:{OLD}", from.display()), &to]).exits(0);
    (content, fs::read(file).unwrap())
}

#[test]
fn killed_at_any_step_an_archive_is_what_it_was_and_the_next_run_completes_it() {
    for (is_there, wrong) in [(false, Wrong::Kill), (true, Wrong::Kill), (true, Wrong::Tear)] {
        let scene = Scene::new(is_there);
        for at in 1.. {
            scene.reset();
            let killed = Steps::copy(&scene.from, &scene.to(), &scene.dir(), at, wrong);
            let when = format!("{wrong:?} at step {at}, {}", killed.step(at));
            if killed.run.code == 0 {
                assert!(killed.taken.len() < at && at > 10, "{when}: it lived on");
                println!("killed before each of {} steps", at - 1);
                break;
            }
            assert_eq!(killed.run.code, -1, "{when}: {}", killed.run);
            scene.holds(&when);
            transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
            scene.is_done(&when);
        }
    }
}

#[test]
fn killed_at_random_instants_an_archive_is_what_it_was_and_the_next_run_completes_it() {
    let mut chance = Chance::new();
    let scenes = [Scene::new(false), Scene::new(true)].map(|scene| {
        let begun = Instant::now();
        transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
        (begun.elapsed(), scene)
    });
    let mut died = 0;
    for (round, (took, scene)) in (0..MOST_ROUNDS).zip(scenes.iter().cycle()) {
        scene.reset();
        let whole = u64::try_from(took.as_micros()).unwrap();
        let instant = Duration::from_micros(chance.part_of(whole));
        let program = transship();
        let running = program.start(&["copy", &scene.from, &scene.to()]);
        thread::sleep(instant);
        died += usize::from(running.kill().code != 0);
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
