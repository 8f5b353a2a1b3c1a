//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use content::Fault;

use crate::Index;

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
