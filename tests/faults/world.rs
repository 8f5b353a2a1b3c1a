//! Two fakes, and a copy from one to the other.
use std::sync::Arc;

use auth::Given;
use content::{Descriptor, FaultKind, Version};
use copier::{
    CopyError, Delivered, Destination, Engine, Existing, Foreign, Job, Limits, Platforms, Ranges, Referrers,
    Side, Silent, Ties,
};
use http::Method;
use pace::{Level, Traffic};
use reference::RefName;
use registry::{Options, Registries, Repository};
use testkit::{Content, Fake, Mishap, Request};

/// An image of one layer.
pub(crate) struct Image {
    pub(crate) content: Content,
    pub(crate) root: Descriptor,
    pub(crate) layer: Descriptor,
}

impl Image {
    /// With a layer of `size` bytes.
    pub(crate) fn of(size: usize) -> Self {
        let mut content = Content::new();
        let layer = content.layer(1, size);
        let root = content.image(1, std::slice::from_ref(&layer));
        Self { content, root, layer }
    }

    /// A source that holds it as `app:v1`, and has these mishaps.
    pub(crate) fn source(&self, mishaps: impl IntoIterator<Item = Mishap>) -> Fake {
        let fake = Fake::with(&self.content, &self.root, "app:v1");
        mishaps.into_iter().for_each(|mishap| fake.mishap(mishap));
        fake
    }

    /// What happens to reads of the layer.
    pub(crate) fn reading(&self) -> Mishap {
        Mishap::on(Method::GET, &format!("/blobs/{}", self.layer.digest))
    }

    /// The reads of the layer that came.
    pub(crate) fn reads(&self, source: &Fake) -> Vec<Request> {
        let path = format!("/blobs/{}", self.layer.digest);
        source.ledger().pick(|request| request.method == Method::GET && request.path.ends_with(&path))
    }

    /// Asserts that all of it arrived, byte for byte and under its tag.
    pub(crate) fn is_at(&self, target: &Fake) {
        assert_eq!(target.lacks("app", &self.content), [], "{}", target.ledger());
        assert_eq!(target.tag("app", "v1").as_ref(), Some(&self.root.digest), "{}", target.ledger());
        assert_eq!(target.open_sessions(), 0, "{}", target.ledger());
    }

    /// Asserts that neither the tag, nor the manifest, nor a wrong byte is there.
    pub(crate) fn is_not_at(&self, target: &Fake) {
        assert_eq!(target.piece("app", &self.root.digest), None, "{}", target.ledger());
        assert_eq!(target.tag("app", "v1"), None, "{}", target.ledger());
        assert_eq!(target.wrong(), [], "{}", target.ledger());
    }
}

/// A target with these mishaps.
pub(crate) fn target(mishaps: impl IntoIterator<Item = Mishap>) -> Fake {
    let fake = Fake::start();
    mishaps.into_iter().for_each(|mishap| fake.mishap(mishap));
    fake
}

/// How a copy failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FaultKind,
    pub(crate) side: Side,
    pub(crate) text: String,
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self { kind: error.kind(), side: error.side(), text: error.to_string() }
    }
}

/// Copies `app:v1` from `source` to `target`.
pub(crate) async fn copy(source: &Fake, target: &Fake) -> Result<(), Failure> {
    copy_with(source, target, Existing::Move).await
}

/// As [`copy`], by these rules for a tag that exists.
pub(crate) async fn copy_with(source: &Fake, target: &Fake, existing: Existing) -> Result<(), Failure> {
    run(source, target, &["app"], existing).await
}

/// Copies `app:v1` from `source` into these repositories of `target`, under the same tag.
pub(crate) async fn copy_into(source: &Fake, target: &Fake, repositories: &[&str]) -> Result<(), Failure> {
    run(source, target, repositories, Existing::Move).await
}

async fn run(source: &Fake, target: &Fake, names: &[&str], existing: Existing) -> Result<(), Failure> {
    let yard = Yard::new(8);
    let job = Job { existing, ..yard.job(source, "app", target, names) };
    yard.run(&job).await?;
    settle(target).await;
    Ok(())
}

/// One engine, for any number of jobs.
pub(crate) struct Yard {
    registries: Registries,
    engine: Engine,
}

impl Yard {
    /// With so many lanes at each registry.
    pub(crate) fn new(width: usize) -> Self {
        Self::in_traffic(Traffic::new(Level::exactly(width)))
    }

    /// With the lanes of this traffic.
    pub(crate) fn in_traffic(traffic: Traffic) -> Self {
        let mut options = Options::default();
        options.traffic = traffic;
        Self::with_options(options)
    }

    /// That talks to registries so.
    pub(crate) fn with_options(options: Options) -> Self {
        let traffic = options.traffic.clone();
        let registries = Registries::new(options).unwrap();
        Self { registries, engine: Engine::new(Arc::new(Silent), traffic) }
    }

    /// A repository, as source or target.
    pub(crate) fn repository(&self, host: &str, name: &str) -> Arc<Repository> {
        let registry = host.parse().unwrap();
        Arc::new(self.registries.repository(&registry, name.parse().unwrap(), Arc::new(Given(None))))
    }

    /// Reads blobs as `ranges` says.
    pub(crate) fn with_ranges(self, ranges: Ranges) -> Self {
        Self { engine: self.engine.with_ranges(ranges), ..self }
    }

    /// To copy `name:v1` from `source` into these repositories of `target`, under the same tag; all or none.
    pub(crate) fn job(&self, source: &Fake, name: &str, target: &Fake, names: &[&str]) -> Job {
        let repository = |fake: &Fake, name: &str| self.repository(&fake.host(), name);
        let tag = RefName::new("v1");
        let destination = |name: &&str| {
            let target = repository(target, name);
            Destination { target, names: vec![tag.clone()], expect: None }
        };
        Job {
            source: repository(source, name),
            version: Version::Name(tag.clone()),
            destinations: names.iter().map(destination).collect(),
            existing: Existing::Move,
            limits: Limits::default(),
            foreign: Foreign::Skip,
            referrers: Referrers::Leave,
            platforms: Platforms::All,
            ties: Ties::Together,
        }
    }

    /// What arrived at each destination, when nothing failed.
    pub(crate) async fn run(&self, job: &Job) -> Result<Vec<Delivered>, Failure> {
        Ok(self.report(job).await?.into_iter().collect::<Result<_, _>>()?)
    }

    /// How each destination ended.
    pub(crate) async fn report(&self, job: &Job) -> Result<Vec<Result<Delivered, CopyError>>, CopyError> {
        let report = self.engine.run(job).await?;
        Ok(report.outcomes.into_iter().map(|outcome| outcome.result).collect())
    }
}

/// Lets what nobody waits for come to its end: uploads that were given up are cancelled behind the copy's back.
pub(crate) async fn settle(target: &Fake) {
    for _ in 0..1000 {
        if target.open_sessions() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
