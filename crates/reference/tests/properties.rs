//! What holds for every name, good or bad.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on stops")]
use proptest::prelude::*;
use reference::{Destination, Digest, Location, ParseError, Reference, Registry, RepositoryName, Tag};

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?(\\.[a-z]([a-z0-9-]{0,8}[a-z0-9])?){1,3}",
        "localhost",
        any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
        any::<[u16; 8]>().prop_map(|groups| format!("[{}]", std::net::Ipv6Addr::from(groups))),
        Just("registry-1.docker.io".to_owned()),
    ]
}

fn registry() -> impl Strategy<Value = String> {
    (host(), prop_oneof![Just(None), (1_u16..).prop_map(Some)])
        .prop_map(|(host, port)| port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

fn repository() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}(/[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}){0,3}"
}

fn ending() -> impl Strategy<Value = String> {
    ("(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?", "(@sha256:[0-9a-f]{64}|@sha512:[0-9a-f]{128})?")
        .prop_map(|(tag, digest)| tag + &digest)
}

/// Text that looks enough like a name to get past the first check.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-cA-C0-2.:/@_\\[\\]%-]{0,30}",
        "(docker://|oci://|oci:|ocidir://|https://|dir:)?[a-c.:/@\u{e9}\u{1b}-]{0,20}(@sha256:[0-9a-f]{0,70})?",
        any::<String>(),
    ]
}

/// An error points into its input, and can be shown on any terminal.
fn is_sound(error: &ParseError) {
    assert!(error.input.is_char_boundary(error.at), "{error:?}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
    assert!(!error.pointed().replace('\n', "").contains(char::is_control), "{error:?}");
    assert!(error.pointed().lines().count() <= 3, "{error:?}");
}

proptest! {
    #[test]
    fn a_good_reference_reads_back_from_its_display(
        registry in registry(), repository in repository(), ending in ending(),
    ) {
        let read: Reference = [&*registry, "/", &*repository, &*ending].concat().parse().unwrap();
        prop_assert_eq!(read.to_string().parse::<Reference>(), Ok(read.clone()));
        prop_assert_eq!(Reference::familiar(&read.to_string()), Ok(read.clone()));
        let end = repository + &ending;
        prop_assert!(read.to_string().ends_with(&end));
    }

    #[test]
    fn whatever_is_read_reads_back_from_its_display(text in nearly()) {
        if let Ok(read) = Reference::familiar(&text) {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
        if let Ok(read) = text.parse::<Destination>() {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
        if let Ok(read) = text.parse::<Registry>() {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
    }

    #[test]
    fn both_readers_agree_on_full_names(text in nearly()) {
        if let Ok(read) = text.parse::<Reference>() {
            prop_assert_eq!(Reference::familiar(&text), Ok(read));
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic_or_point_outside(text in nearly()) {
        let errors = [
            text.parse::<Reference>().err(),
            Reference::familiar(&text).err(),
            text.parse::<Location>().err(),
            text.parse::<Destination>().err(),
            text.parse::<Registry>().err(),
            text.parse::<RepositoryName>().err(),
            text.parse::<Tag>().err(),
            text.parse::<Digest>().err(),
        ];
        errors.iter().flatten().for_each(is_sound);
    }
}
