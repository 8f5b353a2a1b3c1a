//! Referrers: the manifests about a manifest (distribution-spec, "Listing Referrers"; end-12).
use http::{HeaderName, Response, StatusCode, header};
use reference::{Digest, RepositoryName};
use serde_json::{Value, json};

use crate::{
    body::{self, Body},
    error::Refusal,
    server::Rooms,
    uploads::Query,
};

const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An unknown repository or subject has no referrers, which is an answer and no error.
pub(crate) async fn list(
    rooms: &Rooms,
    repository: &RepositoryName,
    subject: &Digest,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    // A plus sign that the client did not escape reads as a space, which no media type holds.
    let wanted = query.first("artifactType").map(|wanted| wanted.replace(' ', "+"));
    let wanted = wanted.as_deref().filter(|wanted| !wanted.is_empty());
    let referrers = rooms.links.referrers(repository, subject).await?;
    let manifests: Vec<Value> = referrers
        .iter()
        .filter(|facts| wanted.is_none_or(|wanted| facts.artifact_type.as_deref() == Some(wanted)))
        .map(|facts| facts.as_referrer())
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string();
    let mut headers =
        vec![(header::CONTENT_TYPE, INDEX.to_owned()), (header::CONTENT_LENGTH, index.len().to_string())];
    if wanted.is_some() {
        headers.push((FILTERS, "artifactType".into()));
    }
    Ok(body::with_headers(Response::new(body::full(index)), StatusCode::OK, &headers))
}
