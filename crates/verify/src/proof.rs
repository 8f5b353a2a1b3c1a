//! Proofs: what was seen of one image.
use content::{Fault, FaultKind};
use reference::Digest;

use crate::{
    Finding, Remedies,
    finding::{Flaw, Piece},
};

/// What was seen of one image.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// The destination, as users read it.
    pub name: String,
    /// The digest of the root that is there.
    pub digest: Option<Digest>,
    /// Manifests that were read, the root included.
    pub manifests: usize,
    /// Distinct blobs that are there.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Foreign layers, which a copy leaves where they are: nobody looked for them.
    pub left_out: usize,
    /// What speaks against it.
    pub findings: Vec<Finding>,
}

impl Proof {
    /// What is left to say of an image that could not even be looked at, because of `fault`.
    pub fn unseen(name: impl Into<String>, fault: &Fault, remedies: &Remedies) -> Self {
        let name = name.into();
        let flaw = Flaw::of(fault, Piece::Root, &name).expected("an image");
        let finding = flaw.into_finding(fault.place().to_owned(), true, remedies);
        Self { name, findings: vec![finding], ..Self::default() }
    }

    /// Whether nothing speaks against it.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    /// The worst that was found: something wrong, else something missing, else what kept us from looking.
    pub fn verdict(&self) -> Option<FaultKind> {
        let kinds = || self.findings.iter().map(|finding| finding.kind);
        let worst = [FaultKind::Untrue, FaultKind::Absent].into_iter();
        worst
            .map(|kind| kinds().find(|other| *other == kind))
            .find(Option::is_some)
            .flatten()
            .or(kinds().next())
    }
}
