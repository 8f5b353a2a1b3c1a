//! Names that nobody wrote: what stands in for them, and what is said where nothing does.
use std::fs;

use testkit::{Content, Registry};

use crate::{
    referrers::{Signed, written},
    transship,
};

#[test]
fn an_image_whose_source_has_no_tag_arrives_without_one_and_the_run_says_how_to_give_it_one() {
    let (content, root) = Content::fleet(1, 1, 100);
    let (source, target, program) =
        (Registry::with(&content, &root, "app:v1"), Registry::start(), transship());
    let pinned = source.reference(&format!("app@{}", root.digest));
    // As skopeo and crane write it: its one entry has no name.
    let quiet = program.run(&["copy", &pinned, "oci-archive:sko.tar"]).exits(0);
    assert!(!quiet.stderr.contains("warning"), "a layout keeps it so: {quiet}");
    for from in [pinned.as_str(), "oci-archive:sko.tar"] {
        target.ledger().clear();
        let (to, named) = (target.reference("x"), target.reference("x:TAG"));
        let run = program.run(&["copy", from, &to]).exits(0);
        assert!(run.stderr.contains("warning: ") && run.stderr.contains(&named), "{from}: {run}");
        let document = program.run(&["copy", "-o", "json", from, &to]).exits(0).json();
        assert!(document["warnings"][0].as_str().unwrap().contains(&named), "{document}");
        assert!(written(&target).iter().all(|path| !path.ends_with("/latest")), "{:?}", written(&target));
        for named in [target.reference("x:v1"), target.reference(&format!("x@{}", root.digest))] {
            let run = program.run(&["copy", from, &named]).exits(0);
            assert!(!run.stderr.contains("warning"), "{named}: {run}");
        }
    }
    let left = fs::read_to_string(target.dir().join("index.json")).unwrap();
    assert!(left.contains("x:v1") && !left.contains("x:latest"), "{left}");
}

#[test]
fn an_archive_as_podman_saves_it_gives_its_tag() {
    let (content, root) = Content::fleet(1, 1, 100);
    let (source, target, program) =
        (Registry::with(&content, &root, "app:v1"), Registry::start(), transship());
    let saved = "oci-archive:ps.tar:localhost:6000/team/real2:v1";
    program.run(&["copy", &source.reference("app:v1"), saved]).exits(0);
    for (from, to) in [("oci-archive:ps.tar", "only"), (saved, "named")] {
        program.run(&["copy", from, &target.reference(to)]).exits(0);
        assert_eq!(*written(&target).last().unwrap(), format!("/v2/{to}/manifests/v1"), "{from}");
    }
}

#[test]
fn what_is_about_an_image_does_not_count_where_the_only_image_of_a_layout_is_meant() {
    let signed = Signed::new();
    let (source, target, program) = (signed.at(true), Registry::start(), transship());
    program.run(&["copy", "--referrers", &source.reference("app:v1"), "oci:between"]).exits(0);
    let index = fs::read_to_string(program.home().join("between/index.json")).unwrap();
    assert!(index.contains(".sig") && index.contains(&signed.by_subject[0].digest.to_string()), "{index}");
    program.run(&["copy", "oci:between", &target.reference("x")]).exits(0);
    assert_eq!(written(&target).last().unwrap(), "/v2/x/manifests/v1");
    // As oras writes it: each platform is an entry too, without a name.
    let child = source.reference(&format!("app@{}", signed.child.digest));
    program.run(&["copy", &child, "oci:between"]).exits(0);
    program.run(&["copy", "oci:between", &target.reference("z")]).exits(0);
    assert_eq!(written(&target).last().unwrap(), "/v2/z/manifests/v1");
    // A signature alone is what is meant.
    program.run(&["copy", &source.reference("app:any0"), "oci:alone"]).exits(0);
    program.run(&["copy", "oci:alone", &target.reference("y")]).exits(0);

    program.run(&["copy", &source.reference("app:v1"), "oci:between:app:v2"]).exits(0);
    let several = program.run(&["copy", "oci:between", &target.reference("x")]).exits(2);
    assert!(several.stderr.contains("holds 2 images") && !several.stderr.contains(".sig"), "{several}");
    several.says("oci:between:app:v1, oci:between:app:v2");
}
