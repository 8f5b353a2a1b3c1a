//! The answers, over HTTP/1.1.
use std::{collections::VecDeque, convert::Infallible, io, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::Board;

/// How many may ask at a time. For one more, whoever has been asking for longest makes room: who says nothing, or does
/// not read, keeps no probe away.
const CONNECTIONS: usize = 32;
/// How long a request and its answer may take together. A connection has no second one.
const LONGEST: Duration = Duration::from_secs(10);
/// How long the head of a request may be.
const HEAD: usize = 16 * 1024;
/// After an error that another connection may meet as well, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers whoever asks, for ever: `/healthz`, `/readyz` and `/metrics`.
pub async fn answer(listener: TcpListener, board: Board) -> Infallible {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(why) => {
                pause(&why).await;
                continue;
            }
        };
        open.retain(|one| !one.is_finished());
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(serve(stream, board.clone())).abort_handle());
    }
}

async fn pause(why: &io::Error) {
    tracing::warn!("nobody can ask for figures just now: {why}");
    sleep(PAUSE).await;
}

async fn serve(stream: TcpStream, board: Board) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), &board);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    builder.keep_alive(false).max_buf_size(HEAD).header_read_timeout(None);
    // Who breaks off, or takes too long, is gone.
    drop(timeout(LONGEST, builder.serve_connection(TokioIo::new(stream), service)).await);
}

fn respond(method: &Method, path: &str, board: &Board) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" if board.is_ready() => text(StatusCode::OK, "ready\n".to_owned()),
        "/readyz" => {
            text(StatusCode::SERVICE_UNAVAILABLE, "no run is over, or the last one failed\n".to_owned())
        }
        "/metrics" => text(StatusCode::OK, board.text()),
        _ => text(StatusCode::NOT_FOUND, "/healthz, /readyz and /metrics are here\n".to_owned()),
    }
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::JoinHandle,
    };

    use super::*;
    use crate::{End, Round};

    async fn start(board: &Board) -> (SocketAddr, JoinHandle<Infallible>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (address, tokio::spawn(answer(listener, board.clone())))
    }

    /// What is answered until the end; nothing to somebody who is left.
    async fn tell(mut stream: TcpStream, words: &str) -> String {
        let words = format!("{words} HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut said = String::new();
        if stream.write_all(words.as_bytes()).await.is_ok() {
            drop(stream.read_to_string(&mut said).await);
        }
        said
    }

    async fn ask(board: &Board, words: &str) -> String {
        let (address, answering) = start(board).await;
        let said = tell(TcpStream::connect(address).await.unwrap(), words).await;
        answering.abort();
        said
    }

    #[tokio::test]
    async fn health_readiness_and_figures_are_told() {
        let board = Board::default();
        assert!(ask(&board, "GET /healthz").await.starts_with("HTTP/1.1 200"));
        assert!(ask(&board, "GET /readyz").await.starts_with("HTTP/1.1 503"));
        board.end(&Round { end: End::Done, ..Round::default() });
        assert!(ask(&board, "GET /readyz?x=1").await.starts_with("HTTP/1.1 200"));
        let figures = ask(&board, "GET /metrics").await;
        assert!(figures.contains("content-type: text/plain; version=0.0.4"), "{figures}");
        assert!(figures.contains("\ntransship_mirror_runs_total{result=\"done\"} 1\n"), "{figures}");
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let board = Board::default();
        assert!(ask(&board, "GET /").await.starts_with("HTTP/1.1 404"));
        assert!(ask(&board, "GET /metrics/../etc").await.starts_with("HTTP/1.1 404"));
        let refused = ask(&board, "POST /metrics").await;
        assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("allow: GET, HEAD"), "{refused}");
        assert!(ask(&board, "nonsense").await.starts_with("HTTP/1.1 400"));
    }

    #[tokio::test]
    async fn a_probe_is_answered_though_more_clients_than_there_are_places_say_nothing() {
        let (address, answering) = start(&Board::default()).await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        assert!(tell(TcpStream::connect(address).await.unwrap(), "GET /healthz").await.contains(" 200 "));
        // Room is made by the one that had longest to say something, and by nobody else.
        for stream in silent.drain(1..) {
            assert!(tell(stream, "GET /healthz").await.contains(" 200 "));
        }
        let first = silent.remove(0);
        assert_eq!(tell(first, "GET /healthz").await, "");
        answering.abort();
    }

    #[tokio::test]
    async fn a_head_that_is_too_long_is_refused() {
        let long = format!("GET /metrics HTTP/1.1\r\nx: {}", "x".repeat(HEAD));
        assert!(ask(&Board::default(), &long).await.starts_with("HTTP/1.1 431"));
    }
}
