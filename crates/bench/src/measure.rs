//! One run: images from one repository to another, in this process, which does nothing else.
use std::{sync::Arc, time::Instant};

use content::Version;
use copier::{CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Platforms, Referrers, Ties};
use futures::{StreamExt, TryStreamExt, stream};
use registry::Repository;

use crate::{
    counter::Counter,
    errand::{Errand, Measured, Told},
    machine,
    results::{Run, Sides},
};

/// The most images that are under way at a time. Their requests wait for lanes like all others.
const FLEET: usize = 64;

/// Moves what the errand says, by `engine`, and measures it. The counters are those of the repositories' registries.
pub async fn measure(
    errand: &Errand,
    engine: &Engine,
    sides: Sides<Repository>,
    counters: &Sides<Arc<Counter>>,
) -> Measured {
    let (start, cpu) = (Instant::now(), machine::cpu_time());
    let moved = run(errand, engine, sides).await;
    let (wall, cpu) = (start.elapsed(), machine::cpu_time().saturating_sub(cpu));
    let run = Run {
        wall_s: wall.as_secs_f64(),
        cpu_s: cpu.as_secs_f64(),
        peak_bytes: machine::peak(),
        bytes: moved.as_ref().copied().unwrap_or_default(),
        source: counters.source.counts(),
        target: counters.target.counts(),
    };
    Measured { run, failure: moved.err().map(|error| Told::of(&error)) }
}

/// The bytes of blobs that were moved.
async fn run(errand: &Errand, engine: &Engine, sides: Sides<Repository>) -> Result<u64, CopyError> {
    let source: Arc<dyn content::Source> = Arc::new(sides.source);
    let target: Arc<dyn content::Target> = Arc::new(sides.target);
    let jobs = errand.images.iter().filter_map(|image| {
        let (source, target) = (Arc::clone(&source), Arc::clone(&target));
        Some(job(source, target, Version::Digest(image.parse().ok()?)))
    });
    let moved = stream::iter(jobs).map(|job| copy(engine, job)).buffer_unordered(FLEET);
    moved.try_fold(0_u64, |sum, bytes| async move { Ok(sum.saturating_add(bytes)) }).await
}

/// One image, by its digest alone: no tag of the user's can be in the way.
pub(crate) fn job(
    source: Arc<dyn content::Source>,
    target: Arc<dyn content::Target>,
    version: Version,
) -> Job {
    Job {
        source,
        version,
        destinations: vec![Destination { target, names: Vec::new(), expect: None }],
        existing: Existing::Move,
        limits: Limits::none(),
        foreign: Foreign::Skip,
        referrers: Referrers::Leave,
        platforms: Platforms::All,
        ties: Ties::Apart,
    }
}

/// The bytes of blobs that one image moved.
pub(crate) async fn copy(engine: &Engine, job: Job) -> Result<u64, CopyError> {
    let mut moved: u64 = 0;
    for outcome in engine.run(&job).await?.outcomes {
        moved = moved.saturating_add(outcome.result?.bytes);
    }
    Ok(moved)
}
