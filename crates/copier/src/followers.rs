//! Followers: what is about an image, and no part of it: referrers, and what cosign keeps under tags.
//!
//! distribution-spec, "Listing Referrers"; cosign's "Signature Spec", "Storage". A follower may be followed itself: an
//! SBOM has a signature.
use std::{
    collections::{HashMap, HashSet},
    pin::pin,
};

use content::{Descriptor, Fault, FaultKind, MAX_MANIFEST_BYTES, Manifest, Step, Version};
use futures::{StreamExt, TryStreamExt, stream};
use pace::{Lanes, travel};
use reference::{Digest, RefName, Tag};

use crate::{CopyError, Destination, Job, MAX_DEPTH, MAX_FOLLOWERS, Refusal, walk::Walk};

/// How the tags end under which cosign keeps what is about a manifest: signatures, attestations, SBOMs.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];

/// A manifest about another.
pub(crate) struct Follower {
    pub(crate) manifest: Manifest,
    /// The tags that lead to it; a referrer needs none.
    pub(crate) tags: Vec<Tag>,
    /// How far it is from the image: what is about a follower is further than that.
    pub(crate) distance: usize,
}

impl Follower {
    /// The names that it is to have at a destination: its tags, beside each name of the image; none for a referrer.
    pub(crate) fn names_at(&self, destination: &Destination) -> Vec<RefName> {
        let mut names: Vec<RefName> = match destination.names.as_slice() {
            [] => self.tags.iter().map(|tag| beside(None, tag)).collect(),
            names => {
                names.iter().flat_map(|name| self.tags.iter().map(|tag| beside(Some(name), tag))).collect()
            }
        };
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The search for all that is about an image.
pub(crate) struct Search<'a, 'w> {
    job: &'a Job,
    lanes: &'a Lanes,
    walk: &'w mut Walk<'a>,
    followers: Vec<Follower>,
    /// Where each of them stands in the list.
    known: HashMap<Digest, usize>,
}

/// What may lead to followers of a manifest.
enum Question<'a> {
    Referrers(&'a Digest),
    Tag(Tag),
}

/// What it led to.
enum Answer {
    /// Referrers of this manifest.
    Referrers(Digest, Vec<Descriptor>),
    Tagged(Tag, Box<Manifest>),
    Nothing,
}

impl<'a, 'w> Search<'a, 'w> {
    pub(crate) fn new(job: &'a Job, lanes: &'a Lanes, walk: &'w mut Walk<'a>) -> Self {
        walk.count_no_more();
        Self { job, lanes, walk, followers: Vec::new(), known: HashMap::new() }
    }

    /// Everything about the manifests of an `image`, and about what is found so. Nobody can have said anything about a
    /// root that was made here: it is none of them.
    pub(crate) async fn all(mut self, image: HashSet<Digest>) -> Result<Vec<Follower>, CopyError> {
        let mut subjects: Vec<Digest> = image.iter().cloned().collect();
        for distance in 0..=MAX_DEPTH {
            let mut fresh = Vec::new();
            for (tag, manifest) in self.ask(&subjects, &image).await? {
                fresh.extend(self.note(tag, manifest, distance, &image).await?);
            }
            if fresh.is_empty() {
                return Ok(self.followers);
            }
            subjects = fresh;
        }
        let limit = MAX_DEPTH;
        Err(CopyError::Refused(Refusal::FollowedTooFar { limit }))
    }

    /// What is about any of `subjects`: with the tag that it was found by, if it was one.
    async fn ask(
        &mut self,
        subjects: &[Digest],
        image: &HashSet<Digest>,
    ) -> Result<Vec<(Option<Tag>, Manifest)>, CopyError> {
        let (job, lanes) = (self.job, self.lanes);
        let questions = subjects.iter().flat_map(questions);
        let answers = stream::iter(questions).map(|question| answer(job, lanes, question));
        let mut answers = pin!(answers.buffered(lanes.cap()));
        let (mut found, mut listed, mut asked) = (Vec::new(), Vec::new(), HashSet::new());
        // Judged as they come: all of them together may be more than there is room for.
        while let Some(answer) = answers.try_next().await? {
            match answer {
                Answer::Nothing => {}
                Answer::Tagged(tag, manifest) => {
                    self.walk.weigh(manifest.descriptor().size)?;
                    found.push((Some(tag), *manifest));
                }
                Answer::Referrers(subject, referrers) => {
                    for referrer in referrers {
                        let old = self.known.contains_key(&referrer.digest)
                            || image.contains(&referrer.digest)
                            || !asked.insert(referrer.digest.clone());
                        if !old {
                            self.walk.weigh(referrer.size.min(MAX_MANIFEST_BYTES))?;
                            listed.push((subject.clone(), referrer));
                        }
                    }
                }
            }
            self.check_number(listed.len())?;
        }
        let read = listed.into_iter().map(|(subject, referrer)| self.read(subject, referrer));
        let read: Vec<Manifest> = stream::iter(read).buffered(self.lanes.cap()).try_collect().await?;
        found.extend(read.into_iter().map(|manifest| (None, manifest)));
        Ok(found)
    }

    /// Reads what is listed as a referrer of `subject`, and looks whether it is one.
    async fn read(&self, subject: Digest, listed: Descriptor) -> Result<Manifest, CopyError> {
        let (source, version) = (&self.job.source, Version::Digest(listed.digest.clone()));
        let manifest = travel(self.lanes, self.lanes, source.manifest(&version, Some(&listed))).await;
        let manifest = manifest.map_err(|fault| CopyError::source(unread(fault, &subject)))?;
        if manifest.subject().is_some_and(|said| said.digest == subject) {
            return Ok(manifest);
        }
        let what = format!("it is listed as a referrer of {subject}, but does not say that it is about that");
        let fault = Fault::new(FaultKind::Untrue, Step::List, what).at(source.place()).about(&listed.digest);
        Err(CopyError::source(fault))
    }

    /// Notes what was found, and reads what it leads to; the digests of manifests that nobody has asked about yet.
    async fn note(
        &mut self,
        tag: Option<Tag>,
        manifest: Manifest,
        distance: usize,
        image: &HashSet<Digest>,
    ) -> Result<Vec<Digest>, CopyError> {
        let digest = manifest.digest().clone();
        if let Some(known) = self.known.get(&digest).and_then(|place| self.followers.get_mut(*place)) {
            known.tags.extend(tag);
            return Ok(Vec::new());
        }
        let (old, before) = (image.contains(&digest), self.walk.manifests.len());
        if !old && !self.walk.has_met(&digest) {
            self.walk.descend(&manifest).await?;
        }
        self.known.insert(digest.clone(), self.followers.len());
        self.followers.push(Follower { manifest, tags: tag.into_iter().collect(), distance });
        self.check_number(0)?;
        if old {
            return Ok(Vec::new());
        }
        let parts = self.walk.manifests.get(before..).unwrap_or_default();
        Ok(parts.iter().map(|part| part.digest().clone()).chain([digest]).collect())
    }

    fn check_number(&self, more: usize) -> Result<(), CopyError> {
        let (found, limit) = (self.followers.len().saturating_add(more), MAX_FOLLOWERS);
        if found > limit {
            return Err(CopyError::Refused(Refusal::TooManyFollowers { found, limit }));
        }
        Ok(())
    }
}

async fn answer(job: &Job, lanes: &Lanes, question: Question<'_>) -> Result<Answer, CopyError> {
    let source = &job.source;
    match question {
        Question::Referrers(subject) => {
            let listed = travel(lanes, lanes, source.referrers(subject)).await;
            Ok(Answer::Referrers(subject.clone(), listed.map_err(CopyError::source)?))
        }
        Question::Tag(tag) => {
            let name = match &job.version {
                Version::Name(name) => Some(name),
                Version::Digest(_) => None,
            };
            let version = Version::Name(beside(name, &tag));
            match travel(lanes, lanes, source.manifest(&version, None)).await {
                Ok(manifest) => Ok(Answer::Tagged(tag, Box::new(manifest))),
                Err(fault) if fault.kind() == FaultKind::Absent => Ok(Answer::Nothing),
                Err(fault) => Err(CopyError::source(fault)),
            }
        }
    }
}

/// What has to be asked to know all that is about `subject`. A digest that is too long for a tag has none of cosign's.
fn questions(subject: &Digest) -> impl Iterator<Item = Question<'_>> {
    cosign_tags(subject).map(Question::Tag).chain([Question::Referrers(subject)])
}

fn cosign_tags(subject: &Digest) -> impl Iterator<Item = Tag> {
    let stem = format!("{}-{}", subject.algorithm().as_str(), subject.hex());
    COSIGN.into_iter().filter_map(move |end| format!("{stem}{end}").parse().ok())
}

/// The names under which cosign keeps what is about `subject`, a part of the image that `name` leads to.
pub fn cosign_names(subject: &Digest, name: Option<&RefName>) -> Vec<RefName> {
    cosign_tags(subject).map(|tag| beside(name, &tag)).collect()
}

/// The name of `tag` beside `name`: in a layout, names of one repository begin alike.
fn beside(name: Option<&RefName>, tag: &Tag) -> RefName {
    match name.and_then(|name| name.as_str().rsplit_once(':')) {
        Some((repository, _)) => RefName::new(format!("{repository}:{tag}")),
        None => tag.clone().into(),
    }
}

fn unread(fault: Fault, subject: &Digest) -> Fault {
    if fault.kind() != FaultKind::Absent {
        return fault;
    }
    let what = format!("{}, though it is listed as a referrer of {subject}", fault.what());
    let said = Fault::new(FaultKind::Absent, fault.step(), what).at(fault.place()).about(fault.subject());
    said.hint("without --referrers, the image is copied alone").because(fault)
}
