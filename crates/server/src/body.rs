//! Bodies: what answers carry, and how requests are read.
use std::error::Error;

use bytes::Bytes;
use content::Fault;
use futures::{StreamExt as _, stream::BoxStream};
use http::{HeaderMap, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use reference::Digest;

use crate::{condition::etag, error::Refusal, timely::Stalled};

/// The header that names the digest of what is sent.
pub(crate) const DIGEST: header::HeaderName = header::HeaderName::from_static("docker-content-digest");

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Fault>;

/// The errors of request bodies, of whatever transport.
pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn streamed(chunks: BoxStream<'static, Result<Bytes, Fault>>) -> Body {
    StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

/// An answer without a body.
pub(crate) fn answer(status: StatusCode, headers: &[(header::HeaderName, String)]) -> Response<Body> {
    with_headers(Response::new(empty()), status, headers)
}

/// The client has it already.
pub(crate) fn unchanged(digest: &Digest) -> Response<Body> {
    answer(StatusCode::NOT_MODIFIED, &[(header::ETAG, etag(digest)), (DIGEST, digest.to_string())])
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    let bytes = value.to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, bytes.len().to_string()),
    ];
    with_headers(Response::new(full(bytes)), status, &headers)
}

/// Adds status and headers; a value that cannot stand in a header is left out.
pub(crate) fn with_headers(
    mut response: Response<Body>,
    status: StatusCode,
    headers: &[(header::HeaderName, String)],
) -> Response<Body> {
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `Content-Length`, where there is one.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse().ok())
}

/// A whole body of at most `limit` bytes.
pub(crate) async fn read_all<B>(body: B, limit: u64) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let mut body = std::pin::pin!(body);
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(cut)?.into_data() else { continue };
        if (all.len() as u64).saturating_add(chunk.len() as u64) > limit {
            return Err(Refusal::too_large(limit));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.into())
}

/// The request broke off, and nobody will read the answer; or it stalled, and somebody may.
pub(crate) fn cut(error: impl Into<AnyError>) -> Refusal {
    let error: AnyError = error.into();
    tracing::debug!(%error, "a request body broke off");
    if error.is::<Stalled>() {
        let refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, "BLOB_UPLOAD_INVALID", error.to_string());
        // RFC 9110, 15.5.9: the rest of the body is not waited for.
        return refusal.header(header::CONNECTION, "close");
    }
    Refusal::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", "the request body broke off")
}
