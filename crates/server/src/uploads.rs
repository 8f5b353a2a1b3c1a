//! Uploads: the end-points that push blobs (distribution-spec, "Pushing Blobs"; end-4, 5, 6, 11, 13, 14).
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use reference::{Algorithm, Digest, RepositoryName};

use crate::{
    body::{self, AnyError, Body, DIGEST, answer, content_length, cut, text},
    error::Refusal,
    query::Query,
    range,
    rooms::Rooms,
    routes::digest,
    sessions::{Progress, Session, unknown},
};

const SESSION: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `POST /v2/NAME/blobs/uploads/`: a mount, a whole blob, or a new session.
pub(crate) async fn start<B>(
    rooms: &Rooms,
    repository: &RepositoryName,
    request: Request<B>,
) -> Result<Response<Body>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let query = Query::of(&request);
    if let Some(blob) = query.first("mount")
        && let Some(mounted) = mount(rooms, repository, blob, query.first("from")).await?
    {
        return Ok(mounted);
    }
    let store = rooms.links.layout()?.store();
    if let Some(wanted) = query.first("digest") {
        let wanted = digest(wanted)?;
        let mut progress = Progress::begin(store, wanted.algorithm()).await?;
        fill(&mut progress, None, request.into_body()).await?;
        return finish(rooms, repository, progress, &wanted).await;
    }
    let algorithm = match query.first("digest-algorithm") {
        None | Some("sha256") => Algorithm::Sha256,
        Some("sha512") => Algorithm::Sha512,
        Some(_) => return Err(Refusal::bad("DIGEST_INVALID", "this digest algorithm is not supported")),
    };
    let session = rooms.sessions.open(repository, store, algorithm).await?;
    Ok(standing(StatusCode::ACCEPTED, repository, &session, 0))
}

/// A mount (distribution-spec, "Mounting a blob from another repository"). `None`: it cannot be mounted, and the
/// request goes on as an upload.
async fn mount(
    rooms: &Rooms,
    repository: &RepositoryName,
    blob: &str,
    from: Option<&str>,
) -> Result<Option<Response<Body>>, Refusal> {
    let Ok(blob) = blob.parse::<Digest>() else { return Ok(None) };
    let there = rooms.links.homes().size(&blob)?.is_some();
    let visible = match from.map(str::parse::<RepositoryName>) {
        Some(Ok(from)) => there && rooms.links.has_blob(&from, &blob).await?,
        Some(Err(_)) => false,
        // "from" may be left out: whatever the registry holds may be mounted, for everybody may read all of it.
        None => there,
    };
    if !visible {
        return Ok(None);
    }
    rooms.links.link(repository, &blob);
    Ok(Some(created(repository, &blob)))
}

/// Requests on `/v2/NAME/blobs/uploads/SESSION`.
pub(crate) async fn go_on<B>(
    rooms: &Rooms,
    repository: &RepositoryName,
    id: &str,
    request: Request<B>,
) -> Result<Response<Body>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let method = request.method();
    if ![Method::GET, Method::PATCH, Method::PUT, Method::DELETE].contains(method) {
        return Err(Refusal::method("GET, PATCH, PUT, DELETE"));
    }
    let session = rooms.sessions.find(repository, id)?;
    match *method {
        Method::DELETE => {
            rooms.sessions.close(&session);
            *session.own().await? = None;
            Ok(answer(StatusCode::NO_CONTENT, &[]))
        }
        Method::PATCH => patch(rooms, repository, &session, request).await,
        Method::PUT => put(rooms, repository, &session, request).await,
        _ => {
            let held = session.own().await?.as_ref().map(Progress::held).ok_or_else(unknown)?;
            Ok(standing(StatusCode::NO_CONTENT, repository, &session, held))
        }
    }
}

async fn patch<B>(
    rooms: &Rooms,
    repository: &RepositoryName,
    session: &Session,
    request: Request<B>,
) -> Result<Response<Body>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let mut owned = session.own().await?;
    let progress = owned.as_mut().ok_or_else(unknown)?;
    check_range(request.headers(), repository, session, progress.held())?;
    if let Err(refusal) = fill(progress, Some(session), request.into_body()).await {
        if refusal.is_ours() {
            *owned = None;
            rooms.sessions.close(session);
        }
        return Err(refusal);
    }
    Ok(standing(StatusCode::ACCEPTED, repository, session, progress.held()))
}

async fn put<B>(
    rooms: &Rooms,
    repository: &RepositoryName,
    session: &Session,
    request: Request<B>,
) -> Result<Response<Body>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let query = Query::of(&request);
    let Some(wanted) = query.first("digest") else {
        return Err(Refusal::bad("DIGEST_INVALID", "the parameter \"digest\" is missing"));
    };
    let wanted = digest(wanted)?;
    let mut owned = session.own().await?;
    let progress = owned.as_mut().ok_or_else(unknown)?;
    check_range(request.headers(), repository, session, progress.held())?;
    let filled = fill(progress, Some(session), request.into_body()).await;
    match filled {
        // A body that broke off can go on: what has come is held.
        Err(refusal) if !refusal.is_ours() => return Err(refusal),
        _ => rooms.sessions.close(session),
    }
    let progress = owned.take().ok_or_else(unknown)?;
    filled?;
    finish(rooms, repository, progress, &wanted).await
}

/// A chunk must begin where the last one ended (distribution-spec, "Pushing a blob in chunks").
fn check_range(
    headers: &HeaderMap,
    repository: &RepositoryName,
    session: &Session,
    held: u64,
) -> Result<(), Refusal> {
    let Some(range) = text(headers, &header::CONTENT_RANGE) else { return Ok(()) };
    let fits = range::chunk(range).is_some_and(|range| {
        let length = range.end.saturating_sub(range.start);
        range.start == held && content_length(headers).is_none_or(|sent| sent == length)
    });
    if fits {
        return Ok(());
    }
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    Err(Refusal::new(status, "BLOB_UPLOAD_INVALID", format!("the upload goes on at byte {held}"))
        .header(header::LOCATION, location(repository, session))
        .header(header::RANGE, range::held(held)))
}

async fn fill<B>(progress: &mut Progress, session: Option<&Session>, body: B) -> Result<(), Refusal>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<AnyError>,
{
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        if let Ok(chunk) = frame.map_err(cut)?.into_data() {
            progress.take(chunk).await?;
            // Here, not at the end: a body that breaks off was at work until then.
            session.inspect(|session| session.touch());
        }
    }
    Ok(())
}

async fn finish(
    rooms: &Rooms,
    repository: &RepositoryName,
    progress: Progress,
    wanted: &Digest,
) -> Result<Response<Body>, Refusal> {
    if !progress.finish(wanted).await? {
        return Err(Refusal::bad("DIGEST_INVALID", "the content has another digest"));
    }
    rooms.links.link(repository, wanted);
    Ok(created(repository, wanted))
}

fn created(repository: &RepositoryName, blob: &Digest) -> Response<Body> {
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/blobs/{blob}")),
        (DIGEST, blob.to_string()),
        (header::CONTENT_LENGTH, "0".into()),
    ];
    answer(StatusCode::CREATED, &headers)
}

fn standing(status: StatusCode, repository: &RepositoryName, session: &Session, held: u64) -> Response<Body> {
    let headers = [
        (header::LOCATION, location(repository, session)),
        (header::RANGE, range::held(held)),
        (SESSION, session.id.clone()),
    ];
    let length = [(header::CONTENT_LENGTH, "0".to_owned())];
    let response = answer(status, &headers);
    if status == StatusCode::NO_CONTENT { response } else { body::with_headers(response, status, &length) }
}

fn location(repository: &RepositoryName, session: &Session) -> String {
    format!("/v2/{repository}/blobs/uploads/{}", session.id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use layout::Layout;

    use super::*;
    use crate::sessions::Sessions;

    #[tokio::test]
    async fn a_session_is_at_work_until_the_last_chunk_even_of_a_body_that_breaks_off() {
        let dir = tempfile::tempdir().unwrap();
        let store = Layout::create_or_open(dir.path()).unwrap().store().clone();
        let sessions = Sessions::new(1, Duration::from_secs(60));
        let session = sessions.open(&"app".parse().unwrap(), &store, Algorithm::Sha256).await.unwrap();
        session.grow_old(Duration::from_secs(3600));
        let cut = AnyError::from("connection reset");
        let body = stream::iter([Ok(Frame::data(Bytes::from_static(b"a chunk"))), Err(cut)]);
        let mut owned = session.own().await.unwrap();
        let filled = fill(owned.as_mut().unwrap(), Some(&session), StreamBody::new(body)).await;
        assert!(filled.is_err());
        assert!(session.idle_for() < Duration::from_secs(3600));
    }
}
