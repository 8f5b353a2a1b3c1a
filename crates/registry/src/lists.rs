//! Lists of names: the tags of a repository, and the repositories of a registry.
use std::{
    fmt::{self, Display},
    str::FromStr,
    sync::Arc,
};

use auth::Scopes;
use content::{Fault, FaultKind, Step};
use http::Method;
use reference::{RefName, RepositoryName, Tag};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use crate::{
    Repository,
    client::{Call, Client},
    paging::{Page, Pages},
    refusal::{Refusal, is_page, web_page},
    text::shown,
};

const STEP: Step = Step::List;
/// How many names of a page are asked for. Some registries refuse to give more.
const PAGE: usize = 1000;
/// The most bytes of a page: some registries give all at once.
const MAX_PAGE_BYTES: u64 = 16 * 1024 * 1024;
/// The most names of a list.
const MAX_NAMES: usize = 500_000;

impl Repository {
    /// Every tag, sorted.
    pub(crate) async fn list_tags(&self) -> Result<Vec<RefName>, Fault> {
        let call = self.call(Method::GET, "tags/list", self.pull(), STEP)?;
        let tags: Vec<Tag> = all(&self.client, call, "tags").await?;
        Ok(tags.into_iter().map(RefName::from).collect())
    }
}

impl Client {
    /// Every repository that the registry lists, sorted.
    pub(crate) async fn list_repositories(self: &Arc<Self>) -> Result<Vec<RepositoryName>, Fault> {
        let call = Call::new(Method::GET, self.url("/v2/_catalog")?, Scopes::catalog(), STEP);
        all(self, call, "repositories").await.map_err(|fault| {
            let fault = fault.at(&self.registry).about("_catalog");
            match fault.kind() {
                FaultKind::Absent | FaultKind::Authentication | FaultKind::Protocol => {
                    fault.hint("many registries do not list their repositories: name them one by one")
                }
                _ => fault,
            }
        })
    }
}

/// Every name of the list at `call`, sorted and once each.
async fn all<T>(client: &Arc<Client>, call: Call, what: &str) -> Result<Vec<T>, Fault>
where
    T: FromStr<Err: Display> + Ord,
{
    let counted = |last: &[(&str, &str)]| {
        let mut url = call.url.clone();
        url.query_pairs_mut().append_pair("n", &PAGE.to_string()).extend_pairs(last);
        Call { url, ..call.clone() }
    };
    let mut pages = Pages::new(client, counted(&[]), MAX_PAGE_BYTES);
    let (mut names, mut odd) = (Vec::new(), Odd::default());
    while let Some(page) = pages.turn().await? {
        let url = page.url.clone();
        let texts = match read(client, page, what).await? {
            Read::Names(texts) => texts,
            // Whoever gives fewer at a time than we ask for may refuse to.
            Read::WrongNumber(_) if url != call.url => {
                pages.go_on(call.clone());
                continue;
            }
            Read::WrongNumber(fault) => return Err(fault),
        };
        let (full, last) = (texts.len() >= PAGE, texts.last().cloned().unwrap_or_default());
        for text in texts {
            match text.parse() {
                Ok(name) => names.push(name),
                Err(why) => odd.note(&why),
            }
        }
        if names.len().saturating_add(odd.count) > MAX_NAMES {
            return Err(Fault::new(FaultKind::Refused, STEP, format!("it has more than {MAX_NAMES} {what}")));
        }
        // A full page may lack the link, and `last` leads behind it. Who does not know `last` repeats the page.
        if full && !pages.leads_on() && last.parse::<T>().is_ok() {
            let behind = counted(&[("last", &last)]);
            if behind.url != url {
                pages.go_on(behind);
            }
        }
    }
    odd.warn(client, what);
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// What a page says.
enum Read {
    Names(Vec<String>),
    /// It does not give so many names at a time.
    WrongNumber(Fault),
}

async fn read(client: &Client, page: Page, what: &str) -> Result<Read, Fault> {
    let Some(bytes) = page.bytes else {
        if page.reply.status.is_success() {
            let what = format!("a page of its list of {what} has more than {MAX_PAGE_BYTES} bytes");
            return Err(Fault::new(FaultKind::Refused, STEP, what));
        }
        let refusal = Refusal::read(page.reply, client.options.timeouts.headers).await;
        let fault = refusal.fault(STEP);
        return if refusal.has("PAGINATION_NUMBER_INVALID") {
            Ok(Read::WrongNumber(fault))
        } else {
            Err(fault)
        };
    };
    if is_page(&page.reply) {
        return Err(web_page(STEP, page.reply.status));
    }
    match parse(&bytes) {
        Ok(names) => Ok(Read::Names(names)),
        Err(why) => {
            let what = format!("the answer is no list of {what}: {why}");
            Err(Fault::new(FaultKind::Protocol, STEP, what))
        }
    }
}

/// `{"name": "app", "tags": ["v1"]}`, or `{"repositories": ["app"]}`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct List {
        #[serde(alias = "repositories")]
        tags: Names,
    }
    serde_json::from_slice::<List>(bytes).map(|list| list.tags.0)
}

/// A list of names, not longer than we would read; where there are none, some registries say `null`.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }

    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element()? {
            if names.len() == MAX_NAMES {
                return Err(A::Error::custom(format!("it has more than {MAX_NAMES} names")));
            }
            names.push(name);
        }
        Ok(Names(names))
    }
}

/// Names that nobody could ask for: what the grammar does not allow is left out, and said once.
#[derive(Default)]
struct Odd {
    count: usize,
    first: String,
}

impl Odd {
    fn note(&mut self, why: &impl Display) {
        if self.count == 0 {
            self.first = shown(&why.to_string());
        }
        self.count = self.count.saturating_add(1);
    }

    fn warn(&self, client: &Client, what: &str) {
        if self.count > 0 {
            let (registry, count, first) = (&client.registry, self.count, &self.first);
            tracing::warn!(%registry, "left out {count} of its {what} whose names break the rules: {first}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_none_is_not_taken_for_an_empty_one() {
        assert_eq!(parse(br#"{"name":"app","tags":["v1","v2"]}"#).unwrap(), ["v1", "v2"]);
        assert_eq!(parse(br#"{"repositories":["app"]}"#).unwrap(), ["app"]);
        for empty in [r#"{"name":"app","tags":[]}"#, r#"{"name":"app","tags":null}"#] {
            assert!(parse(empty.as_bytes()).unwrap().is_empty(), "{empty}");
        }
        for other in ["<html>", "{}", r#"{"tags":"v1"}"#, r#"{"tags":[1]}"#, r#"{"tags":["a"],"tags":["b"]}"#]
        {
            assert!(parse(other.as_bytes()).is_err(), "{other}");
        }
    }
}
