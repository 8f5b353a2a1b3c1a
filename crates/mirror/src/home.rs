//! The repository that an image is to be in: the unit that shards divide and that is pruned.
use std::fmt;

use reference::{RefName, RepositoryName};

use crate::{Name, Site, item::in_parts};

/// A repository at a registry, or the names in a layout that begin like one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Home {
    /// Where it is.
    pub site: Site,
    /// What its names begin with; in a layout only.
    pub part: Option<RepositoryName>,
}

impl Home {
    /// Where this name is at home.
    pub fn of(name: &Name) -> Self {
        let part = match &name.site {
            Site::Repository { .. } => None,
            Site::Layout { .. } => name.name.as_ref().and_then(|name| in_parts(name.as_str()).0),
        };
        Self { site: name.site.clone(), part }
    }

    /// The same home, spelled as every other way to it is.
    pub(crate) fn plain(&self) -> Self {
        Self { site: self.site.plain(), ..self.clone() }
    }

    /// A name at this home's site, if it is one of this home's, and its tag.
    pub(crate) fn tag_of<'a>(&self, name: &'a RefName) -> Option<&'a str> {
        match &self.site {
            Site::Repository { .. } => Some(name.as_str()),
            Site::Layout { .. } => {
                let (part, tag) = in_parts(name.as_str());
                if part == self.part { tag } else { None }
            }
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.site.fmt(f)?;
        match &self.part {
            Some(part) => write!(f, ":{part}"),
            None => Ok(()),
        }
    }
}
