//! Locations: which spelling names a registry and which a layout, and where the directory ends.
use reference::{Digest, LayoutForm, LayoutLocation, LayoutName, Location, RefName, Reference};

fn digest() -> Digest {
    Digest::sha256([0xab; 32])
}

fn layout(text: &str, dir: &str, name: Option<LayoutName>) {
    within(LayoutForm::Directory, text, dir, name);
}

fn within(form: LayoutForm, text: &str, dir: &str, name: Option<LayoutName>) {
    let expected = Location::Layout(LayoutLocation { form, dir: dir.into(), name });
    assert_eq!(text.parse(), Ok(expected), "{text}");
}

fn named(name: &str) -> LayoutName {
    LayoutName::RefName(RefName::new(name))
}

#[test]
fn all_spellings_of_a_registry_read_alike() {
    let expected: Reference = "ghcr.io/owner/app:v1".parse().unwrap();
    for text in ["ghcr.io/owner/app:v1", "docker://ghcr.io/owner/app:v1", "oci://ghcr.io/owner/app:v1"] {
        assert_eq!(text.parse(), Ok(Location::Registry(expected.clone())), "{text}");
    }
}

#[test]
fn short_names_are_docker_hub() {
    let expected: Reference = "docker.io/library/alpine".parse().unwrap();
    for text in ["alpine", "docker://alpine"] {
        assert_eq!(text.parse(), Ok(Location::Registry(expected.clone())), "{text}");
    }
}

#[test]
fn a_directory_ends_at_the_first_colon_and_the_rest_is_one_name() {
    layout("oci:images", "images", None);
    layout("oci:/srv/images:v1", "/srv/images", Some(named("v1")));
    layout("oci:images:team/app:v1", "images", Some(named("team/app:v1")));
    layout("oci:images:any text, even: this", "images", Some(named("any text, even: this")));
    layout("oci:images:v1@sha256:ab", "images", Some(named("v1@sha256:ab")));
    layout("oci:me@home:v1", "me@home", Some(named("v1")));
}

#[test]
fn an_entry_can_be_named_by_digest() {
    let by_digest = || Some(LayoutName::Digest(digest()));
    layout(&format!("oci:images:@{}", digest()), "images", by_digest());
    layout(&format!("oci:images@{}", digest()), "images", by_digest());
    layout(&format!("ocidir://images@{}", digest()), "images", by_digest());
}

#[test]
fn an_archive_ends_at_the_first_colon_as_a_directory_does() {
    let archive = |text: &str, file: &str, name| within(LayoutForm::Archive, text, file, name);
    archive("oci-archive:image.tar", "image.tar", None);
    archive("oci-archive:/srv/image.tar:team/app:v1", "/srv/image.tar", Some(named("team/app:v1")));
    let by_digest = || Some(LayoutName::Digest(digest()));
    archive(&format!("oci-archive:image.tar@{}", digest()), "image.tar", by_digest());
    archive(&format!("oci-archive:image.tar:@{}", digest()), "image.tar", by_digest());
}

#[test]
fn a_regclient_directory_ends_at_the_last_colon() {
    layout("ocidir://images", "images", None);
    layout("ocidir:///srv/images:v1", "/srv/images", Some(named("v1")));
    layout("ocidir://a:b:v1", "a:b", Some(named("v1")));
    layout("ocidir://a:b/c", "a:b/c", None);
    layout("ocidir://me@home:v1", "me@home", Some(named("v1")));
    let pinned = LayoutName::Pinned(RefName::new("v1"), digest());
    layout(&format!("ocidir://images:v1@{}", digest()), "images", Some(pinned));
}

#[test]
fn a_host_alone_is_no_image_of_docker_hub() {
    for text in [
        "registry.example",
        "registry.example:5000",
        "127.0.0.1:5000",
        "localhost",
        "docker://localhost:5000",
    ] {
        let error = text.parse::<Location>().unwrap_err();
        assert_eq!(error.kind, reference::ParseErrorKind::NoRepository, "{text}");
    }
    assert!("alpine:3.22".parse::<Location>().is_ok());
}

#[test]
fn a_layout_as_others_name_it_learns_how_it_is_named_here() {
    for text in ["oci-layout://dir:v1", "oci-layout:dir"] {
        let error = text.parse::<Location>().unwrap_err();
        assert_eq!((error.kind, error.at), (reference::ParseErrorKind::OciLayout, 0));
        assert!(error.hint().unwrap().contains("oci:DIR[:REF]"));
    }
}
