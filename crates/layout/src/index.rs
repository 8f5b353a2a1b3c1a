//! `index.json`: the table of entries. Pure: it reads and writes bytes, not files.
//!
//! Fields and entries that we do not know are kept as they are.
use std::collections::BTreeMap;

use content::{Descriptor, Fault, FaultKind, Step};
use reference::{Digest, RefName, RepositoryName};
use serde_json::{Value, value::RawValue};

use crate::Entry;

/// The most bytes of `index.json` that are read: some hundred thousand entries.
pub const MAX_INDEX: u64 = 64 * 1024 * 1024;
/// How many names a message lists.
const NAMES_SHOWN: usize = 20;
/// How many characters of a name a message shows.
const NAME_SHOWN: usize = 128;
/// The key of the list of entries.
const ENTRIES: &str = "manifests";

/// The contents of `index.json`.
#[derive(Debug, Clone)]
pub struct Index {
    /// Everything but the entries, as it was written.
    object: BTreeMap<String, Box<RawValue>>,
    rows: Vec<Row>,
}

/// One entry: as it was written, and as we understand it, if we do.
#[derive(Debug, Clone)]
struct Row {
    written: Box<RawValue>,
    entry: Option<Entry>,
}

impl Default for Index {
    fn default() -> Self {
        let fields = [("schemaVersion", "2"), ("mediaType", r#""application/vnd.oci.image.index.v1+json""#)];
        let raw =
            |(key, text): (&str, &str)| Some((key.to_owned(), RawValue::from_string(text.into()).ok()?));
        Self { object: fields.into_iter().filter_map(raw).collect(), rows: Vec::new() }
    }
}

impl Index {
    /// Reads the file's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let untrue = |what: String| Fault::new(FaultKind::Untrue, Step::OpenLayout, what).about("index.json");
        let mut object: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(bytes).map_err(|why| untrue(format!("it is not a JSON object: {why}")))?;
        let list: Option<Vec<Box<RawValue>>> = match object.remove(ENTRIES) {
            Some(list) => serde_json::from_str(list.get())
                .map_err(|why| untrue(format!("its \"manifests\" is not a list: {why}")))?,
            None => None,
        };
        Ok(Self { object, rows: list.into_iter().flatten().map(Row::read).collect() })
    }

    /// Whether the file is an OCI index, and not what another program calls by the same name.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        let object: Option<BTreeMap<String, &RawValue>> = serde_json::from_slice(bytes).ok();
        let text = |key| object.as_ref().and_then(|object| object.get(key)).map(|value| value.get());
        text("schemaVersion") == Some("2") && text(ENTRIES).is_some_and(|list| list.starts_with('['))
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let fields =
            self.object.iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), value.get()));
        let entries = self.rows.iter().map(|row| row.written.get()).collect::<Vec<_>>().join(",");
        let entries = format!("\"{ENTRIES}\":[{entries}]");
        let fields: Vec<String> = fields.chain([entries]).collect();
        format!("{{{}}}\n", fields.join(",")).into_bytes()
    }

    /// The entries, in order; those whose descriptor we cannot read are passed over.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.iter().filter_map(|row| row.entry.as_ref())
    }

    /// Adds an entry, unless the same one is there.
    pub fn add(&mut self, entry: &Entry) {
        if self.entries().any(|other| is_same(other, entry)) {
            return;
        }
        // It fails for what is not JSON, which we have just written.
        if let Ok(written) = RawValue::from_string(entry.to_json().to_string()) {
            self.rows.push(Row { written, entry: Some(entry.clone()) });
        }
    }

    /// Takes out the entries that `unwanted` picks; returns them.
    pub fn take(&mut self, unwanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let picked = |row: &mut Row| row.entry.as_ref().is_some_and(&unwanted);
        self.rows.extract_if(.., picked).filter_map(|row| row.entry).collect()
    }

    /// The entry with this ref name; `None` when there is none.
    ///
    /// # Errors
    /// [`FaultKind::Untrue`] when the name stands for two different digests.
    pub fn by_name(&self, name: &RefName) -> Result<Option<Descriptor>, Fault> {
        let named = self.entries().filter(|entry| entry.name() == Some(name.as_str()));
        let mut found = named.map(|entry| &entry.descriptor);
        let Some(first) = found.next() else { return Ok(None) };
        match found.find(|other| other.digest != first.digest) {
            None => Ok(Some(first.clone())),
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
        self.entries().map(|entry| &entry.descriptor).find(|found| found.digest == *digest).cloned()
    }

    /// The first entry with this digest that keeps it for `repository`; without one, for anybody.
    pub fn by_digest_in(&self, digest: &Digest, repository: Option<&RepositoryName>) -> Option<Descriptor> {
        let keeps = |entry: &&Entry| repository.is_none_or(|repository| entry.belongs_to(repository));
        let mut kept = self.entries().filter(keeps).map(|entry| &entry.descriptor);
        kept.find(|found| found.digest == *digest).cloned()
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
}

impl Row {
    fn read(written: Box<RawValue>) -> Self {
        let value: Option<Value> = serde_json::from_str(written.get()).ok();
        let entry = value.and_then(|value| Descriptor::from_json(&value).ok());
        let entry = entry.map(|descriptor| Entry { descriptor });
        Self { written, entry }
    }
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
        let before = br#"{"schemaVersion":2,"x":{"y":[1.5,null],"big":1e999,"z\\u0041":123456789012345678901234567890},"manifests":[
            {"digest":"blake3:00","size":-1,"odd":true},{"no":"descriptor"}]}"#;
        let mut index = Index::parse(before).unwrap();
        index.add(&Entry::named(&descriptor("a"), &RefName::new("app:v1")));
        index.take(|entry| entry.name() == Some("other"));
        let after: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&index.to_bytes()).unwrap();
        let was: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(before).unwrap();
        assert_eq!(after["x"].get(), was["x"].get());
        let [after, was] =
            [after, was].map(|object| -> Value { serde_json::from_str(object["manifests"].get()).unwrap() });
        assert_eq!(after[0], was[0]);
        assert_eq!(after[1], was[1]);
        assert_eq!(after[2]["annotations"][crate::REF_NAME], "app:v1");
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
