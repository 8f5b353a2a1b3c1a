//! Landed: a blob crosses to a registry once, for all repositories of a job and for all jobs of an engine.
use std::{collections::BTreeMap, time::Duration};

use content::{Descriptor, FaultKind};
use copier::{Delivered, Job, Side, Ties};
use futures::future::{join, join_all, join3};
use http::Method;
use testkit::{Content, Fake, Mishap, Request};
use tokio::time::{sleep, timeout};

use crate::world::{Image, Yard, settle};

/// What happened to each blob, by digest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Trips {
    /// Bodies that came.
    sent: usize,
    /// Mounts that were done.
    mounted: usize,
}

fn trips(target: &Fake) -> BTreeMap<String, Trips> {
    let mut trips = BTreeMap::<String, Trips>::new();
    let digest = |query: &str, key: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(key).map(str::to_owned));
        value.unwrap_or_else(|| panic!("no {key} in {query}")).replace("%3A", ":")
    };
    for request in target.ledger().pick(|request| request.is_blob() && request.status == Some(201)) {
        match request.method {
            Method::PUT => trips.entry(digest(&request.query, "digest=")).or_default().sent += 1,
            Method::POST => trips.entry(digest(&request.query, "mount=")).or_default().mounted += 1,
            _ => {}
        }
    }
    trips
}

/// How often each blob was read.
fn reads(source: &Fake) -> Vec<usize> {
    let mut reads = BTreeMap::<String, usize>::new();
    for read in source.ledger().blob_reads() {
        *reads.entry(read.path).or_default() += 1;
    }
    reads.into_values().collect()
}

/// A source of two images, `one:v1` and `two:v1`: three common layers, which are given too, and one of their own each.
fn family() -> (Fake, Vec<Descriptor>) {
    let (fake, mut common) = (Fake::start(), Vec::new());
    for (name, seed) in [("one:v1", 11), ("two:v1", 12)] {
        let mut content = Content::new();
        let layers = [1, 2, 3, seed].map(|seed| content.layer(seed, 500));
        let root = content.image(seed, &layers);
        fake.put(&content, &root, name);
        common = layers[..3].to_vec();
    }
    (fake, common)
}

/// Jobs that bring `one` and `two` to repositories of the same names.
fn both(yard: &Yard, source: &Fake, target: &Fake) -> [Job; 2] {
    ["one", "two"].map(|name| yard.job(source, name, target, &[name]))
}

fn is_whole(target: &Fake, name: &str) -> bool {
    target.tag(name, "v1").is_some() && target.torn().is_empty()
}

#[tokio::test(start_paused = true)]
async fn one_image_to_twenty_repositories_crosses_once_and_is_mounted_nineteen_times() {
    let (content, root) = Content::fleet(2, 3, 1000);
    let (source, target) = (Fake::with(&content, &root, "app:v1"), Fake::start());
    let names: Vec<String> = (0..20).map(|number| format!("team/{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let yard = Yard::new(8);
    let outcomes = yard.run(&yard.job(&source, "app", &target, &names)).await.unwrap();
    assert!(names.iter().all(|name| target.holds(name, &content)), "{}", target.ledger());
    let blobs = 2 * 4;
    assert_eq!(reads(&source), vec![1; blobs], "{}", source.ledger());
    let trips: Vec<Trips> = trips(&target).into_values().collect();
    assert_eq!(trips, vec![Trips { sent: 1, mounted: 19 }; blobs], "{}", target.ledger());
    // Nothing was asked beside: a POST and a PUT for what was sent, a POST for what was mounted.
    assert_eq!(target.ledger().count(Request::is_blob), blobs * (2 + 19), "{}", target.ledger());
    let copied: usize = outcomes.iter().map(|outcome| outcome.copied).sum();
    let mounted: usize = outcomes.iter().map(|outcome| outcome.mounted).sum();
    assert_eq!((copied, mounted), (blobs, 19 * blobs));
}

#[tokio::test(start_paused = true)]
async fn layers_that_two_jobs_share_cross_once_whether_they_run_at_once_or_in_turn() {
    for at_once in [true, false] {
        let (source, common) = family();
        let (target, yard) = (Fake::start(), Yard::new(8));
        let [one, two] = both(&yard, &source, &target);
        if at_once {
            let (one, two) = join(yard.run(&one), yard.run(&two)).await;
            assert_eq!((one.unwrap().len(), two.unwrap().len()), (1, 1));
        } else {
            yard.run(&one).await.unwrap();
            yard.run(&two).await.unwrap();
        }
        assert!(is_whole(&target, "one") && is_whole(&target, "two"), "{}", target.ledger());
        // Three common layers, a layer and a configuration for each.
        assert_eq!(reads(&source), vec![1; 3 + 2 * 2], "{}", source.ledger());
        let trips = trips(&target);
        for layer in &common {
            let expected = Trips { sent: 1, mounted: 1 };
            assert_eq!(trips[&layer.digest.to_string()], expected, "{}", target.ledger());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_the_first_job_hands_its_blobs_to_the_second_that_waits() {
    let (source, common) = family();
    let target = Fake::start();
    let slow = Duration::from_secs(5);
    target.mishap(Mishap::on(Method::PUT, "/v2/one/blobs/").delay(slow).error(403, "DENIED"));
    let yard = Yard::new(8);
    let [one, two] = both(&yard, &source, &target);
    let (one, two) = join(yard.run(&one), yard.run(&two)).await;
    let one = one.unwrap_err();
    assert_eq!((one.kind, one.side), (FaultKind::Authentication, Side::Target), "{one:?}");
    assert_eq!(two.unwrap().iter().map(|outcome| outcome.copied).sum::<usize>(), 5);
    assert!(is_whole(&target, "two"), "{}", target.ledger());
    // The common layers came to `two` only after `one` had failed.
    let puts = target.ledger().pick(|request| request.method == Method::PUT && request.is_blob());
    for layer in common {
        let first = puts.iter().find(|put| put.query.contains(layer.digest.hex())).unwrap();
        assert!(first.path.starts_with("/v2/one/"), "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_dropped_hands_its_blobs_to_the_one_that_waits() {
    let (source, common) = family();
    let target = Fake::start();
    target.mishap(Mishap::on(Method::PUT, "/v2/one/blobs/").delay(Duration::from_secs(30)));
    let yard = Yard::new(8);
    let [one, two] = both(&yard, &source, &target);
    let dropped = timeout(Duration::from_secs(5), yard.run(&one));
    let (dropped, two) = join(dropped, yard.run(&two)).await;
    assert!(dropped.is_err());
    assert_eq!(two.unwrap()[0].copied, 5);
    assert!(is_whole(&target, "two"), "{}", target.ledger());
    settle(&target).await;
    for layer in &common {
        let sent = trips(&target)[&layer.digest.to_string()];
        assert_eq!(sent, Trips { sent: 1, mounted: 0 }, "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_holds_no_lane() {
    let (source, common) = family();
    let target = Fake::start();
    let layer = common[0].digest.hex();
    target.mishap(Mishap::on(Method::PUT, &format!("/v2/one/*{layer}")).delay(Duration::from_secs(40)));
    // One of two lanes is with that upload. Were the other one with whoever waits for it, nothing else would move.
    let yard = Yard::new(2);
    let [one, two] = both(&yard, &source, &target);
    let meanwhile = async {
        sleep(Duration::from_secs(30)).await;
        let (sent, mounted) =
            (|r: &Request| r.method == Method::PUT, |r: &Request| r.query.contains("from=one"));
        let came = |what: fn(&Request) -> bool| {
            target
                .ledger()
                .count(|r| r.path.starts_with("/v2/two/blobs/") && r.status == Some(201) && what(r))
        };
        (came(sent), came(mounted))
    };
    let (one, two, meanwhile) = join3(yard.run(&one), yard.run(&two), meanwhile).await;
    assert_eq!(meanwhile, (2, 2), "{}", target.ledger());
    assert_eq!((one.unwrap()[0].copied, two.unwrap()[0].mounted), (5, 3));
}

#[tokio::test(start_paused = true)]
async fn mounts_that_are_refused_are_streamed_by_whoever_wanted_them() {
    for status in [400, 403, 404, 405, 500] {
        let (source, _) = family();
        let target = Fake::start();
        target.mishap(Mishap::on(Method::POST, "*mount=*from=").status(status));
        let yard = Yard::new(8);
        let [one, two] = both(&yard, &source, &target);
        let (one, two) = join(yard.run(&one), yard.run(&two)).await;
        assert_eq!((one.unwrap()[0].copied, two.unwrap()[0].copied), (5, 5), "{status}");
        assert!(is_whole(&target, "one") && is_whole(&target, "two"), "{status}: {}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_never_mounts_is_sent_a_blob_once_a_repository_whatever_the_number_of_jobs() {
    let (source, common) = family();
    let target = Fake::setup().mounts(false).start();
    let yard = Yard::new(8);
    let jobs: Vec<Job> = [("one", "a"), ("two", "a"), ("one", "b"), ("two", "b")]
        .iter()
        .map(|(from, to)| yard.job(&source, from, &target, &[to]))
        .collect();
    for outcome in join_all(jobs.iter().map(|job| yard.run(job))).await {
        outcome.unwrap();
    }
    let trips = trips(&target);
    for layer in &common {
        let expected = Trips { sent: 2, mounted: 0 };
        assert_eq!(trips[&layer.digest.to_string()], expected, "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_in_both_directions_between_two_registries_of_one_lane_each_all_arrive() {
    let ((here, _), (there, _)) = (family(), family());
    let yard = Yard::new(1);
    let mut jobs = Vec::new();
    for round in 0..3 {
        for name in ["one", "two"] {
            let names = [format!("{name}/{round}"), format!("{name}/{round}/again")];
            let names = names.each_ref().map(String::as_str);
            jobs.push(yard.job(&here, name, &there, &names));
            jobs.push(yard.job(&there, name, &here, &names));
        }
    }
    let all = join_all(jobs.iter().map(|job| yard.run(job)));
    let all = timeout(Duration::from_secs(3600), all).await.expect("they wait for each other");
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn one_destination_that_fails_does_not_keep_its_blobs_from_the_others() {
    let image = Image::of(1000);
    for broken in ["a", "b", "c"] {
        let (source, target) = (image.source([]), Fake::start());
        target.mishap(Mishap::any(&format!("/v2/{broken}/blobs/")).error(403, "DENIED"));
        let yard = Yard::new(8);
        let job = Job { ties: Ties::Apart, ..yard.job(&source, "app", &target, &["a", "b", "c"]) };
        let outcomes = yard.report(&job).await.unwrap();
        for (name, outcome) in ["a", "b", "c"].into_iter().zip(outcomes) {
            assert_eq!(outcome.is_ok(), name != broken, "{broken}, {name}: {outcome:?}");
            assert_eq!(target.holds(name, &image.content), name != broken, "{}", target.ledger());
        }
        let sent: Vec<Trips> = trips(&target).into_values().collect();
        assert_eq!(sent, [Trips { sent: 1, mounted: 1 }; 2], "{broken}: {}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_has_the_image_is_mounted_from() {
    let (source, _) = family();
    let target = Fake::start();
    Yard::new(8).run(&Yard::new(8).job(&source, "one", &target, &["old"])).await.unwrap();
    source.ledger().clear();
    target.ledger().clear();
    let yard = Yard::new(8);
    let delivered = yard.run(&yard.job(&source, "one", &target, &["new", "old"])).await.unwrap();
    assert_eq!((delivered[0].mounted, delivered[1].already_there), (5, true));
    assert_eq!(reads(&source), [] as [usize; 0], "{}", source.ledger());
    assert!(is_whole(&target, "new"), "{}", target.ledger());
}

#[tokio::test(start_paused = true)]
async fn what_a_repository_was_given_is_not_asked_for_again_in_the_same_run() {
    let (source, common) = family();
    let (target, yard) = (Fake::start(), Yard::new(8));
    yard.run(&yard.job(&source, "one", &target, &["all"])).await.unwrap();
    target.ledger().clear();
    let delivered = yard.run(&yard.job(&source, "two", &target, &["all"])).await.unwrap();
    assert_eq!((delivered[0].present, delivered[0].copied), (3, 2));
    for layer in &common {
        let asked = |text: &str| text.contains(layer.digest.hex());
        assert_eq!(target.ledger().count(|r| asked(&r.path) || asked(&r.query)), 0, "{}", target.ledger());
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_repository_was_given_and_lost_is_sent_again_and_counted_as_sent() {
    let (source, common) = family();
    let (target, yard) = (Fake::start(), Yard::new(8));
    yard.run(&yard.job(&source, "one", &target, &["all"])).await.unwrap();
    let lost = Mishap::on(Method::PUT, "/v2/all/manifests/").nth(1).forget(&common[0].digest);
    target.mishap(lost);
    let delivered = yard.run(&yard.job(&source, "two", &target, &["all"])).await.unwrap();
    // A refused manifest gets all of its parts once more.
    let all = Delivered { copied: 5, bytes: delivered[0].bytes, ..Delivered::default() };
    assert_eq!(delivered[0], all, "{}", target.ledger());
    assert!(is_whole(&target, "all"), "{}", target.ledger());
}
