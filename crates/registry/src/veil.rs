//! The veil: what a request shows that no message may repeat. Some servers, and more proxies, put the request that they
//! did not like into their answer.
use auth::Secret;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::header::AUTHORIZATION;
use url::form_urlencoded;

use crate::wire::Request;

/// Fields of queries that are no secret, and that registries may well speak of: distribution-spec's own.
const PLAIN: [&str; 7] = ["digest", "mount", "from", "n", "last", "digest-algorithm", "artifactType"];
/// A value of a query that is shorter signs nothing.
const SHORTEST: usize = 8;

/// The secrets of one request: its authorization, and the state or the signature in its URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Veil(Vec<Secret>);

impl Veil {
    /// What `request` shows.
    pub(crate) fn over(request: &Request) -> Self {
        let mut secrets = Vec::new();
        let value = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some((_, code)) = value.and_then(|value| value.split_once(' ')) {
            let pair = BASE64_STANDARD.decode(code).ok().and_then(|pair| String::from_utf8(pair).ok());
            let password = pair.as_deref().and_then(|pair| Some(pair.split_once(':')?.1));
            secrets.extend(password.filter(|password| !password.is_empty()).map(Secret::new));
            secrets.push(Secret::new(code));
        }
        for field in request.url.query().unwrap_or_default().split('&') {
            let (name, raw) = field.split_once('=').unwrap_or(("", field));
            if raw.len() >= SHORTEST && !PLAIN.contains(&name) {
                secrets.push(Secret::new(raw));
                let told = form_urlencoded::parse(field.as_bytes()).map(|(_, value)| value);
                secrets.extend(told.filter(|value| value.len() >= SHORTEST).map(Secret::new));
            }
        }
        Self(secrets)
    }

    /// Whether `text` repeats one of them.
    pub(crate) fn is_torn_by(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.expose()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderValue, Method};

    use super::*;

    fn veil(authorization: &'static str, url: &str) -> Veil {
        let mut request = Request::new(Method::PUT, url.parse().unwrap(), Duration::ZERO);
        request.headers.insert(AUTHORIZATION, HeaderValue::from_static(authorization));
        Veil::over(&request)
    }

    #[test]
    fn what_a_request_shows_is_known_again_in_every_form() {
        let basic = veil("Basic bWU6Y2FuYXJ5", "https://a.example/x?_state=a%2Bbcdefgh&digest=sha256:0123");
        for text in ["my canary", "Authorization: Basic bWU6Y2FuYXJ5", "/x?_state=a%2Bbcdefgh", "a+bcdefgh"] {
            assert!(basic.is_torn_by(text), "{text}");
        }
        assert!(veil("Bearer t0ken", "https://a.example/").is_torn_by("t0ken has expired"));
        assert!(!basic.is_torn_by("blob sha256:0123 unknown to me"));
        assert!(!format!("{basic:?}").contains("canary"));
    }
}
