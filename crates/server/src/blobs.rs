//! Blobs: pulling and deleting them (distribution-spec, "Pulling blobs", "Deleting Blobs"; end-2, end-10).
use http::{HeaderMap, Method, Response, StatusCode, header};
use reference::{Digest, RepositoryName};

use crate::{
    body::{self, Body, DIGEST, answer, text, unchanged},
    condition::{self, etag},
    error::Refusal,
    range::Wanted,
    rooms::Rooms,
};

pub(crate) async fn handle(
    rooms: &Rooms,
    repository: &RepositoryName,
    blob: &Digest,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Response<Body>, Refusal> {
    if ![Method::GET, Method::HEAD, Method::DELETE].contains(method) {
        return Err(Refusal::method("GET, HEAD, DELETE"));
    }
    let shown = rooms.links.has_blob(repository, blob).await?;
    let size = if shown { rooms.links.homes().size(blob)? } else { None };
    let Some(size) = size else {
        return Err(unknown(blob));
    };
    if *method == Method::DELETE {
        rooms.links.unlink(repository, blob);
        return Ok(answer(StatusCode::ACCEPTED, &[(header::CONTENT_LENGTH, "0".into())]));
    }
    read(rooms, blob, size, (method, headers)).await
}

async fn read(
    rooms: &Rooms,
    blob: &Digest,
    size: u64,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Response<Body>, Refusal> {
    if condition::is_known(headers, blob) {
        return Ok(unchanged(blob));
    }
    // Ranges are defined for GET alone (RFC 9110, section 14.2).
    let ranged = *method == Method::GET && condition::is_meant(headers, blob);
    let range = if ranged { text(headers, &header::RANGE) } else { None };
    let (status, span) = match Wanted::parse(range, size) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(span) => (StatusCode::PARTIAL_CONTENT, span),
        Wanted::Nothing => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            return Err(Refusal::new(status, "SIZE_INVALID", "the blob has no such bytes")
                .header(header::CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let mut answer = vec![
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, span.end.saturating_sub(span.start).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, etag(blob)),
        (DIGEST, blob.to_string()),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        let last = span.end.saturating_sub(1);
        answer.push((header::CONTENT_RANGE, format!("bytes {}-{last}/{size}", span.start)));
    }
    let content = if *method == Method::HEAD {
        body::empty()
    } else {
        let opened =
            rooms.links.homes().open(blob, span.start, span.end).await?.ok_or_else(|| unknown(blob))?;
        let sending = rooms.load.begin();
        body::streamed(opened.into_chunks_of(move || sending.chunk()))
    };
    Ok(body::with_headers(Response::new(content), status, &answer))
}

fn unknown(blob: &Digest) -> Refusal {
    let detail = serde_json::json!({"digest": blob.to_string()});
    Refusal::unknown("BLOB_UNKNOWN", "the repository has no such blob").detail(detail)
}
