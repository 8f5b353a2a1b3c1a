//! Whether a repository has tags: the first answer says so, and no list is read to its end.
use content::{Fault, FaultKind, Step};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::{
    Repository,
    body::{Uncollected, collect, drain},
    refusal::Refusal,
};

const STEP: Step = Step::CheckTag;
/// The most bytes of a list that are read. A longer one, of a registry that does not count to 1, has tags in it.
const MAX_LIST_BYTES: u64 = 64 * 1024;

impl Repository {
    /// Whether any tag points into this repository; a repository that does not exist has none.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering the question.
    pub async fn has_tags(&self) -> Result<bool, Fault> {
        self.step(STEP, &"tags", self.tagged()).await
    }

    async fn tagged(&self) -> Result<bool, Fault> {
        let call = self.call(Method::GET, "tags/list?n=1", self.pull(), STEP)?;
        let (reply, limit) = (self.client.send(&call).await?, self.client.options.timeouts.headers);
        match reply.status {
            StatusCode::OK => match collect(reply, MAX_LIST_BYTES, limit).await {
                Ok(list) => listed(&list),
                Err(Uncollected::TooLarge) => Ok(true),
                Err(Uncollected::Broken(why)) => {
                    Err(Fault::new(FaultKind::Unreachable, STEP, "the list of tags broke off").because(why))
                }
            },
            StatusCode::NOT_FOUND => {
                drain(reply).await;
                Ok(false)
            }
            _ => Err(Refusal::read(reply, limit).await.fault(STEP)),
        }
    }
}

/// `{"name": "app", "tags": ["v1"]}`; where there is none, some registries say `null`.
fn listed(list: &[u8]) -> Result<bool, Fault> {
    let list: Value = serde_json::from_slice(list).unwrap_or_default();
    match list.get("tags") {
        Some(Value::Array(tags)) => Ok(!tags.is_empty()),
        Some(Value::Null) => Ok(false),
        _ => Err(Fault::new(FaultKind::Protocol, STEP, "the list of tags is no list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_none_is_not_taken_for_an_empty_one() {
        assert!(listed(br#"{"name":"app","tags":["v1"]}"#).unwrap());
        for empty in [r#"{"name":"app","tags":[]}"#, r#"{"name":"app","tags":null}"#] {
            assert!(!listed(empty.as_bytes()).unwrap(), "{empty}");
        }
        for other in ["<html>", "{}", r#"{"tags":"v1"}"#] {
            assert!(listed(other.as_bytes()).is_err(), "{other}");
        }
    }
}
