//! What a refused name looks like to the one who wrote it.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on stops"
)]
use reference::{Location, ParseError, Reference};

fn refuse(text: &str) -> ParseError {
    text.parse::<Location>().unwrap_err()
}

#[test]
fn the_caret_stands_under_the_character() {
    assert_eq!(
        refuse("localhost:5000/Team/app").pointed(),
        "localhost:5000/Team/app\n               ^ repository names are lower case\n\
         hint: only tags and host names may have upper-case letters"
    );
}

#[test]
fn the_caret_counts_characters_not_bytes() {
    let error = refuse("oci:öäü:");
    assert_eq!((error.at, error.character()), (11, 9));
    assert_eq!(error.pointed().lines().nth(1), Some("        ^ a ref name has to follow the colon"));
}

#[test]
fn control_characters_are_escaped_and_the_caret_follows() {
    let error = refuse("\u{1b}[31m\u{202e}/x");
    assert_eq!(error.pointed().lines().next(), Some("\\u{1b}[31m\\u{202e}/x"));
    let error = refuse("h.example/a\nb");
    assert_eq!(
        error.pointed().lines().nth(1),
        Some("           ^ this character has no place in a repository name")
    );
    let error = refuse("h.example/a:\u{7}\u{7}");
    assert!(!error.to_string().contains(char::is_control) && !error.pointed().contains('\u{7}'));
}

#[test]
fn a_message_is_one_line_with_reason_position_and_input() {
    let error = refuse("h.example/app:v1+b");
    assert_eq!(
        error.to_string(),
        "this character has no place in a tag, at character 17 of `h.example/app:v1+b`"
    );
}

#[test]
fn a_long_input_is_shown_around_the_character_only() {
    let error = refuse(&format!("h.example/{}A{}", "a".repeat(5000), "b".repeat(5000)));
    let drawn = error.pointed();
    let mut lines = drawn.lines();
    let (input, caret) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(input.len() < 200 && input.starts_with("..") && input.ends_with(".."), "{input}");
    assert_eq!(input.as_bytes()[caret.find('^').unwrap()], b'A');
    assert!(error.to_string().len() < 300);
}

#[test]
fn a_password_in_front_of_a_name_is_never_shown() {
    for text in [
        "https://user:s3cret@h.example/app",
        "user:s3cret@h.example/app",
        "docker://user:s3cret@h.example/app",
        "https://user:s3/cret@h.example/app@sha256:ab",
        "user:s3cret@h.example",
        "user:s3cret@localhost:5000",
    ] {
        let error = refuse(text);
        let said = format!("{error} {} {error:?}", error.pointed());
        assert!(!said.contains("cret") && said.contains("***@"), "{said}");
    }
}

#[test]
fn a_name_without_a_registry_learns_how_to_write_one() {
    let error = "alpine".parse::<Reference>().unwrap_err();
    assert!(error.hint().unwrap().contains("docker.io/library/NAME"));
}
