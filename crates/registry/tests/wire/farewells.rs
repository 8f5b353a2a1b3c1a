//! Farewells: no session outlives the work that it was opened for, and nobody waits for a registry without end.
use std::{sync::Arc, time::Duration};

use auth::Given;
use content::{Begun, Target, Upload};
use registry::{Farewells, Options, Registries, Repository};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::script::{Act, End, Script, Seen, answer, blob, lend};

const DATA: &[u8] = b"0123456789";
const LIMIT: Duration = Duration::from_secs(8);

fn repository(host: &str) -> (Repository, Farewells) {
    let farewells = Farewells::default();
    let registries = Registries::new(Options::default()).unwrap().with_farewells(farewells.clone());
    let credentials = Arc::new(Given(None));
    (registries.repository(&host.parse().unwrap(), "app".parse().unwrap(), credentials), farewells)
}

async fn begin(repository: &Repository) -> Box<dyn Upload> {
    match repository.begin(&blob(DATA), None).await.unwrap() {
        Begun::Upload(upload) => upload,
        other => panic!("{other:?}"),
    }
}

fn session(seen: &Seen, last: Act) -> Act {
    match seen.method.as_str() {
        "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1?_state=x"], ""),
        "DELETE" => last,
        _ => answer(503, &["Retry-After: 100"], ""),
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_cancelled_before_all_is_said() {
    let server = Script::start(|seen, _| session(seen, answer(204, &[], ""))).await;
    let (repository, farewells) = repository(&server.host);
    assert!(farewells.said(Duration::ZERO).await);
    drop(begin(&repository).await);
    assert!(farewells.said(LIMIT).await);
    assert_eq!(server.lines()[1..], ["DELETE /v2/app/blobs/uploads/1?_state=x"]);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_never_answers_is_waited_for_no_longer_than_told() {
    let server = Script::start(|seen, _| {
        let mut silence = answer(204, &[], "").then(End::Hang);
        silence.answer.clear();
        session(seen, silence)
    })
    .await;
    let (repository, farewells) = repository(&server.host);
    drop(begin(&repository).await);
    let start = tokio::time::Instant::now();
    assert!(!farewells.said(Duration::from_secs(3)).await);
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn a_cancellation_does_not_wait_until_a_registry_wants_to_be_asked_again() {
    let server = Script::start(|seen, _| session(seen, answer(204, &[], ""))).await;
    let (repository, farewells) = repository(&server.host);
    let mut upload = begin(&repository).await;
    let fault = upload.send(lend(&blob(DATA), DATA, 3).0).await.unwrap_err();
    assert!(fault.is_momentary(), "{fault}");
    drop(upload);
    assert!(farewells.said(LIMIT).await);
    assert_eq!(server.lines()[2..], ["DELETE /v2/app/blobs/uploads/1?_state=x"]);
}

/// Reads one request without a body, which begins with this line.
async fn expect(stream: &mut TcpStream, line: &str) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.unwrap());
    }
    let seen = String::from_utf8(seen).unwrap();
    assert!(seen.starts_with(line), "{seen}");
}

#[tokio::test]
async fn a_session_that_is_opened_after_everybody_left_is_cancelled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (repository, farewells) = repository(&listener.local_addr().unwrap().to_string());
    let descriptor = blob(DATA);
    let mut beginning = Box::pin(repository.begin(&descriptor, None));
    let mut stream = tokio::select! {
        _ = &mut beginning => panic!("nobody answered yet"),
        accepted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            expect(&mut stream, "POST /v2/app/blobs/uploads/").await;
            stream
        } => accepted,
    };
    drop(beginning);
    assert!(!farewells.said(Duration::ZERO).await);
    let opened = b"HTTP/1.1 202 Accepted\r\nLocation: /v2/app/blobs/uploads/7\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(opened).await.unwrap();
    expect(&mut stream, "DELETE /v2/app/blobs/uploads/7 ").await;
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert!(farewells.said(LIMIT).await);
}
