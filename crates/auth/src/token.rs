//! Tokens: what a token endpoint gives, and how long it is good for.
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    Secret,
    flight::{self, Lasting},
};

/// An access token. Its life counts from its receipt on our own monotonic clock: `issued_at` and the token's own
/// claims are somebody else's clock.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    /// When to get another one.
    pub(crate) renew: Instant,
    /// When it ends.
    pub(crate) end: Instant,
}

impl Token {
    /// A token received now, good for `expires_in` as the server wrote it.
    pub(crate) fn received(value: Secret, expires_in: Option<&Value>) -> Self {
        let life = life(expires_in);
        Self { value, renew: flight::after(life.mul_f32(RENEW_AT)), end: flight::after(life) }
    }
}

impl Lasting for Token {
    fn renew(&self) -> Instant {
        self.renew
    }

    fn end(&self) -> Instant {
        self.end
    }
}

/// The body of a token endpoint's answer.
#[derive(Deserialize)]
pub(crate) struct TokenBody {
    token: Option<Secret>,
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    expires_in: Option<Value>,
}

impl TokenBody {
    /// Reads a body; what is wrong with it, without quoting it, when it cannot be read.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        if body.len() > MAX_BODY {
            return Err(format!("a body of more than {MAX_BODY} bytes"));
        }
        serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "an unexpected JSON document".to_owned(),
            _ => format!("a body that is not JSON (line {}, column {})", error.line(), error.column()),
        })
    }

    /// The access token, under either of its names.
    pub(crate) fn access(self) -> Result<Token, String> {
        let Self { token, access_token, expires_in, .. } = self;
        let value = usable(token).or_else(|| usable(access_token)).ok_or("no token")?;
        check(&value)?;
        Ok(Token::received(value, expires_in.as_ref()))
    }

    /// The refresh token of an exchange.
    pub(crate) fn refresh(self) -> Result<Secret, String> {
        usable(self.refresh_token).ok_or_else(|| "no refresh token".to_owned())
    }
}

fn usable(secret: Option<Secret>) -> Option<Secret> {
    secret.filter(|secret| !secret.is_empty())
}

/// A token goes into a header: visible ASCII, and not more than a header may hold.
fn check(value: &Secret) -> Result<(), String> {
    let text = value.expose();
    if text.len() > MAX_TOKEN {
        return Err(format!("a token of {} bytes, which no header holds", text.len()));
    }
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible { Ok(()) } else { Err("a token with characters that no header holds".to_owned()) }
}

/// `expires_in` in seconds: 60 when it is absent or makes no sense, an hour at most.
///
/// distribution, "Token Authentication Specification": "if omitted, this defaults to 60 seconds".
fn life(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let sensible = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 1.0);
    sensible.map_or(DEFAULT_LIFE, |seconds| Duration::from_secs_f64(seconds.min(MAX_LIFE.as_secs_f64())))
}

const DEFAULT_LIFE: Duration = Duration::from_secs(60);
const MAX_LIFE: Duration = Duration::from_secs(3600);
/// A token is renewed at this part of its life: four fifths leave time for a request that is about to start.
const RENEW_AT: f32 = 0.8;
const MAX_BODY: usize = 128 * 1024;
const MAX_TOKEN: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn life_is_what_the_server_says_within_reason() {
        for (written, seconds) in [
            (json!(300), 300),
            (json!(5), 5),
            (json!("300"), 300),
            (json!(300.9), 300),
            (json!(0), 60),
            (json!(-5), 60),
            (json!(1e300), 3600),
            (json!(u64::MAX), 3600),
            (json!("soon"), 60),
            (json!(null), 60),
            (json!([1]), 60),
        ] {
            assert_eq!(life(Some(&written)).as_secs(), seconds, "{written}");
        }
        assert_eq!(life(None), DEFAULT_LIFE);
    }

    fn read(body: &str) -> Result<String, String> {
        let token = TokenBody::read(body.as_bytes())?.access()?;
        Ok(token.value.expose().to_owned())
    }

    #[test]
    fn either_name_of_the_token_is_read() {
        assert_eq!(read(r#"{"token":"a"}"#).unwrap(), "a");
        assert_eq!(read(r#"{"access_token":"b","issued_at":"never"}"#).unwrap(), "b");
        assert_eq!(read(r#"{"token":"","access_token":"b"}"#).unwrap(), "b");
        assert_eq!(read(r#"{"token":null,"access_token":"b"}"#).unwrap(), "b");
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_quoted() {
        for body in [
            "",
            "<html>canary</html>",
            "{}",
            r#"{"token":""}"#,
            r#"{"token":["canary"]}"#,
            r#"{"token":"canary\r\nX: y"}"#,
            r#"{"token":"can ary"}"#,
            r#""canary""#,
        ] {
            let error = read(body).unwrap_err();
            assert!(!error.contains("can"), "{body}: {error}");
        }
        assert!(read(&format!(r#"{{"token":"{}"}}"#, "x".repeat(MAX_TOKEN + 1))).is_err());
        assert!(read(&" ".repeat(MAX_BODY + 1)).is_err());
    }
}
