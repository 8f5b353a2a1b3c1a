//! The names of a layout: all ref names, to the letter.
use content::{Catalog, Fault, Place, Untagged};
use futures::future::BoxFuture;
use reference::RefName;

use crate::LayoutRepository;

impl Catalog for LayoutRepository {
    fn place(&self) -> &Place {
        content::Source::place(self)
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<RefName>, Fault>> {
        Box::pin(async {
            let index = self.layout().index().await?;
            let mut names: Vec<RefName> =
                index.entries().filter_map(|entry| entry.name().map(RefName::new)).collect();
            names.sort_unstable();
            names.dedup();
            Ok(names)
        })
    }

    /// Takes the entries of this name out. What nothing else leads to stays on disk, for whoever collects garbage.
    fn untag<'a>(
        &'a self,
        name: &'a RefName,
        _leaving: &'a [RefName],
    ) -> BoxFuture<'a, Result<Untagged, Fault>> {
        let unwanted = name.clone();
        Box::pin(async move {
            if !self.layout().is_writable() {
                let why = "an archive is only added to: copy what is to stay to a new one";
                return Ok(Untagged::Refused(why.to_owned()));
            }
            let update = self
                .layout()
                .update(move |index| Ok(index.take(|entry| entry.name() == Some(unwanted.as_str()))));
            let taken = update.await.map_err(|fault| fault.about(name))?;
            Ok(if taken.is_empty() { Untagged::Absent } else { Untagged::Done })
        })
    }
}
