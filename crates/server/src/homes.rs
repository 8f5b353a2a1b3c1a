//! Homes: the layouts that are served as one registry.
use std::sync::Arc;

use bytes::Bytes;
use content::Fault;
use layout::{Index, Layout, Opened};
use reference::{Digest, RepositoryName};

use crate::names::named_after;

/// A layout, and the repository of its entries that name none.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) layout: Layout,
    pub(crate) fallback: Option<RepositoryName>,
}

/// All of them, in the order in which they are asked. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Homes(Arc<[Home]>);

impl Homes {
    /// `named` is the repository of entries that name none; without it, each layout's own name is.
    pub(crate) fn new(layouts: Vec<Layout>, named: Option<&RepositoryName>) -> Self {
        let homes = layouts.into_iter().map(|layout| {
            let fallback = named.cloned().or_else(|| named_after(layout.root()));
            Home { layout, fallback }
        });
        Self(homes.collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Home> {
        self.0.iter()
    }

    /// The only one; `None` where there are several, and nobody could say which one is meant.
    pub(crate) fn only(&self) -> Option<&Home> {
        self.0.first().filter(|_| self.0.len() == 1)
    }

    /// What each of them lists now.
    pub(crate) async fn indexes(&self) -> Result<Vec<Arc<Index>>, Fault> {
        let mut indexes = Vec::new();
        for home in self.iter() {
            indexes.push(home.layout.index().await?);
        }
        Ok(indexes)
    }

    /// The first one that has this content, and its size there.
    pub(crate) fn find(&self, digest: &Digest) -> Result<Option<(&Home, u64)>, Fault> {
        for home in self.iter() {
            if let Some(size) = home.layout.store().size(digest)? {
                return Ok(Some((home, size)));
            }
        }
        Ok(None)
    }

    pub(crate) fn size(&self, digest: &Digest) -> Result<Option<u64>, Fault> {
        Ok(self.find(digest)?.map(|(_, size)| size))
    }

    /// The whole of it, where it has at most `limit` bytes; `None` when nobody has it.
    pub(crate) async fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, Fault> {
        let Some((home, _)) = self.find(digest)? else { return Ok(None) };
        home.layout.store().read(digest, limit).await.map(Some)
    }

    /// Its bytes from `start` to `end`; `None` when nobody has it.
    pub(crate) async fn open(&self, digest: &Digest, start: u64, end: u64) -> Result<Option<Opened>, Fault> {
        let Some((home, _)) = self.find(digest)? else { return Ok(None) };
        home.layout.store().open(digest, start, end).await.map(Some)
    }
}
