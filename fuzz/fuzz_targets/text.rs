//! A server's text in a message: short, on one line, and plain text as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "its neighbours print numbers")]
#[path = "../../crates/cli/render/clean.rs"]
mod clean;

fuzz_target!(|text: &str| {
    // Escapes take up to ten characters, `\u{10ffff}`.
    fuzz::fits_a_line(&registry::fuzzing::shown(text), 3003);
    fuzz::fits_a_line(&auth::fuzzing::shown(text), 3002);
    fuzz::fits_a_line(&clean::clean(text), usize::MAX);
    if text.len() <= 300 && text.trim() == text && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        assert_eq!(registry::fuzzing::shown(text), text);
        assert_eq!(auth::fuzzing::shown(text), text);
        assert_eq!(clean::clean(text), text);
    }
});
