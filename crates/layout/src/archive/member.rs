//! One member of an archive on its way in.
use std::sync::Arc;

use bytes::Bytes;
use content::{Fault, FaultKind, Step};

use super::{door::Sheet, regions::Region, writer::Desk};
use crate::flow::Flow;

/// A member that is written. Dropping it gives it up: the archive will not have it.
#[derive(Debug)]
pub struct Member {
    desk: Arc<Desk>,
    region: Region,
    flow: Flow<Sheet>,
    is_kept: bool,
}

impl Member {
    pub(crate) fn new(desk: Arc<Desk>, region: Region) -> Self {
        let flow = Flow::new(Arc::clone(&desk.sheet), region.content());
        Self { desk, region, flow, is_kept: false }
    }

    /// How many bytes have been taken.
    pub fn taken(&self) -> u64 {
        self.flow.taken()
    }

    /// Takes the next bytes. After a fault the bytes are in doubt: drop this and begin again.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        if self.taken().saturating_add(chunk.len() as u64) > self.region.size {
            return Err(
                self.fault(format!("more than the {} bytes came that were announced", self.region.size))
            );
        }
        self.flow.write(chunk).await.map_err(|error| self.desk.trouble(error))
    }

    /// Ends the member: the next commit makes it part of the archive.
    pub async fn keep(mut self) -> Result<(), Fault> {
        if self.taken() != self.region.size {
            let what = format!("{} of {} bytes came", self.taken(), self.region.size);
            return Err(self.fault(what));
        }
        // Another member may have been written here, and given up.
        let padding = usize::try_from(self.region.padding()).unwrap_or_default();
        let written = async {
            self.flow.write(vec![0; padding].into()).await?;
            self.flow.finish().await
        };
        written.await.map_err(|error| self.desk.trouble(error))?;
        self.is_kept = true;
        self.desk.keep(self.region.at);
        Ok(())
    }

    /// Writes the whole content, and waits for the disk.
    pub(crate) fn put_now(mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(512), 0);
        self.desk.sheet.write(&padded, self.region.content()).map_err(|error| self.desk.trouble(error))?;
        self.is_kept = true;
        self.desk.keep(self.region.at);
        Ok(())
    }

    fn fault(&self, what: String) -> Fault {
        Fault::new(FaultKind::Protocol, Step::SendBlob, what).at(self.desk.shown())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.is_kept {
            self.desk.give_up(self.region.at, self.flow.is_in_flight());
        }
    }
}
