//! The images of a layout: its entries, but for what is about another, or part of one.
use std::collections::HashSet;

use content::{Fault, Manifest, Shape};
use reference::Digest;

use crate::{Entry, Layout, subjects};

/// How the tags end under which something is kept about a manifest: cosign's signatures, attestations and SBOMs, and
/// the list of referrers.
const ENDS: [&str; 4] = ["sig", "att", "sbom", ""];

impl Layout {
    /// The entries that stand for themselves: not those about something else that the layout holds, nor those without a
    /// name that are part of another, as oras lists them. Where there is none, all.
    pub async fn images(&self) -> Result<Vec<Entry>, Fault> {
        let entries = self.entries().await?;
        let nameless = entries.iter().filter(|entry| entry.name().is_none());
        let nameless: HashSet<&Digest> = nameless.map(|entry| &entry.descriptor.digest).collect();
        let (mut images, mut parts) = (Vec::new(), HashSet::new());
        for entry in &entries {
            // What cannot be read is judged by whoever copies it.
            let manifest = subjects::read(self.store(), &entry.descriptor).await.ok().flatten();
            if let Some(Shape::Index { entries }) = manifest.as_ref().map(Manifest::shape) {
                let digests = entries.iter().map(|part| &part.digest);
                parts.extend(digests.filter(|digest| nameless.contains(digest)).cloned());
            }
            if !self.is_about_another(entry, manifest.as_ref())? {
                images.push(entry.clone());
            }
        }
        images.retain(|image| image.name().is_some() || !parts.contains(&image.descriptor.digest));
        Ok(if images.is_empty() { entries } else { images })
    }

    fn is_about_another(&self, entry: &Entry, manifest: Option<&Manifest>) -> Result<bool, Fault> {
        let tagged = entry.name().and_then(subject_of_tag);
        let said = manifest.and_then(|manifest| Some(manifest.subject()?.digest.clone()));
        for subject in tagged.into_iter().chain(said) {
            if self.store().size(&subject)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What a tag is about: `sha256-HEX.sig`.
fn subject_of_tag(name: &str) -> Option<Digest> {
    let tag = name.rsplit(':').next()?;
    let (subject, end) = tag.split_once('.').unwrap_or((tag, ""));
    ENDS.contains(&end).then(|| subject.replacen('-', ":", 1).parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_say_what_they_are_about_and_other_names_nothing() {
        let hex = "0".repeat(64);
        for name in ["sha256-HEX.sig", "team/app:sha256-HEX.att", "h:1/app:sha256-HEX.sbom", "sha256-HEX"] {
            let subject = subject_of_tag(&name.replace("HEX", &hex)).unwrap();
            assert_eq!(subject.hex(), hex, "{name}");
        }
        for name in ["v1", "app:v1.sig", "sha256-HEX.zip", "sha256-0.sig", "sha256-HEX.sig.x", ""] {
            assert_eq!(subject_of_tag(&name.replace("HEX", &hex)), None, "{name}");
        }
    }
}
