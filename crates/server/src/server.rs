//! The server: from a request to the room that answers it.
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use content::Fault;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use layout::Layout;
use reference::RepositoryName;
use tokio::sync::Semaphore;

use crate::{
    access::Visitor,
    blobs,
    body::{self, AnyError, Body},
    catalog,
    connection::HEADERS,
    error::Refusal,
    gate::Gate,
    homes::Homes,
    htpasswd::Htpasswd,
    links::Links,
    load::Load,
    manifests,
    query::Query,
    referrers,
    rooms::Rooms,
    routes::Route,
    sessions::Sessions,
    survey::Survey,
    tags,
    timely::Timely,
    tls::Tls,
    uploads,
};

const API: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether pushing and deleting are allowed.
    pub writable: bool,
    /// The repository of entries that name none; without it, one named after the layout's directory or file.
    pub repository: Option<RepositoryName>,
    /// Whether manifests may be pushed whose parts are not there.
    pub sparse: bool,
    /// The most uploads that may be open at once.
    pub max_uploads: usize,
    /// The most connections that may be open at once; whoever comes then waits until one is given back.
    pub max_connections: usize,
    /// After how long an upload that nobody goes on with is forgotten.
    pub upload_idle: Duration,
    /// How long a client may keep silent in the middle of a body before it is answered 408; `None` is for ever.
    pub body_idle: Option<Duration>,
    /// How long a connection may bring no requests: the first one, and others after it where it speaks HTTP/2. Between
    /// requests of HTTP/1.1 it is 30 seconds.
    pub quiet: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub send_idle: Duration,
    /// Speaks TLS, and nothing else.
    pub tls: Option<Tls>,
    /// Lets in nobody but these.
    pub htpasswd: Option<Htpasswd>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            writable: true,
            repository: None,
            sparse: false,
            max_uploads: 1000,
            max_connections: 256,
            upload_idle: Duration::from_secs(60 * 60),
            body_idle: Some(Duration::from_secs(60)),
            quiet: HEADERS,
            send_idle: Duration::from_secs(60),
            tls: None,
            htpasswd: None,
        }
    }
}

/// A registry over layouts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Server(pub(crate) Arc<Rooms>);

impl Server {
    /// A server over `layout`. Others may read and write the layout at the same time.
    pub fn new(layout: Layout, options: Options) -> Self {
        Self::over(vec![layout], options)
    }

    /// A server over several layouts, as one registry: a repository has the tags of all of them, and of a tag that
    /// stands for different manifests the first one's counts. Content is looked for in all of them. Only where there
    /// is one layout, and it is a directory, can anything be written.
    pub fn over(layouts: Vec<Layout>, options: Options) -> Self {
        let homes = Homes::new(layouts, options.repository.as_ref());
        Self(Arc::new(Rooms {
            writable: options.writable && homes.only().is_some_and(|home| home.layout.is_writable()),
            links: Links::new(homes),
            sessions: Sessions::new(options.max_uploads, options.upload_idle),
            load: Load::default(),
            connections: Arc::new(Semaphore::new(options.max_connections)),
            gate: options.htpasswd.as_ref().map(Gate::new),
            sparse: options.sparse,
            body_idle: options.body_idle,
            quiet: options.quiet,
            send_idle: options.send_idle,
            tls: options.tls,
        }))
    }

    /// What there is to serve, and what of the layouts cannot be served.
    ///
    /// # Errors
    /// When a layout cannot be read.
    pub async fn survey(&self) -> Result<Survey, Fault> {
        let links = &self.0.links;
        Survey::of(links.homes(), &*links.table().await?)
    }

    /// Answers one request. Failures are answers too.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<AnyError>,
    {
        let looks_only = *request.method() == Method::HEAD;
        let request = request.map(|body| Timely::new(body, self.0.body_idle));
        let answered = self.0.answer(request).await;
        let mut response = answered.unwrap_or_else(Refusal::into_response);
        response.headers_mut().insert(API, HeaderValue::from_static("registry/2.0"));
        if looks_only { response.map(|_| body::empty()) } else { response }
    }
}

impl Rooms {
    async fn answer<B>(&self, request: Request<B>) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<AnyError>,
    {
        let Some(gate) = &self.gate else { return self.route(request).await };
        let visitor = Visitor(gate.admit(request.headers()).await?);
        let mut response = self.route(request).await.unwrap_or_else(Refusal::into_response);
        response.extensions_mut().insert(visitor);
        Ok(response)
    }

    async fn route<B>(&self, request: Request<B>) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<AnyError>,
    {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        if !reads && !self.writable {
            return Err(Refusal::read_only());
        }
        let list = Refusal::method("GET, HEAD");
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
            Route::Uploads(_) => Err(Refusal::method("POST")),
            Route::Upload(repository, id) => uploads::go_on(self, &repository, &id, request).await,
            _ if !reads => Err(list),
            Route::Base => Ok(body::json(StatusCode::OK, &serde_json::json!({}))),
            Route::Catalog => catalog::list(self, &Query::of(&request)).await,
            Route::Tags(repository) => tags::list(self, &repository, &Query::of(&request)).await,
            Route::Referrers(repository, subject) => {
                referrers::list(self, &repository, &subject, &Query::of(&request)).await
            }
        }
    }
}
