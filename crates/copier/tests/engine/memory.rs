//! A registry in memory: a source and a target with a ledger and a few faults, without HTTP.
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use content::{
    At, Begun, Claim, Descriptor, Fault, FaultKind, Hasher, Incoming, Lent, Manifest, MediaType, Mode, Place,
    Source, Step, Target, Upload, Version,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use reference::{Algorithm, Digest, RefName, RepositoryName};
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Memory(Arc<Mutex<State>>, String);

#[derive(Default)]
struct State {
    blobs: HashMap<Digest, Bytes>,
    manifests: HashMap<Digest, (MediaType, Bytes)>,
    /// What each repository holds, blobs and manifests alike.
    held: HashSet<(String, Digest)>,
    tags: HashMap<(String, String), Digest>,
    ledger: Vec<String>,
    /// Reads break after so many bytes, once each.
    read_breaks: Vec<usize>,
    /// Uploads break after so many bytes, once each.
    upload_breaks: Vec<usize>,
    /// Every upload breaks after so many bytes, and is forgotten.
    forgets_after: Option<usize>,
    /// Reads begin at 0, whatever was asked for.
    ignores_ranges: bool,
    denied: HashSet<String>,
    /// What is listed as a referrer, whatever it says itself.
    listed: HashMap<Digest, Vec<Descriptor>>,
    /// Uploads that were left standing, by their location.
    left: HashMap<String, Vec<u8>>,
}

impl Memory {
    pub(crate) fn new(origin: &str) -> Self {
        Self(Arc::default(), origin.to_owned())
    }

    pub(crate) fn repository(&self, name: &str) -> Arc<Repository> {
        let repository: RepositoryName = name.parse().unwrap();
        let shown = format!("{}/{name}", self.1);
        Arc::new(Repository { memory: self.clone(), place: Place::new(&self.1, shown, Some(repository)) })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub(crate) fn ledger(&self) -> Vec<String> {
        self.with(|state| state.ledger.clone())
    }

    /// Ledger lines that begin with `verb`.
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.ledger().iter().filter(|line| line.starts_with(verb)).count()
    }

    pub(crate) fn break_reads(&self, after: &[usize]) {
        self.with(|state| state.read_breaks = after.to_vec());
    }

    pub(crate) fn break_uploads(&self, after: &[usize]) {
        self.with(|state| state.upload_breaks = after.to_vec());
    }

    pub(crate) fn forget_uploads_after(&self, bytes: usize) {
        self.with(|state| state.forgets_after = Some(bytes));
    }

    pub(crate) fn ignore_ranges(&self) {
        self.with(|state| state.ignores_ranges = true);
    }

    /// Uploads that were left standing are not known any more.
    pub(crate) fn forget_left(&self) {
        self.with(|state| state.left.clear());
    }

    /// Lists `referrer` for `subject`, whatever it says itself.
    pub(crate) fn list(&self, subject: &Digest, referrer: Descriptor) {
        self.with(|state| state.listed.entry(subject.clone()).or_default().push(referrer));
    }

    pub(crate) fn deny(&self, repository: &str) {
        self.with(|state| state.denied.insert(repository.to_owned()));
    }

    pub(crate) fn corrupt(&self, digest: &Digest) {
        self.with(|state| {
            let mut bytes = state.blobs[digest].to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            state.blobs.insert(digest.clone(), bytes.into());
        });
    }

    pub(crate) fn blob(&self, digest: &Digest) -> Option<Bytes> {
        self.with(|state| state.blobs.get(digest).cloned())
    }

    pub(crate) fn manifest_bytes(&self, digest: &Digest) -> Option<Bytes> {
        self.with(|state| Some(state.manifests.get(digest)?.1.clone()))
    }

    pub(crate) fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.with(|state| state.tags.get(&(repository.to_owned(), tag.to_owned())).cloned())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Hasher::digest(Algorithm::Sha256, bytes)
}

pub(crate) struct Repository {
    memory: Memory,
    place: Place,
}

impl Repository {
    fn name(&self) -> String {
        self.place.repository().unwrap().to_string()
    }

    pub(crate) fn put_blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let digest = sha256(bytes);
        self.memory.with(|state| {
            state.held.insert((self.name(), digest.clone()));
            state.blobs.insert(digest.clone(), Bytes::copy_from_slice(bytes));
        });
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    }

    pub(crate) fn put_manifest(&self, manifest: &Value, tag: Option<&str>) -> Value {
        let bytes = Bytes::from(serde_json::to_vec(manifest).unwrap());
        let media_type = manifest["mediaType"].as_str().unwrap();
        let digest = sha256(&bytes);
        let size = bytes.len();
        self.memory.with(|state| {
            state.held.insert((self.name(), digest.clone()));
            state.manifests.insert(digest.clone(), (MediaType::new(media_type), bytes));
            if let Some(tag) = tag {
                state.tags.insert((self.name(), tag.to_owned()), digest.clone());
            }
        });
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": size})
    }

    fn look(&self, version: &Version, verb: &str) -> Option<(Digest, MediaType, Bytes)> {
        self.memory.with(|state| {
            state.ledger.push(format!("{verb} {}/{version}", self.name()));
            let digest = match version {
                Version::Name(name) => state.tags.get(&(self.name(), name.to_string()))?.clone(),
                Version::Digest(digest) => digest.clone(),
            };
            let (media_type, bytes) = state.manifests.get(&digest)?.clone();
            state.held.contains(&(self.name(), digest.clone())).then_some((digest, media_type, bytes))
        })
    }

    /// What names this subject, and what is said to.
    fn about(&self, subject: &Digest) -> Vec<Descriptor> {
        self.memory.with(|state| {
            state.ledger.push(format!("LIST {}/{subject}", self.name()));
            let says_so = |bytes: &Bytes| {
                let value: Value = serde_json::from_slice(bytes).unwrap();
                value["subject"]["digest"] == subject.to_string().as_str()
            };
            let listed = state.listed.get(subject).into_iter().flatten();
            let held = state.manifests.iter().filter(|(digest, (_, bytes))| {
                state.held.contains(&(self.name(), (*digest).clone())) && says_so(bytes)
            });
            held.map(|(digest, (kind, bytes))| {
                Descriptor::new(kind.clone(), digest.clone(), bytes.len() as u64)
            })
            .chain(listed.cloned())
            .collect()
        })
    }

    fn absent(&self, step: Step, what: &dyn std::fmt::Display) -> Fault {
        Fault::new(FaultKind::Absent, step, "not found").at(&self.place).about(what)
    }

    fn read(&self, blob: &Descriptor, from: u64) -> Option<Vec<Result<Bytes, Fault>>> {
        self.memory.with(|state| {
            state.ledger.push(format!("GET {} from {from}", blob.digest));
            let bytes = state.blobs.get(&blob.digest)?.slice(usize::try_from(from).unwrap()..);
            let breaks = (!state.read_breaks.is_empty()).then(|| state.read_breaks.remove(0));
            let kept = breaks.map_or(bytes.len(), |after| after.min(bytes.len()));
            let mut chunks: Vec<Result<Bytes, Fault>> = bytes[..kept]
                .chunks(if kept < 100_000 { 7 } else { 300_000 })
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            if breaks.is_some() {
                chunks.push(Err(Fault::new(FaultKind::Unreachable, Step::ReadBlob, "reset").momentary()));
            }
            Some(chunks)
        })
    }
}

impl Source for Repository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        async move {
            let found = self.look(version, "HEAD").ok_or_else(|| self.absent(Step::Resolve, version))?;
            Ok(Descriptor::new(found.1, found.0, found.2.len() as u64))
        }
        .boxed()
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        async move {
            let found = self.look(version, "GET").ok_or_else(|| self.absent(Step::ReadManifest, version))?;
            Manifest::read(found.2, Some(found.1.as_str()), Some(&found.0), described)
        }
        .boxed()
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        async move { Ok(self.about(subject)) }.boxed()
    }

    fn open<'a>(&'a self, blob: &'a Descriptor, span: Range<u64>) -> BoxFuture<'a, Result<Incoming, Fault>> {
        async move {
            let at = if self.memory.with(|state| state.ignores_ranges) { 0 } else { span.start };
            let chunks = self.read(blob, at).ok_or_else(|| self.absent(Step::ReadBlob, &blob.digest))?;
            Ok(Incoming { at, bytes: stream::iter(chunks).boxed() })
        }
        .boxed()
    }
}

impl Target for Repository {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        async move {
            if self.memory.with(|state| state.denied.contains(&self.name())) {
                return Err(Fault::new(FaultKind::Authentication, Step::CheckTag, "denied").at(&self.place));
            }
            Ok(self
                .look(version, "HEAD")
                .map(|found| Descriptor::new(found.1, found.0, found.2.len() as u64)))
        }
        .boxed()
    }

    fn begin<'a>(
        &'a self,
        blob: &'a Descriptor,
        mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        async move {
            let here = (self.name(), blob.digest.clone());
            let from = mount.map(|mount| (mount.to_string(), blob.digest.clone()));
            self.memory.with(|state| {
                if state.held.contains(&here) {
                    state.ledger.push(format!("PRESENT {}/{}", here.0, here.1));
                    return Ok(Begun::Present);
                }
                if from.is_some_and(|from| state.held.contains(&from)) {
                    state.ledger.push(format!("MOUNT {}/{}", here.0, here.1));
                    state.held.insert(here);
                    return Ok(Begun::Mounted);
                }
                state.ledger.push(format!("POST {}/{}", here.0, here.1));
                let upload = Session { memory: self.memory.clone(), here, bytes: Vec::new(), open: true };
                Ok(Begun::Upload(Box::new(upload)))
            })
        }
        .boxed()
    }

    fn reopen<'a>(
        &'a self,
        blob: &'a Descriptor,
        location: &'a str,
    ) -> BoxFuture<'a, Result<Option<Box<dyn Upload>>, Fault>> {
        async move {
            let here = (self.name(), blob.digest.clone());
            let left = self.memory.with(|state| {
                state.ledger.push(format!("REOPEN {location}"));
                state.left.remove(location)
            });
            let session = |bytes| Session { memory: self.memory.clone(), here, bytes, open: true };
            Ok(left.map(|bytes| Box::new(session(bytes)) as Box<dyn Upload>))
        }
        .boxed()
    }

    fn publish<'a>(
        &'a self,
        manifest: &'a Manifest,
        at: At<'a>,
        mode: Mode,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let name = match at {
                At::Name(name) => Some(name.to_string()),
                At::Part | At::Digest => None,
            };
            self.memory.with(|state| {
                let shown = name.clone().unwrap_or_else(|| manifest.digest().to_string());
                state.ledger.push(format!("PUT {}/{shown}", self.name()));
                let slot = name.map(|name| (self.name(), name));
                if let Some(slot) = slot {
                    if mode == Mode::NoForce && state.tags.contains_key(&slot) {
                        return Err(Fault::new(FaultKind::Conflict, Step::Publish, "it appeared"));
                    }
                    state.tags.insert(slot, manifest.digest().clone());
                }
                state.held.insert((self.name(), manifest.digest().clone()));
                let value = (manifest.media_type().clone(), manifest.bytes().clone());
                state.manifests.insert(manifest.digest().clone(), value);
                Ok(())
            })
        }
        .boxed()
    }
}

struct Session {
    memory: Memory,
    here: (String, Digest),
    bytes: Vec<u8>,
    open: bool,
}

impl Session {
    fn location(&self) -> String {
        format!("{}/{}", self.here.0, self.here.1)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.open {
            self.memory.with(|state| state.ledger.push(format!("CANCEL {}", self.location())));
        }
    }
}

impl Upload for Session {
    fn offset(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Like a client over HTTP/1.1 with a Content-Length: it stops asking at the last byte, and checks nothing.
    fn send(&mut self, mut body: Lent) -> BoxFuture<'_, Result<(), Fault>> {
        async move {
            let wanted = self.bytes.len() + usize::try_from(body.remaining()).unwrap();
            let broken = |what: &str| Fault::new(FaultKind::Unreachable, Step::SendBlob, what).momentary();
            let breaks = self.memory.with(|state| state.forgets_after.or_else(|| state.upload_breaks.pop()));
            while self.bytes.len() < wanted {
                if breaks.is_some_and(|after| self.bytes.len() >= after) {
                    return Err(broken("cut"));
                }
                let Some(Ok(chunk)) = body.next().await else { return Err(broken("the body broke")) };
                self.bytes.extend_from_slice(&chunk);
            }
            self.memory.with(|state| {
                state.ledger.push(format!("COMMIT {}/{}", self.here.0, self.here.1));
                state.blobs.insert(self.here.1.clone(), self.bytes.clone().into());
                state.held.insert(self.here.clone());
            });
            self.open = false;
            Ok(())
        }
        .boxed()
    }

    fn claim(&self) -> Option<Claim> {
        Some(Claim::new(Some(self.location())))
    }

    fn leave(&mut self) {
        self.open = false;
        self.memory.with(|state| state.left.insert(self.location(), self.bytes.clone()));
    }

    fn realign(&mut self) -> BoxFuture<'_, Result<bool, Fault>> {
        if self.memory.with(|state| state.forgets_after.is_some()) {
            self.bytes.clear();
        }
        async { Ok(false) }.boxed()
    }
}

pub(crate) fn name(text: &str) -> RefName {
    RefName::new(text)
}
