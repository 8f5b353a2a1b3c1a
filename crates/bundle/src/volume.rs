//! Volumes: one file of a bundle, an OCI archive that says itself which bundle it belongs to and what is in it.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use content::{Fault, FaultKind, Hasher, Step};
use futures::{StreamExt, stream::BoxStream};
use layout::Layout;
use reference::{Algorithm, Digest};
use serde::{Deserialize, Serialize};

use crate::{
    disk::trouble,
    plan::{Piece, Plan, VERSION},
};

/// `oci-layout`, as image-spec writes it.
pub(crate) const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The member that makes an archive a volume.
pub(crate) const HEADER: &str = "transship-bundle.json";
/// The most bytes of it that are read: what half a million manifests and blobs take.
pub(crate) const MAX_HEADER: u64 = 64 * 1024 * 1024;

/// What a volume says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Header {
    /// Which volume it is, from 1.
    pub(crate) volume: u32,
    /// The digests of all ranges in the volumes up to this one.
    #[serde(with = "crate::text::all")]
    pub(crate) ranges: Vec<Digest>,
    /// Shared by the volumes of a set.
    #[serde(flatten, with = "crate::text::shared")]
    pub(crate) plan: Arc<Plan>,
}

/// What stands beside the plan.
#[derive(Deserialize)]
struct Beside {
    volume: u32,
    #[serde(with = "crate::text::all")]
    ranges: Vec<Digest>,
}

impl Header {
    /// As it stands in the volume.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Text, numbers and lists: nothing that could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// How many bytes the header of any volume of `plan` has, at most.
    pub(crate) fn longest(plan: &Plan) -> u64 {
        let any = Digest::sha256([0; 32]);
        let ranges = vec![any; plan.ranges_up_to(plan.volumes)];
        Self { volume: plan.volumes, ranges, plan: Arc::new(plan.clone()) }.to_bytes().len() as u64
    }

    /// Reads a header.
    ///
    /// # Errors
    /// What is none, or does not hold together, or is of a later version.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, (FaultKind, String)> {
        #[derive(Deserialize)]
        struct Version {
            bundle: u32,
        }
        let version: Version = parse(bytes)?;
        if version.bundle != VERSION {
            let what =
                format!("it is of a bundle of format {}, this program reads {VERSION}", version.bundle);
            return Err((FaultKind::Refused, what));
        }
        // One after the other, of the same bytes: what is read at once and told apart then, is kept meanwhile in memory
        // that is many times as large.
        let Beside { volume, ranges } = parse(bytes)?;
        let plan: Plan = parse(bytes)?;
        let checked = plan.checked().and_then(|plan| Self { volume, ranges, plan: Arc::new(plan) }.checked());
        checked.map_err(|why| (FaultKind::Untrue, format!("its {HEADER} is damaged: {why}")))
    }

    fn checked(self) -> Result<Self, String> {
        if !(1..=self.plan.volumes).contains(&self.volume) {
            return Err(format!("it is volume {} of {}", self.volume, self.plan.volumes));
        }
        if self.ranges.len() != self.plan.ranges_up_to(self.volume) {
            return Err("it does not say what the digests of its ranges are".to_owned());
        }
        Ok(self)
    }

    /// The digest that a part must have: its own where it is a range, else that of its content.
    pub(crate) fn digest(&self, piece: &Piece) -> Option<Digest> {
        match piece.range {
            Some(range) => self.ranges.get(range).cloned(),
            None => Some(self.plan.contents.get(piece.content)?.digest.clone()),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, (FaultKind, String)> {
    let none = |why| (FaultKind::Untrue, format!("its {HEADER} is none: {why}"));
    serde_json::from_slice(bytes).map_err(none)
}

/// The same header with the id that its plan has.
#[cfg(fuzzing)]
pub(crate) fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (Beside { volume, ranges }, plan): (_, Plan) = (parse(bytes).ok()?, parse(bytes).ok()?);
    Some(Header { volume, ranges, plan: Arc::new(plan.seal()) }.to_bytes())
}

/// Where a part is in its volume.
pub(crate) fn path_of(plan: &Plan, piece: &Piece) -> Option<String> {
    let digest = &plan.contents.get(piece.content)?.digest;
    Some(path(digest, piece.range.map(|_| piece.offset)))
}

/// Where a content is in a volume, or the range of it that begins at an offset.
pub(crate) fn path(digest: &Digest, range: Option<u64>) -> String {
    let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
    match range {
        Some(offset) => format!("transship-ranges/{algorithm}-{hex}/{offset}"),
        None => format!("blobs/{algorithm}/{hex}"),
    }
}

/// A volume that is read.
#[derive(Debug, Clone)]
pub struct Volume {
    path: PathBuf,
    shown: String,
    layout: Layout,
    header: Header,
}

impl Volume {
    /// Opens a volume, and reads what it says of itself. It may wait for the disk: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] for what is cut off or damaged, [`FaultKind::Absent`] for an archive that is no volume.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let shown = path.display().to_string();
        let layout = Layout::open_archive(path)?;
        let Some(opened) = layout.store().ours(HEADER, 0) else {
            let what = format!("it is no volume of a bundle: it has no {HEADER}");
            return Err(Fault::new(FaultKind::Absent, Step::OpenLayout, what)
                .at(&shown)
                .hint("`transship copy` and `serve` read archives that are none"));
        };
        if opened.size() > MAX_HEADER {
            let what = format!("its {HEADER} has {} bytes, and {MAX_HEADER} are read", opened.size());
            let fault = Fault::new(FaultKind::Refused, Step::OpenLayout, what).at(&shown);
            return Err(fault.hint("have several bundles made, of fewer images each"));
        }
        let bytes = opened.read(MAX_HEADER).map_err(|error| trouble(path, error))?;
        let header = Header::read(&bytes).map_err(|(kind, what)| {
            let fault = Fault::new(kind, Step::OpenLayout, what).at(&shown);
            fault.hint("bring this volume over again, or have it made again: `bundle create --volume`")
        })?;
        Ok(Self { path: path.to_owned(), shown, layout, header })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which volume it is, from 1.
    pub fn number(&self) -> u32 {
        self.header.volume
    }

    /// What the whole bundle is.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.header.plan
    }

    /// Has its plan in common with another volume of the bundle.
    pub(crate) fn share(&mut self, plan: &Arc<Plan>) {
        self.header.plan = Arc::clone(plan);
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The bytes of a part from `from` on, not checked.
    pub(crate) async fn read(
        &self,
        piece: &Piece,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
        let absent = || self.untrue("a part is not in it that should be");
        let path = path_of(&self.header.plan, piece).ok_or_else(absent)?;
        let content = self.header.plan.contents.get(piece.content).ok_or_else(absent)?;
        let store = self.layout.store();
        let opened = match piece.range {
            Some(_) => store.ours(&path, from).ok_or_else(|| absent().about(&path))?,
            None if store.size(&content.digest)?.is_none() => return Err(absent().about(&path)),
            None => store.open(&content.digest, from, u64::MAX).await?,
        };
        if opened.size() != piece.length {
            let what = format!("a part has {} bytes where {} are due", opened.size(), piece.length);
            return Err(self.untrue(&what).about(&path));
        }
        Ok(opened.into_chunks())
    }

    /// Reads all of it, and finds out whether every byte is what it was.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] for the first part that is not.
    pub async fn check(&self) -> Result<(), Fault> {
        for piece in self.header.plan.volume(self.header.volume) {
            let due = self.header.digest(&piece);
            let algorithm = due.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
            let mut hasher = Hasher::new(algorithm);
            let mut bytes = self.read(&piece, 0).await?;
            while let Some(chunk) = bytes.next().await {
                hasher.update(&chunk?);
            }
            if due != Some(hasher.finish()) {
                return Err(self.altered(&piece));
            }
        }
        Ok(())
    }

    /// A part has other bytes than it had when the volume was made.
    pub(crate) fn altered(&self, piece: &Piece) -> Fault {
        let digest = self.header.plan.contents.get(piece.content).map(|it| it.digest.to_string());
        self.untrue("its bytes are not what they were when it was made").about(digest.unwrap_or_default())
    }

    fn untrue(&self, what: &str) -> Fault {
        Fault::new(FaultKind::Untrue, Step::ReadBlob, what)
            .at(&self.shown)
            .hint("bring this volume over again, or have it made again: `bundle create --volume`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples_tests::{digest, some};

    fn header() -> Header {
        let ranges = [1, 2].map(digest).to_vec();
        Header { volume: 2, ranges, plan: Arc::new(some()) }
    }

    #[test]
    fn a_header_comes_back_as_it_was_and_has_room_kept_for_it() {
        let bytes = header().to_bytes();
        assert_eq!(Header::read(&bytes).unwrap(), header());
        assert!(bytes.len() as u64 <= Header::longest(&some()));
        let pieces = some().volume(2);
        assert_eq!(header().digest(&pieces[0]), Some(digest(2)));
    }

    #[test]
    fn a_header_that_is_cut_altered_or_of_a_later_format_is_refused() {
        let bytes = header().to_bytes();
        for broken in [&bytes[..bytes.len() - 10], b"{}", b"", b"null"] {
            assert_eq!(Header::read(broken).unwrap_err().0, FaultKind::Untrue);
        }
        let altered = |from: &str, to: &str| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            Header::read(text.replace(from, to).as_bytes()).unwrap_err()
        };
        assert_eq!(altered("\"volume\":2", "\"volume\":4").0, FaultKind::Untrue);
        assert_eq!(altered("\"volume\":2", "\"volume\":1").0, FaultKind::Untrue);
        assert_eq!(altered("\"v1\"", "\"v2\"").0, FaultKind::Untrue);
        assert_eq!(altered("\"bundle\":1", "\"bundle\":2").0, FaultKind::Refused);
    }
}
