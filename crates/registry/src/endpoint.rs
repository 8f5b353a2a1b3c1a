//! Token endpoints: `auth` asks, this sends. No redirect is followed, and nothing is sent but what was asked.
use std::sync::Arc;

use auth::{AuthError, Endpoint, TokenRequest, TokenResponse};
use futures::future::BoxFuture;
use http::{HeaderValue, Method, header::CONTENT_TYPE};
use pace::Backoff;

use crate::{
    Options,
    body::{Uncollected, collect, drain},
    client::authorise,
    fault,
    http_client::Http,
    later::Later,
    wire::{Payload, Reach, Reply, Request},
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
        let realm = request.url.host_str().unwrap_or_default().to_owned();
        let unreachable = |what: String| AuthError::Unreachable { realm: realm.clone(), what };
        let mut backoff = Backoff::new(REPEATS);
        loop {
            let last = match self.http.send(self.translate(&request)).await {
                Ok(reply) if Later::asked_by(&reply).is_none() => {
                    return self.read(reply).await.map_err(|why| match why {
                        Uncollected::TooLarge => {
                            let what = format!("an answer of more than {MAX_TOKEN_BYTES} bytes");
                            AuthError::TokenMalformed { realm: realm.clone(), what }
                        }
                        Uncollected::Broken(broken) => unreachable(broken.text),
                    });
                }
                Ok(reply) => Ok(reply),
                Err(broken) if fault::may_pass(&broken) => Err(broken),
                Err(broken) => return Err(unreachable(broken.text)),
            };
            if backoff.wait().await {
                if let Ok(reply) = last {
                    drain(reply).await;
                }
                continue;
            }
            return Err(unreachable(match last {
                Ok(reply) => format!("it answered {}", reply.status),
                Err(broken) => broken.text,
            }));
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

    async fn read(&self, reply: Reply) -> Result<TokenResponse, Uncollected> {
        let status = reply.status.as_u16();
        let body = collect(reply, MAX_TOKEN_BYTES, self.options.timeouts.headers).await?;
        Ok(TokenResponse { status, body: body.to_vec() })
    }
}
