//! `oci-layout`: the file that says what a directory, or an archive, is.
use serde_json::Value;

/// The file, as image-spec writes it.
pub(crate) const MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The most bytes of it that are read.
pub(crate) const MAX: u64 = 64 * 1024;
/// What is wrong with another one.
pub(crate) const NOT_VERSION_1: &str = "oci-layout does not name a layout version 1";

/// Whether `oci-layout` names a version that we can read.
pub(crate) fn is_version_1(marker: &[u8]) -> bool {
    let marker: Option<Value> = serde_json::from_slice(marker).ok();
    let version = marker.as_ref().and_then(|marker| marker.get("imageLayoutVersion")?.as_str());
    version.is_some_and(|version| version.starts_with("1."))
}
