//! The packer: writes volumes, each from its first byte to its last, and goes on where another run ended.
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use content::{Fault, FaultKind, Hasher, Step};
use copier::{CopyError, Engine};
use futures::{StreamExt, stream};
use layout::{ArchiveWriter, Member};
use pace::{Traffic, travel};
use reference::{Algorithm, Digest};

use super::{
    Created, Ledger, Made, Origins,
    flow::{Flow, Proof},
    pantry::Pantry,
};
use crate::{
    BundleError, Load, Plan, Set, Volume,
    disk::{blocking, gone, trouble},
    draft::index,
    plan::Piece,
    volume::{HEADER, Header, path_of},
};

/// Up to this size, in bytes, a blob is read into memory before it is written: when it is wrong it is read once more.
const SMALL: u64 = 1024 * 1024;
/// How many contents are brought into a volume at a time; how many requests that makes is for the lanes to say.
const AT_ONCE: usize = 8;

/// Writes the volumes of a bundle.
pub struct Packer<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) plan: Arc<Plan>,
    pantry: Pantry<'a>,
    /// The digests of ranges, as far as they are known.
    pub(super) ranges: Vec<Digest>,
}

/// What goes on from one volume to the next.
#[derive(Default)]
pub(super) struct Course {
    pub(super) flow: Option<Flow>,
    /// Volumes that are whole, for whoever has to see their bytes once more.
    whole: Vec<PathBuf>,
    pub(super) ranges: Vec<Digest>,
}

/// What came of bringing a part into its volume.
#[derive(Default)]
pub(super) struct Filled {
    /// The digest of a range.
    pub(super) range: Option<Digest>,
    /// What goes on in the next volume.
    pub(super) flow: Option<Flow>,
}

impl fmt::Debug for Packer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").field("set", &self.plan.set).finish_non_exhaustive()
    }
}

/// What a packer works with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Opens sources.
    pub origins: &'a dyn Origins,
    /// Reads blobs.
    pub engine: &'a Engine,
    /// The lanes of sources.
    pub traffic: &'a Traffic,
    /// Manifests that were read when the bundle was planned; others are read again.
    pub manifests: &'a BTreeMap<Digest, Bytes>,
}

impl fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").field("engine", self.engine).finish_non_exhaustive()
    }
}

impl Load {
    /// The manifests that were read.
    pub fn manifests(&self) -> BTreeMap<Digest, Bytes> {
        let each = self.manifests.iter();
        each.map(|(manifest, ..)| (manifest.digest().clone(), manifest.bytes().clone())).collect()
    }
}

impl<'a> Packer<'a> {
    /// A packer of the bundle `plan`.
    pub fn new(ledger: &'a Ledger, plan: &'a Arc<Plan>, ranges: Vec<Digest>, tools: Tools<'a>) -> Self {
        let Tools { origins, engine, traffic, manifests } = tools;
        let pantry = Pantry { plan, origins, engine, traffic, manifests, opened: Mutex::default() };
        Self { ledger, plan: Arc::clone(plan), pantry, ranges }
    }

    /// Writes all volumes but those that are there, whole.
    ///
    /// # Errors
    /// A source that fails or whose bytes are wrong, and a disk that does. Volumes that are whole stay.
    pub async fn pack(&self) -> Result<Created, BundleError> {
        let mut course = Course::default();
        let mut volumes = Vec::new();
        for number in 1..=self.plan.volumes {
            let path = self.ledger.path(&self.plan, number);
            let it = match self.keep(&path, number, &mut course).await? {
                Some(kept) => kept,
                None => self.write(&path, number, &mut course, false).await?,
            };
            course.whole.push(path);
            volumes.push(it);
        }
        Ok(self.tell(volumes))
    }

    pub(super) fn tell(&self, volumes: Vec<Made>) -> Created {
        Created {
            set: self.plan.set.clone(),
            images: self.plan.images.len(),
            blobs: self.plan.contents.iter().filter(|content| !content.is_manifest()).count(),
            base: self.plan.base.blobs(),
            volumes,
        }
    }

    /// A volume that another run has written, checked to its last byte; `None` when it is to be written.
    async fn keep(&self, path: &Path, number: u32, course: &mut Course) -> Result<Option<Made>, BundleError> {
        if !path.exists() {
            return Ok(None);
        }
        let opened = path.to_owned();
        let Ok(volume) = blocking(move || Volume::open(&opened)).await else { return Ok(None) };
        if *volume.plan() != self.plan || volume.number() != number || volume.check().await.is_err() {
            return Ok(None);
        }
        // Ranges that this run has written are not judged before their blob has come to its end. They are what they
        // were when it did; else the blob goes on, for its verdict.
        if !volume.header().ranges.starts_with(&course.ranges) {
            return Ok(None);
        }
        course.ranges.clone_from(&volume.header().ranges);
        Ok(Some(made(path, true)?))
    }

    pub(super) async fn write(
        &self,
        path: &Path,
        number: u32,
        course: &mut Course,
        alone: bool,
    ) -> Result<Made, BundleError> {
        let to = path.to_owned();
        let archive = blocking(move || ArchiveWriter::create(&to)).await.map_err(BundleError::target)?;
        archive.put("index.json", index(&self.plan, number).into()).await.map_err(BundleError::target)?;
        let (flow, whole) = (&Mutex::new(course.flow.take()), course.whole.as_slice());
        // As many members are open as are being filled; each lies where the plan says, whichever is full first.
        let pours = stream::iter(self.plan.volume(number)).map(|piece| {
            let path = path_of(&self.plan, &piece).unwrap_or_default();
            let member = archive.member(&path, piece.length).map_err(BundleError::target);
            async move { self.fill(piece, member?, flow, whole, alone).await }
        });
        let mut filled = pours.buffered(AT_ONCE);
        while let Some(filled) = filled.next().await {
            let Filled { range, flow } = filled?;
            course.ranges.extend(range);
            course.flow = flow.or(course.flow.take());
        }
        drop(filled);
        let header = Header { volume: number, ranges: course.ranges.clone(), plan: Arc::clone(&self.plan) };
        archive.put(HEADER, header.to_bytes().into()).await.map_err(BundleError::target)?;
        archive.finish().await.map_err(BundleError::target)?;
        made(path, false)
    }

    /// Brings a part of a content into its member.
    async fn fill(
        &self,
        piece: Piece,
        mut member: Member,
        flow: &Mutex<Option<Flow>>,
        whole: &[PathBuf],
        alone: bool,
    ) -> Result<Filled, BundleError> {
        let Some(content) = self.plan.contents.get(piece.content) else { return Ok(Filled::default()) };
        let filled = if content.is_manifest() || (piece.range.is_none() && content.size <= SMALL) {
            for chunk in self.pantry.whole(content).await? {
                member.write(chunk).await.map_err(BundleError::target)?;
            }
            Filled::default()
        } else {
            let begun =
                flow.lock().unwrap_or_else(PoisonError::into_inner).take_if(|flow| flow.leads_to(&piece));
            match self.pour(&piece, Some(&mut member), begun, whole, alone).await {
                Ok(filled) => filled,
                // The others were whole before: this run has not made them.
                Err(error) if alone => return Err(error),
                Err(error) => return Err(self.take_back(error, &piece).await),
            }
        };
        member.keep().await.map_err(BundleError::target)?;
        Ok(filled)
    }

    /// A part of a blob that is not small, from its source into the volume, or only past whoever takes its digest.
    pub(super) async fn pour(
        &self,
        piece: &Piece,
        mut member: Option<&mut Member>,
        begun: Option<Flow>,
        whole: &[PathBuf],
        alone: bool,
    ) -> Result<Filled, BundleError> {
        let Some(content) = self.plan.contents.get(piece.content) else { return Ok(Filled::default()) };
        let known = piece.range.and_then(|range| self.ranges.get(range)).filter(|_| alone);
        let lanes = self.pantry.traffic.at(self.pantry.source(content)?.place().origin());
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let pouring = async {
            let mut flow = match begun {
                Some(flow) => flow,
                None => self.begin(piece, whole, known.is_some()).await?,
            };
            let mut left = piece.length;
            while left > 0 {
                let chunk = flow.next(left).await?;
                left = left.saturating_sub(chunk.len() as u64);
                if piece.range.is_some() {
                    hasher.update(&chunk);
                }
                if let Some(member) = &mut member {
                    member.write(chunk).await.map_err(BundleError::target)?;
                }
            }
            Ok::<_, BundleError>(flow)
        };
        let flow = travel(&lanes, &lanes, pouring).await?;
        if piece.range.is_none() {
            return Ok(Filled::default());
        }
        let digest = hasher.finish();
        if known.is_some_and(|known| *known != digest) {
            return Err(BundleError::source(self.moved_on(piece, &flow)));
        }
        let is_last = flow.at >= content.size;
        if !is_last && alone && known.is_none() {
            travel(&lanes, &lanes, flow.finish()).await?;
            return Ok(Filled { range: Some(digest), flow: None });
        }
        Ok(Filled { range: Some(digest), flow: (!is_last && !alone).then_some(flow) })
    }

    async fn begin(&self, piece: &Piece, whole: &[PathBuf], is_known: bool) -> Result<Flow, BundleError> {
        if is_known {
            return Flow::begin(&self.pantry, piece, Proof::Range).await;
        }
        let whole = whole.to_vec();
        let set = if piece.offset > 0 && !whole.is_empty() {
            Some(blocking(move || Ok(Set::open(&whole))).await.map_err(BundleError::source)??)
        } else {
            None
        };
        Flow::begin(&self.pantry, piece, Proof::Blob(set.as_ref())).await
    }

    fn moved_on(&self, piece: &Piece, flow: &Flow) -> Fault {
        let digest = self.plan.contents.get(piece.content).map(|content| content.digest.to_string());
        let what =
            format!("its bytes from {} on are not what they were when the bundle was made", piece.offset);
        Fault::new(FaultKind::Untrue, Step::ReadBlob, what)
            .at(flow.source.place())
            .about(digest.unwrap_or_default())
    }

    /// A blob whose bytes turned out wrong after ranges of it were written: the volumes with those are taken back.
    async fn take_back(&self, error: BundleError, piece: &Piece) -> BundleError {
        let is_wrong = matches!(
            &error,
            BundleError::Copy(CopyError::Failed { fault, .. }) if fault.kind() == FaultKind::Untrue
        );
        let before = self.plan.pieces().filter(|it| it.content == piece.content && it.volume < piece.volume);
        let paths: Vec<_> = before.map(|it| self.ledger.path(&self.plan, it.volume)).collect();
        if !is_wrong || paths.is_empty() {
            return error;
        }
        let removed =
            blocking(move || paths.iter().try_for_each(|path| gone(path, fs::remove_file(path)))).await;
        removed.map_or_else(BundleError::target, |()| error)
    }
}

fn made(path: &Path, kept: bool) -> Result<Made, BundleError> {
    let metadata = fs::metadata(path).map_err(|error| BundleError::target(trouble(path, error)))?;
    Ok(Made { path: path.to_owned(), bytes: metadata.len(), kept })
}
