//! What the manifests of one repository lead to, found out as far as somebody asks.
//!
//! A repository may have thousands of tags, on a disk that is slow. So manifests are not read before something is
//! asked for that they may lead to, and those first that were pulled last: whoever pulls an image waits for that image.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use content::{Descriptor, MediaType};
use reference::Digest;

use crate::{
    facts::{FactBook, Facts, Part},
    homes::Homes,
    table::Table,
};

/// How deep indexes may be nested.
const MAX_DEPTH: usize = 16;
/// How many pieces of content one repository shows; a hostile layout ends here.
const MAX_PARTS: usize = 1_000_000;
/// How many manifests that were pulled are to be looked at before all others.
const MAX_PULLED: usize = 64;

/// The content of a repository, as of one state of the table.
#[derive(Debug)]
pub(crate) struct View {
    /// The state; a newer one makes this view old.
    pub(crate) table: Arc<Table>,
    seen: Mutex<Seen>,
    /// What is still to be looked at, and how deep it lies. Who has it walks on; it is held while manifests are read.
    ahead: tokio::sync::Mutex<Vec<(Part, usize)>>,
}

/// What has been found out.
#[derive(Debug, Default)]
struct Seen {
    shown: HashMap<Digest, Shown>,
    referrers: HashMap<Digest, Vec<Arc<Facts>>>,
    /// What was pulled, and is to be looked at before all else.
    pulled: Vec<Descriptor>,
}

/// How a piece of content is shown.
#[derive(Debug, Clone, Default)]
struct Shown {
    /// The media type to serve it under as a manifest.
    manifest: Option<Box<Descriptor>>,
    blob: bool,
}

/// Where manifests are read.
pub(crate) type Library<'a> = (&'a Homes, &'a FactBook);

impl View {
    /// A view of what these entries lead to; nothing is read yet.
    pub(crate) fn new(table: Arc<Table>, roots: &[Descriptor]) -> Self {
        // The last one is walked first.
        let ahead = roots.iter().rev().map(|root| (Part::manifest(root.clone()), 0)).collect();
        Self { table, seen: Mutex::default(), ahead: tokio::sync::Mutex::new(ahead) }
    }

    /// Somebody reads this manifest, which the repository shows, and will ask for what it leads to.
    pub(crate) fn pulled(&self, descriptor: &Descriptor) {
        let mut seen = self.seen();
        if seen.manifest(&descriptor.digest).is_none() && seen.pulled.len() < MAX_PULLED {
            seen.pulled.push(descriptor.clone());
        }
    }

    /// The manifest with this digest, if the repository shows it.
    pub(crate) async fn manifest(&self, digest: &Digest, library: Library<'_>) -> Option<Descriptor> {
        self.walk(library, |seen| seen.manifest(digest).cloned()).await
    }

    pub(crate) async fn has_blob(&self, digest: &Digest, library: Library<'_>) -> bool {
        let found = |seen: &Seen| seen.shown.get(digest).filter(|shown| shown.blob).map(|_| ());
        self.walk(library, found).await.is_some()
    }

    /// The manifests whose subject this is. Nobody knows them all before all has been read.
    pub(crate) async fn referrers(&self, subject: &Digest, library: Library<'_>) -> Vec<Arc<Facts>> {
        let _: Option<()> = self.walk(library, |_| None).await;
        self.seen().referrers.get(subject).cloned().unwrap_or_default()
    }

    /// Reads on until `find` finds something, or to the end. What has been found out is found at once, whoever reads.
    async fn walk<T>(&self, library: Library<'_>, find: impl Fn(&Seen) -> Option<T>) -> Option<T> {
        if let Some(found) = find(&self.seen()) {
            return Some(found);
        }
        let mut ahead = self.ahead.lock().await;
        loop {
            if let Some(found) = find(&self.seen()) {
                return Some(found);
            }
            ahead.extend(self.seen().pulled.drain(..).map(|pulled| (Part::manifest(pulled), 0)));
            // It is taken away only once it has been read: whoever asks may be gone meanwhile.
            let (part, depth) = ahead.last().cloned()?;
            let facts = if self.seen().is_news(&part) && depth < MAX_DEPTH {
                library.1.look_up(library.0, &part.descriptor.digest).await
            } else {
                None
            };
            ahead.pop();
            let below = self.seen().learn(&part, facts.as_ref());
            ahead.extend(below.into_iter().map(|part| (part, depth.saturating_add(1))));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn manifest(&self, digest: &Digest) -> Option<&Descriptor> {
        self.shown.get(digest).and_then(|shown| shown.manifest.as_deref())
    }

    /// Whether it is a manifest that has not been read yet, and there is room for what it leads to.
    fn is_news(&self, part: &Part) -> bool {
        part.manifest && self.manifest(&part.descriptor.digest).is_none() && self.shown.len() < MAX_PARTS
    }

    fn show(&mut self, part: &Part) {
        let shown = self.shown.entry(part.descriptor.digest.clone()).or_default();
        shown.blob |= part.blob;
        if part.manifest && shown.manifest.is_none() {
            shown.manifest = Some(Box::new(part.descriptor.clone()));
        }
    }

    /// Shows a part, and what was read of it; the manifests that it leads to are still to be read.
    fn learn(&mut self, part: &Part, facts: Option<&Arc<Facts>>) -> Vec<Part> {
        self.show(part);
        let Some(facts) = facts else { return Vec::new() };
        if let Some(subject) = &facts.subject {
            self.referrers.entry(subject.clone()).or_default().push(Arc::clone(facts));
        }
        // An entry that does not say what it is: the manifest does.
        let shown = self.shown.get_mut(&facts.digest).and_then(|shown| shown.manifest.as_mut());
        if let Some(descriptor) = shown.filter(|descriptor| descriptor.media_type.is_vague()) {
            descriptor.media_type = MediaType::new(facts.media_type.as_str());
        }
        facts.parts.iter().filter(|part| !part.manifest).for_each(|part| self.show(part));
        // The first one is read first, as it lies on top then.
        facts.parts.iter().rev().filter(|part| part.manifest).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use content::{At, Manifest, Mode, Target as _};
    use layout::Layout;
    use reference::{Algorithm, RefName, RepositoryName};
    use serde_json::json;

    use super::*;

    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

    /// A manifest with a config that only it has.
    fn manifest(seed: usize) -> (Manifest, Digest) {
        let config = content::Hasher::digest(Algorithm::Sha256, &seed.to_be_bytes());
        let descriptor = json!({"mediaType": "application/json", "digest": config.to_string(), "size": 8});
        let text = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor, "layers": []});
        (Manifest::read(Bytes::from(text.to_string()), None, None, None).unwrap(), config)
    }

    #[tokio::test]
    async fn who_pulls_one_image_of_a_thousand_waits_for_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create_or_open(dir.path()).unwrap();
        for seed in 0..100 {
            let name = RefName::new(format!("app:v{seed}"));
            let side = layout.repository(None);
            side.publish(&manifest(seed).0, At::Name(&name), Mode::NoForce).await.unwrap();
        }
        let (homes, book) = (Homes::new(vec![layout], None), FactBook::default());
        let table = Arc::new(Table::of(&homes, homes.indexes().await.unwrap()));
        let app: RepositoryName = "app".parse().unwrap();
        let rows = table.rows(&app).unwrap();
        let view = View::new(Arc::clone(&table), &rows.roots);
        let (pulled, config) = manifest(70);
        view.pulled(&rows.tags[&"v70".parse().unwrap()].descriptor);
        assert!(view.has_blob(&config, (&homes, &book)).await);
        assert_eq!(book.len(), 1, "only the manifest that leads to it was read");
        assert!(view.manifest(pulled.digest(), (&homes, &book)).await.is_some());
        assert_eq!(book.len(), 1);
        assert!(!view.has_blob(&manifest(100).1, (&homes, &book)).await);
        assert_eq!(book.len(), 100, "nothing is said to be absent before all has been read");
    }

    #[tokio::test]
    async fn who_leaves_while_a_manifest_is_read_takes_nothing_away() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create_or_open(dir.path()).unwrap();
        let (read, config) = manifest(1);
        let side = layout.repository(None);
        side.publish(&read, At::Name(&RefName::new("app:v1")), Mode::NoForce).await.unwrap();
        let homes = Homes::new(vec![layout], None);
        let table = Arc::new(Table::of(&homes, homes.indexes().await.unwrap()));
        let rows = table.rows(&"app".parse().unwrap()).unwrap();
        for _ in 0..20 {
            let book = FactBook::default();
            let view = View::new(Arc::clone(&table), &rows.roots);
            // The disk takes its time, mostly.
            let _ = futures::FutureExt::now_or_never(view.has_blob(&config, (&homes, &book)));
            assert!(view.has_blob(&config, (&homes, &book)).await);
        }
    }
}
