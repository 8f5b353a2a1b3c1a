//! The logbook: what the journal says of one transfer, and what it is told.
//!
//! An upload that fails because somebody cannot be reached is left standing, for the next run to go on with. One that
//! is given up for any other reason is cancelled, and its page goes.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use content::{Claim, Descriptor, FaultKind, Journal, Mark, Marks, Page, Target, Upload, Verified};

use crate::CopyError;

/// The least size of a blob of which a journal is kept, in bytes: a smaller one is sooner sent again.
const LEAST: u64 = 8 * 1024 * 1024;

/// One transfer's page, if it has one.
pub(crate) struct Logbook {
    page: Option<Arc<dyn Page>>,
    /// Whether the page stays for the next run.
    stays: bool,
}

impl Logbook {
    pub(crate) fn open(journal: Option<&dyn Journal>, target: &dyn Target, blob: &Descriptor) -> Self {
        let journal = journal.filter(|_| blob.size >= LEAST);
        Self { page: journal.and_then(|journal| journal.page(target.place(), blob)), stays: false }
    }

    /// The upload that an earlier run left, where it can be continued, and the marks of what was read for it.
    pub(crate) async fn take_up(
        &mut self,
        target: &dyn Target,
        blob: &Descriptor,
    ) -> Result<Option<(Box<dyn Upload>, Marks)>, CopyError> {
        let Some(left) = self.page.as_ref().and_then(|page| page.read()) else { return Ok(None) };
        match target.reopen(blob, &left.location).await {
            Ok(Some(upload)) => Ok(Some((upload, left.marks))),
            Err(fault) if fault.kind() == FaultKind::Unreachable => {
                self.stays = true;
                Err(CopyError::target(fault))
            }
            Ok(None) | Err(_) => {
                self.discard();
                Ok(None)
            }
        }
    }

    /// Writes down what is handed on to the upload of `claim`.
    pub(crate) fn attend(&self, verified: &mut Verified, claim: Option<Claim>) {
        let (Some(page), Some(claim)) = (&self.page, claim) else { return };
        let mut pen = Pen { page: Arc::clone(page), claim, written: None };
        verified.attest(move |mark| pen.note(mark));
    }

    /// What was written belongs to bytes that were wrong.
    pub(crate) fn discard(&self) {
        if let Some(page) = &self.page {
            page.discard();
        }
    }
}

impl Drop for Logbook {
    fn drop(&mut self) {
        if !self.stays {
            self.discard();
        }
    }
}

/// Writes one upload's lines.
struct Pen {
    page: Arc<dyn Page>,
    claim: Claim,
    written: Option<String>,
}

impl Pen {
    fn note(&mut self, mark: &Mark) {
        let location = self.claim.location();
        match &location {
            None => return,
            Some(now) if self.written != location => self.page.moved(now),
            Some(_) => {}
        }
        self.written = location;
        self.page.reached(mark);
    }
}

/// An upload that is cancelled when it is dropped, but for one that was stranded.
pub(crate) struct Moored<'a> {
    pub(crate) upload: Box<dyn Upload>,
    pub(crate) book: &'a mut Logbook,
    /// Whether somebody on the way could not be reached, whoever noticed it first.
    pub(crate) stranded: &'a AtomicBool,
}

impl Moored<'_> {
    /// Notes how the transfer ended.
    pub(crate) fn note(&self, outcome: &Result<(), CopyError>) {
        if outcome.as_ref().is_err_and(|error| error.kind() == FaultKind::Unreachable) {
            self.stranded.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Moored<'_> {
    fn drop(&mut self) {
        let continued =
            self.book.page.is_some() && self.upload.claim().is_some_and(|claim| claim.location().is_some());
        if continued && self.stranded.load(Ordering::Relaxed) {
            self.upload.leave();
            self.book.stays = true;
        }
    }
}
