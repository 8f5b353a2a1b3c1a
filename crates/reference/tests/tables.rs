//! Every row of the tables in `fixtures/references` holds.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on stops"
)]
mod common;

use reference::{Destination, Digest, Location, ParseError, Reference, Registry, RepositoryName, Tag};

type Reader = fn(&str) -> Result<String, ParseError>;

fn full(text: &str) -> Result<String, ParseError> {
    text.parse::<Reference>().map(|read| format!("{read:?}"))
}

fn short(text: &str) -> Result<String, ParseError> {
    Reference::familiar(text).map(|read| format!("{read:?}"))
}

/// The readers that a row names.
fn readers(name: &str) -> Vec<Reader> {
    match name {
        "full" => vec![full],
        "short" => vec![short],
        "both" => vec![full, short],
        "location" => vec![|text| text.parse::<Location>().map(|read| format!("{read:?}"))],
        "destination" => vec![|text| text.parse::<Destination>().map(|read| read.to_string())],
        "registry" => vec![|text| text.parse::<Registry>().map(|read| read.to_string())],
        "digest" => vec![|text| text.parse::<Digest>().map(|read| read.to_string())],
        "tag" => vec![|text| text.parse::<Tag>().map(|read| read.to_string())],
        _ => panic!("no reader is called {name:?}"),
    }
}

#[test]
fn good_names_mean_what_the_table_says() {
    for row in common::rows("goodies.tsv") {
        let [reader, input, registry, repository, tag, digest] = row.as_slice() else { panic!("{row:?}") };
        let expected = Reference {
            registry: registry.parse().unwrap(),
            repository: repository.parse().unwrap(),
            tag: some(tag).map(|tag| tag.parse().unwrap()),
            digest: some(digest).map(|digest| digest.parse().unwrap()),
        };
        assert_eq!(expected.registry.to_string(), *registry, "{input}");
        for read in readers(reader) {
            assert_eq!(read(input), Ok(format!("{expected:?}")), "{input}");
        }
        assert_eq!(
            expected.to_string().parse(),
            Ok(expected.clone()),
            "{input}: what is displayed reads back"
        );
    }
}

fn some(cell: &str) -> Option<&str> {
    Some(cell).filter(|cell| *cell != "-")
}

#[test]
fn ugly_names_are_refused_for_the_reason_in_the_table() {
    for row in common::rows("uglies.tsv") {
        let [reader, input, kind, offset, reason] = row.as_slice() else { panic!("{row:?}") };
        for read in readers(reader) {
            let error = read(input).expect_err(input);
            let actual = (format!("{:?}", error.kind), error.at.to_string(), error.kind.reason());
            assert_eq!(actual, (kind.clone(), offset.clone(), reason.as_str()), "{input:?}");
        }
    }
}

#[test]
fn every_kind_of_error_has_a_row() {
    let rows = common::rows("uglies.tsv");
    let source = include_str!("../src/kind.rs");
    let listed = source.split_once("pub enum ParseErrorKind {").unwrap().1.split_once("\n}").unwrap().0;
    for line in listed.lines().map(str::trim).filter(|line| !line.starts_with("///") && !line.is_empty()) {
        let kind = line.trim_end_matches(',');
        assert!(rows.iter().any(|row| row[2] == kind), "no row for {kind}");
    }
}

#[test]
fn a_repository_alone_may_look_like_anything_but_a_reference() {
    for good in ["app", "my.team/app", "localhost/app", &"a".repeat(64)] {
        assert_eq!(good.parse::<RepositoryName>().unwrap().as_str(), good);
    }
    for bad in ["", "app:v1", "app@x", "App", "/app"] {
        assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
    }
}
