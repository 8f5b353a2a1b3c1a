//! Items: one image that is to be somewhere.
use content::{Fault, FaultKind, Step, Version};
use copier::Platforms;
use reference::{RefName, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::{
    Name, Site,
    config::{Facts, Flaw, Spot, Template},
};

/// One image, and where it is to be. Plain data: a queue can carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where it is read, and as what. It has a tag or a digest.
    pub source: Name,
    /// Where it is written; without a tag it is written by digest only.
    pub destination: Name,
    /// Whether its tag never moves.
    #[serde(default)]
    pub immutable: bool,
    /// Which of its platforms, where not all.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// Whether what is about it goes along.
    #[serde(default)]
    pub referrers: bool,
    /// Where its entry stands in the configuration.
    #[serde(skip)]
    pub spot: Spot,
}

impl Item {
    /// What is read: the digest, else the tag.
    pub fn version(&self) -> Version {
        self.source.version().unwrap_or_else(|| Version::Name(RefName::new("latest")))
    }

    /// Which of its platforms are copied.
    ///
    /// # Errors
    /// A name that is none: those of a configuration were read with it, and what a queue brings may say anything.
    pub fn chosen(&self) -> Result<Platforms, Fault> {
        if self.platforms.is_empty() {
            return Ok(Platforms::All);
        }
        self.platforms.join(",").parse().map_err(|why| {
            let what = format!("a platform is none: {why}");
            Fault::new(FaultKind::Refused, Step::Resolve, what).about(&self.source)
        })
    }

    /// The names that it is to have at its destination: one, or none.
    pub fn names(&self) -> Vec<RefName> {
        self.destination.name.iter().cloned().collect()
    }
}

/// The destination of an image that is named by its tag or digest.
pub(crate) fn destination(template: &Template, source: &Name) -> Result<Name, String> {
    let name = source.name.as_ref().map(RefName::as_str);
    match &source.site {
        Site::Repository { repository, .. } => template.fill(Facts::of(source, Some(repository), name)),
        Site::Layout { .. } => {
            let (repository, tag) = name.map_or((None, None), in_parts);
            template.fill(Facts::of(source, repository.as_ref(), tag))
        }
    }
}

/// What only one image can be: a name at a site. By digest there may be many in one repository.
pub(crate) fn seat(destination: &Name, source: &Name) -> Name {
    let digest = if destination.name.is_none() { source.digest.clone() } else { None };
    Name { site: destination.site.plain(), name: destination.name.clone(), digest }
}

/// A layout's ref name as others write it, `repository:tag`; a name that has no such parts is a tag.
pub(crate) fn in_parts(name: &str) -> (Option<RepositoryName>, Option<&str>) {
    let parts = name.rsplit_once(':').map(|(repository, tag)| (repository.parse().ok(), tag));
    match parts {
        Some((Some(repository), tag)) => (Some(repository), Some(tag)),
        _ => (None, Some(name)),
    }
}

/// Two images for one destination.
pub(crate) fn collision(destination: &Name, sources: [&Name; 2], spots: [Spot; 2]) -> Flaw {
    let ([first, second], [before, spot]) = (sources, spots);
    let also = if before == spot { String::new() } else { format!(", which stands in line {}", before.line) };
    let what = format!("two images are to be `{destination}`: {second}, and {first}{also}");
    Flaw::new(spot, what, "give one of them another `to`, such as HOST/{registry}/{repository}:{tag}")
}
