//! Manifests: asked for by HEAD where that is enough, else read whole, within a cap.
use auth::Scopes;
use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, MAX_MANIFEST_BYTES, Manifest, MediaType, Step, Version};
use futures::StreamExt;
use http::{
    HeaderValue, Method, StatusCode,
    header::{ACCEPT, ETAG},
};
use reference::{Algorithm, Digest};

use crate::{
    Repository,
    body::drain,
    client::Call,
    refusal::{Refusal, is_page, web_page},
    said::{check_said, said_digest},
    wire::Reply,
};

/// What a HEAD said.
enum Head {
    Found(Descriptor),
    Absent,
    /// A web page says that it is absent.
    Page,
    /// It does not say enough, or HEAD is not allowed: a GET decides.
    Unclear,
}

impl Repository {
    /// What `version` stands for; absence is a fault.
    pub(crate) async fn resolve_version(&self, version: &Version) -> Result<Descriptor, Fault> {
        match self.head(version, self.pull(), Step::Resolve).await? {
            Head::Found(descriptor) => Ok(descriptor),
            // Some registries answer HEAD with 404 where GET finds it (Nexus), and a 404 to GET says why.
            Head::Absent | Head::Page | Head::Unclear => {
                let manifest = self.read_manifest(version, None, self.pull()).await?;
                Ok(manifest.descriptor().clone())
            }
        }
    }

    /// What `version` stands for; `None` when the registry says that it is absent, or the repository is.
    pub(crate) async fn find_version(
        &self,
        version: &Version,
        scopes: Scopes,
        step: Step,
    ) -> Result<Option<Descriptor>, Fault> {
        match self.head(version, scopes.clone(), step).await? {
            Head::Found(descriptor) => Ok(Some(descriptor)),
            Head::Absent => Ok(None),
            Head::Page => Err(web_page(step, StatusCode::NOT_FOUND)),
            Head::Unclear => self.find_by_get(version, scopes, step).await,
        }
    }

    /// Whether a GET succeeds is all that counts: what is there may be nothing that we would copy.
    async fn find_by_get(
        &self,
        version: &Version,
        scopes: Scopes,
        step: Step,
    ) -> Result<Option<Descriptor>, Fault> {
        let call = self.manifest_call(Method::GET, version, None, scopes, step)?;
        let reply = self.client.send(&call).await?;
        if !reply.status.is_success() {
            let fault = self.unread(reply, step).await;
            return if fault.kind() == FaultKind::Absent { Ok(None) } else { Err(fault) };
        }
        let media_type = MediaType::new(reply.header("content-type").unwrap_or_default());
        if is_page(&reply) {
            return Err(html(step));
        }
        let said = match version {
            Version::Digest(asked) => Some(asked.clone()),
            Version::Name(_) => said_digest(&reply),
        };
        let (digest, size) = match (said, reply.length()) {
            (Some(digest), size) => (digest, size.unwrap_or_default()),
            (None, _) => self.hashed(reply, step).await?,
        };
        Ok(Some(Descriptor::new(media_type, digest, size)))
    }

    /// Digest and size of a body that is not kept, whatever it is.
    async fn hashed(&self, reply: Reply, step: Step) -> Result<(Digest, u64), Fault> {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut size = 0_u64;
        let mut body = reply.body;
        let hashing = async {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|broken| self.client.broken(step, &broken))?;
                hasher.update(&chunk);
                size = size.saturating_add(chunk.len() as u64);
            }
            Ok((hasher.finish(), size))
        };
        let limit = self.client.options.timeouts.commit;
        tokio::time::timeout(limit, hashing).await.unwrap_or_else(|_| {
            let what = format!("the manifest did not end within {} s", limit.as_secs());
            Err(Fault::new(FaultKind::Unreachable, step, what).momentary())
        })
    }

    async fn head(&self, version: &Version, scopes: Scopes, step: Step) -> Result<Head, Fault> {
        let call = self.manifest_call(Method::HEAD, version, None, scopes, step)?;
        let reply = self.client.send(&call).await?;
        match reply.status {
            status if status.is_success() => read_head(version, &reply, step),
            StatusCode::NOT_FOUND if is_page(&reply) => Ok(Head::Page),
            StatusCode::NOT_FOUND => Ok(Head::Absent),
            // A HEAD has no body that could say why; a TLS port answers plain HTTP with 400. A 500 that stays may be
            // about HEAD alone: the GET has the last word.
            StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED
            | StatusCode::BAD_REQUEST
            | StatusCode::INTERNAL_SERVER_ERROR => Ok(Head::Unclear),
            _ => Err(Refusal::read(reply, self.client.options.timeouts.headers).await.fault(step)),
        }
    }

    /// Reads and checks a manifest.
    pub(crate) async fn read_manifest(
        &self,
        version: &Version,
        described: Option<&Descriptor>,
        scopes: Scopes,
    ) -> Result<Manifest, Fault> {
        Ok(self.read_manifest_and_etag(version, described, scopes).await?.0)
    }

    /// Reads and checks a manifest, with the `ETag` under which it was served, if any.
    pub(crate) async fn read_manifest_and_etag(
        &self,
        version: &Version,
        described: Option<&Descriptor>,
        scopes: Scopes,
    ) -> Result<(Manifest, Option<HeaderValue>), Fault> {
        let step = Step::ReadManifest;
        let call = self.manifest_call(Method::GET, version, described, scopes, step)?;
        let (reply, bytes) = self.client.fetch(&call, MAX_MANIFEST_BYTES).await?;
        let Some(bytes) = bytes else {
            return Err(self.unread(reply, step).await);
        };
        let manifest = read_manifest(version, described, &reply, bytes)?;
        Ok((manifest, reply.headers.get(ETAG).cloned()))
    }

    async fn unread(&self, reply: Reply, step: Step) -> Fault {
        if reply.status.is_success() {
            let what = format!("the manifest has more than the {MAX_MANIFEST_BYTES} bytes that are allowed");
            return Fault::new(FaultKind::Refused, step, what);
        }
        if reply.status.is_redirection() {
            let what = format!("the registry answered {} and does not say where to", reply.status);
            drain(reply).await;
            return Fault::new(FaultKind::Protocol, step, what);
        }
        Refusal::read(reply, self.client.options.timeouts.headers).await.fault(step)
    }

    /// HEAD and GET send the same `Accept`: without it, or with another, some registries serve another manifest
    /// under the same tag.
    fn manifest_call(
        &self,
        method: Method,
        version: &Version,
        described: Option<&Descriptor>,
        scopes: Scopes,
        step: Step,
    ) -> Result<Call, Fault> {
        let mut accepted: Vec<&str> = MediaType::accepted().collect();
        let own = described.map(|descriptor| descriptor.media_type.as_str());
        accepted.extend(own.filter(|own| !own.is_empty() && !MediaType::accepted().any(|one| one == *own)));
        let value =
            HeaderValue::from_str(&accepted.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("*/*"));
        Ok(self.call(method, &format!("manifests/{version}"), scopes, step)?.header(ACCEPT, value))
    }
}

fn read_head(version: &Version, reply: &Reply, step: Step) -> Result<Head, Fault> {
    let content_type = reply.header("content-type").unwrap_or_default();
    if content_type.contains("text/html") {
        return Err(html(step));
    }
    let said = said_digest(reply);
    let digest = match version {
        Version::Digest(asked) => {
            check_said(asked, said.as_ref(), step)?;
            Some(asked.clone())
        }
        Version::Name(_) => said,
    };
    Ok(match (digest, reply.length()) {
        (Some(digest), Some(size)) if size > 0 => {
            Head::Found(Descriptor::new(MediaType::new(content_type), digest, size))
        }
        _ => Head::Unclear,
    })
}

fn read_manifest(
    version: &Version,
    described: Option<&Descriptor>,
    reply: &Reply,
    bytes: Bytes,
) -> Result<Manifest, Fault> {
    let content_type = reply.header("content-type");
    if content_type.is_some_and(|value| value.contains("text/html")) {
        return Err(html(Step::ReadManifest));
    }
    let said = said_digest(reply);
    let digest = match version {
        Version::Digest(asked) => {
            check_said(asked, said.as_ref(), Step::ReadManifest)?;
            Some(asked)
        }
        // The registry's own word for a tag, and the algorithm that it keeps it under.
        Version::Name(_) => described.map(|descriptor| &descriptor.digest).or(said.as_ref()),
    };
    let manifest = Manifest::read(bytes, content_type, digest, described);
    match reply.header("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        Some(encoding) => manifest.map_err(|fault| compressed(fault.step(), encoding, &fault)),
        None => manifest,
    }
}

fn html(step: Step) -> Fault {
    Fault::new(FaultKind::Untrue, step, "HTML came where a manifest was due")
        .hint("the host may be a web server or a proxy's login page: check the registry's name and port")
}

/// Content that arrived compressed although it was asked for as it is.
pub(crate) fn compressed(step: Step, encoding: &str, fault: &Fault) -> Fault {
    let encoding = crate::text::shown(encoding);
    let what = format!("the server compressed it on the way (Content-Encoding: {encoding}): {fault}");
    Fault::new(FaultKind::Untrue, step, what)
}
