//! What a registry says of the content that it serves or took: its digest, which is compared and never believed.
use content::{Fault, FaultKind, Step};
use reference::Digest;

use crate::wire::Reply;

/// The digest that a registry says it serves.
pub(crate) fn said_digest(reply: &Reply) -> Option<Digest> {
    reply.header("docker-content-digest")?.trim().parse().ok()
}

/// The answer names another digest than the one asked for. Another algorithm is no contradiction: docker-registry
/// 2.8 names the sha256 of what it keeps by sha512.
pub(crate) fn check_said(asked: &Digest, said: Option<&Digest>, step: Step) -> Result<(), Fault> {
    match said {
        Some(said) if said.algorithm() == asked.algorithm() && said != asked => {
            Err(Fault::new(FaultKind::Untrue, step, format!("asked for {asked}, the registry names {said}")))
        }
        _ => Ok(()),
    }
}
