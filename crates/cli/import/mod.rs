//! What an import means: importImage's rules, from words to a plan. Pure: no input or output.
//!
//! `az acr import` flags and the REST body both become a [`Request`]; its gaps are filled in [`Request::settle`],
//! once the source's own name is known.
pub(crate) mod body;
mod json;
pub(crate) mod registry;
pub(crate) mod source;
pub(crate) mod target;
pub(crate) mod targets;

pub(crate) use registry::ACR_SUFFIX;
pub(crate) use source::{Origin, Source};
pub(crate) use targets::{Asked, Target};

use crate::{credential::Words, usage::Usage};

/// A piece of text and where it came from: a flag, or a path into a request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// `--image`, or `targetTags[1]`.
    pub(crate) name: String,
    /// As written.
    pub(crate) text: String,
}

impl Field {
    /// The text of the flag or path `name`.
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// An import as it was asked for, read and checked, without the gaps filled.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Where it reads.
    pub(crate) source: Source,
    /// What is to be written.
    pub(crate) asked: Asked,
    /// Whether existing tags are moved: `mode: Force`.
    pub(crate) force: bool,
    /// The source's credentials, where the body had some.
    pub(crate) credentials: Option<Words>,
    /// What users should know.
    pub(crate) warnings: Vec<String>,
}

/// How a registry was named apart from the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamedBy {
    /// `--registry`: a login server, a resource id or an Azure registry name.
    Flag(Field),
    /// `registryUri`.
    Uri(Field),
    /// `resourceId`.
    ResourceId(Field),
}

/// The texts of an import, from flags or from a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    /// The source image.
    pub(crate) source: Field,
    /// Its registry, where it was named apart.
    pub(crate) registry: Option<NamedBy>,
    /// `targetTags`.
    pub(crate) tagged: Vec<Field>,
    /// `untaggedTargetRepositories`.
    pub(crate) untagged: Vec<Field>,
    /// `mode: Force`.
    pub(crate) force: bool,
}

impl Request {
    /// Reads the texts; `suffix` is what Azure registry names end with.
    pub(crate) fn read(texts: &Texts, suffix: &str) -> Result<Self, Usage> {
        let mut warnings = Vec::new();
        let named = match &texts.registry {
            None => None,
            Some(NamedBy::Flag(field)) => Some(registry::any(field, suffix)?),
            Some(NamedBy::Uri(field)) => Some(registry::uri(field)?),
            Some(NamedBy::ResourceId(field)) => Some(registry::resource_id(field, suffix)?),
        };
        let source = source::read(&texts.source, named.as_ref(), &mut warnings)?;
        let asked = targets::read(&texts.tagged, &texts.untagged)?;
        let request = Self { source, asked, force: texts.force, credentials: None, warnings };
        if let Some(origin) = request.origin() {
            // What can be refused now, is refused before anything is opened.
            request.settle(&origin, &mut Vec::new())?;
        }
        Ok(request)
    }

    /// What the source's name says; `None` while a layout's only entry is still to be looked up.
    pub(crate) fn origin(&self) -> Option<Origin> {
        match &self.source {
            Source::Registry { reference, .. } => Some(Origin::of_reference(reference)),
            Source::Layout(location) => {
                location.name.is_some().then(|| Origin::of_layout(location.name.as_ref()))
            }
        }
    }

    /// What is to be written where.
    pub(crate) fn settle(&self, origin: &Origin, warnings: &mut Vec<String>) -> Result<Vec<Target>, Usage> {
        self.asked.settle(origin, self.force, warnings)
    }
}

#[cfg(test)]
mod guide_tests;
