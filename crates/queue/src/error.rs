//! What goes wrong with a queue.
use std::fmt;

/// Why a queue does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueueError {
    kind: QueueErrorKind,
    message: String,
    hint: Option<String>,
}

/// What kind of error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// An address or a name makes no sense, or the queue is somebody else's.
    Usage,
    /// The server refuses who asks, or cannot prove who it is.
    Authentication,
    /// The server cannot be reached, or does not answer.
    Unreachable,
    /// The server answers, and has no `JetStream`: waiting for that mends nothing.
    WithoutStreams,
    /// A local file cannot be read.
    Local,
    /// The server, or another worker, says what makes no sense.
    Protocol,
}

impl QueueError {
    pub(crate) fn new(kind: QueueErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(QueueErrorKind::Usage, message)
    }

    /// The server did not do something; `why` is the client's word for it.
    pub(crate) fn unreachable(doing: &str, why: impl fmt::Display) -> Self {
        Self::new(QueueErrorKind::Unreachable, format!("the queue's server did not {doing}: {why}"))
    }

    /// What kind of error it is.
    pub fn kind(&self) -> QueueErrorKind {
        self.kind
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
