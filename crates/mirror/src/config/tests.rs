//! What configurations may hold, and what is said of those that make no sense.
use super::*;

/// One entry below a destination.
fn one(entry: &str) -> String {
    format!("version: 1\nto: inside.example\nimages:\n  - {}\n", entry.replace("; ", "\n    "))
}

fn refused(text: &str) -> (String, String) {
    let why = Config::read(text, "mirror.yaml").unwrap_err();
    assert!(!why.remedy.is_empty(), "{why}");
    (why.to_string(), why.remedy)
}

/// The refusal of one entry, at this line and column of the file.
fn refuses(entry: &str, spot: &str, what: &str) {
    let (said, _) = refused(&one(entry));
    assert!(said.starts_with(&format!("mirror.yaml:{spot}")), "{entry}: {said}");
    assert!(said.contains(what), "{entry}: {said}");
}

#[test]
fn a_configuration_says_what_is_to_be_where() {
    let text = r#"
version: 1
to: inside.example/mirror
immutable: ["v*"]
images:
  - from: docker.io/library/alpine
    tags: [latest, 3.20, "3.2*", {regex: "^v[0-9.]+$"}, {semver: ">=3.18, <4"}]
    exclude: ["*-rc*"]
    newest: 3
    since: 2026-01-01
    to: "inside.example/base/{name}:{tag}"
  - from: quay.io/team/app:v1
    immutable: true
  - from: registry.example
    repositories: ["team/**"]
    tags: ["*"]
    immutable: false
  - from: oci:some/dir
"#;
    let config = Config::read(text, "mirror.yaml").unwrap();
    let [alpine, app, registry, layout] = config.entries.as_slice() else { panic!("{config:?}") };
    let literals: Vec<_> = alpine.tags.iter().filter_map(crate::Pattern::literal).collect();
    // A number would have lost its zero.
    assert_eq!(literals, ["latest", "3.20"]);
    assert_eq!((alpine.tags.len(), alpine.newest, alpine.spot.line), (5, Some(3), 6));
    assert_eq!(alpine.since.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert!(alpine.is_immutable("v1") && !alpine.is_immutable("3.20"));
    assert!(app.is_immutable("latest") && !registry.is_immutable("v1"));
    assert!(matches!(&app.from, Origin::Image(name) if name.to_string() == "quay.io/team/app:v1"));
    assert!(matches!(&registry.from, Origin::Registry { repositories, .. } if repositories.len() == 1));
    assert!(matches!(&layout.from, Origin::Layout { .. }) && layout.tags.is_empty());
}

#[test]
fn an_unknown_field_is_refused_where_it_stands_and_told_what_fields_there_are() {
    let (said, remedy) = refused(&one("from: docker.io/library/alpine:3; tagz: [a]"));
    assert_eq!(said, "mirror.yaml:5:5: unknown field `tagz`");
    assert!(remedy.contains("tags") && remedy.contains("newest"), "{remedy}");
    let (said, _) = refused("version: 1\nimagez: []\n");
    assert!(said.starts_with("mirror.yaml:2:1: ") && said.contains("imagez"), "{said}");
}

#[test]
fn a_pattern_that_makes_no_sense_is_refused_where_it_stands() {
    refuses("from: quay.io/a/b; tags: [x, \"[a\"]", "5:15", "no glob");
    refuses("from: quay.io/a/b; tags:; - x; - {regex: \"(v\"}", "7:7", "no regular expression");
    refuses("from: quay.io/a/b; tags: [{semver: \"3.x.y.z\"}]", "5:12", "no range");
    refuses("from: quay.io/a/b; tags: [\"a/b\"]", "5:12", "no tag");
    refuses("from: quay.io/a/b; tags: [{glob: \"x\"}]", "5:", "{regex: ...}");
    refuses("from: quay.io/a/b; tags: [x]; exclude: [\"{\"]", "6:15", "no glob");
    refuses("from: quay.io; repositories: [\"[\"]; tags: [x]", "5:20", "no glob");
    refuses("from: quay.io/a/b; tags: [x]; platforms: [linux]", "6:17", "no platform");
    refuses("from: quay.io/a/b; tags: [x]; since: tomorrow", "6:12", "no date");
    refuses("from: quay.io/a/b; tags: [x]; newest: 0", "6:13", "newest 0");
    refuses("from: quay.io/a/b; tags: [x]; newest: -1", "6:13", "");
    refuses("from: quay.io/a/b; tags: [x]; immutable: 3", "6:", "");
}

#[test]
fn a_source_that_cannot_be_is_refused() {
    refuses("from: alpine; tags: [x]", "4:11", "host");
    refuses("from: quay.io/Team/app:x", "4:11", "lower case");
    refuses("from: quay.io", "4:11", "whole registry");
    refuses("from: quay.io/a/b", "4:11", "no tag is named");
    refuses("from: quay.io/a/b; tags: []", "5:11", "no tag is named");
    refuses("from: quay.io/a/b:v1; tags: [v1]", "5:11", "one image already");
    refuses("from: quay.io/a/b; repositories: [x]; tags: [x]", "5:19", "a repository already");
    refuses("from: quay.io; repositories: []; tags: [x]", "5:19", "no repository");
}

#[test]
fn a_destination_that_cannot_be_is_refused() {
    refuses("from: quay.io/a/b:v1; to: \"inside.example/{image}\"", "5:9", "{image}");
    refuses("from: quay.io/a/b:v1; to: inside", "5:9", "inside");
    refuses("from: quay.io/a/b:v1; to: \"inside.example/Up:{tag}\"", "5:9", "lower case");
    let (said, remedy) = refused("version: 1\nimages: [{from: quay.io/a/b:v1}]\n");
    assert!(said.starts_with("mirror.yaml:2:10: ") && remedy.contains("to:"), "{said} {remedy}");
}

#[test]
fn what_is_no_configuration_at_all_is_refused() {
    for (text, spot) in [
        ("version: 2\nimages: [{from: quay.io/a/b:v1, to: x.example}]\n", "1:10"),
        ("version: 1\nimages: []\n", "2:9"),
        ("version: 1\nversion: 1\nimages: []\n", "2:1"),
        ("version: 1\nimages: [\n", ""),
        ("images: [{from: quay.io/a/b:v1, to: x.example}]\n", "1:1"),
        ("- a\n", "1:1"),
        ("", ""),
    ] {
        let (said, _) = refused(text);
        assert!(said.starts_with(&format!("mirror.yaml:{spot}")), "{text:?}: {said}");
    }
}

#[test]
fn two_images_for_one_destination_are_refused_with_both_lines() {
    let (said, remedy) = refused(&one("from: docker.io/team/app:v1; \n  - from: quay.io/team/app:v1"));
    assert!(said.contains("two images") && said.contains("quay.io/team/app:v1"), "{said}");
    assert!(said.contains("line 4") && remedy.contains("{registry}"), "{said} {remedy}");
    let same = one("from: quay.io/team/app:v1; \n  - from: quay.io/team/app; tags: [v1, v2]");
    assert!(Config::read(&same, "mirror.yaml").is_ok(), "the same image twice is one");
}

#[test]
fn any_number_of_digests_go_to_one_repository() {
    let line = |hex: &str| format!("  - from: a.example/app@sha256:{}\n", hex.repeat(64));
    let text = format!("version: 1\nto: b.example\nimages:\n{}{}", line("0"), line("1"));
    Config::read(&text, "mirror.yaml").unwrap();
}

#[test]
fn mirrors_that_lead_back_to_where_they_began_are_refused() {
    for entries in [
        "from: a.example/x:v1; to: \"b.example/x:{tag}\"; \n  - from: b.example/x:v1; to: \"a.example/x:{tag}\"",
        "from: a.example/x; tags: [\"*\"]; to: b.example; \n  - from: b.example/x:v1; to: a.example",
        "from: a.example/x:v1; to: b.example; \n  - from: b.example; repositories: [\"*\"]; tags: [v1]; to: a.example",
        "from: a.example; repositories: [\"**\"]; tags: [v1]; to: b.example/m; \n  - from: b.example/m/x:v1; to: c.example; \n  - from: c.example/m/x:v1; to: a.example",
        "from: a.example; repositories: [\"**\"]; tags: [v1]; to: a.example/m",
        "from: a.example/x; tags: [\"*\"]; to: \"a.example/x:{tag}\"",
        "from: a.example/x:v1; to: \"a.example/x:v1\"",
        "from: oci:dir; to: oci:dir",
    ] {
        let (said, _) = refused(&one(entries));
        assert!(said.contains("comes back"), "{entries}: {said}");
    }
}

#[test]
fn mirrors_that_go_one_way_are_not_refused() {
    for entries in [
        "from: a.example/x:v1; to: b.example; \n  - from: b.example/x:v1; to: c.example",
        "from: a.example/x:v1; to: \"a.example/x:v2\"",
        "from: a.example; repositories: [\"team/**\"]; tags: [v1]; to: a.example/m",
        "from: a.example/x:v1; to: \"b.example/x:{tag}\"; \n  - from: b.example/x:v2; to: \"a.example/x:{tag}\"",
        "from: oci:dir; to: oci:other",
    ] {
        Config::read(&one(entries), "mirror.yaml").unwrap();
    }
}
