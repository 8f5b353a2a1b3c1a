//! The answers, over HTTP/1.1.
use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::Board;

/// How many may ask at a time; others wait.
const CONNECTIONS: usize = 32;
/// How long a connection may last: who watches asks again.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a request may take to arrive.
const HEADERS: Duration = Duration::from_secs(10);
/// After an error that another connection may meet as well, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers whoever asks, for ever: `/healthz`, `/readyz` and `/metrics`.
pub async fn answer(listener: TcpListener, board: Board) -> Infallible {
    let turns = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed.
        let turn = Arc::clone(&turns).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                let board = board.clone();
                tokio::spawn(async move {
                    serve(stream, board).await;
                    drop(turn);
                });
            }
            Err(why) => pause(&why).await,
        }
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
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    // Who breaks off, or takes too long, is gone.
    drop(timeout(LONGEST, builder.serve_connection(TokioIo::new(stream), service)).await);
}

fn respond(method: &Method, path: &str, board: &Board) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
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
    let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::{End, Round};

    async fn ask(board: &Board, words: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answering = tokio::spawn(answer(listener, board.clone()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let words = format!("{words} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(words.as_bytes()).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
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
        assert!(ask(&board, "POST /metrics").await.starts_with("HTTP/1.1 405"));
        assert!(ask(&board, "nonsense").await.starts_with("HTTP/1.1 400"));
    }
}
