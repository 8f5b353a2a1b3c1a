//! The distribution API over the shelves: one request, one honest answer.
use bytes::Bytes;
use http::{Method, request::Parts};
use reference::Digest;
use serde_json::json;

use super::{
    answer::Answer,
    mishap::Misrange,
    route::{Route, asked},
    shelves::Shelves,
};

/// What the shelves answer to a request with this body, which came whole.
pub(super) fn answer(
    shelves: &mut Shelves,
    parts: &Parts,
    body: &Bytes,
    misrange: Option<Misrange>,
) -> Answer {
    let query = parts.uri.query().unwrap_or_default();
    match Route::of(parts.uri.path()) {
        Route::Door => Answer::new(200).body("{}"),
        Route::Blob { name, digest } => blob(shelves, parts, name, &digest, misrange),
        Route::Uploads { name } if parts.method == Method::POST => {
            super::uploads::begin(shelves, name, query)
        }
        Route::Session { name, id } => super::uploads::session(shelves, parts, name, id, body),
        Route::Manifest { name, reference } => match parts.method {
            Method::GET | Method::HEAD => read_manifest(shelves, name, reference),
            Method::PUT => put_manifest(shelves, parts, name, reference, body),
            _ => Answer::error(405, "UNSUPPORTED"),
        },
        Route::Tags { name } => {
            let tags: Vec<_> = shelves.shelf(name).tags.keys().cloned().collect();
            Answer::new(200)
                .with("Content-Type", "application/json")
                .body(json!({"name": name, "tags": tags}).to_string())
        }
        Route::Uploads { .. } => Answer::error(405, "UNSUPPORTED"),
        Route::Token | Route::Unknown => Answer::error(404, "NOT_FOUND"),
    }
}

fn blob(
    shelves: &mut Shelves,
    parts: &Parts,
    name: &str,
    digest: &Digest,
    misrange: Option<Misrange>,
) -> Answer {
    let bytes = shelves.repositories.get(name).and_then(|shelf| shelf.blobs.get(digest)).cloned();
    let Some(bytes) = bytes else { return Answer::error(404, "BLOB_UNKNOWN") };
    let found = Answer::new(200)
        .with("Content-Type", "application/octet-stream")
        .with("Docker-Content-Digest", digest.to_string());
    let size = bytes.len() as u64;
    match asked_range(parts, size).filter(|_| parts.method == Method::GET) {
        None => found.body(bytes),
        Some(_) if misrange == Some(Misrange::Whole) => found.body(bytes),
        Some(_) if misrange == Some(Misrange::Unsatisfiable) => Answer::error(416, "RANGE_INVALID"),
        Some((first, last)) if first > last => {
            Answer::error(416, "RANGE_INVALID").with("Content-Range", format!("bytes */{size}"))
        }
        Some(range) => part(found, &bytes, range, misrange),
    }
}

/// 206, and what of it is true.
fn part(found: Answer, bytes: &Bytes, range: (u64, u64), misrange: Option<Misrange>) -> Answer {
    let (first, last) = range;
    let size = bytes.len() as u64;
    let elsewhere = if first > 0 { first - 1 } else { (first + 1).min(last) };
    let (from, to) = match misrange {
        Some(Misrange::Elsewhere | Misrange::Liar) => (elsewhere, last),
        Some(Misrange::Short) => (first, first + (last - first) / 2),
        _ => range,
    };
    let said = match misrange {
        Some(Misrange::Liar) => Some(format!("bytes {first}-{last}/{size}")),
        Some(Misrange::Unsaid) => None,
        Some(Misrange::Gibberish) => Some("bytes from here to there".to_owned()),
        _ => Some(format!("bytes {from}-{to}/{size}")),
    };
    let mut body = bytes.slice(index(from)..=index(to));
    if misrange == Some(Misrange::Liar) {
        // As long as it says.
        let length = index(last - first + 1);
        let mut padded = body.to_vec();
        padded.resize(length, 0);
        body = padded.into();
    }
    let answer = Answer { status: 206, ..found }.body(body);
    match said {
        Some(said) => answer.with("Content-Range", said),
        None => answer,
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// First and last byte that a `Range` asks for; the first lies beyond the last when there is no such byte.
fn asked_range(parts: &Parts, size: u64) -> Option<(u64, u64)> {
    let value = parts.headers.get("range")?.to_str().ok()?;
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    if first >= size {
        return Some((1, 0));
    }
    let last = last.parse().map_or(size - 1, |last: u64| last.min(size - 1));
    Some((first, last))
}

fn read_manifest(shelves: &Shelves, name: &str, reference: &str) -> Answer {
    match shelves.document(name, reference) {
        None => Answer::error(404, "MANIFEST_UNKNOWN"),
        Some((digest, document)) => Answer::new(200)
            .with("Content-Type", document.media_type)
            .with("Docker-Content-Digest", digest.to_string())
            .body(document.bytes),
    }
}

fn put_manifest(shelves: &mut Shelves, parts: &Parts, name: &str, reference: &str, body: &Bytes) -> Answer {
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let by_digest = reference.parse::<Digest>().ok();
    let algorithm = by_digest.as_ref().map_or(reference::Algorithm::Sha256, Digest::algorithm);
    let actual = content::Hasher::digest(algorithm, body);
    if by_digest.as_ref().is_some_and(|said| *said != actual) && shelves.nature.checks_digests {
        return Answer::error(400, "DIGEST_INVALID");
    }
    let torn = !shelves.missing(name, body).is_empty();
    if torn && shelves.nature.checks_parts {
        return Answer::error(404, "MANIFEST_BLOB_UNKNOWN");
    }
    let digest = by_digest.clone().unwrap_or(actual);
    if torn {
        shelves.torn.push(digest.clone());
    }
    let media_type = header("content-type").unwrap_or_default();
    let referrers = shelves.nature.referrers;
    let shelf = shelves.shelf(name);
    shelf.manifests.insert(digest.clone(), super::shelves::Document { media_type, bytes: body.clone() });
    if by_digest.is_none() {
        shelf.tags.insert(reference.to_owned(), digest.clone());
    }
    let answer = Answer::new(201)
        .with("Location", format!("/v2/{name}/manifests/{digest}"))
        .with("Docker-Content-Digest", digest.to_string());
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match value["subject"]["digest"].as_str() {
        Some(subject) if referrers => answer.with("OCI-Subject", subject),
        _ => answer,
    }
}

/// The digest that a query names.
pub(super) fn asked_digest(query: &str, key: &str) -> Option<Digest> {
    asked(query, key)?.parse().ok()
}
