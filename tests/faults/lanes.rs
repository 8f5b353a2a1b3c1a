//! Lanes: a registry that has too much to do gets less to do, nothing fails for it, and nothing waits for ever.
use std::time::Duration;

use content::{Descriptor, Target, Version};
use http::Method;
use pace::Traffic;
use serde_json::json;
use testkit::{Content, Fake, Mishap};
use tokio::time::{Instant, sleep, timeout};

use crate::world::Yard;

/// How long a request takes at a registry of these tests.
const WORK: Duration = Duration::from_millis(40);

/// A yard, and the traffic in it.
struct World {
    traffic: Traffic,
    yard: Yard,
}

impl World {
    fn new() -> Self {
        let traffic = Traffic::default();
        Self { yard: Yard::in_traffic(traffic.clone()), traffic }
    }

    /// Copies `app:v1`.
    async fn copy(&self, source: &Fake, target: &Fake) {
        self.copy_as(source, "app", target, "app").await;
    }

    /// Copies the `v1` of one repository to another.
    async fn copy_as(&self, source: &Fake, from: &str, target: &Fake, to: &str) {
        self.yard.run(&self.yard.job(source, from, target, &[to])).await.unwrap();
    }

    fn lanes(&self, fake: &Fake) -> usize {
        self.traffic.at(&fake.origin()).number()
    }
}

fn refused(fake: &Fake, status: u16) -> usize {
    fake.ledger().count(|request| request.status == Some(status))
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_takes_four_requests_at_once_ends_with_no_more_lanes_and_no_failure() {
    for limited in ["source", "target"] {
        let (content, root) = Content::fleet(4, 8, 1000);
        let slow = || Fake::setup().mishap(Mishap::any("/").delay(WORK));
        let few = || slow().at_once(4);
        let (source, target) = if limited == "source" { (few(), slow()) } else { (slow(), few()) };
        let (source, target) = (source.seed(&content, &root, "app:v1").start(), target.start());
        let world = World::new();
        world.copy(&source, &target).await;
        assert!(target.holds("app", &content), "{limited}");
        let (few, other) = if limited == "source" { (&source, &target) } else { (&target, &source) };
        // One more is tried after a second that went well, and taken back when it was too much.
        assert!(world.lanes(few) <= 5, "{limited}: {}", world.lanes(few));
        assert!(world.lanes(other) >= 18, "{limited}: {}", world.lanes(other));
        // A first burst, what of it came again before its turn, and one or two for every second after it.
        assert!((1..=50).contains(&refused(few, 429)), "{limited}: {}", refused(few, 429));
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_refuses_everything_for_a_while_gets_few_requests_and_afterwards_what_it_takes() {
    let (content, root) = Content::fleet(8, 8, 1000);
    let source = Fake::with(&content, &root, "app:v1");
    let target = Fake::setup().mishap(Mishap::any("/").delay(WORK)).start();
    let world = World::new();
    let storm = async {
        target.reached(20).await;
        target.mishap(Mishap::any("/").status(503));
        sleep(Duration::from_secs(5)).await;
        target.behave();
        target.mishap(Mishap::any("/").delay(WORK));
        world.lanes(&target)
    };
    // Whether what was caught in the middle outlasts it is a matter of its back-off.
    let (copied, narrow) = futures::join!(
        async { world.yard.run(&world.yard.job(&source, "app", &target, &["app"])).await.is_ok() },
        storm
    );
    // 18 that were under way, then 9, 4, 2, and then one after another.
    assert!(narrow <= 4, "{narrow}");
    assert!((18..=60).contains(&refused(&target, 503)), "{}", refused(&target, 503));
    if !copied {
        world.copy(&source, &target).await;
    }
    assert!(target.holds("app", &content));
}

#[tokio::test(start_paused = true)]
async fn after_a_wait_that_was_asked_for_nobody_comes_in_a_burst() {
    let (content, root) = Content::fleet(8, 8, 1000);
    let source = Fake::with(&content, &root, "app:v1");
    let target = Fake::setup().mishap(Mishap::any("/").delay(WORK)).start();
    let world = World::new();
    let later = |mishap: Mishap| mishap.status(429).with("Retry-After", "60");
    target.mishap(later(Mishap::on(Method::POST, "/uploads/").times(18)));
    let first = async {
        target.reached(19).await;
        let asked = Instant::now();
        sleep(Duration::from_secs(59)).await;
        let before = target.ledger().all().len();
        target.reached(before + 1).await;
        assert!(asked.elapsed() >= Duration::from_secs(60));
        let lanes = world.lanes(&target);
        sleep(WORK / 2).await;
        (lanes, target.ledger().all().len() - before)
    };
    let ((), (lanes, came)) = futures::join!(world.copy(&source, &target), first);
    // Half of the 20 that there are at the start.
    assert!(lanes <= 10 && came <= 10, "{came} in {lanes} lanes");
    assert!(target.holds("app", &content));
}

#[tokio::test(start_paused = true)]
async fn refused_connections_close_lanes() {
    let (_, root) = Content::fleet(1, 1, 1000);
    let closed = Fake::start().host();
    let world = World::new();
    let target = world.yard.repository(&closed, "app");
    let digest = Version::Digest(root.digest.clone());
    target.find(&digest).await.unwrap_err();
    let lanes = world.traffic.at(&format!("http://{closed}")).number();
    // Six attempts, each after the one before.
    assert_eq!(lanes, 1);
}

#[tokio::test(start_paused = true)]
async fn copies_in_both_directions_between_two_narrow_registries_all_end() {
    let (content, root) = Content::fleet(2, 6, 1000);
    let (other, other_root) = Content::fleet(3, 5, 2000);
    let narrow = || Fake::setup().mishap(Mishap::any("/").delay(WORK)).at_once(2);
    let a = narrow().seed(&content, &root, "app:v1").start();
    let b = narrow().seed(&other, &other_root, "other:v1").start();
    let world = World::new();
    let both = async {
        futures::join!(
            world.copy_as(&a, "app", &b, "app"),
            world.copy_as(&b, "other", &a, "other"),
            world.copy_as(&a, "app", &a, "again"),
        )
    };
    timeout(Duration::from_secs(3600), both).await.unwrap();
    assert!(b.holds("app", &content) && a.holds("other", &other) && a.holds("again", &content));
}

/// An artifact that refers to a subject which is not there.
fn referrer() -> (Content, Descriptor) {
    let mut content = Content::new();
    let (layer, config) = (content.layer(1, 1000), content.add("application/vnd.oci.empty.v1+json", "{}"));
    let subject = content.image(2, &[]);
    let json = |piece: &Descriptor| {
        json!({
            "mediaType": piece.media_type.as_str(), "digest": piece.digest.to_string(), "size": piece.size,
        })
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": json(&config),
        "layers": [json(&layer)],
        "subject": json(&subject),
    });
    content.forget(&subject.digest);
    let root = content.document("application/vnd.oci.image.manifest.v1+json", &manifest);
    (content, root)
}

#[tokio::test(start_paused = true)]
async fn whoever_merges_an_index_of_referrers_keeps_its_lane_when_it_is_refused() {
    let (content, root) = referrer();
    let source = Fake::with(&content, &root, "app:v1");
    let target = Fake::setup().referrers(false).mishap(Mishap::any("/").delay(WORK)).start();
    target.mishap(Mishap::on(Method::GET, "/manifests/sha256-").status(503).times(1));
    let yard = Yard::new(2);
    let names = ["a", "b", "c", "d", "e", "f"];
    let job = yard.job(&source, "app", &target, &names);
    let copied = timeout(Duration::from_secs(3600), yard.run(&job));
    copied.await.expect("the others wait for the index, and have all the lanes").unwrap();
    assert_eq!(refused(&target, 503), 1);
}
