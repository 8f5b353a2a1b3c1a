//! Sending a blob: one rung of the ladder, from the bytes on loan to the commit.
use std::sync::Arc;

use content::{Fault, FaultKind, Lent};
use futures::StreamExt;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE},
};
use pace::{Patience, watch};
use reference::Algorithm;
use url::Url;

use crate::{
    client::{Call, authorise, too_long},
    content_range::held,
    fault,
    feed::{Leash, leash},
    later::Later,
    refusal::Refusal,
    rung::Rung,
    said::{check_said, said_digest},
    upload::{STEP, Session, State},
    wire::{Broken, Payload, Reach, Reply, Request, Why},
};

/// From this size on, a reset of the first PUT may be a refusal whose 413 was lost: a peer that answers and closes
/// while bytes are still coming resets the connection.
const LARGE: u64 = 8 * 1024 * 1024;

impl Session {
    /// Sends what is missing, and commits.
    pub(crate) async fn send_all(&mut self, body: Lent) -> Result<(), Fault> {
        let (leash, before) = (leash(body), self.offset);
        let outcome = self.send_on(&leash).await;
        self.given = self.given.max(before.saturating_add(leash.sent()));
        outcome
    }

    async fn send_on(&mut self, leash: &Leash) -> Result<(), Fault> {
        if self.rung == Rung::Put || leash.left() == 0 {
            return self.put(leash).await;
        }
        let most = if self.rung == Rung::Patch { u64::MAX } else { self.chunk() };
        while leash.left() > 0 {
            self.patch(leash, most).await?;
        }
        self.commit().await
    }

    /// All that is missing, and the digest, in one request.
    async fn put(&mut self, leash: &Leash) -> Result<(), Fault> {
        let url = self.at.committing(&self.blob.digest);
        let answer = self.stream(Method::PUT, url, leash, leash.left()).await;
        self.maybe_committed = leash.left() == 0 && !matches!(answer, Err(StreamError::Fault(_)));
        if matches!(&answer, Ok(reply) if is_committed(reply.status)) && self.offset == 0 {
            self.repository.client.standing.ladder.took(self.blob.size);
        }
        let reply = answer.map_err(|broken| self.cut(leash, &broken))?;
        if is_committed(reply.status) && leash.left() > 0 {
            self.maybe_committed = true;
            let what = format!("the registry answered {} before it had all bytes", reply.status);
            return Err(Fault::new(FaultKind::Protocol, STEP, what).momentary());
        }
        self.committed(reply).await
    }

    /// Up to `most` bytes of what is missing.
    async fn patch(&mut self, leash: &Leash, most: u64) -> Result<(), Fault> {
        let length = leash.left().min(most);
        let url = self.at.url.clone();
        let reply = self.stream(Method::PATCH, url, leash, length).await;
        let reply = reply.map_err(|broken| self.cut(leash, &broken))?;
        match reply.status {
            // ECR answers 201, Google 204.
            StatusCode::ACCEPTED | StatusCode::CREATED | StatusCode::NO_CONTENT => {
                self.moved(&reply)?;
                let taken = self.take_stock(&reply, length);
                crate::body::drain(reply).await;
                taken
            }
            _ => Err(self.refused(reply).await),
        }
    }

    /// How far the session came with a request of `length` bytes: the `Range` of the answer, where it is one that can
    /// be. A status that stands still (ECR's) is none.
    fn take_stock(&mut self, reply: &Reply, length: u64) -> Result<(), Fault> {
        let (before, due) = (self.offset, self.offset.saturating_add(length));
        let short = |held: &u64| *held > before && *held < due;
        let believed = self.repository.client.standing.facts.resumes;
        let said = reply.header("range").and_then(held).filter(short).filter(|_| believed);
        self.offset = said.unwrap_or(due);
        match said {
            None => Ok(()),
            Some(held) => {
                let what = format!("the registry kept {held} of the {due} bytes that it took");
                Err(Fault::new(FaultKind::Protocol, STEP, what).momentary())
            }
        }
    }

    /// The digest, after all bytes.
    async fn commit(&mut self) -> Result<(), Fault> {
        let client = &self.repository.client;
        let url = self.at.committing(&self.blob.digest);
        let mut call = Call::new(Method::PUT, url, self.repository.push(), STEP)
            .header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        call.own = self.at.own;
        call.once = true;
        call.patience = Some(client.options.timeouts.commit);
        let reply = client.send(&call).await;
        self.maybe_committed = true;
        self.committed(reply?).await
    }

    /// Checks the answer to a commit: distribution-spec, "Pushing a blob", wants 201; some answer 204.
    async fn committed(&mut self, reply: Reply) -> Result<(), Fault> {
        if !is_committed(reply.status) {
            // Only a server that failed may have done what it was asked before it did.
            self.maybe_committed &= reply.status.is_server_error();
            return Err(self.refused(reply).await);
        }
        check_said(&self.blob.digest, said_digest(&reply).as_ref(), STEP)?;
        crate::body::drain(reply).await;
        Ok(())
    }

    /// One request with `length` bytes of the body. Its time is the target's: idle while it takes bytes, then the
    /// wait for the answer.
    async fn stream(
        &mut self,
        method: Method,
        url: Url,
        leash: &Leash,
        length: u64,
    ) -> Result<Reply, StreamError> {
        let client = Arc::clone(&self.repository.client);
        client.standing.gate.wait().await;
        let scopes = self.repository.push();
        let used = match self.fresh.take() {
            _ if !self.at.own => None,
            Some(fresh) => Some(fresh),
            None => client.authorization(&scopes, STEP).await.map_err(StreamError::Fault)?,
        };
        let timeouts = client.options.timeouts;
        let mut request = Request::new(method, url, timeouts.commit);
        request.reach = Reach::of(&request.url, &client.origin);
        request.headers = self.headers(length);
        authorise(&mut request.headers, used.as_ref());
        request.body = if length == 0 {
            request.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            Payload::Empty
        } else {
            Payload::Stream(length, leash.feed(length).boxed())
        };
        let patience =
            Patience { transport: timeouts.connect.saturating_add(timeouts.idle), answer: timeouts.commit };
        let activity = leash.activity();
        if length == 0 {
            activity.waiting_on_answer();
        }
        let (url, round) = (request.url.clone(), client.standing.lanes.round());
        let sent = watch(client.http.send(request), &activity, patience)
            .await
            .unwrap_or_else(|stalled| Err(Broken::new(Why::TimedOut, stalled.to_string())));
        client.standing.weigh(round, sent.as_ref());
        let sent = if self.at.own { sent } else { Reply::from_elsewhere(sent, &url) };
        let reply = sent.map_err(StreamError::Broken)?;
        if reply.status == StatusCode::UNAUTHORIZED && self.at.own {
            // The bytes are gone: the next attempt brings them again, with what this answer asks for.
            let what = format!("the registry answered {} while the blob was sent", reply.status);
            let fresh = client.answer(&scopes, STEP, reply, used.as_ref()).await;
            self.fresh = Some(fresh.map_err(StreamError::Fault)?);
            let fault = Fault::new(FaultKind::Authentication, STEP, what);
            return Err(StreamError::Fault(fault.momentary()));
        }
        Ok(reply)
    }

    fn headers(&self, length: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let last = self.offset.saturating_add(length).saturating_sub(1);
        // distribution-spec, "Pushing a blob in chunks": `start-end`, without a unit.
        let range = format!("{}-{last}", self.offset);
        if (self.offset > 0 || self.rung == Rung::Chunks)
            && length > 0
            && let Ok(value) = HeaderValue::from_str(&range)
        {
            headers.insert::<HeaderName>(CONTENT_RANGE, value);
        }
        if self.rung == Rung::Chunks && self.repository.client.standing.ladder.sends_apart() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers
    }

    fn chunk(&self) -> u64 {
        self.repository.client.standing.ladder.chunk().max(self.least_chunk)
    }

    /// What a request without an answer means.
    fn cut(&mut self, leash: &Leash, error: &StreamError) -> Fault {
        let broken = match error {
            StreamError::Fault(fault) => return fault.clone(),
            StreamError::Broken(broken) => broken,
        };
        let fault = fault::broken(&self.repository.client.registry, STEP, broken);
        let target_cut = broken.why == Why::Cut && !leash.failed() && leash.left() > 0;
        if target_cut && self.offset == 0 && self.blob.size >= LARGE && leash.sent() > 0 {
            let known_good = self.repository.client.standing.ladder.has_taken(self.blob.size);
            self.state = if known_good { self.state } else { State::Doubted };
        }
        fault
    }

    /// What an answer means that is not what was hoped for, and what the next attempt has to do otherwise.
    async fn refused(&mut self, reply: Reply) -> Fault {
        let later = Later::asked_by(&reply);
        let refusal = Refusal::read(reply, self.repository.client.options.timeouts.headers).await;
        let fault = refusal.fault(STEP);
        match later {
            Some(Later::After(pause)) if self.at.own => {
                self.repository.client.standing.rest_for(pause);
            }
            // Where the registry leads elsewhere, only this upload has to wait.
            Some(Later::After(pause)) => self.rest = pause,
            Some(Later::TooLong(pause)) => return too_long(STEP, refusal.status, pause),
            Some(Later::Soon) | None => {}
        }
        let gone = refusal.has("BLOB_UPLOAD_UNKNOWN") || refusal.has("BLOB_UPLOAD_INVALID");
        match refusal.status.as_u16() {
            // The session is gone, and maybe because it was committed: jib#4301.
            404 | 400 if gone => {
                (self.state, self.maybe_committed) = (State::Gone, true);
                fault.momentary()
            }
            400 if refusal.has("DIGEST_INVALID") && self.offset > 0 => {
                self.state = State::Spent;
                fault.momentary()
            }
            400 if self.blob.digest.algorithm() != Algorithm::Sha256 => {
                let hint = "this registry may not hold content with sha512 digests";
                Fault::new(FaultKind::Refused, STEP, refusal.words()).hint(hint)
            }
            // The session knows whether it was our range, or the number of bytes.
            416 => {
                self.state = State::Doubted;
                fault.momentary()
            }
            413 | 404 | 405 if self.step_down() => {
                // What a session holds is worth asking for: the refusal may be a proxy's, of the number of bytes.
                self.state = if self.offset > 0 { State::Open } else { State::Spent };
                fault.momentary()
            }
            _ => fault,
        }
    }

    /// Goes one rung down; `false` where there is none below.
    pub(crate) fn step_down(&mut self) -> bool {
        let registry = &self.repository.client.registry;
        let Some(below) = self.repository.client.standing.ladder.step_down(self.rung, self.blob.size) else {
            return false;
        };
        tracing::debug!(%registry, from = ?self.rung, to = ?below, "the upload steps down");
        self.rung = below;
        true
    }
}

/// Why a streamed request has no answer.
enum StreamError {
    Broken(Broken),
    Fault(Fault),
}

fn is_committed(status: StatusCode) -> bool {
    status == StatusCode::CREATED || status == StatusCode::NO_CONTENT
}
