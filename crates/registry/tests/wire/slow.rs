//! Slow peers: one that moves is waited for, one that stops or trickles is not; and nobody is blamed for the other.
//!
//! The limits are the real ones and the clock stands still: only waiting makes it go.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use content::{
    Begun, Descriptor, FaultKind, Hasher, Lent, MediaType, Source, Target, Upload, Verified, Version,
};
use futures::{StreamExt, stream};
use reference::{Algorithm, RefName};
use tokio::time::Instant;

use crate::script::{Act, End, Script, Seen, answer, blob, lend, silence};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Three times the idle limit, in seconds.
const LONG: usize = 180;

/// Takes an upload, what is done with its PUT being `put`.
async fn target(put: impl Fn() -> Act + Send + Sync + 'static) -> Script {
    Script::start(move |seen: &Seen, _| match seen.method.as_str() {
        "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1"], ""),
        "PUT" => put(),
        _ => answer(204, &[], ""),
    })
    .await
}

async fn begin(server: &Script, descriptor: &Descriptor) -> Box<dyn Upload> {
    let Begun::Upload(upload) = server.repository("app").begin(descriptor, None).await.unwrap() else {
        panic!("an upload was due")
    };
    upload
}

/// How the body of a blob ends that a server gives in this way, and after how many seconds.
async fn read(
    size: usize,
    act: impl Fn(Act) -> Act + Send + Sync + 'static,
) -> (Option<content::Fault>, u64) {
    let data = vec![7; size];
    let descriptor = blob(&data);
    let server = Script::start(move |_, _| act(answer(200, &[], &data))).await;
    let start = Instant::now();
    let incoming = server.repository("app").open(&descriptor, 0..descriptor.size).await.unwrap();
    let chunks: Vec<_> = incoming.bytes.collect().await;
    (chunks.into_iter().find_map(Result::err), start.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_trickles_is_given_up_within_the_idle_limit() {
    let (fault, seconds) = read(10 * KIB, |act| act.slowly(usize::MAX, 1)).await;
    assert!(fault.unwrap().is_momentary());
    assert!((59..=61).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_slow_and_moves_is_waited_for() {
    let (fault, seconds) = read(LONG * KIB, |act| act.slowly(LONG, KIB)).await;
    assert!(fault.is_none(), "{fault:?}");
    assert!(seconds >= 179, "{seconds} s");
}

/// What the kernel would notice in a minute of real time is noticed by the request itself, in time for the slowest
/// peer to have taken what was on its way.
#[tokio::test(start_paused = true)]
async fn a_target_that_stops_or_trickles_is_given_up_and_the_body_comes_home() {
    for trickling in [false, true] {
        let act = move || {
            if trickling { answer(201, &[], "").slowly(usize::MAX, 1) } else { silence(1, End::Hang) }
        };
        let server = target(act).await;
        let data = vec![1; 30 * MIB];
        let descriptor = blob(&data);
        let mut upload = begin(&server, &descriptor).await;
        let (body, home) = lend(&descriptor, &data, 64 * KIB);
        let start = Instant::now();
        assert!(upload.send(body).await.unwrap_err().is_momentary());
        assert!(start.elapsed() <= Duration::from_secs(15 + 60 + 512 + 1), "{:?}", start.elapsed());
        assert!(home.await.unwrap().fault().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_never_answers_is_given_up() {
    let server = target(|| silence(usize::MAX, End::Hang)).await;
    let descriptor = blob(b"0123456789");
    let mut upload = begin(&server, &descriptor).await;
    let start = Instant::now();
    assert!(upload.send(lend(&descriptor, b"0123456789", 10).0).await.unwrap_err().is_momentary());
    assert_eq!(start.elapsed().as_secs(), 300);
}

/// A fast source, and a target that takes a KiB a second for three times its idle limit.
#[tokio::test(start_paused = true)]
async fn a_target_that_is_slow_and_moves_is_waited_for_and_nothing_piles_up() {
    const SIZE: usize = 64 * MIB;
    let server = target(|| answer(201, &[], "").slowly(LONG, KIB)).await;
    let piece = Bytes::from(vec![3; 64 * KIB]);
    let digest = {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        (0..SIZE / piece.len()).for_each(|_| hasher.update(&piece));
        hasher.finish()
    };
    let descriptor = Descriptor::new(MediaType::new("application/x"), digest, SIZE as u64);
    let mut upload = begin(&server, &descriptor).await;
    let given = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&given);
    let pieces = (0..SIZE / piece.len()).map(move |_| {
        counted.fetch_add(64 * KIB as u64, Ordering::SeqCst);
        Ok(piece.clone())
    });
    let mut verified = Verified::new(&descriptor);
    verified.feed(stream::iter(pieces).boxed());
    let sending = upload.send(Lent::new(verified).0);
    let looking = async {
        tokio::time::sleep(Duration::from_secs(LONG as u64 - 1)).await;
        given.load(Ordering::SeqCst)
    };
    let (sent, piled) = futures::join!(sending, looking);
    sent.unwrap();
    assert!(piled < 16 * MIB as u64, "{piled} bytes were read ahead, most of them into the kernel's buffers");
    let puts: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
    assert_eq!((puts.len(), puts[0].body.len()), (1, SIZE));
}

/// A source that brings a KiB a second for three times the idle limit, and a fast target.
#[tokio::test(start_paused = true)]
async fn a_target_that_waits_for_a_slow_source_is_not_idle() {
    let data = vec![5; MIB];
    let descriptor = blob(&data);
    let source = Script::start(move |_, _| answer(200, &[], &data).slowly(LONG, KIB)).await;
    let server = target(|| answer(201, &[], "")).await;
    let mut upload = begin(&server, &descriptor).await;
    let incoming = source.repository("app").open(&descriptor, 0..descriptor.size).await.unwrap();
    let mut verified = Verified::new(&descriptor);
    verified.feed(incoming.bytes);
    upload.send(Lent::new(verified).0).await.unwrap();
    assert_eq!((source.lines().len(), server.lines().len()), (1, 2));
}

/// The connection to the source stays unread for an hour because the target is slow: when it is asked again, it has not
/// been idle.
#[tokio::test(start_paused = true)]
async fn a_source_that_waits_for_a_slow_target_is_not_idle() {
    let data = vec![5; 20 * MIB];
    let descriptor = blob(&data);
    let source = Script::start(move |_, _| answer(200, &[], &data)).await;
    let mut incoming = source.repository("app").open(&descriptor, 0..descriptor.size).await.unwrap();
    let mut came = 0;
    while let Some(chunk) = incoming.bytes.next().await {
        came += chunk.unwrap().len();
        if came < 10 * KIB * KIB {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    }
    assert_eq!(came, 20 * MIB);
}

/// A token server that accepts and says nothing, and one that says it byte by byte, in a minute each time.
#[tokio::test(start_paused = true)]
async fn a_token_server_that_stops_or_trickles_is_given_up() {
    for trickling in [false, true] {
        let server = Script::start(move |seen: &Seen, _| {
            let body = vec![b' '; 100 * KIB];
            match (seen.target.starts_with("/token"), trickling) {
                (true, true) => answer(200, &[], &body).slowly(usize::MAX, 1),
                (true, false) => silence(0, End::Hang),
                _ => answer(401, &[r#"WWW-Authenticate: Bearer realm="/token",service="s""#], ""),
            }
        })
        .await;
        let start = Instant::now();
        let version = Version::Name(RefName::new("v1"));
        let fault = server.repository("app").resolve(&version).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Unreachable, "{fault}");
        assert!(start.elapsed() < Duration::from_secs(400), "{:?}", start.elapsed());
        assert!(server.lines().len() <= 6, "{:?}", server.lines());
    }
}
