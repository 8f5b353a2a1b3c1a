//! A link between real sockets, on a clock that stands still: what takes time takes it to the millisecond.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{
    io::{ErrorKind, Result},
    num::NonZeroU64,
    time::Duration,
};

use link::{Conditions, Counts, Link};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

const MIB: usize = 1 << 20;

fn rtt(millis: u64) -> Conditions {
    Conditions { rtt: Duration::from_millis(millis), rate: None }
}

fn rate(bytes: u64) -> Conditions {
    Conditions { rtt: Duration::ZERO, rate: NonZeroU64::new(bytes) }
}

/// A link, and the listener that it leads to.
async fn link(conditions: Conditions) -> (Link, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (Link::start(listener.local_addr().unwrap(), conditions).await.unwrap(), listener)
}

/// Both ends of one connection through a link.
async fn pair(link: &Link, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let (client, server) = tokio::join!(TcpStream::connect(link.address()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

async fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    stream.read_exact(&mut read).await.unwrap();
    read
}

async fn rest(stream: &mut TcpStream) -> (Vec<u8>, Result<usize>) {
    let mut read = Vec::new();
    let ended = stream.read_to_end(&mut read).await;
    (read, ended)
}

/// Bytes of which no two neighbours of 250 are alike.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..=250).cycle().take(bytes).collect()
}

/// Sends and reads at once; says how long until all had come.
async fn send(from: &mut TcpStream, to: &mut TcpStream, bytes: usize) -> Duration {
    let (started, sent) = (Instant::now(), pattern(bytes));
    let (written, read) = tokio::join!(from.write_all(&sent), read(to, bytes));
    written.unwrap();
    assert!(read == sent, "other bytes came out");
    started.elapsed()
}

#[track_caller]
fn about(time: Duration, millis: u128) {
    // A timer ends at the millisecond after its time.
    let (most, time) = (millis + millis / 50 + 1, time.as_millis());
    assert!((millis..=most).contains(&time), "{time} ms, not {millis}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_the_round_trip_and_the_first_one_more() {
    let (link, listener) = link(rtt(50)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    about(send(&mut client, &mut server, 1).await, 75);
    about(send(&mut server, &mut client, 1).await, 25);
    about(send(&mut client, &mut server, 1).await, 25);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_open_already_is_not_waited_for_again() {
    let (link, listener) = link(rtt(50)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    sleep(Duration::from_millis(80)).await;
    about(send(&mut client, &mut server, 1).await, 25);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_holds_nothing_back() {
    let (link, listener) = link(rtt(1000)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    sleep(Duration::from_secs(1)).await;
    about(send(&mut client, &mut server, 12 * MIB).await, 500);
}

#[tokio::test(start_paused = true)]
async fn every_connection_has_the_rate_to_itself_each_way() {
    let (link, listener) = link(rate(MIB as u64)).await;
    let mut one = pair(&link, &listener).await;
    let mut other = pair(&link, &listener).await;
    let started = Instant::now();
    let both_ways = async {
        let (mut from_client, mut to_server) = one.0.split();
        let (mut from_server, mut to_client) = one.1.split();
        let (sent, mut up, mut down) = (pattern(2 * MIB), vec![0; 2 * MIB], vec![0; 2 * MIB]);
        tokio::try_join!(
            to_server.write_all(&sent),
            to_client.write_all(&sent),
            async { from_server.read_exact(&mut up).await.map(drop) },
            async { from_client.read_exact(&mut down).await.map(drop) },
        )
        .unwrap();
        assert!(up == sent && down == sent, "other bytes came out");
    };
    let ((), alone) = tokio::join!(both_ways, send(&mut other.0, &mut other.1, 2 * MIB));
    about(alone, 2000);
    about(started.elapsed(), 2000);
}

#[tokio::test(start_paused = true)]
async fn a_rate_and_a_distance_add_up_and_do_not_multiply() {
    let conditions = Conditions { rtt: Duration::from_millis(200), ..rate(5 * MIB as u64) };
    let (link, listener) = link(conditions).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    about(send(&mut server, &mut client, 10 * MIB).await, 2000 + 300);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nothing_was_sent_is_not_made_up_for() {
    let (link, listener) = link(rate(MIB as u64)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    about(send(&mut client, &mut server, MIB).await, 1000);
    sleep(Duration::from_secs(10)).await;
    about(send(&mut client, &mut server, MIB).await, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_rate_comes_evenly() {
    let (link, listener) = link(rate(MIB as u64)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    let started = Instant::now();
    let sender = tokio::spawn(async move {
        client.write_all(&pattern(MIB)).await.unwrap();
        client
    });
    for tenth in 1..=9 {
        read(&mut server, MIB / 10).await;
        let (now, due) = (started.elapsed().as_millis(), tenth * 100);
        assert!((due..=due + 10).contains(&now), "{tenth} tenths after {now} ms");
    }
    drop(sender);
}

#[tokio::test(start_paused = true)]
async fn half_an_end_leaves_the_other_way_open() {
    let (link, listener) = link(rtt(50)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await.0, b"question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let (answer, ended) = rest(&mut client).await;
    assert_eq!((&*answer, ended.unwrap()), (&b"answer"[..], 6));
}

#[tokio::test(start_paused = true)]
async fn a_reset_comes_behind_what_was_said_before_it() {
    let (link, listener) = link(rtt(50)).await;
    for from_client in [true, false] {
        let (client, server) = pair(&link, &listener).await;
        let (mut from, mut to) = if from_client { (client, server) } else { (server, client) };
        from.write_all(b"last words").await.unwrap();
        // It is read before the reset comes, as a reset takes what is unread with it.
        sleep(Duration::from_millis(1)).await;
        from.set_zero_linger().unwrap();
        drop(from);
        assert_eq!(read(&mut to, 10).await, b"last words");
        assert_eq!(rest(&mut to).await.1.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_heard_though_the_question_was_not() {
    for conditions in [rtt(0), rtt(50)] {
        let (link, listener) = link(conditions).await;
        let (mut client, mut server) = pair(&link, &listener).await;
        client.write_all(b"a long ").await.unwrap();
        sleep(Duration::from_secs(1)).await;
        server.write_all(b"no").await.unwrap();
        // With words unread, a reset follows.
        drop(server);
        client.write_all(b"question").await.unwrap();
        let (answer, ended) = rest(&mut client).await;
        assert_eq!(answer, b"no");
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_after_its_question_is_told_of() {
    let (link, listener) = link(rtt(50)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await.1.unwrap(), 0);
    drop(client);
    let error = loop {
        sleep(Duration::from_millis(10)).await;
        if let Err(error) = server.write_all(b"answer").await {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_ends_after_a_round_trip() {
    let (link, listener) = link(rtt(50)).await;
    drop(listener);
    let started = Instant::now();
    let mut client = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(rest(&mut client).await.1.unwrap_err().kind(), ErrorKind::ConnectionReset);
    about(started.elapsed(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_connections_are_counted_with_their_bytes() {
    let (link, listener) = link(rtt(50)).await;
    let mut ends = Vec::new();
    for _ in 0..100 {
        let (mut client, mut server) = pair(&link, &listener).await;
        send(&mut client, &mut server, 3).await;
        send(&mut server, &mut client, 5).await;
        ends.push((client, server));
    }
    assert_eq!(link.counts(), Counts { connections: 100, up: 300, down: 500 });
}

#[tokio::test]
async fn all_ends_with_the_link() {
    let (link, listener) = link(rtt(0)).await;
    let (mut client, mut server) = pair(&link, &listener).await;
    send(&mut client, &mut server, 1).await;
    let address = link.address();
    drop(link);
    for stream in [&mut client, &mut server] {
        assert!(rest(stream).await.0.is_empty());
    }
    assert!(TcpStream::connect(address).await.is_err());
}
