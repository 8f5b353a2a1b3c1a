//! The gate of a registry: which requests it lets in, and how it challenges the others.
use std::sync::Arc;

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

use crate::{
    body::{Body, full},
    token_server::basic,
    tokens::{Need, SERVICE, Tokens, Verdict},
};

/// Who may come in.
#[derive(Debug, Clone, Default)]
pub(crate) enum Gate {
    /// Everybody.
    #[default]
    Open,
    /// These users, by password.
    Basic(Vec<(String, String)>),
    /// Those who hold a token.
    Bearer { tokens: Arc<Tokens>, realm: String },
}

impl Gate {
    /// The answer to those who stay outside.
    pub(crate) fn refusal(&self, parts: &Parts) -> Option<Response<Body>> {
        let challenge = match self {
            Self::Open => return None,
            Self::Basic(users) => {
                if basic(parts).is_some_and(|shown| users.contains(&shown)) {
                    return None;
                }
                "Basic realm=\"test, with a comma\"".to_owned()
            }
            Self::Bearer { tokens, realm } => {
                let needs = needs(parts);
                let error = match bearer(parts).map(|token| tokens.judge(token, &needs)) {
                    Some(Verdict::Allowed) => return None,
                    Some(Verdict::Invalid) => ",error=\"invalid_token\"",
                    Some(Verdict::Insufficient) => ",error=\"insufficient_scope\"",
                    None => "",
                };
                let scope = scope(&needs);
                format!("Bearer realm=\"{realm}\",service=\"{SERVICE}\"{scope}{error}")
            }
        };
        let mut response = Response::new(full(
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}"#,
        ));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Some(response)
    }

    /// Refuses all tokens given out so far.
    pub(crate) fn expire_tokens(&self) {
        if let Self::Bearer { tokens, .. } = self {
            tokens.expire();
        }
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// What a request needs: reading is a pull, all else a pull and a push, a mount also a pull of where it is from.
fn needs(parts: &Parts) -> Vec<Need> {
    let path = parts.uri.path().strip_prefix("/v2/").unwrap_or_default();
    let doors = ["/blobs/", "/manifests/", "/tags/", "/referrers/"];
    let Some(name) = doors.iter().filter_map(|door| Some(path.rsplit_once(door)?.0)).min_by_key(|n| n.len())
    else {
        return Vec::new();
    };
    let mut needs = vec![(name.to_owned(), "pull")];
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        needs.push((name.to_owned(), "push"));
    }
    let query = parts.uri.query().unwrap_or_default();
    let from = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "from");
    if let Some((_, from)) = from.filter(|(_, from)| from != name) {
        needs.push((from.into_owned(), "pull"));
    }
    needs
}

/// The needs as a challenge's scope: one a repository, separated by spaces.
fn scope(needs: &[Need]) -> String {
    let mut scopes: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, action) in needs {
        match scopes.iter_mut().find(|(known, _)| known == name) {
            Some((_, actions)) => actions.push(action),
            None => scopes.push((name.clone(), vec![action])),
        }
    }
    let texts: Vec<String> =
        scopes.iter().map(|(name, actions)| format!("repository:{name}:{}", actions.join(","))).collect();
    if texts.is_empty() { String::new() } else { format!(",scope=\"{}\"", texts.join(" ")) }
}
