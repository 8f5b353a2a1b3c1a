//! Descriptors, and the sizes in them: a whole number of bytes that 64 bits hold, or a refusal.
#![no_main]

use content::Descriptor;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    match Descriptor::from_json(&value) {
        Ok(descriptor) => {
            assert_eq!(value["size"].as_u64(), Some(descriptor.size));
            assert_eq!(value["digest"].as_str(), Some(descriptor.digest.to_string().as_str()));
            assert!(descriptor.media_type.as_str().bytes().all(|byte| !byte.is_ascii_uppercase()));
            for url in &descriptor.urls {
                assert!(value["urls"].as_array().is_some_and(|urls| urls.contains(&url.as_str().into())));
            }
        }
        Err(what) => assert!(!what.is_empty()),
    }
});
