//! The names of an import at the target: `targetTags` and `untaggedTargetRepositories`, and what stands for them
//! when they are missing.
use reference::{Destination, RepositoryName, Tag};

use super::{Field, source::Origin};
use crate::usage::Usage;

/// What was asked for, before the source's names fill the gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `repo[:tag]`, in the order given.
    pub(crate) tagged: Vec<Destination>,
    /// Repositories that get no tag, in the order given.
    pub(crate) untagged: Vec<RepositoryName>,
}

/// One repository to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which.
    pub(crate) repository: RepositoryName,
    /// Its tags; with none, the manifest is written by digest only.
    pub(crate) tags: Vec<Tag>,
}

/// Reads both lists.
pub(crate) fn read(tagged: &[Field], untagged: &[Field]) -> Result<Asked, Usage> {
    let mut asked = Asked::default();
    for field in tagged {
        let destination = destination(field)?;
        if asked.tagged.contains(&destination) {
            return Err(Usage::about(&field.name, format!("the target `{}` is given twice", field.text)));
        }
        asked.tagged.push(destination);
    }
    for field in untagged {
        let repository = repository(field)?;
        if asked.untagged.contains(&repository) {
            return Err(Usage::about(&field.name, format!("the repository `{repository}` is given twice")));
        }
        asked.untagged.push(repository);
    }
    Ok(asked)
}

fn destination(field: &Field) -> Result<Destination, Usage> {
    field.text.parse().map_err(|why| Usage::parse(&field.name, &why))
}

fn repository(field: &Field) -> Result<RepositoryName, Usage> {
    match destination(field)? {
        Destination { repository, tag: None } => Ok(repository),
        Destination { repository, tag: Some(tag) } => {
            let message = format!("`{repository}:{tag}` has a tag, and here none is written");
            Err(Usage::about(&field.name, message).hint(format!("tags are given with -t {repository}:{tag}")))
        }
    }
}

impl Asked {
    /// Fills the gaps from the source's names. One entry a repository, in the order given.
    pub(crate) fn settle(
        &self,
        origin: &Origin,
        force: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Target>, Usage> {
        if self.tagged.is_empty() && self.untagged.is_empty() {
            return default_target(origin, force, warnings).map(|target| vec![target]);
        }
        let mut targets: Vec<Target> = Vec::new();
        for destination in &self.tagged {
            let tag = destination.tag.clone().unwrap_or_else(|| default_tag(origin));
            add_tag(&mut targets, &destination.repository, tag)?;
        }
        for repository in &self.untagged {
            if targets.iter().any(|target| target.repository == *repository) {
                warnings.push(format!("`{repository}` gets a tag anyway: --repository adds nothing to it"));
            } else {
                targets.push(Target { repository: repository.clone(), tags: Vec::new() });
            }
        }
        Ok(targets)
    }
}

fn add_tag(targets: &mut Vec<Target>, repository: &RepositoryName, tag: Tag) -> Result<(), Usage> {
    let Some(target) = targets.iter_mut().find(|target| target.repository == *repository) else {
        targets.push(Target { repository: repository.clone(), tags: vec![tag] });
        return Ok(());
    };
    if target.tags.contains(&tag) {
        return Err(Usage::new(format!("the target `{repository}:{tag}` is given twice")));
    }
    target.tags.push(tag);
    Ok(())
}

/// importImage: "when tag is omitted the source will be used (or 'latest' if source tag is also omitted)".
fn default_tag(origin: &Origin) -> Tag {
    origin.tag.clone().unwrap_or_else(Tag::latest)
}

/// Without any target: the source's own name, its digest cut off.
fn default_target(origin: &Origin, force: bool, warnings: &mut Vec<String>) -> Result<Target, Usage> {
    let Some(repository) = origin.repository.clone() else {
        return Err(Usage::new("the source's name has no repository, so the target needs one")
            .hint("add -t REPOSITORY:TAG, or --repository REPOSITORY for no tag"));
    };
    let tag = default_tag(origin);
    if origin.by_digest && origin.tag.is_none() {
        if force {
            return Err(Usage::new(format!("a digest without a target would move `{repository}:latest`"))
                .hint(format!(
                    "say so with -t {repository}:latest, or write no tag with --repository {repository}"
                )));
        }
        warnings.push(format!("a digest without a target lands on `{repository}:latest`"));
    }
    Ok(Target { repository, tags: vec![tag] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(name: &str, texts: &[&str]) -> Vec<Field> {
        texts.iter().map(|text| Field::new(name, *text)).collect()
    }

    fn asked(tagged: &[&str], untagged: &[&str]) -> Result<Asked, Usage> {
        read(&fields("--image", tagged), &fields("--repository", untagged))
    }

    fn origin(repository: &str, tag: Option<&str>, by_digest: bool) -> Origin {
        let repository = Some(repository.parse().unwrap());
        Origin { repository, tag: tag.map(|tag| tag.parse().unwrap()), by_digest, ..Origin::default() }
    }

    fn settled(asked: &Asked, origin: &Origin) -> Vec<String> {
        let targets = asked.settle(origin, false, &mut Vec::new()).unwrap();
        let shown = |target: Target| {
            let tags: Vec<&str> = target.tags.iter().map(Tag::as_str).collect();
            format!("{} [{}]", target.repository, tags.join(" "))
        };
        targets.into_iter().map(shown).collect()
    }

    #[test]
    fn a_target_tag_omitted_is_the_sources_tag() {
        assert_eq!(settled(&asked(&["a"], &[]).unwrap(), &origin("s", Some("v1"), false)), ["a [v1]"]);
    }

    #[test]
    fn a_target_tag_omitted_is_latest_when_the_source_has_none() {
        let one = asked(&["a"], &[]).unwrap();
        assert_eq!(settled(&one, &origin("s", None, false)), ["a [latest]"]);
        assert_eq!(settled(&one, &origin("s", None, true)), ["a [latest]"]);
    }

    #[test]
    fn no_target_at_all_is_the_sources_own_name() {
        let none = asked(&[], &[]).unwrap();
        assert_eq!(settled(&none, &origin("library/app", Some("v1"), false)), ["library/app [v1]"]);
        assert_eq!(settled(&none, &origin("app", None, false)), ["app [latest]"]);
    }

    #[test]
    fn a_digest_without_a_target_lands_on_latest_with_a_warning() {
        let mut warnings = Vec::new();
        let targets = Asked::default().settle(&origin("app", None, true), false, &mut warnings).unwrap();
        assert_eq!(targets, [Target { repository: "app".parse().unwrap(), tags: vec![Tag::latest()] }]);
        assert!(warnings.iter().any(|warning| warning.contains("app:latest")), "{warnings:?}");
    }

    #[test]
    fn a_digest_without_a_target_is_refused_with_force() {
        let why = Asked::default().settle(&origin("app", None, true), true, &mut Vec::new()).unwrap_err();
        assert!(why.hint.unwrap().contains("-t app:latest"));
    }

    #[test]
    fn a_digest_beside_a_tag_keeps_the_tag_without_a_warning() {
        let mut warnings = Vec::new();
        let targets = Asked::default().settle(&origin("app", Some("v1"), true), true, &mut warnings).unwrap();
        assert_eq!(targets.first().unwrap().tags.first().unwrap().as_str(), "v1");
        assert!(warnings.is_empty());
    }

    #[test]
    fn only_repositories_write_no_tag_anywhere() {
        let targets = settled(&asked(&[], &["a", "b"]).unwrap(), &origin("s", Some("v1"), false));
        assert_eq!(targets, ["a []", "b []"]);
    }

    #[test]
    fn two_tags_of_one_repository_are_one_target() {
        let targets = settled(&asked(&["a:x", "b", "a:y"], &["c"]).unwrap(), &origin("s", Some("v1"), false));
        assert_eq!(targets, ["a [x y]", "b [v1]", "c []"]);
    }

    #[test]
    fn a_repository_given_twice_is_refused() {
        assert!(asked(&[], &["a", "b", "a"]).unwrap_err().message.contains("twice"));
    }

    #[test]
    fn a_target_given_twice_is_refused_after_its_tag_is_filled_in() {
        let twice = asked(&["a", "a:v1"], &[]).unwrap();
        assert!(twice.settle(&origin("s", Some("v1"), false), false, &mut Vec::new()).is_err());
        assert!(twice.settle(&origin("s", None, false), false, &mut Vec::new()).is_ok());
    }

    #[test]
    fn a_target_that_names_a_registry_is_refused() {
        for bad in ["registry.example/app:v1", "localhost:5000/app", "localhost/app"] {
            assert!(asked(&[bad], &[]).unwrap_err().message.contains("without a registry"), "{bad}");
            assert!(asked(&[], &[bad]).unwrap_err().message.contains("without a registry"), "{bad}");
        }
    }

    #[test]
    fn a_target_that_names_a_digest_is_refused() {
        let bad = "app@sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865";
        assert!(asked(&[bad], &[]).unwrap_err().message.contains("digest"));
        assert!(asked(&[], &[bad]).is_err());
    }

    #[test]
    fn a_repository_with_a_tag_is_refused() {
        assert!(asked(&[], &["app:v1"]).unwrap_err().hint.unwrap().contains("-t app:v1"));
    }

    #[test]
    fn a_source_without_a_repository_needs_a_target() {
        let bare = Origin { tag: Some(Tag::latest()), ..Origin::default() };
        assert!(
            Asked::default().settle(&bare, false, &mut Vec::new()).unwrap_err().hint.unwrap().contains("-t")
        );
    }
}
