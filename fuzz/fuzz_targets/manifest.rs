//! Manifests: the `Content-Type` in the first line, then the bytes. What is accepted is what its name says, its bytes
//! are untouched, and every part of it has a digest and a size.
#![no_main]

use bytes::Bytes;
use content::{Descriptor, FaultKind, Hasher, Manifest, Shape};
use libfuzzer_sys::fuzz_target;
use reference::{Algorithm, Digest};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let header = std::str::from_utf8(&data[..end]).ok().filter(|header| !header.is_empty());
    let bytes = Bytes::copy_from_slice(data.get(end + 1..).unwrap_or_default());
    let manifest = match Manifest::read(bytes.clone(), header, None, None) {
        Ok(manifest) => manifest,
        Err(fault) => {
            assert!(matches!(fault.kind(), FaultKind::Untrue | FaultKind::Refused), "{fault:?}");
            return;
        }
    };
    assert_eq!(manifest.bytes(), &bytes);
    assert_eq!(*manifest.digest(), Hasher::digest(Algorithm::Sha256, &bytes));
    assert_eq!(manifest.descriptor().size, bytes.len() as u64);
    shape(&manifest);
    names(&manifest, header);
});

/// What it points to is what any reader of JSON finds there.
fn shape(manifest: &Manifest) {
    let value: Value = serde_json::from_slice(manifest.bytes()).expect("accepted bytes are JSON");
    let object = value.as_object().expect("accepted JSON is an object");
    let has = |key: &str| object.keys().any(|known| known.eq_ignore_ascii_case(key));
    let parts = ["config", "layers", "fsLayers", "history", "blobs"];
    assert!(!(has("manifests") && parts.iter().any(|key| has(key))), "two kinds in one");
    let listed = |key: &str| object.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    match manifest.shape() {
        Shape::Index { entries } => same(entries, &listed("manifests")),
        Shape::Image { config, layers } => {
            same(layers, &[listed("layers"), listed("blobs")].concat());
            let written = object.get("config").filter(|value| !value.is_null());
            same(config.as_slice(), written.cloned().as_slice());
        }
        Shape::Opaque => {}
    }
}

fn same(read: &[Descriptor], written: &[Value]) {
    assert_eq!(read.len(), written.len());
    for (read, written) in read.iter().zip(written) {
        assert_eq!(Some(read.digest.to_string().as_str()), written["digest"].as_str());
        assert_eq!(Some(read.size), written["size"].as_u64());
    }
}

/// Under its own name it is accepted again; under another one it is not.
fn names(manifest: &Manifest, header: Option<&str>) {
    let read = |digest: Option<&Digest>, described: Option<&Descriptor>| {
        Manifest::read(manifest.bytes().clone(), header, digest, described)
    };
    let own = manifest.descriptor();
    assert!(read(Some(&own.digest), None).is_ok());
    let bare = Descriptor::new(own.media_type.clone(), own.digest.clone(), own.size);
    assert!(read(None, Some(&bare)).is_ok_and(|again| again.shape() == manifest.shape()));
    let other = Hasher::digest(Algorithm::Sha256, b"another");
    let refused = |read: Result<Manifest, content::Fault>| {
        assert!(read.is_err_and(|fault| fault.kind() == FaultKind::Untrue), "taken under another name");
    };
    refused(read(Some(&other), Some(&bare)));
    let (mut named, mut long) = (bare.clone(), bare);
    named.digest = other;
    long.size += 1;
    refused(read(None, Some(&named)));
    refused(read(None, Some(&long)));
}
