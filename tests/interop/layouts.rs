//! Layouts: others read ours, we read theirs, and a round trip changes no byte.
use crate::{
    clients::{digest_of, oras, skopeo},
    debian,
    registries::distribution,
    transship,
};

#[test]
fn debian_goes_into_a_layout_and_out_again_and_skopeo_and_oras_read_it() {
    let (source, target) = (distribution().start(), distribution().start());
    debian::push(&source.reference("debian"));
    let program = transship();
    let dir = program.home().join("images");
    let dir = dir.to_str().unwrap();
    program.run(&["import", "--source", &source.reference("debian:12"), "--target", "oci:images"]).exits(0);
    program.run(&["copy", &source.reference("debian:12"), "oci:images:v12"]).exits(0);
    program.run(&["import", "--source", "oci:images:debian:12", "--target", &target.host()]).exits(0);
    let sent = digest_of(&format!("docker://{}", source.reference("debian:12")));
    assert_eq!(sent, digest_of(&format!("docker://{}", target.reference("debian:12"))));

    assert_eq!(sent, digest_of(&format!("oci:{dir}:debian:12")));
    let theirs = tempfile::tempdir().unwrap();
    let to = format!("oci:{}/skopeo:copied", theirs.path().display());
    skopeo(&["copy", "-q", "--all", &format!("oci:{dir}:debian:12"), &to]);
    assert_eq!(sent, digest_of(&to));
    let fetched = oras(&["manifest", "fetch", "--oci-layout", "--descriptor", &format!("{dir}:v12")]);
    let fetched = String::from_utf8(fetched.stdout).unwrap();
    assert!(fetched.contains(&sent.to_string()), "{fetched}");
    let pushed = target.reference("by-oras:12");
    oras(&["copy", "--from-oci-layout", &format!("{dir}:v12"), "--to-plain-http", &pushed]);
    assert_eq!(sent, digest_of(&format!("docker://{pushed}")));
}

#[test]
fn we_read_the_layouts_of_skopeo_and_oras() {
    let (source, target) = (distribution().start(), distribution().start());
    debian::push(&source.reference("debian"));
    let image = source.reference("debian:12");
    let sent = digest_of(&format!("docker://{image}"));
    let program = transship();
    let dir = program.home().display();
    let by_skopeo = format!("oci:{dir}/by-skopeo:debian:12");
    skopeo(&["copy", "-q", "--all", "--src-tls-verify=false", &format!("docker://{image}"), &by_skopeo]);
    program
        .run(&["import", "--source", &by_skopeo, "--target", &target.host(), "-t", "by-skopeo:12"])
        .exits(0);
    assert_eq!(sent, digest_of(&format!("docker://{}", target.reference("by-skopeo:12"))));
    oras(&["copy", "--from-plain-http", &image, "--to-oci-layout", &format!("{dir}/by-oras:12")]);
    program.run(&["copy", &format!("oci:{dir}/by-oras:12"), &target.reference("by-oras:12")]).exits(0);
    assert_eq!(sent, digest_of(&format!("docker://{}", target.reference("by-oras:12"))));
}
