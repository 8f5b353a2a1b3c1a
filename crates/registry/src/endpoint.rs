//! Token endpoints: `auth` asks, this sends. No redirect is followed, and nothing is sent but what was asked.
use std::{sync::Arc, time::Duration};

use auth::{AuthError, Endpoint, TokenRequest, TokenResponse};
use futures::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use pace::Backoff;

use crate::{
    Options,
    body::{Uncollected, collect, drain},
    client::authorise,
    fault,
    http_client::Http,
    later::Later,
    wire::{Broken, Payload, Reach, Reply, Request, Why},
};

/// The most bytes of a token answer.
const MAX_TOKEN_BYTES: u64 = 128 * 1024;
/// How often a token request is sent again.
const REPEATS: u32 = 3;

/// Sends token requests.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) http: Arc<Http>,
    pub(crate) options: Arc<Options>,
}

impl Endpoint for Tokens {
    fn call(&self, request: TokenRequest) -> BoxFuture<'_, Result<TokenResponse, AuthError>> {
        Box::pin(self.ask(request))
    }
}

impl Tokens {
    async fn ask(&self, request: TokenRequest) -> Result<TokenResponse, AuthError> {
        let realm = request.url.host_str().unwrap_or_default();
        let mut backoff = Backoff::new(REPEATS);
        loop {
            let (later, last) = match self.http.send(self.translate(&request)).await {
                Ok(reply) => match Later::asked_by(&reply) {
                    None => match self.read(realm, reply).await {
                        // It began to answer, and broke off.
                        Err(broken @ AuthError::Unreachable { .. }) => (Later::Soon, broken),
                        read => return read,
                    },
                    Some(Later::TooLong(pause)) => return Err(not_now(realm, &reply, pause)),
                    Some(later) => {
                        let what = format!("it answered {}", reply.status);
                        drain(reply).await;
                        (later, unreachable(realm, what))
                    }
                },
                Err(broken) if fault::may_pass(&broken) => (Later::Soon, unreachable(realm, broken.text)),
                Err(broken) => return Err(refused(realm, broken)),
            };
            let Some(wait) = backoff.failed() else { return Err(last) };
            tokio::time::sleep(later.pause(wait)).await;
        }
    }

    fn translate(&self, request: &TokenRequest) -> Request {
        let method = if request.form.is_some() { Method::POST } else { Method::GET };
        let mut sent = Request::new(method, request.url.clone(), self.options.timeouts.headers);
        sent.reach = Reach::of(&request.url, &request.registry);
        if let Some(form) = &request.form {
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            sent.headers.insert(CONTENT_TYPE, form_type);
            sent.body = Payload::Bytes(form.expose().to_owned().into());
        }
        authorise(&mut sent.headers, request.authorization.as_ref());
        sent
    }

    async fn read(&self, realm: &str, reply: Reply) -> Result<TokenResponse, AuthError> {
        let status = reply.status.as_u16();
        if reply.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let what = format!("a proxy answered {}", reply.status);
            return Err(AuthError::Proxy { realm: realm.to_owned(), what });
        }
        match collect(reply, MAX_TOKEN_BYTES, self.options.timeouts.headers).await {
            Ok(body) => Ok(TokenResponse { status, body: body.to_vec() }),
            Err(Uncollected::TooLarge) => {
                let what = format!("an answer of more than {MAX_TOKEN_BYTES} bytes");
                Err(AuthError::TokenMalformed { realm: realm.to_owned(), what })
            }
            Err(Uncollected::Broken(broken)) => Err(unreachable(realm, broken.text)),
        }
    }
}

fn unreachable(realm: &str, what: String) -> AuthError {
    AuthError::Unreachable { realm: realm.to_owned(), what }
}

fn not_now(realm: &str, reply: &Reply, pause: Duration) -> AuthError {
    let (status, seconds) = (reply.status.as_u16(), pause.as_secs());
    AuthError::NotNow { realm: realm.to_owned(), status, seconds }
}

/// What a break means that another try would not mend.
fn refused(realm: &str, broken: Broken) -> AuthError {
    let (realm, what) = (realm.to_owned(), broken.text);
    match broken.why {
        Why::Certificate => AuthError::Untrusted { realm, what },
        Why::Address => AuthError::AddressRefused { realm, what },
        Why::Proxy => AuthError::Proxy { realm, what },
        _ => AuthError::Unreachable { realm, what },
    }
}

#[cfg(test)]
mod tests {
    use auth::AuthErrorKind;

    use super::*;

    #[test]
    fn what_time_does_not_mend_is_not_momentary() {
        for (why, kind) in [
            (Why::Certificate, AuthErrorKind::Authentication),
            (Why::Proxy, AuthErrorKind::Authentication),
            (Why::Address, AuthErrorKind::Address),
        ] {
            let error = refused("tokens.example", Broken::new(why, "text"));
            assert_eq!((error.kind(), error.is_momentary()), (kind, false), "{error}");
        }
    }
}
