//! Tags: listing them (distribution-spec, "Listing Tags"; end-8).
use http::Response;
use reference::{RepositoryName, Tag};
use serde_json::json;

use crate::{body::Body, error::Refusal, paging::Page, query::Query, rooms::Rooms};

pub(crate) async fn list(
    rooms: &Rooms,
    repository: &RepositoryName,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let Some(tags) = rooms.links.tags(repository).await? else {
        return Err(Refusal::unknown("NAME_UNKNOWN", "there is no such repository"));
    };
    let page = Page::of(tags.iter().map(Tag::as_str), query)?;
    let list = json!({"name": repository.as_str(), "tags": page.names});
    Ok(page.answer(&format!("/v2/{repository}/tags/list"), &list))
}
