//! Where a copy lands: its destinations, their gaps filled from the source's name. Pure: no input or output.
use std::path::PathBuf;

use reference::{
    Digest, LayoutForm, LayoutLocation, LayoutName, Location, RefName, Reference, Registry, RepositoryName,
    Tag,
};

use crate::{import::Origin, usage::Usage};

/// One repository or layout to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Landing {
    /// Where it is.
    pub(crate) spot: Spot,
    /// Under which names; with none, by digest only.
    pub(crate) names: Vec<RefName>,
    /// The digest that the source must have.
    pub(crate) expect: Option<Digest>,
    /// Which of the destinations given it stands for.
    pub(crate) given: Vec<usize>,
}

/// A repository, or a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// A repository of a registry.
    Registry(Registry, RepositoryName),
    /// A layout, and the repository that an entry without a name belongs to.
    Layout(PathBuf, Option<RepositoryName>),
    /// An archive, and the same.
    Archive(PathBuf, Option<RepositoryName>),
}

/// The landings of all destinations, in the order given; destinations in one repository are one landing.
pub(crate) fn all(targets: &[Location], origin: &Origin) -> Result<Vec<Landing>, Usage> {
    let mut landings: Vec<Landing> = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        let next = Landing { given: vec![number], ..one(target, origin)? };
        match landings.iter_mut().find(|landing| landing.spot == next.spot) {
            Some(landing) => landing.join(next)?,
            None => landings.push(next),
        }
    }
    Ok(landings)
}

/// Refuses what cannot be right, before anything is opened. `origin` is what the source's name says, where it has one.
pub(crate) fn check(targets: &[Location], origin: Option<&Origin>) -> Result<(), Usage> {
    if let Some(origin) = origin {
        return all(targets, origin).map(drop);
    }
    // A layout's only entry is not known yet, but equal destinations stay equal whatever it is called.
    let mut rest = targets.iter();
    while let Some(target) = rest.next() {
        if rest.as_slice().contains(target) {
            return Err(twice());
        }
    }
    let named: Vec<Location> = targets.iter().filter(|target| is_named(target)).cloned().collect();
    all(&named, &Origin::default()).map(drop)
}

fn is_named(target: &Location) -> bool {
    match target {
        Location::Registry(reference) => reference.tag.is_some() || reference.digest.is_some(),
        Location::Layout(location) => location.name.is_some(),
    }
}

fn twice() -> Usage {
    Usage::about("DST", "a destination is given twice")
}

fn one(target: &Location, origin: &Origin) -> Result<Landing, Usage> {
    match target {
        Location::Registry(reference) => at_registry(reference, origin),
        Location::Layout(location) => Ok(in_layout(location, origin)),
    }
}

fn at_registry(reference: &Reference, origin: &Origin) -> Result<Landing, Usage> {
    let names = match (&reference.tag, &reference.digest) {
        (Some(tag), _) => vec![tag.clone().into()],
        (None, Some(_)) => Vec::new(),
        (None, None) => default_tag(reference, origin)?.map(RefName::from).into_iter().collect(),
    };
    let spot = Spot::Registry(reference.registry.clone(), reference.repository.clone());
    Ok(Landing { spot, names, expect: reference.digest.clone(), given: Vec::new() })
}

/// The source's tag; none for a source by digest only.
fn default_tag(reference: &Reference, origin: &Origin) -> Result<Option<Tag>, Usage> {
    match (&origin.tag, &origin.ref_name) {
        (Some(tag), _) => Ok(Some(tag.clone())),
        (None, _) if origin.by_digest => Ok(None),
        (None, None) => Ok(Some(Tag::latest())),
        (None, Some(name)) => Err(Usage::about("DST", format!("the source's name `{name}` is no tag"))
            .hint(format!("write a tag, as in {reference}:latest"))),
    }
}

fn in_layout(location: &LayoutLocation, origin: &Origin) -> Landing {
    let (names, expect) = match &location.name {
        Some(LayoutName::RefName(name)) => (vec![name.clone()], None),
        Some(LayoutName::Pinned(name, digest)) => (vec![name.clone()], Some(digest.clone())),
        Some(LayoutName::Digest(digest)) => (Vec::new(), Some(digest.clone())),
        None => (default_name(origin).into_iter().collect(), None),
    };
    let spot = match location.form {
        LayoutForm::Directory => Spot::Layout(location.dir.clone(), origin.repository.clone()),
        LayoutForm::Archive => Spot::Archive(location.dir.clone(), origin.repository.clone()),
    };
    Landing { spot, names, expect, given: Vec::new() }
}

/// The source's own ref name, else its `repo:tag`; none for a source by digest only.
fn default_name(origin: &Origin) -> Option<RefName> {
    if origin.ref_name.is_some() {
        return origin.ref_name.clone();
    }
    if origin.by_digest && origin.tag.is_none() {
        return None;
    }
    let tag = origin.tag.clone().unwrap_or_else(Tag::latest);
    Some(match &origin.repository {
        Some(repository) => RefName::new(format!("{repository}:{tag}")),
        None => tag.into(),
    })
}

impl Landing {
    /// What users should know before it is written to: nobody asked for an image that no tag leads to.
    pub(crate) fn warning(&self) -> Option<String> {
        let Spot::Registry(registry, repository) = &self.spot else { return None };
        (self.names.is_empty() && self.expect.is_none()).then(|| {
            format!(
                "the image goes to {registry}/{repository} without a tag, since the source has none; \
                 {registry}/{repository}:TAG gives it one"
            )
        })
    }

    /// Takes in another destination at the same spot.
    fn join(&mut self, other: Self) -> Result<(), Usage> {
        if self.names == other.names || other.names.iter().any(|name| self.names.contains(name)) {
            return Err(twice());
        }
        match (&self.expect, other.expect) {
            (Some(one), Some(two)) if *one != two => {
                return Err(Usage::about("DST", "two destinations expect different digests of one source"));
            }
            (None, expect @ Some(_)) => self.expect = expect,
            _ => {}
        }
        self.names.extend(other.names);
        self.given.extend(other.given);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:92c7f9c92844bbbb5d0a101b22f7c2a7949e40f8ea90c8b3bc396879d95e899a";

    fn origin_of(source: &str) -> Origin {
        match source.parse().unwrap() {
            Location::Registry(reference) => Origin::of_reference(&reference),
            Location::Layout(location) => Origin::of_layout(location.name.as_ref()),
        }
    }

    fn landings(source: &str, targets: &[&str]) -> Result<Vec<Landing>, Usage> {
        let targets: Vec<Location> = targets.iter().map(|text| text.parse().unwrap()).collect();
        all(&targets, &origin_of(source))
    }

    fn names(source: &str, target: &str) -> Vec<String> {
        let landings = landings(source, &[target]).unwrap();
        landings.into_iter().flat_map(|landing| landing.names).map(|name| name.to_string()).collect()
    }

    #[test]
    fn a_destination_without_a_tag_gets_the_sources() {
        assert_eq!(names("a.example/app:v1", "b.example/app"), ["v1"]);
        assert_eq!(names("alpine", "b.example/app"), ["latest"]);
        assert_eq!(names(&format!("a.example/app:v1@{DIGEST}"), "b.example/app"), ["v1"]);
        assert_eq!(names("oci:dir:team/app:v1", "b.example/app"), ["v1"]);
        assert_eq!(names("oci:dir:v1", "b.example/app"), ["v1"]);
        assert_eq!(names("oci-archive:ps.tar:localhost:6000/app:v1", "b.example/app"), ["v1"]);
        assert_eq!(names("a.example/app:v1", "b.example/app:v2"), ["v2"]);
    }

    #[test]
    fn a_source_by_digest_only_is_written_by_digest_without_a_tag() {
        let source = format!("a.example/app@{DIGEST}");
        assert!(names(&source, "b.example/app").is_empty());
        assert!(names(&source, "oci:dir").is_empty());
        assert_eq!(names(&source, "b.example/app:v1"), ["v1"]);
    }

    #[test]
    fn a_registry_that_gets_no_tag_by_default_is_warned_of_and_nothing_else_is() {
        let source = format!("a.example/app@{DIGEST}");
        let warnings = |source: &str, target: &[&str]| -> Vec<String> {
            landings(source, target).unwrap().iter().filter_map(Landing::warning).collect()
        };
        let [warning] = &warnings(&source, &["b.example/app"])[..] else { panic!("one warning") };
        assert!(warning.contains("without a tag") && warning.contains("b.example/app:TAG"), "{warning}");
        let pinned = format!("b.example/app@{DIGEST}");
        for named in
            [&["b.example/app:v1"][..], &[&pinned], &["oci:dir"], &["b.example/app", "b.example/app:v1"]]
        {
            assert!(warnings(&source, named).is_empty(), "{named:?}");
        }
        assert!(warnings("a.example/app:v1", &["b.example/app"]).is_empty());
    }

    #[test]
    fn a_destination_with_a_digest_expects_it_of_the_source() {
        let landing =
            landings("a.example/app:v1", &[&format!("b.example/app:v2@{DIGEST}")]).unwrap().remove(0);
        assert_eq!(landing.names, [RefName::new("v2")]);
        assert_eq!(landing.expect.unwrap().to_string(), DIGEST);
        let landing = landings("a.example/app:v1", &[&format!("b.example/app@{DIGEST}")]).unwrap().remove(0);
        assert!(landing.names.is_empty() && landing.expect.is_some());
    }

    #[test]
    fn a_layout_without_a_ref_gets_repository_and_tag_of_the_source() {
        assert_eq!(names("a.example/team/app:v1", "oci:dir"), ["team/app:v1"]);
        assert_eq!(names("alpine", "oci:dir"), ["library/alpine:latest"]);
        assert_eq!(names("oci:other:team/app:v1", "oci:dir"), ["team/app:v1"]);
        assert_eq!(names("oci:other:any name", "oci:dir"), ["any name"]);
        assert_eq!(names("a.example/app:v1", "oci:dir:any name"), ["any name"]);
    }

    #[test]
    fn a_ref_name_that_is_no_tag_needs_one_at_a_registry() {
        assert!(landings("oci:dir:any name", &["b.example/app"]).unwrap_err().message.contains("no tag"));
    }

    #[test]
    fn destinations_are_checked_while_the_only_entry_of_a_layout_is_not_known() {
        let checked = |targets: &[&str]| {
            let targets: Vec<Location> = targets.iter().map(|text| text.parse().unwrap()).collect();
            check(&targets, None)
        };
        assert!(checked(&["b.example/app", "c.example/app", "b.example/app:v1"]).is_ok());
        assert!(checked(&["b.example/app", "c.example/app", "b.example/app"]).is_err());
        let pinned = format!("b.example/app:v1@{DIGEST}");
        assert!(checked(&["b.example/app:v1", "oci:dir", &pinned]).is_err());
    }

    #[test]
    fn destinations_in_one_repository_are_one_landing() {
        let both = landings("alpine:3", &["b.example/app", "c.example/app", "b.example/app:x"]).unwrap();
        assert_eq!(both.len(), 2);
        assert_eq!(both.first().unwrap().names, [RefName::new("3"), RefName::new("x")]);
    }

    #[test]
    fn a_destination_given_twice_is_refused() {
        assert!(landings("alpine:3", &["b.example/app", "b.example/app:3"]).is_err());
        let source = format!("a.example/app@{DIGEST}");
        assert!(landings(&source, &["b.example/app", "b.example/app"]).is_err());
    }
}
