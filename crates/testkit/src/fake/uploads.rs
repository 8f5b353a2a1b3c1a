//! Upload sessions of a fake: begun, continued, asked, committed, cancelled.
use bytes::Bytes;
use content::Hasher;
use http::{Method, request::Parts};
use reference::Digest;

use super::{
    answer::Answer,
    api::asked_digest,
    route::{Route, asked},
    shelves::{Session, Shelves},
};

/// POST: a mount, or a new session.
pub(super) fn begin(shelves: &mut Shelves, name: &str, query: &str) -> Answer {
    if let (Some(digest), true) = (asked_digest(query, "mount"), shelves.nature.mounts) {
        let from = asked(query, "from").unwrap_or_default();
        let held = shelves.repositories.get(&from).and_then(|shelf| shelf.blobs.get(&digest)).cloned();
        if let Some(bytes) = held {
            shelves.shelf(name).blobs.insert(digest.clone(), bytes);
            return created(name, &digest);
        }
    }
    shelves.opened += 1;
    let id = format!("u{}", shelves.opened);
    shelves.sessions.insert(id.clone(), Session { name: name.to_owned(), bytes: Vec::new() });
    standing(202, name, &id, 0)
}

/// Everything else, on a session.
pub(super) fn session(shelves: &mut Shelves, parts: &Parts, name: &str, id: &str, body: &Bytes) -> Answer {
    let Some(held) = shelves.sessions.get(id).filter(|session| session.name == name) else {
        return Answer::error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    let offset = held.bytes.len();
    match parts.method {
        Method::GET => standing(204, name, id, offset),
        Method::DELETE => {
            shelves.sessions.remove(id);
            Answer::new(204)
        }
        Method::PATCH | Method::PUT if !continues(parts, offset) => standing(416, name, id, offset),
        Method::PATCH => standing(202, name, id, append(shelves, id, body)),
        Method::PUT => {
            append(shelves, id, body);
            commit(shelves, parts, name, id)
        }
        _ => Answer::error(405, "UNSUPPORTED"),
    }
}

/// What came of a body whose connection broke.
pub(super) fn broken(shelves: &mut Shelves, parts: &Parts, body: &Bytes) {
    let Route::Session { id, .. } = Route::of(parts.uri.path()) else { return };
    let offset = shelves.sessions.get(id).map(|session| session.bytes.len());
    if shelves.nature.keeps_partial && offset.is_some_and(|offset| continues(parts, offset)) {
        append(shelves, id, body);
    }
}

fn append(shelves: &mut Shelves, id: &str, body: &Bytes) -> usize {
    let Some(session) = shelves.sessions.get_mut(id) else { return 0 };
    session.bytes.extend_from_slice(body);
    session.bytes.len()
}

fn commit(shelves: &mut Shelves, parts: &Parts, name: &str, id: &str) -> Answer {
    let Some(digest) = asked_digest(parts.uri.query().unwrap_or_default(), "digest") else {
        return Answer::error(400, "DIGEST_INVALID");
    };
    let Some(session) = shelves.sessions.remove(id) else {
        return Answer::error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    let bytes = Bytes::from(session.bytes);
    if shelves.nature.checks_digests && Hasher::digest(digest.algorithm(), &bytes) != digest {
        return Answer::error(400, "DIGEST_INVALID");
    }
    shelves.shelf(name).blobs.insert(digest.clone(), bytes);
    created(name, &digest)
}

fn created(name: &str, digest: &Digest) -> Answer {
    Answer::new(201)
        .with("Location", format!("/v2/{name}/blobs/{digest}"))
        .with("Docker-Content-Digest", digest.to_string())
}

/// Where a session stands. An empty one is told as `0-0`, which is what registries do.
fn standing(status: u16, name: &str, id: &str, offset: usize) -> Answer {
    Answer::new(status)
        .with("Location", format!("/v2/{name}/blobs/uploads/{id}"))
        .with("Docker-Upload-UUID", id)
        .with("Range", format!("0-{}", offset.saturating_sub(1)))
}

/// Whether a body begins where the session stands; without a `Content-Range` it does.
fn continues(parts: &Parts, offset: usize) -> bool {
    let Some(value) = parts.headers.get("content-range").and_then(|value| value.to_str().ok()) else {
        return true;
    };
    value.split_once('-').and_then(|(first, _)| first.parse().ok()) == Some(offset)
}
