//! The hallway: the one way a blob's bytes go from source to target.
//!
//! ```text
//! Source::open -> steady -> Verified -> Lent -> Upload::send
//! ```
//! A ladder, cheapest rung first: there already, mounted, sent. A chunk is handed on and never collected: memory does
//! not depend on a blob's size.
use std::sync::{Arc, atomic::AtomicBool};

use content::{Begun, Descriptor, Fault, FaultKind, Journal, Lent, Source, Step, Target, Upload, Verified};
use futures::StreamExt;
use reference::RepositoryName;

use crate::{
    CopyError, Delivery, Event, Observer, Side,
    budget::{Budget, SENDS},
    logbook::{Logbook, Moored},
    steady::steady,
};

/// The two ends of the hallway.
pub(crate) struct Hallway<'a> {
    pub(crate) source: &'a Arc<dyn Source>,
    pub(crate) target: &'a dyn Target,
    pub(crate) observer: &'a Arc<dyn Observer>,
    pub(crate) journal: Option<&'a dyn Journal>,
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
        if let Some((upload, marks)) = book.take_up(self.target, blob).await? {
            self.observer.event(&Event::Resumed { blob, held: upload.offset() });
            let verified = Verified::new(blob).with_marks(marks);
            match self.stream(blob, upload, verified, &mut book).await {
                // What was written down may be what was wrong.
                Err(error) if self.is_worth_another(blob, &error) => book.discard(),
                outcome => return outcome.map(|()| Delivery::Copied),
            }
        }
        let first = match self.target.begin(blob, mount).await.map_err(CopyError::target)? {
            Begun::Present => return Ok(Delivery::Present),
            Begun::Mounted => return Ok(Delivery::Mounted),
            Begun::Upload(upload) => upload,
        };
        self.observer.event(&Event::Started { blob });
        match self.stream(blob, first, Verified::new(blob), &mut book).await {
            Err(error) if self.is_worth_another(blob, &error) => book.discard(),
            outcome => return outcome.map(|()| Delivery::Copied),
        }
        // The session that saw wrong bytes is not used again.
        match self.target.begin(blob, None).await.map_err(CopyError::target)? {
            Begun::Upload(second) => {
                let sent = self.stream(blob, second, Verified::new(blob), &mut book).await;
                sent.map(|()| Delivery::Copied)
            }
            Begun::Present | Begun::Mounted => Ok(Delivery::Present),
        }
    }

    /// Sends a blob of which the target says that it holds it, and does not.
    pub(crate) async fn insist(&self, blob: &Descriptor) -> Result<(), CopyError> {
        let begun = self.target.insist(blob).await.map_err(CopyError::target)?;
        let Begun::Upload(upload) = begun else { return Ok(()) };
        self.observer.event(&Event::Started { blob });
        self.stream(blob, upload, Verified::new(blob), &mut Logbook::open(None, self.target, blob)).await
    }

    /// Whether the bytes were wrong, and may be right when they are read again. What a target says is wrong stays so.
    fn is_worth_another(&self, blob: &Descriptor, error: &CopyError) -> bool {
        match error {
            CopyError::Failed { side: Side::Source, fault }
                if fault.kind() == FaultKind::Untrue && blob.size > 0 =>
            {
                self.observer.event(&Event::Retrying { blob, fault });
                true
            }
            _ => false,
        }
    }

    async fn stream(
        &self,
        blob: &Descriptor,
        upload: Box<dyn Upload>,
        mut verified: Verified,
        book: &mut Logbook,
    ) -> Result<(), CopyError> {
        book.attend(&mut verified, upload.claim());
        let mut moored = Moored { upload, book, stranded: self.stranded };
        let outcome = self.pump(blob, &mut *moored.upload, verified).await;
        moored.note(&outcome);
        outcome
    }

    async fn pump(
        &self,
        blob: &Descriptor,
        upload: &mut dyn Upload,
        mut verified: Verified,
    ) -> Result<(), CopyError> {
        let mut budget = Budget::new(SENDS);
        let mut held = upload.offset();
        loop {
            verified = self.aim(verified, blob, upload.offset()).await?;
            let (lent, home) = Lent::new(verified);
            let Err(fault) = upload.send(lent).await else { return Ok(()) };
            verified = home.await.map_err(|_| CopyError::target(fault.clone()))?;
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
            budget.progress(upload.offset().saturating_sub(held));
            held = held.max(upload.offset());
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
            let bytes = steady(Arc::clone(self.source), blob.clone(), at).await;
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

fn beyond(blob: &Descriptor, offset: u64) -> Fault {
    let what = format!("the target says that it holds {offset} bytes of {}", blob.size);
    Fault::new(FaultKind::Protocol, Step::SendBlob, what).about(&blob.digest)
}
