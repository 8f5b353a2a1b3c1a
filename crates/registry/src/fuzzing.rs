//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use auth::Origin;
use content::{Fault, Step};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use reference::Digest;
use url::Url;

use crate::{content_range::ContentRange, location::SessionUrl, refusal::Refusal, veil::Veil, wire::Reply};

/// First byte, last byte and total size of a `Content-Range`.
pub fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    ContentRange::parse(text).map(|range| (range.first, range.last, range.total))
}

/// How many bytes an upload holds, from the `Range` of its status.
pub fn held(text: &str) -> Option<u64> {
    crate::content_range::held(text)
}

/// The line, and the fault, that an answer with this status and body stands for.
pub fn refusal(status: StatusCode, body: &[u8], html: bool) -> (String, Fault) {
    let refusal = Refusal::parse(status, body, html, &Veil::default());
    (refusal.words(), refusal.fault(Step::ReadBlob))
}

/// A server's text, made fit to be shown.
pub fn shown(text: &str) -> String {
    crate::text::shown(text)
}

/// Where an upload goes on that `location` names, whether credentials go along, and where it is committed.
pub fn session(
    location: HeaderValue,
    base: &Url,
    own: bool,
    registry: &Origin,
    digest: &Digest,
) -> Result<(Url, bool, Url), Fault> {
    let headers = HeaderMap::from_iter([(http::header::LOCATION, location)]);
    let body = stream::empty().boxed();
    let reply =
        Reply { status: StatusCode::ACCEPTED, headers, body, elsewhere: false, veil: Veil::default() };
    let session = SessionUrl::of(&reply, base, own, registry, Step::BeginUpload)?;
    let committing = session.committing(digest);
    Ok((session.url, session.own, committing))
}

/// The host of a proxy's URL.
pub fn proxy_host(text: &str) -> Option<String> {
    crate::names::proxy_host(text)
}
