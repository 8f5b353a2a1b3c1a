//! Refusals: what a registry says when it does not do what it was asked.
//!
//! The list of error codes is open: products add their own, and proxies answer HTML, XML or nothing at all.
use std::time::Duration;

use content::{Fault, FaultKind, Step};
use http::StatusCode;
use serde_json::Value;

use crate::{body::beginning, text::shown, veil::Veil, wire::Reply};

/// The most bytes of an error body that are read.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// How servers complain about plain HTTP at a TLS port: Go, nginx.
const TLS_PORTS: [&str; 2] = ["HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port"];
/// The most errors of a list that are shown.
const MAX_ERRORS: usize = 3;

/// An answer with an error status, read.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Codes and messages of the registry, as many as there were.
    errors: Vec<(String, String)>,
    /// What the body said when it was no list of errors.
    text: String,
    elsewhere: bool,
    /// Whether a web server's page came where a registry's words were due.
    page: bool,
    /// Whether a TLS port complains about plain HTTP.
    wants_tls: bool,
}

impl Refusal {
    /// Reads the body of an answer that is not what was hoped for.
    pub(crate) async fn read(reply: Reply, limit: Duration) -> Self {
        let (status, elsewhere) = (reply.status, reply.elsewhere);
        let html = reply.header("content-type").is_some_and(|value| value.contains("html"));
        let (page, veil) = (is_page(&reply), reply.veil.clone());
        let bytes = beginning(reply, MAX_ERROR_BYTES, limit).await;
        let read = Self::parse(status, &bytes, html, &veil);
        let page = page && !read.wants_tls && read.errors.is_empty() && says_nothing_else(status);
        Self { elsewhere, page, ..read }
    }

    pub(crate) fn parse(status: StatusCode, bytes: &[u8], html: bool, veil: &Veil) -> Self {
        let value: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
        let errors = read_errors(&value, veil);
        let plain = String::from_utf8_lossy(bytes);
        let markup = html || plain.trim_start().starts_with('<');
        let unfit = !errors.is_empty() || markup || veil.is_torn_by(&plain);
        let text = if unfit { String::new() } else { shown(&plain) };
        let wants_tls =
            status == StatusCode::BAD_REQUEST && TLS_PORTS.iter().any(|complaint| plain.contains(complaint));
        Self { status, errors, text, elsewhere: false, page: false, wants_tls }
    }

    /// Whether a web server answered, and no registry.
    pub(crate) fn is_page(&self) -> bool {
        self.page
    }

    /// Whether the registry gave this code.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.errors.iter().any(|(given, _)| given.eq_ignore_ascii_case(code))
    }

    /// Whether the registry's words contain `word`, in any case.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.words().to_ascii_lowercase().contains(&word.to_ascii_lowercase())
    }

    /// Status, codes and messages on one line.
    pub(crate) fn words(&self) -> String {
        let who = if self.elsewhere { "a host that the registry leads to" } else { "the registry" };
        let mut line = format!("{who} answered {}", self.status);
        for (code, message) in self.errors.iter().take(MAX_ERRORS) {
            line.extend([": ", code]);
            if !message.is_empty() {
                line.extend([" (", message, ")"]);
            }
        }
        if !self.text.is_empty() {
            line.extend([": ", &self.text]);
        }
        line
    }

    /// The failure that this answer stands for, when nothing more is known.
    pub(crate) fn fault(&self, step: Step) -> Fault {
        if self.page {
            return web_page(step, self.status);
        }
        let fault = Fault::new(self.kind(), step, self.words());
        match self.status.as_u16() {
            400 if self.wants_tls => {
                fault.hint("it speaks TLS: name it with --tls, or leave out --plain-http")
            }
            401 | 403 if self.elsewhere => fault,
            401 | 403 => fault.hint("check the credentials, and that they may do this in this repository"),
            404 if self.has("NAME_UNKNOWN") => {
                fault.hint("check the repository's name; some registries want it created first")
            }
            429 | 503 => fault.momentary().overload(),
            408 | 416 | 500..=599 => fault.momentary(),
            _ => fault,
        }
    }

    fn kind(&self) -> FaultKind {
        let denied = ["UNAUTHORIZED", "DENIED"].iter().any(|code| self.has(code));
        match self.status.as_u16() {
            401 | 403 | 407 => FaultKind::Authentication,
            400 if self.wants_tls => FaultKind::Unreachable,
            404 => FaultKind::Absent,
            413 => FaultKind::Refused,
            408 | 429 | 500..=599 => FaultKind::Unreachable,
            400..=499 if self.has("TOOMANYREQUESTS") => FaultKind::Unreachable,
            400..=499 if denied => FaultKind::Authentication,
            _ => FaultKind::Protocol,
        }
    }
}

/// Whether an answer is a web server's page: HTML, from a host that does not claim to be a registry. What storage and
/// CDNs say in HTML is about their own URLs. A HEAD is judged by its headers alone.
pub(crate) fn is_page(reply: &Reply) -> bool {
    let html = reply.header("content-type").is_some_and(|value| value.trim().starts_with("text/html"));
    html && !reply.elsewhere && reply.header("docker-distribution-api-version").is_none()
}

/// The failure that a web server's page stands for.
pub(crate) fn web_page(step: Step, status: StatusCode) -> Fault {
    let what = format!("a web page (HTML, {status}) came where a registry's answer was due");
    Fault::new(FaultKind::Untrue, step, what)
        .hint("the host may be a web server or a proxy's login page: check the registry's name and port")
}

/// Proxies in front of registries say these in HTML, and mean them.
fn says_nothing_else(status: StatusCode) -> bool {
    !status.is_server_error() && ![401, 403, 407, 408, 413, 416, 429].contains(&status.as_u16())
}

/// Codes and messages; what repeats a secret is left out.
fn read_errors(value: &Value, veil: &Veil) -> Vec<(String, String)> {
    let list = value.get("errors").and_then(Value::as_array).into_iter().flatten();
    let part = |entry: &Value, key: &str| {
        entry.get(key).and_then(Value::as_str).filter(|text| !veil.is_torn_by(text)).map(shown)
    };
    list.filter_map(|entry| Some((part(entry, "code")?, part(entry, "message").unwrap_or_default())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(status: u16, body: &str) -> Refusal {
        Refusal::parse(StatusCode::from_u16(status).unwrap(), body.as_bytes(), false, &Veil::default())
    }

    #[test]
    fn a_registrys_own_code_is_shown() {
        let body = r#"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid","detail":{}},
            {"code":"VENDOR_SPECIFIC"}]}"#;
        let refusal = parse(400, body);
        let words =
            "the registry answered 400 Bad Request: MANIFEST_INVALID (manifest invalid): VENDOR_SPECIFIC";
        assert_eq!(refusal.words(), words);
        assert!(refusal.has("manifest_invalid"));
    }

    #[test]
    fn html_xml_and_nothing_are_tolerated() {
        for body in ["<html><h1>502</h1>", "<?xml version='1.0'?><Error/>", ""] {
            assert_eq!(parse(502, body).words(), "the registry answered 502 Bad Gateway");
        }
        assert_eq!(
            parse(500, "out of\ncheese").words(),
            "the registry answered 500 Internal Server Error: out of cheese"
        );
    }

    #[test]
    fn kinds_follow_the_status() {
        assert_eq!(parse(403, "").fault(Step::Publish).kind(), FaultKind::Authentication);
        assert_eq!(parse(404, "").fault(Step::Publish).kind(), FaultKind::Absent);
        assert_eq!(parse(413, "").fault(Step::Publish).kind(), FaultKind::Refused);
        assert!(parse(503, "").fault(Step::Publish).is_momentary());
        let overload =
            [429, 503, 500, 404].map(|status| parse(status, "").fault(Step::ReadBlob).is_overload());
        assert_eq!(overload, [true, true, false, false]);
    }
}
