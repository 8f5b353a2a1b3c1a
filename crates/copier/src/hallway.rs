//! The hallway: the one way a blob's bytes go from source to target.
//!
//! ```text
//! Source::open -> steady -> ranges -> Verified -> Lent -> Upload::send
//! ```
//! A ladder, cheapest rung first: there already, mounted, sent. A chunk is handed on and never collected: memory does
//! not depend on a blob's size.
use std::sync::{Arc, atomic::AtomicBool};

use content::{Begun, Descriptor, Fault, FaultKind, Journal, Lent, Source, Step, Target, Upload, Verified};
use futures::StreamExt;
use pace::Lanes;
use reference::RepositoryName;

use crate::{
    CopyError, Delivery, Event, Observer, Side,
    ahead::Lack,
    budget::{Budget, SENDS},
    logbook::{Logbook, Moored},
    ranges::Shared,
};

/// The two ends of the hallway.
pub(crate) struct Hallway<'a> {
    pub(crate) source: &'a Arc<dyn Source>,
    pub(crate) target: &'a dyn Target,
    pub(crate) observer: &'a Arc<dyn Observer>,
    pub(crate) journal: Option<&'a dyn Journal>,
    /// What readings in several ranges share, and the lanes of the source.
    pub(crate) ranges: (&'a Arc<Shared>, Lanes),
    /// What is known of the blobs that the target was asked for.
    pub(crate) lack: &'a Lack,
    /// Set once a transfer between these two has failed because somebody could not be reached.
    pub(crate) stranded: &'a AtomicBool,
}

impl Hallway<'_> {
    /// Brings one blob to the target. Bytes that do not match are read once more from the start, then given up.
    pub(crate) async fn carry(
        &self,
        blob: &Descriptor,
        mount: Option<&RepositoryName>,
    ) -> Result<Delivery, CopyError> {
        let mut book = Logbook::open(self.journal, self.target, blob);
        if let Some((upload, verified)) = book.take_up(self.target, blob).await {
            let held = upload.offset();
            self.observer.event(&Event::Resumed { blob, held });
            let (outcome, reach) = self.stream(blob, upload, verified, &mut book).await;
            match outcome {
                Err(error) if leads_nowhere(&error, reach.held > held) => self.tell(blob, &error),
                outcome => return outcome.map(|()| Delivery::Copied),
            }
        }
        let asking = self.target.begin(blob, mount);
        let (begun, source) = if mount.is_some() {
            (asking.await.map_err(CopyError::target)?, Arc::clone(self.source))
        } else {
            self.lack.begin(blob, self.source, asking).await.map_err(CopyError::target)?
        };
        book.discard();
        let first = match begun {
            Begun::Present => return Ok(Delivery::Present),
            Begun::Mounted => return Ok(Delivery::Mounted),
            Begun::Upload(upload) => upload,
        };
        self.observer.event(&Event::Started { blob });
        let hallway = Hallway { source: &source, ranges: (self.ranges.0, self.ranges.1.clone()), ..*self };
        match hallway.stream(blob, first, Verified::new(blob), &mut book).await.0 {
            Err(error) if is_wrong_at_source(&error) && blob.size > 0 => self.tell(blob, &error),
            outcome => return outcome.map(|()| Delivery::Copied),
        }
        // The session that saw wrong bytes is not used again, nor what was written down of them.
        book.discard();
        self.ranges.0.distrust(self.source.place());
        match self.target.begin(blob, None).await.map_err(CopyError::target)? {
            Begun::Upload(second) => {
                let (outcome, _) = self.stream(blob, second, Verified::new(blob), &mut book).await;
                outcome.map(|()| Delivery::Copied)
            }
            Begun::Present | Begun::Mounted => Ok(Delivery::Present),
        }
    }

    /// Sends a blob of which the target says that it holds it, and does not.
    pub(crate) async fn insist(&self, blob: &Descriptor) -> Result<Delivery, CopyError> {
        let begun = self.target.insist(blob).await.map_err(CopyError::target)?;
        let Begun::Upload(upload) = begun else { return Ok(Delivery::Present) };
        self.observer.event(&Event::Started { blob });
        let (outcome, _) = self.stream(blob, upload, Verified::new(blob), &mut Logbook::none()).await;
        outcome.map(|()| Delivery::Copied)
    }

    /// Says that a blob is begun once more, and why.
    fn tell(&self, blob: &Descriptor, error: &CopyError) {
        if let CopyError::Failed { fault, .. } = error {
            self.observer.event(&Event::Retrying { blob, fault });
        }
    }

    async fn stream(
        &self,
        blob: &Descriptor,
        upload: Box<dyn Upload>,
        mut verified: Verified,
        book: &mut Logbook,
    ) -> (Result<(), CopyError>, Reach) {
        book.attend(&mut verified, upload.claim());
        let start = upload.offset();
        let mut reach = Reach { read: start, held: start };
        let mut moored = Moored::new(upload, book, self.stranded);
        let outcome = self.pump(blob, &mut *moored.upload, verified, &mut reach).await;
        moored.note(&outcome, reach.read > start);
        (outcome, reach)
    }

    async fn pump(
        &self,
        blob: &Descriptor,
        upload: &mut dyn Upload,
        mut verified: Verified,
        reach: &mut Reach,
    ) -> Result<(), CopyError> {
        let mut budget = Budget::new(SENDS);
        loop {
            verified = self.aim(verified, blob, upload.offset()).await?;
            let (lent, home) = Lent::new(verified);
            let Err(fault) = upload.send(lent).await else { return Ok(()) };
            verified = home.await.map_err(|_| CopyError::target(fault.clone()))?;
            // Until the next attempt nobody reads: what reading holds is for others meanwhile.
            verified.starve();
            reach.read = reach.read.max(verified.at());
            if let Some(own) = verified.fault() {
                // The upload broke because its body did: the source, or the bytes themselves, are to blame.
                return Err(CopyError::source(own.clone().at(self.source.place())));
            }
            if !budget.spend(&fault).await {
                return Err(CopyError::target(fault));
            }
            self.observer.event(&Event::Retrying { blob, fault: &fault });
            if upload.realign().await.map_err(CopyError::target)? {
                return Ok(());
            }
            // Progress is what the target holds beyond all that it has held before: not what was sent and lost.
            budget.progress(upload.offset().saturating_sub(reach.held));
            reach.held = reach.held.max(upload.offset());
        }
    }

    /// Turns the bytes on trial to where the upload stands, and feeds them. Where nothing is left to send, the
    /// verdict must stand before the commit: no transport polls an empty body.
    async fn aim(
        &self,
        mut verified: Verified,
        blob: &Descriptor,
        offset: u64,
    ) -> Result<Verified, CopyError> {
        verified.rewind(offset);
        if !verified.is_true() && verified.fault().is_none() {
            let at = verified.at();
            let (shared, lanes) = &self.ranges;
            let bytes = shared.read(self.source, blob, at, lanes.clone()).await;
            let bytes = bytes.map_err(CopyError::source)?;
            let (observer, moved) = (Arc::clone(self.observer), blob.clone());
            let metered = bytes.inspect(move |chunk| {
                if let Ok(chunk) = chunk {
                    observer.event(&Event::Moved { blob: &moved, bytes: chunk.len() as u64 });
                }
            });
            verified.feed(metered.boxed());
        }
        if offset >= blob.size && !verified.is_true() {
            while verified.next().await.transpose().map_err(CopyError::source)?.is_some() {}
        }
        match verified.fault() {
            Some(fault) => Err(CopyError::source(fault.clone().at(self.source.place()))),
            None if offset > blob.size => {
                Err(CopyError::target(beyond(blob, offset).at(self.target.place())))
            }
            None => Ok(verified),
        }
    }
}

/// How far a transfer came, in bytes from the start of the blob.
struct Reach {
    /// What was read, and handed on.
    read: u64,
    /// What the target has said that it holds.
    held: u64,
}

/// Whether the bytes were wrong, and may be right when they are read again. What a target says is wrong stays so.
fn is_wrong_at_source(error: &CopyError) -> bool {
    error.side() == Side::Source && error.kind() == FaultKind::Untrue
}

/// Whether an upload that was taken up is worth no more: it did not take the target any further, or what was written
/// down of it was wrong. A hint may cost time, and never the copy.
fn leads_nowhere(error: &CopyError, further: bool) -> bool {
    match error {
        CopyError::Failed { side: Side::Target, .. } => !further,
        CopyError::Failed { side: Side::Source, fault } => !fault.is_momentary(),
        CopyError::Refused(_) | CopyError::TagsExist(_) => false,
    }
}

fn beyond(blob: &Descriptor, offset: u64) -> Fault {
    let what = format!("the target says that it holds {offset} bytes of {}", blob.size);
    Fault::new(FaultKind::Protocol, Step::SendBlob, what).about(&blob.digest)
}
