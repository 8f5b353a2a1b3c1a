//! Flows: a large blob on its way into one volume after the other.
use std::sync::Arc;

use bytes::Bytes;
use content::{Fault, FaultKind, Source, Step, Verified};
use futures::{StreamExt, stream::BoxStream};

use super::pantry::{Pantry, placed};
use crate::{BundleError, Set, apply::descriptor, plan::Piece};

/// The bytes of a blob from some offset on.
pub(super) struct Flow {
    /// The position of its content.
    content: usize,
    /// The offset of the next byte.
    pub(super) at: u64,
    pub(super) source: Arc<dyn Source>,
    bytes: BoxStream<'static, Result<Bytes, Fault>>,
    rest: Bytes,
}

/// What tells whether the bytes of a range are right.
pub(super) enum Proof<'a> {
    /// The digest of the whole blob; what comes before the range is read from volumes that are whole, if any.
    Blob(Option<&'a Set>),
    /// The digest of the range is known: nothing else is read.
    Range,
}

impl Flow {
    /// The bytes of a blob from where `piece` begins.
    pub(super) async fn begin(
        pantry: &Pantry<'_>,
        piece: &Piece,
        proof: Proof<'_>,
    ) -> Result<Self, BundleError> {
        let Some(content) = pantry.plan.contents.get(piece.content) else { return Err(nothing()) };
        let source = pantry.source(content)?;
        let blob = descriptor(content);
        let from = |at| async move {
            let source = pantry.source(content)?;
            pantry.engine.read(&source, &descriptor(content), at).await.map_err(BundleError::source)
        };
        let bytes = match proof {
            Proof::Range => from(piece.offset).await?,
            Proof::Blob(set) => {
                let mut verified = Verified::new(&blob);
                verified.rewind(piece.offset);
                let before = set.and_then(|set| set.join(&blob.digest, 0..piece.offset));
                verified.feed(match before {
                    Some(before) if piece.offset > 0 => before.chain(from(piece.offset).await?).boxed(),
                    _ => from(0).await?,
                });
                verified.boxed()
            }
        };
        Ok(Self { content: piece.content, at: piece.offset, source, bytes, rest: Bytes::new() })
    }

    /// Whether the next bytes are those of `piece`.
    pub(super) fn leads_to(&self, piece: &Piece) -> bool {
        self.content == piece.content && self.at == piece.offset
    }

    /// The next bytes, `most` of them at most.
    pub(super) async fn next(&mut self, most: u64) -> Result<Bytes, BundleError> {
        while self.rest.is_empty() {
            let chunk = self.bytes.next().await.unwrap_or_else(|| Err(cut_short()));
            self.rest = chunk.map_err(|fault| BundleError::source(placed(fault, &self.source)))?;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        let chunk = self.rest.split_to(most);
        self.at = self.at.saturating_add(chunk.len() as u64);
        Ok(chunk)
    }

    /// Reads on to the end, for its verdict alone.
    pub(super) async fn finish(mut self) -> Result<(), BundleError> {
        while let Some(chunk) = self.bytes.next().await {
            chunk.map_err(|fault| BundleError::source(placed(fault, &self.source)))?;
        }
        Ok(())
    }
}

fn cut_short() -> Fault {
    Fault::new(FaultKind::Untrue, Step::ReadBlob, "the blob ended before its size was reached")
}

fn nothing() -> BundleError {
    BundleError::source(Fault::new(FaultKind::Protocol, Step::ReadBlob, "the plan has no such content"))
}
