//! The token endpoint, as this room sees it: one small request, one small answer.
use futures::future::BoxFuture;
use url::Url;

use crate::{AuthError, Authorization, Origin, Secret};

/// One request to a token endpoint. The URL has been admitted.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The registry on whose behalf; its TLS policy holds here too, and [`crate::admit_address`] asks for it.
    pub registry: Origin,
    /// The whole URL, query and all.
    pub url: Url,
    /// The `Authorization` header, if any.
    pub authorization: Option<Authorization>,
    /// An `application/x-www-form-urlencoded` body: with one the request is a POST, without one a GET.
    pub form: Option<Secret>,
}

/// The answer of a token endpoint.
#[derive(Clone)]
pub struct TokenResponse {
    /// The status, whatever it is.
    pub status: u16,
    /// The body, complete.
    pub body: Vec<u8>,
}

/// Sends token requests. Implemented by whoever owns the HTTP client.
///
/// An implementation follows no redirect (a 3xx is returned like any status), sends nothing beside what the request
/// holds (no cookies, no other `Authorization`), checks the connected address with [`crate::admit_address`], cuts
/// the body off at 128 KiB with an [`AuthError::TokenMalformed`], applies its time-outs and, where it repeats requests
/// at all, repeats only 429 and 5xx and broken connections. A failure to get any answer is [`AuthError::Unreachable`],
/// or what says more: [`AuthError::NotNow`], [`AuthError::Untrusted`], [`AuthError::AddressRefused`],
/// [`AuthError::Proxy`].
pub trait Endpoint: Send + Sync {
    /// Sends one request and returns its answer.
    fn call(&self, request: TokenRequest) -> BoxFuture<'_, Result<TokenResponse, AuthError>>;
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
