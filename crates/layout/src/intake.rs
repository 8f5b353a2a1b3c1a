//! Where a blob's bytes go: into a file of its own, or into an archive.
use std::sync::Arc;

use bytes::Bytes;
use content::{Descriptor, Fault};

use crate::{Ingest, Member, Store, archive::Session};

/// Something that takes blobs.
#[derive(Debug)]
pub(crate) enum Taker {
    Store(Store),
    Archive(Arc<Session>),
}

/// A blob on its way in.
#[derive(Debug)]
pub(crate) enum Intake {
    File(Ingest),
    Member(Member, Arc<Session>),
}

impl From<Store> for Taker {
    fn from(store: Store) -> Self {
        Self::Store(store)
    }
}

impl From<Arc<Session>> for Taker {
    fn from(session: Arc<Session>) -> Self {
        Self::Archive(session)
    }
}

impl Taker {
    pub(crate) async fn begin(&self, blob: &Descriptor) -> Result<Intake, Fault> {
        Ok(match self {
            Self::Store(store) => Intake::File(store.ingest().await?),
            Self::Archive(session) => Intake::Member(session.member(blob)?, Arc::clone(session)),
        })
    }

    /// Whether the blob is there with the bytes that its digest says.
    pub(crate) async fn has(&self, blob: &Descriptor) -> Result<bool, Fault> {
        match self {
            Self::Store(store) => store.has(blob).await,
            Self::Archive(session) => session.has(blob).await,
        }
    }
}

impl Intake {
    pub(crate) fn taken(&self) -> u64 {
        match self {
            Self::File(ingest) => ingest.taken(),
            Self::Member(member, _) => member.taken(),
        }
    }

    pub(crate) async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        match self {
            Self::File(ingest) => ingest.write(chunk).await,
            Self::Member(member, _) => member.write(chunk).await,
        }
    }

    /// Makes the bytes a blob. That they have its digest is the caller's promise.
    pub(crate) async fn keep(self, blob: &Descriptor) -> Result<(), Fault> {
        match self {
            Self::File(ingest) => ingest.keep(&blob.digest).await,
            Self::Member(member, session) => session.keep(member, &blob.digest).await,
        }
    }
}
