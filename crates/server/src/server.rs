//! The server: from a request to the room that answers it, and from a socket to requests.
use std::{
    convert::Infallible,
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use layout::Layout;
use reference::RepositoryName;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    blobs,
    body::{self, AnyError, Body},
    error::Refusal,
    links::Links,
    manifests, names,
    query::Query,
    referrers,
    rooms::Rooms,
    routes::Route,
    sessions::Sessions,
    tags,
    timely::Timely,
    uploads,
};

const API: HeaderName = HeaderName::from_static("docker-distribution-api-version");
/// How long requests under way may take once the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the headers of a request may take.
const HEADERS: Duration = Duration::from_secs(30);

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether pushing and deleting are allowed.
    pub writable: bool,
    /// The repository of entries that name none; without it, the name of the layout's directory.
    pub repository: Option<RepositoryName>,
    /// Whether manifests may be pushed whose parts are not there.
    pub sparse: bool,
    /// The most uploads that may be open at once.
    pub max_uploads: usize,
    /// After how long an upload that nobody goes on with is forgotten.
    pub upload_idle: Duration,
    /// How long a client may keep silent in the middle of a body before it is answered 408; `None` is for ever.
    pub body_idle: Option<Duration>,
    /// How long a new connection may take to bring the head of its first request.
    pub greeting: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            writable: true,
            repository: None,
            sparse: false,
            max_uploads: 1000,
            upload_idle: Duration::from_secs(60 * 60),
            body_idle: Some(Duration::from_secs(60)),
            greeting: HEADERS,
        }
    }
}

/// A registry over a layout. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Server(Arc<Rooms>);

impl Server {
    /// A server over `layout`. Others may read and write the layout at the same time.
    pub fn new(layout: Layout, options: Options) -> Self {
        let fallback = options.repository.or_else(|| names::named_after(layout.root()));
        Self(Arc::new(Rooms {
            links: Links::new(layout, fallback),
            sessions: Sessions::new(options.max_uploads, options.upload_idle),
            sparse: options.sparse,
            writable: options.writable,
            body_idle: options.body_idle,
            greeting: options.greeting,
        }))
    }

    /// Answers one request. Failures are answers too.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<AnyError>,
    {
        let request = request.map(|body| Timely::new(body, self.0.body_idle));
        let answered = self.0.answer(request).await;
        let mut response = answered.unwrap_or_else(Refusal::into_response);
        response.headers_mut().insert(API, HeaderValue::from_static("registry/2.0"));
        response
    }

    /// Answers what comes in over `listener`, HTTP/1.1 and HTTP/2 alike, until `shutdown` is done; then requests
    /// under way have 10 seconds.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let graceful = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.converse(stream, &graceful),
                    Err(error) if is_of_one_connection(&error) => {}
                    // Out of file descriptors, most likely: some will be given back.
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
            tracing::debug!("some requests were cut off at shutdown");
        }
        Ok(())
    }

    fn converse(&self, stream: TcpStream, graceful: &GracefulShutdown) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let (server, greeting) = (self.clone(), self.0.greeting);
        let greeted = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&greeted);
        let service = service_fn(move |request: Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.handle(request).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(HEADERS))
            .keep_alive_timeout(HEADERS);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        // The HTTP stack's own timers start once it knows the version, which takes a first word from the client.
        let silence = async move {
            tokio::time::sleep(greeting).await;
            if greeted.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                ended = watched => if let Err(error) = ended {
                    tracing::debug!(error, "a connection broke off");
                },
                () = silence => tracing::debug!("a connection brought no request"),
            }
        });
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl Rooms {
    async fn answer<B>(&self, request: Request<B>) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<AnyError>,
    {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        if !reads && !self.writable {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let refusal = Refusal::new(status, "UNSUPPORTED", "this registry is read-only");
            return Err(refusal.header(header::ALLOW, "GET, HEAD"));
        }
        match Route::parse(request.uri().path())? {
            Route::Blob(repository, blob) => {
                blobs::handle(self, &repository, &blob, (request.method(), request.headers())).await
            }
            Route::Manifest(repository, pointer) => {
                manifests::handle(self, &repository, &pointer, request).await
            }
            Route::Uploads(repository) if *request.method() == Method::POST => {
                uploads::start(self, &repository, request).await
            }
            Route::Upload(repository, id) => uploads::go_on(self, &repository, &id, request).await,
            Route::Base if reads => Ok(body::json(StatusCode::OK, &serde_json::json!({}))),
            Route::Tags(repository) if reads => tags::list(self, &repository, &Query::of(&request)).await,
            Route::Referrers(repository, subject) if reads => {
                referrers::list(self, &repository, &subject, &Query::of(&request)).await
            }
            _ => Err(Refusal::method()),
        }
    }
}
