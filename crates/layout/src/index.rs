//! `index.json`: the table of entries. Pure: it reads and writes bytes, not files.
//!
//! Fields and entries that we do not know are kept as they are.
use content::{Descriptor, Fault, FaultKind, Step};
use reference::{Digest, RefName};
use serde_json::{Map, Value, json};

use crate::Entry;

/// How many names a message lists.
const NAMES_SHOWN: usize = 20;
/// How many characters of a name a message shows.
const NAME_SHOWN: usize = 128;

/// The contents of `index.json`.
#[derive(Debug, Clone)]
pub struct Index {
    object: Map<String, Value>,
}

impl Default for Index {
    fn default() -> Self {
        let mut object = Map::new();
        object.insert("schemaVersion".into(), 2.into());
        object.insert("mediaType".into(), "application/vnd.oci.image.index.v1+json".into());
        object.insert("manifests".into(), json!([]));
        Self { object }
    }
}

impl Index {
    /// Reads the file's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let untrue = |what: String| Fault::new(FaultKind::Untrue, Step::OpenLayout, what).about("index.json");
        let value: Value =
            serde_json::from_slice(bytes).map_err(|why| untrue(format!("it is not valid JSON: {why}")))?;
        let Value::Object(mut object) = value else {
            return Err(untrue("it is not a JSON object".into()));
        };
        match object.get("manifests") {
            Some(Value::Array(_)) => {}
            None | Some(Value::Null) => {
                object.insert("manifests".into(), json!([]));
            }
            Some(_) => return Err(untrue("its \"manifests\" is not a list".into())),
        }
        Ok(Self { object })
    }

    /// The file's bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Value::Object(self.object.clone()).to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }

    /// The entries, in order; those whose descriptor we cannot read are passed over.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.values().filter_map(read)
    }

    /// Adds an entry, unless the same one is there.
    pub fn add(&mut self, entry: &Entry) {
        if self.entries().any(|other| is_same(&other, entry)) {
            return;
        }
        if let Some(Value::Array(list)) = self.object.get_mut("manifests") {
            list.push(entry.to_json());
        }
    }

    /// Takes out the entries that `unwanted` picks; returns them.
    pub fn take(&mut self, unwanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut taken = Vec::new();
        if let Some(Value::Array(list)) = self.object.get_mut("manifests") {
            list.retain(|value| match read(value).filter(&unwanted) {
                Some(entry) => {
                    taken.push(entry);
                    false
                }
                None => true,
            });
        }
        taken
    }

    /// The entry with this ref name; `None` when there is none.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] when the name stands for two different digests.
    pub fn by_name(&self, name: &RefName) -> Result<Option<Descriptor>, Fault> {
        let named = self.entries().filter(|entry| entry.name() == Some(name.as_str()));
        let mut found = named.map(|entry| entry.descriptor);
        let Some(first) = found.next() else { return Ok(None) };
        match found.find(|other| other.digest != first.digest) {
            None => Ok(Some(first)),
            Some(other) => {
                let what = format!("the name stands for both {} and {}", first.digest, other.digest);
                Err(Fault::new(FaultKind::Untrue, Step::Resolve, what)
                    .about(name)
                    .hint("name one of the two digests instead"))
            }
        }
    }

    /// The first entry with this digest.
    pub fn by_digest(&self, digest: &Digest) -> Option<Descriptor> {
        self.entries().map(|entry| entry.descriptor).find(|descriptor| descriptor.digest == *digest)
    }

    /// The names that there are, for a message.
    pub fn names(&self) -> String {
        let mut names: Vec<String> = self
            .entries()
            .filter_map(|entry| entry.name().map(|name| name.chars().take(NAME_SHOWN).collect()))
            .collect();
        let more = names.len().saturating_sub(NAMES_SHOWN);
        names.truncate(NAMES_SHOWN);
        let listed = names.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
        match (names.is_empty(), more) {
            (true, _) => "no named entries".into(),
            (false, 0) => listed,
            (false, more) => format!("{listed} and {more} more"),
        }
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        self.object.get("manifests").and_then(Value::as_array).into_iter().flatten()
    }
}

fn read(value: &Value) -> Option<Entry> {
    Descriptor::from_json(value).ok().map(|descriptor| Entry { descriptor })
}

fn is_same(one: &Entry, other: &Entry) -> bool {
    one.descriptor.digest == other.descriptor.digest
        && one.name() == other.name()
        && one.repository() == other.repository()
}

#[cfg(test)]
mod tests {
    use content::MediaType;
    use reference::Algorithm;

    use super::*;

    fn descriptor(seed: &str) -> Descriptor {
        let digest = content::Hasher::digest(Algorithm::Sha256, seed.as_bytes());
        Descriptor::new(MediaType::oci_manifest(), digest, 7)
    }

    #[test]
    fn unknown_fields_and_foreign_entries_survive_a_change() {
        let before = br#"{"schemaVersion":2,"x":{"y":[1.5,null]},"manifests":[
            {"digest":"blake3:00","size":-1,"odd":true},{"no":"descriptor"}]}"#;
        let mut index = Index::parse(before).unwrap();
        index.add(&Entry::named(&descriptor("a"), &RefName::new("app:v1")));
        index.take(|entry| entry.name() == Some("other"));
        let after: Value = serde_json::from_slice(&index.to_bytes()).unwrap();
        let was: Value = serde_json::from_slice(before).unwrap();
        assert_eq!(after["x"], was["x"]);
        assert_eq!(after["manifests"][0], was["manifests"][0]);
        assert_eq!(after["manifests"][1], was["manifests"][1]);
        assert_eq!(after["manifests"][2]["annotations"][crate::REF_NAME], "app:v1");
    }

    #[test]
    fn one_name_for_two_digests_is_ambiguous_and_for_one_digest_twice_is_not() {
        let name = RefName::new("v1");
        let mut index = Index::default();
        index.add(&Entry::named(&descriptor("a"), &name));
        index.add(&Entry::named(&descriptor("a"), &name));
        assert_eq!(index.entries().count(), 1);
        assert_eq!(index.by_name(&name).unwrap().unwrap().digest, descriptor("a").digest);
        index.add(&Entry::named(&descriptor("b"), &name));
        let fault = index.by_name(&name).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Untrue);
        for seed in ["a", "b"] {
            assert!(fault.to_string().contains(&descriptor(seed).digest.to_string()));
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for bytes in [&b"[]"[..], b"{", br#"{"manifests":{}}"#] {
            assert_eq!(Index::parse(bytes).unwrap_err().kind(), FaultKind::Untrue);
        }
    }
}
