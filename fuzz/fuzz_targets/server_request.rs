//! What our own server reads: a path, the target with its query, and a ref name, a line each.
#![no_main]

use std::path::Path;

use content::Descriptor;
use layout::Entry;
use libfuzzer_sys::fuzz_target;
use reference::RepositoryName;
use serde_json::json;
use server::fuzzing::{belonging, named_after, ref_name, route, values};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (path, target, name) = (next(), next(), next());
    if let Some(plain) = route(path) {
        assert_eq!(route(&plain), Some(plain.clone()), "{path:?}");
        assert!(!plain.contains("/../") && !plain.contains("//"), "{plain}");
    }
    if let Ok(uri) = target.parse() {
        for key in ["digest", "mount", "from", "n", "last", "tag"] {
            let _ = values(http::Uri::clone(&uri), key);
        }
    }
    if let Some(repository) = named_after(Path::new(name)) {
        assert!(repository.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
    let descriptor = json!({"digest": format!("sha256:{}", "0".repeat(64)), "size": 1,
        "annotations": {"org.opencontainers.image.ref.name": name}});
    let entry = Entry { descriptor: Descriptor::from_json(&descriptor).expect("a descriptor") };
    let fallback: RepositoryName = "fallback".parse().expect("a name");
    if let Some((repository, Some(tag))) = belonging(&entry, Some(&fallback)) {
        let full = ref_name(&repository, &tag);
        let without_host = name.split_once('/').filter(|(host, _)| host.contains(':')).map(|(_, rest)| rest);
        let known = [Some(name), without_host].contains(&Some(full.as_str()));
        assert!(known || full == format!("fallback:{name}"), "{name:?} became {full}");
    }
});
