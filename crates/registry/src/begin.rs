//! Beginning an upload: the blob is there, is mounted, or gets a session.
//!
//! One POST asks all three: a mount from the repository itself is answered 201 when the blob is there and 202 with a
//! session when not (measured on distribution 2.8 and 3), which saves the HEAD.
use auth::Scopes;
use content::{Begun, Descriptor, Fault, FaultKind, Step, Upload};
use http::{HeaderValue, Method, StatusCode, header::CONTENT_LENGTH};
use reference::{Algorithm, RepositoryName};

use crate::{Repository, body::drain, location::SessionUrl, refusal::Refusal, upload::Session, wire::Reply};

const STEP: Step = Step::BeginUpload;

/// What a registry said to a mount.
enum Mount {
    Done,
    Session(Box<Session>),
    /// It does not do that, or not for us: distribution-spec, "Mounting a blob": fall back to an upload. A lasting
    /// refusal is about the repository, not about the blob or the moment.
    Refused {
        lasting: bool,
    },
}

impl Repository {
    /// The cheapest way to have the repository hold `blob`.
    pub(crate) async fn begin_blob(
        &self,
        blob: &Descriptor,
        mount: Option<&RepositoryName>,
    ) -> Result<Begun, Fault> {
        let mounting = &self.client.standing.mounting;
        let other = mount.filter(|from| **from != self.name && mounting.takes(from));
        if let Some(from) = other {
            match self.mount(blob, from, self.push().and_pull(from)).await? {
                Mount::Done => return Ok(Begun::Mounted),
                Mount::Session(session) => return Ok(Begun::Upload(session)),
                Mount::Refused { lasting } => {
                    tracing::debug!(%from, digest = %blob.digest, lasting, "mount refused");
                    if lasting {
                        mounting.refuses(from);
                    }
                }
            }
        }
        let itself = mounting.takes_itself();
        if itself {
            match self.mount(blob, &self.name, self.push()).await? {
                Mount::Done => return Ok(Begun::Present),
                Mount::Session(session) => return Ok(Begun::Upload(session)),
                Mount::Refused { lasting: true } => mounting.refuses_itself(),
                Mount::Refused { .. } => {}
            }
        }
        // Three requests are enough for one blob.
        let may_ask = other.is_none() || !itself;
        if may_ask && self.has_blob(blob, STEP).await? {
            return Ok(Begun::Present);
        }
        Ok(Begun::Upload(self.open_session(blob).await?))
    }

    /// An upload that another run left, where the registry still knows it and says how far it came.
    pub(crate) async fn reopen_blob(
        &self,
        blob: &Descriptor,
        location: &str,
    ) -> Result<Option<Box<dyn Upload>>, Fault> {
        let base = self.uploads()?;
        let at = SessionUrl::at(location, &base, true, &self.client.origin, STEP);
        let (Ok(at), true) = (at, self.client.standing.facts.resumes) else { return Ok(None) };
        let mut session = Session::new(self.clone(), blob.clone(), at, 0);
        // What the other run gave it, nobody knows any more.
        session.given = blob.size;
        match session.ask_where().await {
            Ok(stands) => Ok(stands.then(|| Box::new(session) as Box<dyn Upload>)),
            Err(fault) => {
                if fault.kind() == FaultKind::Unreachable {
                    // It may answer the next run.
                    session.leave();
                }
                Err(fault)
            }
        }
    }

    fn uploads(&self) -> Result<url::Url, Fault> {
        self.client.url(&format!("/v2/{}/blobs/uploads/", self.name))
    }

    /// An upload of `blob`, without a question whether it is there.
    pub(crate) async fn begin_anew(&self, blob: &Descriptor) -> Result<Begun, Fault> {
        Ok(Begun::Upload(self.open_session(blob).await?))
    }

    async fn mount(&self, blob: &Descriptor, from: &RepositoryName, scopes: Scopes) -> Result<Mount, Fault> {
        let mut query = format!("mount={}&from={from}", blob.digest.to_string().replace(':', "%3A"));
        add_algorithm(&mut query, blob);
        // Asked once: whatever is wrong, the plain POST that follows is repeated where that may help.
        let reply = match self.post(&query, scopes, true).await {
            Ok(reply) => reply,
            // A token for both repositories may be refused where one for the target alone is not.
            Err(fault) if fault.kind() == FaultKind::Authentication => {
                return Ok(Mount::Refused { lasting: true });
            }
            Err(fault) if fault.is_momentary() => return Ok(Mount::Refused { lasting: false }),
            Err(fault) => return Err(fault),
        };
        let (mounting, itself) = (&self.client.standing.mounting, *from == self.name);
        match reply.status {
            StatusCode::CREATED | StatusCode::ACCEPTED => mounting.works(itself),
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::NOT_IMPLEMENTED => mounting.breaks(itself),
            _ => {}
        }
        match reply.status {
            StatusCode::CREATED => {
                drain(reply).await;
                Ok(Mount::Done)
            }
            StatusCode::ACCEPTED => Ok(Mount::Session(self.opened(blob, reply).await?)),
            _ => {
                let refusal = Refusal::read(reply, self.client.options.timeouts.headers).await;
                Ok(Mount::Refused { lasting: is_lasting(&refusal, itself) })
            }
        }
    }

    /// A session without a mount.
    pub(crate) async fn open_session(&self, blob: &Descriptor) -> Result<Box<Session>, Fault> {
        let mut query = String::new();
        add_algorithm(&mut query, blob);
        let reply = self.post(&query, self.push(), false).await?;
        match reply.status {
            StatusCode::ACCEPTED | StatusCode::CREATED if reply.header("location").is_some() => {
                self.opened(blob, reply).await
            }
            _ => Err(self.not_begun(blob, reply).await),
        }
    }

    async fn not_begun(&self, blob: &Descriptor, reply: Reply) -> Fault {
        let status = reply.status;
        let refusal = Refusal::read(reply, self.client.options.timeouts.headers).await;
        if status.is_success() && !refusal.is_page() {
            let what = format!("the registry answered {status} where an upload session was due");
            return Fault::new(FaultKind::Protocol, STEP, what);
        }
        if refusal.is_page() {
            return refusal.fault(STEP);
        }
        if blob.digest.algorithm() != Algorithm::Sha256 && status == StatusCode::BAD_REQUEST {
            return Fault::new(FaultKind::Refused, STEP, refusal.words())
                .hint("this registry may not hold content with sha512 digests");
        }
        let fault = refusal.fault(STEP);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return Fault::new(FaultKind::Refused, STEP, refusal.words())
                .hint("nothing can be pushed there: the registry is read-only, or a mirror of another one");
        }
        if status == StatusCode::NOT_FOUND {
            return fault.hint(format!(
                "create the repository {} first: this registry does not do so by itself",
                self.name
            ));
        }
        fault
    }

    async fn post(&self, query: &str, scopes: Scopes, once: bool) -> Result<Reply, Fault> {
        let path =
            if query.is_empty() { "blobs/uploads/".to_owned() } else { format!("blobs/uploads/?{query}") };
        let call = self.call(Method::POST, &path, scopes, STEP)?;
        let mut call = call.header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        call.once = once;
        self.client.send(&call).await
    }

    async fn opened(&self, blob: &Descriptor, reply: Reply) -> Result<Box<Session>, Fault> {
        let base = self.uploads()?;
        let at = SessionUrl::of(&reply, &base, true, &self.client.origin, STEP)?;
        let least = reply.header("oci-chunk-min-length").and_then(|value| value.trim().parse().ok());
        // A session from here on: it is cancelled even when nobody waits for the end of this answer.
        let session = Box::new(Session::new(self.clone(), blob.clone(), at, least.unwrap_or(0)));
        drain(reply).await;
        Ok(session)
    }
}

/// Whether the next mount will be refused too. From another repository, an unknown blob says nothing of the next one.
fn is_lasting(refusal: &Refusal, itself: bool) -> bool {
    let status = refusal.status;
    let for_now = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    status.is_client_error() && !for_now && (itself || !refusal.has("BLOB_UNKNOWN"))
}

/// A session hashes as it goes, and must know in which algorithm where that is not sha256: distribution-spec,
/// "Pushing a blob", `digest-algorithm`.
fn add_algorithm(query: &mut String, blob: &Descriptor) {
    if blob.digest.algorithm() == Algorithm::Sha256 {
        return;
    }
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str("digest-algorithm=");
    query.push_str(blob.digest.algorithm().as_str());
}
