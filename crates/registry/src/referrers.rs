//! Referrers: the manifests about a manifest, as a registry lists them, or clients do where it does not.
//!
//! distribution-spec, "Listing Referrers": `GET referrers/<digest>`, and after a 404 the index at the fallback tag.
use std::sync::atomic::{AtomicBool, Ordering};

use auth::Scopes;
use content::{Descriptor, Fault, FaultKind, MAX_MANIFEST_BYTES, Manifest, MediaType, Shape, Step, Version};
use http::{HeaderValue, Method, StatusCode, header::ACCEPT};
use reference::{Digest, RefName};

use crate::{
    Repository,
    fallback::{MAX_ENTRIES, fallback_tag},
    paging::{Page, Pages},
    refusal::{Refusal, is_page},
    wire::Reply,
};

const STEP: Step = Step::List;
/// The most bytes of a list: entries have annotations, and may have a page each.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Whether a registry lists referrers, as far as it has shown.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    /// It has done so.
    lists: AtomicBool,
    /// It does not know the question: it is not asked again.
    lacks: AtomicBool,
}

impl Repository {
    /// The manifests about `subject`.
    pub(crate) async fn list_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Fault> {
        if !self.client.standing.lists_referrers.lacks.load(Ordering::Relaxed)
            && let Some(listed) = self.ask_for_referrers(subject, self.pull()).await?
        {
            return Ok(listed);
        }
        self.read_fallback(subject, self.pull()).await
    }

    /// Whether `manifest` is there, and listed. A registry that lists referrers lists what is there; at a fallback tag
    /// it may be missing: whoever wrote the manifest died before the index, or knows of none.
    pub(crate) async fn has_listed(&self, manifest: &Manifest) -> Result<bool, Fault> {
        let knowledge = &self.client.standing.lists_referrers;
        let is_among = |listed: Vec<Descriptor>| listed.iter().any(|one| one.digest == *manifest.digest());
        if let Some(subject) = manifest.subject().filter(|_| !knowledge.lists.load(Ordering::Relaxed)) {
            let subject = &subject.digest;
            if !knowledge.lacks.load(Ordering::Relaxed)
                && let Some(listed) = self.ask_for_referrers(subject, self.push()).await?
            {
                return Ok(is_among(listed));
            }
            if !is_among(self.read_fallback(subject, self.push()).await?) {
                return Ok(false);
            }
        }
        let version = Version::Digest(manifest.digest().clone());
        Ok(self.find_version(&version, self.push(), Step::CheckTag).await?.is_some())
    }

    /// What the registry lists; `None` when it knows no such list.
    async fn ask_for_referrers(
        &self,
        subject: &Digest,
        scopes: Scopes,
    ) -> Result<Option<Vec<Descriptor>>, Fault> {
        let call = self.call(Method::GET, &format!("referrers/{subject}"), scopes, STEP)?;
        let accepted = HeaderValue::from_str(MediaType::oci_index().as_str());
        let call = call.header(ACCEPT, accepted.unwrap_or(HeaderValue::from_static("*/*")));
        let mut pages = Pages::new(&self.client, call, MAX_MANIFEST_BYTES);
        let (mut listed, mut bytes) = (Vec::new(), 0_u64);
        while let Some(page) = pages.turn().await? {
            bytes = bytes.saturating_add(page.bytes.as_ref().map_or(0, |page| page.len() as u64));
            if bytes > MAX_BYTES {
                let what = format!("its list of referrers has more than {MAX_BYTES} bytes");
                return Err(Fault::new(FaultKind::Refused, STEP, what));
            }
            let Some(entries) = self.read_page(page).await? else { return Ok(None) };
            listed.extend(entries);
            check_number(listed.len())?;
        }
        Ok(Some(listed))
    }

    async fn read_page(&self, page: Page) -> Result<Option<Vec<Descriptor>>, Fault> {
        let (knowledge, reply) = (&self.client.standing.lists_referrers, page.reply);
        let Some(bytes) = page.bytes else {
            return self.without_page(reply).await;
        };
        // A web server that answers everything with its page knows no registry's questions.
        if is_page(&reply) {
            knowledge.lacks.store(true, Ordering::Relaxed);
            return Ok(None);
        }
        let index = Manifest::read(bytes, reply.header("content-type"), None, None);
        let entries = index.and_then(|index| entries_of(&index)).map_err(as_list)?;
        knowledge.lists.store(true, Ordering::Relaxed);
        Ok(Some(entries))
    }

    /// An answer without a list: either nobody lists referrers here, or something is wrong.
    async fn without_page(&self, reply: Reply) -> Result<Option<Vec<Descriptor>>, Fault> {
        if reply.status.is_success() {
            let what = format!("a page of its list has more than {MAX_MANIFEST_BYTES} bytes");
            return Err(Fault::new(FaultKind::Refused, STEP, what));
        }
        let knowledge = &self.client.standing.lists_referrers;
        let refusal = Refusal::read(reply, self.client.options.timeouts.headers).await;
        if !may_not_know(refusal.status) {
            return Err(refusal.fault(STEP));
        }
        // A repository or a manifest that it does not have, is no word about the question.
        let about_this = refusal.has("NAME_UNKNOWN") || refusal.has("MANIFEST_UNKNOWN");
        if !about_this && !knowledge.lists.load(Ordering::Relaxed) {
            knowledge.lacks.store(true, Ordering::Relaxed);
        }
        Ok(None)
    }

    /// What clients have written at the fallback tag; nothing where there is none.
    async fn read_fallback(&self, subject: &Digest, scopes: Scopes) -> Result<Vec<Descriptor>, Fault> {
        let version = Version::Name(RefName::new(fallback_tag(subject)));
        match self.read_manifest(&version, None, scopes).await {
            Ok(index) => {
                let listed = entries_of(&index).map_err(|fault| as_list(fault).about(&version))?;
                check_number(listed.len()).map(|()| listed)
            }
            Err(fault) if fault.kind() == FaultKind::Absent => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }
}

/// Statuses of registries that do not know the question.
fn may_not_know(status: StatusCode) -> bool {
    [
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_ACCEPTABLE,
        StatusCode::NOT_IMPLEMENTED,
    ]
    .contains(&status)
}

fn entries_of(index: &Manifest) -> Result<Vec<Descriptor>, Fault> {
    match index.shape() {
        Shape::Index { entries } => Ok(entries.clone()),
        Shape::Image { .. } | Shape::Opaque => Err(Fault::new(FaultKind::Untrue, STEP, "it is no index")),
    }
}

/// A fault of a document that was to list referrers. No entry is passed over: it may be the signature.
fn as_list(fault: Fault) -> Fault {
    let what = format!("the list of referrers cannot be read: {}", fault.what());
    Fault::new(fault.kind(), STEP, what).because(fault)
}

fn check_number(listed: usize) -> Result<(), Fault> {
    if listed <= MAX_ENTRIES {
        return Ok(());
    }
    let what = format!("the registry lists more than {MAX_ENTRIES} referrers");
    Err(Fault::new(FaultKind::Refused, STEP, what))
}
