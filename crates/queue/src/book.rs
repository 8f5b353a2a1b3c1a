//! Which run is open: the page that planner and workers read.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{QueueError, QueueErrorKind};

/// The page of a run that is open, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    queue: u32,
    /// What the run is called, as no other is.
    pub run: String,
    /// The digest of the configuration that it is for.
    pub config: String,
    /// Whether something may be left to do.
    pub open: bool,
    /// How often an item is given to a worker.
    pub deliveries: u32,
    /// For how many seconds a worker need not be heard of.
    pub patience: u64,
}

/// What a planner lays down for a run.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What the run is called, unless one is open already.
    pub run: String,
    /// The digest of the configuration.
    pub config: String,
    /// How long a worker need not be heard of before its items go to others.
    pub patience: Duration,
    /// How often an item is given to a worker: one that many workers died of is given up.
    pub deliveries: u32,
}

/// The form of the page. Another one is of another version of this program.
const FORM: u32 = 1;

impl Run {
    pub(crate) fn opened(terms: &Terms) -> Self {
        Self {
            queue: FORM,
            run: terms.run.clone(),
            config: terms.config.clone(),
            open: true,
            deliveries: terms.deliveries,
            patience: terms.patience.as_secs().max(1),
        }
    }

    pub(crate) fn closed(&self) -> Self {
        Self { open: false, ..self.clone() }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, QueueError> {
        serde_json::to_vec(self).map_err(|why| QueueError::new(QueueErrorKind::Protocol, why.to_string()))
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, QueueError> {
        let foreign = || {
            QueueError::usage("the queue of that name was written by another program, or another version")
                .hint("give this one a name of its own with --queue-name")
        };
        let run: Self = serde_json::from_slice(bytes).map_err(|_| foreign())?;
        if run.queue == FORM { Ok(run) } else { Err(foreign()) }
    }

    /// A run of another configuration is nobody's to join.
    pub(crate) fn belongs_to(&self, config: &str) -> Result<(), QueueError> {
        if self.config == config {
            return Ok(());
        }
        let message = format!("the queue is at work for another configuration, {}", self.config);
        Err(QueueError::usage(message)
            .hint("give this one a name of its own with --queue-name, or wait until that run has ended"))
    }

    /// How long a worker need not be heard of.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run::opened(&Terms {
            run: "r1".to_owned(),
            config: "sha256:a".to_owned(),
            patience: Duration::from_millis(10),
            deliveries: 3,
        })
    }

    #[test]
    fn a_page_reads_back_and_a_foreign_one_is_refused() {
        let run = run();
        assert_eq!(Run::read(&run.bytes().unwrap()).unwrap(), run);
        let later = String::from_utf8(run.bytes().unwrap()).unwrap().replace("\"queue\":1", "\"queue\":2");
        for foreign in [later.as_str(), "{}", "hello", ""] {
            let why = Run::read(foreign.as_bytes()).unwrap_err();
            assert_eq!(why.kind(), QueueErrorKind::Usage);
            assert!(why.remedy().unwrap().contains("--queue-name"));
        }
    }

    #[test]
    fn a_run_of_another_configuration_is_refused_with_its_digest() {
        let why = run().belongs_to("sha256:b").unwrap_err();
        assert!(why.to_string().contains("sha256:a"), "{why}");
        assert!(run().belongs_to("sha256:a").is_ok());
    }

    #[test]
    fn patience_is_never_nothing() {
        assert_eq!(run().patience(), Duration::from_secs(1));
    }
}
