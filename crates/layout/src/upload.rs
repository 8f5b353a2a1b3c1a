//! An upload into a layout: what has come is in a temporary file until the blob is whole.
use content::{Descriptor, Fault, FaultKind, Lent, Step, Upload};
use futures::{StreamExt as _, future::BoxFuture};

use crate::{Ingest, Store};

/// One blob on its way in.
#[derive(Debug)]
pub(crate) struct LayoutUpload {
    store: Store,
    blob: Descriptor,
    /// `None` once the blob is stored, or after a failure that leaves what was written in doubt.
    ingest: Option<Ingest>,
    stored: bool,
}

impl LayoutUpload {
    pub(crate) async fn begin(store: Store, blob: Descriptor) -> Result<Self, Fault> {
        let ingest = Some(store.ingest().await?);
        Ok(Self { store, blob, ingest, stored: false })
    }

    async fn take(&mut self, mut body: Lent) -> Result<(), Fault> {
        let Some(mut ingest) = self.ingest.take() else {
            return Err(self.fault("this upload must be realigned first"));
        };
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => ingest.write(chunk).await?,
                Err(fault) => {
                    // Bytes that turned out to be wrong are not worth keeping; a cut stream goes on from here.
                    if fault.kind() != FaultKind::Untrue {
                        self.ingest = Some(ingest);
                    }
                    return Err(fault);
                }
            }
        }
        if ingest.taken() != self.blob.size {
            let what = format!("{} of {} bytes came", ingest.taken(), self.blob.size);
            return Err(self.fault(what));
        }
        // Nothing ends a `Lent` without a fault but bytes that match: see `content::Verified`.
        ingest.keep(&self.blob.digest).await?;
        self.stored = true;
        Ok(())
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Protocol, Step::SendBlob, what).about(&self.blob.digest)
    }
}

impl Upload for LayoutUpload {
    fn offset(&self) -> u64 {
        match &self.ingest {
            Some(ingest) => ingest.taken(),
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
            if self.stored || self.store.has(&self.blob).await? {
                return Ok(true);
            }
            if self.ingest.is_none() {
                self.ingest = Some(self.store.ingest().await?);
            }
            Ok(false)
        })
    }
}
