//! The engine: the phases of a copy, in order.
use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use bytes::Bytes;
use content::{Descriptor, Fault, Journal, Source};
use futures::{future::try_join, stream::BoxStream};
use pace::Traffic;

use crate::{
    CopyError, Delivered, Event, Existing, Extent, Job, Observer, Outcome, Ranges, Recall, Referrers, Report,
    execute::Voyage,
    lacking,
    landed::Landed,
    plan::Plan,
    preflight,
    preflight::{Admitted, Standing},
    ranges::Shared,
    root::Root,
};

/// Copies images. One engine serves any number of jobs, one after the other or at once. They share its lanes, and a
/// blob crosses to a registry once, however many of them want it there: the others mount it.
///
/// ```
/// use std::{path::Path, sync::Arc};
/// use content::Version;
/// use copier::{Destination, Engine, Existing, Foreign, Job, Limits, Platforms, Referrers, Silent, Ties};
/// use layout::Layout;
/// use pace::Traffic;
/// use reference::RefName;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = std::env::temp_dir().join(format!("transship-doc-{}", std::process::id()));
/// let source = Layout::open(Path::new("../../fixtures/images"))?;
/// let target = Layout::create_or_open(&dir)?;
/// let job = Job {
///     source: Arc::new(source.repository(None)),
///     version: Version::Name(RefName::new("hello:v1")),
///     destinations: vec![Destination {
///         target: Arc::new(target.repository(None)),
///         names: vec![RefName::new("hello:copied")],
///         expect: None,
///     }],
///     existing: Existing::Refuse,
///     limits: Limits::default(),
///     foreign: Foreign::Skip,
///     referrers: Referrers::Leave,
///     platforms: Platforms::All,
///     ties: Ties::Together,
/// };
/// let report = Engine::new(Arc::new(Silent), Traffic::default()).run(&job).await?;
/// assert_eq!(report.extent.map(|extent| extent.manifests), Some(3));
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok(())
/// # }
/// ```
pub struct Engine {
    observer: Arc<dyn Observer>,
    traffic: Traffic,
    landed: Landed,
    journal: Option<Arc<dyn Journal>>,
    ranges: Arc<Shared>,
    recall: Option<Arc<dyn Recall>>,
}

impl Engine {
    /// An engine that has as many requests under way at any one place as `traffic` allows, and tells `observer` about
    /// what moves. A registry that is given the same traffic makes it narrower where it has too much to do.
    pub fn new(observer: Arc<dyn Observer>, traffic: Traffic) -> Self {
        let ranges = Shared::new(Ranges::default());
        Self { observer, traffic, landed: Landed::default(), journal: None, ranges, recall: None }
    }

    /// Writes down in `journal` how far large blobs have come, and goes on with what an earlier run left there.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Asks `recall` what became of indexes of which not all platforms are copied, before they are read.
    #[must_use]
    pub fn with_recall(mut self, recall: Arc<dyn Recall>) -> Self {
        self.recall = Some(recall);
        self
    }

    /// Reads large blobs by several requests at a time as `ranges` says, which all jobs of this engine share.
    #[must_use]
    pub fn with_ranges(mut self, ranges: Ranges) -> Self {
        self.ranges = Shared::new(ranges);
        self
    }

    /// Copies one image. Failures of single destinations stand in the report; the error is for what stopped the
    /// whole job before anything was written.
    ///
    /// # Errors
    /// Whatever the source answers, both limits, and under [`crate::Ties::Together`] tags that exist.
    pub async fn run(&self, job: &Job) -> Result<Report, CopyError> {
        let (root, early) = if job.existing == Existing::Refuse {
            // A source that fails, or limits that refuse, leave the target in peace.
            (Root::find(job, None, &self.traffic.at(job.source.place().origin())).await?, None)
        } else {
            let (root, early) = Box::pin(self.look(job)).await?;
            // An equal root is trusted: a run with nothing to do ends here, without a manifest pulled. What is about
            // it may be younger than it.
            if is_done(&early) && job.referrers == Referrers::Leave {
                return Ok(nothing_to_do(job, root));
            }
            (root, Some(early))
        };
        let there = early.as_deref().is_some_and(is_done);
        let plan = self.plan(job, root, there).await?;
        let standings = if let Some(early) = early {
            early
        } else {
            let found = preflight::find(job, &self.traffic).await;
            preflight::look(job, plan.root.digest(), found, &self.traffic).await
        };
        let standings = lacking::add(job, &plan, standings, &self.traffic).await;
        let admitted = Admitted::new(plan, standings, job.ties)?;
        Ok(self.execute(job, admitted).await)
    }

    /// What a run would report that finds every destination as it should be; `None` where it would have to write, or
    /// to look for what is about the image. One question to each side, as a rule; nothing is written.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn stands(&self, job: &Job) -> Result<Option<Report>, CopyError> {
        let (root, standings) = self.look(job).await?;
        let done = is_done(&standings) && job.referrers == Referrers::Leave;
        Ok(done.then(|| nothing_to_do(job, root)))
    }

    /// The root, and how the destinations stand to it: both sides are asked at once.
    pub(crate) async fn look(&self, job: &Job) -> Result<(Root, Vec<Standing>), CopyError> {
        let lanes = self.traffic.at(job.source.place().origin());
        let recall = self.recall.as_deref();
        let finding = async { Ok(preflight::find(job, &self.traffic).await) };
        let (root, found) = try_join(Root::find(job, recall, &lanes), finding).await?;
        let standings = preflight::look(job, &root.descriptor.digest, found.clone(), &self.traffic).await;
        if !root.recalled || (is_done(&standings) && job.referrers == Referrers::Leave) {
            return Ok((root, standings));
        }
        // Something is to be done, and that is done with what the source has.
        let root = Root::find(job, None, &lanes).await?;
        if let Some(recall) = recall {
            recall.made(root.from(), &job.platforms, &root.descriptor);
        }
        let standings = preflight::look(job, &root.descriptor.digest, found, &self.traffic).await;
        Ok((root, standings))
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The bytes of `blob` from `at` to its end, as a copy reads them: what breaks is resumed, and ranges help where
    /// the source is slow. They are not checked. To be asked for and read in a lane of the source.
    ///
    /// # Errors
    /// What the source refuses; what breaks later stands in the stream.
    pub async fn read(
        &self,
        source: &Arc<dyn Source>,
        blob: &Descriptor,
        at: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, Fault>>, Fault> {
        self.ranges.read(source, blob, at, self.traffic.at(source.place().origin())).await
    }

    async fn execute(&self, job: &Job, admitted: Admitted) -> Report {
        let (plan, standings) = admitted.into_parts();
        let voyage = Voyage {
            job,
            plan: &plan,
            observer: &self.observer,
            traffic: &self.traffic,
            landed: &self.landed,
            journal: self.journal.as_deref(),
            ranges: &self.ranges,
            stranded: AtomicBool::new(false),
        };
        let outcomes = voyage.run(standings).await;
        let followed = (job.referrers == Referrers::Follow).then_some(plan.followers.len());
        let extent = Extent { manifests: plan.manifests(), blobs: plan.blobs.len(), referrers: followed };
        let root = plan.root.descriptor().clone();
        Report { root, narrowed: plan.narrowed, extent: Some(extent), skipped: plan.skipped, outcomes }
    }

    async fn plan(&self, job: &Job, root: Root, there: bool) -> Result<Plan, CopyError> {
        let plan = Plan::resolve(job, root, there, &self.traffic.at(job.source.place().origin())).await?;
        if let (Some(narrowed), Referrers::Follow) = (&plan.narrowed, job.referrers) {
            let warning =
                format!("what is about {} is not about the index made of it, and stays", narrowed.from);
            self.observer.event(&Event::Warning(&warning));
        }
        self.observer.event(&Event::Planned {
            root: plan.root.descriptor(),
            manifests: plan.manifests(),
            blobs: plan.blobs.len(),
            bytes: plan.bytes(),
        });
        Ok(plan)
    }
}

/// Whether every destination is as it should be.
pub(crate) fn is_done(standings: &[Standing]) -> bool {
    standings.iter().all(|standing| matches!(standing, Standing::Done))
}

fn nothing_to_do(job: &Job, root: Root) -> Report {
    let outcomes = job.destinations.iter().map(|destination| Outcome {
        place: destination.target.place().clone(),
        names: destination.names.clone(),
        written: Vec::new(),
        result: Ok(Delivered { already_there: true, ..Delivered::default() }),
    });
    let Root { descriptor, narrowed, .. } = root;
    Report { root: descriptor, narrowed, extent: None, skipped: Vec::new(), outcomes: outcomes.collect() }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("traffic", &self.traffic).finish_non_exhaustive()
    }
}
