//! The two sides of a copy: where content is read, and where it is written.
//!
//! One [`Source`] or [`Target`] is one repository at a registry, or one layout. They are `dyn` on purpose: an engine
//! copies between any mixture of them, and decorators (count, dry run, fault) stand in their place.
use std::{fmt, ops::Range};

use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use reference::{Digest, RefName, RepositoryName};

use crate::{Claim, Descriptor, Fault, FaultKind, Lent, Manifest, Place};

/// Which manifest of a place is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Version {
    /// The one that this tag, or ref name, points to now.
    Name(RefName),
    /// The one with this digest.
    Digest(Digest),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// A blob's bytes on their way in, not yet checked.
pub struct Incoming {
    /// The offset of the first byte: the one asked for, or 0 when the server ignored the range.
    pub at: u64,
    /// The bytes.
    pub bytes: BoxStream<'static, Result<Bytes, Fault>>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Where content is read.
pub trait Source: Send + Sync {
    /// Where this is.
    fn place(&self) -> &Place;

    /// What `version` stands for now, at the least cost: no manifest is pulled where the place can tell without.
    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>>;

    /// The manifest, checked by [`Manifest::read`]; `described` is the descriptor that named it, if one did.
    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>>;

    /// The manifests that say that they are about `subject`, as the place lists them: empty when there are none. What
    /// one of them is, is known only once it is read.
    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>>;

    /// A blob's bytes from `span.start`; the end of the span is a hint. This is one attempt: after a momentary fault,
    /// of the opening or of the stream, the caller asks again from where it stands.
    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>>;

    /// How many bytes of a blob the place says that it holds, at the least cost; `None` only when it says that it holds
    /// none. Momentary faults have been tried again by then.
    fn held<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Option<u64>, Fault>> {
        Box::pin(async {
            match self.open(blob, 0..1).await {
                Ok(_) => Ok(Some(blob.size)),
                Err(fault) if fault.kind() == FaultKind::Absent => Ok(None),
                Err(fault) => Err(fault),
            }
        })
    }
}

/// What a target says to a blob that is about to come.
pub enum Begun {
    /// The repository holds it already.
    Present,
    /// It was mounted from the repository that was named.
    Mounted,
    /// It is to be sent.
    Upload(Box<dyn Upload>),
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "Present",
            Self::Mounted => "Mounted",
            Self::Upload(_) => "Upload",
        })
    }
}

/// How a manifest is to be found once it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At<'a> {
    /// By digest, and only as a part of a manifest still to come.
    Part,
    /// By digest, on its own: nothing else will lead to it.
    Digest,
    /// By this tag or ref name.
    Name(&'a RefName),
}

/// What is to be done about a tag that exists: importImage's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A tag that exists is left alone, and the copy fails.
    NoForce,
    /// A tag that exists is moved.
    Force,
}

/// Where content is written.
pub trait Target: Send + Sync {
    /// Where this is.
    fn place(&self) -> &Place;

    /// What `version` stands for now; `None` only when the place says that it is absent, never for a refusal.
    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>>;

    /// Asks for a blob to be held: present already, mounted from `mount` (a repository of the same origin), or an
    /// upload.
    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>>;

    /// Takes up an upload that another run left at `location`, a [`Claim`]'s. `None` where it cannot be continued:
    /// then the blob is begun as any other.
    fn reopen<'a>(
        &'a self,
        _blob: &'a Descriptor,
        _location: &'a str,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Upload>>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    /// Asks for an upload of a blob that is to be sent whatever the target says that it holds: its word has turned out
    /// to be wrong.
    fn insist<'a>(&'a self, blob: &'a Descriptor) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.begin(blob, None)
    }

    /// Whether a manifest about another is there, and found by whoever asks what is about that.
    fn lists<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            let version = Version::Digest(manifest.digest().clone());
            Ok(self.find(&version).await?.is_some())
        })
    }

    /// Writes a manifest whose parts are there; [`Fault::lacks_parts`] tells when the target does not find them. Under
    /// [`Mode::NoForce`] a name that exists by now is a [`crate::FaultKind::Conflict`] and is not touched.
    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// An upload of one blob to one repository. Dropping it gives it up, unless it was left standing.
pub trait Upload: Send {
    /// How many bytes the target says it holds: its word, never ours.
    fn offset(&self) -> u64;

    /// Sends what is missing from `offset()` to the end, and commits. The bytes are lent and come home however the
    /// sending ends.
    fn send(&mut self, body: Lent) -> BoxFuture<'_, Result<(), Fault>>;

    /// After a momentary fault: asks the target where it stands, or begins again. Afterwards `offset()` is true.
    /// The blob may turn out to be there after all (a reply was lost): then the answer is `true`.
    fn realign(&mut self) -> BoxFuture<'_, Result<bool, Fault>>;

    /// Where another run could take it up; `None` for uploads that end with this one.
    fn claim(&self) -> Option<Claim> {
        None
    }

    /// Leaves it standing when it is dropped, for whoever has its claim.
    fn leave(&mut self) {}
}
