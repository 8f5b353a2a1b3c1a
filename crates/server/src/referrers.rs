//! Referrers: the manifests about a manifest (distribution-spec, "Listing Referrers"; end-12).
use std::sync::Arc;

use http::{HeaderName, Response, StatusCode, header};
use reference::{Digest, RepositoryName};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    body::{self, Body},
    error::Refusal,
    facts::Facts,
    query::Query,
    rooms::Rooms,
};

const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The most bytes of one answer: clients read no more of an index than of a manifest.
const PAGE: usize = 2 * 1024 * 1024;

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
    let mut referrers = rooms.links.referrers(repository, subject).await?;
    referrers.retain(|facts| wanted.is_none_or(|wanted| facts.artifact_type.as_deref() == Some(wanted)));
    referrers.sort_by(|one, other| one.digest.cmp(&other.digest));
    let after = query.first("last").and_then(|last| last.parse::<Digest>().ok());
    referrers.retain(|facts| after.as_ref().is_none_or(|after| facts.digest > *after));
    let (manifests, last) = page(&referrers);
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string();
    let mut headers =
        vec![(header::CONTENT_TYPE, INDEX.to_owned()), (header::CONTENT_LENGTH, index.len().to_string())];
    if wanted.is_some() {
        headers.push((FILTERS, "artifactType".into()));
    }
    if let Some(last) = last {
        let mut next = form_urlencoded::Serializer::new(String::new());
        next.append_pair("last", &last.to_string());
        next.extend_pairs(wanted.map(|wanted| ("artifactType", wanted)));
        let link = format!("</v2/{repository}/referrers/{subject}?{}>; rel=\"next\"", next.finish());
        headers.push((header::LINK, link));
    }
    Ok(body::with_headers(Response::new(body::full(index)), StatusCode::OK, &headers))
}

/// As many as fit into one answer, at least one; and the last of them when there are more.
fn page(referrers: &[Arc<Facts>]) -> (Vec<Value>, Option<&Digest>) {
    let (mut manifests, mut length) = (Vec::new(), 0_usize);
    let mut last = None;
    for facts in referrers {
        let entry = facts.as_referrer();
        length = length.saturating_add(entry.to_string().len());
        if length > PAGE && last.is_some() {
            return (manifests, last);
        }
        manifests.push(entry);
        last = Some(&facts.digest);
    }
    (manifests, None)
}
