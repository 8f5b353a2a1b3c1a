//! Images to copy, and jobs that copy them.
use std::sync::Arc;

use content::Version;
use copier::{
    CopyError, Destination, Engine, Existing, Foreign, Job, Limits, Platforms, Referrers, Report, Silent,
    Ties,
};
use pace::{Level, Traffic};
use serde_json::{Value, json};

use crate::memory::{Memory, Repository, name};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

pub(crate) fn image(repository: &Repository, seed: &str, layers: &[Value]) -> Value {
    let config = repository.put_blob(format!("{{\"seed\":\"{seed}\"}}").as_bytes(), CONFIG);
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

pub(crate) fn index(entries: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
}

/// `app:v1`, an index of two images that share one of three layers; 200 bytes a layer.
pub(crate) fn two_platforms(memory: &Memory) -> Arc<Repository> {
    let app = memory.repository("app");
    let shared = app.put_blob(&[7; 200], LAYER);
    let entries: Vec<Value> = [b'a', b'b']
        .iter()
        .map(|seed| {
            let own = app.put_blob(&[*seed; 200], LAYER);
            let image = image(&app, &seed.to_string(), &[shared.clone(), own]);
            app.put_manifest(&image, None)
        })
        .collect();
    app.put_manifest(&index(&entries), Some("v1"));
    app
}

pub(crate) fn job(source: &Arc<Repository>, target: &Memory, names: &[(&str, &[&str])]) -> Job {
    let destination = |(repository, tags): &(&str, &[&str])| Destination {
        target: target.repository(repository),
        names: tags.iter().map(|tag| name(tag)).collect(),
        expect: None,
    };
    Job {
        source: Arc::<Repository>::clone(source),
        version: Version::Name(name("v1")),
        destinations: names.iter().map(destination).collect(),
        existing: Existing::Refuse,
        limits: Limits::default(),
        foreign: Foreign::Skip,
        referrers: Referrers::Leave,
        platforms: Platforms::All,
        ties: Ties::Together,
    }
}

pub(crate) fn engine() -> Engine {
    Engine::new(Arc::new(Silent), Traffic::new(Level::exactly(4)))
}

pub(crate) async fn run(job: &Job) -> Result<Report, CopyError> {
    engine().run(job).await
}

/// Manifests and blobs of what was copied.
pub(crate) fn extent(report: &Report) -> (usize, usize) {
    report.extent.map(|extent| (extent.manifests, extent.blobs)).unwrap()
}
