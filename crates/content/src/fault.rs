//! Faults: what went wrong, in which step, at which place, and whether another try can help.
//!
//! Every [`crate::Source`] and [`crate::Target`] speaks of failure in this one type, so that the engine can decide
//! without knowing what it talks to. Which side failed is added by the engine, which alone knows.
use std::{error::Error, fmt, sync::Arc, time::Duration};

/// What kind of failure this is; each kind has an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// The peer broke the protocol, or we did.
    Protocol,
    /// A server named a URL that we do not go to.
    Address,
    /// Credentials are missing, wrong or insufficient; a proxy or a certificate refused.
    Authentication,
    /// The manifest, blob, repository or layout entry is not there.
    Absent,
    /// Content is not what its name says: digest, size, media type, ambiguous JSON, HTML.
    Untrue,
    /// A limit or a rule says no.
    Refused,
    /// DNS, connect, time-outs, and answers that say "later" (429, 5xx) after all retries.
    Unreachable,
    /// A tag exists, or may not be moved.
    Conflict,
    /// The local disk, a file or a lock.
    Local,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Finding out which digest a name stands for.
    Resolve,
    /// Reading a manifest.
    ReadManifest,
    /// Asking whether a blob is there.
    CheckBlob,
    /// Listing names, repositories or referrers.
    List,
    /// Reading a blob.
    ReadBlob,
    /// Opening an upload session, or mounting.
    BeginUpload,
    /// Sending and committing a blob.
    SendBlob,
    /// Checking whether a target tag exists.
    CheckTag,
    /// Writing a manifest or a tag.
    Publish,
    /// Removing a manifest or a blob.
    Remove,
    /// Getting permission from a token server or a credential helper.
    Authenticate,
    /// Opening or locking a layout.
    OpenLayout,
    /// Listening for clients.
    Listen,
}

impl Step {
    /// The step as it stands in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::ReadManifest => "read manifest",
            Self::CheckBlob => "check blob",
            Self::List => "list",
            Self::ReadBlob => "read blob",
            Self::BeginUpload => "begin upload",
            Self::SendBlob => "send blob",
            Self::CheckTag => "check tag",
            Self::Publish => "publish manifest",
            Self::Remove => "remove",
            Self::Authenticate => "authenticate",
            Self::OpenLayout => "open layout",
            Self::Listen => "listen",
        }
    }
}

/// A failure of one side: place, step, subject, what happened, and what to do next.
///
/// Never holds a secret: URLs stand without query and user information.
#[derive(Debug, Clone)]
pub struct Fault(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: FaultKind,
    step: Step,
    place: String,
    subject: String,
    what: String,
    hint: Option<String>,
    momentary: bool,
    pause: Duration,
    overload: bool,
    lacks_parts: bool,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A failure of `kind` while doing `step`; `what` is one clause, lower case, without a full stop.
    pub fn new(kind: FaultKind, step: Step, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            step,
            place: String::new(),
            subject: String::new(),
            what: what.into(),
            hint: None,
            momentary: false,
            pause: Duration::ZERO,
            overload: false,
            lacks_parts: false,
            cause: None,
        }))
    }

    /// Says where: a registry and repository, or a layout.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.0.place = place.to_string();
        self
    }

    /// Says what it is about: a tag, a digest.
    #[must_use]
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.0.subject = subject.to_string();
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the error below this one.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// Marks a failure after which the same transfer may be tried again: a cut connection, a lost session.
    #[must_use]
    pub fn momentary(mut self) -> Self {
        self.0.momentary = true;
        self
    }

    /// Says how long the peer asks to be left alone before the next try.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.0.pause = pause;
        self
    }

    /// Marks the answer of a peer that has too much to do now: fewer requests at a time may help.
    #[must_use]
    pub fn overload(mut self) -> Self {
        self.0.overload = true;
        self
    }

    /// Marks the refusal of a manifest of which parts are missing at the target.
    #[must_use]
    pub fn lacking_parts(mut self) -> Self {
        self.0.lacks_parts = true;
        self
    }

    /// What kind of failure.
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// Which step failed.
    pub fn step(&self) -> Step {
        self.0.step
    }

    /// The place, as text; empty when not known.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// The subject, as text; empty when not known.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What happened, in one clause.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// What to do next, when there is something to say.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the same transfer may be tried again.
    pub fn is_momentary(&self) -> bool {
        self.0.momentary
    }

    /// How long the peer asks to be left alone before the next try; zero when it does not.
    pub fn pause(&self) -> Duration {
        self.0.pause
    }

    /// Whether the peer said that it has too much to do now. A connection that broke says nothing.
    pub fn is_overload(&self) -> bool {
        self.0.overload
    }

    /// Whether a manifest was refused because parts of it are missing at the target.
    pub fn lacks_parts(&self) -> bool {
        self.0.lacks_parts
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.0.place.as_str(), self.0.step.as_str(), self.0.subject.as_str()] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.0.what)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_place_step_and_subject() {
        let fault = Fault::new(FaultKind::Absent, Step::ReadManifest, "not found")
            .at("registry.example/app")
            .about("v1")
            .hint("check the tag");
        assert_eq!(fault.to_string(), "registry.example/app: read manifest: v1: not found");
        assert_eq!(fault.hint_text(), Some("check the tag"));
        assert!(!fault.is_momentary());
    }
}
