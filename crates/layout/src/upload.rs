//! An upload into a layout: nobody sees what has come until the blob is whole.
use content::{Descriptor, Fault, FaultKind, Lent, Step, Upload};
use futures::{StreamExt as _, future::BoxFuture};

use crate::intake::{Intake, Taker};

/// One blob on its way in.
#[derive(Debug)]
pub(crate) struct LayoutUpload {
    taker: Taker,
    blob: Descriptor,
    /// `None` once the blob is stored, or after a failure that leaves what was written in doubt.
    intake: Option<Intake>,
    stored: bool,
}

impl LayoutUpload {
    pub(crate) async fn begin(taker: Taker, blob: Descriptor) -> Result<Self, Fault> {
        let intake = Some(taker.begin(&blob).await?);
        Ok(Self { taker, blob, intake, stored: false })
    }

    async fn take(&mut self, mut body: Lent) -> Result<(), Fault> {
        let Some(mut intake) = self.intake.take() else {
            return Err(self.fault("this upload must be realigned first"));
        };
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => intake.write(chunk).await?,
                Err(fault) => {
                    // Bytes that turned out to be wrong are not worth keeping; a cut stream goes on from here.
                    if fault.kind() != FaultKind::Untrue {
                        self.intake = Some(intake);
                    }
                    return Err(fault);
                }
            }
        }
        if intake.taken() != self.blob.size {
            let what = format!("{} of {} bytes came", intake.taken(), self.blob.size);
            return Err(self.fault(what));
        }
        // Nothing ends a `Lent` without a fault but bytes that match: see `content::Verified`.
        intake.keep(&self.blob).await?;
        self.stored = true;
        Ok(())
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Protocol, Step::SendBlob, what).about(&self.blob.digest)
    }
}

impl Upload for LayoutUpload {
    fn offset(&self) -> u64 {
        match &self.intake {
            Some(intake) => intake.taken(),
            None if self.stored => self.blob.size,
            None => 0,
        }
    }

    fn send(&mut self, body: Lent) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.take(body))
    }

    fn realign(&mut self) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async {
            // Not by its size alone: it may be the damaged blob that this upload is to replace.
            if self.stored || self.taker.has(&self.blob).await? {
                return Ok(true);
            }
            if self.intake.is_none() {
                self.intake = Some(self.taker.begin(&self.blob).await?);
            }
            Ok(false)
        })
    }
}
