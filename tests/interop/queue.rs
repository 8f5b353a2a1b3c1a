//! The queue, on a real NATS server: nothing is lost, whoever dies, and nobody's queue is taken.
use std::{collections::BTreeMap, time::Duration};

use ::queue::{Access, Item, Name, Next, Planner, Queue, QueueErrorKind, Task, Terms, Worker};
use bytes::Bytes;
use testkit::{Authority, CANARY};
use tokio::time::{sleep, timeout};

use crate::nats::{Nats, nats};

const CONFIG: &str = "sha256:c0";
/// More than a machine stalls: nobody who works is taken for dead.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where somebody is to be found dead, or is to work for longer.
const BRIEF: Duration = Duration::from_secs(2);

async fn connected(nats: &Nats) -> Queue {
    Access::parse(&nats.url()).unwrap().connect().await.unwrap()
}

fn name() -> Name {
    "test".parse().unwrap()
}

fn terms(run: &str) -> Terms {
    Terms { run: run.to_owned(), config: CONFIG.to_owned(), patience: PATIENCE, deliveries: 2 }
}

fn items(count: usize) -> Vec<(Item, Bytes)> {
    (0..count).map(|i| (format!("item-{i}").parse().unwrap(), Bytes::from(format!("words {i}")))).collect()
}

async fn planned(queue: &Queue, run: &str, count: usize) -> Planner {
    planned_with(queue, &terms(run), count).await
}

async fn planned_with(queue: &Queue, terms: &Terms, count: usize) -> Planner {
    let mut planner = queue.plan(&name(), terms).await.unwrap();
    planner.put(items(count)).await.unwrap();
    planner
}

/// Terms under which who is not heard of is soon taken for dead.
fn brief(run: &str) -> Terms {
    Terms { patience: BRIEF, ..terms(run) }
}

fn worker(queue: &Queue) -> Worker {
    queue.worker(&name(), CONFIG)
}

async fn task(worker: &mut Worker) -> Task {
    let next = timeout(Duration::from_secs(60), worker.next()).await.unwrap().unwrap();
    let Next::Task(task) = next else { panic!("the run is over") };
    *task
}

/// Works until the run is over; each note is whose it is, and what the planner wrote.
async fn work_off(queue: Queue, who: &'static str) -> usize {
    let (mut worker, mut done) = (worker(&queue), 0);
    while let Next::Task(task) = worker.next().await.unwrap() {
        let note = format!("{who}: {}", String::from_utf8_lossy(task.words()));
        task.done(note.into()).await.unwrap();
        done += 1;
    }
    done
}

/// All notes, by item.
async fn notes(planner: &mut Planner) -> BTreeMap<Item, String> {
    let mut found = BTreeMap::new();
    while let Some(note) = timeout(Duration::from_secs(90), planner.next()).await.unwrap().unwrap() {
        let words = String::from_utf8(note.words.to_vec()).unwrap();
        assert_eq!(found.insert(note.item, words), None, "one note an item");
    }
    found
}

#[tokio::test]
async fn every_item_is_done_once_by_one_of_two_workers() {
    let nats = nats();
    let queue = connected(&nats).await;
    let first = tokio::spawn(work_off(connected(&nats).await, "a"));
    let second = tokio::spawn(work_off(connected(&nats).await, "b"));
    let mut planner = planned(&queue, "r1", 200).await;
    let found = notes(&mut planner).await;
    assert_eq!(found.len(), 200);
    assert!(found["item-7".parse::<Item>().as_ref().unwrap()].ends_with(": words 7"), "{found:?}");
    planner.close().await.unwrap();
    assert_eq!(first.await.unwrap() + second.await.unwrap(), 200);
    // Who comes when all is over has nothing to wait for.
    assert!(matches!(worker(&queue).next().await.unwrap(), Next::Over));
}

#[tokio::test]
async fn the_item_of_a_worker_that_is_not_heard_of_goes_to_another() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned_with(&queue, &brief("r1"), 1).await;
    let lost = task(&mut worker(&connected(&nats).await)).await;
    assert_eq!((lost.deliveries(), lost.is_spent()), (1, false));
    drop(lost);
    let again = task(&mut worker(&queue)).await;
    assert_eq!((again.deliveries(), again.is_spent()), (2, false));
    drop(again);
    // Two workers had it, and two are all that this run gives it to.
    let third = task(&mut worker(&queue)).await;
    assert!(third.is_spent());
    third.done("given up".into()).await.unwrap();
    assert_eq!(notes(&mut planner).await.into_values().collect::<Vec<_>>(), ["given up"]);
}

#[tokio::test]
async fn an_item_stays_with_a_worker_that_needs_longer_than_the_patience() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned_with(&queue, &brief("r1"), 1).await;
    let slow = task(&mut worker(&queue)).await;
    let mut other = worker(&queue);
    let long = slow.during(sleep(BRIEF * 4));
    tokio::select! {
        () = long => {}
        _ = other.next() => panic!("two have one item"),
    }
    slow.done("done".into()).await.unwrap();
    assert_eq!(notes(&mut planner).await.len(), 1);
}

/// How many ask for work and have none.
async fn waiting(nats: &Nats) -> usize {
    let client = async_nats::connect(nats.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("transship-test").await.unwrap();
    stream.consumer_info("workers").await.unwrap().num_waiting
}

#[tokio::test]
async fn an_item_of_the_next_run_is_done_by_the_first_of_those_who_waited_in_the_last() {
    let nats = nats();
    let queue = connected(&nats).await;
    let planner = planned(&queue, "r1", 0).await;
    for _ in 0..6 {
        let mut worker = worker(&queue);
        tokio::spawn(async move {
            let task = task(&mut worker).await;
            let had = task.deliveries().to_string();
            task.done(had.into()).await.unwrap();
        });
    }
    while waiting(&nats).await < 6 {
        sleep(Duration::from_millis(50)).await;
    }
    planner.close().await.unwrap();
    let mut planner = planned(&queue, "r2", 1).await;
    assert_eq!(notes(&mut planner).await.into_values().collect::<Vec<_>>(), ["1"]);
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_is_waited_for_by_who_opens_a_run_and_by_who_closes_one() {
    let mut nats = nats();
    let queue = connected(&nats).await;
    let closing = planned(&queue, "r1", 0).await;
    nats.kill();
    let other: Name = "other".parse().unwrap();
    let opens = tokio::spawn(async move { queue.plan(&other, &terms("r1")).await.map(drop) });
    let closes = tokio::spawn(closing.close());
    // Longer than any answer is waited for.
    sleep(Duration::from_secs(15)).await;
    nats.restart();
    opens.await.unwrap().unwrap();
    closes.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_run_of_a_planner_that_died_is_taken_over_and_what_is_done_stays_done() {
    let nats = nats();
    let queue = connected(&nats).await;
    drop(planned(&queue, "r1", 5).await);
    let mut first = worker(&queue);
    for _ in 0..2 {
        task(&mut first).await.done("early".into()).await.unwrap();
    }
    let mut planner = planned(&queue, "r2", 8).await;
    assert!(planner.joined());
    assert_eq!(planner.run().run, "r1");
    let working = tokio::spawn(work_off(queue.clone(), "late"));
    let found = notes(&mut planner).await;
    assert_eq!(found.len(), 8);
    assert_eq!(found.values().filter(|words| *words == "early").count(), 2, "{found:?}");
    planner.close().await.unwrap();
    assert_eq!(working.await.unwrap(), 6);
}

#[tokio::test]
async fn two_planners_of_one_run_both_hear_of_all_that_they_know_of() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut first = planned(&queue, "r1", 20).await;
    // A tag has come up meanwhile.
    let mut second = planned(&queue, "r2", 25).await;
    assert!(second.joined());
    let working = tokio::spawn(work_off(connected(&nats).await, "a"));
    assert_eq!(notes(&mut first).await.len(), 20);
    first.close().await.unwrap();
    let later = tokio::spawn(work_off(queue.clone(), "b"));
    assert_eq!(notes(&mut second).await.len(), 25);
    second.close().await.unwrap();
    assert_eq!(working.await.unwrap() + later.await.unwrap(), 25);
}

#[tokio::test]
async fn what_is_left_of_a_run_that_is_over_is_nobodys() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned_with(&queue, &brief("r1"), 1).await;
    let (stale, mut other) = (task(&mut worker(&queue)).await, worker(&queue));
    // It goes to another meanwhile, which is quicker.
    task(&mut other).await.done("quick".into()).await.unwrap();
    assert_eq!(notes(&mut planner).await.len(), 1);
    planner.close().await.unwrap();
    let mut planner = planned(&queue, "r2", 1).await;
    assert!(!planner.joined());
    stale.done("stale".into()).await.unwrap();
    task(&mut other).await.done("fresh".into()).await.unwrap();
    assert_eq!(notes(&mut planner).await.into_values().collect::<Vec<_>>(), ["fresh"]);
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_loses_nothing() {
    let mut nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned(&queue, "r1", 50).await;
    let mut first = worker(&queue);
    for _ in 0..10 {
        task(&mut first).await.done("before".into()).await.unwrap();
    }
    let held = task(&mut first).await;
    nats.kill_and_restart();
    held.done("across".into()).await.unwrap();
    let working = tokio::spawn(work_off(queue.clone(), "after"));
    assert_eq!(notes(&mut planner).await.len(), 50);
    planner.close().await.unwrap();
    working.await.unwrap();
}

#[tokio::test]
async fn a_queue_at_work_for_another_configuration_is_refused() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned(&queue, "r1", 1).await;
    let other = Terms { config: "sha256:c1".to_owned(), ..terms("r2") };
    let refused = async {
        let why = queue.plan(&name(), &other).await.unwrap_err();
        assert_eq!(why.kind(), QueueErrorKind::Usage);
        assert!(
            why.to_string().contains(CONFIG) && why.remedy().unwrap().contains("--queue-name"),
            "{why:?}"
        );
        let why = queue.worker(&name(), "sha256:c1").next().await.unwrap_err();
        assert_eq!(why.kind(), QueueErrorKind::Usage);
    };
    // Who waits for notes is heard of.
    tokio::select! {
        () = refused => {}
        _ = planner.next() => panic!("nobody works"),
    }
    // When that run is over, the queue is free.
    planner.close().await.unwrap();
    assert!(!queue.plan(&name(), &other).await.unwrap().joined());
}

#[tokio::test]
async fn a_queue_whose_planner_died_is_not_blocked_for_ever() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut first = planned_with(&queue, &brief("r1"), 1).await;
    let other = Terms { config: "sha256:c1".to_owned(), ..terms("r2") };
    let mut second = queue.plan(&name(), &other).await.unwrap();
    assert_eq!((second.joined(), second.run().run.as_str()), (false, "r2"));
    second.put(items(1)).await.unwrap();
    // The first only seemed to be dead. Its work is nobody's any more.
    assert_eq!(first.next().await.unwrap_err().kind(), QueueErrorKind::Usage);
    let task = task(&mut queue.worker(&name(), "sha256:c1")).await;
    task.done("second".into()).await.unwrap();
    assert_eq!(notes(&mut second).await.into_values().collect::<Vec<_>>(), ["second"]);
}

#[tokio::test]
async fn what_is_lost_in_the_queue_is_put_again() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned(&queue, "r1", 3).await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("transship-test").await.unwrap();
    assert_eq!(stream.purge().await.unwrap().purged, 3);
    let working = tokio::spawn(work_off(queue.clone(), "a"));
    assert_eq!(notes(&mut planner).await.len(), 3);
    planner.close().await.unwrap();
    assert_eq!(working.await.unwrap(), 3);
}

#[tokio::test]
async fn a_worker_goes_on_with_the_next_run_and_says_of_which_an_item_is() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = planned(&queue, "r1", 1).await;
    let (mut one, mut other) = (worker(&queue), worker(&queue));
    let first = task(&mut one).await;
    assert_eq!(first.run(), "r1");
    first.done("first".into()).await.unwrap();
    assert!(timeout(Duration::from_secs(3), other.next()).await.is_err(), "the item is taken");
    assert_eq!(notes(&mut planner).await.len(), 1);
    planner.close().await.unwrap();
    let mut planner = planned(&queue, "r2", 2).await;
    let (second, third) = (task(&mut one).await, task(&mut other).await);
    assert_eq!((second.run(), third.run()), ("r2", "r2"));
    for task in [second, third] {
        task.done("done".into()).await.unwrap();
    }
    assert_eq!(notes(&mut planner).await.len(), 2);
    planner.close().await.unwrap();
    assert!(matches!(timeout(Duration::from_secs(30), one.next()).await.unwrap().unwrap(), Next::Over));
}

#[tokio::test]
async fn a_message_that_is_not_ours_is_taken_out_of_the_queue_and_stops_nobody() {
    let nats = nats();
    let queue = connected(&nats).await;
    let mut planner = queue.plan(&name(), &terms("r1")).await.unwrap();
    let client = async_nats::connect(nats.url()).await.unwrap();
    let streams = async_nats::jetstream::new(client);
    for subject in ["work.r1.a$b", "work.r1.ä", "work.x", "done.r1.a$b"] {
        let sent = streams.publish(format!("transship.test.{subject}"), "x".into()).await.unwrap();
        sent.await.unwrap();
    }
    planner.put(items(2)).await.unwrap();
    let mut worker = worker(&queue);
    for _ in 0..2 {
        task(&mut worker).await.done("done".into()).await.unwrap();
    }
    assert_eq!(worker.refused(), 2);
    assert_eq!(notes(&mut planner).await.len(), 2);
    let stream = streams.get_stream("transship-test").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 0, "nobody else is given them");
    // Nor does it keep a run from being taken over.
    drop(planner);
    let mut planner = planned(&queue, "r2", 2).await;
    assert!(planner.joined());
    assert_eq!(notes(&mut planner).await.len(), 2);
}

#[tokio::test]
async fn a_stream_of_another_program_is_left_alone() {
    let nats = nats();
    let client = async_nats::connect(nats.url()).await.unwrap();
    let foreign = async_nats::jetstream::stream::Config {
        name: "transship-test".to_owned(),
        subjects: vec!["theirs".to_owned()],
        ..Default::default()
    };
    let streams = async_nats::jetstream::new(client);
    streams.create_stream(foreign).await.unwrap();
    let why = connected(&nats).await.plan(&name(), &terms("r1")).await.unwrap_err();
    assert_eq!(why.kind(), QueueErrorKind::Usage);
    assert!(why.to_string().contains("transship-test"), "{why}");
    let stream = streams.get_stream("transship-test").await.unwrap();
    assert_eq!(stream.cached_info().config.subjects, ["theirs"]);
}

/// What connecting and planning at this address fails with.
async fn refusal(access: Access) -> ::queue::QueueError {
    match access.connect().await {
        Ok(queue) => queue.plan(&name(), &terms("r1")).await.unwrap_err(),
        Err(why) => why,
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_has_no_streams_is_not_reachable() {
    let gone = format!("nats://127.0.0.1:{}", testkit::free_port());
    let why = refusal(Access::parse(&gone).unwrap()).await;
    assert_eq!(why.kind(), QueueErrorKind::Unreachable);
    assert!(why.to_string().contains(&gone), "{why}");
    let bare = Nats::with("# no jetstream\n", false);
    let why = refusal(Access::parse(&bare.url()).unwrap()).await;
    assert_eq!(why.kind(), QueueErrorKind::WithoutStreams);
    assert!(why.to_string().contains("offers no JetStream"), "{why}");
    assert!(why.remedy().unwrap().contains("-js"), "{why:?}");
}

#[tokio::test]
async fn who_is_refused_is_told_so_without_the_password() {
    let users = "authorization { users: [ { user: a, password: right },
        { user: b, password: right, permissions: { publish: [\"_INBOX.>\"], subscribe: [\"_INBOX.>\"] } } ] }\n";
    let nats = Nats::with(users, false);
    for url in [nats.url(), nats.url_of("a", CANARY), nats.url_of("b", "right")] {
        let why = refusal(Access::parse(&url).unwrap()).await;
        assert_eq!(why.kind(), QueueErrorKind::Authentication, "{why}");
        assert!(!format!("{why} {why:?}").contains(CANARY) && why.remedy().is_some(), "{why:?}");
    }
    let queue = Access::parse(&nats.url_of("a", "right")).unwrap().connect().await.unwrap();
    queue.plan(&name(), &terms("r1")).await.unwrap();
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_told_to_and_never_otherwise() {
    Authority::bring_cryptography();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let nats = Nats::tls(&authority);
    let dir = tempfile::tempdir().unwrap();
    let root = |name: &str, authority: &Authority| {
        let path = dir.path().join(name);
        std::fs::write(&path, authority.root_pem()).unwrap();
        vec![path]
    };
    let access = || Access::parse(&nats.url()).unwrap();
    let why = refusal(access().trusting(root("stranger.pem", &stranger))).await;
    assert_eq!(why.kind(), QueueErrorKind::Authentication, "{why}");
    assert!(why.remedy().unwrap().contains("--ca-file"), "{why:?}");
    let queue = access().trusting(root("root.pem", &authority)).connect().await.unwrap();
    queue.plan(&name(), &terms("r1")).await.unwrap();
}
