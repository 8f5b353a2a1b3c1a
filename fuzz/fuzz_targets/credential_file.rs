//! Docker's `config.json`, podman's `auth.json` and `~/.dockercfg`: read or refused, and never quoted.
#![no_main]

use auth::{Credential, fuzzing::look_up};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for registry in ["docker.io", "registry.example:5000", "[::1]:5000", "host.example"] {
        let (registry, repository) = (registry.parse().expect("a host"), "a/b/c".parse().expect("a name"));
        for legacy in [false, true] {
            match look_up(bytes, legacy, &registry, &repository) {
                Ok((Some(Credential::Basic { username, .. }), None)) => assert!(!username.contains(':')),
                Ok((Some(_), None) | (None, Some(_)) | (None, None)) => {}
                Ok((Some(_), Some(_))) => panic!("a credential and a helper"),
                // A key may be named, and a line; nothing that could be a password.
                Err(why) => {
                    let said = why.to_string();
                    let secret = said.contains("c4nary-in-a-value");
                    assert!(!secret, "{said}");
                }
            }
        }
    }
});
