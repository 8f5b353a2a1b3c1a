//! The verifier: images held against what is said of them, many at once.
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use content::{Descriptor, Fault, FaultKind, Source, Step, Verified, Version};
use copier::{Foreign, Referrers};
use futures::{Stream, StreamExt, future::join, stream};
use pace::{Traffic, travel};
use reference::Digest;

use crate::{
    Case, Expected, Proof,
    finding::{Flaw, Piece},
    followers::follow,
    shelf::Shelves,
    walk::{Walked, walk},
};

/// How many images are looked at together. Lanes decide how many requests that makes.
const IMAGES: usize = 32;

/// How closely an image is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Its root's digest.
    Quick,
    /// Every manifest is read, and every blob asked for.
    #[default]
    Graph,
    /// Every byte is read.
    Deep,
}

/// What was looked at, each blob of a place once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Blobs that were asked for or read.
    pub blobs: u64,
    /// The bytes of those that were read.
    pub bytes: u64,
}

/// Proves images. What several of them have in common is looked at once.
pub struct Verifier {
    traffic: Traffic,
    pub(crate) depth: Depth,
    pub(crate) foreign: Foreign,
    shelves: Shelves,
    blobs: AtomicU64,
    bytes: AtomicU64,
}

impl Verifier {
    /// A verifier that makes as many requests at a time as `traffic` allows. Foreign layers are not looked for.
    pub fn new(traffic: Traffic, depth: Depth) -> Self {
        let (blobs, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { traffic, depth, foreign: Foreign::Skip, shelves: Shelves::default(), blobs, bytes }
    }

    /// Looks for foreign layers like for any others, if `foreign` says so.
    #[must_use]
    pub fn with_foreign(self, foreign: Foreign) -> Self {
        Self { foreign, ..self }
    }

    /// Proves all of these images, each with its number, in the order in which they come to an end.
    pub fn prove_all<'a>(&'a self, cases: &'a [Case]) -> impl Stream<Item = (usize, Proof)> + 'a {
        let each = cases.iter().enumerate().map(async |(number, case)| (number, self.prove(case).await));
        stream::iter(each).buffer_unordered(IMAGES)
    }

    /// Proves one image. What cannot be looked at is a finding as well.
    pub async fn prove(&self, case: &Case) -> Proof {
        let mut proof = Proof { name: case.name.clone(), ..Proof::default() };
        let place = case.place.place();
        let (found, expected) = join(self.root(case), self.expected(case)).await;
        if let Err((at, flaw)) = &expected {
            proof.findings.push(flaw.at(at, &case.remedies));
        }
        let root = match (found, &expected) {
            (Ok(root), _) => root,
            (Err(fault), expected) => {
                let wanted = expected.as_ref().ok().and_then(Option::as_ref);
                let flaw = Flaw::of(&fault, Piece::Root, &case.version).expected(in_words(wanted));
                proof.findings.push(flaw.at(place, &case.remedies));
                return proof;
            }
        };
        proof.digest = Some(root.clone());
        if let Ok(Some(wanted)) = &expected
            && wanted.digest != root
        {
            // What lies below another root says nothing of the one that should be there.
            let flaw = Flaw::moved(&case.version, &root).expected(in_words(Some(wanted)));
            proof.findings.push(flaw.at(place, &case.remedies));
            return proof;
        }
        if self.depth != Depth::Quick {
            let walked = self.graph(&case.place, &root).await;
            walked.tell(&mut proof, place, &case.remedies);
            if case.referrers == Referrers::Follow {
                follow(self, case, walked.manifests.clone(), &mut proof).await;
            }
        }
        proof
    }

    /// What was looked at so far.
    pub fn seen(&self) -> Seen {
        Seen { blobs: self.blobs.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// The digest of what is there.
    async fn root(&self, case: &Case) -> Result<Digest, Fault> {
        match &case.version {
            // Its manifest will be read: nothing is to be asked before.
            Version::Digest(digest) if self.depth != Depth::Quick => Ok(digest.clone()),
            version => self.resolve(&case.place, version).await,
        }
    }

    /// What should be there, where something is said of it; else whose fault it is that nobody knows.
    async fn expected(&self, case: &Case) -> Result<Option<Wanted>, (content::Place, Flaw)> {
        match &case.expected {
            Expected::Whole => Ok(None),
            Expected::Digest { digest, said_by } => {
                Ok(Some(Wanted { digest: digest.clone(), said_by: said_by.clone() }))
            }
            Expected::Source { source, version, platforms, name } => {
                let lanes = self.traffic.at(source.place().origin());
                match platforms.root(source, version, &lanes).await {
                    Ok(root) => Ok(Some(Wanted { digest: root.digest, said_by: name.clone() })),
                    Err(error) => {
                        let flaw = Flaw::of_copy(&error, version).expected("the image at the source");
                        Err((source.place().clone(), flaw))
                    }
                }
            }
        }
    }

    pub(crate) async fn resolve(&self, place: &Arc<dyn Source>, version: &Version) -> Result<Digest, Fault> {
        Ok(self.lane(place, place.resolve(version)).await?.digest)
    }

    pub(crate) async fn graph(&self, place: &Arc<dyn Source>, root: &Digest) -> Arc<Walked> {
        let cell = self.shelves.at(place.place()).graph(root);
        let walked = cell.get_or_init(async || Arc::new(walk(self, place, root).await)).await;
        Arc::clone(walked)
    }

    /// Does `work` in a lane of the place.
    pub(crate) async fn lane<T>(&self, place: &Arc<dyn Source>, work: impl Future<Output = T>) -> T {
        let lanes = self.traffic.at(place.place().origin());
        travel(&lanes, &lanes, work).await
    }

    /// How many pieces of one place are worth being waited for at a time.
    pub(crate) fn width(&self, place: &Arc<dyn Source>) -> usize {
        self.traffic.at(place.place().origin()).cap()
    }

    /// Looks for a blob, once for each place.
    pub(crate) async fn look(&self, place: &Arc<dyn Source>, blob: &Descriptor) -> Result<(), Fault> {
        // Others wait here, and hold no lane meanwhile.
        let cell = self.shelves.at(place.place()).blob(blob);
        let looked = cell.get_or_init(async || {
            self.blobs.fetch_add(1, Ordering::Relaxed);
            match self.depth {
                Depth::Deep => self.lane(place, self.read(place, blob)).await,
                Depth::Quick | Depth::Graph => self.lane(place, ask(place, blob)).await,
            }
        });
        looked.await.clone()
    }

    /// Reads a blob to its last byte; what came is held against its digest, and kept nowhere.
    async fn read(&self, place: &Arc<dyn Source>, blob: &Descriptor) -> Result<(), Fault> {
        // What stands elsewhere, is not at this place.
        let own = Descriptor { urls: Vec::new(), ..blob.clone() };
        let mut verified = Verified::new(&own);
        verified.feed(copier::read(Arc::clone(place), own).await?);
        while let Some(chunk) = verified.next().await {
            self.bytes.fetch_add(chunk?.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What the root should be, and who says so.
struct Wanted {
    digest: Digest,
    said_by: String,
}

fn in_words(wanted: Option<&Wanted>) -> String {
    wanted.map_or_else(|| "an image".to_owned(), |wanted| format!("{}, by {}", wanted.digest, wanted.said_by))
}

async fn ask(place: &Arc<dyn Source>, blob: &Descriptor) -> Result<(), Fault> {
    let fault = |kind, what: String| Err(Fault::new(kind, Step::CheckBlob, what));
    match place.held(blob).await? {
        Some(size) if size == blob.size => Ok(()),
        Some(size) => fault(FaultKind::Untrue, format!("{size} bytes")),
        None => fault(FaultKind::Absent, String::new()),
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("depth", &self.depth)
            .field("seen", &self.seen())
            .finish_non_exhaustive()
    }
}
