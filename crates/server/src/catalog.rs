//! The catalog: which repositories there are. Not in distribution-spec, but mirrors ask for it, as of distribution.
use http::Response;
use reference::RepositoryName;
use serde_json::json;

use crate::{body::Body, error::Refusal, paging::Page, query::Query, rooms::Rooms};

pub(crate) async fn list(rooms: &Rooms, query: &Query) -> Result<Response<Body>, Refusal> {
    let repositories = rooms.links.repositories().await?;
    let page = Page::of(repositories.iter().map(RepositoryName::as_str), query)?;
    Ok(page.answer("/v2/_catalog", &json!({"repositories": page.names})))
}
