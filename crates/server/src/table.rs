//! The table of a registry: its repositories and their tags, made of the entries of all layouts.
use std::{
    collections::{BTreeMap, btree_map},
    sync::Arc,
};

use content::Descriptor;
use layout::{Entry, Index};
use reference::{Digest, RepositoryName, Tag};

use crate::{
    homes::Homes,
    names::{Belonging, belonging},
};

/// Repositories and tags, as of one state of every `index.json`.
#[derive(Debug)]
pub(crate) struct Table {
    /// The states; newer ones make this table old.
    indexes: Vec<Arc<Index>>,
    rows: BTreeMap<RepositoryName, Rows>,
}

/// What one repository holds.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) tags: BTreeMap<Tag, Named>,
    /// Everything that entries name, tagged or not.
    pub(crate) roots: Vec<Descriptor>,
    /// The layouts that it is found in: the first one, and another.
    pub(crate) homes: (usize, Option<usize>),
    /// Tags that stand for other manifests in another layout than the one that counts.
    pub(crate) overruled: Vec<Tag>,
}

/// What a tag stands for.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) descriptor: Descriptor,
    /// Another digest that the same layout gives the tag.
    pub(crate) rival: Option<Digest>,
    /// Which layout says so.
    pub(crate) home: usize,
}

impl Table {
    pub(crate) fn of(homes: &Homes, indexes: Vec<Arc<Index>>) -> Self {
        let mut rows: BTreeMap<RepositoryName, Rows> = BTreeMap::new();
        for (number, (home, index)) in homes.iter().zip(&indexes).enumerate() {
            for entry in index.entries() {
                if let Some(Belonging { repository, tag }) = belonging(entry, home.fallback.as_ref()) {
                    let new = || Rows { homes: (number, None), ..Rows::default() };
                    rows.entry(repository).or_insert_with(new).enter(entry, tag, number);
                }
            }
        }
        Self { indexes, rows }
    }

    /// Whether nothing has changed since it was made.
    pub(crate) fn is_of(&self, indexes: &[Arc<Index>]) -> bool {
        self.indexes.len() == indexes.len()
            && self.indexes.iter().zip(indexes).all(|(mine, other)| Arc::ptr_eq(mine, other))
    }

    /// The repositories, in lexical order.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = (&RepositoryName, &Rows)> {
        self.rows.iter()
    }

    pub(crate) fn rows(&self, repository: &RepositoryName) -> Option<&Rows> {
        self.rows.get(repository)
    }

    /// What each layout listed.
    pub(crate) fn indexes(&self) -> &[Arc<Index>] {
        &self.indexes
    }
}

impl Rows {
    /// Of two layouts that give a tag to different manifests, the first one wins.
    fn enter(&mut self, entry: &Entry, tag: Option<Tag>, home: usize) {
        let Descriptor { media_type, digest, size, .. } = &entry.descriptor;
        // Bare: entries may have a lot to say that no registry shows.
        let descriptor = Descriptor::new(media_type.clone(), digest.clone(), *size);
        if self.homes.0 != home {
            self.homes.1.get_or_insert(home);
        }
        match tag.map(|tag| self.tags.entry(tag)) {
            Some(btree_map::Entry::Vacant(free)) => {
                free.insert(Named { descriptor: descriptor.clone(), rival: None, home });
            }
            Some(btree_map::Entry::Occupied(mut taken)) if taken.get().descriptor.digest != *digest => {
                if taken.get().home == home {
                    taken.get_mut().rival.get_or_insert_with(|| digest.clone());
                } else if !self.overruled.contains(taken.key()) {
                    self.overruled.push(taken.key().clone());
                }
            }
            _ => {}
        }
        self.roots.push(descriptor);
    }
}
