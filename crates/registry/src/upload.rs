//! Upload sessions: one blob on its way into one repository.
//!
//! Knows what to do after a break; `sending.rs` climbs the ladder. Never judges the bytes.
use std::{sync::Arc, time::Duration};

use auth::Authorization;
use content::{Claim, Descriptor, Fault, Lent, Step, Target, Upload};
use futures::future::BoxFuture;
use http::{Method, StatusCode};
use tracing::Instrument;

use crate::{
    Repository, body::drain, client::Call, content_range::held, location::SessionUrl, opening::cancellation,
    rung::Rung, wire::Reply,
};

pub(crate) const STEP: Step = Step::SendBlob;

/// An upload of one blob.
pub(crate) struct Session {
    pub(crate) repository: Repository,
    pub(crate) blob: Descriptor,
    /// Where it is; `claim` follows.
    pub(crate) at: SessionUrl,
    /// Where it is, for another run.
    claim: Claim,
    /// The least size of a chunk but the last: `OCI-Chunk-Min-Length`.
    pub(crate) least_chunk: u64,
    pub(crate) offset: u64,
    /// The most that it can hold: what it was given.
    pub(crate) given: u64,
    pub(crate) rung: Rung,
    /// Whether a commit may have been done although its answer did not arrive.
    pub(crate) maybe_committed: bool,
    /// Where it refused to go on although it says that it stands there.
    refused_at: Option<u64>,
    /// The answer to a challenge that came while bytes were sent, for the next attempt.
    pub(crate) fresh: Option<Authorization>,
    /// How long to leave a host alone that is not the registry.
    pub(crate) rest: Duration,
    pub(crate) state: State,
}

/// What has become of a session at the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It can be continued.
    Open,
    /// It refused bytes or broke, in a way that may be about their number: it says itself how far it came.
    Doubted,
    /// It is there, and of no more use.
    Spent,
    /// It is not there any more.
    Gone,
    /// It is there, for another run to go on with.
    Left,
    /// It became the blob.
    Done,
}

impl Session {
    pub(crate) fn new(repository: Repository, blob: Descriptor, at: SessionUrl, least_chunk: u64) -> Self {
        let rung = repository.client.standing.ladder.rung(blob.size);
        Self {
            repository,
            blob,
            claim: Claim::new(at.claimed()),
            at,
            least_chunk,
            offset: 0,
            given: 0,
            rung,
            maybe_committed: false,
            refused_at: None,
            fresh: None,
            rest: Duration::ZERO,
            state: State::Open,
        }
    }

    async fn align(&mut self) -> Result<bool, Fault> {
        tokio::time::sleep(std::mem::take(&mut self.rest)).await;
        if self.maybe_committed && self.repository.has_blob(&self.blob, STEP).await? {
            self.state = State::Done;
            return Ok(true);
        }
        self.maybe_committed = false;
        let (before, resumes) = (self.offset, self.repository.client.standing.facts.resumes);
        let doubted = self.state == State::Doubted;
        let broke_between = self.state == State::Open && self.rung == Rung::Chunks && before > 0;
        let asks = resumes && matches!(self.state, State::Open | State::Doubted);
        let stands = asks && self.ask_where().await?;
        // At the place where we took it to be, it was the number of bytes that was refused.
        let refused = doubted && (!stands || self.offset == before);
        if refused {
            self.step_down();
        }
        // A session that refuses to go on at the very byte that it names does not know where it stands.
        let contradicts = refused && stands && self.refused_at.replace(before) == Some(before);
        if stands && !contradicts {
            self.state = State::Open;
            return Ok(false);
        }
        if broke_between {
            self.repository.client.standing.ladder.send_apart();
        }
        self.begin_again().await?;
        Ok(false)
    }

    /// A new session in place of the old one, which is cancelled: a registry keeps those for days.
    async fn begin_again(&mut self) -> Result<(), Fault> {
        if self.state != State::Gone {
            let client = &self.repository.client;
            if let Ok(reply) = client.send(&self.cancellation()).await {
                drain(reply).await;
            }
            self.state = State::Gone;
        }
        let mut new = self.repository.open_session(&self.blob).await?;
        // All is new about it but its rung and its claim.
        (new.rung, new.claim) = (self.rung.max(new.rung), self.claim.clone());
        new.claim.moved(new.at.claimed());
        *self = *new;
        Ok(())
    }

    fn cancellation(&self) -> Call {
        cancellation(&self.repository.client, &self.at, self.repository.push())
    }

    /// Asks the session where it stands: distribution-spec, "Pushing a blob in chunks", end-13. `false` when it is
    /// gone, holds nothing worth going on with, or says what cannot be.
    pub(crate) async fn ask_where(&mut self) -> Result<bool, Fault> {
        let mut call = Call::new(Method::GET, self.at.url.clone(), self.repository.push(), STEP);
        call.own = self.at.own;
        let reply = self.repository.client.send(&call).await?;
        let stands = match reply.status {
            StatusCode::NO_CONTENT | StatusCode::ACCEPTED | StatusCode::OK => {
                // "0-0" is said of no byte and of one alike. Whoever sends all of them after that one makes another
                // blob, and a registry that does not look keeps it. Whoever believes in more bytes than were given
                // leaves a hole.
                let worth = |held: &u64| *held > 0 && *held <= self.given;
                reply.header("range").and_then(held).filter(worth)
            }
            StatusCode::NOT_FOUND => {
                self.state = State::Gone;
                None
            }
            _ => None,
        };
        if let Some(offset) = stands {
            if !reply.elsewhere {
                self.moved(&reply)?;
            }
            self.offset = offset;
        }
        drain(reply).await;
        Ok(stands.is_some())
    }

    /// Takes over the `Location` of an answer: it may change with every request.
    pub(crate) fn moved(&mut self, reply: &Reply) -> Result<(), Fault> {
        if reply.header("location").is_some() {
            let origin = &self.repository.client.origin;
            self.move_to(SessionUrl::of(reply, &self.at.url, self.at.own, origin, STEP)?);
        }
        Ok(())
    }

    fn move_to(&mut self, at: SessionUrl) {
        self.claim.moved(at.claimed());
        self.at = at;
    }
}

impl Upload for Session {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn send(&mut self, body: Lent) -> BoxFuture<'_, Result<(), Fault>> {
        let (place, digest) = (self.repository.place().clone(), self.blob.digest.clone());
        let span = tracing::debug_span!("registry", %place, step = STEP.as_str(), %digest);
        let work = async move {
            let outcome = self.send_all(body).await;
            if outcome.is_ok() {
                self.state = State::Done;
            }
            outcome.map_err(|fault| fault.at(place).about(digest))
        };
        Box::pin(work.instrument(span))
    }

    fn realign(&mut self) -> BoxFuture<'_, Result<bool, Fault>> {
        let (place, digest) = (self.repository.place().clone(), self.blob.digest.clone());
        let span = tracing::debug_span!("registry", %place, step = "realign", %digest);
        let work = async move { self.align().await.map_err(|fault| fault.at(place).about(digest)) };
        Box::pin(work.instrument(span))
    }

    fn claim(&self) -> Option<Claim> {
        self.repository.client.standing.facts.resumes.then(|| self.claim.clone())
    }

    fn leave(&mut self) {
        if matches!(self.state, State::Open | State::Doubted) {
            self.state = State::Left;
        }
    }
}

impl Drop for Session {
    /// Cancels what was not finished.
    fn drop(&mut self) {
        if matches!(self.state, State::Done | State::Gone | State::Left) {
            return;
        }
        let (client, call) = (Arc::clone(&self.repository.client), self.cancellation());
        self.repository.client.farewells.say(async move { client.send_last(&call).await });
    }
}
