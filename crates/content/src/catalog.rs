//! What a place can list, and let go of.
use futures::future::BoxFuture;
use reference::RefName;

use crate::{Fault, Place};

/// What became of the wish that a name be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untagged {
    /// It is gone. What it stood for may stay where it is stored, until garbage is collected there.
    Done,
    /// There is no such name.
    Absent,
    /// It stays: why, in words for users.
    Refused(String),
}

/// The names of one repository, or layout.
pub trait Catalog: Send + Sync {
    /// Where this is.
    fn place(&self) -> &Place;

    /// Every tag, or ref name, sorted and once each. A repository that does not exist is a
    /// [`crate::FaultKind::Absent`].
    fn names(&self) -> BoxFuture<'_, Result<Vec<RefName>, Fault>>;

    /// Takes one name away, and with it none but such of the same digest as are `leaving` as well.
    fn untag<'a>(
        &'a self,
        name: &'a RefName,
        leaving: &'a [RefName],
    ) -> BoxFuture<'a, Result<Untagged, Fault>>;
}
