//! Authentication at a real `docker-registry`: by password file, and by tokens that it checks itself.
use serde_json::json;
use testkit::{Content, TokenServer, Tokens};

use crate::{
    registries::{distribution, write},
    transship,
};

/// A layout with one image of sixteen layers in the program's home.
fn seed(home: &std::path::Path) {
    let (content, root) = Content::fleet(1, 16, 10_000);
    content.write_layout(&home.join("images"), &[testkit::Entry::named(&root, "app:v1")]).unwrap();
}

fn basic(user: &str, password: &str) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    json!({"auth": STANDARD.encode(format!("{user}:{password}"))})
}

#[test]
fn a_password_file_lets_in_who_knows_the_password() {
    let source = distribution().htpasswd("ann", "canary-secret").start();
    let target = distribution().htpasswd("bob", "canary-other").start();
    let program = transship();
    seed(program.home());
    program.docker_config(&json!({"auths": {source.host(): basic("ann", "canary-secret")}}));
    program.run(&["copy", "oci:images:app:v1", &source.reference("app:v1")]).exits(0);
    let password = write(program.home(), "password", "canary-other\n");
    let (from, to) = (source.reference("app:v1"), target.host());
    let import = ["import", "--source", &from, "--target", &to, "--target-username", "bob"];
    program.run(&[&import[..], &["--target-password-file", &password]].concat()).exits(0);
    // Without, and with a wrong one.
    program.run(&["copy", &target.reference("app:v1"), "oci:elsewhere"]).exits(3);
    let wrong = write(program.home(), "wrong", "canary-secret\n");
    let import = [&import[..], &["--target-password-file", &wrong, "-t", "app:v2"]].concat();
    let before = target.writes().iter().filter(|line| line.contains(" 20")).count();
    program.run(&import).exits(3);
    assert_eq!(target.writes().iter().filter(|line| line.contains(" 20")).count(), before);
}

#[test]
fn tokens_are_asked_for_once_a_scope_set_by_get_and_by_refresh_token() {
    let tokens =
        TokenServer::start(Tokens::new().user("ann", "canary-secret").identity("identity-of-ann-canary"));
    let registry = distribution().tokens(&tokens).start();
    for login in [basic("ann", "canary-secret"), json!({"identitytoken": "identity-of-ann-canary"})] {
        let program = transship();
        seed(program.home());
        program.docker_config(&json!({"auths": {registry.host(): login}}));
        tokens.ledger().clear();
        program.run(&["copy", "oci:images:app:v1", &registry.reference("app:v1")]).exits(0);
        program.run(&["copy", &registry.reference("app:v1"), "oci:back:app:v1"]).exits(0);
        // One run pushes, the other pulls; each may ask once for reading and once for writing.
        assert!(tokens.ledger().all().len() <= 3, "{}", tokens.ledger());
        program.run(&["copy", &registry.reference("app:v1"), &registry.reference("other:v1")]).exits(0);
    }
}

#[test]
fn wrong_credentials_and_none_end_with_3() {
    let tokens = TokenServer::start(Tokens::new().user("ann", "canary-secret"));
    let registry = distribution().tokens(&tokens).start();
    let program = transship();
    seed(program.home());
    program.run(&["copy", "oci:images:app:v1", &registry.reference("app:v1")]).exits(3);
    program.docker_config(&json!({"auths": {registry.host(): basic("ann", "canary-wrong")}}));
    let run = program.run(&["copy", "oci:images:app:v1", &registry.reference("app:v1")]).exits(3);
    assert!(run.stderr.contains("config.json"), "{run}");
    let written = registry.writes();
    assert!(written.iter().all(|line| !line.contains("\" 20")), "{written:?}");
}

#[test]
fn a_token_without_credentials_is_good_for_pulls() {
    let tokens = TokenServer::start(Tokens::new().user("ann", "canary-secret").anonymous());
    let registry = distribution().tokens(&tokens).start();
    let program = transship();
    seed(program.home());
    let image = registry.reference("app:v1");
    let password = write(program.home(), "password", "canary-secret");
    let login = ["--target-username", "ann", "--target-password-file", &password];
    program.run(&[&["copy", "oci:images:app:v1", &image], &login[..]].concat()).exits(0);
    program.run(&["copy", &image, "oci:back:app:v1"]).exits(0);
    program.run(&["copy", "oci:images:app:v1", &registry.reference("other:v1")]).exits(3);
}
