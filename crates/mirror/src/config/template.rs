//! Templates: what an image is called at its destination.
use std::fmt;

use reference::{Digest, RepositoryName};

use crate::{Name, Site};

/// A destination's name with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Registry,
    Repository,
    Namespace,
    Name,
    Tag,
    Digest,
}

const FIELDS: [(&str, Field); 6] = [
    ("registry", Field::Registry),
    ("repository", Field::Repository),
    ("namespace", Field::Namespace),
    ("name", Field::Name),
    ("tag", Field::Tag),
    ("digest", Field::Digest),
];

/// What fills the places.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The source's registry; none for a layout.
    pub registry: Option<&'a reference::Registry>,
    /// The source's repository; a layout's entries may have none.
    pub repository: Option<&'a RepositoryName>,
    /// The source's tag; none for an image that is named by its digest only.
    pub tag: Option<&'a str>,
    /// The digest that the source was named by.
    pub digest: Option<&'a Digest>,
}

/// What is added to a name that is only the beginning of one.
const BELOW: &str = "{repository}:{tag}";

impl Template {
    /// Reads a template. A text without a place to fill and without a tag is what everything goes below.
    ///
    /// # Errors
    /// What is wrong with it, in one clause.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a destination is missing".to_owned());
        }
        parts(text)?;
        let layout = is_layout(text);
        let has_tag = if layout { text.matches(':').count() > 1 } else { tag_of(text).is_some() };
        let whole = match (text.contains('{'), has_tag) {
            (true, false) if !layout && !text.contains("{tag}") => format!("{text}:{{tag}}"),
            (true, _) | (false, true) => text.to_owned(),
            (false, false) => {
                let separator = if layout { ":" } else { "/" };
                format!("{}{separator}{BELOW}", text.trim_end_matches('/'))
            }
        };
        Ok(Self { parts: parts(&whole)?, text: text.to_owned() })
    }

    /// The destination of one image.
    ///
    /// # Errors
    /// What is wrong with the name, or with what would fill a place of it.
    pub fn fill(&self, facts: Facts<'_>) -> Result<Name, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Field(Field::Tag) if facts.tag.is_none() && text.ends_with(':') => {
                    // Named by digest only: it arrives without a tag too.
                    text.pop();
                }
                Part::Field(field) => {
                    let value = self.value(*field, facts)?;
                    // A layout may call an entry anything. That chooses no directory.
                    if in_path(&text) && (value.starts_with('/') || value.split('/').any(|part| part == ".."))
                    {
                        return Err(format!("`{value}`, from the source, may not lead out of `{self}`"));
                    }
                    text.push_str(&value);
                }
            }
        }
        let name: Name = text.parse().map_err(|why| format!("`{text}`, from `{self}`: {why}"))?;
        if name.digest.is_some() {
            return Err(format!("`{text}`: a destination has no digest, it follows from the content"));
        }
        Ok(name)
    }

    /// What all destinations begin with: the registry and what stands before the first place to fill.
    pub(crate) fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether the tag at the destination is the source's.
    pub(crate) fn keeps_tag(&self) -> bool {
        let mut last = self.parts.iter().rev();
        matches!((last.next(), last.next()), (Some(Part::Field(Field::Tag)), Some(Part::Text(text))) if text.ends_with(':'))
    }

    fn value(&self, field: Field, facts: Facts<'_>) -> Result<String, String> {
        let lacks = |what: &str| format!("`{self}` has a place for {what}, and the source has none");
        let repository = facts.repository.map(RepositoryName::as_str).ok_or_else(|| lacks("a repository"));
        Ok(match field {
            // A port's colon has no place in a repository.
            Field::Registry => {
                facts.registry.ok_or_else(|| lacks("a registry"))?.to_string().replace(':', "-")
            }
            Field::Repository => repository?.to_owned(),
            Field::Namespace => {
                repository?.rsplit_once('/').ok_or_else(|| lacks("a namespace"))?.0.to_owned()
            }
            Field::Name => repository?.rsplit('/').next().unwrap_or_default().to_owned(),
            Field::Tag => facts.tag.ok_or_else(|| lacks("a tag"))?.to_owned(),
            Field::Digest => facts.digest.ok_or_else(|| lacks("a digest"))?.to_string().replace(':', "-"),
        })
    }
}

/// Whether this names a layout, and no registry that is called like one: `oci.example`.
fn is_layout(text: &str) -> bool {
    ["oci:", "ocidir:", "oci-archive:"].iter().any(|scheme| text.starts_with(scheme))
}

/// Whether what comes next belongs to the path of a layout.
fn in_path(text: &str) -> bool {
    is_layout(text) && text.split_once(':').is_some_and(|(_, path)| !path.contains(':'))
}

/// The tag behind the last part of a registry's path.
fn tag_of(text: &str) -> Option<&str> {
    let path = text.split_once("://").map_or(text, |(_, rest)| rest);
    path.split_once('/')?.1.rsplit_once(':').map(|(_, tag)| tag)
}

fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let (name, behind) =
            after.split_once('}').ok_or_else(|| format!("`{text}`: a brace is not closed"))?;
        let field = FIELDS.iter().find(|(field, _)| *field == name);
        let known = || FIELDS.map(|(field, _)| format!("{{{field}}}")).join(", ");
        let (_, field) = field.ok_or_else(|| format!("there is no {{{name}}}; there are {}", known()))?;
        parts.push(Part::Field(*field));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

impl<'a> Facts<'a> {
    /// What a source's name says. A layout's `team/app:v1` is a repository and a tag.
    pub fn of(name: &'a Name, repository: Option<&'a RepositoryName>, tag: Option<&'a str>) -> Self {
        let registry = match &name.site {
            Site::Repository { registry, .. } => Some(registry),
            Site::Layout { .. } => None,
        };
        Self { registry, repository, tag, digest: name.digest.as_ref() }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, source: &str) -> Result<String, String> {
        let name: Name = source.parse().unwrap();
        let Site::Repository { repository, .. } = &name.site else { panic!("{source}") };
        let tag = name.name.as_ref().map(reference::RefName::as_str);
        let filled = Template::read(template)?.fill(Facts::of(&name, Some(repository), tag))?;
        Ok(filled.to_string())
    }

    #[test]
    fn a_destination_is_a_beginning_or_a_whole_name() {
        let from = "docker.io/library/alpine:3.22";
        for (template, name) in [
            ("inside.example/mirror", "inside.example/mirror/library/alpine:3.22"),
            ("inside.example", "inside.example/library/alpine:3.22"),
            ("inside.example:5000/", "inside.example:5000/library/alpine:3.22"),
            ("localhost:5000", "localhost:5000/library/alpine:3.22"),
            ("inside.example/base/alpine:stable", "inside.example/base/alpine:stable"),
            (
                "inside.example/{registry}/{repository}:{tag}-x",
                "inside.example/docker.io/library/alpine:3.22-x",
            ),
            ("inside.example/{namespace}-{name}", "inside.example/library-alpine:3.22"),
            ("oci:dir", "oci:dir:library/alpine:3.22"),
            ("oci:dir:{name}:{tag}", "oci:dir:alpine:3.22"),
        ] {
            assert_eq!(fill(template, from).as_deref(), Ok(name), "{template}");
        }
    }

    #[test]
    fn an_image_without_a_tag_arrives_without_one() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let from = format!("quay.io/team/app@{digest}");
        assert_eq!(fill("inside.example", &from).unwrap(), "inside.example/team/app");
        assert!(fill("inside.example/app:{digest}", &from).unwrap().ends_with(&digest.replace(':', "-")));
        assert!(fill("inside.example/app:x-{tag}", &from).unwrap_err().contains("a tag"));
    }

    #[test]
    fn a_registry_whose_name_begins_like_a_layout_is_a_registry() {
        let from = "docker.io/library/alpine:3.22";
        assert_eq!(fill("oci.example/mirror", from).unwrap(), "oci.example/mirror/library/alpine:3.22");
        assert_eq!(fill("oci.example:5000", from).unwrap(), "oci.example:5000/library/alpine:3.22");
    }

    #[test]
    fn what_a_layout_calls_an_entry_chooses_no_directory() {
        let name: Name = "oci:from".parse().unwrap();
        let tried = |template: &str, tag: &str| {
            let repository = "team/app".parse().unwrap();
            let filled =
                Template::read(template).unwrap().fill(Facts::of(&name, Some(&repository), Some(tag)));
            filled.map(|name| name.to_string())
        };
        for tag in ["../out", "a/../../out", "..", "/etc/out"] {
            assert!(tried("oci:{tag}", tag).unwrap_err().contains("lead out"), "{tag}");
            assert!(tried("oci-archive:{tag}:x", tag).unwrap_err().contains("lead out"), "{tag}");
            // Behind the directory it is a name like any other.
            assert_eq!(tried("oci:to:{name}:{tag}", tag), Ok(format!("oci:to:app:{tag}")));
        }
        assert_eq!(tried("oci:to/{name}/{tag}", "v1").as_deref(), Ok("oci:to/app/v1"));
    }

    #[test]
    fn a_template_that_makes_no_sense_says_why() {
        let from = "docker.io/library/alpine:3.22";
        assert!(fill("inside.example/{image}", from).unwrap_err().contains("{repository}"));
        assert!(fill("inside.example/{name", from).unwrap_err().contains("closed"));
        assert!(fill("", from).is_err());
        assert!(fill("mirror", from).unwrap_err().contains("mirror"));
        assert!(fill("oci:dir:{registry}", from).unwrap().contains("docker.io"));
    }
}
