//! The canary: a word that is part of every secret of the tests. Whatever prints it has betrayed a secret.
use base64::{Engine, engine::general_purpose::STANDARD};

/// Part of every password, identity token and signature.
pub const CANARY: &str = "canary";

/// A secret must be one that can be found again.
#[track_caller]
pub(crate) fn marked(secret: &str) -> &str {
    assert!(secret.contains(CANARY), "a secret of a test has {CANARY:?} in it: {secret:?}");
    secret
}

/// Fails if `text`, found in `place`, betrays a secret: as it is, turned round as a refresh token of the tests is, or
/// encoded for Basic. Tokens of the tests are JSON web tokens, which all begin alike.
#[track_caller]
pub fn unseen(text: &str, place: &str) {
    let turned: String = CANARY.chars().rev().collect();
    let mut forms = vec![CANARY.to_owned(), turned, "eyJ".to_owned()];
    forms.extend((0..3).map(encoded));
    if let Some(form) = forms.iter().find(|form| text.contains(form.as_str())) {
        panic!("{place} betrays a secret, by {form:?}:\n{text}");
    }
}

/// The canary as base64 has it after so many bytes, without the digits that depend on its neighbours.
fn encoded(before: usize) -> String {
    let code = STANDARD.encode(format!("{}{CANARY}", "x".repeat(before)));
    let first = (before * 8).div_ceil(6);
    let last = (before + CANARY.len()) * 8 / 6;
    code.chars().take(last).skip(first).collect()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        for name in ["", "a", "ab", "abc"] {
            let code = STANDARD.encode(format!("{name}:my-{CANARY}-word"));
            assert!(catch_unwind(|| unseen(&format!("Basic {code}"), "it")).is_err(), "{code}");
        }
        for text in ["x-canary", "?sig=canary&", "yranac", "Bearer eyJhbGciOi.x.y"] {
            assert!(catch_unwind(|| unseen(text, "it")).is_err(), "{text}");
        }
        unseen("nothing of the kind", "it");
    }
}
