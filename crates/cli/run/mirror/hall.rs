//! The hall where planner and workers meet: a queue, under the name of a configuration.
use content::Hasher;
use mirror::Item;
use queue::{Access, Name, Queue, Terms, Worker};
use reference::Algorithm;

use crate::{args::MirrorArgs, failure::Failure};

/// A queue for a configuration.
pub(super) struct Hall {
    pub(super) queue: Queue,
    pub(super) name: Name,
    /// The digest of the configuration.
    config: String,
}

impl Hall {
    /// Connects, where a queue was asked for. A dry run has nothing to do there.
    pub(super) async fn enter(args: &MirrorArgs, config: &str) -> Result<Option<Self>, Failure> {
        let together = &args.together;
        let Some(url) = together.queue.as_ref().filter(|_| !args.dry_run) else { return Ok(None) };
        let digest = Hasher::digest(Algorithm::Sha256, config.as_bytes());
        let name = match &together.queue_name {
            Some(name) => name.parse()?,
            // As much of a digest as nobody meets twice.
            None => digest.hex().chars().take(16).collect::<String>().parse()?,
        };
        let access = Access::parse(url.0.expose())?
            .with_credentials(together.queue_creds.clone())
            .trusting(args.means.reach.access.ca_file.clone());
        let queue = access.connect().await?;
        Ok(Some(Self { queue, name, config: digest.to_string() }))
    }

    /// Whether it is the one for this configuration.
    pub(super) fn is_for(&self, config: &str) -> bool {
        Hasher::digest(Algorithm::Sha256, config.as_bytes()).to_string() == self.config
    }

    /// What a planner lays down.
    pub(super) fn terms(&self, args: &MirrorArgs, run: String) -> Terms {
        let (patience, deliveries) = (args.together.redeliver_after.0, args.together.deliveries);
        Terms { run, config: self.config.clone(), patience, deliveries }
    }

    /// Somebody who works here.
    pub(super) fn worker(&self) -> Worker {
        self.queue.worker(&self.name, &self.config)
    }
}

/// What an item is called in a queue: after where it is to be, so that no two workers write one tag at a time,
/// whichever planner put it there.
pub(super) fn id(item: &Item) -> Result<queue::Item, Failure> {
    let mut place = item.destination.to_string();
    if let (None, Some(digest)) = (&item.destination.name, &item.source.digest) {
        place.push_str(&digest.to_string());
    }
    Ok(Hasher::digest(Algorithm::Sha256, place.as_bytes()).hex().parse()?)
}
