//! Sets: volumes of one bundle, as many as are at hand.
use std::{collections::BTreeMap, ops::Range, path::PathBuf, sync::Arc};

use bytes::Bytes;
use content::{Fault, FaultKind, Step};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use reference::Digest;

use crate::{BundleError, Plan, Volume, chart::Chart, plan::Piece};

/// Volumes of one bundle. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Set {
    chart: Arc<Chart>,
    volumes: Arc<BTreeMap<u32, Volume>>,
}

impl Set {
    /// Opens volumes, in any order. It may wait for the disk: call it where blocking is allowed.
    ///
    /// # Errors
    /// What is no volume, or none of the bundle that the others belong to.
    pub fn open(paths: &[PathBuf]) -> Result<Self, BundleError> {
        let mut volumes: BTreeMap<u32, Volume> = BTreeMap::new();
        for path in paths {
            let mut volume = Volume::open(path).map_err(BundleError::source)?;
            if let Some((_, first)) = volumes.first_key_value() {
                if first.plan() != volume.plan() {
                    return Err(foreign(first, &volume));
                }
                volume.share(first.plan());
            }
            volumes.entry(volume.number()).or_insert(volume);
        }
        let Some((_, first)) = volumes.first_key_value() else {
            return Err(BundleError::usage("no volume was named", "name the files of one bundle"));
        };
        Ok(Self { chart: Arc::new(Chart::new(Arc::clone(first.plan()))), volumes: Arc::new(volumes) })
    }

    /// What the whole bundle is.
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(self.chart.plan())
    }

    pub(crate) fn chart(&self) -> &Arc<Chart> {
        &self.chart
    }

    /// The volumes at hand, in order.
    pub fn volumes(&self) -> impl Iterator<Item = &Volume> {
        self.volumes.values()
    }

    /// A volume, if it is at hand.
    pub(crate) fn volume(&self, number: u32) -> Option<&Volume> {
        self.volumes.get(&number)
    }

    /// The numbers of those that are not.
    pub fn missing(&self) -> Vec<u32> {
        (1..=self.chart.plan().volumes).filter(|number| self.volume(*number).is_none()).collect()
    }

    /// The bytes of a part, from `from` on.
    pub(crate) async fn read(
        &self,
        piece: &Piece,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
        let Some(volume) = self.volume(piece.volume) else {
            let what = format!("volume {} of the bundle is not at hand", piece.volume);
            return Err(Fault::new(FaultKind::Absent, Step::ReadBlob, what));
        };
        volume.read(piece, from).await
    }

    /// The bytes of a content, its ranges joined; not checked.
    pub(crate) fn join(
        &self,
        digest: &Digest,
        span: Range<u64>,
    ) -> Option<BoxStream<'static, Result<Bytes, Fault>>> {
        let pieces = self.chart.pieces(self.chart.find(digest)?.0);
        let set = self.clone();
        let ahead = pieces.into_iter().filter(move |piece| {
            let end = piece.offset.saturating_add(piece.length);
            end > span.start && piece.offset < span.end
        });
        let parts = stream::iter(ahead.collect::<Vec<_>>()).then(move |piece| {
            let set = set.clone();
            async move { set.read(&piece, span.start.saturating_sub(piece.offset)).await }
        });
        Some(parts.try_flatten().boxed())
    }
}

fn foreign(first: &Volume, other: &Volume) -> BundleError {
    let (one, two) = (first.shown(), other.shown());
    BundleError::usage(
        format!(
            "{two} is a volume of another bundle ({}) than {one} ({})",
            other.plan().set,
            first.plan().set
        ),
        "give volumes of one bundle at a time; `transship bundle show FILE` says which a volume belongs to",
    )
}
