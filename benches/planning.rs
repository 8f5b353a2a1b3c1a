//! What planning costs: an index of fifty images, read and walked, from a source that answers at once. The copy ends
//! there, since its tag exists and may not be moved.
//!
//! ```sh
//! cargo bench --bench planning
//! ```
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
use std::{ops::Range, sync::Arc};

use content::{
    At, Begun, Descriptor, Fault, FaultKind, Incoming, Manifest, Mode, Place, Source, Step, Target, Version,
};
use copier::{
    CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Platforms, Referrers, Silent, Ties,
};
use divan::{Bencher, counter::ItemsCount};
use futures::{FutureExt, executor::block_on, future::BoxFuture};
use pace::Traffic;
use reference::{Digest, RefName, RepositoryName};
use testkit::Content;

fn main() {
    divan::main();
}

/// A repository in memory that holds one image, and takes nothing.
struct Shelf {
    content: Content,
    root: Descriptor,
    place: Place,
}

impl Shelf {
    fn new(name: &str, content: Content, root: Descriptor) -> Arc<Self> {
        let place = Place::new(format!("memory:{name}"), name, None);
        Arc::new(Self { content, root, place })
    }

    fn refusal<T: Send>(&self, step: Step) -> BoxFuture<'_, Result<T, Fault>> {
        let fault = Fault::new(FaultKind::Refused, step, "nothing is moved here").at(&self.place);
        async { Err(fault) }.boxed()
    }
}

impl Source for Shelf {
    fn place(&self) -> &Place {
        &self.place
    }

    fn resolve<'a>(&'a self, _version: &'a Version) -> BoxFuture<'a, Result<Descriptor, Fault>> {
        async { Ok(self.root.clone()) }.boxed()
    }

    fn manifest<'a>(
        &'a self,
        version: &'a Version,
        described: Option<&'a Descriptor>,
    ) -> BoxFuture<'a, Result<Manifest, Fault>> {
        async move {
            let digest = match version {
                Version::Digest(digest) => digest,
                Version::Name(_) => &self.root.digest,
            };
            let bytes = self.content.get(digest).cloned().unwrap();
            Manifest::read(bytes, None, Some(digest), described)
        }
        .boxed()
    }

    fn referrers<'a>(&'a self, _subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, Fault>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn open<'a>(
        &'a self,
        _blob: &'a Descriptor,
        _span: Range<u64>,
    ) -> BoxFuture<'a, Result<Incoming, Fault>> {
        self.refusal(Step::ReadBlob)
    }
}

impl Target for Shelf {
    fn place(&self) -> &Place {
        &self.place
    }

    fn find<'a>(&'a self, _version: &'a Version) -> BoxFuture<'a, Result<Option<Descriptor>, Fault>> {
        async { Ok(Some(self.root.clone())) }.boxed()
    }

    fn begin<'a>(
        &'a self,
        _blob: &'a Descriptor,
        _mount: Option<&'a RepositoryName>,
    ) -> BoxFuture<'a, Result<Begun, Fault>> {
        self.refusal(Step::BeginUpload)
    }

    fn publish<'a>(&'a self, _: &'a Manifest, _: At<'a>, _: Mode) -> BoxFuture<'a, Result<(), Fault>> {
        self.refusal(Step::Publish)
    }
}

#[divan::bench(args = [1, 5, 50])]
fn fifty_manifests(bencher: Bencher<'_, '_>, layers: u64) {
    let (content, root) = Content::fleet(50, layers, 16);
    let tag = RefName::new("v1");
    let target = Shelf::new("target", Content::new(), root.clone());
    let job = Job {
        source: Shelf::new("source", content, root),
        version: Version::Name(tag.clone()),
        destinations: vec![Destination { target, names: vec![tag], expect: None }],
        existing: Existing::Refuse,
        limits: Limits::default(),
        foreign: Foreign::Skip,
        referrers: Referrers::Leave,
        platforms: Platforms::All,
        ties: Ties::Together,
    };
    let engine = Engine::new(Arc::new(Silent), Traffic::default());
    bencher.counter(ItemsCount::new(51_usize)).bench(|| {
        let refused = block_on(engine.run(&job));
        assert!(matches!(refused, Err(CopyError::TagsExist(_))));
    });
}
