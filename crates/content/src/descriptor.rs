//! Descriptors: media type, digest and size of a piece of content.
use std::collections::BTreeMap;

use reference::Digest;
use serde_json::Value;

use crate::{MediaType, json};

/// The fields of a descriptor that say what it describes.
const FIELDS: [&str; 5] = ["mediaType", "digest", "size", "urls", "data"];

/// What a manifest says about a piece of content. Size and digest are checked when its bytes arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The media type; vague when none was given.
    pub media_type: MediaType,
    /// The digest its bytes must have.
    pub digest: Digest,
    /// The size its bytes must have.
    pub size: u64,
    /// Where else it can be fetched from, without credentials.
    pub urls: Vec<String>,
    /// Annotations, as written.
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// A descriptor without `urls` and annotations.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self { media_type, digest, size, urls: Vec::new(), annotations: BTreeMap::new() }
    }

    /// Reads a descriptor.
    ///
    /// # Errors
    /// A clause that says what does not fit.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        if let Some(key) = value.as_object().and_then(|object| json::misspelt(object, &FIELDS)) {
            return Err(format!(
                "a descriptor is ambiguous: some readers take {key:?} for a field of its own"
            ));
        }
        let digest = text("digest").ok_or("a descriptor has no digest")?;
        let size = value.get("size").ok_or("a descriptor has no size")?;
        Ok(Self {
            media_type: MediaType::new(text("mediaType").unwrap_or_default()),
            digest: digest.parse().map_err(|why| format!("a descriptor's digest: {why}"))?,
            size: size
                .as_u64()
                .ok_or_else(|| format!("the size of {digest} is {size}, not a whole number of bytes"))?,
            urls: strings(value.get("urls")),
            annotations: annotations(value.get("annotations")),
        })
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The entries of an `annotations` object that are text.
pub(crate) fn annotations(value: Option<&Value>) -> BTreeMap<String, String> {
    let map = value.and_then(Value::as_object).into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
