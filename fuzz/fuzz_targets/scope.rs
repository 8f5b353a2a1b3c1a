//! Scopes: `type:name:actions`.
#![no_main]

use auth::Scope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(scope) = Scope::parse(text) {
        assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
    }
});
