//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use std::time::Duration;

use reference::{Registry, RepositoryName};
use tokio::time::Instant;

use crate::{
    AuthError, Challenge, Credential, Secret, TokenResponse,
    store::{
        file::{Answer, File},
        helper::{Ended, Helper},
    },
    token::TokenBody,
};

/// The parameters of a challenge, in order.
pub fn parameters(challenge: &Challenge) -> &[(String, String)] {
    challenge.parameters()
}

/// An access token from the body of a token endpoint's answer: its text, when to renew it, and when it ends.
pub fn access_token(body: &[u8]) -> Result<(Secret, Duration, Duration), String> {
    let now = Instant::now();
    let token = TokenBody::read(body)?.access()?;
    Ok((token.value, token.renew.saturating_duration_since(now), token.end.saturating_duration_since(now)))
}

/// A refresh token from the body of an exchange.
pub fn refresh_token(body: &[u8]) -> Result<Secret, String> {
    TokenBody::read(body)?.refresh()
}

/// What a token endpoint says when it refuses.
pub fn said(body: Vec<u8>, sent: &Secret) -> String {
    crate::exchange::said(&TokenResponse { status: 401, body }, &[sent])
}

/// What a credential file says about a repository: a credential, or the helper that has it.
pub fn look_up(
    file: &[u8],
    legacy: bool,
    registry: &Registry,
    repository: &RepositoryName,
) -> Result<(Option<Credential>, Option<String>), AuthError> {
    Ok(match File::parse(file, "file".to_owned(), legacy)?.look_up(registry, Some(repository))? {
        Answer::Credential(credential) => (Some(credential), None),
        Answer::Helper(name) => (None, Some(name)),
        Answer::Nothing => (None, None),
    })
}

/// What a credential helper's output means that ended with `code`.
pub fn helper(code: i32, output: &str) -> Result<Option<Credential>, AuthError> {
    let ended = Ended { success: code == 0, code: Some(code), output: Secret::new(output) };
    Helper { name: "name".to_owned(), server: "server".to_owned() }.judge(&ended)
}

/// A server's text, made fit to be shown.
pub fn shown(text: &str) -> String {
    crate::text::shown(text)
}
