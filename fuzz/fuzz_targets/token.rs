//! Bodies of token endpoints: a token fits a header and has a sane life; nothing that was sent is repeated.
#![no_main]

use std::time::Duration;

use auth::{
    Secret,
    fuzzing::{access_token, refresh_token, said},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    match access_token(body) {
        Ok((token, renew, end)) => {
            let text = token.expose();
            assert!(!text.is_empty() && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            assert!(renew <= end && end <= Duration::from_secs(3601), "{renew:?} {end:?}");
            assert!(end >= Duration::from_secs(1));
        }
        Err(what) => fuzz::fits_a_line(&what, 200),
    }
    match refresh_token(body) {
        Ok(token) => assert!(!token.is_empty()),
        Err(what) => fuzz::fits_a_line(&what, 200),
    }
    let line = said(body.to_vec(), &Secret::new("c4nary"));
    fuzz::fits_a_line(&line, 4000);
    assert!(!line.contains("c4nary"), "{line}");
});
