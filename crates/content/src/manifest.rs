//! Manifests: raw bytes, their digest, and what they point to.
//!
//! The bytes go on exactly as they came; parsing is only for looking. Content that two readers could take for two
//! different things is refused here, once, for both sides and every kind of place.
use std::collections::BTreeMap;

use bytes::Bytes;
use reference::{Algorithm, Digest};
use serde_json::{Map, Value};

use crate::{Descriptor, Fault, FaultKind, Hasher, MediaType, Role, Step, descriptor::annotations, json};

/// The most bytes a manifest may have: what distribution-spec asks registries to take at least.
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// A document of the manifests endpoint, checked against its name.
#[derive(Debug, Clone)]
pub struct Manifest {
    descriptor: Descriptor,
    bytes: Bytes,
    shape: Shape,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
}

/// The fields of manifests and indexes that say what there is.
const FIELDS: [&str; 11] = [
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "blobs",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
    "history",
];

/// What a manifest points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One config, layers, and an artifact manifest's `blobs` (which count as layers).
    Image {
        /// The config, where there is one.
        config: Option<Descriptor>,
        /// Layers and artifact blobs, in order, as often as they are named.
        layers: Vec<Descriptor>,
    },
    /// Entries of an index or a manifest list.
    Index {
        /// Manifests, or blobs in a build cache; as often as they are named.
        entries: Vec<Descriptor>,
    },
    /// Nothing that we can see.
    Opaque,
}

impl Manifest {
    /// Checks and reads `bytes`: against `digest` when they were asked for by digest, and against the descriptor
    /// that named them when there is one.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] when the bytes are not what their name says or can be read in two ways;
    /// [`FaultKind::Refused`] for schema version 1 and for more than [`MAX_MANIFEST_BYTES`].
    pub fn read(
        bytes: Bytes,
        content_type: Option<&str>,
        digest: Option<&Digest>,
        described: Option<&Descriptor>,
    ) -> Result<Self, Fault> {
        let size = bytes.len() as u64;
        if size > MAX_MANIFEST_BYTES {
            return Err(refused(format!("the manifest has {size} bytes, {MAX_MANIFEST_BYTES} are allowed")));
        }
        let actual = check_name(&bytes, digest, described)?;
        let object = parse(&bytes)?;
        let media_type = agree_on_type(&object, content_type, described)?;
        if let Some(key) = json::misspelt(&object, &FIELDS).filter(|_| media_type.role() != Role::Unknown) {
            return Err(untrue(format!("it is ambiguous: some readers take {key:?} for a field of its own")));
        }
        let schema1 = object.get("schemaVersion").and_then(Value::as_u64) == Some(1);
        if schema1 || media_type.role() == Role::Schema1 {
            return Err(refused(
                "it is a Docker manifest of schema version 1, which cannot be copied unchanged",
            )
            .hint("pull and push the image with a current tool, then copy the result"));
        }
        let shape = read_shape(&object, &media_type)?;
        let subject = object.get("subject").filter(|value| !value.is_null());
        Ok(Self {
            subject: subject.map(Descriptor::from_json).transpose().map_err(untrue)?,
            artifact_type: artifact_type(&object),
            descriptor: Descriptor {
                annotations: annotations(object.get("annotations")),
                ..Descriptor::new(media_type, actual, size)
            },
            shape,
            bytes,
        })
    }

    /// Media type, digest and size of the manifest itself, with its own annotations.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The digest of its bytes.
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// The media type it is published under.
    pub fn media_type(&self) -> &MediaType {
        &self.descriptor.media_type
    }

    /// The bytes, as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What it points to.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The manifest that this one is about.
    pub fn subject(&self) -> Option<&Descriptor> {
        self.subject.as_ref()
    }

    /// The artifact type: the field, else the config's media type.
    pub fn artifact_type(&self) -> Option<&str> {
        self.artifact_type.as_deref()
    }

    /// The manifest's own annotations.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.descriptor.annotations
    }
}

fn check_name(
    bytes: &[u8],
    digest: Option<&Digest>,
    described: Option<&Descriptor>,
) -> Result<Digest, Fault> {
    let wanted = digest.or(described.map(|descriptor| &descriptor.digest));
    let algorithm = wanted.map_or(Algorithm::Sha256, Digest::algorithm);
    let actual = Hasher::digest(algorithm, bytes);
    if let Some(wanted) = wanted.filter(|wanted| **wanted != actual) {
        return Err(untrue(format!("the bytes have the digest {actual}, not {wanted}")));
    }
    match described {
        Some(descriptor) if descriptor.size != bytes.len() as u64 => {
            Err(untrue(format!("{} bytes came where its descriptor says {}", bytes.len(), descriptor.size)))
        }
        _ => Ok(actual),
    }
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'<') {
        return Err(untrue("HTML or XML came where a manifest was due").hint(
            "the host may be a web server or a proxy's login page: check the registry's name and port",
        ));
    }
    let value = json::parse(bytes).map_err(|why| untrue("it is not valid JSON").because(why))?;
    let Value::Object(object) = value else {
        return Err(untrue("it is JSON, but not an object"));
    };
    let named = |keys: &[&str]| object.keys().find(|key| keys.contains(&key.to_ascii_lowercase().as_str()));
    let image = named(&["config", "layers", "fslayers", "history", "blobs"]);
    if let (Some(image), Some(index)) = (image, named(&["manifests"])) {
        return Err(untrue(format!("it is ambiguous: it holds both {image:?} and {index:?}")));
    }
    Ok(object)
}

/// The one media type on which header, body and descriptor agree; vague and missing ones do not count.
fn agree_on_type(
    object: &Map<String, Value>,
    content_type: Option<&str>,
    described: Option<&Descriptor>,
) -> Result<MediaType, Fault> {
    let body = object.get("mediaType").and_then(Value::as_str).map(MediaType::new);
    let header = content_type.map(MediaType::new);
    let outer = described.map(|descriptor| descriptor.media_type.clone());
    let said = [("its mediaType", body), ("its Content-Type", header), ("its descriptor", outer)];
    let mut clear =
        said.into_iter().filter_map(|(who, what)| Some((who, what?))).filter(|(_, t)| !t.is_vague());
    let Some((who, first)) = clear.next() else {
        return Ok(if object.contains_key("manifests") {
            MediaType::oci_index()
        } else {
            MediaType::oci_manifest()
        });
    };
    match clear.find(|(_, other)| *other != first) {
        Some((other, what)) => Err(untrue(format!("{who} says {first}, but {other} says {what}"))),
        None => Ok(first),
    }
}

/// Known types must fit their shape; of an unknown type whatever looks like parts is taken along.
fn read_shape(object: &Map<String, Value>, media_type: &MediaType) -> Result<Shape, Fault> {
    let shape = if object.contains_key("manifests") {
        list(object, "manifests").map(|entries| Shape::Index { entries })
    } else if ["config", "layers", "blobs"].iter().any(|key| object.contains_key(*key)) {
        image_shape(object)
    } else {
        Ok(Shape::Opaque)
    };
    let misfit = match (media_type.role(), &shape) {
        (Role::Unknown, Err(_)) => return Ok(Shape::Opaque),
        (Role::Index, Ok(Shape::Image { .. })) => "it is called an index, but holds config or layers",
        (Role::Manifest, Ok(Shape::Index { .. })) => "it is called an image manifest, but holds manifests",
        _ => return shape.map_err(untrue),
    };
    Err(untrue(misfit))
}

fn image_shape(object: &Map<String, Value>) -> Result<Shape, String> {
    let config = object.get("config").filter(|value| !value.is_null());
    let mut layers = list(object, "layers")?;
    layers.extend(list(object, "blobs")?);
    Ok(Shape::Image { config: config.map(Descriptor::from_json).transpose()?, layers })
}

fn list(object: &Map<String, Value>, key: &str) -> Result<Vec<Descriptor>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(Descriptor::from_json).collect(),
        Some(_) => Err(format!("{key:?} is not a list")),
    }
}

fn artifact_type(object: &Map<String, Value>) -> Option<String> {
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    text(object.get("artifactType"))
        .or_else(|| text(object.get("config").and_then(|config| config.get("mediaType"))))
}

fn untrue(what: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Untrue, Step::ReadManifest, what)
}

fn refused(what: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Refused, Step::ReadManifest, what)
}
