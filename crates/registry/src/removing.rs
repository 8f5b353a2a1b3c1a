//! Removing manifests and blobs (distribution-spec, "Content Management"; end-9, end-10). Many registries do not let
//! anybody do that, or not everybody: that is an answer, and no fault.
use auth::Scopes;
use content::{Descriptor, Fault, FaultKind, Step};
use http::{Method, StatusCode};
use reference::Digest;

use crate::{Repository, body::drain, client::Call, refusal::Refusal};

const STEP: Step = Step::Remove;

/// What a registry says to the wish that something be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// It is gone. The bytes may stay where the registry stores them, until it collects its garbage.
    Done,
    /// The repository has no such thing.
    Absent,
    /// It stays: the registry removes nothing, or not for us. Its words.
    Refused(String),
}

impl Repository {
    /// Removes the manifest with this digest, and with it the tags that point to it.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering the question.
    pub async fn remove_manifest(&self, digest: &Digest) -> Result<Removal, Fault> {
        self.step(STEP, digest, self.remove(format!("manifests/{digest}"))).await
    }

    /// Removes the blob with this digest from this repository.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering the question.
    pub async fn remove_blob(&self, digest: &Digest) -> Result<Removal, Fault> {
        self.step(STEP, digest, self.remove(format!("blobs/{digest}"))).await
    }

    /// Whether the repository holds `blob`.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering the question.
    pub async fn holds(&self, blob: &Descriptor) -> Result<bool, Fault> {
        self.step(Step::BeginUpload, &blob.digest, self.has_blob(blob, Step::BeginUpload)).await
    }

    pub(crate) async fn remove(&self, path: String) -> Result<Removal, Fault> {
        let call: Call = self.call(Method::DELETE, &path, Scopes::delete(&self.name), STEP)?;
        let reply = match self.client.send(&call).await {
            Ok(reply) => reply,
            // A token that may delete is not given to everybody.
            Err(fault) if fault.kind() == FaultKind::Authentication => {
                return Ok(Removal::Refused(fault.to_string()));
            }
            Err(fault) => return Err(fault),
        };
        match reply.status {
            StatusCode::ACCEPTED | StatusCode::OK | StatusCode::NO_CONTENT => {
                drain(reply).await;
                Ok(Removal::Done)
            }
            StatusCode::NOT_FOUND => {
                drain(reply).await;
                Ok(Removal::Absent)
            }
            status => {
                let refusal = Refusal::read(reply, self.client.options.timeouts.headers).await;
                let never = status == StatusCode::NOT_IMPLEMENTED;
                if never || (status.is_client_error() && !refusal.fault(STEP).is_momentary()) {
                    return Ok(Removal::Refused(refusal.words()));
                }
                Err(refusal.fault(STEP))
            }
        }
    }
}
