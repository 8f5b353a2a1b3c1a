//! `index.json` and `oci-layout`: what is read is written so that it reads the same, unknown fields included.
#![no_main]

use layout::fuzzing::{bytes, index, is_version_1};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let marker: Option<Value> = serde_json::from_slice(data).ok();
    let version = marker.as_ref().and_then(|marker| marker["imageLayoutVersion"].as_str());
    assert_eq!(is_version_1(data), version.is_some_and(|version| version.starts_with("1.")));
    let Ok(mut read) = index(data) else { return };
    let written = bytes(&read);
    let again = index(&written).expect("what we write is what we read");
    assert_eq!(bytes(&again), written);
    assert!(read.entries().eq(again.entries()));
    let [was, is] = [data, &written].map(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    if let (Some(Value::Object(was)), Some(Value::Object(is))) = (was, is) {
        assert!(
            was.iter().filter(|(_, value)| !value.is_null()).all(|(key, value)| is.get(key) == Some(value))
        );
    }
    fuzz::fits_a_line(&read.names(), 100_000);
    let entries: Vec<_> = read.entries().cloned().collect();
    for entry in &entries {
        assert!(read.by_digest(&entry.descriptor.digest).is_some());
        read.add(entry);
    }
    assert!(read.entries().eq(&entries), "an entry was added twice");
    let taken = read.take(|_| true);
    assert_eq!(taken, entries);
});
