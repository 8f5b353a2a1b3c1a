//! The access log: one line for each request, once its answer has been sent, or nobody listens any more.
use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use content::Fault;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

use crate::{asking::UnderWay, body::Body};

/// Who asked; found among the extensions of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Visitor(pub(crate) String);

/// One request, told when it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    peer: SocketAddr,
    method: String,
    path: String,
    began: Instant,
    user: Option<String>,
    status: u16,
    bytes: u64,
}

impl Visit {
    /// `None` where nobody reads the log.
    pub(crate) fn of<B>(request: &Request<B>, peer: SocketAddr) -> Option<Self> {
        if !tracing::enabled!(tracing::Level::INFO) {
            return None;
        }
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        Some(Self {
            peer,
            method: request.method().to_string(),
            path: path.to_owned(),
            began: Instant::now(),
            user: None,
            status: 0,
            bytes: 0,
        })
    }

    fn is_answered(&mut self, response: &Response<Body>) {
        self.status = response.status().as_u16();
        self.user = response.extensions().get::<Visitor>().map(|visitor| visitor.0.clone());
    }
}

/// The same answer; the request is under way until all of it was taken, and its bytes are counted for the log.
pub(crate) fn follow(
    response: Response<Body>,
    mut visit: Option<Visit>,
    under_way: UnderWay,
) -> Response<Body> {
    if let Some(visit) = &mut visit {
        visit.is_answered(&response);
    }
    response.map(|body| Followed { body, visit, _under_way: under_way }.boxed_unsync())
}

impl Drop for Visit {
    fn drop(&mut self) {
        let (peer, method, path) = (self.peer, self.method.as_str(), self.path.as_str());
        let (user, status, bytes) = (self.user.as_deref().unwrap_or("-"), self.status, self.bytes);
        let milliseconds = self.began.elapsed().as_millis();
        tracing::info!(%peer, user, method, path, status, bytes, milliseconds, "served");
    }
}

struct Followed {
    body: Body,
    visit: Option<Visit>,
    _under_way: UnderWay,
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let (Poll::Ready(Some(Ok(frame))), Some(visit)) = (&polled, &mut self.visit) {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            visit.bytes = visit.bytes.saturating_add(length);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
