//! Lists in pages: `n` names at most, beginning behind `last` (distribution-spec, "Listing Tags").
use http::{Response, StatusCode, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    body::{self, Body},
    error::Refusal,
    query::Query,
};

/// The most names of one answer.
const PAGE: usize = 10_000;

/// The names of one answer, and the query of the next one.
pub(crate) struct Page<'a> {
    pub(crate) names: Vec<&'a str>,
    next: Option<String>,
}

impl<'a> Page<'a> {
    /// Of `names`, which are in order, those that were asked for.
    pub(crate) fn of(names: impl Iterator<Item = &'a str>, query: &Query) -> Result<Self, Refusal> {
        let limit = match query.first("n").map(str::parse::<usize>) {
            None => PAGE,
            Some(Ok(limit)) => limit.min(PAGE),
            Some(Err(_)) => {
                return Err(Refusal::bad("PAGINATION_NUMBER_INVALID", "n is not a whole number"));
            }
        };
        // `last` need not be a name that exists.
        let mut after = names.filter(|name| query.first("last").is_none_or(|last| *name > last));
        let names: Vec<&str> = after.by_ref().take(limit).collect();
        let next = names.last().filter(|_| after.next().is_some()).map(|last| {
            let last: String = form_urlencoded::byte_serialize(last.as_bytes()).collect();
            format!("n={limit}&last={last}")
        });
        Ok(Self { names, next })
    }

    /// The answer: `list`, and where the next page of `path` is.
    pub(crate) fn answer(&self, path: &str, list: &Value) -> Response<Body> {
        let response = body::json(StatusCode::OK, list);
        let link = self.next.iter().map(|next| (header::LINK, format!("<{path}?{next}>; rel=\"next\"")));
        body::with_headers(response, StatusCode::OK, &link.collect::<Vec<_>>())
    }
}
