//! Followers: what is about an image, and no part of it, as copier finds it: referrers, and what cosign keeps under
//! tags.
//!
//! What the source has is to be at the destination, and what the destination has is to be whole.
use std::{collections::HashSet, sync::Arc};

use content::{Fault, FaultKind, Source, Step, Version};
use copier::{MAX_DEPTH, MAX_FOLLOWERS, cosign_names};
use futures::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use reference::{Digest, RefName};

use crate::{
    Case, Expected, Proof, Verifier,
    finding::{Flaw, Piece},
};

/// What one place has about a manifest.
#[derive(Default)]
struct About {
    referrers: Vec<Digest>,
    tagged: Vec<(RefName, Digest)>,
    faults: Vec<Flaw>,
}

/// Looks at all that is about the image of `case`, whose manifests are `subjects`.
pub(crate) async fn follow(verifier: &Verifier, case: &Case, mut subjects: Vec<Digest>, proof: &mut Proof) {
    let mut known: HashSet<Digest> = subjects.iter().cloned().collect();
    let mut followers = 0_usize;
    // As far as a copy looks: what is about the last of them is more than that takes.
    for distance in 0..=MAX_DEPTH {
        let each = stream::iter(&subjects).map(async |subject| {
            let here = about(verifier, &case.place, &case.version, subject);
            (subject, join(here, at_source(verifier, case, subject)).await)
        });
        let each: Vec<_> = each.buffered(verifier.width(&case.place)).collect().await;
        let mut fresh = Vec::new();
        for (subject, (here, there)) in each {
            compare(case, subject, &here, there, proof);
            let found = here.referrers.into_iter().chain(here.tagged.into_iter().map(|(_, digest)| digest));
            fresh.extend(found.filter(|digest| known.insert(digest.clone())));
        }
        followers = followers.saturating_add(fresh.len());
        let too_many = (followers > MAX_FOLLOWERS)
            .then(|| format!("more than {MAX_FOLLOWERS} manifests are about the image"));
        let too_far = (distance == MAX_DEPTH && !fresh.is_empty())
            .then(|| format!("manifests about the image follow each other further than {MAX_DEPTH} steps"));
        if let Some(what) = too_many.or(too_far) {
            let fault = Fault::new(FaultKind::Refused, Step::List, what);
            let flaw = Flaw::of(&fault, Piece::Referrer, &case.version).expected("as many as a copy takes");
            proof.findings.push(flaw.at(case.place.place(), &case.remedies));
            return;
        }
        subjects = walk(verifier, case, fresh, proof).await;
        known.extend(subjects.iter().cloned());
        if subjects.is_empty() {
            return;
        }
    }
}

/// Looks at followers, and all that they lead to; the digests of manifests that others may be about.
async fn walk(verifier: &Verifier, case: &Case, fresh: Vec<Digest>, proof: &mut Proof) -> Vec<Digest> {
    let walks = stream::iter(&fresh).map(|digest| verifier.graph(&case.place, digest));
    let walks: Vec<_> = walks.buffered(verifier.width(&case.place)).collect().await;
    let mut subjects = Vec::new();
    for walked in walks {
        let before = proof.findings.len();
        walked.tell(proof, case.place.place(), &case.remedies);
        for finding in proof.findings.iter_mut().skip(before).filter(|finding| finding.piece == Piece::Root) {
            finding.piece = Piece::Referrer;
        }
        subjects.extend(walked.manifests.iter().cloned());
    }
    subjects
}

/// What a place has about `subject`. Names are looked up beside that of the image.
async fn about(verifier: &Verifier, place: &Arc<dyn Source>, image: &Version, subject: &Digest) -> About {
    let name = match image {
        Version::Name(name) => Some(name),
        Version::Digest(_) => None,
    };
    let tags = cosign_names(subject, name);
    let tagged = tags.into_iter().map(async |tag| {
        let version = Version::Name(tag.clone());
        (tag, verifier.resolve(place, &version).await)
    });
    let (listed, tagged) = join(verifier.lane(place, place.referrers(subject)), join_all(tagged)).await;
    let mut about = About::default();
    match listed {
        Ok(listed) => about.referrers.extend(listed.into_iter().map(|referrer| referrer.digest)),
        Err(fault) => about.faults.push(unlisted(&fault, subject)),
    }
    for (tag, found) in tagged {
        match found {
            Ok(digest) => about.tagged.push((tag, digest)),
            Err(fault) if fault.kind() == FaultKind::Absent => {}
            Err(fault) => about.faults.push(Flaw::of(&fault, Piece::Referrer, &tag).expected("an answer")),
        }
    }
    about
}

/// What the source has about `subject`; nothing where no source is compared with.
async fn at_source(verifier: &Verifier, case: &Case, subject: &Digest) -> About {
    match &case.expected {
        Expected::Source { source, version, .. } => about(verifier, source, version, subject).await,
        Expected::Whole | Expected::Digest { .. } => About::default(),
    }
}

fn unlisted(fault: &Fault, subject: &Digest) -> Flaw {
    Flaw::of(fault, Piece::Referrer, subject).expected("a list of what is about it")
}

/// Notes what could not be listed, and what the source has and the destination has not.
fn compare(case: &Case, subject: &Digest, here: &About, there: About, proof: &mut Proof) {
    let place = case.place.place();
    let mut found: Vec<Flaw> = here.faults.clone();
    for referrer in there.referrers.iter().filter(|referrer| !here.referrers.contains(referrer)) {
        let fault = Fault::new(FaultKind::Absent, Step::List, "");
        let flaw = Flaw::of(&fault, Piece::Referrer, referrer).within(Some(subject));
        found.push(flaw.expected("what the source lists"));
    }
    for (tag, digest) in there.tagged {
        let tag_here = here.tagged.iter().find(|(name, _)| ends_alike(name, &tag));
        let fault = Fault::new(FaultKind::Absent, Step::Resolve, "");
        let flaw = match tag_here {
            Some((_, other)) if *other == digest => continue,
            Some((name, other)) => Flaw::moved(name, other),
            None => Flaw::of(&fault, Piece::Referrer, &tag),
        };
        found.push(flaw.within(Some(subject)).expected(digest.to_string()));
    }
    proof.findings.extend(found.iter().map(|flaw| flaw.at(place, &case.remedies)));
    if let Expected::Source { source, .. } = &case.expected {
        proof.findings.extend(there.faults.iter().map(|flaw| flaw.at(source.place(), &case.remedies)));
    }
}

/// Whether both are one tag: in a layout names begin with a repository, which may be another at the source.
fn ends_alike(one: &RefName, other: &RefName) -> bool {
    let tag = |name: &'_ RefName| name.as_str().rsplit(':').next().map(str::to_owned);
    tag(one) == tag(other)
}
