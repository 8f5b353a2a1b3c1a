//! Locations: where an upload session is, and whether our credentials may go there.
//!
//! distribution-spec, "Pushing a blob": the location may be relative or absolute, may lead elsewhere, and its query
//! is the registry's own and must stay as it is.
use auth::{Context, Origin, Purpose, admit};
use content::{Fault, FaultKind, Step};
use reference::Digest;
use url::Url;

use crate::{fault::refused_url, wire::Reply};

/// An admitted session URL.
#[derive(Clone)]
pub(crate) struct SessionUrl {
    pub(crate) url: Url,
    /// Whether it is the registry's own, so that credentials go along.
    pub(crate) own: bool,
}

impl SessionUrl {
    /// Reads the `Location` of `reply`, the answer to a request to `base`.
    pub(crate) fn of(
        reply: &Reply,
        base: &Url,
        own: bool,
        registry: &Origin,
        step: Step,
    ) -> Result<Self, Fault> {
        let Some(location) = reply.header("location") else {
            let what = "the registry opened an upload and did not say where (no Location)";
            return Err(Fault::new(FaultKind::Protocol, step, what));
        };
        Self::at(location, base, own, registry, step)
    }

    /// Reads a location that was named at `base`.
    pub(crate) fn at(
        location: &str,
        base: &Url,
        own: bool,
        registry: &Origin,
        step: Step,
    ) -> Result<Self, Fault> {
        let context = Context { registry, base, purpose: Purpose::Location, credentials: own };
        let admission = admit(location, &context).map_err(|refusal| refused_url(step, &refusal))?;
        Ok(Self { url: admission.url, own: admission.credentials })
    }

    /// What another run may go on with: nothing that credentials have been kept from, for nobody would remember that.
    pub(crate) fn claimed(&self) -> Option<String> {
        self.own.then(|| self.url.as_str().to_owned())
    }

    /// The URL that commits the upload as `digest`: the query is kept byte for byte, the digest comes last.
    pub(crate) fn committing(&self, digest: &Digest) -> Url {
        let mut url = self.url.clone();
        let digest = digest.to_string().replace(':', "%3A");
        let query = match self.url.query() {
            Some(query) if !query.is_empty() => format!("{query}&digest={digest}"),
            _ => format!("digest={digest}"),
        };
        url.set_query(Some(&query));
        url
    }
}
