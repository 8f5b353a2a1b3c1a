//! Connections: from a socket to requests.
use std::{convert::Infallible, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
    time::timeout,
};

use crate::{
    access::{Visit, follow},
    asking::Asking,
    patient::Patient,
    server::Server,
};

/// How long requests under way may take once the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the headers of a request may take, and a connection may be kept on which nothing is asked.
pub(crate) const HEADERS: Duration = Duration::from_secs(30);
/// How long the head of a request may be, and about how much of an answer waits to be sent.
const HEAD: usize = 64 * 1024;
/// The same in HTTP/2, where heads are packed.
const HEAD_PACKED: u32 = 32 * 1024;
/// How many requests may be under way on one connection of HTTP/2.
const STREAMS: u32 = 64;

impl Server {
    /// Answers what comes in over `listener`, HTTP/1.1 and HTTP/2 alike, until `shutdown` is done; then requests
    /// under way have 10 seconds.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            // Before anybody is let in: who waits for a place, waits in the queue that the system keeps.
            let seat = self.seat();
            let next = async { (seat.await, listener.accept().await) };
            tokio::select! {
                () = &mut shutdown => break,
                (seat, accepted) = next => match accepted {
                    Ok((stream, peer)) => self.welcome(stream, peer, (graceful.watcher(), seat)),
                    Err(error) if is_of_one_connection(&error) => {}
                    // Out of file descriptors, most likely: some will be given back.
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        // Whoever connects now is to hear at once that nobody answers.
        drop(listener);
        if timeout(FAREWELL, graceful.shutdown()).await.is_err() {
            tracing::debug!("some requests were cut off at shutdown");
        }
        Ok(())
    }

    /// A place for one more connection. There is one as soon as another ends.
    async fn seat(&self) -> Option<OwnedSemaphorePermit> {
        let connections = &self.0.connections;
        if connections.available_permits() == 0 {
            tracing::debug!("as many connections are open as may be; the next one waits");
        }
        Arc::clone(connections).acquire_owned().await.ok()
    }

    fn welcome(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        (watcher, seat): (Watcher, Option<OwnedSemaphorePermit>),
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let server = self.clone();
        let stream = Patient::new(stream, self.0.send_idle);
        tokio::spawn(async move {
            let _until_it_ends = seat;
            let Some(tls) = &server.0.tls else { return server.converse(stream, peer, watcher).await };
            match timeout(server.0.quiet, tls.acceptor().accept(stream)).await {
                Ok(Ok(stream)) => server.converse(stream, peer, watcher).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS with a client"),
                Err(_) => tracing::debug!(%peer, "a client did not finish its TLS handshake"),
            }
        });
    }

    async fn converse<S>(&self, stream: S, peer: SocketAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (server, asking) = (self.clone(), Asking::new());
        let asked = asking.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (server, under_way) = (server.clone(), asked.begins(request.version()));
            async move {
                let visit = Visit::of(&request, peer);
                Ok::<_, Infallible>(follow(server.handle(request).await, visit, under_way))
            }
        });
        let connection = builder().serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::select! {
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%peer, error, "a connection broke off");
            },
            () = asking.silence(self.0.quiet) => tracing::debug!(%peer, "a connection brings no requests"),
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(HEADERS))
        .keep_alive_timeout(HEADERS)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_PACKED)
        .max_send_buf_size(HEAD);
    builder
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
