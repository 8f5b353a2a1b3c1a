//! What a credential helper prints: the exit code in the first line, its output after it.
#![no_main]

use auth::{Credential, fuzzing::helper};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (code, output) = text.split_once('\n').unwrap_or(("0", text));
    let code = code.parse().unwrap_or(0);
    match helper(code, output) {
        Ok(Some(Credential::Basic { username, .. })) => assert!(!username.contains(':') && code == 0),
        Ok(Some(_)) => assert_eq!(code, 0),
        Ok(None) => {}
        Err(why) => {
            let line = why.to_string();
            fuzz::fits_a_line(&line, 4000);
            // Whatever looks like the answer to a question may hold a secret.
            assert!(!output.contains('{') || line.len() < 120, "{line}");
        }
    }
});
