//! Redirects of a GET or HEAD, followed by hand.
//!
//! Blobs are served from elsewhere: storage and CDNs. What goes there is the range and nothing that belongs to the
//! registry; distribution-spec: "clients MUST NOT forward Authorization headers across host boundaries".
use auth::{Context, Origin, Purpose, admit};
use content::{Fault, FaultKind, Step};
use http::StatusCode;
use url::Url;

use crate::{fault::refused_url, wire::Reply};

/// The most redirects of one request.
const MAX_HOPS: u32 = 5;

/// The way of one request from the registry's URL onwards.
pub(crate) struct Trail<'a> {
    registry: &'a Origin,
    hops: u32,
    /// Whether all hosts so far were the registry itself. Once it has been left, credentials do not come back: a
    /// chain A, B, A is B's doing.
    at_home: bool,
}

/// What a redirect leads to.
pub(crate) enum Hop {
    To(Url),
    /// The answer is no redirect that leads anywhere: 304, or one without a `Location`.
    Stay,
}

impl<'a> Trail<'a> {
    /// A way that begins at the registry itself, or with `own` false at somebody else's URL.
    pub(crate) fn new(registry: &'a Origin, own: bool) -> Self {
        Self { registry, hops: 0, at_home: own }
    }

    pub(crate) fn at_home(&self) -> bool {
        self.at_home
    }

    /// Where `reply`, the answer of `from`, sends us, if that is admissible.
    pub(crate) fn follow(&mut self, from: &Url, reply: &Reply, step: Step) -> Result<Hop, Fault> {
        let followed = [
            StatusCode::MOVED_PERMANENTLY,
            StatusCode::FOUND,
            StatusCode::SEE_OTHER,
            StatusCode::TEMPORARY_REDIRECT,
            StatusCode::PERMANENT_REDIRECT,
        ];
        let location = reply.header("location").filter(|_| followed.contains(&reply.status));
        let Some(location) = location else {
            return Ok(Hop::Stay);
        };
        self.hops = self.hops.saturating_add(1);
        if self.hops > MAX_HOPS {
            let what = format!("it was redirected more than {MAX_HOPS} times");
            return Err(Fault::new(FaultKind::Protocol, step, what));
        }
        let context = Context {
            registry: self.registry,
            base: from,
            purpose: Purpose::Redirect,
            credentials: self.at_home,
        };
        let admission = admit(location, &context).map_err(|refusal| refused_url(step, &refusal))?;
        self.at_home = admission.credentials;
        Ok(Hop::To(admission.url))
    }
}
