//! The logbook: what the journal says of one transfer, and what it is told.
//!
//! An upload that fails because somebody cannot be reached is left standing, for the next run to go on with. One that
//! is given up for any other reason is cancelled, and its page goes.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use content::{Claim, Descriptor, FaultKind, Journal, Mark, Page, Target, Upload, Verified, Witness};

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

    /// Of a transfer that is not written down.
    pub(crate) fn none() -> Self {
        Self { page: None, stays: false }
    }

    /// The upload that an earlier run left, where it can be continued, and the blob as far as it was read for it.
    pub(crate) async fn take_up(
        &mut self,
        target: &dyn Target,
        blob: &Descriptor,
    ) -> Option<(Box<dyn Upload>, Verified)> {
        let left = self.page.as_ref()?.read()?;
        match target.reopen(blob, &left.location).await {
            Ok(Some(upload)) if left.vouches_for(upload.offset()) && left.reached.at() <= blob.size => {
                Some((upload, Verified::new(blob).going_on(left.marks, left.reached)))
            }
            Ok(_) => None,
            Err(fault) => {
                // Until another upload has begun: its registry may be back by the next run.
                self.stays = fault.kind() == FaultKind::Unreachable;
                None
            }
        }
    }

    /// Writes down what is handed on to the upload of `claim`.
    pub(crate) fn attend(&self, verified: &mut Verified, claim: Option<Claim>) {
        if let (Some(page), Some(claim)) = (&self.page, claim) {
            verified.attest(Pen { page: Arc::clone(page), claim, written: None });
        }
    }

    /// What was written is of no more use: its upload has ended, or its bytes were wrong.
    pub(crate) fn discard(&mut self) {
        self.stays = false;
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

impl Witness for Pen {
    fn reached(&mut self, mark: &Mark) {
        let location = self.claim.location();
        match &location {
            None => return,
            Some(now) if self.written != location => self.page.moved(now),
            Some(_) => {}
        }
        self.written = location;
        self.page.reached(mark);
    }

    fn went_back(&mut self, offset: u64) {
        self.page.went_back(offset);
    }
}

/// An upload that is cancelled when it is dropped, unless somebody on the way could not be reached.
pub(crate) struct Moored<'a> {
    pub(crate) upload: Box<dyn Upload>,
    pub(crate) book: &'a mut Logbook,
    /// Whether another transfer between the two has ended for that reason, and ends this one.
    pub(crate) stranded: &'a AtomicBool,
    /// Whether this one has ended so; `None` when it was dropped on the way.
    is_stranded: Option<bool>,
}

impl<'a> Moored<'a> {
    pub(crate) fn new(upload: Box<dyn Upload>, book: &'a mut Logbook, stranded: &'a AtomicBool) -> Self {
        Self { upload, book, stranded, is_stranded: None }
    }

    /// Notes how the transfer ended, and whether anything was handed on.
    pub(crate) fn note(&mut self, outcome: &Result<(), CopyError>, moved: bool) {
        let is_unreachable = |error: &CopyError| error.kind() == FaultKind::Unreachable;
        self.is_stranded = Some(moved && outcome.as_ref().is_err_and(is_unreachable));
    }
}

impl Drop for Moored<'_> {
    fn drop(&mut self) {
        let is_stranded = self.is_stranded.unwrap_or_else(|| self.stranded.load(Ordering::Relaxed));
        let goes_on = || self.upload.claim().is_some_and(|claim| claim.location().is_some());
        if is_stranded && self.book.page.is_some() && goes_on() {
            self.upload.leave();
            self.book.stays = true;
        }
    }
}
