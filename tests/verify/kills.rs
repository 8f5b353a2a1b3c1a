//! Mirrors that are killed: `kill -9` at random instants leaves nothing torn, and the next run completes it.
//!
//! An instant is a number of requests: from that one on nobody answers, and the run is killed where it stands. What was
//! asked for last may have been done, or not: that is left to chance too. `KILL_SEED` brings another run back.
use std::{collections::BTreeMap, path::Path, time::Duration};

use content::Descriptor;
use fastrand::Rng;
use mirror::receipt::{Line, Outcome};
use testkit::{Content, End, Fake, FakeSetup, Mishap, Program, until};

use crate::program;

/// How often each mirror is killed.
const KILLS: usize = 20;

/// Six images in two repositories that share bases, one of them of two platforms.
pub(crate) struct Images {
    content: Content,
    /// By repository and tag.
    pub(crate) named: BTreeMap<String, Descriptor>,
}

impl Images {
    pub(crate) fn new() -> Self {
        let mut content = Content::new();
        let bases = [content.layer(1, 60_000), content.layer(2, 90_000)];
        let mut named = BTreeMap::new();
        for number in 0..6_u64 {
            let own = content.layer(100 + number, 20_000);
            let base = bases[usize::try_from(number % 2).unwrap()].clone();
            let image = content.image(number, &[base, own]);
            let other = content.layer(200 + number, 10_000);
            let second = content.image(10 + number, &[other]);
            let root = if number == 3 { content.index(&[image, second]) } else { image };
            let repository = if number < 3 { "app" } else { "team/tool" };
            named.insert(format!("{repository}:v{number}"), root);
        }
        Self { content, named }
    }

    pub(crate) fn at(&self, setup: FakeSetup) -> FakeSetup {
        self.named.iter().fold(setup, |fake, (name, root)| fake.seed(&self.content, root, name))
    }

    /// The pieces that one image is made of.
    fn pieces(&self, root: &Descriptor) -> Content {
        let mut pieces = self.content.clone();
        let mut wanted = vec![root.digest.to_string()];
        let mut seen = Vec::new();
        while let Some(digest) = wanted.pop() {
            let bytes = self.content.get(&digest.parse().unwrap()).unwrap();
            let text = String::from_utf8_lossy(bytes).into_owned();
            let named = self.content.digests().map(ToString::to_string).filter(|other| text.contains(other));
            wanted.extend(named.filter(|other| !seen.contains(other)));
            seen.push(digest);
        }
        for digest in self.content.digests().filter(|digest| !seen.contains(&digest.to_string())) {
            pieces.forget(digest);
        }
        pieces
    }
}

/// What is mirrored, from where, and the program that does it.
struct Scene {
    images: Images,
    /// It answers as long as it is there.
    _source: Fake,
    target: Fake,
    program: Program,
    config: String,
    receipt: String,
    random: Rng,
}

impl Scene {
    fn new() -> Self {
        let images = Images::new();
        let source = images.at(Fake::setup()).on_a_thread();
        // A registry that takes whatever it gets: that nothing is torn is our doing alone.
        let target = Fake::setup().careless().on_a_thread();
        let program = program();
        let path = |name: &str| program.home().join(name).to_str().unwrap().to_owned();
        let (config, receipt) = (path("mirror.yaml"), path("receipt.jsonl"));
        // What never moves is noted in a state file, which a killed run must not leave saying too much.
        let text = format!(
            "version: 1\nto: {}\nimages:\n  - from: {}\n    tags: ['*']\n  - from: {}\n    tags: ['*']\n    immutable: true\n",
            target.reference("mirror"),
            source.reference("app"),
            source.reference("team/tool"),
        );
        std::fs::write(&config, text).unwrap();
        let seed = std::env::var("KILL_SEED").map_or(7, |seed| seed.parse().unwrap());
        println!("KILL_SEED={seed}");
        Self { images, _source: source, target, program, config, receipt, random: Rng::with_seed(seed) }
    }

    fn words(&self) -> [&str; 5] {
        ["mirror", "-q", &self.config, "--receipt", &self.receipt]
    }

    /// A run that is killed when this many requests have come to the target. Whether it was still alive.
    fn killed(&mut self, after: usize) -> bool {
        self.target.ledger().clear();
        let stalled = Mishap::any("/v2/").nth(after).times(usize::MAX);
        // The last requests were acted on, and only their answers are lost; or they were not.
        let stalled = if self.random.bool() {
            stalled.cut_head(0, End::Stall)
        } else {
            stalled.cut_request(self.random.u64(0..200_000), End::Stall)
        };
        self.target.mishap(stalled);
        let running = self.program.start(&self.words());
        until("the run is stuck, or over", || {
            running.is_over() || self.target.ledger().count(|_| true) >= after
        });
        // What else was under way comes as far as it can.
        std::thread::sleep(Duration::from_millis(self.random.u64(0..20)));
        let run = running.kill();
        self.target.behave();
        assert!(run.code == -1 || run.code == 0, "{run}");
        run.code == -1
    }

    /// No tag leads to something that is not there, nothing is wrong, and the receipt says nothing that is not so.
    fn nothing_is_torn(&self) {
        assert!(self.target.wrong().is_empty() && self.target.torn().is_empty(), "{}", self.target.ledger());
        for (name, root) in &self.images.named {
            let (repository, tag) = name.rsplit_once(':').unwrap();
            let repository = format!("mirror/{repository}");
            if let Some(found) = self.target.tag(&repository, tag) {
                assert_eq!(found, root.digest, "{name}");
                assert_eq!(self.target.lacks(&repository, &self.images.pieces(root)), [], "{name}");
            }
        }
        for line in self.lines() {
            if let Line::Image(image) = line {
                assert_ne!(image.result, Outcome::Failed, "{image:?}");
                let name = image.destination.strip_prefix(&self.target.reference("mirror/")).unwrap();
                let (repository, tag) = name.rsplit_once(':').unwrap();
                let found = self.target.tag(&format!("mirror/{repository}"), tag);
                assert_eq!(found.map(|digest| digest.to_string()), image.digest, "{name}");
            }
        }
    }

    /// What the receipt says, up to its last whole line.
    fn lines(&self) -> Vec<Line> {
        let text = read(Path::new(&self.receipt));
        Line::read(&text).unwrap_or_else(|why| panic!("{why:?}:\n{text}"))
    }

    fn is_complete(&self) -> bool {
        self.images.named.iter().all(|(name, root)| {
            let (repository, tag) = name.rsplit_once(':').unwrap();
            self.target.tag(&format!("mirror/{repository}"), tag).as_ref() == Some(&root.digest)
        })
    }
}

/// A receipt that a run was killed before it began is empty.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn twenty_kills_of_a_mirror_leave_nothing_torn_and_the_next_run_completes_it() {
    // How many requests a run makes that nobody disturbs.
    let whole = {
        let scene = Scene::new();
        scene.program.run(&scene.words()).exits(0);
        assert!(scene.is_complete(), "{}", scene.target.ledger());
        scene.nothing_is_torn();
        scene.target.ledger().count(|_| true)
    };
    let (mut scene, mut killed, mut mirrors) = (Scene::new(), 0, 1);
    while killed < KILLS {
        let after = scene.random.usize(1..=whole);
        killed += usize::from(scene.killed(after));
        scene.nothing_is_torn();
        if scene.is_complete() || scene.random.u8(0..4) == 0 {
            scene.program.run(&scene.words()).exits(0);
            assert!(scene.is_complete(), "{}", scene.target.ledger());
            scene.nothing_is_torn();
            assert!(matches!(scene.lines().last(), Some(Line::End(end)) if end.failed == 0));
            let random = scene.random.clone();
            scene = Scene { random, ..Scene::new() };
            mirrors += 1;
        }
    }
    scene.program.run(&scene.words()).exits(0);
    assert!(scene.is_complete(), "{}", scene.target.ledger());
    scene.nothing_is_torn();
    let words = ["verify", "--deep", "--receipt", &scene.receipt];
    scene.program.run(&words).exits(0);
    println!("{KILLS} kills over {mirrors} mirrors of {whole} requests each");
}
