//! Tags: listing them (distribution-spec, "Listing Tags"; end-8).
use http::{Response, StatusCode, header};
use reference::{RepositoryName, Tag};
use serde_json::json;
use url::form_urlencoded;

use crate::{
    body::{self, Body},
    error::Refusal,
    query::Query,
    rooms::Rooms,
};

/// The most tags of one answer.
const PAGE: usize = 10_000;

pub(crate) async fn list(
    rooms: &Rooms,
    repository: &RepositoryName,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let Some(tags) = rooms.links.tags(repository).await? else {
        return Err(Refusal::unknown("NAME_UNKNOWN", "there is no such repository"));
    };
    let limit = match query.first("n").map(str::parse::<usize>) {
        None => PAGE,
        Some(Ok(limit)) => limit.min(PAGE),
        Some(Err(_)) => {
            return Err(Refusal::bad("PAGINATION_NUMBER_INVALID", "n is not a whole number"));
        }
    };
    // `last` need not be a tag that exists.
    let after: Vec<&str> = tags
        .iter()
        .map(Tag::as_str)
        .filter(|tag| query.first("last").is_none_or(|last| *tag > last))
        .collect();
    let page = after.get(..limit).unwrap_or(&after);
    let response = body::json(StatusCode::OK, &json!({"name": repository.as_str(), "tags": page}));
    let (Some(last), true) = (page.last(), page.len() < after.len()) else { return Ok(response) };
    let last: String = form_urlencoded::byte_serialize(last.as_bytes()).collect();
    let link = format!("</v2/{repository}/tags/list?n={limit}&last={last}>; rel=\"next\"");
    Ok(body::with_headers(response, StatusCode::OK, &[(header::LINK, link)]))
}
