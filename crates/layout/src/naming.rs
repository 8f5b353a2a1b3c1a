//! Names in an index: what stands for what, and what may be made to.
use content::{Descriptor, Fault, FaultKind, Mode, Place, Step, Version};
use reference::RefName;

use crate::{Entry, Index};

/// What a target has: entries only, and by digest only those of its own repository. Anything else would be taken for
/// "there already", although nothing keeps it, or only another repository does.
pub(crate) fn look_up(index: &Index, version: &Version, place: &Place) -> Result<Option<Descriptor>, Fault> {
    match version {
        Version::Name(name) => index.by_name(name).map_err(|fault| fault.at(place)),
        Version::Digest(digest) => Ok(index.by_digest_in(digest, place.repository())),
    }
}

/// Refuses a name that exists.
pub(crate) fn refuse_taken(index: &Index, name: &RefName) -> Result<(), Fault> {
    let taken = index.entries().find(|entry| entry.name() == Some(name.as_str()));
    taken.map_or(Ok(()), |entry| {
        let what = format!("the name exists already, and stands for {}", entry.descriptor.digest);
        Err(Fault::new(FaultKind::Conflict, Step::Publish, what).about(name))
    })
}

/// Makes a name stand for a manifest, as far as `mode` allows.
pub(crate) fn set_name(
    index: &mut Index,
    descriptor: &Descriptor,
    name: &RefName,
    mode: Mode,
) -> Result<(), Fault> {
    if mode == Mode::NoForce {
        refuse_taken(index, name)?;
    }
    index.take(|entry| entry.name() == Some(name.as_str()) && entry.descriptor.digest != descriptor.digest);
    index.add(&Entry::named(descriptor, name));
    Ok(())
}
