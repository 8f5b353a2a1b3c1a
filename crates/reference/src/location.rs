//! Locations: what `copy` takes on either side, a registry reference or a layout.
use std::{path::PathBuf, str::FromStr};

use crate::{Digest, ParseError, RefName, Reference};

/// A place to copy from or to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `[docker://|oci://]HOST[:PORT]/REPO[:TAG][@DIGEST]`.
    Registry(Reference),
    /// `oci:DIR[:REF]` or `ocidir://DIR[:TAG][@DIGEST]`.
    Layout(LayoutLocation),
}

/// An OCI layout directory and, maybe, one entry of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutLocation {
    /// The directory.
    pub dir: PathBuf,
    /// Which entry; `None` means the only one there is.
    pub name: Option<LayoutName>,
}

/// How an entry of a layout is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutName {
    /// By its ref name, to the letter.
    RefName(RefName),
    /// By digest.
    Digest(Digest),
}

impl FromStr for Location {
    type Err = ParseError;
    /// Reads a location; Docker's short names (`alpine`) are Docker Hub.
    fn from_str(_text: &str) -> Result<Self, ParseError> {
        todo!()
    }
}
