//! Publishing: a manifest by digest or under a tag. The bytes go out exactly as they came.
use content::{At, Fault, FaultKind, Manifest, Mode, Step, Version};
use http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use pace::Backoff;
use reference::{RefName, Tag};

use crate::{
    Repository,
    body::drain,
    later::Later,
    refusal::{Refusal, is_page, web_page},
    said::{check_said, said_digest},
    wire::Reply,
};

const STEP: Step = Step::Publish;

impl Repository {
    /// Writes `manifest`. A tag that must not be moved is looked up just before each try: between the two requests
    /// lies the only moment in which somebody else can still be overwritten.
    pub(crate) async fn publish_manifest(
        &self,
        manifest: &Manifest,
        at: At<'_>,
        mode: Mode,
    ) -> Result<(), Fault> {
        let name = match at {
            At::Name(name) => Some(name),
            At::Part | At::Digest => None,
        };
        let reference = match name {
            Some(name) => tag(name, STEP)?.as_str().to_owned(),
            None => manifest.digest().to_string(),
        };
        let reply = match (name, mode) {
            (Some(name), Mode::NoForce) => self.put_new(manifest, name, &reference).await?,
            _ => self.put_manifest(manifest, &reference, false).await?,
        };
        if !is_written(reply.status) {
            return self.unwritten(manifest, name, reply).await;
        }
        let said = said_digest(&reply);
        // Quay says "OK" in HTML, and names the digest: a web page does not.
        if said.is_none() && is_page(&reply) {
            return Err(web_page(STEP, reply.status));
        }
        check_said(manifest.digest(), said.as_ref(), STEP)?;
        let (status, lists_referrers) = (reply.status, reply.header("oci-subject").is_some());
        drain(reply).await;
        if status != StatusCode::CREATED && said.is_none() {
            self.confirm(manifest, name, status).await?;
        }
        match manifest.subject() {
            Some(subject) if !lists_referrers => self.refer(manifest, subject).await,
            _ => Ok(()),
        }
    }

    /// Writes a tag that nobody has: looked up before every try, as it may have appeared since the one before.
    async fn put_new(&self, manifest: &Manifest, name: &RefName, tag: &str) -> Result<Reply, Fault> {
        let mut backoff = Backoff::new(self.client.options.attempts.saturating_sub(1));
        let version = Version::Name(name.clone());
        loop {
            match self.find_version(&version, self.push(), STEP).await? {
                // Our own try of which the answer was lost. By digest, the manifest can be written again.
                Some(there) if backoff.failures() > 0 && there.digest == *manifest.digest() => {
                    return self.put_manifest(manifest, &there.digest.to_string(), false).await;
                }
                Some(_) => {
                    let what = "the tag exists by now; it was not there when the copy began";
                    return Err(Fault::new(FaultKind::Conflict, STEP, what).about(name));
                }
                None => {}
            }
            if !self.client.standing.gate.remaining().is_zero() {
                // What was seen before a wait is no longer worth anything after it.
                self.client.standing.gate.wait().await;
                continue;
            }
            let outcome = self.put_manifest(manifest, tag, true).await;
            let again = match &outcome {
                Ok(reply) => Later::asked_by(reply).is_some(),
                Err(fault) => fault.is_momentary(),
            };
            if !again || !backoff.wait().await {
                return outcome;
            }
            if let Ok(reply) = outcome {
                drain(reply).await;
            }
            pace::give_way().await;
        }
    }

    /// Looks up what was written, where the answer is neither the one that is due (distribution-spec, "Pushing
    /// manifests": 201) nor names the digest: whoever answers 200 to everything may be no registry.
    async fn confirm(
        &self,
        manifest: &Manifest,
        name: Option<&RefName>,
        status: StatusCode,
    ) -> Result<(), Fault> {
        let by_digest = || Version::Digest(manifest.digest().clone());
        let version = name.map_or_else(by_digest, |name| Version::Name(name.clone()));
        match self.find_version(&version, self.push(), STEP).await? {
            Some(there) if there.digest == *manifest.digest() => Ok(()),
            _ => {
                let what = format!("the registry answered {status}, and does not have what it was given");
                Err(Fault::new(FaultKind::Protocol, STEP, what).about(&version))
            }
        }
    }

    async fn put_manifest(&self, manifest: &Manifest, reference: &str, once: bool) -> Result<Reply, Fault> {
        let media_type = HeaderValue::from_str(manifest.media_type().as_str()).map_err(|why| {
            Fault::new(FaultKind::Untrue, STEP, "its media type cannot stand in a header").because(why)
        })?;
        let path = format!("manifests/{reference}");
        let mut call = self.call(Method::PUT, &path, self.push(), STEP)?.header(CONTENT_TYPE, media_type);
        call.body = Some(manifest.bytes().clone());
        call.patience = Some(self.client.options.timeouts.commit);
        call.once = once;
        self.client.send(&call).await
    }

    /// A refused tag may be immutable and right already; that is no failure.
    async fn unwritten(
        &self,
        manifest: &Manifest,
        name: Option<&RefName>,
        reply: Reply,
    ) -> Result<(), Fault> {
        let status = reply.status;
        let refusal = Refusal::read(reply, self.client.options.timeouts.headers).await;
        let fault = refusal_of(manifest, &refusal);
        let Some(name) = name.filter(|_| may_be_immutable(status)) else {
            return Err(fault);
        };
        let version = Version::Name(name.clone());
        let Ok(Some(there)) = self.find_version(&version, self.push(), STEP).await else {
            return Err(fault);
        };
        if there.digest == *manifest.digest() {
            tracing::debug!(tag = %name, "refused, but the tag is at this digest already");
            return Ok(());
        }
        let says_so = refusal.mentions("immutab") || refusal.mentions("already") || refusal.mentions("lock");
        if fault.kind() == FaultKind::Protocol || says_so {
            let what = format!("the tag is at {} and may not be moved: {}", there.digest, refusal.words());
            return Err(Fault::new(FaultKind::Conflict, STEP, what).about(name));
        }
        Err(fault)
    }
}

/// What a refused manifest means, with what may help.
fn refusal_of(manifest: &Manifest, refusal: &Refusal) -> Fault {
    let fault = refusal.fault(STEP);
    if refusal.is_page() {
        return fault;
    }
    if refusal.has("MANIFEST_BLOB_UNKNOWN") || refusal.has("BLOB_UNKNOWN") {
        let hint =
            "the registry took the parts of this manifest, or said that it has them, and does not find them";
        return Fault::new(FaultKind::Protocol, STEP, refusal.words()).hint(hint).lacking_parts();
    }
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        let hint = format!("nothing can be pushed there, or no manifests of type {}", manifest.media_type());
        return Fault::new(FaultKind::Refused, STEP, refusal.words()).hint(hint);
    }
    if refusal.has("MANIFEST_INVALID") {
        return fault.hint(format!("this registry may not take manifests of type {}", manifest.media_type()));
    }
    if refusal.has("DIGEST_INVALID") && manifest.digest().algorithm() != reference::Algorithm::Sha256 {
        let hint = "this registry may not hold content with sha512 digests";
        return Fault::new(FaultKind::Refused, STEP, refusal.words()).hint(hint);
    }
    fault
}

fn is_written(status: StatusCode) -> bool {
    matches!(status, StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::OK | StatusCode::NO_CONTENT)
}

/// Statuses with which registries refuse to move a tag: ECR 400, Harbor 412, others 403, 405 or 409.
fn may_be_immutable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 403 | 405 | 409 | 412 | 422 | 423)
}

/// The name as a tag.
pub(crate) fn tag(name: &RefName, step: Step) -> Result<Tag, Fault> {
    name.as_str().parse().map_err(|why: reference::ParseError| {
        Fault::new(FaultKind::Refused, step, "the name is no tag that a registry can hold")
            .about(name)
            .because(why)
    })
}
