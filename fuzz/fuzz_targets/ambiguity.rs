//! Manifests built to be read in two ways: repeated keys, keys in another case, two kinds in one document.
#![no_main]

use std::collections::HashSet;

use arbitrary::Arbitrary;
use content::{FaultKind, Manifest};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
enum Key {
    SchemaVersion,
    MediaType,
    Config,
    Layers,
    Blobs,
    Manifests,
    Subject,
    Annotations,
    FsLayers,
    History,
    Other,
}

/// A member: its key, whose first letter may be a capital or an escape, and what is in it.
#[derive(Debug, Arbitrary)]
struct Member {
    key: Key,
    case: Case,
    full: bool,
    repeats_inside: bool,
}

#[derive(Debug, Arbitrary)]
enum Case {
    Plain,
    Capital,
    Escaped,
}

fuzz_target!(|members: Vec<Member>| {
    let written: Vec<String> = members.iter().map(write).collect();
    let text = format!("{{{}}}", written.join(","));
    let read =
        Manifest::read(text.clone().into(), Some("application/vnd.oci.image.manifest.v1+json"), None, None);
    let keys: Vec<String> = members.iter().map(meant).collect();
    let folded: HashSet<String> = keys.iter().map(|key| key.to_ascii_lowercase()).collect();
    let exact: HashSet<&String> = keys.iter().collect();
    let twice = exact.len() < keys.len() || members.iter().any(|member| member.full && member.repeats_inside);
    let odd = members
        .iter()
        .any(|member| matches!(member.case, Case::Capital) && !matches!(member.key, Key::Other));
    let parts = ["config", "layers", "blobs", "fslayers", "history"].iter().any(|key| folded.contains(*key));
    let both = folded.contains("manifests") && parts;
    // An image manifest was announced.
    let index = folded.contains("manifests");
    if twice || odd || both || index {
        let fault = read.expect_err(&text);
        assert!(matches!(fault.kind(), FaultKind::Untrue | FaultKind::Refused), "{fault:?}");
    } else {
        assert!(read.is_ok(), "{text}: {read:?}");
    }
});

fn name(key: &Key) -> &'static str {
    match key {
        Key::SchemaVersion => "schemaVersion",
        Key::MediaType => "mediaType",
        Key::Config => "config",
        Key::Layers => "layers",
        Key::Blobs => "blobs",
        Key::Manifests => "manifests",
        Key::Subject => "subject",
        Key::Annotations => "annotations",
        Key::FsLayers => "fsLayers",
        Key::History => "history",
        Key::Other => "other",
    }
}

/// The key that a reader of JSON sees.
fn meant(member: &Member) -> String {
    match member.case {
        Case::Capital => capital(name(&member.key)),
        Case::Plain | Case::Escaped => name(&member.key).to_owned(),
    }
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn write(member: &Member) -> String {
    let name = name(&member.key);
    let key = match member.case {
        Case::Plain => name.to_owned(),
        Case::Capital => capital(name),
        Case::Escaped => format!("\\u00{:02x}{}", name.as_bytes()[0], &name[1..]),
    };
    format!("\"{key}\":{}", value(member))
}

fn value(member: &Member) -> String {
    let digest = "0".repeat(64);
    let twice = if member.full && member.repeats_inside { r#""extra":1,"extra":1,"# } else { "" };
    let descriptor = format!(r#"{{{twice}"digest":"sha256:{digest}","size":5}}"#);
    match member.key {
        Key::SchemaVersion if twice.is_empty() => "2".to_owned(),
        Key::MediaType if twice.is_empty() => r#""application/vnd.oci.image.manifest.v1+json""#.to_owned(),
        Key::Config | Key::Subject if member.full => descriptor,
        Key::Layers | Key::Blobs | Key::Manifests if member.full => format!("[{descriptor}]"),
        _ if !twice.is_empty() => format!(r#"[{{{twice}"a":1}}]"#),
        _ => "null".to_owned(),
    }
}
