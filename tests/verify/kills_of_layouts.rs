//! Mirrors into a directory that are killed: nothing in it is torn, and the next run completes it.
//!
//! An instant is a number of requests to the source, and some milliseconds; `KILL_SEED` brings another run back.
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use content::Hasher;
use fastrand::Rng;
use reference::Algorithm;
use serde_json::Value;
use testkit::{End, Fake, Mishap, Program, images::REF_NAME, until};

use crate::{kills::Images, program};

const KILLS: usize = 20;

struct Scene {
    images: Images,
    source: Fake,
    program: Program,
    dir: PathBuf,
    config: String,
}

impl Scene {
    fn new() -> Self {
        let images = Images::new();
        let source = images.at(Fake::setup()).on_a_thread();
        let program = program();
        let (dir, config) = (program.home().join("images"), program.home().join("mirror.yaml"));
        let text = format!(
            "version: 1\nto: \"oci:{}\"\nimages:\n  - from: {}\n    tags: ['*']\n  - from: {}\n    tags: ['*']\n    immutable: true\n",
            dir.display(),
            source.reference("app"),
            source.reference("team/tool"),
        );
        fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap().to_owned();
        Self { images, source, program, dir, config }
    }

    /// A run that is killed some time after this request has come to the source. Whether it was still alive.
    fn killed(&self, after: usize, random: &mut Rng) -> bool {
        self.source.ledger().clear();
        let stalled = Mishap::any("/v2/").nth(after).times(usize::MAX);
        let stalled = match random.u8(0..3) {
            0 => stalled.cut_head(0, End::Stall),
            1 => stalled.cut(random.u64(0..20_000), End::Stall),
            // Nobody is in the way of it.
            _ => stalled.delay(Duration::ZERO),
        };
        self.source.mishap(stalled);
        let running = self.program.start(&["mirror", "-q", &self.config]);
        until("the instant", || running.is_over() || self.source.ledger().count(|_| true) >= after);
        std::thread::sleep(Duration::from_millis(random.u64(0..20)));
        let run = running.kill();
        self.source.behave();
        assert!(run.code == -1 || run.code == 0, "{run}");
        run.code == -1
    }

    /// The digests of all names.
    fn names(&self) -> BTreeMap<String, String> {
        let Ok(text) = fs::read_to_string(self.dir.join("index.json")) else { return BTreeMap::new() };
        let index: Value = serde_json::from_str(&text).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let entries = index["manifests"].as_array().unwrap().iter();
        entries.map(|entry| (text(&entry["annotations"][REF_NAME]), text(&entry["digest"]))).collect()
    }

    fn nothing_is_torn(&self) {
        for file in fs::read_dir(self.dir.join("blobs/sha256")).into_iter().flatten().map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            let digest = Hasher::digest(Algorithm::Sha256, &fs::read(file.path()).unwrap());
            // Whatever else is there is no blob for anybody.
            assert!(name.len() != 64 || name == digest.hex(), "{name}");
        }
        for (name, digest) in self.names() {
            assert_eq!(digest, self.images.named[&name].digest.to_string(), "{name}");
            let location = format!("oci:{}:{name}", self.dir.display());
            self.program.run(&["verify", "--deep", "-q", &location]).exits(0);
        }
    }

    fn is_complete(&self) -> bool {
        self.names().len() == self.images.named.len()
    }

    fn completes(&self) {
        self.program.run(&["mirror", "-q", &self.config]).exits(0);
        assert!(self.is_complete(), "{:?}", self.names());
        self.nothing_is_torn();
    }
}

#[test]
fn twenty_kills_of_a_mirror_into_a_directory_leave_nothing_torn_and_the_next_run_completes_it() {
    let seed = std::env::var("KILL_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("KILL_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut scene = Scene::new();
    scene.completes();
    let whole = scene.source.ledger().count(|_| true);
    let mut killed = 0;
    scene = Scene::new();
    while killed < KILLS {
        let after = random.usize(1..=whole);
        killed += usize::from(scene.killed(after, &mut random));
        scene.nothing_is_torn();
        if scene.is_complete() || random.u8(0..4) == 0 {
            scene.completes();
            scene = Scene::new();
        }
    }
    scene.completes();
}
