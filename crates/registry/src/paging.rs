//! Paging: a list that a registry hands out piece by piece, each piece with a link to the next.
//!
//! distribution-spec, "Listing Tags" and "Listing Referrers"; RFC 8288 for the header. Where the list ends is the
//! registry's word, how much of it is read is ours.
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use auth::{Context, Purpose, admit};
use bytes::Bytes;
use content::{Fault, FaultKind};
use http::{HeaderMap, header::LINK};
use url::Url;

use crate::{
    client::{Call, Client},
    fault::refused_url,
    wire::Reply,
};

/// The most pages of one list.
const MAX_PAGES: usize = 5_000;

/// A list, from its first page on.
pub(crate) struct Pages<'a> {
    client: &'a Arc<Client>,
    /// The call for the next page, until the last one has come.
    next: Option<Call>,
    /// The most bytes of a page.
    cap: u64,
    /// The URLs that were asked for, hashed: one may have 16 KiB.
    asked: HashSet<u64>,
    hasher: RandomState,
}

/// One page, or what came in its stead.
pub(crate) struct Page {
    pub(crate) reply: Reply,
    /// The body of a success; `None` when it is too large.
    pub(crate) bytes: Option<Bytes>,
    /// The URL that it came from.
    pub(crate) url: Url,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(client: &'a Arc<Client>, first: Call, cap: u64) -> Self {
        Self { client, next: Some(first), cap, asked: HashSet::new(), hasher: RandomState::new() }
    }

    /// The next page; `None` after the last one.
    pub(crate) async fn turn(&mut self) -> Result<Option<Page>, Fault> {
        let Some(call) = self.next.take() else { return Ok(None) };
        if !self.asked.insert(self.hasher.hash_one(call.url.as_str())) {
            let what = "the list leads back to a page that was read before";
            return Err(Fault::new(FaultKind::Protocol, call.step, what));
        }
        if self.asked.len() > MAX_PAGES {
            let what = format!("the list has more than {MAX_PAGES} pages");
            return Err(Fault::new(FaultKind::Refused, call.step, what));
        }
        let (reply, bytes) = self.client.fetch(&call, self.cap).await?;
        let url = call.url.clone();
        if let (true, Some(link)) = (bytes.is_some(), link_to_next(&reply.headers)) {
            self.next = Some(self.follow(call, &link)?);
        }
        Ok(Some(Page { reply, bytes, url }))
    }

    /// Whether the registry has named another page.
    pub(crate) fn leads_on(&self) -> bool {
        self.next.is_some()
    }

    /// Asks for `url` next, which is the registry's own.
    pub(crate) fn go_on(&mut self, call: Call) {
        self.next = Some(call);
    }

    /// The call for the page at `link`: at the registry itself, or nowhere.
    fn follow(&self, call: Call, link: &str) -> Result<Call, Fault> {
        let (registry, base) = (&self.client.origin, &call.url);
        let context = Context { registry, base, purpose: Purpose::Link, credentials: call.own };
        let admission = admit(link, &context).map_err(|refusal| refused_url(call.step, &refusal))?;
        Ok(Call { url: admission.url, own: admission.credentials, ..call })
    }
}

/// What the headers name as the next page.
fn link_to_next(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.find_map(next_of).map(str::to_owned)
}

/// The target of the first link of relation `next` in `<target>; rel="next", <target>; ...`.
pub(crate) fn next_of(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        let (target, behind) = rest.split_once('<')?.1.split_once('>')?;
        let (parameters, others) = split_outside_quotes(behind);
        if parameters.split(';').any(is_next) {
            return Some(target.trim());
        }
        rest = others;
    }
}

/// What stands before the first comma outside quotes, and what behind it.
fn split_outside_quotes(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let comma = text.find(|character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    comma.and_then(|comma| text.split_at_checked(comma)).unwrap_or((text, ""))
}

fn is_next(parameter: &str) -> bool {
    let Some((key, relations)) = parameter.split_once('=') else { return false };
    let mut relations = relations.trim().trim_matches('"').split_ascii_whitespace();
    key.trim().eq_ignore_ascii_case("rel") && relations.any(|one| one.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_link_that_says_so() {
        for (value, next) in [
            ("</v2/a/tags/list?n=1&last=b>; rel=\"next\"", Some("/v2/a/tags/list?n=1&last=b")),
            ("<x>;rel=next", Some("x")),
            ("<x>; title=\"a, <y>; b\"; REL=\"prev Next\"", Some("x")),
            ("<a>; rel=\"prev\", <b>; rel=\"next\"", Some("b")),
            ("<a,b>; rel=\"next\"", Some("a,b")),
            ("<a>; rel=\"prev\"", None),
            ("<a>", None),
            ("rel=\"next\"", None),
            ("<a; rel=\"next\"", None),
            ("", None),
        ] {
            assert_eq!(next_of(value), next, "{value}");
        }
    }
}
