//! The only image of a layout, for a source that does not say which.
use content::{Fault, FaultKind, Step, Version};
use copier::Side;
use layout::{Entry, Layout};
use reference::{LayoutName, RefName};

use crate::{failure::Failure, import::Origin, usage::Usage};

/// The most names that an error lists.
const LISTED: usize = 10;

/// Which manifest of a layout is meant, and what its name says.
pub(crate) async fn version(
    field: &str,
    layout: &Layout,
    name: Option<&LayoutName>,
) -> Result<(Version, Origin), Failure> {
    let version = match name {
        Some(LayoutName::RefName(name)) => Version::Name(name.clone()),
        Some(LayoutName::Digest(digest) | LayoutName::Pinned(_, digest)) => Version::Digest(digest.clone()),
        None => return only(field, layout).await,
    };
    Ok((version, Origin::of_layout(name)))
}

/// A version of a layout, as a location. With tag and digest both are kept, in the spelling that has room for both.
pub(crate) fn shown(layout: &Layout, version: &Version, name: Option<&LayoutName>) -> String {
    let dir = layout.shown();
    match (version, name) {
        (_, Some(LayoutName::Pinned(tag, digest))) => {
            format!("ocidir://{}:{tag}@{digest}", dir.strip_prefix("oci:").unwrap_or(dir))
        }
        (Version::Name(name), _) => format!("{dir}:{name}"),
        (Version::Digest(digest), _) => format!("{dir}:@{digest}"),
    }
}

async fn only(field: &str, layout: &Layout) -> Result<(Version, Origin), Failure> {
    let images = layout.images().await.map_err(|fault| Failure::at(Side::Source, fault))?;
    match images.as_slice() {
        [] => {
            let fault =
                Fault::new(FaultKind::Absent, Step::Resolve, "the layout is empty").at(layout.shown());
            Err(Failure::at(Side::Source, fault))
        }
        [entry] => Ok(of_entry(entry)),
        several => Err(ambiguous(field, layout, several).into()),
    }
}

fn of_entry(entry: &Entry) -> (Version, Origin) {
    let digest = entry.descriptor.digest.clone();
    match (entry.name(), entry.repository()) {
        (Some(name), _) => {
            let name = RefName::new(name);
            let origin = Origin::of_layout(Some(&LayoutName::RefName(name.clone())));
            (Version::Name(name), origin)
        }
        (None, repository) => {
            let repository = repository.and_then(|text| text.parse().ok());
            (Version::Digest(digest), Origin { repository, by_digest: true, ..Origin::default() })
        }
    }
}

fn ambiguous(field: &str, layout: &Layout, entries: &[Entry]) -> Usage {
    let names = entries.iter().filter_map(Entry::name).take(LISTED);
    let listed: Vec<String> = names.map(|name| format!("{}:{name}", layout.shown())).collect();
    Usage::about(field, format!("{} holds {} images", layout.shown(), entries.len())).hint(format!(
        "say which one, as in {}",
        if listed.is_empty() { format!("{}:@DIGEST", layout.shown()) } else { listed.join(", ") }
    ))
}
