//! What there is to serve, and what of the layouts cannot be served: for whoever starts a server.
use std::fmt;

use content::Fault;
use layout::Entry;
use reference::{Digest, RepositoryName, Tag};

use crate::{
    homes::{Home, Homes},
    names::belonging,
    table::{Rows, Table},
};

/// How many oddities are listed.
const LISTED: usize = 20;
/// How many tags one of them lists, and how many characters of a name.
const TAGS: usize = 5;
const NAME: usize = 128;

/// What a server found in its layouts.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many repositories there are.
    pub repositories: usize,
    /// How many tags they have together.
    pub tags: usize,
    /// What is not as one may expect; the first of it.
    pub oddities: Vec<Oddity>,
    /// How much more there is.
    pub unlisted: usize,
}

/// Something that is not served, or not as somebody may expect. Its text is one clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// No repository and tag can be made of an entry's name.
    Nameless(Piece),
    /// An entry whose manifest is not there.
    Missing(Piece),
    /// One layout gives a tag to two manifests.
    Ambiguous {
        /// The tag, with its repository.
        name: String,
        /// The manifests.
        digests: [Digest; 2],
    },
    /// A repository is found in two layouts.
    Shared {
        /// The repository.
        repository: RepositoryName,
        /// The layouts, the first one first.
        layouts: [String; 2],
        /// Tags that stand for something else in another layout than the first that has them.
        overruled: Vec<Tag>,
    },
}

/// An entry of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The layout.
    pub layout: String,
    /// Its ref name, if it has one; not all of a long one.
    pub name: Option<String>,
    /// What it stands for.
    pub digest: Digest,
}

impl Survey {
    pub(crate) fn of(homes: &Homes, table: &Table) -> Result<Self, Fault> {
        let mut survey = Self::default();
        let layouts: Vec<&str> = homes.iter().map(|home| home.layout.shown()).collect();
        for (repository, rows) in table.repositories() {
            survey.repositories = survey.repositories.saturating_add(1);
            survey.tags = survey.tags.saturating_add(rows.tags.len());
            survey.look_at(repository, rows, &layouts);
        }
        for (home, index) in homes.iter().zip(table.indexes()) {
            for entry in index.entries() {
                if belonging(entry, home.fallback.as_ref()).is_none() {
                    survey.note(|| Oddity::Nameless(Piece::of(entry, home)));
                } else if homes.find(&entry.descriptor.digest)?.is_none() {
                    survey.note(|| Oddity::Missing(Piece::of(entry, home)));
                }
            }
        }
        Ok(survey)
    }

    fn look_at(&mut self, repository: &RepositoryName, rows: &Rows, layouts: &[&str]) {
        for (tag, named) in &rows.tags {
            if let Some(rival) = &named.rival {
                let digests = [named.descriptor.digest.clone(), rival.clone()];
                self.note(|| Oddity::Ambiguous { name: format!("{repository}:{tag}"), digests });
            }
        }
        let layout = |number: usize| layouts.get(number).map_or_else(String::new, |name| (*name).to_owned());
        if let (first, Some(other)) = rows.homes {
            self.note(|| Oddity::Shared {
                repository: repository.clone(),
                layouts: [layout(first), layout(other)],
                overruled: rows.overruled.clone(),
            });
        }
    }

    fn note(&mut self, oddity: impl FnOnce() -> Oddity) {
        if self.oddities.len() < LISTED {
            self.oddities.push(oddity());
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }
}

impl Piece {
    fn of(entry: &Entry, home: &Home) -> Self {
        let name = entry.name().map(|name| name.chars().take(NAME).collect());
        Self { layout: home.layout.shown().to_owned(), name, digest: entry.descriptor.digest.clone() }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}: the entry {name:?} is not served", self.layout),
            None => write!(f, "{}: the entry {} is not served", self.layout, self.digest),
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nameless(piece @ Piece { name: Some(_), .. }) => {
                write!(f, "{piece}: a name that can be is repository:tag, or a tag alone")
            }
            Self::Nameless(piece) => {
                write!(f, "{piece}: it has no name, and no repository name is made of its layout's")
            }
            Self::Missing(piece) => write!(f, "{piece}: its manifest {} is not there", piece.digest),
            Self::Ambiguous { name, digests: [one, other] } => {
                write!(f, "{name} stands for both {one} and {other}: they are served by digest only")
            }
            Self::Shared { repository, layouts: [first, other], overruled } => {
                write!(
                    f,
                    "the repository {repository} is in {first} and in {other}, and has the tags of both"
                )?;
                let Some(names) = listed(overruled) else { return Ok(()) };
                write!(f, "; what stands first counts for {names}")
            }
        }
    }
}

fn listed(tags: &[Tag]) -> Option<String> {
    let names: Vec<&str> = tags.iter().take(TAGS).map(Tag::as_str).collect();
    match (names.is_empty(), tags.len().saturating_sub(TAGS)) {
        (true, _) => None,
        (false, 0) => Some(names.join(", ")),
        (false, more) => Some(format!("{} and {more} more", names.join(", "))),
    }
}
