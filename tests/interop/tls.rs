//! TLS with a private authority: trusted when told to, and never otherwise.
use testkit::Authority;

use crate::{
    debian,
    registries::{Registry, distribution, write},
    transship,
};

/// A registry with the Debian image, behind TLS.
fn source(authority: &Authority) -> Registry {
    let open = distribution().start();
    debian::push(&open.reference("debian"));
    distribution().over(open.stop()).tls(authority).start()
}

#[test]
fn debian_goes_between_tls_registries_with_a_private_authority() {
    let authority = Authority::new();
    let (source, target) = (source(&authority), distribution().tls(&authority).start());
    let (from, at, to) = (source.reference("debian:12"), source.host(), target.host());
    let import = ["import", "--source", &from, "--target", &to, "--tls", &at, "--tls", &to];

    let mut program = transship();
    let root = write(program.home(), "root.pem", authority.root_pem());
    let flags = ["--ca-file", &root, "-t", "by-flag:12"];
    program.run(&[&import[..], &flags].concat()).exits(0);
    program.set("SSL_CERT_FILE", &root);
    program.run(&[&import[..], &["-t", "by-environment:12"]].concat()).exits(0);
    program.run(&[&import[..], &["-t", "by-http2:12", "--http2"]].concat()).exits(0);
}

#[test]
fn an_authority_that_is_not_trusted_ends_with_3_and_names_the_host() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let target = distribution().tls(&authority).start();
    let program = transship();
    let root = write(program.home(), "root.pem", stranger.root_pem());
    let fixtures = format!("oci:{}/fixtures/images:hello:v1", env!("CARGO_MANIFEST_DIR"));
    let (host, image) = (target.host(), target.reference("hello:v1"));
    for trust in [&["--ca-file", root.as_str()][..], &[]] {
        let copy = ["copy", &fixtures, &image, "--tls", &host];
        let run = program.run(&[&copy[..], trust].concat()).exits(3);
        assert!(run.stderr.contains(&host), "{run}");
    }
    assert!(target.writes().is_empty());
}
