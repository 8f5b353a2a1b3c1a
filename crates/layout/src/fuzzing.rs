//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use content::Fault;

use crate::{Index, archive::scan};

/// Reads the bytes of `index.json`.
pub fn index(bytes: &[u8]) -> Result<Index, Fault> {
    Index::parse(bytes)
}

/// The bytes that an index is written as.
pub fn bytes(index: &Index) -> Vec<u8> {
    index.to_bytes()
}

/// Whether these are the bytes of an `oci-layout` that we can read.
pub fn is_version_1(marker: &[u8]) -> bool {
    crate::marker::is_version_1(marker)
}

/// What one pass over an archive finds.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the mark of its end is.
    pub end: u64,
    /// What each part of a layout is called, where it begins and how many bytes it has.
    pub parts: Vec<(String, u64, u64)>,
}

/// Reads the headers of an archive.
pub fn archive(bytes: &[u8]) -> Result<Found, Fault> {
    let table = scan(bytes, bytes.len() as u64, "oci-archive:x.tar")?;
    let named = [("oci-layout", table.marker), ("index.json", table.index)];
    let named = named.into_iter().filter_map(|(name, extent)| Some((name.to_owned(), extent?)));
    let blobs = table.blobs.into_iter().map(|(digest, extent)| (digest.to_string(), extent));
    let parts = named.chain(blobs).map(|(name, extent)| (name, extent.at, extent.size)).collect();
    Ok(Found { end: table.end, parts })
}
