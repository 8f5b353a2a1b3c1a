//! The body of an importImage call (`--request`): a request or a usage error, and never a word of its password.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "a part of the binary, without what uses it")]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/cli/credential.rs"]
mod credential;
#[path = "../../crates/cli/import/mod.rs"]
mod import;
#[path = "../../crates/cli/usage.rs"]
mod usage;

fuzz_target!(|bytes: &[u8]| match import::body::read(bytes, import::ACR_SUFFIX) {
    Ok(request) => {
        for warning in &request.warnings {
            assert!(!warning.contains("c4nary"), "{warning}");
        }
        if let Some(origin) = request.origin() {
            let targets = request.settle(&origin, &mut Vec::new()).expect("it was settled once");
            assert!(!targets.is_empty(), "{request:?}");
        }
        assert!(!format!("{request:?}").contains("c4nary-password"), "a password in {request:?}");
    }
    Err(usage) => assert!(!format!("{usage} {:?}", usage.hint).contains("c4nary-password"), "{usage}"),
});
