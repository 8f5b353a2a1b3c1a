//! Refusals: the error bodies of the API.
use content::Fault;
use http::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::body::{self, Body};

/// How many characters of someone else's text a message repeats.
const QUOTED: usize = 300;

/// A request that is not granted: a status, and the error body (distribution-spec, "Error Codes").
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Option<Value>,
    headers: Vec<(header::HeaderName, String)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = message.chars().take(QUOTED).collect();
        Self { status, code, message, detail: None, headers: Vec::new() }
    }

    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn unknown(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn too_large(limit: u64) -> Self {
        let message = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", message)
    }

    /// `allowed` are the methods that are supported instead (RFC 9110, section 15.5.6).
    pub(crate) fn method(allowed: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "this method is not supported here")
            .header(header::ALLOW, allowed)
    }

    pub(crate) fn read_only() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "this registry is read-only")
            .header(header::ALLOW, "GET, HEAD")
    }

    /// Whether the failure is this side's: what was being written is in doubt.
    pub(crate) fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }

    pub(crate) fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }

    pub(crate) fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut error = json!({"code": self.code, "message": self.message});
        if let (Some(detail), Some(error)) = (self.detail, error.as_object_mut()) {
            error.insert("detail".into(), detail);
        }
        let response = body::json(self.status, &json!({"errors": [error]}));
        body::with_headers(response, self.status, &self.headers)
    }
}

/// The disk failed, or the layout is damaged. Paths stay in our own log.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "the layout failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "the registry's storage failed")
    }
}
