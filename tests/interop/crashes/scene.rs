//! One copy into a layout, and what that layout may be at any moment of it.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use content::{Descriptor, Hasher};
use layout::Layout;
use reference::{Algorithm, Digest};
use tempfile::TempDir;
use testkit::{Content, Entry, Registry, images::blob_path};

use crate::transship;

/// The name that is copied to.
pub(super) const NAME: &str = "app:v1";

/// A source, a target, and what the target is before and after.
pub(super) struct Scene {
    home: TempDir,
    /// Where the copy comes from.
    pub(super) from: String,
    _registry: Option<Registry>,
    new: Content,
    old: Option<(Content, Descriptor)>,
    damaged: Option<Digest>,
    /// `index.json` as it may be: last, as it must be in the end.
    indexes: Vec<Vec<u8>>,
}

impl Scene {
    /// From a registry to a directory that is not there.
    pub(super) fn into_nothing() -> Self {
        let (new, root) = image();
        let registry = Registry::with(&new, &root, NAME);
        let from = registry.reference(NAME);
        Self::prepared(roomy(), from, Some(registry), new, None, None)
    }

    /// From a layout to another, that has the name for another image, and a damaged blob.
    pub(super) fn over_an_old_one() -> Self {
        let (new, root) = image();
        let home = roomy();
        new.write_layout(&home.path().join("source"), &[Entry::named(&root, NAME)]).unwrap();
        let from = format!("oci:{}:{NAME}", home.path().join("source").display());
        let mut old = Content::new();
        let layer = old.layer(7, 50_000);
        let old_root = old.image(8, &[layer]);
        let damaged = new.digests().find(|digest| new.get(digest).unwrap().len() == LARGE).cloned();
        Self::prepared(home, from, None, new, Some((old, old_root)), damaged)
    }

    fn prepared(
        home: TempDir,
        from: String,
        registry: Option<Registry>,
        new: Content,
        old: Option<(Content, Descriptor)>,
        damaged: Option<Digest>,
    ) -> Self {
        let mut scene = Self { home, from, _registry: registry, new, old, damaged, indexes: Vec::new() };
        scene.reset();
        scene.indexes.extend(fs::read(scene.index()).ok());
        scene.indexes.push(
            br#"{"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2,"manifests":[]}
"#
            .to_vec(),
        );
        transship().run(&["copy", &scene.from, &scene.to()]).exits(0);
        scene.indexes.push(fs::read(scene.index()).unwrap());
        scene.is_done("untouched");
        scene
    }

    /// The target, as an argument.
    pub(super) fn to(&self) -> String {
        format!("oci:{}:{NAME}", self.dir().display())
    }

    /// The target's directory.
    pub(super) fn dir(&self) -> PathBuf {
        self.home.path().join("target/images")
    }

    /// A directory of its own.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    fn index(&self) -> PathBuf {
        self.dir().join("index.json")
    }

    /// Puts the target back to what it was before.
    pub(super) fn reset(&self) {
        let target = self.home.path().join("target");
        if target.exists() {
            fs::remove_dir_all(target).unwrap();
        }
        if let Some((old, root)) = &self.old {
            old.write_layout(&self.dir(), &[Entry::named(root, NAME)]).unwrap();
        }
        if let Some(damaged) = &self.damaged {
            fs::write(blob_path(&self.dir(), damaged), vec![b'x'; LARGE]).unwrap();
        }
    }

    /// What holds at every moment: there is no layout yet, or one that opens, whose index is the old one or the new
    /// one to the byte, whose every blob is whole, and that has all that its index names.
    pub(super) fn holds(&self, when: &str) {
        let index = fs::read(self.index()).ok();
        assert!(index.iter().all(|bytes| self.indexes.contains(bytes)), "{when}: {index:?}");
        if !self.dir().join("oci-layout").exists() {
            assert!(self.old.is_none(), "{when}: oci-layout is gone");
            return;
        }
        let marker = fs::read_to_string(self.dir().join("oci-layout")).unwrap();
        assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#, "{when}");
        let opened = Layout::open(&self.dir());
        assert!(opened.is_ok(), "{when}: {opened:?}");
        let blobs = self.blobs();
        for (digest, bytes) in &blobs {
            let spoiled = self.damaged.as_ref() == Some(digest) && bytes.iter().all(|byte| *byte == b'x');
            assert!(spoiled || Hasher::digest(Algorithm::Sha256, bytes) == *digest, "{when}: {digest}");
        }
        let complete = |content: &Content| content.digests().all(|digest| blobs.contains_key(digest));
        assert!(self.old.iter().all(|(old, _)| complete(old)), "{when}: an old blob is gone");
        if index.as_ref() == self.indexes.last() {
            assert!(self.new_is_whole(&blobs), "{when}: the name came before what it stands for");
        }
    }

    /// What holds after a run that ended well.
    pub(super) fn is_done(&self, when: &str) {
        self.holds(when);
        assert_eq!(fs::read(self.index()).ok().as_ref(), self.indexes.last(), "{when}");
        assert!(self.new_is_whole(&self.blobs()), "{when}");
        self.is_swept(when);
        let mut there: Vec<_> = names(&self.dir());
        there.sort();
        assert_eq!(there, [".transship", "blobs", "index.json", "oci-layout"], "{when}");
    }

    /// No temporary file is left.
    pub(super) fn is_swept(&self, when: &str) {
        let left = names(&self.dir().join(".transship"));
        assert!(left.iter().all(|name| name == "lock"), "{when}: {left:?}");
    }

    /// Puts all that the image is made of into the target, with no name for it.
    pub(super) fn lay_blobs(&self) {
        for digest in self.new.digests() {
            fs::write(blob_path(&self.dir(), digest), self.new.get(digest).unwrap()).unwrap();
        }
    }

    /// The names of the files that the image is made of.
    pub(super) fn new_blobs(&self) -> Vec<String> {
        self.new.digests().map(|digest| digest.hex().to_owned()).collect()
    }

    /// Puts what stands at `dir` in the target's place.
    pub(super) fn put(&self, dir: &Path) {
        fs::remove_dir_all(self.dir()).unwrap();
        testkit::run(Command::new("cp").arg("-a").args([dir, &self.dir()]));
    }

    /// The target as messages show it.
    pub(super) fn shown(&self) -> String {
        format!("oci:{}", self.dir().display())
    }

    /// Whether the name stands for the new image.
    pub(super) fn is_new(&self) -> bool {
        fs::read(self.index()).ok().as_ref() == self.indexes.last()
    }

    fn new_is_whole(&self, blobs: &BTreeMap<Digest, Vec<u8>>) -> bool {
        self.new
            .digests()
            .all(|digest| blobs.get(digest).map(Vec::as_slice) == self.new.get(digest).map(|b| &b[..]))
    }

    fn blobs(&self) -> BTreeMap<Digest, Vec<u8>> {
        let dir = self.dir().join("blobs/sha256");
        let named =
            |name: String| (format!("sha256:{name}").parse().unwrap(), fs::read(dir.join(name)).unwrap());
        names(&dir).into_iter().map(named).collect()
    }
}

/// The size of the layer that takes several writes.
const LARGE: usize = 2_200_000;

pub(super) fn image() -> (Content, Descriptor) {
    let mut content = Content::new();
    let layers = [content.layer(1, LARGE), content.layer(2, 1000)];
    let root = content.image(3, &layers);
    (content, root)
}

/// A directory in memory, where there is one: what a killed process has written is kept there as on a disk, and a run
/// waits for no disk.
pub(super) fn roomy() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The names in a directory; none when it is not there.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let Ok(listing) = fs::read_dir(dir) else { return Vec::new() };
    listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
