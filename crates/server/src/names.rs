//! From entries of `index.json` to repositories and tags, and back.
use std::path::Path;

use layout::Entry;
use reference::{RefName, RepositoryName, Tag};

/// The annotation by which docker and containerd name an image in full, beside a ref name that is its tag alone.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// What an entry is to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Belonging {
    pub(crate) repository: RepositoryName,
    /// `None` for what is found by digest alone.
    pub(crate) tag: Option<Tag>,
}

/// Where an entry belongs. Entries without a repository of their own are of the repository `fallback`, if there
/// is one; those whose name no registry could serve are nobody's.
pub(crate) fn belonging(entry: &Entry, fallback: Option<&RepositoryName>) -> Option<Belonging> {
    let image = entry.descriptor.annotations.get(IMAGE_NAME).and_then(|name| full(name));
    let Some(name) = entry.name() else {
        if let (None, Some(image)) = (entry.repository(), image) {
            return Some(image);
        }
        let repository = match entry.repository() {
            Some(name) => name.parse().ok()?,
            None => fallback?.clone(),
        };
        return Some(Belonging { repository, tag: None });
    };
    match RefName::new(name).in_parts() {
        Some((Some(repository), tag)) => Some(Belonging { repository, tag: Some(tag) }),
        Some((None, tag)) => {
            let repository = image.map(|image| image.repository).or_else(|| fallback.cloned())?;
            Some(Belonging { repository, tag: Some(tag) })
        }
        None => image,
    }
}

/// A name in full.
fn full(name: &str) -> Option<Belonging> {
    let (repository, tag) = RefName::new(name).in_parts()?;
    Some(Belonging { repository: repository?, tag: Some(tag) })
}

/// The ref name of a tag.
pub(crate) fn ref_name(repository: &RepositoryName, tag: &Tag) -> RefName {
    RefName::new(format!("{repository}:{tag}"))
}

/// A repository name made of a directory's, or of an archive's without its ending; `None` when it has no letter or
/// digit that a name may have.
pub(crate) fn named_after(path: &Path) -> Option<RepositoryName> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".tar").unwrap_or(&name);
    let words = name.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-").parse().ok()
}

#[cfg(test)]
mod tests {
    use content::{Descriptor, Hasher, MediaType};
    use layout::REF_NAME;
    use reference::Algorithm;

    use super::*;

    #[test]
    fn names_give_repository_and_tag() {
        let digest = Hasher::digest(Algorithm::Sha256, b"");
        let descriptor = Descriptor::new(MediaType::oci_manifest(), digest, 0);
        let fallback: RepositoryName = "dir".parse().unwrap();
        for (name, expected) in [
            ("v1", Some(("dir", "v1"))),
            ("team/app:v1", Some(("team/app", "v1"))),
            ("docker.io/library/alpine:3.20", Some(("docker.io/library/alpine", "3.20"))),
            ("localhost:5000/app", None),
            ("localhost:5000/team/app:v1", Some(("team/app", "v1"))),
            ("library/alpine", None),
            ("any text", None),
        ] {
            let found = belonging(&Entry::named(&descriptor, &RefName::new(name)), Some(&fallback));
            let expected = expected.map(|(repository, tag)| Belonging {
                repository: repository.parse().unwrap(),
                tag: Some(tag.parse().unwrap()),
            });
            assert_eq!(found, expected, "{name}");
        }
        let own: RepositoryName = "own".parse().unwrap();
        let found = belonging(&Entry::untagged(&descriptor, Some(&own)), Some(&fallback)).unwrap();
        assert_eq!((found.repository, found.tag), (own, None));
        let found = belonging(&Entry::untagged(&descriptor, None), Some(&fallback)).unwrap();
        assert_eq!((found.repository, found.tag), (fallback, None));
    }

    #[test]
    fn a_bare_tag_is_of_the_image_that_docker_and_containerd_name() {
        let digest = Hasher::digest(Algorithm::Sha256, b"");
        let entry = |name: Option<&str>, image: &str| {
            let annotations = [name.map(|name| (REF_NAME, name)), Some((IMAGE_NAME, image))];
            let annotations = annotations.into_iter().flatten().map(|(k, v)| (k.to_owned(), v.to_owned()));
            let bare = Descriptor::new(MediaType::oci_manifest(), digest.clone(), 0);
            Entry { descriptor: Descriptor { annotations: annotations.collect(), ..bare } }
        };
        let fallback: RepositoryName = "dir".parse().unwrap();
        for (name, image, expected) in [
            (Some("3.20"), "docker.io/library/alpine:3.20", "docker.io/library/alpine:3.20"),
            (Some("v1"), "registry.example:5000/app:v1", "app:v1"),
            (Some("other:v2"), "docker.io/library/alpine:3.20", "other:v2"),
            (Some("any text"), "docker.io/library/alpine:3.20", "docker.io/library/alpine:3.20"),
            (Some("v1"), "no name", "dir:v1"),
            (None, "docker.io/library/alpine:3.20", "docker.io/library/alpine:3.20"),
        ] {
            let found = belonging(&entry(name, image), Some(&fallback)).unwrap();
            assert_eq!(ref_name(&found.repository, &found.tag.unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn directories_give_repository_names_where_they_can() {
        for (dir, name) in [
            ("/data/My Images_2", Some("my-images-2")),
            ("/x/My.App.tar", Some("my-app")),
            ("/", None),
            ("/x/..", None),
            ("/_", None),
        ] {
            let named = named_after(Path::new(dir));
            assert_eq!(named.as_ref().map(RepositoryName::as_str), name);
        }
    }
}
