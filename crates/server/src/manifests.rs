//! Manifests: pulling, pushing and deleting them (distribution-spec, "Pulling manifests", "Pushing Manifests",
//! "Deleting tags", "Deleting Manifests"; end-3, end-7, end-9).
use bytes::Bytes;
use content::{FaultKind, Hasher, MAX_MANIFEST_BYTES, Manifest, Role};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header};
use reference::{RepositoryName, Tag};
use serde_json::json;

use crate::{
    body::{self, AnyError, Body, DIGEST, answer, content_length, text, unchanged},
    condition::{self, etag},
    error::Refusal,
    facts,
    query::Query,
    rooms::Rooms,
    routes::Pointer,
};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
/// The most tags that one push may set.
const MAX_TAGS: usize = 100;

pub(crate) async fn handle<B>(
    rooms: &Rooms,
    repository: &RepositoryName,
    pointer: &Pointer,
    request: Request<B>,
) -> Result<Response<Body>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    match *request.method() {
        Method::GET | Method::HEAD => {
            pull(rooms, repository, pointer, (request.method(), request.headers())).await
        }
        Method::PUT => push(rooms, repository, pointer, request).await,
        Method::DELETE => delete(rooms, repository, pointer).await,
        _ => Err(Refusal::method("GET, HEAD, PUT, DELETE")),
    }
}

/// `Accept` is not asked: a manifest is what it is, and there is no other form of it to give.
async fn pull(
    rooms: &Rooms,
    repository: &RepositoryName,
    pointer: &Pointer,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Response<Body>, Refusal> {
    let found = match pointer {
        Pointer::Tag(tag) => rooms.links.by_tag(repository, tag).await?,
        Pointer::Digest(digest) => rooms.links.by_digest(repository, digest).await?,
    };
    let descriptor = found.ok_or_else(unknown)?;
    let homes = rooms.links.homes();
    let size = homes.size(&descriptor.digest)?.ok_or_else(unknown)?;
    if condition::is_known(headers, &descriptor.digest) {
        return Ok(unchanged(&descriptor.digest));
    }
    let headers = [
        (header::CONTENT_TYPE, descriptor.media_type.to_string()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::ETAG, etag(&descriptor.digest)),
        (DIGEST, descriptor.digest.to_string()),
    ];
    let content = if *method == Method::HEAD {
        body::empty()
    } else {
        body::full(homes.read(&descriptor.digest, MAX_MANIFEST_BYTES).await?.ok_or_else(unknown)?)
    };
    Ok(body::with_headers(Response::new(content), StatusCode::OK, &headers))
}

async fn push<B>(
    rooms: &Rooms,
    repository: &RepositoryName,
    pointer: &Pointer,
    request: Request<B>,
) -> Result<Response<Body>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let tags = tags(pointer, &Query::of(&request))?;
    if content_length(request.headers()).is_some_and(|length| length > MAX_MANIFEST_BYTES) {
        return Err(Refusal::too_large(MAX_MANIFEST_BYTES));
    }
    let content_type = text(request.headers(), &header::CONTENT_TYPE).map(str::to_owned);
    let bytes = body::read_all(request.into_body(), MAX_MANIFEST_BYTES).await?;
    let manifest = read(bytes, pointer, content_type.as_deref())?;
    if !rooms.sparse {
        check_parts(rooms, repository, &manifest).await?;
    }
    rooms.links.layout()?.store().put(manifest.digest(), manifest.bytes().clone()).await?;
    rooms.links.publish(repository, &manifest, tags.clone()).await?;
    let digest = manifest.digest();
    let mut headers = vec![
        (header::LOCATION, format!("/v2/{repository}/manifests/{digest}")),
        (DIGEST, digest.to_string()),
        (header::CONTENT_LENGTH, "0".to_owned()),
    ];
    // Tells the client that no fallback tag is needed (distribution-spec, "Pushing Manifests with Subject").
    headers.extend(manifest.subject().map(|subject| (SUBJECT, subject.digest.to_string())));
    headers.extend(tags.iter().map(|tag| (TAG, tag.to_string())));
    Ok(answer(StatusCode::CREATED, &headers))
}

/// The tags that a push sets: the one in its path, or those in its `tag` parameters beside a digest.
fn tags(pointer: &Pointer, query: &Query) -> Result<Vec<Tag>, Refusal> {
    let invalid = |why| Refusal::bad("TAG_INVALID", format!("{why}"));
    let mut tags: Vec<Tag> =
        query.all("tag").map(|tag| tag.parse().map_err(invalid)).collect::<Result<_, _>>()?;
    if let Pointer::Tag(tag) = pointer {
        tags.push(tag.clone());
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(Refusal::bad("TAG_INVALID", format!("more than {MAX_TAGS} tags at once")));
    }
    Ok(tags)
}

fn read(bytes: Bytes, pointer: &Pointer, content_type: Option<&str>) -> Result<Manifest, Refusal> {
    let digest = match pointer {
        Pointer::Tag(_) => None,
        Pointer::Digest(digest) => Some(digest),
    };
    if digest.is_some_and(|digest| Hasher::digest(digest.algorithm(), &bytes) != *digest) {
        return Err(Refusal::bad("DIGEST_INVALID", "the content has another digest"));
    }
    Manifest::read(bytes, content_type, digest, None).map_err(|fault| match fault.kind() {
        FaultKind::Refused => Refusal::bad("UNSUPPORTED", fault.to_string()),
        _ => Refusal::bad("MANIFEST_INVALID", fault.to_string()),
    })
}

/// Everything that the manifest names must be there, except its subject and layers that registries may refuse to
/// hold.
async fn check_parts(rooms: &Rooms, repository: &RepositoryName, manifest: &Manifest) -> Result<(), Refusal> {
    for part in facts::parts(manifest.shape()) {
        let digest = &part.descriptor.digest;
        let there = part.descriptor.media_type.role() == Role::ForeignLayer
            || (part.blob && rooms.links.has_blob(repository, digest).await?)
            || (part.manifest && rooms.links.by_digest(repository, digest).await?.is_some());
        if !there {
            let what = format!("the repository has no {digest}, which the manifest names");
            let detail = json!({"digest": digest.to_string()});
            return Err(Refusal::bad("MANIFEST_BLOB_UNKNOWN", what).detail(detail));
        }
    }
    Ok(())
}

async fn delete(
    rooms: &Rooms,
    repository: &RepositoryName,
    pointer: &Pointer,
) -> Result<Response<Body>, Refusal> {
    let deleted = match pointer {
        Pointer::Tag(tag) => rooms.links.delete_tag(repository, tag).await?,
        Pointer::Digest(digest) => rooms.links.delete_manifest(repository, digest).await?,
    };
    if !deleted {
        return Err(unknown());
    }
    Ok(answer(StatusCode::ACCEPTED, &[(header::CONTENT_LENGTH, "0".into())]))
}

fn unknown() -> Refusal {
    Refusal::unknown("MANIFEST_UNKNOWN", "the repository has no such manifest")
}
