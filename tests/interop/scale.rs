//! Several processes for one mirror, with a real queue between real registries: shares, workers that are killed, and
//! planners.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    num::NonZeroU64,
    thread,
    time::{Duration, Instant},
};

use link::{Conditions, Link};
use mirror::receipt::{End, Image, Line, Outcome};
use reference::Digest;
use testkit::{CANARY, Content, Entry, Program, Run, Running, until};
use tokio::runtime::Runtime;

use crate::{
    http::ask,
    nats::{Nats, nats},
    registries::{Registry, distribution},
    transship, transship_quiet,
};

const REPOSITORIES: u64 = 12;
const TAGS: u64 = 5;
const IMAGES: usize = 60;
/// How many images each worker has under way.
const AT_ONCE: usize = 2;

/// A registry with sixty images in twelve repositories, one that is empty, and who mirrors from one to the other.
struct Scene {
    source: Registry,
    target: Registry,
    program: Program,
    /// The digest of the layer that all images share.
    base: Digest,
}

impl Scene {
    fn set(program: Program, size: usize) -> Self {
        let (source, target) = (distribution().start(), distribution().removable().start());
        let mut content = Content::new();
        let base = content.layer(1, 100_000);
        let scene = Self { source, target, program, base: base.digest.clone() };
        let mut entries = Vec::new();
        for repository in 0..REPOSITORIES {
            for tag in 0..TAGS {
                let seed = 100 + repository * 10 + tag;
                let own = content.layer(seed, size);
                let root = content.image(seed, &[base.clone(), own]);
                entries.push(Entry::named(&root, &format!("team/r{repository}:v{tag}")));
            }
        }
        content.write_layout(&scene.program.home().join("images"), &entries).unwrap();
        let fill = format!("version: 1\nto: {}\nimages: [{{from: \"oci:images\"}}]\n", scene.source.host());
        scene.write("fill.yaml", &fill);
        scene.program.run(&["mirror", "-q", "fill.yaml"]).exits(0);
        scene.config(&scene.source.host());
        scene
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.program.home().join(name), text).unwrap();
    }

    /// A configuration that names every tag of the source, which is reached at `host`.
    fn config(&self, host: &str) {
        self.config_with(host, "");
    }

    /// The same, with `more` for each repository.
    fn config_with(&self, host: &str, more: &str) {
        let mut text =
            format!("version: 1\nto: {}/mirror/{{repository}}:{{tag}}\nimages:\n", self.target.host());
        for repository in 0..REPOSITORIES {
            writeln!(text, "  - {{from: {host}/team/r{repository}, tags: [\"v*\"]{more}}}").unwrap();
        }
        self.write("mirror.yaml", &text);
    }

    fn receipt(&self, name: &str) -> (Vec<Image>, End) {
        let text = fs::read_to_string(self.program.home().join(name)).unwrap();
        let (mut images, mut ends) = (Vec::new(), Vec::new());
        for line in Line::read(&text).unwrap() {
            match line {
                Line::Image(image) => images.push(*image),
                Line::End(end) => ends.push(end),
                Line::Run(_) => {}
            }
        }
        assert_eq!(ends.len(), 1, "{text}");
        (images, ends.remove(0))
    }

    /// Every image is at the target, with the digest that it has at the source.
    fn is_whole(&self) {
        for repository in 0..REPOSITORIES {
            for tag in 0..TAGS {
                let path = |prefix: &str| format!("/v2/{prefix}team/r{repository}/manifests/v{tag}");
                let (from, to) = (
                    ask("GET", &self.source.host(), &path(""), ""),
                    ask("GET", &self.target.host(), &path("mirror/"), ""),
                );
                assert_eq!((from.status, to.status), (200, 200), "r{repository}:v{tag}");
                assert_eq!(from.digest, to.digest);
            }
        }
    }

    /// How often a blob was sent to the target, and not mounted.
    fn sent(&self, blob: &Digest) -> usize {
        let ends = format!("digest={}", blob.to_string().replace(':', "%3A"));
        let taken = |line: &&String| line.contains(" 201 ") && line.contains(&ends);
        self.target.requests(&["PUT"]).iter().filter(taken).count()
    }

    /// What each tag of the target has ever stood for, as distribution notes it: one digest, however often it was
    /// written.
    fn never_moved(&self) {
        let repositories = self.target.storage().join("docker/registry/v2/repositories/mirror/team");
        for repository in 0..REPOSITORIES {
            for tag in 0..TAGS {
                let stood_for =
                    repositories.join(format!("r{repository}/_manifests/tags/v{tag}/index/sha256"));
                assert_eq!(fs::read_dir(stood_for).unwrap().count(), 1, "r{repository}:v{tag}");
            }
        }
    }

    /// How often each manifest was written at the target.
    fn manifests(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for line in self.target.requests(&["PUT"]).iter().filter(|line| line.contains(" 201 ")) {
            if let Some((_, rest)) =
                line.split_once("/v2/mirror/").filter(|(_, rest)| rest.contains("/manifests/"))
            {
                *times.entry(rest.split(' ').next().unwrap().to_owned()).or_default() += 1;
            }
        }
        times
    }
}

/// The line of each image once, and an end that is their sum.
fn adds_up(images: &[Image], end: &End) {
    let destinations: BTreeSet<_> = images.iter().map(|image| &image.destination).collect();
    assert_eq!((images.len(), destinations.len()), (IMAGES, IMAGES));
    assert_eq!(end.images, IMAGES as u64);
    assert_eq!(end.copied + end.unchanged + end.failed, end.images);
    let ended = |how| images.iter().filter(|image| image.result == how).count() as u64;
    assert_eq!((ended(Outcome::Copied), ended(Outcome::Unchanged)), (end.copied, end.unchanged));
    assert_eq!(end.failed, 0, "{:?}", images.iter().find(|image| image.error.is_some()));
    assert_eq!(images.iter().map(|image| image.bytes).sum::<u64>(), end.bytes);
    assert!(
        images.iter().all(|image| image.digest.is_some() && !image.source.contains('@')),
        "{:?}",
        images[0]
    );
}

fn worker(scene: &Scene, queue: &Nats) -> Running {
    let at_once = AT_ONCE.to_string();
    let work = ["mirror", "mirror.yaml", "--role", "work", "--queue", &queue.url()];
    scene.program.start(&[&work[..], &["--images-at-once", &at_once]].concat())
}

#[test]
fn four_workers_of_which_one_is_killed_every_two_seconds_lose_nothing() {
    let (scene, queue) = (Scene::set(transship_quiet(), 3_000_000), nats());
    // Slow enough that workers are killed in the middle of images.
    let runtime = Runtime::new().unwrap();
    let slow = Conditions { rtt: Duration::from_millis(10), rate: NonZeroU64::new(1_500_000) };
    let upstream = scene.source.host().parse().unwrap();
    let link = runtime.block_on(Link::start(upstream, slow)).unwrap();
    scene.config(&link.address().to_string());
    let plan =
        ["mirror", "mirror.yaml", "--queue", &queue.url(), "--role", "plan", "--receipt", "receipt.jsonl"];
    let planner =
        scene.program.start(&[&plan[..], &["--redeliver-after", "6s", "--deliveries", "50"]].concat());
    let mut workers: Vec<Running> = (0..4).map(|_| worker(&scene, &queue)).collect();
    let (started, mut killed) = (Instant::now(), 0);
    while !planner.is_over() {
        thread::sleep(Duration::from_secs(2));
        if planner.is_over() {
            break;
        }
        let victim = std::mem::replace(&mut workers[killed % 4], worker(&scene, &queue));
        killed += usize::from(victim.kill().code == -1);
    }
    let run = planner.wait().exits(0);
    println!("{killed} workers were killed in {} s", started.elapsed().as_secs());
    assert!(killed >= 5, "{killed} were killed: {run}");
    let (images, end) = scene.receipt("receipt.jsonl");
    adds_up(&images, &end);
    scene.is_whole();
    // Who was killed between the request that writes a manifest and its answer may have written it; whoever came next
    // wrote the same once more, or found it there.
    let written = scene.manifests();
    assert_eq!(written.len(), IMAGES);
    let again: usize = written.values().map(|times| times - 1).sum();
    println!("{again} manifests were written again");
    assert!(again <= killed * AT_ONCE, "{killed} were killed, and wrote {again} again");
    scene.never_moved();
    // What all images share is sent by each worker once at most, and mounted by it from then on.
    let sent = scene.sent(&scene.base);
    assert!((1..=4 + killed).contains(&sent), "{killed} were killed, and the base was sent {sent} times");
    for worker in workers {
        worker.wait().exits(0);
    }
}

#[test]
fn one_process_alone_plans_and_works_and_a_second_run_writes_nothing() {
    let (scene, queue) = (Scene::set(transship(), 1000), nats());
    let mirror = |receipt: &str| {
        let arguments = ["mirror", "mirror.yaml", "--queue", &queue.url(), "--receipt", receipt];
        scene.program.run(&arguments).exits(0)
    };
    let run = mirror("first.jsonl");
    assert!(run.stdout.contains("mirrored 60 images: 60 copied"), "{run}");
    let (images, end) = scene.receipt("first.jsonl");
    adds_up(&images, &end);
    scene.is_whole();
    assert!(scene.manifests().values().all(|times| *times == 1));
    let writes = scene.target.writes().len();
    let run = mirror("second.jsonl");
    assert!(run.stdout.contains(" 60 unchanged"), "{run}");
    let (images, end) = scene.receipt("second.jsonl");
    adds_up(&images, &end);
    assert_eq!(scene.target.writes().len(), writes);
}

#[test]
fn immutable_tags_that_have_arrived_cost_one_request_for_each_repository_and_are_no_work() {
    let (scene, queue) = (Scene::set(transship(), 1000), nats());
    scene.config_with(&scene.source.host(), ", immutable: true");
    let mirror = |receipt: &str| {
        let arguments = ["mirror", "mirror.yaml", "--queue", &queue.url(), "--receipt", receipt];
        scene.program.run(&arguments).exits(0);
        let (images, end) = scene.receipt(receipt);
        adds_up(&images, &end);
        end
    };
    assert_eq!(mirror("first.jsonl").copied, IMAGES as u64);
    let manifests = |registry: &Registry| {
        registry.requests(&["HEAD", "GET"]).iter().filter(|line| line.contains("/manifests/")).count()
    };
    let before = (manifests(&scene.source), manifests(&scene.target));
    assert_eq!(mirror("second.jsonl").unchanged, IMAGES as u64);
    let asked = (manifests(&scene.source) - before.0, manifests(&scene.target) - before.1);
    assert_eq!(asked, (0, usize::try_from(REPOSITORIES).unwrap()));
    // What was noted is a hint: a repository that was wiped meanwhile is filled again.
    for tag in 0..TAGS {
        let path = |version: &str| format!("/v2/mirror/team/r3/manifests/{version}");
        let there = ask("GET", &scene.target.host(), &path(&format!("v{tag}")), "");
        assert_eq!(ask("DELETE", &scene.target.host(), &path(&there.digest.to_string()), "").status, 202);
    }
    let end = mirror("third.jsonl");
    assert_eq!((end.copied, end.unchanged), (TAGS, IMAGES as u64 - TAGS));
    scene.is_whole();
}

#[test]
fn a_signature_beside_an_image_of_a_layout_goes_along_through_a_queue() {
    let (target, queue, program) = (distribution().start(), nats(), transship());
    let mut content = Content::new();
    let layers = [1, 2].map(|seed| content.layer(seed, 300));
    let [image, signature] = [0, 1].map(|one| content.image(one, &layers[usize::try_from(one).unwrap()..]));
    let tag = image.digest.to_string().replace(':', "-") + ".sig";
    let entries = [("v1".to_owned(), &image), (tag.clone(), &signature)]
        .map(|(tag, root)| Entry::named(root, &format!("team/app:{tag}")));
    content.write_layout(&program.home().join("images"), &entries).unwrap();
    let config = format!(
        "version: 1\nto: {}\nimages: [{{from: \"oci:images\", tags: [v1], referrers: true}}]\n",
        target.host()
    );
    fs::write(program.home().join("mirror.yaml"), config).unwrap();
    program.run(&["mirror", "mirror.yaml", "--queue", &queue.url()]).exits(0);
    let there = ask("GET", &target.host(), &format!("/v2/team/app/manifests/{tag}"), "");
    assert_eq!((there.status, there.digest), (200, signature.digest));
}

#[test]
fn a_planner_for_which_nobody_works_says_so() {
    // Whatever nobody asked for.
    let mut program = transship();
    program.set("RUST_LOG", "");
    let (scene, queue) = (Scene::set(program, 1000), nats());
    let plan = ["mirror", "mirror.yaml", "--queue", &queue.url(), "--role", "plan"];
    let planner = scene.program.start(&plan);
    planner.says("nobody works for the queue, where 60 items wait");
    let working = worker(&scene, &queue);
    planner.wait().exits(0);
    working.wait().exits(0);
}

#[test]
fn a_worker_that_stays_goes_along_when_the_configuration_changes() {
    let (scene, queue) = (Scene::set(transship(), 1000), nats());
    let url = queue.url();
    let ours = ["mirror", "mirror.yaml", "--queue", &url, "--queue-name", "ours"];
    let plan = |more: &[&str]| {
        [&ours[..], &["--role", "plan", "--redeliver-after", "1s"], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let first = scene.program.start(&plan(&[]));
    // One after the other, so that the planner is killed long before all are done.
    let stays = ["--role", "work", "--watch", "10m", "--images-at-once", "1"];
    let working = scene.program.start(&[&ours[..], &stays].concat());
    until("an image", || !scene.manifests().is_empty());
    // Its run stays open, and the worker waits for more of it.
    assert_eq!(first.kill().code, -1);
    let other = fs::read_to_string(scene.program.home().join("mirror.yaml")).unwrap() + "# another\n";
    scene.write("mirror.yaml", &other);
    let second = scene.program.start(&plan(&["--receipt", "receipt.jsonl"]));
    until("the second run", || second.is_over() || working.is_over());
    assert!(!working.is_over(), "{}", working.wait());
    second.wait().exits(0);
    let (images, end) = scene.receipt("receipt.jsonl");
    adds_up(&images, &end);
    scene.is_whole();
    working.signal("TERM");
    working.wait().exits(143);
}

#[test]
fn a_planner_that_is_killed_is_followed_by_one_that_takes_its_run_over() {
    let (scene, queue) = (Scene::set(transship(), 1000), nats());
    let url = queue.url();
    let plan = ["mirror", "mirror.yaml", "--queue", &url, "--role", "plan"];
    let first = scene.program.start(&plan);
    let working = worker(&scene, &queue);
    until("an image", || !scene.manifests().is_empty());
    assert_eq!(first.kill().code, -1);
    let second = scene.program.run(&[&plan[..], &["--receipt", "receipt.jsonl"]].concat()).exits(0);
    let (images, end) = scene.receipt("receipt.jsonl");
    adds_up(&images, &end);
    assert_eq!(end.copied, IMAGES as u64, "what was done before stands in the receipt: {second}");
    assert!(scene.manifests().values().all(|times| *times == 1));
    assert!(working.wait().exits(0).stdout.contains("worked on 60 images"));
    scene.is_whole();
}

#[test]
fn an_image_that_workers_die_of_is_given_up_and_the_receipt_says_so() {
    let (scene, queue) = (Scene::set(transship_quiet(), 3_000_000), nats());
    let runtime = Runtime::new().unwrap();
    let slow = Conditions { rtt: Duration::ZERO, rate: NonZeroU64::new(100_000) };
    let link = runtime.block_on(Link::start(scene.source.host().parse().unwrap(), slow)).unwrap();
    let (from, to) = (link.address(), scene.target.host());
    scene.write(
        "mirror.yaml",
        &format!("version: 1\nimages: [{{from: \"{from}/team/r1:v1\", to: \"{to}/one:v1\"}}]\n"),
    );
    let plan =
        ["mirror", "mirror.yaml", "--queue", &queue.url(), "--role", "plan", "--receipt", "receipt.jsonl"];
    let planner =
        scene.program.start(&[&plan[..], &["--redeliver-after", "1s", "--deliveries", "2"]].concat());
    for _ in 0..2 {
        let seen = link.counts().down;
        let victim = worker(&scene, &queue);
        until("a worker at it", || link.counts().down > seen + 200_000);
        assert_eq!(victim.kill().code, -1);
    }
    let last = worker(&scene, &queue);
    let run = planner.wait().exits(1);
    assert!(run.stderr.contains("2 workers had it"), "{run}");
    last.wait().exits(0);
    let (images, end) = scene.receipt("receipt.jsonl");
    assert_eq!((images.len(), end.failed), (1, 1));
    assert!(images[0].error.as_ref().unwrap().message.contains("none of them was heard of again"));
    assert!(scene.manifests().is_empty());
}

#[test]
fn every_image_is_in_exactly_one_share() {
    let scene = Scene::set(transship(), 1000);
    let mut all = Vec::new();
    for index in 0..3 {
        let name = format!("{index}.jsonl");
        let mut program = transship().at(scene.program.home());
        program.set("JOB_COMPLETION_INDEX", index.to_string());
        program.run(&["mirror", "mirror.yaml", "--shard", "auto/3", "--receipt", &name]).exits(0);
        let (images, end) = scene.receipt(&name);
        assert!(end.images > 0 && end.images % TAGS == 0, "whole repositories: {}", end.images);
        // The same share by its number has nothing to do any more.
        let again = scene.program.run(&["mirror", "mirror.yaml", "--shard", &format!("{}/3", index + 1)]);
        let unchanged = format!("mirrored {} images: 0 copied (0 B), {} unchanged", end.images, end.images);
        assert!(again.stdout.contains(&unchanged), "{again}");
        all.extend(images);
    }
    let distinct: BTreeSet<_> = all.iter().map(|image| &image.destination).collect();
    assert_eq!((all.len(), distinct.len()), (IMAGES, IMAGES));
    assert!(scene.manifests().values().all(|times| *times == 1));
    scene.is_whole();
}

/// A run against a queue that does not serve.
fn refused(scene: &Scene, url: &str, more: &[&str]) -> Run {
    scene.program.run(&[&["mirror", "mirror.yaml", "--queue", url], more].concat())
}

#[test]
fn a_queue_that_does_not_serve_ends_with_its_own_code_and_shows_no_secret() {
    let scene = Scene::set(transship(), 1000);
    let gone = format!("nats://127.0.0.1:{}", testkit::free_port());
    refused(&scene, &gone, &[]).exits(7).says("cannot be reached");
    let users = "authorization { user: mirror, password: right }\n";
    let locked = Nats::with(users, false);
    for role in ["both", "plan", "work"] {
        let run = refused(&scene, &locked.url_of("mirror", CANARY), &["--role", role]).exits(3);
        assert!(run.stderr.contains("refuses who asks") && !run.to_string().contains(CANARY), "{run}");
    }
    refused(&scene, &format!("http://mirror:{CANARY}@127.0.0.1"), &[])
        .exits(2)
        .says("neither nats:// nor tls://");
    refused(&scene, &gone, &["--queue-name", "a b"]).exits(2).says("no name for a queue");
    refused(&scene, &gone, &["--role", "work", "--receipt", "x"]).exits(2).says("the planner's");
    refused(&scene, &gone, &["--shard", "1/2"]).exits(2);
    refused(&scene, &locked.url(), &["--queue-creds", "nothing.creds"]).exits(9);
    assert!(scene.target.writes().is_empty());
    // With the right password, from the environment.
    let mut program = transship().at(scene.program.home());
    program.set("TRANSSHIP_QUEUE", locked.url_of("mirror", "right"));
    let run = program.run(&["mirror", "mirror.yaml"]).exits(0);
    assert!(run.stdout.contains(" 60 copied"), "{run}");
}

#[test]
fn a_queue_name_that_is_at_work_for_another_configuration_is_refused_with_2() {
    let (scene, queue) = (Scene::set(transship(), 1000), nats());
    let url = queue.url();
    let plan = ["--queue", &url, "--queue-name", "ours", "--role", "plan", "--redeliver-after", "1s"];
    let first = scene.program.start(&[&["mirror", "mirror.yaml"], &plan[..]].concat());
    let other = fs::read_to_string(scene.program.home().join("mirror.yaml")).unwrap() + "# another\n";
    scene.write("other.yaml", &other);
    let work = ["--queue", &url, "--queue-name", "ours", "--role", "work"];
    // It waits for a plan, and finds that of the other.
    let run = scene.program.run(&[&["mirror", "other.yaml"], &work[..]].concat()).exits(2);
    assert!(run.stderr.contains("another configuration") && run.stderr.contains("--queue-name"), "{run}");
    assert_eq!(first.kill().code, -1);
}
