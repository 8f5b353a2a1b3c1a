//! Conditions of a request: what the client has already (RFC 9110, section 13.1). Content is its digest's for ever.
use http::{HeaderMap, header};
use reference::Digest;

use crate::body::text;

/// The entity tag of content.
pub(crate) fn etag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client has it already, and only asks whether it is still the same.
pub(crate) fn is_known(headers: &HeaderMap, digest: &Digest) -> bool {
    let etag = etag(digest);
    text(headers, &header::IF_NONE_MATCH).is_some_and(|known| {
        let mut known = known.split(',').map(|one| one.trim().trim_start_matches("W/"));
        known.any(|one| one == etag || one == "*")
    })
}

/// Whether a range is meant to be of this content: `If-Range` may name another.
pub(crate) fn is_meant(headers: &HeaderMap, digest: &Digest) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|meant| meant.as_bytes() == etag(digest).as_bytes())
}
