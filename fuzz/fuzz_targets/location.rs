//! Locations: `docker://`, `oci://`, `oci:`, `ocidir://` and `oci-archive:`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reference::{LayoutLocation, LayoutName, Location};

fuzz_target!(|text: &str| match text.parse::<Location>() {
    Ok(Location::Registry(reference)) => {
        let again = format!("docker://{reference}").parse();
        assert_eq!(again, Ok(Location::Registry(reference)));
    }
    Ok(Location::Layout(layout)) => check(text, layout),
    Err(why) => {
        assert!(why.at <= why.input.len(), "{why:?}");
        fuzz::fits_a_line(&why.to_string(), 4000);
    }
});

/// Nothing of the text is lost, and nothing is read twice.
fn check(text: &str, layout: LayoutLocation) {
    let dir = layout.dir.to_str().expect("it came from text");
    assert!(!dir.is_empty());
    let name = match &layout.name {
        None => String::new(),
        Some(LayoutName::RefName(name)) => format!(":{name}"),
        Some(LayoutName::Digest(digest)) => format!("@{digest}"),
        Some(LayoutName::Pinned(name, digest)) => format!(":{name}@{digest}"),
    };
    let scheme = if text.starts_with("ocidir://") { "ocidir://" } else { layout.form.scheme() };
    let written = format!("{scheme}{dir}{name}");
    // skopeo's `oci:DIR:@DIGEST` is the one thing with two spellings.
    let other = text.rsplit_once(":@").map(|(before, after)| format!("{before}@{after}"));
    assert!(text == written || other.as_ref() == Some(&written), "{text:?} became {written:?}");
}
