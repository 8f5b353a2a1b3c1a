//! Answers before they are bytes: anything can be said in one, true or not.
use std::fmt::Write;

use bytes::Bytes;
use http::StatusCode;

/// A status, headers and a body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// The `Content-Length` where it is not the body's own: of a HEAD.
    pub(super) size: Option<u64>,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), size: None }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value.into());
        self
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// An error as the distribution API words it.
    pub(super) fn error(status: u16, code: &str) -> Self {
        let text = format!(r#"{{"errors":[{{"code":"{code}","message":"said the fake","detail":null}}]}}"#);
        Self::new(status).with("Content-Type", "application/json").body(text)
    }

    /// Says this, in the place of what was said under the name.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.headers.push((name.to_owned(), value));
    }

    /// Does not say this.
    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    /// Says that what is to be found at a path is to be found at `origin`.
    pub(super) fn relocate(&mut self, origin: &str) {
        let location = self.headers.iter_mut().find(|(name, _)| name == "Location");
        if let Some((_, value)) = location.filter(|(_, value)| value.starts_with('/')) {
            value.insert_str(0, origin);
        }
    }

    /// Says that an upload holds `by` bytes more.
    pub(super) fn shift_range(&mut self, by: i64) {
        let range = self.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("range"));
        if let Some((_, value)) = range {
            let last = value.rsplit_once('-').and_then(|(_, last)| last.parse::<u64>().ok());
            let last = last.unwrap_or_default().saturating_add_signed(by);
            *value = format!("0-{last}");
        }
    }

    /// The head as bytes. `length` is what `Content-Length` says; `None` announces chunks.
    pub(super) fn head(&self, length: Option<u64>) -> Vec<u8> {
        let status = StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("Odd");
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = match length {
            _ if self.status == 204 => Ok(()),
            Some(length) => write!(head, "Content-Length: {length}\r\n"),
            None => write!(head, "Transfer-Encoding: chunked\r\n"),
        };
        head.push_str("\r\n");
        head.into_bytes()
    }
}
