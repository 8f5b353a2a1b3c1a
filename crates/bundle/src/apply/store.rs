//! Into a layout: blobs are stored as they come, ranges wait for each other, and names are written when all is there.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use content::{
    At, Begun, Descriptor, Fault, FaultKind, Lent, MediaType, Mode, Source, Target, Verified, Version,
};
use copier::{Conflict, CopyError};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use layout::Layout;
use reference::Digest;

use super::{
    Applied, Arrived, Clobber,
    area::{self, Area},
    base,
    source::{BundleSource, Stock, descriptor},
    staging::claim,
};
use crate::{
    BundleError, Plan, Set, Volume,
    chart::Chart,
    disk::blocking,
    plan::{Image, Piece},
};

/// How many blobs are stored at a time.
const AT_ONCE: usize = 4;

/// What a layout has taken in of a bundle.
#[derive(Debug)]
pub struct Intake {
    layout: Layout,
    chart: Arc<Chart>,
    /// Contents that are there whole, every byte of them looked at: by their positions.
    whole: BTreeSet<usize>,
    /// The volumes that are still to come.
    pub missing: Vec<u32>,
    copied: usize,
    present: usize,
    bytes: u64,
}

impl Intake {
    /// The layout, as where all bytes of the bundle are.
    pub fn stock(&self) -> Stock {
        Stock::Layout(Arc::new(self.layout.repository(None)))
    }

    /// What there is to tell, with these images.
    pub fn tell(&self, images: Vec<Arrived>) -> Applied {
        let (missing, &Self { copied, present, bytes, .. }) = (self.missing.clone(), self);
        Applied { missing, images, copied, present, bytes, ..Applied::nothing(self.chart.plan()) }
    }
}

/// Brings volumes into the layout `dir`, and writes the names when that completes the bundle.
///
/// # Errors
/// A base that is not there, names that may not be moved, volumes that are damaged, and a disk that fails.
pub async fn store(set: &Set, dir: &Path, clobber: Clobber) -> Result<Applied, BundleError> {
    let plan = &set.plan();
    let shown = format!("oci:{}", dir.display());
    let there = if dir.join("oci-layout").exists() {
        let dir = dir.to_owned();
        Some(blocking(move || Layout::open(&dir)).await.map_err(BundleError::target)?)
    } else {
        layout::refuse_taken(dir).map_err(BundleError::target)?;
        None
    };
    base::find_in(plan, there.as_ref(), &shown)?;
    if let (Some(layout), Clobber::Refuse) = (&there, clobber) {
        refuse_to_move(plan, layout).await?;
    }
    let _claim = claim(&area::dir(dir, &plan.set)).await?;
    let (mut intake, area) = take_in(set, dir).await?;
    intake.present = intake.present.saturating_add(plan.base.blobs());
    if intake.missing.is_empty() {
        intake.look_again().await?;
    }
    if !intake.missing.is_empty() {
        return Ok(intake.tell(Vec::new()));
    }
    let images = publish(&intake, clobber).await?;
    area.remove().await?;
    Ok(intake.tell(images))
}

/// Brings volumes into the layout `dir`; nobody else does that with this bundle meanwhile.
pub(super) async fn take_in(set: &Set, dir: &Path) -> Result<(Intake, Area), BundleError> {
    let dir = dir.to_owned();
    let layout = blocking(move || Layout::create_or_open(&dir)).await.map_err(BundleError::target)?;
    let mut area = Area::open(&layout, &set.plan().set).await?;
    let (copied, present, bytes) = (0, 0, 0);
    let chart = Arc::clone(set.chart());
    let (whole, missing) = (BTreeSet::new(), Vec::new());
    let mut intake = Intake { layout, chart, whole, missing, copied, present, bytes };
    intake.find_joined(set).await?;
    for volume in set.volumes() {
        intake.volume(volume, &mut area).await?;
    }
    intake.join(&mut area).await?;
    intake.missing = intake.find_missing(&area)?;
    Ok((intake, area))
}

impl Intake {
    /// Looks for blobs that were made of ranges before. A disk may have lost bytes: damage is replaced.
    async fn find_joined(&mut self, set: &Set) -> Result<(), BundleError> {
        let chart = Arc::clone(&self.chart);
        for (number, content) in chart.plan().contents.iter().enumerate().filter(|it| it.1.is_split()) {
            if self.layout.store().has(&descriptor(content)).await.map_err(BundleError::target)? {
                self.whole.insert(number);
                if content.at.iter().any(|part| set.volume(part.0).is_some()) {
                    self.count(number, false);
                }
            }
        }
        Ok(())
    }

    /// Stores what is in a volume.
    async fn volume(&mut self, volume: &Volume, area: &mut Area) -> Result<(), BundleError> {
        let header = volume.header();
        area.learn(&header.ranges).await?;
        let pieces = header.plan.volume(volume.number());
        let ranges =
            if pieces.iter().any(|piece| piece.range.is_some()) { Some(area.make().await?) } else { None };
        let stores = pieces.iter().map(async |piece| {
            let Some(digest) = header.digest(piece) else {
                return Err(BundleError::source(volume.altered(piece)));
            };
            if self.whole.contains(&piece.content) {
                return Ok(None);
            }
            let into = ranges.as_ref().filter(|_| piece.range.is_some()).unwrap_or(&self.layout);
            let blob = Descriptor::new(MediaType::new(""), digest, piece.length);
            let stored =
                put(into, &blob, volume.read(piece, 0)).await.map_err(|error| blame(error, volume))?;
            Ok(piece.range.is_none().then_some((piece.content, stored)))
        });
        let done: Vec<_> = stream::iter(stores).buffer_unordered(AT_ONCE).try_collect().await?;
        for (content, stored) in done.into_iter().flatten() {
            self.count(content, stored);
            self.whole.insert(content);
        }
        Ok(())
    }

    /// Makes blobs of the ranges that are all there.
    async fn join(&mut self, area: &mut Area) -> Result<(), BundleError> {
        let chart = Arc::clone(&self.chart);
        for (number, content) in chart.plan().contents.iter().enumerate().filter(|it| it.1.is_split()) {
            let pieces = chart.pieces(number);
            let waits =
                |piece: &Piece| piece.range.map_or(Ok(false), |range| area.holds(range, piece.length));
            if self.whole.contains(&number)
                || !pieces.iter().map(waits).collect::<Result<Vec<_>, _>>()?.into_iter().all(|it| it)
            {
                continue;
            }
            let ranges: Vec<Digest> =
                pieces.iter().filter_map(|it| area.ranges.get(it.range?).cloned()).collect();
            let from = area.make().await?;
            let stored = put(&self.layout, &descriptor(content), async { Ok(chain(from, ranges)) }).await;
            if let Err(BundleError::Copy(CopyError::Failed { fault, .. })) = &stored
                && fault.kind() != FaultKind::Untrue
            {
                return Err(BundleError::target(fault.clone()));
            }
            for range in pieces.iter().filter_map(|piece| piece.range) {
                area.forget(range).await?;
            }
            self.count(number, stored?);
            self.whole.insert(number);
        }
        Ok(())
    }

    fn has(&self, content: usize) -> Result<bool, BundleError> {
        let Some(content) = self.chart.plan().contents.get(content) else { return Ok(false) };
        let size = self.layout.store().size(&content.digest).map_err(BundleError::target)?;
        Ok(size == Some(content.size))
    }

    fn find_missing(&self, area: &Area) -> Result<Vec<u32>, BundleError> {
        let mut missing = BTreeSet::new();
        for piece in self.chart.plan().pieces() {
            let is_here = self.whole.contains(&piece.content)
                || match piece.range {
                    Some(range) => area.holds(range, piece.length)?,
                    None => self.has(piece.content)?,
                };
            if !is_here {
                missing.insert(piece.volume);
            }
        }
        Ok(missing.into_iter().collect())
    }

    /// Reads what this run has not, now that all is there by its size: what came before may have rotted since.
    async fn look_again(&mut self) -> Result<(), BundleError> {
        let mut rotten = BTreeSet::new();
        for (number, content) in self.chart.plan().contents.iter().enumerate() {
            if !self.whole.contains(&number)
                && !self.layout.store().has(&descriptor(content)).await.map_err(BundleError::target)?
            {
                rotten.extend(content.at.iter().map(|part| part.0));
            }
        }
        self.missing = rotten.into_iter().collect();
        Ok(())
    }

    /// Counts a content, if it is a blob.
    fn count(&mut self, content: usize, stored: bool) {
        let blob = self.chart.plan().contents.get(content).filter(|content| !content.is_manifest());
        match blob {
            Some(blob) if stored => {
                self.copied = self.copied.saturating_add(1);
                self.bytes = self.bytes.saturating_add(blob.size);
            }
            Some(_) => self.present = self.present.saturating_add(1),
            None => {}
        }
    }
}

type Chunks = BoxStream<'static, Result<Bytes, Fault>>;

/// Stores a blob, verified on the way; `false` when it was there.
async fn put(
    layout: &Layout,
    blob: &Descriptor,
    read: impl Future<Output = Result<Chunks, Fault>>,
) -> Result<bool, BundleError> {
    let target = layout.repository(None);
    let Begun::Upload(mut upload) = target.begin(blob, None).await.map_err(BundleError::target)? else {
        return Ok(false);
    };
    let mut verified = Verified::new(blob);
    verified.feed(read.await.map_err(BundleError::source)?);
    let (lent, home) = Lent::new(verified);
    let Err(fault) = upload.send(lent).await else { return Ok(true) };
    match home.await.ok().as_ref().and_then(Verified::fault) {
        Some(own) => Err(BundleError::source(own.clone())),
        None => Err(BundleError::target(fault)),
    }
}

/// Wrong bytes are the volume's.
fn blame(error: BundleError, volume: &Volume) -> BundleError {
    match error {
        BundleError::Copy(CopyError::Failed { fault, .. }) if fault.kind() == FaultKind::Untrue => {
            let fault = fault.at(volume.shown());
            BundleError::source(fault.hint("bring this volume over again, or have it made again"))
        }
        other => other,
    }
}

fn chain(layout: Layout, ranges: Vec<Digest>) -> Chunks {
    let each = stream::iter(ranges).then(move |digest| {
        let layout = layout.clone();
        async move { Ok(layout.store().open(&digest, 0, u64::MAX).await?.into_chunks()) }
    });
    each.try_flatten().boxed()
}

async fn refuse_to_move(plan: &Plan, layout: &Layout) -> Result<(), BundleError> {
    let mut conflicts = Vec::new();
    for image in &plan.images {
        let repository = layout.repository(Some(image.repository.clone()));
        let Some(name) = image.ref_name() else { continue };
        let found = repository.find(&Version::Name(name.clone())).await.map_err(BundleError::target)?;
        if let Some(found) = found.filter(|found| found.digest != image.digest) {
            let place = Target::place(&repository).clone();
            conflicts.push(Conflict { place, name, digest: found.digest, same: false });
        }
    }
    if conflicts.is_empty() { Ok(()) } else { Err(CopyError::TagsExist(conflicts).into()) }
}

/// Names what has come, one image after the other.
async fn publish(intake: &Intake, clobber: Clobber) -> Result<Vec<Arrived>, BundleError> {
    let source = BundleSource {
        place: Target::place(&intake.layout.repository(None)).clone(),
        chart: Arc::clone(&intake.chart),
        stock: intake.stock(),
        base: Arc::new(BTreeMap::new()),
    };
    let mut images = Vec::new();
    for image in &intake.chart.plan().images {
        let already_there =
            name(&source, &intake.layout, image, clobber).await.map_err(BundleError::target)?;
        images.push(Arrived { image: image.clone(), already_there });
    }
    Ok(images)
}

async fn name(
    source: &BundleSource,
    layout: &Layout,
    image: &Image,
    clobber: Clobber,
) -> Result<bool, Fault> {
    let target = layout.repository(Some(image.repository.clone()));
    let name = image.ref_name();
    let version = name.clone().map_or_else(|| Version::Digest(image.digest.clone()), Version::Name);
    if target.find(&version).await?.is_some_and(|found| found.digest == image.digest) {
        return Ok(true);
    }
    let manifest = source.manifest(&Version::Digest(image.digest.clone()), None).await?;
    let mode = if clobber == Clobber::Refuse { Mode::NoForce } else { Mode::Force };
    let at = name.as_ref().map_or(At::Digest, At::Name);
    target.publish(&manifest, at, mode).await.map(|()| false)
}
