//! A server on loopback, on a thread and a runtime of its own, so that tests may block.
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use rustls::ServerConfig;
use tokio::{net::TcpStream, sync::oneshot};
use tokio_rustls::TlsAcceptor;

use crate::body::{Body, Cut};

/// What answers; an error cuts the connection.
pub(crate) type Handler =
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Result<Response<Body>, Cut>> + Send + Sync>;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Loopback {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A port on 127.0.0.1 that is taken but does not answer yet: a server may have to know its address first.
#[derive(Debug)]
pub(crate) struct Reserved(TcpListener);

impl Reserved {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("the address of a bound port")
    }

    /// Answers from now on.
    pub(crate) fn serve(self, tls: Option<Arc<ServerConfig>>, handler: Handler) -> Loopback {
        let address = self.address();
        let (stop, stopped) = oneshot::channel();
        let connections = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&connections);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                tokio::select! {
                    () = accept(self.0, tls, handler, &counter) => {}
                    _ = stopped => {}
                }
            });
        });
        Loopback { address, connections, stop: Some(stop), thread: Some(thread) }
    }
}

impl Loopback {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported where it happened.
            drop(thread.join());
        }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    handler: Handler,
    connections: &AtomicUsize,
) {
    listener.set_nonblocking(true).expect("a socket that does not block");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of this runtime");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.fetch_add(1, Ordering::Relaxed);
        drop(stream.set_nodelay(true));
        tokio::spawn(converse(stream, tls.clone(), Arc::clone(&handler)));
    }
}

/// One connection, to its end. What breaks it is the test's doing, or is seen on the other side.
async fn converse(stream: TcpStream, tls: Option<Arc<ServerConfig>>, handler: Handler) {
    let service = service_fn(move |request| handler(request));
    let builder = Builder::new(TokioExecutor::new());
    match tls {
        None => drop(builder.serve_connection(TokioIo::new(stream), service).await),
        Some(config) => {
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            }
        }
    }
}
