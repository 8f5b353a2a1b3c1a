//! From entries of `index.json` to repositories and tags, and back.
use std::path::Path;

use layout::Entry;
use reference::{RefName, RepositoryName, Tag};

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
    let Some(name) = entry.name() else {
        let repository = match entry.repository() {
            Some(name) => name.parse().ok()?,
            None => fallback?.clone(),
        };
        return Some(Belonging { repository, tag: None });
    };
    if let Ok(tag) = name.parse() {
        return Some(Belonging { repository: fallback?.clone(), tag: Some(tag) });
    }
    let (repository, tag) = name.rsplit_once(':')?;
    Some(Belonging { repository: repository.parse().ok()?, tag: Some(tag.parse().ok()?) })
}

/// The ref name of a tag.
pub(crate) fn ref_name(repository: &RepositoryName, tag: &Tag) -> RefName {
    RefName::new(format!("{repository}:{tag}"))
}

/// A repository name made of a directory's; `None` when it has no letter or digit that a name may have.
pub(crate) fn named_after(dir: &Path) -> Option<RepositoryName> {
    let name = dir.file_name()?.to_string_lossy().to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-").parse().ok()
}

#[cfg(test)]
mod tests {
    use content::{Descriptor, Hasher, MediaType};
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
    fn directories_give_repository_names_where_they_can() {
        for (dir, name) in
            [("/data/My Images_2", Some("my-images-2")), ("/", None), ("/x/..", None), ("/_", None)]
        {
            let named = named_after(Path::new(dir));
            assert_eq!(named.as_ref().map(RepositoryName::as_str), name);
        }
    }
}
