//! Entries of an index, seen and taken out: the one case in which a manifest is written anew.
use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, value::RawValue};

use crate::{Fault, FaultKind, Manifest, Platform, Shape, Step};

impl Manifest {
    /// The platform that each entry of an index names, in order; nothing for what is no index.
    pub fn platforms(&self) -> Vec<Option<Platform>> {
        let Shape::Index { .. } = self.shape() else { return Vec::new() };
        let index: Value = serde_json::from_slice(self.bytes()).unwrap_or_default();
        let entries = index.get("manifests").and_then(Value::as_array).into_iter().flatten();
        entries.map(|entry| entry.get("platform").and_then(Platform::from_json)).collect()
    }

    /// The index with those entries only that `keeps` picks by their number. All else is as it was, to the letter; its
    /// bytes and its digest are new, and the same whenever the same is picked.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] when it is no index.
    pub fn with_entries(&self, keeps: impl Fn(usize) -> bool) -> Result<Self, Fault> {
        let untrue = |why| Fault::new(FaultKind::Untrue, Step::ReadManifest, "it is no index").because(why);
        let mut object: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(self.bytes()).map_err(untrue)?;
        let entries = object.remove("manifests").unwrap_or_default();
        let entries: Vec<Box<RawValue>> = serde_json::from_str(entries.get()).map_err(untrue)?;
        let kept = entries.iter().enumerate().filter(|(number, _)| keeps(*number));
        let kept: Vec<&str> = kept.map(|(_, entry)| entry.get()).collect();
        let mut fields: Vec<String> = object
            .iter()
            .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), value.get()))
            .collect();
        fields.push(format!("\"manifests\":[{}]", kept.join(",")));
        let bytes = Bytes::from(format!("{{{}}}", fields.join(",")));
        Self::read(bytes, Some(self.media_type().as_str()), None, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(entries: &str) -> Manifest {
        let text = format!(
            r#"{{ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{entries}],
            "annotations": {{"a":  "b"}}, "x": 1.50 }}"#
        );
        Manifest::read(Bytes::from(text), None, None, None).unwrap()
    }

    fn entry(seed: char, more: &str) -> String {
        let digest = seed.to_string().repeat(64);
        format!(
            r#"{{"mediaType": "application/vnd.oci.image.manifest.v1+json",  "digest": "sha256:{digest}", "size": 7{more}}}"#
        )
    }

    #[test]
    fn entries_are_taken_out_and_all_else_stays_to_the_letter() {
        let amd = entry('a', r#", "platform": {"os": "linux", "architecture": "amd64", "os.version":"1"}"#);
        let (arm, odd) = (
            entry('b', r#", "platform": {"os": "linux", "architecture": "arm64"}"#),
            entry('c', r#", "y": [ ]"#),
        );
        let whole = index(&[amd.clone(), arm.clone(), odd].join(", "));
        let shown: Vec<_> = whole.platforms().into_iter().flatten().map(|one| one.to_string()).collect();
        assert_eq!((shown.len(), whole.platforms().len()), (2, 3));
        let picked = whole.with_entries(|number| number != 1).unwrap();
        let text = String::from_utf8(picked.bytes().to_vec()).unwrap();
        assert!(text.contains(&amd) && text.contains(r#""y": [ ]"#) && !text.contains(&arm), "{text}");
        assert!(text.contains(r#""annotations":{"a":  "b"}"#) && text.contains("1.50"), "{text}");
        assert_ne!(picked.digest(), whole.digest());
        assert_eq!(whole.with_entries(|number| number != 1).unwrap().digest(), picked.digest());
        assert_eq!(picked.media_type(), whole.media_type());
        assert!(matches!(picked.shape(), Shape::Index { entries } if entries.len() == 2));
    }
}
